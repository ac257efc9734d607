package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    @Test
    void versionIsOneLineOnStdout() {
        assertEquals(0, run("--version"));
        assertTrue(out.toString().matches("medpsy \\S+ \\(Java \\d+, .+\\)\\R"), out.toString());
        assertEquals("", err.toString());
    }

    @Test
    void helpNamesTheEnvironment() {
        assertEquals(0, run("--help"));
        assertTrue(out.toString().contains("MEDPSY_HOME"), out.toString());
    }

    @Test
    void anUnknownOptionIsAUsageError() {
        assertEquals(2, run("--no-such-option"));
        assertTrue(err.toString().contains("--no-such-option"), err.toString());
        assertEquals("", out.toString());
    }
}
