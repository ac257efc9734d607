package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.MemorySegment;

/** Turns the stored weights of one tensor type into floats. Stateless, shared by threads, allocates nothing. */
@FunctionalInterface
public interface WeightDecoder {
    /**
     * Decodes {@code count} weights, a multiple of the type's block size, that start at byte {@code srcOffset} of {@code
     * src}, into {@code dst[dstOffset..dstOffset + count)}.
     */
    void decode(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int count);
}
