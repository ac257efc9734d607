package io.github.medpsy4j.engine.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link PanelMatrix}, whose Javadoc gives the arithmetic and the layout. Generic in the vector's length.
 * Offsets are those of a panel's first strip, {@code stream} is the distance to the next.
 *
 * <p>The product loops of one token store what each int gives and leave the adding up to the combining loop. So nothing
 * but the counter goes round the loop, C2 moves every bounds check out of it, and 73 instructions treat 256 weights; a
 * loop that adds up until a run ends has a third more, and a nest sets up its inner loop for every run. A body shared by
 * way of a method would not be inlined (C2 has a budget of nodes).
 */
final class VectorPanels {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> S = ShortVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

    /** Lanes of a vector of ints or floats. */
    static final int L = I.length();

    private static final int VECTORS = 4;

    /** Tokens that a tile of products serves at a time. */
    private static final int TOKENS = 4;

    /** Rows of a panel. */
    static final int ROWS = VECTORS * L;

    private static final int INTS = PanelMatrix.INTS;
    private static final int SHIFTS = Activations.SHIFTS;
    private static final int VECTOR_BYTES = I.vectorByteSize();

    /** What a run of columns with one scale has in a decoded header: a scale and a centre for each row. */
    private static final int RUN = 2 * ROWS;

    /** The lowest nibbles of both shorts of an int. */
    private static final int PAIR = 0x000f000f;

    /** Halves as floats times 2^-112: the exponent's bias is corrected by this factor. */
    private static final float HALF_TO_FLOAT = 0x1p112f;

    /** Keeps a half's sign at the top and its exponent and mantissa where a float has them. */
    private static final int HALF_MASK = 0x8fffe000;

    private VectorPanels() {}

    // ---- Headers ----

    /** The lower halves of ints as floats. Exact for finite halves, the only ones packed. */
    private static void lowHalves(MemorySegment w, long at, float[] out, int to) {
        IntVector.fromMemorySegment(I, w, at, LE)
                .lanewise(LSHL, 16)
                .lanewise(ASHR, 3)
                .and(HALF_MASK)
                .reinterpretAsFloats()
                .mul(HALF_TO_FLOAT)
                .intoArray(out, to);
    }

    /** The upper halves. */
    private static void highHalves(MemorySegment w, long at, float[] out, int to) {
        IntVector.fromMemorySegment(I, w, at, LE)
                .and(0xffff0000)
                .lanewise(ASHR, 3)
                .and(HALF_MASK)
                .reinterpretAsFloats()
                .mul(HALF_TO_FLOAT)
                .intoArray(out, to);
    }

    /** A scale for each block and no centre: w = d·c. */
    static void headerScales(MemorySegment w, long at, long stream, int blocks, float[] header) {
        for (int v = 0; v < VECTORS; v++) {
            for (int b = 0; b < blocks; b++) {
                long pair = at + v * stream + (b >> 1) * (long) VECTOR_BYTES;
                if ((b & 1) == 0) {
                    lowHalves(w, pair, header, b * RUN + v * L);
                } else {
                    highHalves(w, pair, header, b * RUN + v * L);
                }
            }
        }
    }

    /** w = d·u + m = d·(u - bias) + (bias·d + m) for an unsigned u. */
    static void headerOffsets(MemorySegment w, long at, long stream, int blocks, float bias, float[] header) {
        for (int v = 0; v < VECTORS; v++) {
            for (int b = 0; b < blocks; b++) {
                int scale = b * RUN + v * L;
                int centre = scale + ROWS;
                lowHalves(w, at + v * stream + b * (long) VECTOR_BYTES, header, scale);
                highHalves(w, at + v * stream + b * (long) VECTOR_BYTES, header, centre);
                for (int r = 0; r < L; r++) {
                    header[centre + r] = Math.fma(bias, header[scale + r], header[centre + r]);
                }
            }
        }
    }

    /** w = d·scale·u - dmin·min: scales and minima as integers; d and dmin in {@code factors}. */
    static void headerMinima(MemorySegment w, long at, long stream, float[] factors, float[] header) {
        for (int v = 0; v < VECTORS; v++) {
            long strip = at + v * stream;
            lowHalves(w, strip, factors, v * L);
            highHalves(w, strip, factors, ROWS + v * L);
            for (int i = 0; i < 4; i++) {
                IntVector fields = IntVector.fromMemorySegment(I, w, strip + (1 + i) * (long) VECTOR_BYTES, LE);
                int to = 2 * i * RUN + v * L;
                ((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0)).intoArray(header, to);
                ((FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0))
                        .intoArray(header, to + ROWS);
                ((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0))
                        .intoArray(header, to + RUN);
                ((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0))
                        .intoArray(header, to + RUN + ROWS);
            }
        }
    }

    /** w = d·scale·c with 16 signed scales, as integers; d in {@code factors}. */
    static void headerQ6K(MemorySegment w, long at, long stream, float[] factors, float[] header) {
        for (int v = 0; v < VECTORS; v++) {
            long strip = at + v * stream;
            lowHalves(w, strip, factors, v * L);
            for (int i = 0; i < 4; i++) {
                IntVector fields = IntVector.fromMemorySegment(I, w, strip + (1 + i) * (long) VECTOR_BYTES, LE);
                int to = 4 * i * RUN + v * L;
                ((FloatVector) fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                        .intoArray(header, to);
                ((FloatVector) fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                        .intoArray(header, to + RUN);
                ((FloatVector) fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                        .intoArray(header, to + 2 * RUN);
                ((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                        .intoArray(header, to + 3 * RUN);
            }
        }
    }

    // ---- One token. products[int][rows] = Σ n·q of each int of nibbles, in two shorts, modulo 2^16. ----

    /** @param at the first block's index in the activations */
    static void nibbleProducts(MemorySegment w, long plane, long stream, int ints, Activations x, int at, int[] products) {
        int[] multipliers = x.multipliers;
        int first = at * INTS * SHIFTS;
        for (int i = 0; i < ints; i++) {
            long o = plane + i * (long) VECTOR_BYTES;
            IntVector v0 = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector v1 = IntVector.fromMemorySegment(I, w, o + stream, LE);
            IntVector v2 = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE);
            IntVector v3 = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE);
            ShortVector m0 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS]).reinterpretAsShorts();
            ShortVector m1 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS + 1]).reinterpretAsShorts();
            ShortVector m2 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS + 2]).reinterpretAsShorts();
            ShortVector m3 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS + 3]).reinterpretAsShorts();
            v0.reinterpretAsShorts()
                    .mul(m0)
                    .add(v0.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v0.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS);
            v1.reinterpretAsShorts()
                    .mul(m0)
                    .add(v1.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v1.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS + L);
            v2.reinterpretAsShorts()
                    .mul(m0)
                    .add(v2.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v2.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v2.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS + 2 * L);
            v3.reinterpretAsShorts()
                    .mul(m0)
                    .add(v3.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v3.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v3.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS + 3 * L);
        }
    }

    /**
     * The same of a plane of high bits, where one int holds the fields of several ints of nibbles.
     *
     * @param bits of a weight: 1 or 2
     */
    static void highProducts(MemorySegment w, long plane, long stream, int bits, int ints, Activations x, int at, int[] products) {
        int[] multipliers = x.multipliers;
        int first = at * INTS * SHIFTS;
        int within = 4 / bits - 1;
        int log = 3 - bits;
        IntVector mask = IntVector.broadcast(I, 0x11111111 * ((1 << bits) - 1));
        for (int i = 0; i < ints; i++) {
            long o = plane + (i >> log) * (long) VECTOR_BYTES;
            int shift = (i & within) * bits;
            IntVector v0 = IntVector.fromMemorySegment(I, w, o, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            IntVector v1 = IntVector.fromMemorySegment(I, w, o + stream, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            IntVector v2 = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            IntVector v3 = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            ShortVector m0 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS]).reinterpretAsShorts();
            ShortVector m1 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS + 1]).reinterpretAsShorts();
            ShortVector m2 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS + 2]).reinterpretAsShorts();
            ShortVector m3 =
                    IntVector.broadcast(I, multipliers[first + i * SHIFTS + 3]).reinterpretAsShorts();
            v0.reinterpretAsShorts()
                    .mul(m0)
                    .add(v0.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v0.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS);
            v1.reinterpretAsShorts()
                    .mul(m0)
                    .add(v1.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v1.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS + L);
            v2.reinterpretAsShorts()
                    .mul(m0)
                    .add(v2.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v2.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v2.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS + 2 * L);
            v3.reinterpretAsShorts()
                    .mul(m0)
                    .add(v3.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v3.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v3.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts()
                    .intoArray(products, i * ROWS + 3 * L);
        }
    }

    /** Q4_0 and Q4_1: y[rows] += d·(scale(x)·s) [+ centre·sum(x)] of each block, where s = Σ(n - 8)·q. */
    static void combineNibbles(
            int[] products, int blocks, boolean centred, Activations x, int at, float[] header, float[] y, int to) {
        int[] starts = x.starts;
        float[] scales = x.scales;
        float[] blockSums = x.sums;
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int b = 0; b < blocks; b++) {
            IntVector start = IntVector.broadcast(I, starts[at + b]);
            FloatVector scale = FloatVector.broadcast(F, scales[at + b]);
            int o = b * INTS * ROWS;
            IntVector t0 = IntVector.fromArray(I, products, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            a0 = ((FloatVector) t0.lanewise(LSHL, 16)
                            .add(t0)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN), a0);
            IntVector t1 = IntVector.fromArray(I, products, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            a1 = ((FloatVector) t1.lanewise(LSHL, 16)
                            .add(t1)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN + L), a1);
            IntVector t2 = IntVector.fromArray(I, products, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + 2 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + 2 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + 2 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            a2 = ((FloatVector) t2.lanewise(LSHL, 16)
                            .add(t2)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN + 2 * L), a2);
            IntVector t3 = IntVector.fromArray(I, products, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + 3 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + 3 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, products, o + 3 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            a3 = ((FloatVector) t3.lanewise(LSHL, 16)
                            .add(t3)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN + 3 * L), a3);
            if (centred) {
                FloatVector sum = FloatVector.broadcast(F, blockSums[at + b]);
                a0 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS), a0);
                a1 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS + L), a1);
                a2 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS + 2 * L), a2);
                a3 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS + 3 * L), a3);
            }
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /**
     * Q5_0, Q5_1 and Q8_0: the same of two planes, s = low + 16·high + extra, where low = Σ(n - 8)·q.
     *
     * @param centredHigh -1 where high is Σ(h - 8)·q and extra 8·Σq, 0 where high is Σh·q and extra -8·Σq
     */
    static void combinePlanes(
            int[] low,
            int[] high,
            int blocks,
            int centredHigh,
            boolean centred,
            Activations x,
            int at,
            float[] header,
            float[] y,
            int to) {
        int[] starts = x.starts;
        float[] scales = x.scales;
        float[] blockSums = x.sums;
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int b = 0; b < blocks; b++) {
            int start = starts[at + b]; // -8·Σq shifted left by 16
            IntVector startLow = IntVector.broadcast(I, start);
            IntVector startHigh = IntVector.broadcast(I, start & centredHigh);
            IntVector extra = IntVector.broadcast(I, centredHigh == 0 ? start >> 16 : -(start >> 16));
            FloatVector scale = FloatVector.broadcast(F, scales[at + b]);
            int o = b * INTS * ROWS;
            IntVector t0 = IntVector.fromArray(I, low, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h0 = IntVector.fromArray(I, high, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            h0 = h0.lanewise(LSHL, 16).add(h0).add(startHigh).lanewise(ASHR, 16).lanewise(LSHL, 4);
            a0 = ((FloatVector) t0.lanewise(LSHL, 16)
                            .add(t0)
                            .add(startLow)
                            .lanewise(ASHR, 16)
                            .add(h0)
                            .add(extra)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN), a0);
            IntVector t1 = IntVector.fromArray(I, low, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h1 = IntVector.fromArray(I, high, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            h1 = h1.lanewise(LSHL, 16).add(h1).add(startHigh).lanewise(ASHR, 16).lanewise(LSHL, 4);
            a1 = ((FloatVector) t1.lanewise(LSHL, 16)
                            .add(t1)
                            .add(startLow)
                            .lanewise(ASHR, 16)
                            .add(h1)
                            .add(extra)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN + L), a1);
            IntVector t2 = IntVector.fromArray(I, low, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + 2 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 2 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 2 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h2 = IntVector.fromArray(I, high, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + 2 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 2 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 2 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            h2 = h2.lanewise(LSHL, 16).add(h2).add(startHigh).lanewise(ASHR, 16).lanewise(LSHL, 4);
            a2 = ((FloatVector) t2.lanewise(LSHL, 16)
                            .add(t2)
                            .add(startLow)
                            .lanewise(ASHR, 16)
                            .add(h2)
                            .add(extra)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN + 2 * L), a2);
            IntVector t3 = IntVector.fromArray(I, low, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + 3 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 3 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 3 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h3 = IntVector.fromArray(I, high, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + 3 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 3 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 3 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            h3 = h3.lanewise(LSHL, 16).add(h3).add(startHigh).lanewise(ASHR, 16).lanewise(LSHL, 4);
            a3 = ((FloatVector) t3.lanewise(LSHL, 16)
                            .add(t3)
                            .add(startLow)
                            .lanewise(ASHR, 16)
                            .add(h3)
                            .add(extra)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, b * RUN + 3 * L), a3);
            if (centred) {
                FloatVector sum = FloatVector.broadcast(F, blockSums[at + b]);
                a0 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS), a0);
                a1 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS + L), a1);
                a2 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS + 2 * L), a2);
                a3 = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS + 3 * L), a3);
            }
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /**
     * Q4_K: y[v..] += d·Σ scale·(scale(x)·s + 8·sum(x)) - dmin·Σ min·sum(x) for one vector of rows, both sums over the
     * unit's eight blocks, s = Σ(n - 8)·q. Reads scales and minima from the packed header itself. Written out, because a
     * loop of four pairs of blocks took twice the time.
     */
    static void combineMinima(
            MemorySegment w,
            long header,
            int v,
            int[] products,
            Activations x,
            int at,
            float[] y,
            int to) {
        int[] starts = x.starts;
        float[] scales = x.scales;
        float[] blockSums = x.sums;
        long fieldsAt = header + VECTOR_BYTES;
        IntVector fields = IntVector.fromMemorySegment(I, w, fieldsAt, LE);
        IntVector t = IntVector.fromArray(I, products, v)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 1 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 2 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 3 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        FloatVector sum = FloatVector.broadcast(F, blockSums[at]);
        FloatVector a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at]), sum.mul(8))
                .fma((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0), FloatVector.zero(F));
        FloatVector m = sum.fma(
                (FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0),
                FloatVector.zero(F));
        t = IntVector.fromArray(I, products, v + 4 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 5 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 6 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 7 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        sum = FloatVector.broadcast(F, blockSums[at + 1]);
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at + 1]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at + 1]), sum.mul(8))
                .fma((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0), a);
        m = sum.fma((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0), m);
        fields = IntVector.fromMemorySegment(I, w, fieldsAt + 1 * VECTOR_BYTES, LE);
        t = IntVector.fromArray(I, products, v + 8 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 9 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 10 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 11 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        sum = FloatVector.broadcast(F, blockSums[at + 2]);
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at + 2]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at + 2]), sum.mul(8))
                .fma((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0), a);
        m = sum.fma((FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0), m);
        t = IntVector.fromArray(I, products, v + 12 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 13 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 14 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 15 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        sum = FloatVector.broadcast(F, blockSums[at + 3]);
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at + 3]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at + 3]), sum.mul(8))
                .fma((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0), a);
        m = sum.fma((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0), m);
        fields = IntVector.fromMemorySegment(I, w, fieldsAt + 2 * VECTOR_BYTES, LE);
        t = IntVector.fromArray(I, products, v + 16 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 17 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 18 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 19 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        sum = FloatVector.broadcast(F, blockSums[at + 4]);
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at + 4]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at + 4]), sum.mul(8))
                .fma((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0), a);
        m = sum.fma((FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0), m);
        t = IntVector.fromArray(I, products, v + 20 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 21 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 22 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 23 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        sum = FloatVector.broadcast(F, blockSums[at + 5]);
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at + 5]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at + 5]), sum.mul(8))
                .fma((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0), a);
        m = sum.fma((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0), m);
        fields = IntVector.fromMemorySegment(I, w, fieldsAt + 3 * VECTOR_BYTES, LE);
        t = IntVector.fromArray(I, products, v + 24 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 25 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 26 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 27 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        sum = FloatVector.broadcast(F, blockSums[at + 6]);
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at + 6]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at + 6]), sum.mul(8))
                .fma((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0), a);
        m = sum.fma((FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0), m);
        t = IntVector.fromArray(I, products, v + 28 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, products, v + 29 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 30 * ROWS).reinterpretAsShorts())
                .add(IntVector.fromArray(I, products, v + 31 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        sum = FloatVector.broadcast(F, blockSums[at + 7]);
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .add(IntVector.broadcast(I, starts[at + 7]))
                        .lanewise(ASHR, 16)
                        .convertShape(VectorOperators.I2F, F, 0))
                .fma(FloatVector.broadcast(F, scales[at + 7]), sum.mul(8))
                .fma((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0), a);
        m = sum.fma((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0), m);
        IntVector halves = IntVector.fromMemorySegment(I, w, header, LE);
        FloatVector d = halves.lanewise(LSHL, 16)
                .lanewise(ASHR, 3)
                .and(HALF_MASK)
                .reinterpretAsFloats()
                .mul(HALF_TO_FLOAT);
        FloatVector dmin = halves.and(0xffff0000)
                .lanewise(ASHR, 3)
                .and(HALF_MASK)
                .reinterpretAsFloats()
                .mul(HALF_TO_FLOAT);
        m.fma(dmin.neg(), a.fma(d, FloatVector.fromArray(F, y, to + v))).intoArray(y, to + v);
    }

    /** Q5_K: sums[block][rows] = Σ(n - 8)·q + 16·Σh·q - 8·Σq. */
    static void joinPlanes(int[] low, int[] high, Activations x, int at, int[] sums) {
        int[] starts = x.starts;
        for (int b = 0; b < 8; b++) {
            IntVector start = IntVector.broadcast(I, starts[at + b]);
            IntVector extra = start.lanewise(ASHR, 16);
            int o = b * INTS * ROWS;
            IntVector t0 = IntVector.fromArray(I, low, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h0 = IntVector.fromArray(I, high, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            t0.lanewise(LSHL, 16)
                    .add(t0)
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h0.lanewise(LSHL, 16).add(h0).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS);
            IntVector t1 = IntVector.fromArray(I, low, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h1 = IntVector.fromArray(I, high, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            t1.lanewise(LSHL, 16)
                    .add(t1)
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h1.lanewise(LSHL, 16).add(h1).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS + L);
            IntVector t2 = IntVector.fromArray(I, low, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + 2 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 2 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 2 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h2 = IntVector.fromArray(I, high, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + 2 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 2 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 2 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            t2.lanewise(LSHL, 16)
                    .add(t2)
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h2.lanewise(LSHL, 16).add(h2).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS + 2 * L);
            IntVector t3 = IntVector.fromArray(I, low, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + 3 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 3 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, low, o + 3 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h3 = IntVector.fromArray(I, high, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + 3 * L + ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 3 * L + 2 * ROWS).reinterpretAsShorts())
                    .add(IntVector.fromArray(I, high, o + 3 * L + 3 * ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            t3.lanewise(LSHL, 16)
                    .add(t3)
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h3.lanewise(LSHL, 16).add(h3).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS + 3 * L);
        }
    }

    /**
     * Q6_K: half a unit's part of a[v..] += Σ scale·(scale(x)·s) over half blocks for one vector of rows, s = low +
     * 16·high - 32·Σq.
     *
     * @param first of the four blocks: 0 or 4
     */
    static void addSixBits(
            MemorySegment w,
            long header,
            int v,
            int first,
            int[] low,
            int[] high,
            Activations x,
            int x0,
            float[] sums) {
        float[] scales = x.scales;
        int[] offsets = x.offsets;
        int at = x0 + first;
        int o = first * INTS * ROWS + v;
        long fieldsAt = header + VECTOR_BYTES + first / 2 * (long) VECTOR_BYTES;
        FloatVector a = FloatVector.fromArray(F, sums, v);
        IntVector fields = IntVector.fromMemorySegment(I, w, fieldsAt, LE);
        IntVector t = IntVector.fromArray(I, low, o)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 1 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        IntVector h = IntVector.fromArray(I, high, o)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 1 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 0]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 0]))
                .fma(
                        (FloatVector)
                                fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0),
                        a);
        t = IntVector.fromArray(I, low, o + 2 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 3 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        h = IntVector.fromArray(I, high, o + 2 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 3 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 1]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 0]))
                .fma(
                        (FloatVector)
                                fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0),
                        a);
        t = IntVector.fromArray(I, low, o + 4 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 5 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        h = IntVector.fromArray(I, high, o + 4 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 5 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 2]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 1]))
                .fma(
                        (FloatVector)
                                fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0),
                        a);
        t = IntVector.fromArray(I, low, o + 6 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 7 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        h = IntVector.fromArray(I, high, o + 6 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 7 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 3]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 1]))
                .fma((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0), a);
        fields = IntVector.fromMemorySegment(I, w, fieldsAt + VECTOR_BYTES, LE);
        t = IntVector.fromArray(I, low, o + 8 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 9 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        h = IntVector.fromArray(I, high, o + 8 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 9 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 4]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 2]))
                .fma(
                        (FloatVector)
                                fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0),
                        a);
        t = IntVector.fromArray(I, low, o + 10 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 11 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        h = IntVector.fromArray(I, high, o + 10 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 11 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 5]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 2]))
                .fma(
                        (FloatVector)
                                fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0),
                        a);
        t = IntVector.fromArray(I, low, o + 12 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 13 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        h = IntVector.fromArray(I, high, o + 12 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 13 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 6]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 3]))
                .fma(
                        (FloatVector)
                                fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0),
                        a);
        t = IntVector.fromArray(I, low, o + 14 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, low, o + 15 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        h = IntVector.fromArray(I, high, o + 14 * ROWS)
                .reinterpretAsShorts()
                .add(IntVector.fromArray(I, high, o + 15 * ROWS).reinterpretAsShorts())
                .reinterpretAsInts();
        a = ((FloatVector) t.lanewise(LSHL, 16)
                        .add(t)
                        .lanewise(ASHR, 16)
                        .add(h.lanewise(LSHL, 16).add(h).lanewise(ASHR, 16).lanewise(LSHL, 4))
                        .add(IntVector.broadcast(I, offsets[2 * at + 7]))
                        .convertShape(VectorOperators.I2F, F, 0))
                .mul(FloatVector.broadcast(F, scales[at + 3]))
                .fma((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0), a);
        a.intoArray(sums, v);
    }

    /** y[v..] += a·d, which stands in the header. */
    static void addTimesFactor(float[] a, int v, MemorySegment w, long header, float[] y, int to) {
        FloatVector d = IntVector.fromMemorySegment(I, w, header, LE)
                .lanewise(LSHL, 16)
                .lanewise(ASHR, 3)
                .and(HALF_MASK)
                .reinterpretAsFloats()
                .mul(HALF_TO_FLOAT);
        FloatVector.fromArray(F, a, v)
                .fma(d, FloatVector.fromArray(F, y, to + v))
                .intoArray(y, to + v);
    }

    // ---- Many tokens: a unit unpacked to a tile [pair of columns][rows] of centred shorts, four tokens at a time.
    // ----

    /** Four bits: n - 8. */
    static void unpack(MemorySegment w, long plane, long stream, int blocks, int[] tile) {
        ShortVector bias = ShortVector.broadcast(S, (short) 8);
        for (int i = 0; i < blocks * INTS * VECTORS; i++) {
            // Vector v of int i goes to the four pairs of int i.
            int to = (i / VECTORS) * SHIFTS * ROWS + i % VECTORS * L;
            IntVector n = IntVector.fromMemorySegment(
                    I, w, plane + i % VECTORS * stream + i / VECTORS * (long) VECTOR_BYTES, LE);
            n.and(PAIR).reinterpretAsShorts().sub(bias).reinterpretAsInts().intoArray(tile, to);
            n.lanewise(LSHR, 4)
                    .and(PAIR)
                    .reinterpretAsShorts()
                    .sub(bias)
                    .reinterpretAsInts()
                    .intoArray(tile, to + ROWS);
            n.lanewise(LSHR, 8)
                    .and(PAIR)
                    .reinterpretAsShorts()
                    .sub(bias)
                    .reinterpretAsInts()
                    .intoArray(tile, to + 2 * ROWS);
            n.lanewise(LSHR, 12)
                    .and(PAIR)
                    .reinterpretAsShorts()
                    .sub(bias)
                    .reinterpretAsInts()
                    .intoArray(tile, to + 3 * ROWS);
        }
    }

    /** Five or six bits: n + 16·h - bias. */
    static void unpackHigh(
            MemorySegment w, long low, long high, long stream, int bits, int blocks, short bias, int[] tile) {
        int within = 4 / bits - 1;
        int log = 3 - bits;
        IntVector mask = IntVector.broadcast(I, 0x00010001 * ((1 << bits) - 1));
        for (int i = 0; i < blocks * INTS * VECTORS; i++) {
            int word = i / VECTORS;
            int v = i % VECTORS;
            int to = word * SHIFTS * ROWS + v * L;
            IntVector n = IntVector.fromMemorySegment(I, w, low + v * stream + word * (long) VECTOR_BYTES, LE);
            IntVector h = IntVector.fromMemorySegment(
                            I, w, high + v * stream + (word >> log) * (long) VECTOR_BYTES, LE)
                    .lanewise(LSHR, (word & within) * bits);
            for (int k = 0; k < SHIFTS; k++) {
                n.and(PAIR)
                        .or(h.and(mask).lanewise(LSHL, 4))
                        .reinterpretAsShorts()
                        .sub(bias)
                        .reinterpretAsInts()
                        .intoArray(tile, to + k * ROWS);
                n = n.lanewise(LSHR, 4);
                h = h.lanewise(LSHR, 4);
            }
        }
    }

    /** products[part][vector][4 tokens][lanes] = Σ c·q over {@code pairs} of columns each, in two shorts. */
    static void products4(int[] tile, int parts, int pairs, Activations x, int at, int[] products) {
        for (int part = 0; part < parts; part++) {
            for (int v = 0; v < VECTORS; v += 2) {
                productsOfPart(
                        tile,
                        part * pairs * ROWS + v * L,
                        pairs,
                        x.values,
                        at + part * pairs,
                        x.stride / 2,
                        products,
                        (part * VECTORS + v) * TOKENS * L);
            }
        }
    }

    private static void productsOfPart(
            int[] tile, int from, int pairs, int[] values, int x0, int stride, int[] products, int to) {
        int x1 = x0 + stride;
        int x2 = x1 + stride;
        int x3 = x2 + stride;
        ShortVector zero = ShortVector.zero(S);
        ShortVector s00 = zero;
        ShortVector s10 = zero;
        ShortVector s01 = zero;
        ShortVector s11 = zero;
        ShortVector s02 = zero;
        ShortVector s12 = zero;
        ShortVector s03 = zero;
        ShortVector s13 = zero;
        for (int k = 0; k < pairs; k++) {
            ShortVector c0 = IntVector.fromArray(I, tile, from + k * ROWS).reinterpretAsShorts();
            ShortVector c1 = IntVector.fromArray(I, tile, from + k * ROWS + L).reinterpretAsShorts();
            ShortVector q = IntVector.broadcast(I, values[x0 + k]).reinterpretAsShorts();
            s00 = s00.add(c0.mul(q));
            s10 = s10.add(c1.mul(q));
            q = IntVector.broadcast(I, values[x1 + k]).reinterpretAsShorts();
            s01 = s01.add(c0.mul(q));
            s11 = s11.add(c1.mul(q));
            q = IntVector.broadcast(I, values[x2 + k]).reinterpretAsShorts();
            s02 = s02.add(c0.mul(q));
            s12 = s12.add(c1.mul(q));
            q = IntVector.broadcast(I, values[x3 + k]).reinterpretAsShorts();
            s03 = s03.add(c0.mul(q));
            s13 = s13.add(c1.mul(q));
        }
        s00.reinterpretAsInts().intoArray(products, to);
        s01.reinterpretAsInts().intoArray(products, to + L);
        s02.reinterpretAsInts().intoArray(products, to + 2 * L);
        s03.reinterpretAsInts().intoArray(products, to + 3 * L);
        s10.reinterpretAsInts().intoArray(products, to + 4 * L);
        s11.reinterpretAsInts().intoArray(products, to + 5 * L);
        s12.reinterpretAsInts().intoArray(products, to + 6 * L);
        s13.reinterpretAsInts().intoArray(products, to + 7 * L);
    }

    // ---- Integer sums to floats; the order of operations is that of one token's loops above. ----

    /** {@link #combineMinima} of sums and of a decoded header; bias is 8 or 16. */
    static void combineMinima(
            int[] sums, float bias, Activations x, int at, float[] header, float[] factors, float[] y, int to) {
        float[] scales = x.scales;
        float[] blockSums = x.sums;
        for (int v = 0; v < ROWS; v += L) {
            FloatVector a = FloatVector.zero(F);
            FloatVector m = a;
            for (int b = 0; b < 8; b++) {
                FloatVector sum = FloatVector.broadcast(F, blockSums[at + b]);
                a = ((FloatVector) IntVector.fromArray(I, sums, b * ROWS + v).convertShape(VectorOperators.I2F, F, 0))
                        .fma(FloatVector.broadcast(F, scales[at + b]), sum.mul(bias))
                        .fma(FloatVector.fromArray(F, header, b * RUN + v), a);
                m = sum.fma(FloatVector.fromArray(F, header, b * RUN + ROWS + v), m);
            }
            FloatVector sofar = a.fma(FloatVector.fromArray(F, factors, v), FloatVector.fromArray(F, y, to + v));
            m.fma(FloatVector.fromArray(F, factors, ROWS + v).neg(), sofar).intoArray(y, to + v);
        }
    }

    /**
     * {@link #combineMinima} of four tokens, from products and a decoded header.
     *
     * @param bias 8 or 16
     */
    static void combineMinima4(
            int[] products, float bias, Activations x, int at, float[] header, float[] factors, float[] y, int to) {
        float[] scales = x.scales;
        float[] blockSums = x.sums;
        int rowBlocks = x.stride / PanelMatrix.BLOCK;
        int at1 = at + rowBlocks;
        int at2 = at1 + rowBlocks;
        int at3 = at2 + rowBlocks;
        for (int v = 0; v < ROWS; v += L) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector m0 = FloatVector.zero(F);
            FloatVector a1 = FloatVector.zero(F);
            FloatVector m1 = FloatVector.zero(F);
            FloatVector a2 = FloatVector.zero(F);
            FloatVector m2 = FloatVector.zero(F);
            FloatVector a3 = FloatVector.zero(F);
            FloatVector m3 = FloatVector.zero(F);
            for (int b = 0; b < 8; b++) {
                int o = (b * VECTORS * L + v) * TOKENS;
                IntVector s0 = IntVector.fromArray(I, products, o);
                s0 = s0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s0.lanewise(ASHR, 16));
                IntVector s1 = IntVector.fromArray(I, products, o + L);
                s1 = s1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s1.lanewise(ASHR, 16));
                IntVector s2 = IntVector.fromArray(I, products, o + 2 * L);
                s2 = s2.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s2.lanewise(ASHR, 16));
                IntVector s3 = IntVector.fromArray(I, products, o + 3 * L);
                s3 = s3.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s3.lanewise(ASHR, 16));
                FloatVector scale = FloatVector.fromArray(F, header, b * RUN + v);
                FloatVector min = FloatVector.fromArray(F, header, b * RUN + ROWS + v);
                FloatVector sum0 = FloatVector.broadcast(F, blockSums[at + b]);
                a0 = ((FloatVector) s0.convertShape(VectorOperators.I2F, F, 0))
                        .fma(FloatVector.broadcast(F, scales[at + b]), sum0.mul(bias))
                        .fma(scale, a0);
                m0 = sum0.fma(min, m0);
                FloatVector sum1 = FloatVector.broadcast(F, blockSums[at1 + b]);
                a1 = ((FloatVector) s1.convertShape(VectorOperators.I2F, F, 0))
                        .fma(FloatVector.broadcast(F, scales[at1 + b]), sum1.mul(bias))
                        .fma(scale, a1);
                m1 = sum1.fma(min, m1);
                FloatVector sum2 = FloatVector.broadcast(F, blockSums[at2 + b]);
                a2 = ((FloatVector) s2.convertShape(VectorOperators.I2F, F, 0))
                        .fma(FloatVector.broadcast(F, scales[at2 + b]), sum2.mul(bias))
                        .fma(scale, a2);
                m2 = sum2.fma(min, m2);
                FloatVector sum3 = FloatVector.broadcast(F, blockSums[at3 + b]);
                a3 = ((FloatVector) s3.convertShape(VectorOperators.I2F, F, 0))
                        .fma(FloatVector.broadcast(F, scales[at3 + b]), sum3.mul(bias))
                        .fma(scale, a3);
                m3 = sum3.fma(min, m3);
            }
            FloatVector d = FloatVector.fromArray(F, factors, v);
            FloatVector dmin = FloatVector.fromArray(F, factors, ROWS + v).neg();
            m0.fma(dmin, a0.fma(d, FloatVector.fromArray(F, y, to + v))).intoArray(y, to + v);
            m1.fma(dmin, a1.fma(d, FloatVector.fromArray(F, y, to + ROWS + v))).intoArray(y, to + ROWS + v);
            m2.fma(dmin, a2.fma(d, FloatVector.fromArray(F, y, to + 2 * ROWS + v)))
                    .intoArray(y, to + 2 * ROWS + v);
            m3.fma(dmin, a3.fma(d, FloatVector.fromArray(F, y, to + 3 * ROWS + v)))
                    .intoArray(y, to + 3 * ROWS + v);
        }
    }

    /** Q6_K: four tokens' y[rows] += d·Σ scale·(scale(x)·s) over the unit's 16 half blocks. */
    static void combineSixBits4(
            int[] products, Activations x, int at, float[] header, float[] factors, float[] y, int to) {
        float[] scales = x.scales;
        int rowBlocks = x.stride / PanelMatrix.BLOCK;
        int at1 = at + rowBlocks;
        int at2 = at1 + rowBlocks;
        int at3 = at2 + rowBlocks;
        for (int v = 0; v < ROWS; v += L) {
            FloatVector a0 = FloatVector.zero(F);
            FloatVector a1 = FloatVector.zero(F);
            FloatVector a2 = FloatVector.zero(F);
            FloatVector a3 = FloatVector.zero(F);
            for (int half = 0; half < 16; half++) {
                int o = (half * VECTORS * L + v) * TOKENS;
                IntVector s0 = IntVector.fromArray(I, products, o);
                s0 = s0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s0.lanewise(ASHR, 16));
                IntVector s1 = IntVector.fromArray(I, products, o + L);
                s1 = s1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s1.lanewise(ASHR, 16));
                IntVector s2 = IntVector.fromArray(I, products, o + 2 * L);
                s2 = s2.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s2.lanewise(ASHR, 16));
                IntVector s3 = IntVector.fromArray(I, products, o + 3 * L);
                s3 = s3.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s3.lanewise(ASHR, 16));
                FloatVector scale = FloatVector.fromArray(F, header, half * RUN + v);
                a0 = ((FloatVector) s0.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at + (half >> 1)]))
                        .fma(scale, a0);
                a1 = ((FloatVector) s1.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at1 + (half >> 1)]))
                        .fma(scale, a1);
                a2 = ((FloatVector) s2.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at2 + (half >> 1)]))
                        .fma(scale, a2);
                a3 = ((FloatVector) s3.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at3 + (half >> 1)]))
                        .fma(scale, a3);
            }
            FloatVector d = FloatVector.fromArray(F, factors, v);
            a0.fma(d, FloatVector.fromArray(F, y, to + v)).intoArray(y, to + v);
            a1.fma(d, FloatVector.fromArray(F, y, to + ROWS + v)).intoArray(y, to + ROWS + v);
            a2.fma(d, FloatVector.fromArray(F, y, to + 2 * ROWS + v)).intoArray(y, to + 2 * ROWS + v);
            a3.fma(d, FloatVector.fromArray(F, y, to + 3 * ROWS + v)).intoArray(y, to + 3 * ROWS + v);
        }
    }

    /**
     * {@link #combineNibbles} and {@link #combinePlanes} of four tokens.
     *
     * @param high products of the high nibbles of eight bits, whose sums are low + 16·high + 8·Σq; null for other types
     */
    static void combine4(
            int[] products,
            int[] high,
            int blocks,
            boolean centred,
            Activations x,
            int at,
            float[] header,
            float[] y,
            int to) {
        float[] scales = x.scales;
        float[] blockSums = x.sums;
        int[] starts = x.starts;
        int rowBlocks = x.stride / PanelMatrix.BLOCK;
        int at1 = at + rowBlocks;
        int at2 = at1 + rowBlocks;
        int at3 = at2 + rowBlocks;
        for (int v = 0; v < ROWS; v += L) {
            FloatVector a0 = FloatVector.fromArray(F, y, to + v);
            FloatVector a1 = FloatVector.fromArray(F, y, to + ROWS + v);
            FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * ROWS + v);
            FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * ROWS + v);
            for (int b = 0; b < blocks; b++) {
                int o = (b * VECTORS * L + v) * TOKENS;
                IntVector s0 = IntVector.fromArray(I, products, o);
                s0 = s0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s0.lanewise(ASHR, 16));
                IntVector s1 = IntVector.fromArray(I, products, o + L);
                s1 = s1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s1.lanewise(ASHR, 16));
                IntVector s2 = IntVector.fromArray(I, products, o + 2 * L);
                s2 = s2.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s2.lanewise(ASHR, 16));
                IntVector s3 = IntVector.fromArray(I, products, o + 3 * L);
                s3 = s3.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s3.lanewise(ASHR, 16));
                if (high != null) {
                    IntVector h0 = IntVector.fromArray(I, high, o);
                    s0 = s0.add(h0.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(h0.lanewise(ASHR, 16))
                            .lanewise(LSHL, 4));
                    IntVector h1 = IntVector.fromArray(I, high, o + L);
                    s1 = s1.add(h1.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(h1.lanewise(ASHR, 16))
                            .lanewise(LSHL, 4));
                    IntVector h2 = IntVector.fromArray(I, high, o + 2 * L);
                    s2 = s2.add(h2.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(h2.lanewise(ASHR, 16))
                            .lanewise(LSHL, 4));
                    IntVector h3 = IntVector.fromArray(I, high, o + 3 * L);
                    s3 = s3.add(h3.lanewise(LSHL, 16)
                            .lanewise(ASHR, 16)
                            .add(h3.lanewise(ASHR, 16))
                            .lanewise(LSHL, 4));
                    s0 = s0.sub(starts[at + b] >> 16);
                    s1 = s1.sub(starts[at1 + b] >> 16);
                    s2 = s2.sub(starts[at2 + b] >> 16);
                    s3 = s3.sub(starts[at3 + b] >> 16);
                }
                FloatVector scale = FloatVector.fromArray(F, header, b * RUN + v);
                a0 = ((FloatVector) s0.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at + b]))
                        .fma(scale, a0);
                a1 = ((FloatVector) s1.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at1 + b]))
                        .fma(scale, a1);
                a2 = ((FloatVector) s2.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at2 + b]))
                        .fma(scale, a2);
                a3 = ((FloatVector) s3.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, scales[at3 + b]))
                        .fma(scale, a3);
                if (centred) {
                    FloatVector centre = FloatVector.fromArray(F, header, b * RUN + ROWS + v);
                    a0 = FloatVector.broadcast(F, blockSums[at + b]).fma(centre, a0);
                    a1 = FloatVector.broadcast(F, blockSums[at1 + b]).fma(centre, a1);
                    a2 = FloatVector.broadcast(F, blockSums[at2 + b]).fma(centre, a2);
                    a3 = FloatVector.broadcast(F, blockSums[at3 + b]).fma(centre, a3);
                }
            }
            a0.intoArray(y, to + v);
            a1.intoArray(y, to + ROWS + v);
            a2.intoArray(y, to + 2 * ROWS + v);
            a3.intoArray(y, to + 3 * ROWS + v);
        }
    }
}
