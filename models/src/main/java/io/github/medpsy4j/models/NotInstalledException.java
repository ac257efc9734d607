package io.github.medpsy4j.models;

/** The file is not in the store, and nothing may be pulled. */
public final class NotInstalledException extends ModelsException {
    private static final long serialVersionUID = 1L;

    NotInstalledException(String message) {
        super(message);
    }
}
