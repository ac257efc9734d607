package io.github.medpsy4j.engine;

import java.io.IOException;

/** A well-formed GGUF file that this engine cannot run: what is missing, of the wrong shape or unsupported, by name. */
public final class ModelException extends IOException {
    private static final long serialVersionUID = 1;

    public ModelException(String message) {
        super(message);
    }

    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
