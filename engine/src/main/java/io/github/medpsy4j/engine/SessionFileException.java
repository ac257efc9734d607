package io.github.medpsy4j.engine;

import java.io.IOException;

/**
 * A saved conversation or cache that cannot be used: damaged, of another format or of another model. The message is one
 * line that says which. The file is left as it is.
 */
public final class SessionFileException extends IOException {
    private static final long serialVersionUID = 1;

    SessionFileException(String message) {
        super(message);
    }
}
