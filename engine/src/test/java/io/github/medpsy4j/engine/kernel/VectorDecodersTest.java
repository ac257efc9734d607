package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The vector decoders against the scalar ones, bit for bit; all NaNs are one. */
class VectorDecodersTest {
    /** Values of the half-precision numbers of a block: zeros, subnormals, largest, infinities, NaN. */
    private static final short[] EXTREMES = {
        0x0000, (short) 0x8000, 0x0001, (short) 0x83FF, 0x7BFF, (short) 0xFBFF, 0x7C00, (short) 0xFC00, 0x7E00, 0x7C01
    };

    static Set<GgmlType> allTypes() {
        return BlockDecoderTest.allTypes();
    }

    @Test
    void theTestsRunWithTheVectorModule() {
        assertInstanceOf(VectorKernels.class, Kernels.best());
    }

    @ParameterizedTest
    @EnumSource(
            value = GgmlType.class,
            names = {
                "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
                "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS"
            })
    void aTypeHasItsOwnVectorDecoder(GgmlType type) {
        assertFalse(new VectorKernels().decoder(type) instanceof BlockDecoder, "scalar decoder for " + type);
    }

    @Test
    void typesThatNeedNoVectorsUseTheScalarDecoder() {
        Set<GgmlType> scalar = EnumSet.noneOf(GgmlType.class);
        for (GgmlType type : allTypes()) {
            if (VectorDecoders.of(type) instanceof BlockDecoder) {
                scalar.add(type);
            }
        }
        assertEquals(EnumSet.of(GgmlType.F32, GgmlType.F16), scalar);
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void decodesRandomBytesAtAnyOffsetAndCount(GgmlType type) {
        Random random = new Random(type.name().hashCode());
        int[] counts =
                type.blockSize() == 1 ? new int[] {0, 1, 3, 7, 8, 9, 31, 100, 512} : new int[] {0, 1, 2, 3, 5, 16};
        try (Arena arena = Arena.ofConfined()) {
            for (int blocks : counts) {
                int bytes = blocks * type.blockBytes();
                for (int shift = 0; shift < 9; shift++) {
                    byte[] raw = new byte[bytes];
                    random.nextBytes(raw);
                    // The segment ends with the last block: reading beyond it fails.
                    MemorySegment src = arena.allocate(shift + bytes, 8);
                    MemorySegment.copy(raw, 0, src, ValueLayout.JAVA_BYTE, shift, bytes);
                    assertSameAsScalar(type, src, shift, shift, blocks * type.blockSize());
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void decodesConstantBytes(GgmlType type) {
        byte[] raw = new byte[2 * type.blockBytes()];
        for (int value = 0; value < 256; value++) {
            Arrays.fill(raw, (byte) value);
            assertSameAsScalar(type, MemorySegment.ofArray(raw), 0, 0, 2 * type.blockSize());
        }
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void decodesExtremesAtEveryPlaceThatMayHoldAScale(GgmlType type) {
        Random random = new Random(7);
        byte[] raw = new byte[type.blockBytes()];
        MemorySegment src = MemorySegment.ofArray(raw);
        for (short extreme : EXTREMES) {
            for (int at = 0; at + 2 <= raw.length; at += 2) {
                random.nextBytes(raw);
                src.set(BlockDecoder.SHORT, at, extreme);
                assertSameAsScalar(type, src, 0, 0, type.blockSize());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = GgmlType.class,
            names = {"F16", "BF16"})
    void decodesEveryHalf(GgmlType type) {
        MemorySegment src = MemorySegment.ofArray(new byte[2 << 16]);
        for (int bits = 0; bits < 1 << 16; bits++) {
            src.set(BlockDecoder.SHORT, 2L * bits, (short) bits);
        }
        assertSameAsScalar(type, src, 0, 0, 1 << 16);
    }

    /** Long enough for C2 to compile the decoder, whose code is then the one that is compared. */
    @ParameterizedTest
    @MethodSource("allTypes")
    void compiledCodeDecodesTheSame(GgmlType type) {
        int count = 512;
        byte[] raw = new byte[count / type.blockSize() * type.blockBytes()];
        new Random(11).nextBytes(raw);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment src = arena.allocate(raw.length, 8);
            src.copyFrom(MemorySegment.ofArray(raw));
            WeightDecoder decoder = VectorDecoders.of(type);
            float[] dst = new float[count];
            long end = System.nanoTime() + 150_000_000L;
            while (System.nanoTime() < end) {
                decoder.decode(src, 0, dst, 0, count);
            }
            assertSameAsScalar(type, src, 0, 0, count);
        }
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void refusesACountThatIsNoMultipleOfTheBlockSizeOrNegative(GgmlType type) {
        WeightDecoder decoder = VectorDecoders.of(type);
        MemorySegment src = MemorySegment.ofArray(new byte[1024]);
        int size = type.blockSize();
        for (int count : size == 1 ? new int[] {-1} : new int[] {-size, size + 1}) {
            IllegalArgumentException refusal = assertThrows(
                    IllegalArgumentException.class, () -> decoder.decode(src, 0, new float[512], 0, count));
            assertEquals(
                    type + ": count of weights; expected a multiple of " + size + ", got " + count,
                    refusal.getMessage());
        }
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void refusesRangesOutsideEitherSideBeforeWriting(GgmlType type) {
        WeightDecoder decoder = VectorDecoders.of(type);
        int count = 32 * type.blockSize();
        MemorySegment whole = MemorySegment.ofArray(new byte[32 * type.blockBytes()]);
        MemorySegment truncated = whole.asSlice(0, whole.byteSize() - 1);
        float[] dst = new float[count];
        Arrays.fill(dst, 7f);

        assertThrows(IndexOutOfBoundsException.class, () -> decoder.decode(truncated, 0, dst, 0, count));
        assertThrows(IndexOutOfBoundsException.class, () -> decoder.decode(whole, 1, dst, 0, count));
        assertThrows(IndexOutOfBoundsException.class, () -> decoder.decode(whole, -1, dst, 0, count));
        assertThrows(IndexOutOfBoundsException.class, () -> decoder.decode(whole, Long.MAX_VALUE, dst, 0, count));
        assertThrows(IndexOutOfBoundsException.class, () -> decoder.decode(whole, 0, dst, 1, count));
        assertThrows(IndexOutOfBoundsException.class, () -> decoder.decode(whole, 0, dst, -1, count));

        float[] untouched = new float[count];
        Arrays.fill(untouched, 7f);
        assertArrayEquals(untouched, dst);
    }

    /** Also that nothing beside the {@code count} floats is written. */
    private static void assertSameAsScalar(GgmlType type, MemorySegment src, long srcOffset, int dstOffset, int count) {
        float[] expected = new float[dstOffset + count + 5];
        Arrays.fill(expected, 7f);
        float[] actual = expected.clone();
        BlockDecoder.of(type).decode(src, srcOffset, expected, dstOffset, count);
        VectorDecoders.of(type).decode(src, srcOffset, actual, dstOffset, count);
        for (int i = 0; i < expected.length; i++) {
            if (Float.floatToIntBits(expected[i]) != Float.floatToIntBits(actual[i])) {
                assertEquals(Float.toHexString(expected[i]), Float.toHexString(actual[i]), "float " + i);
            }
        }
    }
}
