package io.github.medpsy4j.gguf;

import java.io.IOException;
import java.io.Serial;

/**
 * A GGUF file that cannot be read, or whose content is not what the format or the caller demands. The message is meant
 * for users: {@code path: offset N: what; expected X, got Y}, where N counts bytes from the start of the file.
 */
public class GgufException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Characters of a name from a file that a message repeats. */
    private static final int QUOTED_LENGTH_MAX = 80;

    public GgufException(String message) {
        super(message);
    }

    public GgufException(String message, Throwable cause) {
        super(message, cause);
    }

    static GgufException at(Object path, long offset, String what, String expected, Object got) {
        return new GgufException(path + ": offset " + offset + ": " + what + "; expected " + expected + ", got " + got);
    }

    /** A text from a file made fit for one line of a message: cut short, control characters replaced. */
    static String quote(String text) {
        boolean cut = text.length() > QUOTED_LENGTH_MAX;
        StringBuilder quoted = new StringBuilder();
        for (int i = 0; i < (cut ? QUOTED_LENGTH_MAX : text.length()); i++) {
            char c = text.charAt(i);
            quoted.append(Character.isISOControl(c) ? '\uFFFD' : c);
        }
        return quoted.append(cut ? "…" : "").toString();
    }
}
