package io.github.medpsy4j.engine.kernel;

import static io.github.medpsy4j.engine.kernel.BlockDecoder.f16;
import static io.github.medpsy4j.engine.kernel.BlockDecoder.i8;
import static io.github.medpsy4j.engine.kernel.BlockDecoder.u8;

import java.lang.foreign.MemorySegment;

/**
 * Q2_K to Q6_K: blocks of 256 weights in sub-blocks of 16 or 32, whose scales are themselves small integers under the
 * block's scale d (and whose minima, where there are any, under its dmin).
 *
 * <p>The layouts are llama.cpp's {@code block_q*_K} in {@code ggml-common.h}. In all of them 32 bytes in a row hold 32
 * weights in a row in their lowest bits, the next 32 weights in the bits above these, and so on.
 */
final class DequantizeKQuants {
    static final int WEIGHTS = 256;

    private DequantizeKQuants() {}

    // Q2_K, 84 bytes: weight = (d * scale) * q - (dmin * min), 16 weights a scale
    //    0  u8 scales[16]   scale in the low four bits, min in the high four
    //   16  u8 qs[64]       128 weights in 32 bytes, two bits each
    //   80  f16 d
    //   82  f16 dmin
    static final int Q2_K_QS = 16;
    static final int Q2_K_D = 80;
    static final int Q2_K_DMIN = 82;
    static final int Q2_K_BYTES = 84;

    static void q2K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q2_K_BYTES;
            float d = f16(src, block + Q2_K_D);
            float dmin = f16(src, block + Q2_K_DMIN);
            for (int sub = 0; sub < 16; sub++) {
                int scales = u8(src, block + sub);
                float scale = d * (scales & 0x0F);
                float min = dmin * (scales >>> 4);
                long qs = block + Q2_K_QS + twoBitRun(sub);
                int shift = twoBitShift(sub);
                int out = dstOffset + b * WEIGHTS + sub * 16;
                for (int j = 0; j < 16; j++) {
                    dst[out + j] = scale * ((u8(src, qs + j) >>> shift) & 3) - min;
                }
            }
        }
    }

    // Q3_K, 110 bytes: weight = (d * (scale - 32)) * (q - 4), 16 weights a scale
    //    0  u8 hmask[32]    the third bit: of weight 32 i + j it is bit i of byte j
    //   32  u8 qs[64]       the two low bits, as in Q2_K
    //   96  u8 scales[12]   16 scales of six bits: scale i has the low (i < 8) or high four bits of byte i % 8, and two
    //                       bits of byte 8 + i % 4, from bit 2 (i / 4) on
    //  108  f16 d
    static final int Q3_K_QS = 32;
    static final int Q3_K_SCALES = 96;
    static final int Q3_K_D = 108;
    static final int Q3_K_BYTES = 110;

    static void q3K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q3_K_BYTES;
            float d = f16(src, block + Q3_K_D);
            for (int sub = 0; sub < 16; sub++) {
                int low = (u8(src, block + Q3_K_SCALES + (sub & 7)) >>> (sub < 8 ? 0 : 4)) & 0x0F;
                int high = (u8(src, block + Q3_K_SCALES + 8 + (sub & 3)) >>> (2 * (sub >>> 2))) & 3;
                float scale = d * ((low | (high << 4)) - 32);
                long qs = block + Q3_K_QS + twoBitRun(sub);
                int shift = twoBitShift(sub);
                long hmask = block + 16 * (sub & 1);
                int bit = sub >>> 1;
                int out = dstOffset + b * WEIGHTS + sub * 16;
                for (int j = 0; j < 16; j++) {
                    int q = ((u8(src, qs + j) >>> shift) & 3) | (((u8(src, hmask + j) >>> bit) & 1) << 2);
                    dst[out + j] = scale * (q - 4);
                }
            }
        }
    }

    /** Where in {@code qs} of Q2_K and Q3_K a sub-block of 16 begins: 32 bytes for each 128 weights. */
    private static int twoBitRun(int sub) {
        return 32 * (sub >>> 3) + 16 * (sub & 1);
    }

    private static int twoBitShift(int sub) {
        return sub & 6;
    }

    // Q4_K, 144 bytes: weight = (d * scale) * q - (dmin * min), 32 weights a scale
    //    0  f16 d
    //    2  f16 dmin
    //    4  u8 scales[12]   8 scales and 8 mins of six bits, see scales() and mins()
    //   16  u8 qs[128]      64 weights in 32 bytes, four bits each
    static final int K_DMIN = 2;
    static final int K_SCALES = 4;
    static final int Q4_K_QS = 16;
    static final int Q4_K_BYTES = 144;

    static void q4K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q4_K_BYTES;
            float d = f16(src, block);
            float dmin = f16(src, block + K_DMIN);
            long scales = scales(src, block + K_SCALES);
            long mins = mins(src, block + K_SCALES);
            for (int pair = 0; pair < 4; pair++) {
                float scale0 = d * sixBits(scales, 2 * pair);
                float scale1 = d * sixBits(scales, 2 * pair + 1);
                float min0 = dmin * sixBits(mins, 2 * pair);
                float min1 = dmin * sixBits(mins, 2 * pair + 1);
                long qs = block + Q4_K_QS + 32 * pair;
                int out = dstOffset + b * WEIGHTS + 64 * pair;
                for (int j = 0; j < 32; j++) {
                    int q = u8(src, qs + j);
                    dst[out + j] = scale0 * (q & 0x0F) - min0;
                    dst[out + 32 + j] = scale1 * (q >>> 4) - min1;
                }
            }
        }
    }

    // Q5_K, 176 bytes: weight = (d * scale) * q - (dmin * min), 32 weights a scale
    //    0  f16 d
    //    2  f16 dmin
    //    4  u8 scales[12]   as in Q4_K
    //   16  u8 qh[32]       the fifth bit: of weight 32 i + j it is bit i of byte j
    //   48  u8 qs[128]      the four low bits, as in Q4_K
    static final int Q5_K_QH = 16;
    static final int Q5_K_QS = 48;
    static final int Q5_K_BYTES = 176;

    static void q5K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q5_K_BYTES;
            float d = f16(src, block);
            float dmin = f16(src, block + K_DMIN);
            long scales = scales(src, block + K_SCALES);
            long mins = mins(src, block + K_SCALES);
            long qh = block + Q5_K_QH;
            for (int pair = 0; pair < 4; pair++) {
                float scale0 = d * sixBits(scales, 2 * pair);
                float scale1 = d * sixBits(scales, 2 * pair + 1);
                float min0 = dmin * sixBits(mins, 2 * pair);
                float min1 = dmin * sixBits(mins, 2 * pair + 1);
                long qs = block + Q5_K_QS + 32 * pair;
                int bit = 2 * pair;
                int out = dstOffset + b * WEIGHTS + 64 * pair;
                for (int j = 0; j < 32; j++) {
                    int q = u8(src, qs + j);
                    int high = u8(src, qh + j) >>> bit;
                    dst[out + j] = scale0 * ((q & 0x0F) | ((high & 1) << 4)) - min0;
                    dst[out + 32 + j] = scale1 * ((q >>> 4) | ((high & 2) << 3)) - min1;
                }
            }
        }
    }

    // The twelve bytes of scales in Q4_K and Q5_K, s = scales and m = mins, four of each in a row of four bytes:
    //    0  s[0..3] in the low six bits, the two high bits of s[4..7] above them
    //    4  m[0..3] in the low six bits, the two high bits of m[4..7] above them
    //    8  the four low bits of s[4..7] in the low half, of m[4..7] in the high half
    // Both methods return eight bytes, the first in the lowest.

    static long scales(MemorySegment src, long packed) {
        int first = src.get(BlockDecoder.INT, packed);
        int low = src.get(BlockDecoder.INT, packed + 8) & 0x0F0F0F0F;
        return eightOf(first, low);
    }

    static long mins(MemorySegment src, long packed) {
        int first = src.get(BlockDecoder.INT, packed + 4);
        int low = (src.get(BlockDecoder.INT, packed + 8) >>> 4) & 0x0F0F0F0F;
        return eightOf(first, low);
    }

    private static long eightOf(int first, int low) {
        int last = low | ((first >>> 2) & 0x30303030);
        return ((long) last << 32) | (first & 0x3F3F3F3F);
    }

    static int sixBits(long bytes, int i) {
        return (int) (bytes >>> (8 * i)) & 0x3F;
    }

    // Q6_K, 210 bytes: weight = (d * scale) * (q - 32), 16 weights a scale
    //    0  u8 ql[128]      the four low bits: 128 weights in 64 bytes, the first 64 in the low halves
    //  128  u8 qh[64]       the two high bits: 128 weights in 32 bytes
    //  192  i8 scales[16]
    //  208  f16 d
    static final int Q6_K_QH = 128;
    static final int Q6_K_SCALES = 192;
    static final int Q6_K_D = 208;
    static final int Q6_K_BYTES = 210;

    static void q6K(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q6_K_BYTES;
            float d = f16(src, block + Q6_K_D);
            // A byte of qh and the two of ql that go with it hold four weights, 32 apart: a run is 16 such bytes.
            for (int run = 0; run < 4; run++) {
                int half = run >>> 1;
                int column = 16 * (run & 1);
                long scales = block + Q6_K_SCALES + 8 * half + (run & 1);
                float scale0 = d * i8(src, scales);
                float scale1 = d * i8(src, scales + 2);
                float scale2 = d * i8(src, scales + 4);
                float scale3 = d * i8(src, scales + 6);
                long ql = block + 64 * half + column;
                long qh = block + Q6_K_QH + 32 * half + column;
                int out = dstOffset + b * WEIGHTS + 128 * half + column;
                for (int j = 0; j < 16; j++) {
                    int low0 = u8(src, ql + j);
                    int low1 = u8(src, ql + 32 + j);
                    int high = u8(src, qh + j);
                    dst[out + j] = scale0 * (((low0 & 0x0F) | ((high & 0x03) << 4)) - 32);
                    dst[out + 32 + j] = scale1 * (((low1 & 0x0F) | ((high & 0x0C) << 2)) - 32);
                    dst[out + 64 + j] = scale2 * (((low0 >>> 4) | (high & 0x30)) - 32);
                    dst[out + 96 + j] = scale3 * (((low1 >>> 4) | ((high & 0xC0) >>> 2)) - 32);
                }
            }
        }
    }
}
