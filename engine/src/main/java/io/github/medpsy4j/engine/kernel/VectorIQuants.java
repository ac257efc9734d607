package io.github.medpsy4j.engine.kernel;

import static io.github.medpsy4j.engine.kernel.BlockDecoder.f16;
import static io.github.medpsy4j.engine.kernel.BlockDecoder.u8;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.F;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.I;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.LANES;
import static io.github.medpsy4j.engine.kernel.VectorDecoders.PAIR;
import static jdk.incubator.vector.VectorOperators.B2I;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;

/** {@link DequantizeIQuants} in vectors; the layouts are there. */
final class VectorIQuants {
    private static final ByteVector IQ4 = ByteVector.fromArray(ByteVector.SPECIES_128, DequantizeIQuants.IQ4_VALUES, 0);

    /** Lane j shifts bit j to the sign. */
    private static final IntVector TO_SIGN =
            IntVector.broadcast(I, 31).sub(IntVector.zero(I).addIndex(1));

    private VectorIQuants() {}

    static void iq4Nl(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.IQ4_NL, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeIQuants.IQ4_NL_BYTES;
            int out = dstOffset + b * DequantizeIQuants.IQ4_NL_WEIGHTS;
            fourBits(src, block + DequantizeIQuants.IQ4_NL_QS, f16(src, block), dst, out);
        }
    }

    static void iq4Xs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.IQ4_XS, src, srcOffset, dst, dstOffset, count);
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeIQuants.IQ4_XS_BYTES;
            int out = dstOffset + b * DequantizeIQuants.WEIGHTS;
            float d = f16(src, block);
            int high = src.get(BlockDecoder.SHORT, block + DequantizeIQuants.IQ4_XS_SCALES_H);
            int low = src.get(BlockDecoder.INT, block + DequantizeIQuants.IQ4_XS_SCALES_L);
            for (int sub = 0; sub < 8; sub++) {
                int scale = ((low >>> (4 * sub)) & 0x0F) | (((high >>> (2 * sub)) & 3) << 4);
                fourBits(src, block + DequantizeIQuants.IQ4_XS_QS + 16 * sub, d * (scale - 32), dst, out + 32 * sub);
            }
        }
    }

    /** 32 weights, looked up sixteen bytes at a time. */
    private static void fourBits(MemorySegment src, long qs, float scale, float[] dst, int out) {
        FloatVector d = FloatVector.broadcast(F, scale);
        ByteVector q = ByteVector.fromMemorySegment(ByteVector.SPECIES_128, src, qs, ByteOrder.LITTLE_ENDIAN);
        ByteVector low = q.and((byte) 0x0F).selectFrom(IQ4);
        // Shifted as shorts: a shift of bytes is emulated on x86.
        ByteVector high = q.reinterpretAsShorts()
                .lanewise(LSHR, 4)
                .reinterpretAsBytes()
                .and((byte) 0x0F)
                .selectFrom(IQ4);
        ((FloatVector) ((IntVector) low.convertShape(B2I, I, 0)).convertShape(I2F, F, 0))
                .mul(d)
                .intoArray(dst, out);
        ((FloatVector) ((IntVector) high.convertShape(B2I, I, 0)).convertShape(I2F, F, 0))
                .mul(d)
                .intoArray(dst, out + 16);
        if (LANES < 16) {
            ((FloatVector) ((IntVector) low.convertShape(B2I, I, 1)).convertShape(I2F, F, 0))
                    .mul(d)
                    .intoArray(dst, out + LANES);
            ((FloatVector) ((IntVector) high.convertShape(B2I, I, 1)).convertShape(I2F, F, 0))
                    .mul(d)
                    .intoArray(dst, out + 16 + LANES);
        }
        if (LANES < 8) {
            ((FloatVector) ((IntVector) low.convertShape(B2I, I, 2)).convertShape(I2F, F, 0))
                    .mul(d)
                    .intoArray(dst, out + 2 * LANES);
            ((FloatVector) ((IntVector) low.convertShape(B2I, I, 3)).convertShape(I2F, F, 0))
                    .mul(d)
                    .intoArray(dst, out + 3 * LANES);
            ((FloatVector) ((IntVector) high.convertShape(B2I, I, 2)).convertShape(I2F, F, 0))
                    .mul(d)
                    .intoArray(dst, out + 16 + 2 * LANES);
            ((FloatVector) ((IntVector) high.convertShape(B2I, I, 3)).convertShape(I2F, F, 0))
                    .mul(d)
                    .intoArray(dst, out + 16 + 3 * LANES);
        }
    }

    static void iq3S(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.IQ3_S, src, srcOffset, dst, dstOffset, count);
        int[] grid = Grids.IQ3_S;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeIQuants.IQ3_S_BYTES;
            int out = dstOffset + b * DequantizeIQuants.WEIGHTS;
            float d = f16(src, block);
            int scales = src.get(BlockDecoder.INT, block + DequantizeIQuants.IQ3_S_SCALES);
            // Four points: sixteen weights, four indices, two bytes of signs, four bits of a byte of qh.
            for (int k = 0; k < 16; k++) {
                float db = d * (1 + 2 * ((scales >>> (4 * (k >>> 1))) & 0x0F));
                int qs = src.get(BlockDecoder.INT, block + DequantizeIQuants.IQ3_S_QS + 4 * k);
                int qh = u8(src, block + DequantizeIQuants.IQ3_S_QH + (k >>> 1)) >>> (4 * (k & 1));
                int signs = src.get(BlockDecoder.SHORT, block + DequantizeIQuants.IQ3_S_SIGNS + 2 * k);
                long first = points(grid[(qs & 0xFF) | ((qh & 1) << 8)], grid[((qs >>> 8) & 0xFF) | ((qh & 2) << 7)]);
                long second = points(grid[((qs >>> 16) & 0xFF) | ((qh & 4) << 6)], grid[(qs >>> 24) | ((qh & 8) << 5)]);
                sixteen(first, second, signs, db, dst, out + 16 * k);
            }
        }
    }

    static void iq3Xxs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.IQ3_XXS, src, srcOffset, dst, dstOffset, count);
        int[] grid = Grids.IQ3_XXS;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeIQuants.IQ3_XXS_BYTES;
            int out = dstOffset + b * DequantizeIQuants.WEIGHTS;
            float d = f16(src, block);
            for (int k = 0; k < 16; k++) {
                int aux = src.get(BlockDecoder.INT, block + DequantizeIQuants.IQ3_XXS_AUX + 4 * (k >>> 1));
                float db = d * (0.5f + (aux >>> 28)) * 0.5f;
                int qs = src.get(BlockDecoder.INT, block + DequantizeIQuants.IQ3_XXS_QS + 4 * k);
                int signs = signs(aux, 2 * (k & 1));
                long first = points(grid[qs & 0xFF], grid[(qs >>> 8) & 0xFF]);
                long second = points(grid[(qs >>> 16) & 0xFF], grid[qs >>> 24]);
                sixteen(first, second, signs, db, dst, out + 16 * k);
            }
        }
    }

    static void iq2S(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.IQ2_S, src, srcOffset, dst, dstOffset, count);
        long[] grid = Grids.IQ2_S;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeIQuants.IQ2_S_BYTES;
            int out = dstOffset + b * DequantizeIQuants.WEIGHTS;
            float d = f16(src, block);
            long scales = src.get(BlockDecoder.LONG, block + DequantizeIQuants.IQ2_S_SCALES);
            for (int k = 0; k < 16; k++) {
                float db = d * (0.5f + ((int) (scales >>> (4 * k)) & 0x0F)) * 0.25f;
                int qh = u8(src, block + DequantizeIQuants.IQ2_S_QH + (k >>> 1)) >>> (4 * (k & 1));
                int signs = src.get(BlockDecoder.SHORT, block + DequantizeIQuants.IQ2_S_SIGNS + 2 * k);
                int qs = src.get(BlockDecoder.SHORT, block + DequantizeIQuants.IQ2_S_QS + 2 * k);
                long first = grid[(qs & 0xFF) | ((qh & 3) << 8)];
                long second = grid[((qs >>> 8) & 0xFF) | ((qh & 12) << 6)];
                sixteen(first, second, signs, db, dst, out + 16 * k);
            }
        }
    }

    static void iq2Xs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.IQ2_XS, src, srcOffset, dst, dstOffset, count);
        long[] grid = Grids.IQ2_XS;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeIQuants.IQ2_XS_BYTES;
            int out = dstOffset + b * DequantizeIQuants.WEIGHTS;
            float d = f16(src, block);
            long scales = src.get(BlockDecoder.LONG, block + DequantizeIQuants.IQ2_XS_SCALES);
            for (int k = 0; k < 16; k++) {
                float db = d * (0.5f + ((int) (scales >>> (4 * k)) & 0x0F)) * 0.25f;
                int q = src.get(BlockDecoder.INT, block + DequantizeIQuants.IQ2_XS_QS + 4 * k);
                int signs = DequantizeIQuants.signs(q >>> 9) | (DequantizeIQuants.signs(q >>> 25) << 8);
                sixteen(grid[q & 0x1FF], grid[(q >>> 16) & 0x1FF], signs, db, dst, out + 16 * k);
            }
        }
    }

    static void iq2Xxs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count) {
        int blocks = VectorDecoders.blocks(GgmlType.IQ2_XXS, src, srcOffset, dst, dstOffset, count);
        long[] grid = Grids.IQ2_XXS;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * DequantizeIQuants.IQ2_XXS_BYTES;
            int out = dstOffset + b * DequantizeIQuants.WEIGHTS;
            float d = f16(src, block);
            for (int k = 0; k < 16; k++) {
                long qs = block + DequantizeIQuants.IQ2_XXS_QS + 8 * (k >>> 1);
                int aux = src.get(BlockDecoder.INT, qs + 4);
                float db = d * (0.5f + (aux >>> 28)) * 0.25f;
                int q = src.get(BlockDecoder.SHORT, qs + 2 * (k & 1));
                int signs = signs(aux, 2 * (k & 1));
                sixteen(grid[q & 0xFF], grid[(q >>> 8) & 0xFF], signs, db, dst, out + 16 * k);
            }
        }
    }

    /** Two points of four magnitudes, one behind the other. */
    private static long points(int first, int second) {
        return (first & 0xFFFF_FFFFL) | ((long) second << 32);
    }

    /** The signs of two points of eight that seven bits each give, the first of which is the word's {@code at}-th. */
    private static int signs(int aux, int at) {
        return DequantizeIQuants.signs(aux >>> (7 * at)) | (DequantizeIQuants.signs(aux >>> (7 * at + 7)) << 8);
    }

    /**
     * Sixteen weights from two times eight magnitudes, a byte each, and a bit of sign each. In the vectors that all else uses: C2
     * finds a vector's class by what its methods have seen, and where they have seen two sizes, {@link VectorKernels} box theirs
     * (a quarter of all processes read prompts a quarter slower while this took eight weights at a time).
     */
    private static void sixteen(long first, long second, int signs, float scale, float[] dst, int out) {
        for (int j = 0; j < 16; j += LANES) {
            IntVector magnitudes;
            if (LANES == 16) {
                magnitudes = (IntVector) LongVector.broadcast(LongVector.SPECIES_128, first)
                        .withLane(1, second)
                        .reinterpretAsBytes()
                        .convertShape(ZERO_EXTEND_B2I, I, 0);
            } else {
                long eight = (j < 8 ? first : second) >>> (8 * (j & 7));
                magnitudes = (IntVector) IntVector.broadcast(PAIR, (int) eight)
                        .withLane(1, (int) (eight >>> 32))
                        .reinterpretAsBytes()
                        .convertShape(ZERO_EXTEND_B2I, I, 0);
            }
            IntVector sign =
                    IntVector.broadcast(I, signs >>> j).lanewise(LSHL, TO_SIGN).and(Integer.MIN_VALUE);
            // The sign goes on the product: the reference negates the magnitude, which gives the same bits.
            ((FloatVector) magnitudes.convertShape(I2F, F, 0))
                    .mul(scale)
                    .reinterpretAsInts()
                    .lanewise(XOR, sign)
                    .reinterpretAsFloats()
                    .intoArray(dst, out + j);
        }
    }
}
