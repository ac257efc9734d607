package io.github.medpsy4j.engine.kernel;

import static io.github.medpsy4j.engine.kernel.BlockDecoder.f16;
import static io.github.medpsy4j.engine.kernel.BlockDecoder.u8;

import java.lang.foreign.MemorySegment;

/**
 * The i-quants: IQ4_NL and IQ4_XS look each weight up in a table of 16; IQ3_* and IQ2_* look up 4 or 8 magnitudes at
 * once in a {@linkplain Grids grid} and keep the signs apart.
 *
 * <p>The layouts are llama.cpp's {@code block_iq*} in {@code ggml-common.h}.
 */
final class DequantizeIQuants {
    static final int WEIGHTS = 256;

    /** {@code kvalues_iq4nl} of {@code ggml-common.h}. */
    static final byte[] IQ4_VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private DequantizeIQuants() {}

    // IQ4_NL, 18 bytes, 32 weights: weight = d * IQ4_VALUES[q]
    //    0  f16 d
    //    2  u8 qs[16]       weight j in the low half of byte j, weight 16 + j in the high half
    static final int IQ4_NL_QS = 2;
    static final int IQ4_NL_BYTES = 18;
    static final int IQ4_NL_WEIGHTS = 32;

    static void iq4Nl(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * IQ4_NL_BYTES;
            fourBits(src, block + IQ4_NL_QS, f16(src, block), dst, dstOffset + b * IQ4_NL_WEIGHTS);
        }
    }

    // IQ4_XS, 136 bytes: weight = (d * (scale - 32)) * IQ4_VALUES[q], 32 weights a scale
    //    0  f16 d
    //    2  u16 scales_h    the two high bits of eight scales
    //    4  u8 scales_l[4]  their four low bits
    //    8  u8 qs[128]      each 32 weights as in IQ4_NL
    static final int IQ4_XS_SCALES_H = 2;
    static final int IQ4_XS_SCALES_L = 4;
    static final int IQ4_XS_QS = 8;
    static final int IQ4_XS_BYTES = 136;

    static void iq4Xs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * IQ4_XS_BYTES;
            float d = f16(src, block);
            int high = src.get(BlockDecoder.SHORT, block + IQ4_XS_SCALES_H);
            int low = src.get(BlockDecoder.INT, block + IQ4_XS_SCALES_L);
            for (int sub = 0; sub < 8; sub++) {
                int scale = ((low >>> (4 * sub)) & 0x0F) | (((high >>> (2 * sub)) & 3) << 4);
                float dl = d * (scale - 32);
                fourBits(src, block + IQ4_XS_QS + 16 * sub, dl, dst, dstOffset + b * WEIGHTS + 32 * sub);
            }
        }
    }

    private static void fourBits(MemorySegment src, long qs, float scale, float[] dst, int out) {
        for (int j = 0; j < 16; j++) {
            int q = u8(src, qs + j);
            dst[out + j] = scale * IQ4_VALUES[q & 0x0F];
            dst[out + 16 + j] = scale * IQ4_VALUES[q >>> 4];
        }
    }

    // IQ3_S, 110 bytes: weight = (d * (1 + 2 scale)) * +-IQ3_S grid, 32 weights a scale
    //    0  f16 d
    //    2  u8 qs[64]       the eight low bits of 64 grid indices
    //   66  u8 qh[8]        their ninth bit
    //   74  u8 signs[32]    a bit for each weight, set where it is negative
    //  106  u8 scales[4]    eight scales of four bits
    static final int IQ3_S_QS = 2;
    static final int IQ3_S_QH = 66;
    static final int IQ3_S_SIGNS = 74;
    static final int IQ3_S_SCALES = 106;
    static final int IQ3_S_BYTES = 110;

    static void iq3S(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        int[] grid = Grids.IQ3_S;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * IQ3_S_BYTES;
            float d = f16(src, block);
            int scales = src.get(BlockDecoder.INT, block + IQ3_S_SCALES);
            for (int sub = 0; sub < 8; sub++) {
                float db = d * (1 + 2 * ((scales >>> (4 * sub)) & 0x0F));
                int qh = u8(src, block + IQ3_S_QH + sub);
                int signs = src.get(BlockDecoder.INT, block + IQ3_S_SIGNS + 4 * sub);
                for (int k = 0; k < 8; k++) {
                    int index = u8(src, block + IQ3_S_QS + 8 * sub + k) | (((qh >>> k) & 1) << 8);
                    four(grid[index], signs >>> (4 * k), db, dst, dstOffset + b * WEIGHTS + 32 * sub + 4 * k);
                }
            }
        }
    }

    // IQ3_XXS, 98 bytes: weight = (d * (0.5 + scale) * 0.5) * +-IQ3_XXS grid, 32 weights a scale
    //    0  f16 d
    //    2  u8 qs[64]       grid indices
    //   66  u32 aux[8]      the signs of 8 weights in seven bits, four times, and the scale in the high four
    static final int IQ3_XXS_QS = 2;
    static final int IQ3_XXS_AUX = 66;
    static final int IQ3_XXS_BYTES = 98;

    static void iq3Xxs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        int[] grid = Grids.IQ3_XXS;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * IQ3_XXS_BYTES;
            float d = f16(src, block);
            for (int sub = 0; sub < 8; sub++) {
                int aux = src.get(BlockDecoder.INT, block + IQ3_XXS_AUX + 4 * sub);
                float db = d * (0.5f + (aux >>> 28)) * 0.5f;
                for (int k = 0; k < 4; k++) {
                    long qs = block + IQ3_XXS_QS + 8 * sub + 2 * k;
                    int signs = signs(aux >>> (7 * k));
                    int out = dstOffset + b * WEIGHTS + 32 * sub + 8 * k;
                    four(grid[u8(src, qs)], signs, db, dst, out);
                    four(grid[u8(src, qs + 1)], signs >>> 4, db, dst, out + 4);
                }
            }
        }
    }

    // IQ2_S, 82 bytes: weight = (d * (0.5 + scale) * 0.25) * +-IQ2_S grid, 16 weights a scale
    //    0  f16 d
    //    2  u8 qs[32]       the eight low bits of 32 grid indices
    //   34  u8 signs[32]    a bit for each weight, set where it is negative
    //   66  u8 qh[8]        the two high bits of the indices
    //   74  u8 scales[8]    sixteen scales of four bits
    static final int IQ2_S_QS = 2;
    static final int IQ2_S_SIGNS = 34;
    static final int IQ2_S_QH = 66;
    static final int IQ2_S_SCALES = 74;
    static final int IQ2_S_BYTES = 82;

    static void iq2S(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        long[] grid = Grids.IQ2_S;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * IQ2_S_BYTES;
            float d = f16(src, block);
            long scales = src.get(BlockDecoder.LONG, block + IQ2_S_SCALES);
            for (int sub = 0; sub < 16; sub++) {
                float db = d * (0.5f + ((int) (scales >>> (4 * sub)) & 0x0F)) * 0.25f;
                int qh = u8(src, block + IQ2_S_QH + (sub >>> 1));
                for (int k = 0; k < 2; k++) {
                    int at = 2 * sub + k;
                    int index = u8(src, block + IQ2_S_QS + at) | (((qh >>> (2 * (at & 3))) & 3) << 8);
                    int signs = u8(src, block + IQ2_S_SIGNS + at);
                    eight(grid[index], signs, db, dst, dstOffset + b * WEIGHTS + 8 * at);
                }
            }
        }
    }

    // IQ2_XS, 74 bytes: weight = (d * (0.5 + scale) * 0.25) * +-IQ2_XS grid, 16 weights a scale
    //    0  f16 d
    //    2  u16 qs[32]      a grid index in the low nine bits, the signs of its 8 weights in the high seven
    //   66  u8 scales[8]    sixteen scales of four bits
    static final int IQ2_XS_QS = 2;
    static final int IQ2_XS_SCALES = 66;
    static final int IQ2_XS_BYTES = 74;

    static void iq2Xs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        long[] grid = Grids.IQ2_XS;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * IQ2_XS_BYTES;
            float d = f16(src, block);
            long scales = src.get(BlockDecoder.LONG, block + IQ2_XS_SCALES);
            for (int sub = 0; sub < 16; sub++) {
                float db = d * (0.5f + ((int) (scales >>> (4 * sub)) & 0x0F)) * 0.25f;
                for (int k = 0; k < 2; k++) {
                    int at = 2 * sub + k;
                    int q = src.get(BlockDecoder.SHORT, block + IQ2_XS_QS + 2 * at);
                    eight(grid[q & 0x1FF], signs(q >>> 9), db, dst, dstOffset + b * WEIGHTS + 8 * at);
                }
            }
        }
    }

    // IQ2_XXS, 66 bytes: weight = (d * (0.5 + scale) * 0.25) * +-IQ2_XXS grid, 32 weights a scale
    //    0  f16 d
    //    2  eight times
    //         u8 qs[4]      grid indices
    //         u32 aux       the signs of 8 weights in seven bits, four times, and the scale in the high four
    static final int IQ2_XXS_QS = 2;
    static final int IQ2_XXS_BYTES = 66;

    static void iq2Xxs(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        long[] grid = Grids.IQ2_XXS;
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * IQ2_XXS_BYTES;
            float d = f16(src, block);
            for (int sub = 0; sub < 8; sub++) {
                long qs = block + IQ2_XXS_QS + 8 * sub;
                int aux = src.get(BlockDecoder.INT, qs + 4);
                float db = d * (0.5f + (aux >>> 28)) * 0.25f;
                for (int k = 0; k < 4; k++) {
                    int out = dstOffset + b * WEIGHTS + 32 * sub + 8 * k;
                    eight(grid[u8(src, qs + k)], signs(aux >>> (7 * k)), db, dst, out);
                }
            }
        }
    }

    /**
     * The signs of eight weights from the lowest seven bits: an even number of the eight is negative, so the last sign
     * is the parity of the others ({@code ksigns_iq2xs} of {@code ggml-common.h}).
     */
    static int signs(int seven) {
        int bits = seven & 0x7F;
        return bits | ((Integer.bitCount(bits) & 1) << 7);
    }

    // The sign goes on the integer, without a branch: negating is exact, so the product is that of the reference, and
    // branches on random signs would be mispredicted half of the time.

    private static void four(int magnitudes, int signs, float scale, float[] dst, int out) {
        for (int j = 0; j < 4; j++) {
            int negative = -((signs >>> j) & 1);
            int magnitude = (magnitudes >>> (8 * j)) & 0xFF;
            dst[out + j] = scale * ((magnitude ^ negative) - negative);
        }
    }

    private static void eight(long magnitudes, int signs, float scale, float[] dst, int out) {
        for (int j = 0; j < 8; j++) {
            int negative = -((signs >>> j) & 1);
            int magnitude = (int) (magnitudes >>> (8 * j)) & 0xFF;
            dst[out + j] = scale * ((magnitude ^ negative) - negative);
        }
    }
}
