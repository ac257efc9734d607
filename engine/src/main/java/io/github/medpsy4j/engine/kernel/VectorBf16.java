package io.github.medpsy4j.engine.kernel;

import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link Bf16Matrix}. An int has two
 * weights of a row, the even column's low; a weight is the upper half of a float. {@link VectorPanels} says why they are
 * written so.
 */
final class VectorBf16 {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final int L = VectorPanels.L;
    /** From a column of half a tile to the next. */
    private static final int COLUMN_BYTES = StripMatrix.HALF_ROWS * Float.BYTES;

    /** From a tile's first half of rows to its second. */
    private static final int HALF_BYTES = StripMatrix.HALF_TILE_BYTES;

    private static final int UPPER = 0xffff0000;

    private VectorBf16() {}

    /** One token: y[token][rows] += Σ w·x. */
    static void multiply(
            MemorySegment memory, long at, long stream, int pairs, float[] x, int from, float[] y, int to) {
        MemorySegment packed = VectorPanels.exact(memory);
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int p = 0; p < pairs; p++) {
            long o = at + p * (long) StripMatrix.VECTOR_BYTES;
            FloatVector even = FloatVector.broadcast(F, x[from + 2 * p]);
            FloatVector odd = FloatVector.broadcast(F, x[from + 2 * p + 1]);
            IntVector w = IntVector.fromMemorySegment(I, packed, o, LE);
            a0 = w.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a0);
            a0 = w.and(UPPER).reinterpretAsFloats().fma(odd, a0);
            w = IntVector.fromMemorySegment(I, packed, o + stream, LE);
            a1 = w.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a1);
            a1 = w.and(UPPER).reinterpretAsFloats().fma(odd, a1);
            w = IntVector.fromMemorySegment(I, packed, o + 2 * stream, LE);
            a2 = w.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a2);
            a2 = w.and(UPPER).reinterpretAsFloats().fma(odd, a2);
            w = IntVector.fromMemorySegment(I, packed, o + 3 * stream, LE);
            a3 = w.lanewise(LSHL, 16).reinterpretAsFloats().fma(even, a3);
            a3 = w.and(UPPER).reinterpretAsFloats().fma(odd, a3);
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /** Part of a panel to a tile of floats, [half][column][rows]. */
    static void unpack(MemorySegment memory, long at, long stream, int pairs, MemorySegment tile) {
        MemorySegment packed = VectorPanels.exact(memory);
        MemorySegment t = VectorPanels.exact(tile);
        for (int p = 0; p < pairs; p++) {
            long o = at + p * (long) StripMatrix.VECTOR_BYTES;
            long to = 2L * p * COLUMN_BYTES;
            IntVector w = IntVector.fromMemorySegment(I, packed, o, LE);
            w.lanewise(LSHL, 16).reinterpretAsFloats().intoMemorySegment(t, to, LE);
            w.and(UPPER).reinterpretAsFloats().intoMemorySegment(t, to + COLUMN_BYTES, LE);
            w = IntVector.fromMemorySegment(I, packed, o + stream, LE);
            w.lanewise(LSHL, 16).reinterpretAsFloats().intoMemorySegment(t, to + StripMatrix.VECTOR_BYTES, LE);
            w.and(UPPER).reinterpretAsFloats().intoMemorySegment(t, to + COLUMN_BYTES + StripMatrix.VECTOR_BYTES, LE);
            w = IntVector.fromMemorySegment(I, packed, o + 2 * stream, LE);
            w.lanewise(LSHL, 16).reinterpretAsFloats().intoMemorySegment(t, to + HALF_BYTES, LE);
            w.and(UPPER).reinterpretAsFloats().intoMemorySegment(t, to + COLUMN_BYTES + HALF_BYTES, LE);
            w = IntVector.fromMemorySegment(I, packed, o + 3 * stream, LE);
            w.lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .intoMemorySegment(t, to + HALF_BYTES + StripMatrix.VECTOR_BYTES, LE);
            w.and(UPPER)
                    .reinterpretAsFloats()
                    .intoMemorySegment(t, to + COLUMN_BYTES + HALF_BYTES + StripMatrix.VECTOR_BYTES, LE);
        }
    }
}
