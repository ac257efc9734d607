package io.github.medpsy4j.cli;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * What surrounds a run of the command: its streams, what they are connected to, and the environment. Text on all of them
 * is UTF-8, whatever the platform's own encoding is.
 *
 * @param in stdin
 * @param out stdout, for results only; buffered
 * @param err stderr, for everything else; buffered
 * @param environment the environment variables
 * @param inIsTerminal whether a person types on stdin
 * @param outIsTerminal whether a person reads stdout
 * @param errIsTerminal whether a person reads stderr
 */
record Terminal(
        InputStream in,
        OutputStream out,
        PrintWriter err,
        Map<String, String> environment,
        boolean inIsTerminal,
        boolean outIsTerminal,
        boolean errIsTerminal) {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    /** The streams of this process. */
    static Terminal ofProcess() {
        boolean descriptors = Files.isDirectory(DESCRIPTORS);
        boolean both = !descriptors && areInAndOutTerminals();
        return new Terminal(
                System.in,
                new StdoutStream(new FileOutputStream(FileDescriptor.out)),
                new PrintWriter(
                        new OutputStreamWriter(new FileOutputStream(FileDescriptor.err), StandardCharsets.UTF_8)),
                System.getenv(),
                descriptors ? isTerminal(0) : both,
                descriptors ? isTerminal(1) : both,
                descriptors ? isTerminal(2) : both);
    }

    /** All that the JDK tells; Linux tells of each stream. */
    @SuppressWarnings("SystemConsoleNull") // it is null again since JDK 25, where one of the two is no terminal
    private static boolean areInAndOutTerminals() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    private static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(DESCRIPTORS.resolve(String.valueOf(descriptor)))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException closed) {
            return false;
        }
    }

    /** Tells the user something, on stderr. It may quote a file or a server. */
    void say(String line) {
        err.println("medpsy: " + harmless(line));
        err.flush();
    }

    /** Text of a model, a file or a server must not steer the terminal. */
    static String harmless(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c) && c != '\n' && c != '\t') {
                return text.replaceAll("[\\p{Cc}&&[^\\n\\t]]", "\uFFFD");
            }
        }
        return text;
    }

    /** Writes a result to stdout, unflushed. */
    void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** All of stdin as text, unchanged. */
    String readAll() throws IOException, Failure {
        byte[] bytes;
        try {
            bytes = in.readAllBytes();
        } catch (IOException e) {
            throw new Failure("stdin: " + e.getMessage(), e);
        }
        return Utf8.decode("stdin", bytes);
    }

    /** Whether a person sits at this process's own terminal, and it can do more than print lines. */
    boolean isScreen() {
        boolean isWindows =
                System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
        String type = environment.getOrDefault("TERM", isWindows ? "windows" : "dumb");
        return in.equals(System.in) && inIsTerminal && outIsTerminal && !type.equals("dumb") && !type.isEmpty();
    }

    /** Whether stderr shows colours. */
    boolean errHasStyle() {
        return errIsTerminal && showsStyles();
    }

    /** Whether a terminal of this environment shows styles, and may. */
    boolean showsStyles() {
        return environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !environment.getOrDefault("TERM", "").equals("dumb");
    }

    /** Faint text on a terminal that has it, else the text. */
    String faint(String text) {
        return errHasStyle() ? "\u001b[2m" + text + "\u001b[22m" : text;
    }
}
