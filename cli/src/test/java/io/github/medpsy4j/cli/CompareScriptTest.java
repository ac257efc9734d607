package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What {@code bin/compare-llamacpp.py} says where it cannot compare; with llama.cpp at hand it is a measurement, no test. */
class CompareScriptTest {
    private static final Path SCRIPT = Path.of(System.getProperty("basedir", "."))
            .toAbsolutePath()
            .normalize()
            .resolveSibling("bin/compare-llamacpp.py");

    /** Runs the script in a Python that sees no installed package; returns the exit code and what it said. */
    private static String run(String... args) throws IOException, InterruptedException {
        Path python = Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, "python3"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        assumeTrue(python != null, "no python3 in the path");
        List<String> command = new ArrayList<>(List.of(python.toString(), "-I", "-S", SCRIPT.toString()));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the script does not end");
        return process.exitValue() + " " + said;
    }

    @Test
    void aMissingPackageIsToldWithTheWayToIt() throws Exception {
        String said = run(Cli.TINY);
        assertTrue(said.startsWith("1 compare-llamacpp: this Python ("), said);
        assertTrue(said.contains(") has no package llama_cpp; CMAKE_ARGS=-DGGML_NATIVE=ON pip install "), said);
        assertEquals(1, said.lines().count(), said);
    }

    @Test
    void badArguments() throws Exception {
        refused("argument -p/--prompt: expected a whole number from 0 on, got '-1'", Cli.TINY, "-p", "8,-1");
        refused("argument -d/--depth: expected a whole number from 0 on, got ''", Cli.TINY, "-d", "8,");
        refused("argument -t/--threads: expected a whole number from 1 on, got '0'", Cli.TINY, "-t", "0");
        refused("--prompt 0 and --generate 0: nothing is left to compare", Cli.TINY, "-p", "0", "-n", "0");
        refused("--cold has no --depth", Cli.TINY, "--cold", "-d", "8");
        refused("/nowhere.gguf: no such file", "/nowhere.gguf");
    }

    private static void refused(String message, String... args) throws Exception {
        String said = run(args);
        assertTrue(said.startsWith("2 usage: "), said);
        assertTrue(said.endsWith("compare-llamacpp.py: error: " + message + "\n"), said);
    }
}
