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

    private static final float ROUND = Exp.ROUND;

    private Quantizer() {}

    /**
     * Quantizes row t.
     *
     * @param q scratch of {@link Activations#BLOCK}
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
            int total = first + second;
            // Row t, element i of a row becomes group t / 4, element i, token t mod 4.
            int group = t / Activations.GROUP * Activations.GROUP;
            int grouped = (group * x.stride + (at - x.row(t)) * Activations.GROUP) / BLOCK + t - group;
            pair(q, x, at / 2, (grouped - t + group) * (BLOCK / 2) + t - group);
            if (x.floats != null) {
                floats(q, x.floats, x.floatsAt((at - x.row(t)) / BLOCK, t));
            }
            x.scales[block] = scale;
            x.sums[block] = scale * total;
            x.groupedScales[grouped] = x.scales[block];
            x.groupedSums[grouped] = x.sums[block];
            x.starts[block] = (-8 * total) << 16;
            x.offsets[2 * block] = -32 * first;
            x.offsets[2 * block + 1] = -32 * second;
        }
    }

    private static float blockMax(float[] x, int at) {
        FloatVector max = FloatVector.fromArray(F, x, at).abs();
        for (int i = F.length(); i < BLOCK; i += F.length()) {
            max = max.max(FloatVector.fromArray(F, x, at + i).abs());
        }
        return max.reduceLanes(VectorOperators.MAX);
    }

    /** q[from ..] = round(x·inverse) over half a block; returns their sum. */
    private static int quantizeHalf(float[] x, int at, float inverse, int[] q, int from) {
        IntVector total = IntVector.zero(I);
        for (int i = from; i < from + BLOCK / 2; i += I.length()) {
            FloatVector rounded = FloatVector.fromArray(F, x, at + i)
                    .fma(FloatVector.broadcast(F, inverse), FloatVector.broadcast(F, ROUND))
                    .sub(ROUND);
            IntVector v = (IntVector) rounded.convertShape(VectorOperators.F2I, I, 0);
            v.intoArray(q, i);
            total = total.add(v);
        }
        return total.reduceLanes(VectorOperators.ADD);
    }

    private static void pair(int[] q, Activations x, int at, int grouped) {
        for (int i = 0; i < BLOCK; i += 8) {
            int to = at + i / 2;
            int q0 = q[i];
            int q1 = q[i + 4];
            int q2 = q[i + 1];
            int q3 = q[i + 5];
            int q4 = q[i + 2];
            int q5 = q[i + 6];
            int q6 = q[i + 3];
            int q7 = q[i + 7];
            if (x.values != null) {
                int value = grouped + i / 2 * Activations.GROUP;
                x.values[value] = pair(q0, q4);
                x.values[value + Activations.GROUP] = pair(q1, q5);
                x.values[value + 2 * Activations.GROUP] = pair(q2, q6);
                x.values[value + 3 * Activations.GROUP] = pair(q3, q7);
            }
            x.multipliers[to] = pair(q0, q4 - 16 * q3);
            x.multipliers[to + 1] = pair(q1 - 16 * q0, q5 - 16 * q4);
            x.multipliers[to + 2] = pair(q2 - 16 * q1, q6 - 16 * q5);
            x.multipliers[to + 3] = pair(q3 - 16 * q2, q7 - 16 * q6);
        }
    }

    /** @param to of the block's first integer in {@link Activations#floats} */
    private static void floats(int[] q, float[] floats, int to) {
        for (int i = 0; i < BLOCK; i += 8) {
            int at = to + i * Activations.GROUP;
            for (int k = 0; k < 4; k++) {
                floats[at + 2 * k * Activations.GROUP] = q[i + k];
                floats[at + (2 * k + 1) * Activations.GROUP] = q[i + 4 + k];
            }
        }
    }

    /** Two numbers' low 16 bits, the first low. */
    private static int pair(int low, int high) {
        return (low & 0xffff) | high << 16;
    }
}
