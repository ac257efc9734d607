package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @TempDir
    Path home;

    private Cli.Result run(String... args) {
        return new Cli(home).run(args);
    }

    @Test
    void versionIsOneLineOnStdout() {
        Cli.Result result = run("--version");
        assertTrue(result.ok().matches("medpsy \\S+ \\(Java \\d+, .+\\)\\R"), result.out());
        assertEquals("", result.err());
    }

    @Test
    void helpNamesTheEnvironmentAndTheCommands() {
        String help = run("--help").ok();
        assertTrue(help.contains("MEDPSY_HOME"), help);
        assertTrue(help.contains("  tokenize    Turn a text into token ids.\n"), help);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "chat",
                "run",
                "serve",
                "pull",
                "list",
                "show",
                "rm",
                "bench",
                "tokenize",
                "template",
                "logits",
                "completion"
            })
    void everyCommandExplainsItselfWithExamples(String command) {
        Cli.Result result = run(command, "--help");
        assertTrue(result.ok().contains("Usage: medpsy " + command), result.out());
        assertTrue(result.out().contains("\nExamples:\n  "), result.out());
        assertTrue(result.out().lines().allMatch(l -> l.length() <= 80), result.out());
        assertEquals("", result.err());
        assertEquals(run("--version").ok(), run(command, "--version").ok());
    }

    @Test
    void aMistypedCommandIsAUsageErrorThatSuggests() {
        run("rnu").failed(2, "'rnu': no such command; did you mean run? (see medpsy --help)");
        run("frobnicate").failed(2, "'frobnicate': no such command (see medpsy --help)");
    }

    @Test
    void aModelInPlaceOfACommandIsToldWhereItGoes() {
        run("medpsy-4b")
                .failed(2, "'medpsy-4b': no such command; did you mean medpsy chat medpsy-4b? (see medpsy --help)");
    }

    @Test
    void aMistypedOptionIsAUsageErrorThatSuggests() {
        run("run", "--tmp", "1").failed(2, "'--tmp': no such option; did you mean --temp? (see medpsy run --help)");
        run("--no-such-option").failed(2, "'--no-such-option': no such option (see medpsy chat --help)");
    }

    @Test
    void withoutACommandItChats() {
        Cli.Result result =
                new Cli(home).with("MEDPSY_MODEL", Cli.TINY).in("Hi\n").run("--temp", "0", "-n", "3", "-q");
        assertEquals(
                result.ok(),
                new Cli(home)
                        .in("Hi\n")
                        .run("chat", Cli.TINY, "--temp", "0", "-n", "3", "-q")
                        .ok());
        assertFalse(result.out().isBlank());
    }

    @Test
    void aFailureShowsItsStackTraceOnlyWhenAsked() {
        run("show", "nowhere/x.gguf").failed(1, "nowhere/x.gguf: cannot read; expected a GGUF file, got: no such file");
        for (String[] args : new String[][] {
            {"--verbose", "show", "nowhere/x.gguf"}, {"show", "nowhere/x.gguf", "--verbose"},
        }) {
            Cli.Result verbose = run(args);
            assertEquals(1, verbose.code());
            assertTrue(verbose.err().contains("\tat io.github.medpsy4j."), verbose.err());
        }
    }

    private static OutputStream failingWith(String message) {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(message);
            }
        };
    }

    @Test
    void aReaderWhoHasSeenEnoughEndsItQuietly() {
        StringWriter err = new StringWriter();
        for (String[] args : new String[][] {
            {"list", "--all"}, {"show", Cli.TINY, "--json"}, {"run", Cli.TINY, "-p", "x", "-q"}, {"--help"},
        }) {
            assertEquals(
                    0, new Cli(home).run(new ByteArrayInputStream(new byte[0]), failingWith("Broken pipe"), err, args));
        }
        assertEquals("", err.toString());
    }

    @Test
    void aFullDiskUnderStdoutIsAFailure() {
        for (String[] args : new String[][] {{"list", "--all"}, {"run", Cli.TINY, "-p", "x", "-q"}}) {
            StringWriter err = new StringWriter();
            int code = new Cli(home)
                    .run(new ByteArrayInputStream(new byte[0]), failingWith("No space left on device"), err, args);
            assertEquals("medpsy: stdout: No space left on device\n", err.toString());
            assertEquals(1, code);
        }
    }

    @Test
    void outOfMemoryIsToldWithWhatHelps() {
        assertEquals(
                "out of memory (Java heap space); a smaller --context, --weights mapped or a smaller model needs less",
                Failure.line(new OutOfMemoryError("Java heap space")));
    }

    @Test
    void whatNobodyForesawIsCalledAnInternalErrorOnOneLine() {
        assertEquals(
                "internal error: java.lang.IllegalStateException: a b (--verbose shows where)",
                Failure.line(new IllegalStateException("a\nb")));
    }
}
