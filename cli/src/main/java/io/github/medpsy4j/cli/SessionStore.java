package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.SavedChat;
import io.github.medpsy4j.engine.SessionFileException;
import io.github.medpsy4j.models.ModelStore;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The conversations kept in {@code HOME/sessions}: {@code NAME.chat}, which is small and precious, and {@code NAME.kv},
 * the KV cache, which is large and can always be computed anew. A lock file outside keeps other processes away from a
 * session in use; it stays, because deleting it would let two processes hold a lock of that name.
 */
final class SessionStore {
    private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}_][\\p{L}\\p{N}_.-]{0,63}");
    private static final String CHAT_SUFFIX = ".chat";
    private static final String CACHE_SUFFIX = ".kv";

    private final Path home;

    SessionStore(Map<String, String> environment) {
        home = ModelStore.home(environment);
    }

    /** Whether a text can be a session's name: a plain file name everywhere. */
    static boolean isName(String text) {
        return NAME.matcher(text).matches() && !text.endsWith(".");
    }

    private Path folder() {
        return home.resolve("sessions");
    }

    private Path chatFile(String name) {
        return folder().resolve(name + CHAT_SUFFIX);
    }

    private Path cacheFile(String name) {
        return folder().resolve(name + CACHE_SUFFIX);
    }

    /** A session that no other process can open while this one has it. */
    static final class Held implements AutoCloseable {
        private final String name;
        private final Path chatFile;
        private final Path cacheFile;
        private final FileLock lock;

        private Held(String name, Path chatFile, Path cacheFile, FileLock lock) {
            this.name = name;
            this.chatFile = chatFile;
            this.cacheFile = cacheFile;
            this.lock = lock;
        }

        String name() {
            return name;
        }

        Path chatFile() {
            return chatFile;
        }

        Path cacheFile() {
            return cacheFile;
        }

        /** What is kept; empty for a new session. A damaged file is left as it is, and told. */
        Optional<SavedChat> read() throws IOException, Failure {
            if (!Files.exists(chatFile)) {
                return Optional.empty();
            }
            try {
                return Optional.of(SavedChat.read(chatFile));
            } catch (SessionFileException e) {
                throw new Failure(
                        e.getMessage() + "; the file is left as it is (medpsy rm --session " + name + " removes it)",
                        e);
            }
        }

        @Override
        public void close() throws IOException {
            lock.acquiredBy().close();
        }
    }

    /** What is said to a medical model is nobody else's business: where files have owners, the folder is its owner's alone. */
    private void createFolder() throws IOException {
        if (Files.isDirectory(folder())) {
            return;
        }
        Files.createDirectories(folder());
        if (Files.getFileStore(folder()).supportsFileAttributeView(PosixFileAttributeView.class)) {
            Files.setPosixFilePermissions(folder(), PosixFilePermissions.fromString("rwx------"));
        }
    }

    /** Takes a session, which need not exist yet. */
    Held hold(String name) throws IOException, Failure {
        Path locks = home.resolve("locks");
        Files.createDirectories(locks);
        createFolder();
        Path lockFile = locks.resolve("session-" + name + ".lock");
        FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException heldByThisProcess) {
            lock = null;
        } finally {
            if (lock == null) {
                channel.close();
            }
        }
        if (lock == null) {
            throw new Failure("session " + name + " is in use by another process (lock: " + lockFile + ")");
        }
        return new Held(name, chatFile(name), cacheFile(name), lock);
    }

    /**
     * A kept session.
     *
     * @param chat empty where the file cannot be read
     * @param sizeBytes of both its files
     */
    record Entry(String name, Optional<SavedChat> chat, long sizeBytes) {}

    /** All sessions, by name. */
    List<Entry> list() throws IOException {
        List<Entry> found = new ArrayList<>();
        if (!Files.isDirectory(folder())) {
            return found;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder(), "*" + CHAT_SUFFIX)) {
            for (Path file : files) {
                String fileName = file.getFileName().toString();
                String name = fileName.substring(0, fileName.length() - CHAT_SUFFIX.length());
                if (isName(name) && Files.isRegularFile(file)) {
                    found.add(new Entry(name, readable(file), Files.size(file) + sizeOf(cacheFile(name))));
                }
            }
        }
        found.sort(Comparator.comparing(Entry::name));
        return found;
    }

    /** The messages of a session, which may be in use. */
    List<ChatMessage> messages(String name) throws IOException, Failure {
        try {
            return SavedChat.read(chatFile(name)).messages();
        } catch (SessionFileException e) {
            throw new Failure(e.getMessage(), e);
        }
    }

    private static Optional<SavedChat> readable(Path file) {
        try {
            return Optional.of(SavedChat.read(file));
        } catch (IOException unreadable) {
            return Optional.empty(); // the list says so of this one and goes on
        }
    }

    private static long sizeOf(Path file) throws IOException {
        return Files.exists(file) ? Files.size(file) : 0;
    }

    /** Removes a session; returns the bytes given back. */
    long remove(String name) throws IOException, Failure {
        if (!isName(name) || !Files.exists(chatFile(name))) {
            throw new Failure("no session of that name: " + Terminal.harmless(name) + " (medpsy list shows them)");
        }
        try (Held held = hold(name)) {
            long bytes = sizeOf(held.chatFile()) + sizeOf(held.cacheFile());
            Files.deleteIfExists(held.cacheFile());
            Files.deleteIfExists(held.chatFile());
            return bytes;
        }
    }
}
