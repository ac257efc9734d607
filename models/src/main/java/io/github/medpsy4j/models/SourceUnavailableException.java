package io.github.medpsy4j.models;

/** No source gave the file: none answered, or each refused. No byte of it came; another model may be had. */
public final class SourceUnavailableException extends ModelsException {
    private static final long serialVersionUID = 1L;

    SourceUnavailableException(String message) {
        super(message);
    }

    SourceUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
