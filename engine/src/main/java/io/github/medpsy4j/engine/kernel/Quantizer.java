package io.github.medpsy4j.engine.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Brings activations into the 8-bit form: scale = max|x| / 127 over each block of 32, q = round(x / scale). llama.cpp
 * does the same for its 32-wide types; for its 256-wide types it takes one scale for 256, so this form is the finer one.
 */
final class Quantizer {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final int BLOCK = Activations.BLOCK;
    private static final int QUANTUM_MAX = 127;

    /** What a multiplier takes off for its predecessor within a group of four: nothing for the first of the group. */
    private static final IntVector PREDECESSOR_WEIGHT = predecessorWeight();

    private static final float ROUND = Exp.ROUND;

    private Quantizer() {}

    private static IntVector predecessorWeight() {
        int[] weights = new int[I.length()];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = i % 4 == 0 ? 0 : 16;
        }
        return IntVector.fromArray(I, weights, 0);
    }

    /**
     * Quantizes row t.
     *
     * @param q scratch of one element and then {@link Activations#BLOCK}
     */
    static void quantizeRow(Activations x, int t, int[] q) {
        for (int at = x.row(t); at < x.row(t + 1); at += BLOCK) {
            float max = blockMax(x.data, at);
            float scale = max / QUANTUM_MAX;
            float inverse = QUANTUM_MAX / max;
            // A block of zeros, or of numbers so small that the inverse is no float, counts as zeros.
            inverse = inverse == Float.POSITIVE_INFINITY ? 0 : inverse;
            int block = at / BLOCK;
            int first = quantizeHalf(x.data, at, inverse, q, 0);
            int second = quantizeHalf(x.data, at, inverse, q, BLOCK / 2);
            double16(q, x, at);
            x.scales[block] = scale;
            x.sums[block] = scale * (first + second);
            x.starts[block] = doubled(-8 * (first + second));
            x.halfSums[2 * block] = first;
            x.halfSums[2 * block + 1] = second;
        }
    }

    private static float blockMax(float[] x, int at) {
        FloatVector max = FloatVector.fromArray(F, x, at).abs();
        for (int i = F.length(); i < BLOCK; i += F.length()) {
            max = max.max(FloatVector.fromArray(F, x, at + i).abs());
        }
        return max.reduceLanes(VectorOperators.MAX);
    }

    /** q[1 + from ..] = round(x·inverse) over half a block; returns their sum. */
    private static int quantizeHalf(float[] x, int at, float inverse, int[] q, int from) {
        IntVector total = IntVector.zero(I);
        for (int i = from; i < from + BLOCK / 2; i += I.length()) {
            FloatVector rounded = FloatVector.fromArray(F, x, at + i)
                    .fma(FloatVector.broadcast(F, inverse), FloatVector.broadcast(F, ROUND))
                    .sub(ROUND);
            IntVector v = (IntVector) rounded.convertShape(VectorOperators.F2I, I, 0);
            v.intoArray(q, 1 + i);
            total = total.add(v);
        }
        return total.reduceLanes(VectorOperators.ADD);
    }

    private static void double16(int[] q, Activations x, int at) {
        for (int i = 0; i < BLOCK; i += I.length()) {
            IntVector v = IntVector.fromArray(I, q, 1 + i);
            IntVector b = v.sub(IntVector.fromArray(I, q, i).mul(PREDECESSOR_WEIGHT));
            v.and(0xffff).or(v.lanewise(VectorOperators.LSHL, 16)).intoArray(x.values, at + i);
            b.and(0xffff).or(b.lanewise(VectorOperators.LSHL, 16)).intoArray(x.multipliers, at + i);
        }
    }

    /** The low 16 bits of a number in both halves of an int. */
    private static int doubled(int value) {
        return (value & 0xffff) | (value << 16);
    }
}
