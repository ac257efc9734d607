package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The loops of {@link PanelMatrix}, whose Javadoc gives the arithmetic and the layout. Generic in the vector's length. */
final class VectorPanels {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> S = ShortVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final int ROWS = PanelMatrix.PANEL_ROWS;
    private static final int BLOCK = PanelMatrix.BLOCK;
    private static final int FLOATS = F.length();

    /** Shorts in a vector: a panel's 32 rows are 32 / SHORT_LANES vectors. */
    static final int SHORT_LANES = S.length();

    private static final int SHORT_BYTES = S.vectorByteSize();
    private static final int LANES_BYTES = PanelMatrix.LANES_BYTES;
    private static final int QUADS = PanelMatrix.QUADS;

    /** What a run of columns with one scale has in a decoded header: 32 scales, 32 centres. */
    private static final int RUN = 2 * ROWS;

    private VectorPanels() {}

    /** Halves at even and odd lanes of {@code v} as floats times 2^-112: the exponent's bias is corrected by the caller. */
    private static final float HALF_TO_FLOAT = 0x1p112f;

    /** Keeps a half's sign at the top and its exponent and mantissa where a float has them. */
    private static final int HALF_MASK = 0x8fffe000;

    /** out[0..32) = the 32 halves at {@code at}, which stand in lane order, in row order. Exact; infinities become 65536. */
    private static void halves(MemorySegment w, long at, float[] out, int to) {
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            IntVector pairs =
                    ShortVector.fromMemorySegment(S, w, at + v * 2L, LE).reinterpretAsInts();
            pairs.lanewise(VectorOperators.LSHL, 16)
                    .lanewise(VectorOperators.ASHR, 3)
                    .and(HALF_MASK)
                    .reinterpretAsFloats()
                    .mul(HALF_TO_FLOAT)
                    .intoArray(out, to + v);
            pairs.and(0xffff0000)
                    .lanewise(VectorOperators.ASHR, 3)
                    .and(HALF_MASK)
                    .reinterpretAsFloats()
                    .mul(HALF_TO_FLOAT)
                    .intoArray(out, to + v + FLOATS);
        }
    }

    /** A scale for each block and no centre: w = d·c. */
    static void headerScales(MemorySegment w, long at, int blocks, float[] header) {
        for (int b = 0; b < blocks; b++) {
            halves(w, at + (long) b * LANES_BYTES, header, b * RUN);
        }
    }

    /** w = d·u + m = d·(u - bias) + (bias·d + m) for an unsigned u. */
    static void headerOffsets(MemorySegment w, long at, int blocks, float bias, float[] header) {
        for (int b = 0; b < blocks; b++) {
            int scale = b * RUN;
            int centre = scale + ROWS;
            halves(w, at + 2L * b * LANES_BYTES, header, scale);
            halves(w, at + (2L * b + 1) * LANES_BYTES, header, centre);
            for (int r = 0; r < ROWS; r++) {
                header[centre + r] = Math.fma(bias, header[scale + r], header[centre + r]);
            }
        }
    }

    /** w = d·scale·u - dmin·min = d·scale·(u - bias) + (bias·d·scale - dmin·min); both products are exact. */
    static void headerMinima(MemorySegment w, long at, float bias, float[] factors, float[] header) {
        halves(w, at + 4 * ROWS * 4, factors, 0);
        halves(w, at + 4 * ROWS * 4 + LANES_BYTES, factors, ROWS);
        for (int r = 0; r < ROWS; r += FLOATS) {
            FloatVector d = FloatVector.fromArray(F, factors, r);
            FloatVector dmin = FloatVector.fromArray(F, factors, ROWS + r).neg();
            for (int g = 0; g < 2; g++) {
                IntVector scales = IntVector.fromMemorySegment(I, w, at + (g * ROWS + r) * 4L, LE);
                IntVector minima = IntVector.fromMemorySegment(I, w, at + ((2 + g) * ROWS + r) * 4L, LE);
                int to = g * 4 * RUN + r;
                FloatVector scale = ((FloatVector) scales.and(0xff).convertShape(VectorOperators.I2F, F, 0)).mul(d);
                FloatVector min = (FloatVector) minima.and(0xff).convertShape(VectorOperators.I2F, F, 0);
                scale.intoArray(header, to);
                min.fma(dmin, scale.mul(bias)).intoArray(header, to + ROWS);
                scale = ((FloatVector) scales.lanewise(VectorOperators.LSHR, 8)
                                .and(0xff)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(d);
                min = (FloatVector)
                        minima.lanewise(VectorOperators.LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0);
                scale.intoArray(header, to + RUN);
                min.fma(dmin, scale.mul(bias)).intoArray(header, to + RUN + ROWS);
                scale = ((FloatVector) scales.lanewise(VectorOperators.LSHR, 16)
                                .and(0xff)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(d);
                min = (FloatVector)
                        minima.lanewise(VectorOperators.LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0);
                scale.intoArray(header, to + 2 * RUN);
                min.fma(dmin, scale.mul(bias)).intoArray(header, to + 2 * RUN + ROWS);
                scale = ((FloatVector)
                                scales.lanewise(VectorOperators.LSHR, 24).convertShape(VectorOperators.I2F, F, 0))
                        .mul(d);
                min = (FloatVector) minima.lanewise(VectorOperators.LSHR, 24).convertShape(VectorOperators.I2F, F, 0);
                scale.intoArray(header, to + 3 * RUN);
                min.fma(dmin, scale.mul(bias)).intoArray(header, to + 3 * RUN + ROWS);
            }
        }
    }

    /** w = d·scale·c with 16 signed scales. */
    static void headerQ6K(MemorySegment w, long at, float[] factors, float[] header) {
        halves(w, at + 4 * ROWS * 4, factors, 0);
        for (int r = 0; r < ROWS; r += FLOATS) {
            FloatVector d = FloatVector.fromArray(F, factors, r);
            for (int g = 0; g < 4; g++) {
                IntVector scales = IntVector.fromMemorySegment(I, w, at + (g * ROWS + r) * 4L, LE);
                int to = g * 4 * RUN + r;
                ((FloatVector) scales.lanewise(VectorOperators.LSHL, 24)
                                .lanewise(VectorOperators.ASHR, 24)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(d)
                        .intoArray(header, to);
                ((FloatVector) scales.lanewise(VectorOperators.LSHL, 16)
                                .lanewise(VectorOperators.ASHR, 24)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(d)
                        .intoArray(header, to + RUN);
                ((FloatVector) scales.lanewise(VectorOperators.LSHL, 8)
                                .lanewise(VectorOperators.ASHR, 24)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(d)
                        .intoArray(header, to + 2 * RUN);
                ((FloatVector) scales.lanewise(VectorOperators.ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                        .mul(d)
                        .intoArray(header, to + 3 * RUN);
            }
        }
    }

    // ---- One token: y[to + r] += the unit's part of row r. at is the unit's first column in x. ----

    /** Four bits. */
    static void nibbles(
            MemorySegment w,
            long unit,
            int blocks,
            boolean centred,
            Activations x,
            int at,
            short[] products,
            float[] header,
            float[] y,
            int to) {
        // Where one vector is the whole panel, a pair's second would lie beyond it: it repeats the first.
        int second = SHORT_LANES == ROWS ? 0 : SHORT_LANES;
        for (int v = 0; v < ROWS; v += SHORT_LANES + second) {
            nibbleProducts(w, unit + v * 2L, second * 2L, blocks, x.multipliers, x.starts, at, products, v, second);
            combineOne(products, v, ROWS, blocks, centred, x.scales, x.sums, at / BLOCK, header, v, y, to + v);
            if (second > 0) {
                int u = v + second;
                combineOne(products, u, ROWS, blocks, centred, x.scales, x.sums, at / BLOCK, header, u, y, to + u);
            }
        }
    }

    /** products[block][32 lanes] = Σ(n - 8)·q of two vectors of rows. */
    private static void nibbleProducts(
            MemorySegment w,
            long from,
            long secondBytes,
            int blocks,
            int[] multipliers,
            int[] starts,
            int at,
            short[] products,
            int to,
            int second) {
        for (int b = 0; b < blocks; b++) {
            ShortVector s = IntVector.broadcast(I, starts[at / BLOCK + b]).reinterpretAsShorts();
            ShortVector t = s;
            for (int q = 0; q < QUADS; q++) {
                long o = from + (b * QUADS + q) * (long) LANES_BYTES;
                int k = at + (b * QUADS + q) * 4;
                ShortVector n = ShortVector.fromMemorySegment(S, w, o, LE);
                ShortVector m = ShortVector.fromMemorySegment(S, w, o + secondBytes, LE);
                ShortVector c = IntVector.broadcast(I, multipliers[k]).reinterpretAsShorts();
                s = s.add(n.mul(c));
                t = t.add(m.mul(c));
                c = IntVector.broadcast(I, multipliers[k + 1]).reinterpretAsShorts();
                s = s.add(n.lanewise(VectorOperators.LSHR, 4).mul(c));
                t = t.add(m.lanewise(VectorOperators.LSHR, 4).mul(c));
                c = IntVector.broadcast(I, multipliers[k + 2]).reinterpretAsShorts();
                s = s.add(n.lanewise(VectorOperators.LSHR, 8).mul(c));
                t = t.add(m.lanewise(VectorOperators.LSHR, 8).mul(c));
                c = IntVector.broadcast(I, multipliers[k + 3]).reinterpretAsShorts();
                s = s.add(n.lanewise(VectorOperators.LSHR, 12).mul(c));
                t = t.add(m.lanewise(VectorOperators.LSHR, 12).mul(c));
            }
            s.intoArray(products, b * ROWS + to);
            t.intoArray(products, b * ROWS + to + second);
        }
    }

    /** Five bits: s = Σ(n - 8)·q + 16·Σh·q - 8·Σq. */
    static void fiveBits(
            MemorySegment w,
            long low,
            long high,
            int blocks,
            boolean centred,
            Activations x,
            int at,
            float[] header,
            float[] y,
            int to) {
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            for (int b = 0; b < blocks; b++) {
                long l = low + (long) b * QUADS * LANES_BYTES + v * 2L;
                long h = high + (long) b * 2 * LANES_BYTES + v * 2L;
                int block = at / BLOCK + b;
                int extra = -8 * (x.halfSums[2 * block] + x.halfSums[2 * block + 1]);
                int run = b * RUN + v;
                planes(w, l, h, QUADS, 1, x, at + b * BLOCK, x.starts[block], 0, extra, header, run, y, to + v);
                if (centred) {
                    addCentre(x.sums[block], header, run + ROWS, y, to + v);
                }
            }
        }
    }

    private static void addCentre(float sum, float[] header, int h, float[] y, int to) {
        FloatVector s = FloatVector.broadcast(F, sum);
        s.fma(FloatVector.fromArray(F, header, h), FloatVector.fromArray(F, y, to))
                .intoArray(y, to);
        s.fma(FloatVector.fromArray(F, header, h + FLOATS), FloatVector.fromArray(F, y, to + FLOATS))
                .intoArray(y, to + FLOATS);
    }

    /** Six bits: s = Σn·q + 16·Σh·q - 32·Σq over each 16 columns; Σn·q is at most 15·127·16 = 30,480. */
    static void sixBits(
            MemorySegment w,
            long low,
            long high,
            int blocks,
            Activations x,
            int at,
            float[] header,
            float[] y,
            int to) {
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            for (int i = 0; i < 2 * blocks; i++) {
                long l = low + (long) i * (QUADS / 2) * LANES_BYTES + v * 2L;
                long h = high + (long) i * 2 * LANES_BYTES + v * 2L;
                int extra = -32 * x.halfSums[at / (BLOCK / 2) + i];
                planes(w, l, h, QUADS / 2, 2, x, at + i * (BLOCK / 2), 0, 0, extra, header, i * RUN + v, y, to + v);
            }
        }
    }

    /** Eight bits: s = Σ(n - 8)·q + 16·Σ(h - 8)·q + 8·Σq. */
    static void eightBits(
            MemorySegment w,
            long low,
            long high,
            int blocks,
            Activations x,
            int at,
            float[] header,
            float[] y,
            int to) {
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            for (int b = 0; b < blocks; b++) {
                long l = low + (long) b * QUADS * LANES_BYTES + v * 2L;
                long h = high + (long) b * QUADS * LANES_BYTES + v * 2L;
                int block = at / BLOCK + b;
                int start = x.starts[block];
                int extra = 8 * (x.halfSums[2 * block] + x.halfSums[2 * block + 1]);
                planes(w, l, h, QUADS, 4, x, at + b * BLOCK, start, start, extra, header, b * RUN + v, y, to + v);
            }
        }
    }

    /**
     * One vector of rows and one run of columns with one scale: y += ((low sum + 16·high sum + extra)·scale(x))·scale(w).
     *
     * @param quads of columns in the run
     * @param bits of a weight in the high plane, where 4 / bits quads share a short
     * @param lowStart where the modular sum of low nibbles starts, doubled; likewise highStart
     */
    private static void planes(
            MemorySegment w,
            long low,
            long high,
            int quads,
            int bits,
            Activations x,
            int at,
            int lowStart,
            int highStart,
            int extra,
            float[] header,
            int h,
            float[] y,
            int to) {
        int[] multipliers = x.multipliers;
        // 4 / bits quads share a short: 4, 2 or 1.
        int sharing = bits == 1 ? 2 : bits == 2 ? 1 : 0;
        int within = (1 << sharing) - 1;
        ShortVector mask = ShortVector.broadcast(S, (short) (0x1111 * ((1 << bits) - 1)));
        ShortVector s = IntVector.broadcast(I, lowStart).reinterpretAsShorts();
        ShortVector t = IntVector.broadcast(I, highStart).reinterpretAsShorts();
        for (int q = 0; q < quads; q++) {
            int k = at + q * 4;
            ShortVector n = ShortVector.fromMemorySegment(S, w, low + q * (long) LANES_BYTES, LE);
            ShortVector m = ShortVector.fromMemorySegment(S, w, high + (q >> sharing) * (long) LANES_BYTES, LE)
                    .lanewise(VectorOperators.LSHR, (q & within) * bits)
                    .and(mask);
            ShortVector b = IntVector.broadcast(I, multipliers[k]).reinterpretAsShorts();
            s = s.add(n.mul(b));
            t = t.add(m.mul(b));
            b = IntVector.broadcast(I, multipliers[k + 1]).reinterpretAsShorts();
            s = s.add(n.lanewise(VectorOperators.LSHR, 4).mul(b));
            t = t.add(m.lanewise(VectorOperators.LSHR, 4).mul(b));
            b = IntVector.broadcast(I, multipliers[k + 2]).reinterpretAsShorts();
            s = s.add(n.lanewise(VectorOperators.LSHR, 8).mul(b));
            t = t.add(m.lanewise(VectorOperators.LSHR, 8).mul(b));
            b = IntVector.broadcast(I, multipliers[k + 3]).reinterpretAsShorts();
            s = s.add(n.lanewise(VectorOperators.LSHR, 12).mul(b));
            t = t.add(m.lanewise(VectorOperators.LSHR, 12).mul(b));
        }
        FloatVector scale = FloatVector.broadcast(F, x.scales[at / BLOCK]);
        IntVector i = s.reinterpretAsInts();
        IntVector j = t.reinterpretAsInts();
        // Shifting right by 12 instead of 16 multiplies by 16; where lower bits come along they are masked.
        IntVector even = i.lanewise(VectorOperators.LSHL, 16)
                .lanewise(VectorOperators.ASHR, 16)
                .add(j.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 12))
                .add(extra);
        IntVector odd = i.lanewise(VectorOperators.ASHR, 16)
                .add(j.lanewise(VectorOperators.ASHR, 12).and(-16))
                .add(extra);
        ((FloatVector) even.convertShape(VectorOperators.I2F, F, 0))
                .mul(scale)
                .fma(FloatVector.fromArray(F, header, h), FloatVector.fromArray(F, y, to))
                .intoArray(y, to);
        ((FloatVector) odd.convertShape(VectorOperators.I2F, F, 0))
                .mul(scale)
                .fma(FloatVector.fromArray(F, header, h + FLOATS), FloatVector.fromArray(F, y, to + FLOATS))
                .intoArray(y, to + FLOATS);
    }

    // ---- Many tokens: a unit unpacked to a tile [column][32 lanes] of centred integers, four tokens at a time. ----

    /** Four bits: n - 8. */
    static void unpack(MemorySegment w, long unit, int quads, short[] tile) {
        for (int i = 0; i < quads * (ROWS / SHORT_LANES); i++) {
            int to = i / (ROWS / SHORT_LANES) * 4 * ROWS + i % (ROWS / SHORT_LANES) * SHORT_LANES;
            ShortVector s = ShortVector.fromMemorySegment(S, w, unit + i * (long) SHORT_BYTES, LE);
            s.and((short) 15).sub((short) 8).intoArray(tile, to);
            s.lanewise(VectorOperators.LSHR, 4).and((short) 15).sub((short) 8).intoArray(tile, to + ROWS);
            s.lanewise(VectorOperators.LSHR, 8).and((short) 15).sub((short) 8).intoArray(tile, to + 2 * ROWS);
            s.lanewise(VectorOperators.LSHR, 12).sub((short) 8).intoArray(tile, to + 3 * ROWS);
        }
    }

    /** Five or six bits: n + 16·h - bias. */
    static void unpackHigh(MemorySegment w, long low, long high, int quads, int bits, int bias, short[] tile) {
        short mask = (short) ((1 << bits) - 1);
        int perShort = 4 / bits;
        for (int i = 0; i < quads * (ROWS / SHORT_LANES); i++) {
            int quad = i / (ROWS / SHORT_LANES);
            int v = i % (ROWS / SHORT_LANES) * SHORT_LANES;
            ShortVector n = ShortVector.fromMemorySegment(S, w, low + i * (long) SHORT_BYTES, LE);
            ShortVector h = ShortVector.fromMemorySegment(
                            S, w, high + (long) (quad / perShort) * LANES_BYTES + v * 2L, LE)
                    .lanewise(VectorOperators.LSHR, quad % perShort * bits);
            for (int k = 0; k < 4; k++) {
                n.and((short) 15)
                        .add(h.and(mask).lanewise(VectorOperators.LSHL, 4))
                        .sub((short) bias)
                        .intoArray(tile, (quad * 4 + k) * ROWS + v);
                n = n.lanewise(VectorOperators.LSHR, 4);
                h = h.lanewise(VectorOperators.LSHR, 4);
            }
        }
    }

    /** products[run][token][32 lanes] = Σ c·q over each run of {@code width} columns. */
    static void products4(short[] tile, int blocks, int width, Activations x, int at, short[] products) {
        // Where one vector is the whole panel, a pair's second would lie beyond it: it repeats the first.
        int second = SHORT_LANES == ROWS ? 0 : SHORT_LANES;
        int runs = blocks * BLOCK / width;
        for (int v = 0; v < ROWS; v += SHORT_LANES + second) {
            for (int r = 0; r < runs; r++) {
                int from = r * width;
                productsOfRun(tile, from * ROWS + v, second, width, x, at + from, products, r * 4 * ROWS + v);
            }
        }
    }

    private static void productsOfRun(
            short[] tile, int tileAt, int second, int width, Activations x, int x0, short[] products, int to) {
        int[] values = x.values;
        int x1 = x0 + x.stride;
        int x2 = x1 + x.stride;
        int x3 = x2 + x.stride;
        ShortVector zero = ShortVector.zero(S);
        ShortVector s00 = zero;
        ShortVector s10 = zero;
        ShortVector s01 = zero;
        ShortVector s11 = zero;
        ShortVector s02 = zero;
        ShortVector s12 = zero;
        ShortVector s03 = zero;
        ShortVector s13 = zero;
        for (int k = 0; k < width; k++) {
            ShortVector c0 = ShortVector.fromArray(S, tile, tileAt + k * ROWS);
            ShortVector c1 = ShortVector.fromArray(S, tile, tileAt + k * ROWS + second);
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
        s00.intoArray(products, to);
        s10.intoArray(products, to + second);
        s01.intoArray(products, to + ROWS);
        s11.intoArray(products, to + ROWS + second);
        s02.intoArray(products, to + 2 * ROWS);
        s12.intoArray(products, to + 2 * ROWS + second);
        s03.intoArray(products, to + 3 * ROWS);
        s13.intoArray(products, to + 3 * ROWS + second);
    }

    /**
     * Adds a unit's sums of products, scaled, to the results of four tokens at {@code y[to..]}.
     *
     * @param runs of products that make one scale's: 1 or 2
     * @param width columns that share a scale
     */
    static void combine4(
            short[] products,
            int runs,
            int blocks,
            int width,
            boolean centred,
            Activations x,
            int at,
            float[] header,
            float[] y,
            int to) {
        for (int t = 0; t < 4; t++) {
            for (int v = 0; v < ROWS; v += SHORT_LANES) {
                int from = t * ROWS + v;
                int xAt = at + t * x.stride;
                if (runs == 1) {
                    combineOne(
                            products,
                            from,
                            4 * ROWS,
                            blocks,
                            centred,
                            x.scales,
                            x.sums,
                            xAt / BLOCK,
                            header,
                            v,
                            y,
                            to + from);
                } else {
                    int scales = blocks * BLOCK / width;
                    combineTwo(products, from, scales, width, centred, x, xAt, header, v, y, to + from);
                }
            }
        }
    }

    /** Sums of block b stand at {@code products[from + b·stride]}. */
    private static void combineOne(
            short[] products,
            int from,
            int stride,
            int blocks,
            boolean centred,
            float[] scales,
            float[] sums,
            int block0,
            float[] header,
            int h0,
            float[] y,
            int to) {
        FloatVector even = FloatVector.fromArray(F, y, to);
        FloatVector odd = FloatVector.fromArray(F, y, to + FLOATS);
        for (int b = 0; b < blocks; b++) {
            IntVector s = ShortVector.fromArray(S, products, from + b * stride).reinterpretAsInts();
            FloatVector scale = FloatVector.broadcast(F, scales[block0 + b]);
            int h = b * RUN + h0;
            even = ((FloatVector) s.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h), even);
            odd = ((FloatVector) s.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + FLOATS), odd);
            if (centred) {
                FloatVector sum = FloatVector.broadcast(F, sums[block0 + b]);
                even = sum.fma(FloatVector.fromArray(F, header, h + ROWS), even);
                odd = sum.fma(FloatVector.fromArray(F, header, h + ROWS + FLOATS), odd);
            }
        }
        even.intoArray(y, to);
        odd.intoArray(y, to + FLOATS);
    }

    private static void combineTwo(
            short[] products,
            int from,
            int scales,
            int width,
            boolean centred,
            Activations x,
            int at,
            float[] header,
            int h0,
            float[] y,
            int to) {
        FloatVector even = FloatVector.fromArray(F, y, to);
        FloatVector odd = FloatVector.fromArray(F, y, to + FLOATS);
        for (int i = 0; i < scales; i++) {
            int block = (at + i * width) / BLOCK;
            IntVector s =
                    ShortVector.fromArray(S, products, from + 2 * i * 4 * ROWS).reinterpretAsInts();
            IntVector t = ShortVector.fromArray(S, products, from + (2 * i + 1) * 4 * ROWS)
                    .reinterpretAsInts();
            FloatVector scale = FloatVector.broadcast(F, x.scales[block]);
            int h = i * RUN + h0;
            even = ((FloatVector) s.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .add(t.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16))
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h), even);
            odd = ((FloatVector) s.lanewise(VectorOperators.ASHR, 16)
                            .add(t.lanewise(VectorOperators.ASHR, 16))
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + FLOATS), odd);
            if (centred) {
                FloatVector sum = FloatVector.broadcast(F, x.sums[block]);
                even = sum.fma(FloatVector.fromArray(F, header, h + ROWS), even);
                odd = sum.fma(FloatVector.fromArray(F, header, h + ROWS + FLOATS), odd);
            }
        }
        even.intoArray(y, to);
        odd.intoArray(y, to + FLOATS);
    }

    /** {@link #combine4} of eight bits, whose sums are low + 16·high + 8·Σq. */
    static void combine4Bytes(
            short[] low, short[] high, int blocks, Activations x, int at, float[] header, float[] y, int to) {
        for (int t = 0; t < 4; t++) {
            for (int v = 0; v < ROWS; v += SHORT_LANES) {
                int from = t * ROWS + v;
                combineBytes(low, high, from, blocks, x, (at + t * x.stride) / BLOCK, header, v, y, to + from);
            }
        }
    }

    private static void combineBytes(
            short[] low,
            short[] high,
            int from,
            int blocks,
            Activations x,
            int block0,
            float[] header,
            int h0,
            float[] y,
            int to) {
        FloatVector even = FloatVector.fromArray(F, y, to);
        FloatVector odd = FloatVector.fromArray(F, y, to + FLOATS);
        for (int b = 0; b < blocks; b++) {
            int block = block0 + b;
            int extra = 8 * (x.halfSums[2 * block] + x.halfSums[2 * block + 1]);
            IntVector s = ShortVector.fromArray(S, low, from + b * 4 * ROWS).reinterpretAsInts();
            IntVector t = ShortVector.fromArray(S, high, from + b * 4 * ROWS).reinterpretAsInts();
            FloatVector scale = FloatVector.broadcast(F, x.scales[block]);
            int h = b * RUN + h0;
            even = ((FloatVector) s.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .add(t.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 12))
                            .add(extra)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h), even);
            odd = ((FloatVector) s.lanewise(VectorOperators.ASHR, 16)
                            .add(t.lanewise(VectorOperators.ASHR, 12).and(-16))
                            .add(extra)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + FLOATS), odd);
        }
        even.intoArray(y, to);
        odd.intoArray(y, to + FLOATS);
    }
}
