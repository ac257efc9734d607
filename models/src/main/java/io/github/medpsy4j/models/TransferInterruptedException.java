package io.github.medpsy4j.models;

/** A source gave part of the file and then no more. What came is kept, and the next pull goes on from there. */
public final class TransferInterruptedException extends ModelsException {
    private static final long serialVersionUID = 1L;

    TransferInterruptedException(String message, Throwable cause) {
        super(message, cause);
    }
}
