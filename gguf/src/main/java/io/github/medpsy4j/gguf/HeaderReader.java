package io.github.medpsy4j.gguf;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads what stands before the tensors' data, front to back, from a growing copy on the heap. Every read is checked
 * against the bytes that remain, so the copy never outgrows the file, nor {@link #BYTES_MAX}.
 */
final class HeaderReader {
    /** The most bytes of metadata and tensor list; those of a vocabulary of 262,144 tokens take 6.5 MB. */
    static final int BYTES_MAX = 128 << 20;

    /** The longest key or tensor name in bytes, the specification's bound for keys. */
    static final int NAME_BYTES_MAX = 65535;

    private static final int FIRST_READ_BYTES = 1 << 18;

    private final Path path;
    private final FileChannel channel;
    private final long fileSize;
    private final int bytesMax;
    private byte[] bytes = new byte[0];
    private int filled;
    private int position;

    HeaderReader(Path path, FileChannel channel, long fileSize, int bytesMax) {
        this.path = path;
        this.channel = channel;
        this.fileSize = fileSize;
        this.bytesMax = bytesMax;
    }

    /** Offset of the next byte. */
    int position() {
        return position;
    }

    /** A copy of everything read so far; offsets in it are offsets in the file. */
    byte[] bytesRead() {
        return Arrays.copyOf(bytes, position);
    }

    int uint8(String what) throws IOException {
        require(1, what);
        return bytes[position++] & 0xFF;
    }

    int int32(String what) throws IOException {
        require(4, what);
        int value = LittleEndian.int32(bytes, position);
        position += 4;
        return value;
    }

    /** An unsigned number of 64 bits that must be from 0 to max; max is below 2^63. */
    long uint64(String what, long max, String reason) throws IOException {
        require(8, what);
        long value = LittleEndian.int64(bytes, position);
        if (value < 0 || value > max) {
            throw fail(position, what, "at most " + max + " (" + reason + ")", Long.toUnsignedString(value));
        }
        position += 8;
        return value;
    }

    /** How many things follow that take at least {@code byteSizeMin} bytes each. */
    int count(String what, int byteSizeMin, int max) throws IOException {
        require(8, what);
        long fit = (fileSize - position - 8) / byteSizeMin;
        return (int) (fit < max ? uint64(what, fit, "what the file has room for") : uint64(what, max, "the limit"));
    }

    /** A key or the name of a tensor. */
    String name(String what) throws IOException {
        require(8, what);
        int length = (int) uint64(what, NAME_BYTES_MAX, "bytes of a name");
        require(length, what);
        String name = new String(bytes, position, length, UTF_8);
        position += length;
        return name;
    }

    /** Passes over a string: 8 bytes of length, then as many bytes. */
    void skipString(String what) throws IOException {
        require(8, what);
        long length = LittleEndian.int64(bytes, position);
        if (length < 0 || length > fileSize - position - 8) {
            throw fail(
                    position,
                    "length of a string in " + what,
                    "at most " + (fileSize - position - 8) + " (the bytes that remain)",
                    Long.toUnsignedString(length));
        }
        position += 8;
        skip(length, what);
    }

    void skip(long byteCount, String what) throws IOException {
        require(byteCount, what);
        position += (int) byteCount;
    }

    GgufException fail(long offset, String what, String expected, Object got) {
        return GgufException.at(path, offset, what, expected, got);
    }

    private void require(long byteCount, String what) throws IOException {
        if (byteCount > filled - position) {
            fill(byteCount, what);
        }
    }

    private void fill(long byteCount, String what) throws IOException {
        long remaining = fileSize - position;
        if (byteCount > remaining) {
            throw fail(position, "the file ends inside " + what, byteCount + " bytes", remaining);
        }
        if (byteCount > bytesMax - position) {
            throw fail(
                    position,
                    "metadata and tensor list",
                    "at most " + bytesMax + " bytes",
                    position + byteCount + " or more");
        }
        long wanted = Math.max(position + byteCount, Math.max(FIRST_READ_BYTES, 2L * filled));
        bytes = Arrays.copyOf(bytes, (int) Math.min(wanted, Math.min(fileSize, bytesMax)));
        ByteBuffer target = ByteBuffer.wrap(bytes);
        target.position(filled);
        while (target.hasRemaining()) {
            if (channel.read(target, target.position()) < 0) {
                throw fail(target.position(), "the file shrank while it was read", fileSize + " bytes", "its end");
            }
        }
        filled = bytes.length;
    }
}
