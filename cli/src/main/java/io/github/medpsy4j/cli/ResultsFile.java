package io.github.medpsy4j.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A file of results, a JSON object a line, that a later run goes on with. Each line is written as one piece, so a run that
 * is killed leaves whole lines and at most one torn one at the end, which the next run takes away.
 */
final class ResultsFile implements AutoCloseable {
    private final FileChannel channel;
    private final Set<String> done;

    private ResultsFile(FileChannel channel, Set<String> done) {
        this.channel = channel;
        this.done = done;
    }

    /**
     * Opens a file for more results.
     *
     * @param lines what is asked for: results of other inputs under the same ids, and errors, are dropped from the file,
     *     to be made anew
     * @param model results of another one are refused; null to take those of any
     */
    static ResultsFile open(Path path, List<PromptsFile.Line> lines, String model) throws IOException, Failure {
        Set<String> done = new HashSet<>();
        if (Files.exists(path)) {
            Set<String> asked = new HashSet<>();
            Set<String> ids = new HashSet<>();
            for (PromptsFile.Line line : lines) {
                asked.add(line.key());
                ids.add(PromptsFile.keyOf(line.id(), ""));
            }
            byte[] bytes = Files.readAllBytes(path);
            List<byte[]> kept = new ArrayList<>();
            long keptBytes = 0;
            int number = 0;
            for (int from = 0; from < bytes.length; ) {
                int to = from;
                while (to < bytes.length && bytes[to] != '\n') {
                    to++;
                }
                number++;
                byte[] line = Arrays.copyOfRange(bytes, from, to);
                boolean isTorn = to == bytes.length;
                from = to + 1;
                Map<?, ?> result = isTorn ? null : result(path, number, line);
                if (result == null || result.get("error") != null) {
                    continue;
                }
                if (model != null) {
                    checkModel(path, number, result.get("model"), model);
                }
                String key = PromptsFile.keyOf(result.get("id"), String.valueOf(result.get("input")));
                boolean isStale = !asked.contains(key) && ids.contains(PromptsFile.keyOf(result.get("id"), ""));
                if (!isStale && done.add(key)) {
                    kept.add(line);
                    keptBytes += line.length + 1L;
                }
            }
            if (keptBytes != bytes.length) {
                rewrite(path, kept);
            }
        }
        FileChannel channel =
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        return new ResultsFile(channel, done);
    }

    private static Map<?, ?> result(Path path, int number, byte[] line) throws Failure {
        String place = path + ": line " + number;
        Object value;
        try {
            value = Json.parse(place, new String(line, StandardCharsets.UTF_8));
        } catch (Failure e) {
            throw new Failure(notOurs(place), e);
        }
        if (!(value instanceof Map<?, ?> result) || !result.containsKey("id") || !result.containsKey("input")) {
            throw new Failure(notOurs(place));
        }
        return result;
    }

    private static String notOurs(String place) {
        return place + ": not a result of this command; expected an object with id and input";
    }

    private static void checkModel(Path path, int number, Object before, String model) throws Failure {
        if (!model.equals(before)) {
            throw new Failure(path + ": line " + number + ": a result of another model; expected " + model + ", got "
                    + before + " (another --out keeps them apart)");
        }
    }

    private static void rewrite(Path path, List<byte[]> lines) throws IOException {
        Path folder = path.toAbsolutePath().getParent();
        Path whole = Files.createTempFile(folder, path.getFileName().toString(), ".part");
        try {
            try (OutputStream out = Files.newOutputStream(whole)) {
                for (byte[] line : lines) {
                    out.write(line);
                    out.write('\n');
                }
            }
            Files.move(whole, path, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(whole);
        }
    }

    boolean holds(PromptsFile.Line line) {
        return done.contains(line.key());
    }

    void write(String json) throws IOException {
        ByteBuffer line = ByteBuffer.wrap((json + "\n").getBytes(StandardCharsets.UTF_8));
        while (line.hasRemaining()) {
            channel.write(line);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
