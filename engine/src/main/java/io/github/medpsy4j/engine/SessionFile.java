package io.github.medpsy4j.engine;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * The frame of the files that keep a conversation: 8 bytes that name the kind, a u32 version, then parts of a u64
 * length, that many bytes and their u32 CRC-32C. All little-endian; nothing stands behind the last part.
 *
 * <p>A file is written under another name beside its own and renamed when it is whole and on the disk, so at any moment
 * there is the old one or the new one.
 */
final class SessionFile {
    private static final int MAGIC_BYTES = 8;
    private static final int BUFFER_BYTES = 1 << 20;

    private SessionFile() {}

    /** Fills a file. */
    @FunctionalInterface
    interface Filler {
        void fill(Writer writer) throws IOException;
    }

    /** Writes a file as one step. */
    static void write(Path path, String magic, int version, Filler filler) throws IOException {
        Path unfinished = path.resolveSibling(path.getFileName() + ".part");
        try {
            try (FileChannel channel = FileChannel.open(
                    unfinished,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING)) {
                Writer writer = new Writer(channel);
                writer.bytes(ByteBuffer.wrap(magic.getBytes(StandardCharsets.US_ASCII)));
                writer.int32(version);
                filler.fill(writer);
                writer.flush();
                channel.force(true);
            }
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    /** Little-endian values through a buffer. */
    static final class Writer {
        private final FileChannel channel;
        private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        private final CRC32C crc = new CRC32C();
        private long left;

        private Writer(FileChannel channel) {
            this.channel = channel;
        }

        /** Begins a part of just so many bytes. */
        void begin(long length) throws IOException {
            room(Long.BYTES).putLong(length);
            flush();
            crc.reset();
            left = length;
        }

        void end() throws IOException {
            flush();
            if (left != 0) {
                throw new IllegalStateException(left + " bytes of the part are missing");
            }
            int32((int) crc.getValue());
        }

        void part(Part part) throws IOException {
            begin(part.bytes.size());
            bytes(ByteBuffer.wrap(part.bytes.toByteArray()));
            end();
        }

        private void int32(int value) throws IOException {
            room(Integer.BYTES).putInt(value);
        }

        void bytes(ByteBuffer source) throws IOException {
            while (source.hasRemaining()) {
                int n = Math.min(room(1).remaining(), source.remaining());
                buffer.put(source.slice(source.position(), n));
                source.position(source.position() + n);
            }
        }

        private ByteBuffer room(int bytes) throws IOException {
            if (buffer.remaining() < bytes) {
                flush();
            }
            return buffer;
        }

        void flush() throws IOException {
            buffer.flip();
            crc.update(buffer.duplicate());
            left -= buffer.remaining();
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            buffer.clear();
        }
    }

    /** Reads a file part by part; every length is checked against the bytes that remain before anything is allocated. */
    static final class Reader implements Closeable {
        private final Path path;
        private final FileChannel channel;
        private final ByteBuffer buffer;
        private final CRC32C crc = new CRC32C();
        private long left;

        /** @throws SessionFileException if the file is of another kind or version */
        Reader(Path path, String magic, int version) throws IOException {
            this.path = path;
            channel = FileChannel.open(path, StandardOpenOption.READ);
            boolean opened = false;
            try {
                buffer = ByteBuffer.allocate(Math.clamp(channel.size(), MAGIC_BYTES, BUFFER_BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN);
                buffer.limit(0);
                left = Math.min(MAGIC_BYTES + Integer.BYTES, channel.size());
                if (left < MAGIC_BYTES + Integer.BYTES) {
                    throw fail("the file's kind", magic, channel.size() + " bytes in all");
                }
                byte[] kind = new byte[MAGIC_BYTES];
                bytes(ByteBuffer.wrap(kind));
                if (!new String(kind, StandardCharsets.ISO_8859_1).equals(magic)) {
                    throw new SessionFileException(
                            path + ": offset 0: the file's kind; expected " + magic + ", got something else");
                }
                int got = int32("version");
                if (got != version) {
                    throw new SessionFileException(path + ": offset " + MAGIC_BYTES + ": version; expected " + version
                            + ", got " + Integer.toUnsignedString(got));
                }
                opened = true;
            } finally {
                if (!opened) {
                    channel.close();
                }
            }
        }

        SessionFileException fail(String what, Object expected, Object got) throws IOException {
            return new SessionFileException(
                    path + ": offset " + offset() + ": " + what + "; expected " + expected + ", got " + got);
        }

        private long offset() throws IOException {
            return channel.position() - buffer.remaining();
        }

        /** Enters the next part; returns its length. */
        long begin(String what) throws IOException {
            left = Math.min(Long.BYTES, channel.size() - channel.position());
            long length = int64("the length of " + what);
            long room = channel.size() - channel.position() - Integer.BYTES;
            if (length < 0 || length > room) {
                throw fail("the length of " + what, "at most " + Math.max(0, room), Long.toUnsignedString(length));
            }
            crc.reset();
            left = length;
            return length;
        }

        /** Bytes of the part that have not been read. */
        long remaining() {
            return left + buffer.remaining();
        }

        /** Leaves the part, which must have been read to its end. */
        void end(String what) throws IOException {
            if (remaining() != 0) {
                throw fail("the end of " + what, "no more bytes", remaining() + " more");
            }
            int computed = (int) crc.getValue();
            left = Integer.BYTES;
            int stored = int32("the checksum of " + what);
            if (stored != computed) {
                throw fail("the checksum of " + what, Integer.toHexString(computed), Integer.toHexString(stored));
            }
        }

        /** Nothing may follow. */
        void endOfFile() throws IOException {
            if (channel.position() != channel.size()) {
                throw fail("the end of the file", "no more bytes", (channel.size() - channel.position()) + " more");
            }
        }

        int int32(String what) throws IOException {
            need(what, Integer.BYTES);
            return buffer.getInt();
        }

        long int64(String what) throws IOException {
            need(what, Long.BYTES);
            return buffer.getLong();
        }

        /** A number of things that take at least so many bytes each, all of them in this part. */
        int count(String what, int bytesEach) throws IOException {
            int count = int32(what);
            if (count < 0 || count > remaining() / bytesEach) {
                throw fail(what, "0 to " + remaining() / bytesEach, count);
            }
            return count;
        }

        /** A number from 0 up to, without, {@code end}. */
        int index(String what, int end) throws IOException {
            int value = int32(what);
            if (value < 0 || value >= end) {
                throw fail(what, "0 to " + (end - 1), value);
            }
            return value;
        }

        int[] ints(String what) throws IOException {
            int[] values = new int[count(what, Integer.BYTES)];
            for (int i = 0; i < values.length; i++) {
                values[i] = int32(what);
            }
            return values;
        }

        String string(String what) throws IOException {
            byte[] utf8 = new byte[count("the length of " + what, 1)];
            bytes(ByteBuffer.wrap(utf8));
            return new String(utf8, StandardCharsets.UTF_8);
        }

        void bytes(ByteBuffer target) throws IOException {
            while (target.hasRemaining()) {
                need("bytes", 1);
                int n = Math.min(buffer.remaining(), target.remaining());
                target.put(buffer.slice(buffer.position(), n));
                buffer.position(buffer.position() + n);
            }
        }

        /** Fills the buffer with at least so many bytes of the part. */
        private void need(String what, int bytes) throws IOException {
            if (buffer.remaining() >= bytes) {
                return;
            }
            if (remaining() < bytes) {
                throw fail(what, bytes + " bytes", remaining());
            }
            buffer.compact();
            int from = buffer.position();
            buffer.limit((int) Math.min(buffer.capacity(), from + left));
            while (buffer.position() < bytes) {
                if (channel.read(buffer) < 0) {
                    throw new EOFException(path + ": the file was shortened while it was read");
                }
            }
            int to = buffer.position();
            left -= to - from;
            crc.update(buffer.array(), from, to - from);
            buffer.flip();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** A part that is small enough to be made in memory. */
    static final class Part {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Part int32(int value) {
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                bytes.write(value >>> shift);
            }
            return this;
        }

        Part int64(long value) {
            return int32((int) value).int32((int) (value >>> Integer.SIZE));
        }

        Part ints(int[] values) {
            int32(values.length);
            for (int value : values) {
                int32(value);
            }
            return this;
        }

        Part string(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            int32(utf8.length);
            bytes.writeBytes(utf8);
            return this;
        }
    }
}
