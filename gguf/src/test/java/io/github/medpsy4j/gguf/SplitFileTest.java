package io.github.medpsy4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.medpsy4j.gguf.testing.GgufBuilder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SplitFileTest {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    @TempDir
    private Path directory;

    private Path first;

    /** Part i of 3 as gguf-split writes it: everything else stands in the first. */
    private static GgufBuilder part(int i) {
        GgufBuilder builder = new GgufBuilder();
        if (i == 1) {
            builder.string("general.architecture", "qwen3");
        }
        return builder.uint16("split.no", i - 1).uint16("split.count", 3).int32("split.tensors.count", 4);
    }

    private Path write(GgufBuilder builder, int i) throws IOException {
        return builder.writeTo(directory.resolve("model-0000" + i + "-of-00003.gguf"));
    }

    private void writeAll() throws IOException {
        first = write(part(1).f32("a", new float[] {1}, 1), 1);
        write(part(2).f32("b", new float[] {2}, 1).f32("c", new float[] {3}, 1), 2);
        write(part(3).f32("d", new float[] {4}, 1), 3);
    }

    private void assertRefused(String message) {
        assertEquals(
                message,
                assertThrows(GgufException.class, () -> GgufFile.open(first)).getMessage());
    }

    @Test
    void readsAllPartsAsOneModel() throws IOException {
        writeAll();
        try (GgufFile file = GgufFile.open(first);
                Arena arena = Arena.ofConfined()) {
            assertEquals(first, file.path());
            assertEquals(
                    List.of("a", "b", "c", "d"),
                    file.tensors().stream().map(TensorInfo::name).toList());
            assertEquals(
                    List.of(0, 1, 1, 2),
                    file.tensors().stream().map(TensorInfo::part).toList());
            assertEquals(
                    List.of(1f, 2f, 3f, 4f),
                    file.tensors().stream().map(t -> file.data(t).get(FLOAT, 0)).toList());
            TensorInfo d = file.tensor("d").orElseThrow();
            assertEquals(4, file.map(d, arena).get(FLOAT, 0));
            assertEquals("qwen3", file.metadata().string("general.architecture"));
            long sum = 0;
            for (int i = 1; i <= 3; i++) {
                sum += Files.size(directory.resolve("model-0000" + i + "-of-00003.gguf"));
            }
            assertEquals(sum, file.byteSize());
        }
    }

    @Test
    void namesAMissingPart() throws IOException {
        writeAll();
        Path third = directory.resolve("model-00003-of-00003.gguf");
        Files.delete(third);
        assertRefused(first + ": part 3 of 3 is missing; expected the file " + third + ", got nothing");
    }

    @Test
    void refusesAnotherPartThanTheFirst() throws IOException {
        writeAll();
        first = directory.resolve("model-00002-of-00003.gguf");
        assertRefused(first + ": part 2 of a split model; expected its first part, model-00001-of-00003.gguf,"
                + " got model-00002-of-00003.gguf");
    }

    @Test
    void refusesARenamedPart() throws IOException {
        first = part(1).writeTo(directory.resolve("model.gguf"));
        assertRefused(first + ": name of part 1 of 3; expected NAME-00001-of-00003.gguf, got model.gguf");
    }

    @Test
    void refusesPartsThatDoNotAgree() throws IOException {
        writeAll();
        Path second = write(part(3).f32("b", new float[1], 1), 2);
        assertRefused(second + ": split.no does not agree with model-00001-of-00003.gguf; expected 1, got 2");
        write(new GgufBuilder().uint16("split.no", 1).uint16("split.count", 2), 2);
        assertRefused(second + ": split.count does not agree with model-00001-of-00003.gguf; expected 3, got 2");
        write(new GgufBuilder().uint16("split.no", 1).uint16("split.count", 3).int32("split.tensors.count", 9), 2);
        assertRefused(
                second + ": split.tensors.count does not agree with model-00001-of-00003.gguf; expected 4, got 9");
        write(new GgufBuilder().f32("b", new float[1], 1), 2);
        assertRefused(second + ": key split.no is missing; expected an integer, got nothing");
    }

    @Test
    void refusesTheWrongNumberOfTensors() throws IOException {
        writeAll();
        write(part(3), 3);
        assertRefused(first + ": tensors in all parts; expected 4 (split.tensors.count), got 3");
    }

    @Test
    void refusesATensorInTwoParts() throws IOException {
        writeAll();
        Path third = write(part(3).f32("a", new float[1], 1), 3);
        assertRefused(third + ": tensor a in two parts; expected each name once, got it in " + first + " too");
    }

    @Test
    void refusesSplitNumbersOutOfRange() throws IOException {
        first = new GgufBuilder().uint32("split.count", 65536).writeTo(directory.resolve("a.gguf"));
        assertRefused(first + ": offset 47: value of key split.count; expected from 0 to 65535, got 65536");
        first = new GgufBuilder().uint16("split.no", 3).uint16("split.count", 3).writeTo(first);
        assertRefused(first + ": offset 44: value of key split.no; expected from 0 to 2, got 3");
    }

    @Test
    void readsAModelOfOnePartUnderAnyName() throws IOException {
        first = new GgufBuilder()
                .uint16("split.no", 0)
                .uint16("split.count", 1)
                .f32("a", new float[1], 1)
                .writeTo(directory.resolve("any.gguf"));
        try (GgufFile file = GgufFile.open(first)) {
            assertEquals(1, file.tensors().size());
        }
    }

    @Test
    void takesOnlyFiveDigitsForAPartsName() {
        SplitName name = SplitName.of(Path.of("m-00002-of-00003.gguf")).orElseThrow();
        assertEquals("m", name.prefix());
        assertEquals(2, name.number());
        assertEquals(3, name.count());
        assertEquals(Path.of("m-00001-of-00003.gguf"), name.part(1));
        for (String other : List.of(
                "m.gguf",
                "m-2-of-3.gguf",
                "m-00004-of-00003.gguf",
                "m-00000-of-00003.gguf",
                "m-0000x-of-00003.gguf",
                "m-00002-of-00003.part",
                "m_00002-of-00003.gguf")) {
            assertEquals(Optional.empty(), SplitName.of(Path.of(other)), other);
        }
    }
}
