package io.github.medpsy4j.engine.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Brings activations into whole numbers, q = round(x / scale).
 *
 * <p>What bounds them is not the greatest |x| but the sum of some columns' |q|, which times the greatest |c| of a weight has to fit
 * 16 bits. So a few great numbers take less from their neighbours than they would of eight bits, and numbers of like size have more
 * than eight. (llama.cpp takes max|x| / 127, over 32 columns or, for its 256-wide types, over 256.)
 *
 * <p>Where tiles are of shorts, 32 columns share a scale, and of 16, which are the fewest with a scale of their own in a weight,
 * Σ|q| is at most 1,023: the sum of 32 products of four or five bits fits 16 bits, and of 16 of six or of IQ3_XXS.
 *
 * <p>Where they are of floats ({@link VectorPanels#FLOAT_TILES}), 256 columns share a scale, so that {@link IntegerPanels} may
 * add up as many before they round, and of 32 Σ|q| is at most 4,095, as only four bits are multiplied in integers.
 *
 * <p>{@link TablePanels}, whose weights have eight bits, add up four products: of four columns Σ|q| is at most {@link #FOUR_MAX}.
 * On activations of Qwen2.5-Coder-0.5B that rounds with 0.45 of the mean square of max|x| / 127, and 16 columns with 0.15.
 */
final class Quantizer {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final int L = F.length();
    private static final int BLOCK = Activations.BLOCK;
    private static final int GROUP = Activations.GROUP;

    /** Blocks that share a scale: those of 256 columns, or each has one. */
    static final int SCALE_BLOCKS = VectorPanels.FLOAT_TILES ? 8 : 1;

    /** Columns whose magnitudes are bounded together. */
    private static final int SUM_COLUMNS = VectorPanels.FLOAT_TILES ? 32 : 16;

    /** The most that they may be: times 8, four bits' greatest |c|, or times 32, that of six, it is below 2^15. */
    private static final int SUM_MAX = VectorPanels.FLOAT_TILES ? 4095 : 1023;

    /** The same, less what rounding may add to each, and a bit for the scale's. */
    private static final int QUANTA_MAX = SUM_MAX - SUM_COLUMNS / 2 - 1;

    /**
     * What Σ|q| of a block's columns i, i + 8, i + 16 and i + 24 may be, where {@link TablePanels} multiply them: times 120, the
     * greatest of IQ4's centred numbers, it is below 2^15.
     */
    private static final int FOUR_MAX = 273;

    /** The same, less what rounding may add to each, and a bit for the scale's. */
    private static final int FOUR_QUANTA_MAX = FOUR_MAX - 3;

    /** In what part of the greatest magnitude {@link #scale} counts. */
    private static final int PARTS = 1 << 13;

    private static final float ROUND = Exp.ROUND;

    /** What the bits of n + ROUND are more than n. C2 adds up lanes of floats one by one, ints in halves. */
    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

    private Quantizer() {}

    /**
     * Quantizes blocks of a group of four rows, in one body for the reasons that {@link VectorPanels} gives. Block by block: what
     * the four have at one place stands side by side, and is written while it is in the L1 cache.
     *
     * @param from the first row
     * @param to the row behind the last, in the same group
     * @param begin the first block; a multiple of {@link #SCALE_BLOCKS}
     * @param end the block behind the last
     * @param singlesFrom from which row on rows may be multiplied by themselves, rather than in a group of four
     */
    static void quantizeRows(Activations x, int from, int to, int begin, int end, int singlesFrom, Scratch scratch) {
        float[] data = x.data;
        int[] q = scratch.quanta;
        int[] twice = scratch.quantaTwice;
        float[] floatQ = scratch.floatQuanta;
        boolean wantsFloats = x.isRead(Activations.FLOATS);
        boolean wantsValues = x.isRead(Activations.VALUES);
        for (int b = begin; b < end; b++) {
            for (int t = from; t < to; t++) {
                int at = x.row(t) + b * BLOCK;
                // Row t, element j of a row becomes group t / 4, element j, token t mod 4.
                int token = t % GROUP;
                float scale = b % SCALE_BLOCKS > 0
                        ? x.groupedScales[x.groupedBlockAt(b - 1, t)]
                        : scale(x, at, Math.min(SCALE_BLOCKS * BLOCK, x.stride - b * BLOCK), q);
                float inverse = 1 / scale;
                // A block of zeros, or of numbers so small that the inverse is no float, counts as zeros.
                inverse = inverse == Float.POSITIVE_INFINITY ? 0 : inverse;
                IntVector totals = IntVector.zero(I);
                for (int j = 0; j < BLOCK / 2; j += L) {
                    FloatVector rounded = FloatVector.fromArray(F, data, at + j)
                            .fma(FloatVector.broadcast(F, inverse), FloatVector.broadcast(F, ROUND));
                    if (wantsFloats) {
                        rounded.sub(ROUND).intoArray(floatQ, j);
                    }
                    IntVector integers = rounded.reinterpretAsInts().sub(ROUND_BITS);
                    integers.intoArray(q, j);
                    if (wantsValues) {
                        integers.and(0xffff)
                                .or(integers.lanewise(VectorOperators.LSHL, 16))
                                .intoArray(twice, j);
                    }
                    totals = integers.add(totals);
                }
                int first = totals.reduceLanes(VectorOperators.ADD);
                totals = IntVector.zero(I);
                for (int j = BLOCK / 2; j < BLOCK; j += L) {
                    FloatVector rounded = FloatVector.fromArray(F, data, at + j)
                            .fma(FloatVector.broadcast(F, inverse), FloatVector.broadcast(F, ROUND));
                    if (wantsFloats) {
                        rounded.sub(ROUND).intoArray(floatQ, j);
                    }
                    IntVector integers = rounded.reinterpretAsInts().sub(ROUND_BITS);
                    integers.intoArray(q, j);
                    if (wantsValues) {
                        integers.and(0xffff)
                                .or(integers.lanewise(VectorOperators.LSHL, 16))
                                .intoArray(twice, j);
                    }
                    totals = integers.add(totals);
                }
                int second = totals.reduceLanes(VectorOperators.ADD);
                int grouped = x.groupedBlockAt(b, t);
                int halves = x.totalsAt(b, t);
                float sum = scale * (first + second);
                x.groupedScales[grouped] = scale;
                x.groupedSums[grouped] = sum;
                x.groupedTotals[halves] = first;
                x.groupedTotals[halves + GROUP] = second;
                if (wantsFloats) {
                    float[] floats = x.floats;
                    int place = x.floatsAt(b, t);
                    for (int j = 0; j < BLOCK; j += 8) {
                        floats[place] = floatQ[j];
                        floats[place + GROUP] = floatQ[j + 4];
                        floats[place + 2 * GROUP] = floatQ[j + 1];
                        floats[place + 3 * GROUP] = floatQ[j + 5];
                        floats[place + 4 * GROUP] = floatQ[j + 2];
                        floats[place + 5 * GROUP] = floatQ[j + 6];
                        floats[place + 6 * GROUP] = floatQ[j + 3];
                        floats[place + 7 * GROUP] = floatQ[j + 7];
                        place += 8 * GROUP;
                    }
                }
                if (wantsValues) {
                    int[] values = x.values;
                    int place = (grouped - token) * BLOCK + token;
                    for (int j = 0; j < BLOCK; j += 8) {
                        values[place] = twice[j];
                        values[place + GROUP] = twice[j + 1];
                        values[place + 2 * GROUP] = twice[j + 2];
                        values[place + 3 * GROUP] = twice[j + 3];
                        values[place + 4 * GROUP] = twice[j + 4];
                        values[place + 5 * GROUP] = twice[j + 5];
                        values[place + 6 * GROUP] = twice[j + 6];
                        values[place + 7 * GROUP] = twice[j + 7];
                        place += 8 * GROUP;
                    }
                }
                if (t >= singlesFrom) {
                    int block = x.blockAt(b, t);
                    x.scales[block] = scale;
                    x.sums[block] = sum;
                    multipliers(q, x, block, first, second);
                }
            }
        }
    }

    /** The greatest magnitude; NaN if there is one. */
    private static float max(float[] x, int from, int n) {
        // Floats without their signs are in the order of the ints that they are; a NaN is the greatest.
        IntVector magnitudes = IntVector.zero(I);
        for (int j = 0; j < n; j += L) {
            magnitudes = FloatVector.fromArray(F, x, from + j)
                    .reinterpretAsInts()
                    .and(Integer.MAX_VALUE)
                    .max(magnitudes);
        }
        return Float.intBitsToFloat(magnitudes.reduceLanes(VectorOperators.MAX));
    }

    /**
     * The least scale with which all sums fit that are made of n elements: no {@link #SUM_COLUMNS} magnitudes are together more than
     * {@link #QUANTA_MAX}, and of a block no four that are eight columns apart more than {@link #FOUR_QUANTA_MAX}. They are added in
     * whole parts of the greatest, as the order of a sum of others is not defined. One body, which C2 does not inline into {@link
     * #quantizeRows}: both would share a budget, and beyond it box their vectors.
     *
     * @param n columns that share a scale; those bounded by four are a block
     * @param sums room for a block
     */
    private static float scale(Activations activations, int from, int n, int[] sums) {
        float[] x = activations.data;
        float max = max(x, from, n);
        float inverse = PARTS / max;
        if (inverse == Float.POSITIVE_INFINITY) {
            return 0;
        }
        FloatVector parts = FloatVector.broadcast(F, inverse);
        FloatVector round = FloatVector.broadcast(F, ROUND);
        float scale = 0;
        if (activations.isRead(Activations.NIBBLES | Activations.BYTES)) {
            int most = 0;
            for (int b = from; b < from + n; b += SUM_COLUMNS) {
                IntVector sum = IntVector.zero(I);
                for (int j = b; j < b + SUM_COLUMNS; j += L) {
                    sum = FloatVector.fromArray(F, x, j)
                            .abs()
                            .fma(parts, round)
                            .reinterpretAsInts()
                            .sub(ROUND_BITS)
                            .add(sum);
                }
                most = Math.max(most, sum.reduceLanes(VectorOperators.ADD));
            }
            scale = (float) (most + SUM_COLUMNS / 2) / QUANTA_MAX * (max / PARTS);
        }
        if (activations.isRead(Activations.WORDS)) {
            IntVector zero = IntVector.zero(I);
            for (int j = 0; j < BLOCK / 2; j += L) {
                IntVector first = FloatVector.fromArray(F, x, from + j)
                        .abs()
                        .fma(parts, round)
                        .reinterpretAsInts()
                        .sub(ROUND_BITS);
                FloatVector.fromArray(F, x, from + BLOCK / 2 + j)
                        .abs()
                        .fma(parts, round)
                        .reinterpretAsInts()
                        .sub(ROUND_BITS)
                        .add(first)
                        .intoArray(sums, j);
                zero.intoArray(sums, BLOCK / 2 + j); // lanes beyond eight
            }
            IntVector most = zero;
            for (int j = 0; j < BLOCK / 4; j += L) {
                most = IntVector.fromArray(I, sums, j)
                        .add(IntVector.fromArray(I, sums, j + BLOCK / 4))
                        .max(most);
            }
            int four = most.reduceLanes(VectorOperators.MAX);
            scale = Math.max(scale, (float) (four + 2) / FOUR_QUANTA_MAX * (max / PARTS));
        }
        return scale;
    }

    /**
     * What one token's nibbles and its bytes are multiplied with in a block.
     *
     * @param first Σq of its first half
     * @param second Σq of its second half
     */
    private static void multipliers(int[] q, Activations x, int block, int first, int second) {
        if (x.isRead(Activations.WORDS)) {
            int[] words = x.words;
            int to = block * BLOCK / 2;
            for (int i = 0; i < BLOCK / 4; i += 2) {
                words[to] = pair(q[i], q[i + 1]);
                words[to + 1] = pair(q[i + 16], q[i + 17]);
                words[to + 2] = pair(q[i + 8], q[i + 9]);
                words[to + 3] = pair(q[i + 24], q[i + 25]);
                to += 4;
            }
        }
        x.starts[block] = (-8 * (first + second)) << 16;
        if (x.isRead(Activations.NIBBLES)) {
            int[] multipliers = x.multipliers;
            for (int i = 0; i < BLOCK; i += 8) {
                int to = (block * BLOCK + i) / 2;
                multipliers[to] = pair(q[i], q[i + 2] - 16 * q[i + 5]);
                multipliers[to + 1] = pair(q[i + 4] - 16 * q[i], q[i + 6] - 16 * q[i + 2]);
                multipliers[to + 2] = pair(q[i + 1] - 16 * q[i + 4], q[i + 3] - 16 * q[i + 6]);
                multipliers[to + 3] = pair(q[i + 5] - 16 * q[i + 1], q[i + 7] - 16 * q[i + 3]);
            }
        }
        if (x.isRead(Activations.BYTES)) {
            int[] multipliers = x.byteMultipliers;
            for (int i = 0; i < BLOCK; i += 4) {
                int to = (block * BLOCK + i) / 2;
                multipliers[to] = pair(q[i], q[i + 2] - 256 * q[i + 1]);
                multipliers[to + 1] = pair(q[i + 1] - 256 * q[i], q[i + 3] - 256 * q[i + 2]);
            }
            x.byteStarts[2 * block] = (-32 * first) << 16;
            x.byteStarts[2 * block + 1] = (-32 * second) << 16;
        }
    }

    /** Two numbers' low 16 bits, the first low. */
    private static int pair(int low, int high) {
        return (low & 0xffff) | high << 16;
    }
}
