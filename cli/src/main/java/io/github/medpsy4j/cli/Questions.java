package io.github.medpsy4j.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Questions to a person on stderr, answered by a line on stdin. Not a byte behind that line is read. */
final class Questions {
    private static final int ANSWER_BYTES_MAX = 4096;

    private Questions() {}

    /** Whether somebody is there to answer. */
    static boolean canAsk(Terminal terminal) {
        return terminal.inIsTerminal() && terminal.errIsTerminal();
    }

    /** Asks; returns the answer, or an empty text at the end of the input. */
    static String ask(Terminal terminal, String question) throws IOException {
        terminal.err().print("medpsy: " + question + " ");
        terminal.err().flush();
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int b = terminal.in().read();
        while (b >= 0 && b != '\n' && line.size() < ANSWER_BYTES_MAX) {
            line.write(b);
            b = terminal.in().read();
        }
        if (b < 0) {
            terminal.err().println();
        }
        return line.toString(StandardCharsets.UTF_8).strip();
    }
}
