package io.github.medpsy4j.gguf;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.gguf.testing.GgufBuilder;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each check on a file, by the message it gives; then files broken everywhere. */
final class BadFileTest {
    @TempDir
    private Path directory;

    private Path path;

    @BeforeEach
    void nameTheFile() {
        path = directory.resolve("bad.gguf");
    }

    private void assertRefused(String messageAfterPath, GgufBuilder builder) throws IOException {
        assertRefused(messageAfterPath, builder.toBytes());
    }

    private void assertRefused(String messageAfterPath, byte[] bytes) throws IOException {
        Files.write(path, bytes);
        assertRefused(messageAfterPath);
    }

    private void assertRefused(String messageAfterPath) {
        assertEquals(
                path + ": " + messageAfterPath,
                assertThrows(GgufException.class, () -> GgufFile.open(path)).getMessage());
    }

    /** A tensor "t" in a file without keys: 8 bytes of length, 1 of name, then the dimensions' number at 33. */
    private static GgufBuilder tensor(GgmlType type, int byteSize, long... shape) {
        return new GgufBuilder().tensor("t", type, new byte[byteSize], shape);
    }

    @Test
    void refusesAMissingFile() {
        assertRefused("cannot read; expected a GGUF file, got: no such file");
    }

    @Test
    void refusesADirectory() {
        path = directory;
        assertRefused("not a regular file; expected a GGUF file, got a directory");
    }

    @Test
    void refusesAnEmptyFile() throws IOException {
        assertRefused("offset 0: the file ends inside the magic number; expected 4 bytes, got 0", new byte[0]);
    }

    @Test
    void refusesAnotherFormat() throws IOException {
        assertRefused(
                "offset 0: not a GGUF file; expected the bytes 47475546 (GGUF), got 504b0304",
                new byte[] {'P', 'K', 3, 4, 0, 0, 0, 0});
    }

    @Test
    void refusesUnknownVersions() throws IOException {
        assertRefused("offset 4: unknown GGUF version; expected 2 or 3, got 1", new GgufBuilder().version(1));
        assertRefused("offset 4: unknown GGUF version; expected 2 or 3, got 4", new GgufBuilder().version(4));
        assertRefused("offset 4: unknown GGUF version; expected 2 or 3, got 4294967295", new GgufBuilder().version(-1));
    }

    @Test
    void refusesABigEndianFileByName() throws IOException {
        assertRefused(
                "offset 4: a big-endian GGUF file; expected a little-endian one, got version 3 reversed",
                new GgufBuilder().order(ByteOrder.BIG_ENDIAN).string("general.architecture", "qwen3"));
    }

    @Test
    void refusesCountsTheFileHasNoRoomFor() throws IOException {
        assertRefused(
                "offset 8: number of tensors; expected at most 0 (what the file has room for), got 9",
                new GgufBuilder().claimTensorCount(9));
        assertRefused(
                "offset 8: number of tensors; expected at most 0 (what the file has room for), got 18446744073709551615",
                new GgufBuilder().claimTensorCount(-1));
        assertRefused(
                "offset 16: number of keys; expected at most 0 (what the file has room for), got 9223372036854775808",
                new GgufBuilder().claimKeyCount(Long.MIN_VALUE));
    }

    @Test
    void refusesCountsBeyondTheLimits() throws IOException {
        byte[] tensors =
                Arrays.copyOf(new GgufBuilder().claimTensorCount(131_073).toBytes(), 24 * 131_074);
        assertRefused("offset 8: number of tensors; expected at most 131072 (the limit), got 131073", tensors);
        byte[] keys = Arrays.copyOf(new GgufBuilder().claimKeyCount(65_537).toBytes(), 14 * 65_537);
        assertRefused("offset 16: number of keys; expected at most 65536 (the limit), got 65537", keys);
    }

    @Test
    void refusesMoreKeysThanThereAre() throws IOException {
        assertRefused(
                "offset 45: the file ends inside a key; expected 8 bytes, got 5",
                Arrays.copyOf(new GgufBuilder().uint64("k", 1).claimKeyCount(2).toBytes(), 50));
    }

    @Test
    void refusesLongKeys() throws IOException {
        assertRefused(
                "offset 24: a key; expected at most 65535 (bytes of a name), got 65536",
                new GgufBuilder().uint8("k".repeat(65_536), 1));
    }

    @Test
    void refusesAKeyGivenTwice() throws IOException {
        assertRefused(
                "offset 38: key k; expected each key once, got it again",
                new GgufBuilder().uint8("k", 1).uint8("k", 2));
    }

    @Test
    void refusesUnknownValueTypes() throws IOException {
        assertRefused(
                "offset 33: unknown type of the value of key k; expected 0 to 12, got 13",
                new GgufBuilder().value("k", 13, new byte[8]));
        assertRefused(
                "offset 37: unknown type of the value of key k; expected 0 to 12, got 4294967295",
                new GgufBuilder().value("k", ValueType.ARRAY, new GgufBuilder().int32s(-1, 0, 0)));
    }

    @Test
    void refusesABoolThatIsNone() throws IOException {
        assertRefused(
                "offset 37: the value of key k; expected a bool, 0 or 1, got 2",
                new GgufBuilder().value("k", ValueType.BOOL, new byte[] {2}));
        assertRefused(
                "offset 50: the value of key k; expected a bool, 0 or 1, got 255",
                new GgufBuilder().array("k", ValueType.BOOL, 2, new byte[] {1, -1}));
    }

    @Test
    void refusesStringsLongerThanTheFile() throws IOException {
        GgufBuilder builder = new GgufBuilder();
        assertRefused(
                "offset 37: length of a string in the value of key k; expected at most 19 (the bytes that remain), got 20",
                builder.value("k", ValueType.STRING, builder.int64(20)));
        assertRefused(
                "offset 37: length of a string in the value of key k; expected at most 19 (the bytes that remain),"
                        + " got 18446744073709551615",
                new GgufBuilder().value("k", ValueType.STRING, builder.int64(-1)));
    }

    @Test
    void refusesArraysLongerThanTheFile() throws IOException {
        assertRefused(
                "offset 41: the length of an array in the value of key k; expected at most 3"
                        + " (what the file has room for), got 4",
                new GgufBuilder().array("k", ValueType.UINT32, 4));
        assertRefused(
                "offset 41: the length of an array in the value of key k; expected at most 1"
                        + " (what the file has room for), got 18446744073709551615",
                new GgufBuilder().array("k", ValueType.STRING, -1));
    }

    @Test
    void refusesTooManyStrings() throws IOException {
        byte[] bytes = Arrays.copyOf(
                new GgufBuilder().array("k", ValueType.STRING, 4_194_305).toBytes(), 49 + 8 * 4_194_305);
        assertRefused(
                "offset 41: the length of an array in the value of key k; expected at most 4194304 (the limit),"
                        + " got 4194305",
                bytes);
    }

    @Test
    void refusesDeepNesting() throws IOException {
        GgufBuilder builder = new GgufBuilder();
        byte[] nested = builder.arrayBytes(ValueType.UINT8, 0);
        for (int depth = 2; depth <= 8; depth++) {
            nested = builder.arrayBytes(ValueType.ARRAY, 1, nested);
        }
        Files.write(path, new GgufBuilder().value("k", ValueType.ARRAY, nested).toBytes());
        GgufFile.open(path).close();
        nested = builder.arrayBytes(ValueType.ARRAY, 1, nested);
        assertRefused(
                "offset " + (37 + 8 * 12)
                        + ": the value of key k; expected at most 8 arrays inside each other, got more",
                new GgufBuilder().value("k", ValueType.ARRAY, nested));
    }

    @Test
    void refusesAHeaderBeyondTheLimitWithoutReadingIt() throws IOException {
        byte[] header = new GgufBuilder()
                .value("k", ValueType.STRING, new GgufBuilder().int64(1L << 30))
                .toBytes();
        try (FileChannel channel = FileChannel.open(
                path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(header));
            channel.write(ByteBuffer.wrap(new byte[1]), 2L << 30);
        }
        assertRefused("offset 45: metadata and tensor list; expected at most 134217728 bytes, got 1073741869 or more");
    }

    @Test
    void refusesBadAlignments() throws IOException {
        for (int alignment : new int[] {0, 4, 1 << 25, -1}) {
            assertRefused(
                    "offset 53: value of key general.alignment; expected from 8 to 16777216, got "
                            + Integer.toUnsignedString(alignment),
                    new GgufBuilder().uint32("general.alignment", alignment));
        }
        assertRefused(
                "offset 53: general.alignment; expected a power of two, got 48",
                new GgufBuilder().uint32("general.alignment", 48));
        assertRefused(
                "offset 53: type of key general.alignment; expected an integer, got FLOAT32",
                new GgufBuilder().float32("general.alignment", 32));
    }

    @Test
    void refusesATensorGivenTwice() throws IOException {
        assertRefused(
                "offset 57: tensor t; expected each name once, got it again",
                tensor(GgmlType.F32, 4, 1).f32("t", new float[1], 1));
    }

    @Test
    void refusesMoreThanFourDimensions() throws IOException {
        assertRefused(
                "offset 33: number of dimensions of tensor t; expected at most 4, got 5",
                tensor(GgmlType.F32, 4, 1, 1, 1, 1, 1));
        byte[] bytes = tensor(GgmlType.F32, 4, 1).toBytes();
        Arrays.fill(bytes, 33, 37, (byte) 0xFF);
        assertRefused("offset 33: number of dimensions of tensor t; expected at most 4, got 4294967295", bytes);
    }

    @Test
    void refusesDimensionsThatAreZeroOrNegative() throws IOException {
        assertRefused("offset 45: a dimension of tensor t; expected at least 1, got 0", tensor(GgmlType.F32, 4, 1, 0));
        assertRefused(
                "offset 37: a dimension of tensor t; expected at most 9223372036854775807 (2^63-1),"
                        + " got 18446744073709551615",
                tensor(GgmlType.F32, 4, -1));
    }

    @Test
    void refusesShapesThatOverflow() throws IOException {
        assertRefused(
                "offset 37: shape of tensor t; expected fewer than 2^63 weights, got more",
                tensor(GgmlType.F32, 4, 1L << 32, 1L << 31));
        assertRefused(
                "offset 37: size of tensor t; expected fewer than 2^63 bytes, got more",
                tensor(GgmlType.F32, 4, 1L << 32, 1L << 30));
    }

    @Test
    void refusesUnknownTensorTypes() throws IOException {
        assertRefused(
                "offset 45: unknown type of tensor t; expected a type of ggml, got 99",
                tensor(GgmlType.F32, 4, 1).claimType("t", 99));
        assertRefused(
                "offset 45: unknown type of tensor t; expected a type of ggml, got 4294967295",
                tensor(GgmlType.F32, 4, 1).claimType("t", -1));
        assertRefused(
                "offset 45: unknown type of tensor t; expected a type of ggml, got 31 (Q4_0_4_4, withdrawn by ggml)",
                tensor(GgmlType.F32, 4, 1).claimType("t", 31));
    }

    @Test
    void refusesRowsThatAreNoWholeBlocks() throws IOException {
        assertRefused(
                "offset 37: dimension 0 of tensor t of type Q4_K; expected a multiple of 256, got 128",
                tensor(GgmlType.Q4_K, 144, 128, 2));
    }

    @Test
    void refusesOffsetsThatAreMisalignedOrOverflow() throws IOException {
        assertRefused(
                "offset 49: the offset of tensor t; expected a multiple of the alignment 32, got 16",
                tensor(GgmlType.F32, 64, 1).claimOffset("t", 16));
        assertRefused(
                "offset 49: the offset of tensor t; expected at most 9223372036854775807 (2^63-1),"
                        + " got 18446744073709551584",
                tensor(GgmlType.F32, 64, 1).claimOffset("t", -32));
    }

    @Test
    void refusesTensorsBeyondTheEndOfTheFile() throws IOException {
        String after = "; expected all of it within the 32 bytes of data, got a file that is truncated or lies";
        assertRefused(
                "offset 49: tensor t of 36 bytes at 0 reaches beyond the end of the file" + after,
                tensor(GgmlType.F32, 32, 9));
        assertRefused(
                "offset 49: tensor t of 32 bytes at 32 reaches beyond the end of the file" + after,
                tensor(GgmlType.F32, 32, 8).claimOffset("t", 32));
        long far = Long.MAX_VALUE & -32;
        assertRefused(
                "offset 49: tensor t of 32 bytes at " + far + " reaches beyond the end of the file" + after,
                tensor(GgmlType.F32, 32, 8).claimOffset("t", far));
    }

    @Test
    void refusesTensorsThatOverlap() throws IOException {
        GgufBuilder builder = new GgufBuilder()
                .f32("a", new float[9], 9)
                .f32("b", new float[9], 9)
                .claimOffset("b", 32);
        // The list ends at 24 + 2 * 33 = 90, so the data starts at 96.
        assertRefused("offset 128: tensor b overlaps a; expected it to start at 132 or later, got 128", builder);
        assertRefused(
                "offset 96: tensor b overlaps a; expected it to start at 132 or later, got 96",
                builder.claimOffset("b", 0));
    }

    @Test
    void acceptsTensorsOutOfOrderAndGapsBetweenThem() throws IOException {
        Files.write(
                path,
                new GgufBuilder()
                        .f32("a", new float[8], 8)
                        .f32("b", new float[8], 8)
                        .f32("c", new float[8], 8)
                        .claimOffset("a", 64)
                        .claimOffset("c", 0)
                        .claimOffset("b", 32)
                        .toBytes());
        GgufFile.open(path).close();
    }

    @Test
    void saysThatAFileShrankWhileItWasRead() throws IOException {
        Files.write(path, "GGUF".getBytes(UTF_8));
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            HeaderReader reader = new HeaderReader(path, channel, 100, 1000);
            var e = assertThrows(GgufException.class, () -> reader.int32("the magic number"));
            assertEquals(
                    path + ": offset 4: the file shrank while it was read; expected 100 bytes, got its end",
                    e.getMessage());
        }
    }

    /** A file of every kind of thing, without padding at its end. */
    private static byte[] small() {
        GgufBuilder builder = new GgufBuilder()
                .alignment(16)
                .string("general.architecture", "qwen3")
                .uint32("qwen3.block_count", 2)
                .float64("real", 0.5)
                .bool("bool", true)
                .strings("tokenizer.ggml.tokens", List.of("a", "bc", ""))
                .int32Array("types", 1, 2, 3);
        return builder.array("nested", ValueType.ARRAY, 1, builder.arrayBytes(ValueType.BOOL, 2, new byte[] {0, 1}))
                .f32("norm", new float[] {1, 2, 3}, 3)
                .tensor("weight", GgmlType.Q8_0, new byte[68], 32, 2)
                .f32("last", new float[4], 2, 2)
                .toBytes();
    }

    @Test
    void refusesAFileTruncatedAnywhere() throws IOException {
        byte[] bytes = small();
        Files.write(path, bytes);
        GgufFile.open(path).close();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            for (int length = bytes.length - 1; length >= 0; length--) {
                channel.truncate(length);
                var e = assertThrows(GgufException.class, () -> GgufFile.open(path), "at " + length);
                assertTrue(e.getMessage().startsWith(path + ": offset "), e.getMessage());
            }
        }
    }

    @Test
    void acceptsOrRefusesAFileWithAnyByteChanged() throws IOException {
        byte[] bytes = small();
        for (int at = 4; at < bytes.length - 32; at++) {
            for (int value : new int[] {0xFF, bytes[at] ^ 1, bytes[at] ^ 0x80}) {
                byte[] changed = bytes.clone();
                changed[at] = (byte) value;
                openAndReadAll(changed, "byte " + at + " set to " + value);
            }
        }
    }

    @Test
    void acceptsOrRefusesAFileWithManyBytesChanged() throws IOException {
        Random random = new Random(42);
        byte[] bytes = small();
        for (int round = 0; round < 2000; round++) {
            byte[] changed = bytes.clone();
            for (int i = random.nextInt(1, 5); i > 0; i--) {
                changed[random.nextInt(8, bytes.length)] =
                        (byte) (random.nextBoolean() ? random.nextInt(256) : random.nextInt(14));
            }
            openAndReadAll(changed, "round " + round);
        }
    }

    /** What is accepted must be readable to the last byte. */
    private void openAndReadAll(byte[] bytes, String what) throws IOException {
        // Written over, not truncated and written: file systems make the latter wait for the disk.
        Files.write(path, bytes, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try (GgufFile file = GgufFile.open(path)) {
            for (String key : file.metadata().keys()) {
                readAll(file.metadata().get(key).orElseThrow());
            }
            for (TensorInfo tensor : file.tensors()) {
                assertEquals(tensor.byteSize(), file.data(tensor).byteSize(), what);
                assertEquals(tensor.elements(), tensor.rows() * tensor.columns(), what);
                file.data(tensor).toArray(ValueLayout.JAVA_BYTE);
            }
        } catch (GgufException e) {
            assertTrue(e.getMessage().startsWith(path + ": "), what + ": " + e.getMessage());
        } catch (RuntimeException | Error e) {
            throw new AssertionError(what, e);
        }
    }

    private static void readAll(Object value) {
        if (value instanceof MetadataArray array) {
            array.forEach(BadFileTest::readAll);
        }
    }
}
