package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.gguf.GgmlType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The decoders against the values that the {@code gguf} Python package gives for random blocks ({@code blocks/TYPE.raw}
 * and {@code .f32} in the test resources), bit for bit, and at the edges that random blocks do not reach.
 */
class BlockDecoderTest {
    private static final short ONE = 0x3C00;
    private static final short SMALLEST_SUBNORMAL = 0x0001; // 2^-24
    private static final short INFINITY = 0x7C00;
    private static final short NAN = 0x7E00;

    /** Where a block keeps its half-precision numbers: first the scale, then the minimum's if it has one. */
    private static final Map<GgmlType, List<Integer>> HALVES = new EnumMap<>(Map.ofEntries(
            Map.entry(GgmlType.Q4_0, List.of(0)),
            Map.entry(GgmlType.Q4_1, List.of(0, 2)),
            Map.entry(GgmlType.Q5_0, List.of(0)),
            Map.entry(GgmlType.Q5_1, List.of(0, 2)),
            Map.entry(GgmlType.Q8_0, List.of(0)),
            Map.entry(GgmlType.Q2_K, List.of(80, 82)),
            Map.entry(GgmlType.Q3_K, List.of(108)),
            Map.entry(GgmlType.Q4_K, List.of(0, 2)),
            Map.entry(GgmlType.Q5_K, List.of(0, 2)),
            Map.entry(GgmlType.Q6_K, List.of(208)),
            Map.entry(GgmlType.IQ4_NL, List.of(0)),
            Map.entry(GgmlType.IQ4_XS, List.of(0)),
            Map.entry(GgmlType.IQ3_S, List.of(0)),
            Map.entry(GgmlType.IQ3_XXS, List.of(0)),
            Map.entry(GgmlType.IQ2_S, List.of(0)),
            Map.entry(GgmlType.IQ2_XS, List.of(0)),
            Map.entry(GgmlType.IQ2_XXS, List.of(0))));

    static Set<GgmlType> quantizedTypes() {
        return HALVES.keySet();
    }

    static Set<GgmlType> typesWithReference() {
        Set<GgmlType> types = EnumSet.of(GgmlType.F16, GgmlType.BF16);
        types.addAll(quantizedTypes());
        return types;
    }

    static Set<GgmlType> allTypes() {
        Set<GgmlType> types = EnumSet.of(GgmlType.F32);
        types.addAll(typesWithReference());
        return types;
    }

    @ParameterizedTest
    @MethodSource("typesWithReference")
    void decodesTheReferenceBlocksBitForBit(GgmlType type) throws IOException {
        byte[] raw = resource(type.name() + ".raw");
        float[] expected = floats(resource(type.name() + ".f32"));
        Map<?, ?> shape = (Map<?, ?>) JSON.std.mapFrom(resource("index.json")).get(type.name());
        assertEquals(shape.get("block_weights"), type.blockSize());
        assertEquals(shape.get("block_bytes"), type.blockBytes());
        assertEquals(raw.length / type.blockBytes() * type.blockSize(), expected.length);

        float[] actual = new float[expected.length];
        BlockDecoder.of(type).decode(MemorySegment.ofArray(raw), 0, actual, 0, actual.length);

        assertSameBits(expected, actual);
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void decodesAnyBytesOneBlockAtATimeAtAnyOffsetAsInOneCall(GgmlType type) {
        int blocks = 33;
        byte[] raw = new byte[blocks * type.blockBytes()];
        new Random(type.name().hashCode()).nextBytes(raw);
        Arrays.fill(raw, 0, type.blockBytes(), (byte) 0xFF);
        Arrays.fill(raw, type.blockBytes(), 2 * type.blockBytes(), (byte) 0);
        BlockDecoder decoder = BlockDecoder.of(type);
        float[] expected = new float[blocks * type.blockSize()];
        decoder.decode(MemorySegment.ofArray(raw), 0, expected, 0, expected.length);

        try (Arena arena = Arena.ofConfined()) {
            for (int shift = 0; shift < 8; shift++) {
                MemorySegment mapped = arena.allocate(shift + raw.length, 8);
                MemorySegment.copy(raw, 0, mapped, ValueLayout.JAVA_BYTE, shift, raw.length);
                float[] actual = new float[expected.length];
                for (int b = 0; b < blocks; b++) {
                    decoder.decode(
                            mapped,
                            shift + (long) b * type.blockBytes(),
                            actual,
                            b * type.blockSize(),
                            type.blockSize());
                }
                assertSameBits(expected, actual);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void writesNothingBesideItsOwnFloats(GgmlType type) {
        MemorySegment block = MemorySegment.ofArray(new byte[3 * type.blockBytes()]);
        float[] dst = new float[3 + 2 * type.blockSize() + 5];
        Arrays.fill(dst, 7f);

        BlockDecoder.of(type).decode(block, type.blockBytes(), dst, 3, 2 * type.blockSize());
        BlockDecoder.of(type).decode(block, block.byteSize(), dst, dst.length, 0);

        for (int i = 0; i < dst.length; i++) {
            boolean outside = i < 3 || i >= dst.length - 5;
            assertEquals(outside, dst[i] == 7f, "float " + i);
        }
    }

    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void aSubnormalScaleIsAScaleLikeAnyOther(GgmlType type) {
        byte[] block = randomBlock(type, 1);
        float[] atOne = decodeWith(type, block, ONE);
        float[] atSubnormal = decodeWith(type, block, SMALLEST_SUBNORMAL);

        for (int i = 0; i < atOne.length; i++) {
            // Exact: every weight is a product with, or a difference of two products with, a power of two.
            assertEquals(atOne[i] * 0x1p-24f, atSubnormal[i], "weight " + i);
        }
    }

    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void anInfiniteScaleLeavesNoWeightFinite(GgmlType type) {
        for (float weight : decodeWith(type, randomBlock(type, 2), INFINITY)) {
            assertTrue(!Float.isFinite(weight), () -> "got " + weight);
        }
    }

    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void aNanScaleMakesEveryWeightNan(GgmlType type) {
        for (float weight : decodeWith(type, randomBlock(type, 3), NAN)) {
            assertTrue(Float.isNaN(weight), () -> "got " + weight);
        }
    }

    @Test
    void decodesEveryF16() {
        byte[] raw = new byte[2 << 16];
        for (int bits = 0; bits < 1 << 16; bits++) {
            raw[2 * bits] = (byte) bits;
            raw[2 * bits + 1] = (byte) (bits >>> 8);
        }
        float[] actual = new float[1 << 16];
        BlockDecoder.of(GgmlType.F16).decode(MemorySegment.ofArray(raw), 0, actual, 0, actual.length);

        for (int bits = 0; bits < 1 << 16; bits++) {
            int exponent = bits >>> 10 & 0x1F;
            int fraction = bits & 0x3FF;
            float magnitude = exponent == 0
                    ? Math.scalb((float) fraction, -24)
                    : exponent < 31
                            ? Math.scalb((float) (0x400 | fraction), exponent - 25)
                            : fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            assertEquals(bits < 1 << 15 ? magnitude : -magnitude, actual[bits], "bits " + bits);
        }
    }

    @Test
    void keepsTheBitsOfEveryBf16AndOfF32() {
        byte[] raw = new byte[2 << 16];
        for (int bits = 0; bits < 1 << 16; bits++) {
            raw[2 * bits] = (byte) bits;
            raw[2 * bits + 1] = (byte) (bits >>> 8);
        }
        float[] bf16 = new float[1 << 16];
        BlockDecoder.of(GgmlType.BF16).decode(MemorySegment.ofArray(raw), 0, bf16, 0, bf16.length);
        for (int bits = 0; bits < 1 << 16; bits++) {
            assertEquals(bits << 16, Float.floatToRawIntBits(bf16[bits]));
        }

        float[] f32 = new float[raw.length / 4];
        BlockDecoder.of(GgmlType.F32).decode(MemorySegment.ofArray(raw), 0, f32, 0, f32.length);
        assertSameBits(floats(raw), f32);
    }

    @Test
    void refusesACountThatIsNoMultipleOfTheBlockSize() {
        MemorySegment src = MemorySegment.ofArray(new byte[1024]);
        BlockDecoder decoder = BlockDecoder.of(GgmlType.Q4_K);

        IllegalArgumentException partial =
                assertThrows(IllegalArgumentException.class, () -> decoder.decode(src, 0, new float[512], 0, 300));
        assertEquals("Q4_K: count of weights; expected a multiple of 256, got 300", partial.getMessage());
    }

    @Test
    void refusesANegativeCount() {
        MemorySegment src = MemorySegment.ofArray(new byte[1024]);
        BlockDecoder decoder = BlockDecoder.of(GgmlType.Q8_0);

        IllegalArgumentException negative =
                assertThrows(IllegalArgumentException.class, () -> decoder.decode(src, 0, new float[512], 64, -32));
        assertEquals("Q8_0: count of weights; expected a multiple of 32, got -32", negative.getMessage());
    }

    @ParameterizedTest
    @MethodSource("allTypes")
    void refusesRangesOutsideEitherSideBeforeWriting(GgmlType type) {
        BlockDecoder decoder = BlockDecoder.of(type);
        int count = 2 * type.blockSize();
        MemorySegment whole = MemorySegment.ofArray(new byte[2 * type.blockBytes()]);
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

    @Test
    void refusesATypeWithoutADecoderByName() {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> BlockDecoder.of(GgmlType.IQ1_S));
        assertEquals("tensor type IQ1_S: weights of this type are not supported", refusal.getMessage());
    }

    /** Decodes {@code block} with all of its half-precision numbers replaced. */
    private static float[] decodeWith(GgmlType type, byte[] block, short half) {
        ByteBuffer changed = ByteBuffer.wrap(block.clone()).order(ByteOrder.LITTLE_ENDIAN);
        for (int offset : HALVES.get(type)) {
            changed.putShort(offset, half);
        }
        float[] weights = new float[type.blockSize()];
        BlockDecoder.of(type).decode(MemorySegment.ofArray(changed.array()), 0, weights, 0, weights.length);
        return weights;
    }

    private static byte[] randomBlock(GgmlType type, long seed) {
        byte[] block = new byte[type.blockBytes()];
        new Random(seed).nextBytes(block);
        return block;
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = BlockDecoderTest.class.getResourceAsStream("/blocks/" + name)) {
            assertNotNull(in, name);
            return in.readAllBytes();
        }
    }

    private static float[] floats(byte[] bytes) {
        float[] floats = new float[bytes.length / 4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
        return floats;
    }

    /** Equal to the sign of zero; all NaNs are one. */
    private static void assertSameBits(float[] expected, float[] actual) {
        assertEquals(expected.length, actual.length);
        for (int i = 0; i < expected.length; i++) {
            if (Float.floatToIntBits(expected[i]) != Float.floatToIntBits(actual[i])) {
                assertEquals(Float.toHexString(expected[i]), Float.toHexString(actual[i]), "weight " + i);
            }
        }
    }
}
