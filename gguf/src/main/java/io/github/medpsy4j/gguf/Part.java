package io.github.medpsy4j.gguf;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;

/** One file on disk, checked: a whole model, or one of the files of a split one. */
record Part(
        Path path,
        long fileSize,
        FileTime modified,
        int version,
        int alignment,
        Metadata metadata,
        List<TensorInfo> tensors) {

    /** Reads and checks the whole header. */
    static Part open(Path path, int index) throws GgufException {
        try {
            BasicFileAttributes attributes = regularFile(path);
            long fileSize = attributes.size();
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                HeaderReader reader = new HeaderReader(path, channel, fileSize, HeaderReader.BYTES_MAX);
                Header header = Header.read(path, reader, fileSize, index);
                return new Part(
                        path,
                        fileSize,
                        attributes.lastModifiedTime(),
                        header.version(),
                        header.alignment(),
                        header.metadata(),
                        header.tensors());
            }
        } catch (IOException e) {
            throw asGgufException(path, e);
        }
    }

    /** Maps these bytes, read-only, into the arena, if the file is still the one whose header was read. */
    MemorySegment map(long offset, long byteSize, Arena arena) throws GgufException {
        try {
            checkUnchanged();
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                return channel.map(MapMode.READ_ONLY, offset, byteSize, arena);
            }
        } catch (IOException e) {
            throw asGgufException(path, e);
        } catch (UnsupportedOperationException e) {
            throw new GgufException(
                    path + ": cannot be mapped; expected a file of the default file system, got one of "
                            + path.getFileSystem(),
                    e);
        }
    }

    /** Opens the file for reads, if it is still the one whose header was read. */
    RandomAccessFile reader() throws GgufException {
        try {
            checkUnchanged();
            return new RandomAccessFile(path.toFile(), "r");
        } catch (IOException e) {
            throw asGgufException(path, e);
        }
    }

    private void checkUnchanged() throws IOException {
        BasicFileAttributes attributes = regularFile(path);
        if (attributes.size() != fileSize) {
            throw changed("size", fileSize + " bytes", attributes.size());
        }
        if (!attributes.lastModifiedTime().equals(modified)) {
            throw changed("time of last change", modified, attributes.lastModifiedTime());
        }
    }

    private GgufException changed(String what, Object expected, Object got) {
        return new GgufException(
                path + ": the file changed while it was open; expected " + what + " " + expected + ", got " + got);
    }

    private static BasicFileAttributes regularFile(Path path) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
        if (!attributes.isRegularFile()) {
            throw new GgufException(path + ": not a regular file; expected a GGUF file, got "
                    + (attributes.isDirectory() ? "a directory" : "a device, pipe or socket"));
        }
        return attributes;
    }

    private static GgufException asGgufException(Path path, IOException e) {
        if (e instanceof GgufException already) {
            return already;
        }
        String reason = switch (e) {
            case NoSuchFileException missing -> "no such file";
            case AccessDeniedException denied -> "permission denied";
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
        return new GgufException(path + ": cannot read; expected a GGUF file, got: " + reason, e);
    }
}
