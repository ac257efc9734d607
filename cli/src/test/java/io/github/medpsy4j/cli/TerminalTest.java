package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command in a process of its own, on a pseudo-terminal that util-linux's {@code script} opens, and on pipes. */
class TerminalTest {
    private static final String CTRL_C = "\u0003";
    private static final String CTRL_D = "\u0004";
    private static final long SECONDS_MAX = 60;

    @TempDir
    Path home;

    private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
    private Process process;
    private int seen;

    @BeforeEach
    void findScript() throws Exception {
        try {
            Process version = new ProcessBuilder("script", "--version")
                    .redirectErrorStream(true)
                    .start();
            String text = new String(version.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!text.contains("util-linux")) {
                abort("the script of util-linux, which opens a pseudo-terminal, is not here");
            }
        } catch (IOException e) {
            abort("the script of util-linux, which opens a pseudo-terminal, is not here");
        }
    }

    @AfterEach
    void end() {
        if (process != null) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /** Where the tests run in the background, Ctrl-C is ignored by what they start, and the JVM leaves it at that. */
    private static final String HEARS_INTERRUPTS =
            "$(env --default-signal=INT true 2>/dev/null && echo env --default-signal=INT) ";

    /** The command as a shell would write it. */
    private static String medpsy(String... args) {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                Stream.of("jdk.module.path", "java.class.path")
                        .map(name -> System.getProperty(name, ""))
                        .filter(path -> !path.isEmpty())
                        .collect(Collectors.joining(File.pathSeparator)),
                "io.github.medpsy4j.cli.Main"));
        words.addAll(List.of(args));
        return words.stream()
                .map(w -> "'" + w.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" ", HEARS_INTERRUPTS, ""));
    }

    private static String chat(String... more) {
        List<String> args = new ArrayList<>(List.of("chat", Cli.TINY, "--temp", "0", "-n", "5"));
        args.addAll(List.of(more));
        return medpsy(args.toArray(String[]::new));
    }

    private void start(int columns, String terminalType, String command) throws IOException {
        String inTerminal = "stty cols " + columns + " rows 24; " + command;
        ProcessBuilder builder =
                new ProcessBuilder("script", "-qfec", inTerminal, "/dev/null").redirectErrorStream(true);
        builder.environment().put("TERM", terminalType);
        builder.environment().put("MEDPSY_HOME", home.toString());
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().put("SHELL", "/bin/sh");
        process = builder.start();
        InputStream out = process.getInputStream();
        Thread.ofPlatform().daemon().start(() -> {
            byte[] buffer = new byte[4096];
            try {
                for (int n; (n = out.read(buffer)) > 0; ) {
                    synchronized (shown) {
                        shown.write(buffer, 0, n);
                    }
                }
            } catch (IOException closed) {
                return; // the process has gone
            }
        });
    }

    private String shown() {
        synchronized (shown) {
            return shown.toString(StandardCharsets.UTF_8);
        }
    }

    /** Waits until a text appears behind the one that was waited for before. */
    private void await(String text) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_MAX);
        while (shown().indexOf(text, seen) < 0) {
            assertTrue(
                    System.nanoTime() < end && (process.isAlive() || shown().contains(text)),
                    () -> text + " in " + shown());
            Thread.sleep(10);
        }
        seen = shown().indexOf(text, seen) + text.length();
    }

    private void type(String keys) throws IOException {
        process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /** As people do: one that comes while the editor or an answer is only beginning may go unheard. */
    private void interruptUntil(String text) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_MAX);
        do {
            Thread.sleep(300);
            type(CTRL_C);
            for (int i = 0; i < 200 && shown().indexOf(text, seen) < 0; i++) {
                Thread.sleep(10);
            }
        } while (shown().indexOf(text, seen) < 0 && System.nanoTime() < end);
        await(text);
    }

    private int exitCode() throws InterruptedException {
        assertTrue(process.waitFor(SECONDS_MAX, TimeUnit.SECONDS), this::shown);
        return process.exitValue();
    }

    @Test
    void aChatOnATerminal() throws Exception {
        start(60, "xterm", "exec " + chat());
        await("> ");
        assertFalse(shown().contains("WARNING"), shown());
        type("Hello\r");
        await("[5 tokens, ");
        await("> ");
        type("/thinking hid\t\r");
        await("thinking is hidden");
        await("> ");
        interruptUntil("Ctrl-D or /bye leaves");
        await("> ");
        type("/set max-tokens 2000\r");
        await("was 5");
        await("> ");
        type("Tell me\r");
        await("Tell me");
        interruptUntil("interrupted]");
        await("> ");
        type(CTRL_D);
        assertEquals(0, exitCode());
        assertTrue(Files.readString(home.resolve("history")).contains("Hello"));

        start(60, "xterm", "exec " + chat());
        await("> ");
        type("\u001bOA");
        await("Tell me");
        type("\u0015/bye\r");
        assertEquals(0, exitCode());
    }

    @Test
    void aDumbTerminalGetsNoEscapeSequence() throws Exception {
        start(60, "dumb", "exec " + chat());
        await("> ");
        type("Hello\n");
        await("[5 tokens, ");
        await("> ");
        type(CTRL_D);
        assertEquals(0, exitCode());
        assertFalse(shown().contains("\u001b"), shown());
    }

    @Test
    void aTerminalOfTenColumnsIsServed() throws Exception {
        start(10, "xterm", "exec " + chat());
        await("> ");
        type("/stats\r");
        await("there is");
        type("Hi\r");
        await("[5");
        await("> ");
        type(CTRL_D);
        assertEquals(0, exitCode());
    }

    @Test
    void theTerminalIsAsItWasAfterwards() throws Exception {
        start(
                60,
                "xterm",
                "state() { stty -a | tr ';' '\\n' | grep -v speed; }; state >" + home + "/before; " + chat()
                        + "; state >" + home + "/after; diff " + home + "/before " + home + "/after && echo as it was");
        await("> ");
        type(CTRL_D);
        await("as it was");
        assertEquals(0, exitCode());
    }

    @Test
    void inAPipeTheAnswerStandsAlone() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                "sh", "-c", medpsy("run", Cli.TINY, "-p", "Hello", "--temp", "0", "-n", "5") + " 2>/dev/null");
        builder.environment().put("MEDPSY_HOME", home.toString());
        Process run = builder.start();
        String out = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, run.waitFor());
        assertEquals(
                new Cli(home)
                        .run("run", Cli.TINY, "-p", "Hello", "--temp", "0", "-n", "5")
                        .ok(),
                out);
    }

    @Test
    void aPipeThatClosesEarlyIsNoFailure() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                "sh",
                "-c",
                "{ " + medpsy("run", Cli.TINY, "-p", "Hello", "--temp", "0", "-n", "400")
                        + "; echo exit $? >&2; } | head -c 1");
        builder.environment().put("MEDPSY_HOME", home.toString());
        Process run = builder.start();
        run.getInputStream().readAllBytes();
        String err = new String(run.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(err.endsWith("exit 0\n"), err);
    }
}
