package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Decodes the blocks of one GGML type into floats: the specification that every vector kernel is tested against.
 *
 * <p>A decoder is stateless, shared by threads, and allocates nothing. Every pattern of bits decodes to something: an
 * infinite or NaN scale in a block gives infinite or NaN weights, never an exception. The order of multiplications and
 * additions is that of {@code dequantize_row_*} in llama.cpp's {@code ggml-quants.c}, each operation rounded to float, so
 * the values agree with it bit for bit.
 */
final class BlockDecoder implements WeightDecoder {
    /** Decodes {@code blocks} whole blocks; the ranges of both sides have been checked. */
    @FunctionalInterface
    private interface BlockLoop {
        void decode(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks);
    }

    // Tensors in a file are little-endian; a block of 18 or 210 bytes leaves the next one at any alignment.
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final GgmlType type;
    private final BlockLoop loop;

    private BlockDecoder(GgmlType type, BlockLoop loop) {
        this.type = type;
        this.loop = loop;
    }

    /**
     * The decoder of a type.
     *
     * @throws IllegalArgumentException if there is none for {@code type}; the message names it
     */
    static BlockDecoder of(GgmlType type) {
        BlockLoop loop = switch (type) {
            case F32 -> DequantizeFloats::f32;
            case F16 -> DequantizeFloats::f16;
            case BF16 -> DequantizeFloats::bf16;
            case Q4_0 -> DequantizeLegacy::q4_0;
            case Q4_1 -> DequantizeLegacy::q4_1;
            case Q5_0 -> DequantizeLegacy::q5_0;
            case Q5_1 -> DequantizeLegacy::q5_1;
            case Q8_0 -> DequantizeLegacy::q8_0;
            case Q2_K -> DequantizeKQuants::q2K;
            case Q3_K -> DequantizeKQuants::q3K;
            case Q4_K -> DequantizeKQuants::q4K;
            case Q5_K -> DequantizeKQuants::q5K;
            case Q6_K -> DequantizeKQuants::q6K;
            case IQ4_NL -> DequantizeIQuants::iq4Nl;
            case IQ4_XS -> DequantizeIQuants::iq4Xs;
            case IQ3_S -> DequantizeIQuants::iq3S;
            case IQ3_XXS -> DequantizeIQuants::iq3Xxs;
            case IQ2_S -> DequantizeIQuants::iq2S;
            case IQ2_XS -> DequantizeIQuants::iq2Xs;
            case IQ2_XXS -> DequantizeIQuants::iq2Xxs;
            default ->
                throw new IllegalArgumentException("tensor type " + type + ": weights of this type are not supported");
        };
        return new BlockDecoder(type, loop);
    }

    /** The type that this decodes. */
    GgmlType type() {
        return type;
    }

    /**
     * Decodes {@code count} weights that begin with the block at {@code srcOffset}.
     *
     * @param src the tensor's bytes, or more than these
     * @param srcOffset offset of the first block in {@code src}, in bytes, of any alignment
     * @param dst receives {@code count} floats from {@code dstOffset} on; nothing else in it is touched
     * @param count how many weights: a multiple of the type's block size, or 0
     * @throws IllegalArgumentException if {@code count} is negative or no multiple of the block size
     * @throws IndexOutOfBoundsException if {@code src} ends before the last block or {@code dst} before the last float;
     *     nothing has been written then
     */
    @Override
    public void decode(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blockSize = type.blockSize();
        int blocks = count / blockSize;
        if (count < 0 || blocks * blockSize != count) {
            throw new IllegalArgumentException(
                    type + ": count of weights; expected a multiple of " + blockSize + ", got " + count);
        }
        Objects.checkFromIndexSize(srcOffset, (long) blocks * type.blockBytes(), src.byteSize());
        Objects.checkFromIndexSize(dstOffset, count, dst.length);
        loop.decode(src, srcOffset, dst, dstOffset, blocks);
    }

    /** The half-precision number at {@code offset}. */
    static float f16(MemorySegment src, long offset) {
        return Float.float16ToFloat(src.get(SHORT, offset));
    }

    /** The byte at {@code offset}, 0 to 255. */
    static int u8(MemorySegment src, long offset) {
        return src.get(ValueLayout.JAVA_BYTE, offset) & 0xFF;
    }

    /** The byte at {@code offset}, -128 to 127. */
    static int i8(MemorySegment src, long offset) {
        return src.get(ValueLayout.JAVA_BYTE, offset);
    }

    @Override
    public String toString() {
        return "BlockDecoder[" + type + "]";
    }
}
