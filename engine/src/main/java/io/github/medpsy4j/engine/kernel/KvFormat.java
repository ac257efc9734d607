package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * How a {@link KvCache} holds the keys or values of one head over {@link #SPAN} positions. Keys stand [dimension][position],
 * so that lanes are positions and scores need no sum across lanes; values stand [position][dimension].
 */
public enum KvFormat {
    /** IEEE halves. */
    F16,
    /** Floats: exact, twice as large. */
    F32,
    /**
     * For 32 dimensions of a position a scale, max|x| / 127 as a half, and 8-bit integers, as llama.cpp has it; here all
     * integers of a span stand before all of its scales: keys' [dimension / 32][position], values' [position][dimension
     * / 32].
     */
    Q8_0;

    /** Positions of a span. */
    static final int SPAN = 64;

    /** Dimensions that share a scale. */
    static final int RUN = 32;

    private static final int QUANTUM_MAX = 127;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Whether heads of this width can be held. */
    public boolean fits(int headDim) {
        return this != Q8_0 || headDim % RUN == 0;
    }

    /** Bytes of one key, or of one value, of one head. */
    int vectorBytes(int headDim) {
        return switch (this) {
            case F16 -> Short.BYTES * headDim;
            case F32 -> Float.BYTES * headDim;
            case Q8_0 -> headDim + headDim / RUN * Short.BYTES;
        };
    }

    /**
     * The matrices that a span is made of, one after the other: bytes that a position has in a row. A matrix of b bytes
     * has rows of SPAN·b.
     */
    int[] elementBytes(int headDim, boolean isKeys) {
        return switch (this) {
            case F16 -> new int[] {isKeys ? Short.BYTES : Short.BYTES * headDim};
            case F32 -> new int[] {isKeys ? Float.BYTES : Float.BYTES * headDim};
            case Q8_0 -> isKeys ? new int[] {1, Short.BYTES} : new int[] {headDim, headDim / RUN * Short.BYTES};
        };
    }

    /** The rows of each of {@link #elementBytes}' matrices. */
    int[] rows(int headDim, boolean isKeys) {
        return switch (this) {
            case F16, F32 -> new int[] {isKeys ? headDim : 1};
            case Q8_0 -> isKeys ? new int[] {headDim, headDim / RUN} : new int[] {1, 1};
        };
    }

    /** Stores x[at .. at + headDim) as the key of the span's position p. */
    void storeKey(float[] x, int at, int headDim, MemorySegment block, long span, int p) {
        switch (this) {
            case F16 -> {
                for (int d = 0; d < headDim; d++) {
                    block.set(SHORT, span + (d * SPAN + p) * 2L, Float.floatToFloat16(x[at + d]));
                }
            }
            case F32 -> {
                for (int d = 0; d < headDim; d++) {
                    block.set(FLOAT, span + (d * SPAN + p) * 4L, x[at + d]);
                }
            }
            case Q8_0 -> {
                long scales = span + (long) headDim * SPAN;
                for (int run = 0; run < headDim; run += RUN) {
                    float scale = scale(x, at + run);
                    float inverse = scale == 0 ? 0 : 1 / scale;
                    block.set(SHORT, scales + (run / RUN * SPAN + p) * 2L, Float.floatToFloat16(scale));
                    for (int d = run; d < run + RUN; d++) {
                        block.set(ValueLayout.JAVA_BYTE, span + (long) d * SPAN + p, quantum(x[at + d] * inverse));
                    }
                }
            }
        }
    }

    /** Stores x[at .. at + headDim) as the value of the span's position p. */
    void storeValue(float[] x, int at, int headDim, MemorySegment block, long span, int p) {
        switch (this) {
            case F16 -> {
                long to = span + (long) p * headDim * 2;
                for (int d = 0; d < headDim; d++) {
                    block.set(SHORT, to + d * 2L, Float.floatToFloat16(x[at + d]));
                }
            }
            case F32 -> MemorySegment.copy(x, at, block, FLOAT, span + (long) p * headDim * 4, headDim);
            case Q8_0 -> {
                int runs = headDim / RUN;
                long scales = span + (long) headDim * SPAN;
                for (int run = 0; run < runs; run++) {
                    float scale = scale(x, at + run * RUN);
                    float inverse = scale == 0 ? 0 : 1 / scale;
                    block.set(SHORT, scales + (p * runs + run) * 2L, Float.floatToFloat16(scale));
                    for (int d = run * RUN; d < (run + 1) * RUN; d++) {
                        block.set(ValueLayout.JAVA_BYTE, span + (long) p * headDim + d, quantum(x[at + d] * inverse));
                    }
                }
            }
        }
    }

    private static float scale(float[] x, int at) {
        float max = 0;
        for (int i = 0; i < RUN; i++) {
            max = Math.max(max, Math.abs(x[at + i]));
        }
        float scale = max / QUANTUM_MAX;
        // Numbers so small that the inverse is no float count as zeros.
        return 1 / scale == Float.POSITIVE_INFINITY ? 0 : scale;
    }

    private static byte quantum(float x) {
        return (byte) Math.clamp((int) Math.rint(x), -QUANTUM_MAX, QUANTUM_MAX);
    }

    /**
     * Decodes the keys' dimensions [from, from + count) into tile[count][SPAN].
     *
     * @param scales scratch of SPAN floats
     */
    void keys(
            Kernels kernels,
            MemorySegment block,
            long span,
            int headDim,
            int from,
            int count,
            float[] tile,
            float[] scales) {
        switch (this) {
            case F16 -> kernels.fromHalf(block, span + from * SPAN * 2L, tile, 0, count * SPAN);
            case F32 -> MemorySegment.copy(block, FLOAT, span + from * SPAN * 4L, tile, 0, count * SPAN);
            case Q8_0 -> {
                for (int d = from; d < from + count; d++) {
                    if (d == from || d % RUN == 0) {
                        long at = span + (long) headDim * SPAN + d / RUN * SPAN * 2L;
                        kernels.fromHalf(block, at, scales, 0, SPAN);
                    }
                    kernels.scaleBytes(block, span + (long) d * SPAN, scales, 0, tile, (d - from) * SPAN, SPAN);
                }
            }
        }
    }

    /**
     * Decodes the values of the span's positions [from, from + count) into tile[count][headDim].
     *
     * @param scales scratch of headDim floats
     */
    void values(
            Kernels kernels,
            MemorySegment block,
            long span,
            int headDim,
            int from,
            int count,
            float[] tile,
            float[] scales) {
        switch (this) {
            case F16 -> kernels.fromHalf(block, span + (long) from * headDim * 2, tile, 0, count * headDim);
            case F32 -> MemorySegment.copy(block, FLOAT, span + (long) from * headDim * 4, tile, 0, count * headDim);
            case Q8_0 -> {
                int runs = headDim / RUN;
                for (int p = from; p < from + count; p++) {
                    for (int run = 0; run < runs; run++) {
                        short scale = block.get(SHORT, span + (long) headDim * SPAN + (p * runs + run) * 2L);
                        Arrays.fill(scales, run * RUN, (run + 1) * RUN, Float.float16ToFloat(scale));
                    }
                    kernels.scaleBytes(
                            block, span + (long) p * headDim, scales, 0, tile, (p - from) * headDim, headDim);
                }
            }
        }
    }
}
