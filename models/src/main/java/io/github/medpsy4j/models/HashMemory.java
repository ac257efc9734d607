package io.github.medpsy4j.models;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The hashes of files that other programs own, so that each is read once: {@code hashes.txt}, a line for each file with
 * sha256, size, time of the last change in milliseconds, and path. An entry holds while size and time are the same.
 * Processes that write at once lose each other's entry, which costs one more reading.
 */
final class HashMemory {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int LINES_MAX = 1000;

    private final Path file;

    HashMemory(Path home) {
        this.file = home.resolve("hashes.txt");
    }

    /** Hashes all of a file. */
    static String hash(Path path, PullListener listener) throws IOException {
        long size = Files.size(path);
        MessageDigest digest = PartFile.sha256();
        try (InputStream in = Files.newInputStream(path)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            long done = 0;
            for (int n; (n = in.read(buffer)) > 0; ) {
                digest.update(buffer, 0, n);
                done += n;
                listener.verifying(done, Math.max(done, size));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Returns the file's hash, if it is remembered. */
    Optional<String> recall(Path path) throws IOException {
        String key = key(path);
        for (String line : lines()) {
            if (line.length() > 65 && line.substring(65).equals(key)) {
                return Optional.of(line.substring(0, 64));
            }
        }
        return Optional.empty();
    }

    /** Hashes the file and remembers the hash. */
    String learn(Path path, PullListener listener) throws IOException {
        String key = key(path);
        String hash = hash(path, listener);
        if (!key(path).equals(key)) {
            throw new IOException(path + ": changed while it was read");
        }
        String pathPart = key.substring(key.indexOf(' ', key.indexOf(' ') + 1));
        List<String> lines = new ArrayList<>(
                lines().stream().filter(line -> !line.endsWith(pathPart)).toList());
        lines.add(hash + " " + key);
        Notes.replace(file, lines.subList(Math.max(0, lines.size() - LINES_MAX), lines.size()));
        return hash;
    }

    private static String key(Path path) throws IOException {
        Path real = path.toRealPath();
        return Files.size(real) + " " + Files.getLastModifiedTime(real).toMillis() + " " + real;
    }

    private List<String> lines() throws IOException {
        return Files.isRegularFile(file) && Files.size(file) < (1 << 22) ? Files.readAllLines(file) : List.of();
    }
}
