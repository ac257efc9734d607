package io.github.medpsy4j.engine.kernel;

import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link Bf16Matrix}: y[token][rows] += Σ w·x over some pairs of columns, in order of columns. An int has two
 * weights of a row, the even column's low; a weight is the upper half of a float. {@link VectorPanels} says why they are
 * written so.
 */
final class VectorBf16 {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final int L = VectorPanels.L;
    private static final int ROWS = VectorPanels.ROWS;
    private static final int UPPER = 0xffff0000;

    private VectorBf16() {}

    /** One token. */
    static void multiply1(
            MemorySegment memory, long at, long stream, int pairs, float[] x, int from, float[] y, int to) {
        MemorySegment packed = VectorPanels.exact(memory);
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
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
        FloatVector.fromArray(F, y, to).add(a0).intoArray(y, to);
        FloatVector.fromArray(F, y, to + L).add(a1).intoArray(y, to + L);
        FloatVector.fromArray(F, y, to + 2 * L).add(a2).intoArray(y, to + 2 * L);
        FloatVector.fromArray(F, y, to + 3 * L).add(a3).intoArray(y, to + 3 * L);
    }

    /**
     * Four tokens.
     *
     * @param stride from a token's row of x to the next
     */
    static void multiply4(
            MemorySegment memory, long at, long stream, int pairs, float[] x, int from, int stride, float[] y, int to) {
        MemorySegment packed = VectorPanels.exact(memory);
        int from1 = from + stride;
        int from2 = from1 + stride;
        int from3 = from2 + stride;
        FloatVector zero = FloatVector.zero(F);
        FloatVector a00 = zero;
        FloatVector a10 = zero;
        FloatVector a20 = zero;
        FloatVector a30 = zero;
        FloatVector a01 = zero;
        FloatVector a11 = zero;
        FloatVector a21 = zero;
        FloatVector a31 = zero;
        FloatVector a02 = zero;
        FloatVector a12 = zero;
        FloatVector a22 = zero;
        FloatVector a32 = zero;
        FloatVector a03 = zero;
        FloatVector a13 = zero;
        FloatVector a23 = zero;
        FloatVector a33 = zero;
        for (int p = 0; p < pairs; p++) {
            long o = at + p * (long) StripMatrix.VECTOR_BYTES;
            IntVector w0 = IntVector.fromMemorySegment(I, packed, o, LE);
            IntVector w1 = IntVector.fromMemorySegment(I, packed, o + stream, LE);
            IntVector w2 = IntVector.fromMemorySegment(I, packed, o + 2 * stream, LE);
            IntVector w3 = IntVector.fromMemorySegment(I, packed, o + 3 * stream, LE);
            FloatVector c0 = w0.lanewise(LSHL, 16).reinterpretAsFloats();
            FloatVector c1 = w1.lanewise(LSHL, 16).reinterpretAsFloats();
            FloatVector c2 = w2.lanewise(LSHL, 16).reinterpretAsFloats();
            FloatVector c3 = w3.lanewise(LSHL, 16).reinterpretAsFloats();
            FloatVector b = FloatVector.broadcast(F, x[from + 2 * p]);
            a00 = c0.fma(b, a00);
            a10 = c1.fma(b, a10);
            a20 = c2.fma(b, a20);
            a30 = c3.fma(b, a30);
            b = FloatVector.broadcast(F, x[from1 + 2 * p]);
            a01 = c0.fma(b, a01);
            a11 = c1.fma(b, a11);
            a21 = c2.fma(b, a21);
            a31 = c3.fma(b, a31);
            b = FloatVector.broadcast(F, x[from2 + 2 * p]);
            a02 = c0.fma(b, a02);
            a12 = c1.fma(b, a12);
            a22 = c2.fma(b, a22);
            a32 = c3.fma(b, a32);
            b = FloatVector.broadcast(F, x[from3 + 2 * p]);
            a03 = c0.fma(b, a03);
            a13 = c1.fma(b, a13);
            a23 = c2.fma(b, a23);
            a33 = c3.fma(b, a33);
            c0 = w0.and(UPPER).reinterpretAsFloats();
            c1 = w1.and(UPPER).reinterpretAsFloats();
            c2 = w2.and(UPPER).reinterpretAsFloats();
            c3 = w3.and(UPPER).reinterpretAsFloats();
            b = FloatVector.broadcast(F, x[from + 2 * p + 1]);
            a00 = c0.fma(b, a00);
            a10 = c1.fma(b, a10);
            a20 = c2.fma(b, a20);
            a30 = c3.fma(b, a30);
            b = FloatVector.broadcast(F, x[from1 + 2 * p + 1]);
            a01 = c0.fma(b, a01);
            a11 = c1.fma(b, a11);
            a21 = c2.fma(b, a21);
            a31 = c3.fma(b, a31);
            b = FloatVector.broadcast(F, x[from2 + 2 * p + 1]);
            a02 = c0.fma(b, a02);
            a12 = c1.fma(b, a12);
            a22 = c2.fma(b, a22);
            a32 = c3.fma(b, a32);
            b = FloatVector.broadcast(F, x[from3 + 2 * p + 1]);
            a03 = c0.fma(b, a03);
            a13 = c1.fma(b, a13);
            a23 = c2.fma(b, a23);
            a33 = c3.fma(b, a33);
        }
        FloatVector.fromArray(F, y, to).add(a00).intoArray(y, to);
        FloatVector.fromArray(F, y, to + L).add(a10).intoArray(y, to + L);
        FloatVector.fromArray(F, y, to + 2 * L).add(a20).intoArray(y, to + 2 * L);
        FloatVector.fromArray(F, y, to + 3 * L).add(a30).intoArray(y, to + 3 * L);
        FloatVector.fromArray(F, y, to + ROWS).add(a01).intoArray(y, to + ROWS);
        FloatVector.fromArray(F, y, to + ROWS + L).add(a11).intoArray(y, to + ROWS + L);
        FloatVector.fromArray(F, y, to + ROWS + 2 * L).add(a21).intoArray(y, to + ROWS + 2 * L);
        FloatVector.fromArray(F, y, to + ROWS + 3 * L).add(a31).intoArray(y, to + ROWS + 3 * L);
        FloatVector.fromArray(F, y, to + 2 * ROWS).add(a02).intoArray(y, to + 2 * ROWS);
        FloatVector.fromArray(F, y, to + 2 * ROWS + L).add(a12).intoArray(y, to + 2 * ROWS + L);
        FloatVector.fromArray(F, y, to + 2 * ROWS + 2 * L).add(a22).intoArray(y, to + 2 * ROWS + 2 * L);
        FloatVector.fromArray(F, y, to + 2 * ROWS + 3 * L).add(a32).intoArray(y, to + 2 * ROWS + 3 * L);
        FloatVector.fromArray(F, y, to + 3 * ROWS).add(a03).intoArray(y, to + 3 * ROWS);
        FloatVector.fromArray(F, y, to + 3 * ROWS + L).add(a13).intoArray(y, to + 3 * ROWS + L);
        FloatVector.fromArray(F, y, to + 3 * ROWS + 2 * L).add(a23).intoArray(y, to + 3 * ROWS + 2 * L);
        FloatVector.fromArray(F, y, to + 3 * ROWS + 3 * L).add(a33).intoArray(y, to + 3 * ROWS + 3 * L);
    }
}
