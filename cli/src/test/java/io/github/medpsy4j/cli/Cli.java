package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Runs the command in this process, far from the network, and looks at what came of it. */
final class Cli {
    /** A random model of the qwen3 architecture with 1,024 tokens, whose answers are gibberish. */
    static final String TINY = tiny();

    private final Map<String, String> environment = new HashMap<>();
    private byte[] in = {};
    private boolean isInTerminal;

    /** @param home the folder for data */
    Cli(Path home) {
        environment.put("MEDPSY_HOME", home.toString());
        // Nothing listens there, and without PATH no pip is found: a pull fails at once.
        environment.put("HF_ENDPOINT", "http://127.0.0.1:9");
        // Other programs' models on the machine of the tests are none of their business.
        environment.put("HOME", home.resolve("user").toString());
        environment.put("OLLAMA_MODELS", home.resolve("ollama").toString());
    }

    /** What a run printed and returned. */
    record Result(int code, String out, String err) {
        /** Checks a run that ended well; returns its stdout. */
        String ok() {
            assertEquals(0, code, err);
            return out;
        }

        /** Checks a run that failed with one line. */
        void failed(int expectedCode, String expectedMessage) {
            assertEquals("medpsy: " + expectedMessage + "\n", err);
            assertEquals(expectedCode, code);
            assertEquals("", out);
        }

        /** Checks a run that failed with a last line after others. */
        void failedAtLast(int expectedCode, String expectedMessage) {
            assertTrue(err.endsWith("\nmedpsy: " + expectedMessage + "\n"), err);
            assertEquals(expectedCode, code);
        }
    }

    Cli with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    Cli in(String text) {
        return in(text.getBytes(StandardCharsets.UTF_8));
    }

    Cli in(byte[] bytes) {
        in = bytes;
        return this;
    }

    Cli inTerminal() {
        isInTerminal = true;
        return this;
    }

    Result run(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        StringWriter err = new StringWriter();
        int code = run(new ByteArrayInputStream(in), out, err, args);
        return new Result(code, out.toString(StandardCharsets.UTF_8), err.toString());
    }

    int run(InputStream stdin, OutputStream stdout, StringWriter stderr, String... args) {
        return Main.run(
                new Terminal(
                        stdin,
                        new StdoutStream(stdout),
                        new PrintWriter(stderr),
                        environment,
                        isInTerminal,
                        isInTerminal,
                        isInTerminal),
                args);
    }

    /** A copy of the tiny model of which a text is replaced by one of the same length. */
    static Path tinyWith(Path folder, String text, String replacement) throws IOException {
        assertEquals(text.length(), replacement.length());
        String all = Files.readString(Path.of(TINY), StandardCharsets.ISO_8859_1);
        assertTrue(all.contains(text));
        Path copy = folder.resolve("changed.gguf");
        Files.writeString(copy, all.replace(text, replacement), StandardCharsets.ISO_8859_1);
        return copy;
    }

    private static String tiny() {
        try {
            return Path.of(Cli.class.getResource("/tiny-q4_k_m.gguf").toURI()).toString();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
