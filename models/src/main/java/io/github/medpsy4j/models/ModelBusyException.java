package io.github.medpsy4j.models;

/** Another process, or another thread of this one, is at work on the same file. */
public final class ModelBusyException extends ModelsException {
    private static final long serialVersionUID = 1L;

    ModelBusyException(String message) {
        super(message);
    }
}
