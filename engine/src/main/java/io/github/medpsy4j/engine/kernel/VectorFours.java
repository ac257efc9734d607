package io.github.medpsy4j.engine.kernel;

import static jdk.incubator.vector.VectorOperators.ROL;
import static jdk.incubator.vector.VectorOperators.ROR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link IntegerPanels} for four tokens straight from the packed integers, where vectors are wide: a tile would be
 * written for one use. They make sums[run][token][rows] = Σ c·q, floats that are whole numbers, and add them up.
 *
 * <p>An unsigned u of b bits becomes the float 2^b + u without a conversion: its bits stand highest in the mantissa of 2^b.
 * What Σ (2^b + u)·q is more than Σ c·q is (2^b + half the range)·Σq, with which sums start, below zero. All numbers on the
 * way are below 2^24. {@link VectorPanels} says why the loops are written so.
 */
final class VectorFours {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final int L = VectorPanels.L;
    private static final int ROWS = VectorPanels.ROWS;
    private static final int VECTOR_BYTES = I.vectorByteSize();
    private static final int INTS = PanelMatrix.INTS;
    private static final int TOKENS = Activations.GROUP;

    /** The lowest four of the seven bits that make a float 128 + u: a rotation by 16 bits brings the first nibble there. */
    private static final int NIBBLE = 0x000f0000;

    private static final int FLOAT_128 = Float.floatToRawIntBits(128);

    private VectorFours() {}

    /**
     * Four bits, which stand three bits lower, where a rotation by whole nibbles brings each of an int's eight: 128 + u.
     *
     * @param block of the activations
     * @param t the first of the four tokens
     * @param to0 where the first run's go in sums
     */
    static void nibbleSums4(
            MemorySegment memory,
            long plane,
            long stream,
            int blocks,
            Activations x,
            int block,
            int t,
            float[] sums,
            int to0) {
        MemorySegment packed = VectorPanels.exact(memory);
        float[] q = x.floats;
        float[] totals = x.groupedTotals;
        float centre = -(128 + 8);
        for (int i = 0; i < blocks; i++) {
            int total = x.totalsAt(block + i, t);
            FloatVector a00 = FloatVector.broadcast(F, centre * (totals[total] + totals[total + 4]));
            FloatVector a10 = a00;
            FloatVector a20 = a00;
            FloatVector a30 = a00;
            FloatVector a01 = FloatVector.broadcast(F, centre * (totals[total + 1] + totals[total + 5]));
            FloatVector a11 = a01;
            FloatVector a21 = a01;
            FloatVector a31 = a01;
            FloatVector a02 = FloatVector.broadcast(F, centre * (totals[total + 2] + totals[total + 6]));
            FloatVector a12 = a02;
            FloatVector a22 = a02;
            FloatVector a32 = a02;
            FloatVector a03 = FloatVector.broadcast(F, centre * (totals[total + 3] + totals[total + 7]));
            FloatVector a13 = a03;
            FloatVector a23 = a03;
            FloatVector a33 = a03;
            for (int word = 0; word < INTS; word++) {
                int at = x.floatsAt(block + i, t) + word * (8 * TOKENS);
                long o = plane + (i * INTS + word) * (long) VECTOR_BYTES;
                IntVector w0 = IntVector.fromMemorySegment(I, packed, o, LE).lanewise(ROL, 16);
                IntVector w1 =
                        IntVector.fromMemorySegment(I, packed, o + stream, LE).lanewise(ROL, 16);
                IntVector w2 = IntVector.fromMemorySegment(I, packed, o + 2 * stream, LE)
                        .lanewise(ROL, 16);
                IntVector w3 = IntVector.fromMemorySegment(I, packed, o + 3 * stream, LE)
                        .lanewise(ROL, 16);
                for (int k = 0; k < 8; k++) {
                    FloatVector c0 = w0.and(NIBBLE).or(FLOAT_128).reinterpretAsFloats();
                    FloatVector c1 = w1.and(NIBBLE).or(FLOAT_128).reinterpretAsFloats();
                    FloatVector c2 = w2.and(NIBBLE).or(FLOAT_128).reinterpretAsFloats();
                    FloatVector c3 = w3.and(NIBBLE).or(FLOAT_128).reinterpretAsFloats();
                    FloatVector b = FloatVector.broadcast(F, q[at + TOKENS * k]);
                    a00 = c0.fma(b, a00);
                    a10 = c1.fma(b, a10);
                    a20 = c2.fma(b, a20);
                    a30 = c3.fma(b, a30);
                    b = FloatVector.broadcast(F, q[at + TOKENS * k + 1]);
                    a01 = c0.fma(b, a01);
                    a11 = c1.fma(b, a11);
                    a21 = c2.fma(b, a21);
                    a31 = c3.fma(b, a31);
                    b = FloatVector.broadcast(F, q[at + TOKENS * k + 2]);
                    a02 = c0.fma(b, a02);
                    a12 = c1.fma(b, a12);
                    a22 = c2.fma(b, a22);
                    a32 = c3.fma(b, a32);
                    b = FloatVector.broadcast(F, q[at + TOKENS * k + 3]);
                    a03 = c0.fma(b, a03);
                    a13 = c1.fma(b, a13);
                    a23 = c2.fma(b, a23);
                    a33 = c3.fma(b, a33);
                    w0 = w0.lanewise(ROR, 4);
                    w1 = w1.lanewise(ROR, 4);
                    w2 = w2.lanewise(ROR, 4);
                    w3 = w3.lanewise(ROR, 4);
                }
            }
            int to = to0 + i * (TOKENS * ROWS);
            a00.intoArray(sums, to);
            a10.intoArray(sums, to + L);
            a20.intoArray(sums, to + 2 * L);
            a30.intoArray(sums, to + 3 * L);
            a01.intoArray(sums, to + ROWS);
            a11.intoArray(sums, to + ROWS + L);
            a21.intoArray(sums, to + ROWS + 2 * L);
            a31.intoArray(sums, to + ROWS + 3 * L);
            a02.intoArray(sums, to + 2 * ROWS);
            a12.intoArray(sums, to + 2 * ROWS + L);
            a22.intoArray(sums, to + 2 * ROWS + 2 * L);
            a32.intoArray(sums, to + 2 * ROWS + 3 * L);
            a03.intoArray(sums, to + 3 * ROWS);
            a13.intoArray(sums, to + 3 * ROWS + L);
            a23.intoArray(sums, to + 3 * ROWS + 2 * L);
            a33.intoArray(sums, to + 3 * ROWS + 3 * L);
        }
    }

    /**
     * {@link VectorPanels#combine} of four tokens, from {@link #nibbleSums4}'s sums.
     *
     * @param at of the group of four tokens' first scales
     * @param from the first run's index in scales and centres
     */
    static void combineSums4(
            float[] sums,
            int sum,
            int runs,
            boolean centred,
            Activations x,
            int at,
            float[] scales,
            float[] centres,
            int from,
            float[] y,
            int to) {
        float[] tokenScales = x.groupedScales;
        float[] tokenSums = x.groupedSums;
        for (int v = 0; v < ROWS; v += L) {
            FloatVector a0 = FloatVector.fromArray(F, y, to + v);
            FloatVector a1 = FloatVector.fromArray(F, y, to + ROWS + v);
            FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * ROWS + v);
            FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * ROWS + v);
            for (int r = 0; r < runs; r++) {
                int o = sum + r * (TOKENS * ROWS) + v;
                int g = at + r * TOKENS;
                FloatVector scale = FloatVector.fromArray(F, scales, from + r * ROWS + v);
                a0 = FloatVector.fromArray(F, sums, o)
                        .mul(FloatVector.broadcast(F, tokenScales[g]))
                        .fma(scale, a0);
                a1 = FloatVector.fromArray(F, sums, o + ROWS)
                        .mul(FloatVector.broadcast(F, tokenScales[g + 1]))
                        .fma(scale, a1);
                a2 = FloatVector.fromArray(F, sums, o + 2 * ROWS)
                        .mul(FloatVector.broadcast(F, tokenScales[g + 2]))
                        .fma(scale, a2);
                a3 = FloatVector.fromArray(F, sums, o + 3 * ROWS)
                        .mul(FloatVector.broadcast(F, tokenScales[g + 3]))
                        .fma(scale, a3);
                if (centred) {
                    FloatVector centre = FloatVector.fromArray(F, centres, from + r * ROWS + v);
                    a0 = FloatVector.broadcast(F, tokenSums[g]).fma(centre, a0);
                    a1 = FloatVector.broadcast(F, tokenSums[g + 1]).fma(centre, a1);
                    a2 = FloatVector.broadcast(F, tokenSums[g + 2]).fma(centre, a2);
                    a3 = FloatVector.broadcast(F, tokenSums[g + 3]).fma(centre, a3);
                }
            }
            a0.intoArray(y, to + v);
            a1.intoArray(y, to + ROWS + v);
            a2.intoArray(y, to + 2 * ROWS + v);
            a3.intoArray(y, to + 3 * ROWS + v);
        }
    }

    /**
     * {@link VectorPanels#combineWhole} of four tokens and 256 columns.
     *
     * @param at of the group of four tokens' first scale
     * @param from the first run's index in whole scales and centres
     * @param factor the first strip's d in the factors
     */
    static void combineWhole4(
            float[] sums,
            int sum,
            Activations x,
            int at,
            float[] scales,
            float[] centres,
            int from,
            float[] factors,
            int factor,
            float[] y,
            int to) {
        float[] tokenScales = x.groupedScales;
        float[] tokenSums = x.groupedSums;
        for (int v = 0; v < ROWS; v += L) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector a1 = a0;
            FloatVector a2 = a0;
            FloatVector a3 = a0;
            FloatVector s0 = FloatVector.zero(F);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            for (int r = 0; r < Quantizer.SCALE_BLOCKS; r++) {
                int o = sum + r * (TOKENS * ROWS) + v;
                int g = at + r * TOKENS;
                FloatVector scale = FloatVector.fromArray(F, scales, from + r * ROWS + v);
                s0 = FloatVector.fromArray(F, sums, o).fma(scale, s0);
                s1 = FloatVector.fromArray(F, sums, o + ROWS).fma(scale, s1);
                s2 = FloatVector.fromArray(F, sums, o + 2 * ROWS).fma(scale, s2);
                s3 = FloatVector.fromArray(F, sums, o + 3 * ROWS).fma(scale, s3);
                FloatVector centre = FloatVector.fromArray(F, centres, from + r * ROWS + v);
                a0 = FloatVector.broadcast(F, tokenSums[g]).fma(centre, a0);
                a1 = FloatVector.broadcast(F, tokenSums[g + 1]).fma(centre, a1);
                a2 = FloatVector.broadcast(F, tokenSums[g + 2]).fma(centre, a2);
                a3 = FloatVector.broadcast(F, tokenSums[g + 3]).fma(centre, a3);
            }
            FloatVector d = FloatVector.fromArray(F, factors, factor + v / L * VectorPanels.FACTORS);
            s0.mul(FloatVector.broadcast(F, tokenScales[at]))
                    .fma(d, FloatVector.fromArray(F, y, to + v))
                    .add(a0)
                    .intoArray(y, to + v);
            s1.mul(FloatVector.broadcast(F, tokenScales[at + 1]))
                    .fma(d, FloatVector.fromArray(F, y, to + ROWS + v))
                    .add(a1)
                    .intoArray(y, to + ROWS + v);
            s2.mul(FloatVector.broadcast(F, tokenScales[at + 2]))
                    .fma(d, FloatVector.fromArray(F, y, to + 2 * ROWS + v))
                    .add(a2)
                    .intoArray(y, to + 2 * ROWS + v);
            s3.mul(FloatVector.broadcast(F, tokenScales[at + 3]))
                    .fma(d, FloatVector.fromArray(F, y, to + 3 * ROWS + v))
                    .add(a3)
                    .intoArray(y, to + 3 * ROWS + v);
        }
    }
}
