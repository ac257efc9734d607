package io.github.medpsy4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.gguf.testing.GgufBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GgufFileTest {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    @TempDir
    private Path directory;

    private static GgufBuilder model() {
        return new GgufBuilder()
                .string("general.architecture", "qwen3")
                .f32("norm", new float[] {1, 2, 3}, 3)
                .tensor("weight", GgmlType.Q8_0, new byte[2 * 2 * 34], 64, 2)
                .f32("scalar", new float[] {7});
    }

    private Path file(GgufBuilder builder) throws IOException {
        return builder.writeTo(directory.resolve("model.gguf"));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void readsBothVersions(int version) throws IOException {
        Path path = file(model().version(version));
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(version, file.version());
            assertEquals(path, file.path());
            assertEquals(32, file.alignment());
            assertEquals(Files.size(path), file.byteSize());
            assertEquals("qwen3", file.metadata().string("general.architecture"));
        }
    }

    @Test
    void listsTensorsInFileOrderWithShapesAndSizes() throws IOException {
        try (GgufFile file = GgufFile.open(file(model()))) {
            assertEquals(
                    List.of("norm", "weight", "scalar"),
                    file.tensors().stream().map(TensorInfo::name).toList());
            TensorInfo weight = file.tensor("weight").orElseThrow();
            assertEquals(GgmlType.Q8_0, weight.type());
            assertEquals(List.of(64L, 2L), weight.shape());
            assertEquals(64, weight.columns());
            assertEquals(2, weight.rows());
            assertEquals(128, weight.elements());
            assertEquals(2 * 2 * 34, weight.byteSize());
            assertEquals(0, weight.part());
            assertEquals(0, weight.fileOffset() % 32);
            TensorInfo scalar = file.tensor("scalar").orElseThrow();
            assertEquals(1, scalar.elements());
            assertEquals(1, scalar.columns());
            assertEquals(Optional.empty(), file.tensor("no such"));
        }
    }

    @Test
    void givesTensorsAsReadOnlySlicesOfTheMap() throws IOException {
        try (GgufFile file = GgufFile.open(file(model()))) {
            MemorySegment norm = file.data(file.tensor("norm").orElseThrow());
            assertArrayEquals(new float[] {1, 2, 3}, norm.toArray(FLOAT));
            assertTrue(norm.isReadOnly());
            assertTrue(norm.isMapped());
            MemorySegment scalar = file.data(file.tensor("scalar").orElseThrow());
            assertArrayEquals(new float[] {7}, scalar.toArray(FLOAT));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 64, 4096})
    void placesTensorsByTheDeclaredAlignment(int alignment) throws IOException {
        try (GgufFile file = GgufFile.open(file(model().alignment(alignment)))) {
            assertEquals(alignment, file.alignment());
            TensorInfo scalar = file.tensor("scalar").orElseThrow();
            assertEquals(0, scalar.fileOffset() % alignment);
            assertEquals(7, file.data(scalar).get(FLOAT, 0));
        }
    }

    @Test
    void readsBytesOfATensor() throws IOException {
        Path path = file(model());
        try (GgufFile file = GgufFile.open(path)) {
            TensorInfo norm = file.tensor("norm").orElseThrow();
            byte[] second = new byte[Float.BYTES];
            file.read(norm, Float.BYTES, second);
            assertEquals(2, MemorySegment.ofArray(second).get(FLOAT, 0));
            Thread.currentThread().interrupt();
            file.read(norm, 2 * Float.BYTES, second);
            assertTrue(Thread.interrupted());
            assertEquals(3, MemorySegment.ofArray(second).get(FLOAT, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> file.read(norm, 9, second));
            assertThrows(IndexOutOfBoundsException.class, () -> file.read(norm, -1, second));
            TensorInfo alien = new TensorInfo("norm", GgmlType.F32, List.of(3L), 0, 12, 0);
            assertThrows(IllegalArgumentException.class, () -> file.read(alien, 0, second));
        }
    }

    @Test
    void saysWhichBytesAShortenedFileLacks() throws IOException {
        Path path = file(model());
        try (GgufFile file = GgufFile.open(path)) {
            TensorInfo norm = file.tensor("norm").orElseThrow();
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.truncate(norm.fileOffset());
            }
            var e = assertThrows(UncheckedIOException.class, () -> file.read(norm, 4, new byte[4]));
            assertEquals(
                    path + ": tensor norm: expected 4 bytes at offset " + (norm.fileOffset() + 4)
                            + ", got the file's end; it has become shorter",
                    e.getMessage());
            assertEquals(GgufException.class, e.getCause().getClass());
        }
    }

    @Test
    void mapsATensorIntoTheCallersArena() throws IOException {
        try (GgufFile file = GgufFile.open(file(model()))) {
            MemorySegment norm;
            try (Arena arena = Arena.ofConfined()) {
                norm = file.map(file.tensor("norm").orElseThrow(), arena);
                assertArrayEquals(new float[] {1, 2, 3}, norm.toArray(FLOAT));
                assertTrue(norm.isReadOnly());
            }
            assertThrows(IllegalStateException.class, () -> norm.get(FLOAT, 0));
        }
    }

    @Test
    void refusesToMapATensorOfAFileThatChanged() throws IOException {
        Path path = file(model());
        try (GgufFile file = GgufFile.open(path);
                Arena arena = Arena.ofConfined()) {
            TensorInfo norm = file.tensor("norm").orElseThrow();
            long size = Files.size(path);
            FileTime modified = Files.getLastModifiedTime(path);
            // Another file in its place; the mapped one lives on.
            Path other = Files.write(directory.resolve("other"), new byte[5]);
            Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
            var e = assertThrows(UncheckedIOException.class, () -> file.map(norm, arena));
            assertEquals(
                    path + ": the file changed while it was open; expected size " + size + " bytes, got 5",
                    e.getMessage());
            assertEquals(GgufException.class, e.getCause().getClass());
            Files.write(path, new byte[(int) size]);
            Files.setLastModifiedTime(path, FileTime.fromMillis(0));
            e = assertThrows(UncheckedIOException.class, () -> file.map(norm, arena));
            assertTrue(
                    e.getMessage().endsWith("expected time of last change " + modified + ", got 1970-01-01T00:00:00Z"),
                    e.getMessage());
            Files.delete(path);
            e = assertThrows(UncheckedIOException.class, () -> file.map(norm, arena));
            assertEquals(path + ": cannot read; expected a GGUF file, got: no such file", e.getMessage());
            assertEquals(1, file.data(norm).get(FLOAT, 0));
        }
    }

    @Test
    void closesTwiceAndRefusesUseAfterwards() throws IOException {
        GgufFile file = GgufFile.open(file(model()));
        TensorInfo norm = file.tensor("norm").orElseThrow();
        MemorySegment data = file.data(norm);
        file.close();
        file.close();
        assertThrows(IllegalStateException.class, () -> data.get(FLOAT, 0));
        assertThrows(IllegalStateException.class, () -> file.data(norm));
        assertThrows(IllegalStateException.class, () -> file.map(norm, Arena.global()));
        assertThrows(IllegalStateException.class, () -> file.read(norm, 0, new byte[4]));
        assertEquals("qwen3", file.metadata().string("general.architecture"));
    }

    @Test
    void refusesATensorOfAnotherFile() throws IOException {
        try (GgufFile file = GgufFile.open(file(model()))) {
            TensorInfo alien = new TensorInfo("norm", GgmlType.F32, List.of(3L), 0, 12, 0);
            assertThrows(IllegalArgumentException.class, () -> file.data(alien));
        }
    }

    @Test
    void readsAFileWithoutTensors() throws IOException {
        try (GgufFile file = GgufFile.open(file(new GgufBuilder().string("general.type", "vocab")))) {
            assertTrue(file.tensors().isEmpty());
            assertFalse(file.metadata().has("general.architecture"));
        }
    }

    @Test
    void readsTensorsBeyondTwoGibibytes() throws IOException {
        long offset = 3L << 30;
        Path path = directory.resolve("large.gguf");
        byte[] header = new GgufBuilder()
                .f32("near", new float[] {1}, 1)
                .f32("far", new float[] {2}, 1)
                .claimOffset("far", offset)
                .toBytes();
        try (FileChannel channel = FileChannel.open(
                path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(header));
            // The two infos end at 24 + 36 + 35 = 95, so the data starts at 96.
            channel.write(ByteBuffer.wrap(new GgufBuilder().floats(42)), 96 + offset);
        }
        try (GgufFile file = GgufFile.open(path);
                Arena arena = Arena.ofConfined()) {
            TensorInfo far = file.tensor("far").orElseThrow();
            assertEquals(96 + offset, far.fileOffset());
            assertEquals(42, file.data(far).get(FLOAT, 0));
            assertEquals(42, file.map(far, arena).get(FLOAT, 0));
            byte[] bytes = new byte[4];
            file.read(far, 0, bytes);
            assertEquals(42, MemorySegment.ofArray(bytes).get(FLOAT, 0));
            assertEquals(100 + offset, file.byteSize());
        }
    }

    @Test
    void refusesReadersInOtherThreadsOnceClosed() throws Exception {
        GgufFile file = GgufFile.open(file(model()));
        MemorySegment norm = file.data(file.tensor("norm").orElseThrow());
        assertEquals(1, CompletableFuture.supplyAsync(() -> norm.get(FLOAT, 0)).get(30, TimeUnit.SECONDS));
        file.close();
        // Closing while a thread reads can crash a virtual machine without the mend of JDK-8364167.
        var reader = CompletableFuture.supplyAsync(() -> norm.get(FLOAT, 0));
        var e = assertThrows(ExecutionException.class, () -> reader.get(30, TimeUnit.SECONDS));
        assertEquals(IllegalStateException.class, e.getCause().getClass());
    }

    @Test
    void knowsTheBlocksOfGgml() {
        // Bits per weight as llama.cpp's quantize tool states them.
        assertEquals(4.5, 8.0 * GgmlType.Q4_K.blockBytes() / GgmlType.Q4_K.blockSize());
        assertEquals(6.5625, 8.0 * GgmlType.Q6_K.blockBytes() / GgmlType.Q6_K.blockSize());
        assertEquals(4.25, 8.0 * GgmlType.IQ4_XS.blockBytes() / GgmlType.IQ4_XS.blockSize());
        assertEquals(3.0625, 8.0 * GgmlType.IQ3_XXS.blockBytes() / GgmlType.IQ3_XXS.blockSize());
        for (GgmlType type : GgmlType.values()) {
            assertEquals(type, GgmlType.ofId(type.id()));
        }
        for (ValueType type : ValueType.values()) {
            assertEquals(type, ValueType.ofId(type.id()));
        }
    }
}
