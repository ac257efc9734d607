package io.github.medpsy4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Texts that a user names by {@code -} (stdin) or a path. */
final class Inputs {
    private static final long FILE_BYTES_MAX = 1L << 30;

    private Inputs() {}

    /** The whole text of stdin or a file, unchanged. */
    static String read(Terminal terminal, String dashOrPath) throws IOException, Failure {
        if (dashOrPath.equals("-")) {
            return terminal.readAll();
        }
        Path path = path(dashOrPath);
        return Utf8.decode(path.toString(), Files.readAllBytes(path));
    }

    /** A file that can be read as a whole. */
    static Path path(String text) throws IOException, Failure {
        Path path = Path.of(text);
        if (Files.isDirectory(path)) {
            throw new Failure(path + ": is a directory; expected a file");
        }
        long size = Files.size(path);
        if (size > FILE_BYTES_MAX) {
            throw new Failure(path + ": too large; expected at most " + FILE_BYTES_MAX + " bytes, got " + size);
        }
        return path;
    }

    /** What messages call it. */
    static String nameOf(String dashOrPath) {
        return dashOrPath.equals("-") ? "stdin" : dashOrPath;
    }
}
