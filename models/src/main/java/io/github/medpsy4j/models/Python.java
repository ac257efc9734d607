package io.github.medpsy4j.models;

import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Finds a Python that has pip. */
final class Python {
    private static final List<List<String>> CANDIDATES =
            List.of(List.of("python3"), List.of("python"), List.of("py", "-3"));
    private static final int ANSWER_SECONDS_MAX = 20; // a cold start from a slow disk takes a few

    private Python() {}

    /** Returns the command that runs pip, without pip's own arguments. */
    static List<String> pip(Map<String, String> environment) throws IOException {
        List<String> tried = new ArrayList<>();
        for (List<String> candidate : CANDIDATES) {
            String program = find(candidate.getFirst(), environment);
            String name = String.join(" ", candidate);
            if (program == null) {
                tried.add(name + " is not there");
                continue;
            }
            List<String> command = new ArrayList<>(candidate);
            command.set(0, program);
            command.addAll(List.of("-m", "pip"));
            if (answers(command, environment)) {
                return command;
            }
            tried.add(name + " has no pip");
        }
        throw new SourceUnavailableException("needs Python 3 with pip; " + String.join(", ", tried));
    }

    private static boolean answers(List<String> pip, Map<String, String> environment) throws IOException {
        List<String> command = new ArrayList<>(pip);
        command.add("--version");
        ProcessBuilder builder =
                builder(command, environment).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        Process process = builder.start();
        try {
            return process.waitFor(ANSWER_SECONDS_MAX, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        } finally {
            process.destroyForcibly();
        }
    }

    static ProcessBuilder builder(List<String> command, Map<String, String> environment) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.redirectInput(ProcessBuilder.Redirect.from(nullDevice()));
        return builder;
    }

    private static File nullDevice() {
        return new File(isWindows() ? "NUL" : "/dev/null");
    }

    private static boolean isWindows() {
        return File.separatorChar == '\\';
    }

    private static String find(String name, Map<String, String> environment) {
        // Windows spells the variable Path, and its map of variables minds the case.
        String folders = environment.entrySet().stream()
                .filter(e -> e.getKey().equalsIgnoreCase("PATH"))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse("");
        for (String folder : folders.split(File.pathSeparator)) {
            File program = new File(folder, isWindows() ? name + ".exe" : name);
            if (!folder.isBlank() && program.isFile() && program.canExecute()) {
                return program.getAbsolutePath();
            }
        }
        return null;
    }
}
