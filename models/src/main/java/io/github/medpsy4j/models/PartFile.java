package io.github.medpsy4j.models;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * The file while it is being pulled: {@code FILE.part}, hashed as it grows, and {@code FILE.part.notes} with the lines
 * that a source needs to go on after a restart. It takes the final name only once its size and hash are right.
 */
final class PartFile implements Closeable {
    static final String SUFFIX = ".part";
    private static final int BUFFER_BYTES = 1 << 20;

    private final ModelFile file;
    private final Path finalPath;
    private final Path path;
    private final FileChannel channel;
    private final PullListener listener;
    private final MessageDigest digest = sha256();
    private long length; // bytes written, all of them in the digest
    private long shown; // bytes last told to the listener

    private PartFile(ModelFile file, Path finalPath, FileChannel channel, PullListener listener) {
        this.file = file;
        this.finalPath = finalPath;
        this.path = partOf(finalPath);
        this.channel = channel;
        this.listener = listener;
    }

    static Path partOf(Path finalPath) {
        return finalPath.resolveSibling(finalPath.getFileName() + SUFFIX);
    }

    static Path notesOf(Path finalPath) {
        return finalPath.resolveSibling(finalPath.getFileName() + SUFFIX + ".notes");
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** Opens what an earlier pull left, or an empty part. The caller holds the file's lock. */
    static PartFile open(ModelFile file, Path finalPath, PullListener listener) throws IOException {
        FileChannel channel = FileChannel.open(
                partOf(finalPath), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        PartFile part = new PartFile(file, finalPath, channel, listener);
        boolean opened = false;
        try {
            if (channel.size() > file.sizeBytes()) {
                part.restart();
            } else {
                part.rehash(channel.size());
            }
            opened = true;
            return part;
        } finally {
            if (!opened) {
                channel.close();
            }
        }
    }

    private void rehash(long bytes) throws IOException {
        digest.reset();
        length = 0;
        channel.position(0);
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        while (length < bytes) {
            buffer.clear().limit((int) Math.min(BUFFER_BYTES, bytes - length));
            int n = channel.read(buffer);
            if (n < 0) {
                throw new IOException(path + ": became shorter while it was read");
            }
            digest.update(buffer.flip());
            length += n;
            listener.verifying(length, file.sizeBytes());
        }
    }

    long length() {
        return length;
    }

    boolean isFull() {
        return length == file.sizeBytes();
    }

    /** Appends what fits; bytes beyond the file's size are left in {@code bytes}. */
    void append(ByteBuffer bytes) throws IOException {
        int fits = (int) Math.min(bytes.remaining(), file.sizeBytes() - length);
        ByteBuffer slice = bytes.slice(bytes.position(), fits);
        digest.update(slice.duplicate());
        while (slice.hasRemaining()) {
            channel.write(slice);
        }
        bytes.position(bytes.position() + fits);
        length += fits;
        show(length);
    }

    /** Tells the listener how far the pull is, where a source knows more than {@link #length}; never backwards. */
    void show(long bytes) {
        shown = Math.min(file.sizeBytes(), Math.max(shown, bytes));
        listener.progress(shown, file.sizeBytes());
    }

    /** Forgets everything that came so far. */
    void restart() throws IOException {
        cutTo(0);
        shown = 0;
        Files.deleteIfExists(notesOf(finalPath));
    }

    /** Forgets what came after the first {@code bytes}. */
    void cutTo(long bytes) throws IOException {
        if (bytes < channel.size()) {
            channel.truncate(bytes);
            rehash(bytes);
        }
    }

    /** Returns what {@link #note} last wrote, or no lines. */
    List<String> notes() throws IOException {
        Path notes = notesOf(finalPath);
        // Notes are a few short lines; anything else is not ours.
        return Files.isRegularFile(notes) && Files.size(notes) < 65536 ? Files.readAllLines(notes) : List.of();
    }

    /** Replaces the notes. */
    void note(List<String> lines) throws IOException {
        Path notes = notesOf(finalPath);
        Path fresh = notes.resolveSibling(notes.getFileName() + ".new");
        Files.write(fresh, lines);
        Files.move(fresh, notes, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Checks the hash and gives the file its final name. Wrong bytes are deleted.
     *
     * @throws WrongContentException if the hash is another one
     */
    void finish() throws IOException {
        if (!isFull()) {
            throw new IllegalStateException(path + ": " + length + " of " + file.sizeBytes() + " bytes");
        }
        String hash = HexFormat.of().formatHex(digest.digest());
        boolean isRight = hash.equals(file.sha256());
        if (isRight) {
            channel.force(true);
        }
        channel.close();
        if (!isRight) {
            Files.delete(path);
            Files.deleteIfExists(notesOf(finalPath));
            throw new WrongContentException(path + ": wrong sha256; expected " + file.sha256() + ", got " + hash
                    + "; the file was deleted, pull again to start anew");
        }
        Files.move(path, finalPath, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Files.deleteIfExists(notesOf(finalPath));
        syncFolder();
    }

    /** Makes the new name outlast a power failure, where folders can be synced (not on Windows). */
    private void syncFolder() throws IOException {
        if (!System.getProperty("os.name").startsWith("Windows")) {
            try (FileChannel folder = FileChannel.open(finalPath.getParent(), StandardOpenOption.READ)) {
                folder.force(true);
            }
        }
    }

    /** Closes the part; an empty one leaves no file behind. */
    @Override
    public void close() throws IOException {
        boolean isEmpty = channel.isOpen() && channel.size() == 0;
        channel.close();
        if (isEmpty) {
            Files.deleteIfExists(path);
            Files.deleteIfExists(notesOf(finalPath));
        }
    }
}
