package io.github.medpsy4j.engine.kernel;

import static io.github.medpsy4j.engine.kernel.BlockDecoder.f16;
import static io.github.medpsy4j.engine.kernel.BlockDecoder.i8;
import static io.github.medpsy4j.engine.kernel.BlockDecoder.u8;

import java.lang.foreign.MemorySegment;

/**
 * Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0: blocks of 32 weights under one scale d, and in the {@code _1} types one minimum m.
 *
 * <p>The layouts are llama.cpp's {@code block_q*} in {@code ggml-common.h}. Weight j has the low four bits of byte j of
 * {@code qs}, weight 16 + j the high four; its fifth bit is bit j, or 16 + j, of {@code qh}.
 */
final class DequantizeLegacy {
    static final int WEIGHTS = 32;
    static final int HALF = WEIGHTS / 2;

    private DequantizeLegacy() {}

    // Q4_0, 18 bytes: weight = d * (q - 8)
    //    0  f16 d
    //    2  u8 qs[16]
    static final int Q4_0_QS = 2;
    static final int Q4_0_BYTES = 18;

    static void q4_0(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q4_0_BYTES;
            int out = dstOffset + b * WEIGHTS;
            float d = f16(src, block);
            for (int j = 0; j < HALF; j++) {
                int q = u8(src, block + Q4_0_QS + j);
                dst[out + j] = d * ((q & 0x0F) - 8);
                dst[out + HALF + j] = d * ((q >>> 4) - 8);
            }
        }
    }

    // Q4_1, 20 bytes: weight = d * q + m
    //    0  f16 d
    //    2  f16 m
    //    4  u8 qs[16]
    static final int Q4_1_M = 2;
    static final int Q4_1_QS = 4;
    static final int Q4_1_BYTES = 20;

    static void q4_1(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q4_1_BYTES;
            int out = dstOffset + b * WEIGHTS;
            float d = f16(src, block);
            float m = f16(src, block + Q4_1_M);
            for (int j = 0; j < HALF; j++) {
                int q = u8(src, block + Q4_1_QS + j);
                dst[out + j] = d * (q & 0x0F) + m;
                dst[out + HALF + j] = d * (q >>> 4) + m;
            }
        }
    }

    // Q5_0, 22 bytes: weight = d * (q - 16)
    //    0  f16 d
    //    2  u32 qh
    //    6  u8 qs[16]
    static final int Q5_0_QH = 2;
    static final int Q5_0_QS = 6;
    static final int Q5_0_BYTES = 22;

    static void q5_0(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q5_0_BYTES;
            int out = dstOffset + b * WEIGHTS;
            float d = f16(src, block);
            int qh = src.get(BlockDecoder.INT, block + Q5_0_QH);
            for (int j = 0; j < HALF; j++) {
                int q = u8(src, block + Q5_0_QS + j);
                dst[out + j] = d * (((q & 0x0F) | fifthBit(qh, j)) - 16);
                dst[out + HALF + j] = d * (((q >>> 4) | fifthBit(qh, HALF + j)) - 16);
            }
        }
    }

    // Q5_1, 24 bytes: weight = d * q + m
    //    0  f16 d
    //    2  f16 m
    //    4  u32 qh
    //    8  u8 qs[16]
    static final int Q5_1_M = 2;
    static final int Q5_1_QH = 4;
    static final int Q5_1_QS = 8;
    static final int Q5_1_BYTES = 24;

    static void q5_1(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q5_1_BYTES;
            int out = dstOffset + b * WEIGHTS;
            float d = f16(src, block);
            float m = f16(src, block + Q5_1_M);
            int qh = src.get(BlockDecoder.INT, block + Q5_1_QH);
            for (int j = 0; j < HALF; j++) {
                int q = u8(src, block + Q5_1_QS + j);
                dst[out + j] = d * ((q & 0x0F) | fifthBit(qh, j)) + m;
                dst[out + HALF + j] = d * ((q >>> 4) | fifthBit(qh, HALF + j)) + m;
            }
        }
    }

    private static int fifthBit(int qh, int j) {
        return ((qh >>> j) << 4) & 0x10;
    }

    // Q8_0, 34 bytes: weight = d * q
    //    0  f16 d
    //    2  i8 qs[32]
    static final int Q8_0_QS = 2;
    static final int Q8_0_BYTES = 34;

    static void q8_0(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int b = 0; b < blocks; b++) {
            long block = srcOffset + (long) b * Q8_0_BYTES;
            int out = dstOffset + b * WEIGHTS;
            float d = f16(src, block);
            for (int j = 0; j < WEIGHTS; j++) {
                dst[out + j] = d * i8(src, block + Q8_0_QS + j);
            }
        }
    }
}
