package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.MemorySegment;

/** F32, F16 and BF16: a block is one weight. */
final class DequantizeFloats {
    private DequantizeFloats() {}

    static void f32(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        MemorySegment.copy(src, BlockDecoder.FLOAT, srcOffset, dst, dstOffset, blocks);
    }

    static void f16(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int i = 0; i < blocks; i++) {
            dst[dstOffset + i] = Float.float16ToFloat(src.get(BlockDecoder.SHORT, srcOffset + 2L * i));
        }
    }

    /** BF16 is the upper half of a float. */
    static void bf16(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int blocks) {
        for (int i = 0; i < blocks; i++) {
            dst[dstOffset + i] = Float.intBitsToFloat(src.get(BlockDecoder.SHORT, srcOffset + 2L * i) << 16);
        }
    }
}
