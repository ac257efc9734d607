package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Locks among processes, which the operating system lets go when their holder dies. The empty lock files stay: deleting
 * one would let a second process lock a new file while a third still holds the old one.
 */
final class FileLocks {
    private FileLocks() {}

    /** What is done under a lock. */
    @FunctionalInterface
    interface Action<T> {
        T run() throws IOException;
    }

    /**
     * Runs {@code action} as the only holder of the lock file {@code path}.
     *
     * @param name what is locked, for the message
     * @throws ModelBusyException if another process or thread holds it
     */
    static <T> T holding(Path path, String name, Action<T> action) throws IOException {
        Files.createDirectories(path.getParent());
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (!isTaken(channel)) {
                throw new ModelBusyException(
                        name + ": being pulled or removed by another process; wait for it (lock: " + path + ")");
            }
            return action.run();
        }
    }

    private static boolean isTaken(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false; // held by another thread of this process
        }
    }
}
