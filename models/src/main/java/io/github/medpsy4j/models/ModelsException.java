package io.github.medpsy4j.models;

import java.io.IOException;

/** A model could not be had, for a reason that its subclass names and its message tells a user in one line. */
public abstract sealed class ModelsException extends IOException
        permits ModelBusyException,
                NotEnoughMemoryException,
                NotEnoughSpaceException,
                NotInstalledException,
                SourceUnavailableException,
                TransferInterruptedException,
                WrongContentException {
    private static final long serialVersionUID = 1L;

    ModelsException(String message) {
        super(message);
    }

    ModelsException(String message, Throwable cause) {
        super(message, cause);
    }
}
