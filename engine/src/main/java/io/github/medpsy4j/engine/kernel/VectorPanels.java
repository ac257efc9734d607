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

    /** out[0..32) = the 32 halves at {@code at}, which stand in lane order, in row order. Exact for finite halves, the only ones that are packed. */
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

    /** Four bits: s = Σ(n - 8)·q. */
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
        for (int v = 0; v < ROWS; v += 2 * SHORT_LANES) {
            nibbleProducts(w, unit, v, blocks, QUADS, true, x.multipliers, x.starts, at, products);
        }
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            combineOne(products, v, ROWS, blocks, centred, x.scales, x.sums, at / BLOCK, header, v, y, to + v);
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
            short[] lows,
            short[] highs,
            float[] header,
            float[] y,
            int to) {
        for (int v = 0; v < ROWS; v += 2 * SHORT_LANES) {
            nibbleProducts(w, low, v, blocks, QUADS, true, x.multipliers, x.starts, at, lows);
            bitProducts(w, high, v, blocks, x.multipliers, at, highs);
        }
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            combinePlanes(lows, highs, v, ROWS, blocks, BLOCK, -8, centred, x, at, header, v, y, to + v);
        }
    }

    /** Six bits: s = Σn·q + 16·Σh·q - 32·Σq over each 16 columns; Σn·q is at most 15·127·16 = 30,480. */
    static void sixBits(
            MemorySegment w,
            long low,
            long high,
            int blocks,
            Activations x,
            int at,
            short[] lows,
            short[] highs,
            float[] header,
            float[] y,
            int to) {
        for (int v = 0; v < ROWS; v += 2 * SHORT_LANES) {
            nibbleProducts(w, low, v, 2 * blocks, QUADS / 2, false, x.multipliers, x.starts, at, lows);
            pairProducts(w, high, v, 2 * blocks, x.multipliers, at, highs);
        }
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            combinePlanes(lows, highs, v, ROWS, 2 * blocks, BLOCK / 2, -32, false, x, at, header, v, y, to + v);
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
            short[] lows,
            short[] highs,
            float[] header,
            float[] y,
            int to) {
        for (int v = 0; v < ROWS; v += 2 * SHORT_LANES) {
            nibbleProducts(w, low, v, blocks, QUADS, true, x.multipliers, x.starts, at, lows);
            nibbleProducts(w, high, v, blocks, QUADS, true, x.multipliers, x.starts, at, highs);
        }
        for (int v = 0; v < ROWS; v += SHORT_LANES) {
            combinePlanes(lows, highs, v, ROWS, blocks, BLOCK, 8, false, x, at, header, v, y, to + v);
        }
    }

    // Each of the following takes two vectors of rows, from lane v on. Where one vector is the whole panel, the second
    // would lie beyond it: it repeats the first.
    private static final int SECOND = SHORT_LANES == ROWS ? 0 : SHORT_LANES;

    /** products[run][32 lanes] = Σ n·q over runs of {@code quads}, or Σ(n - 8)·q over blocks where {@code centred}. */
    private static void nibbleProducts(
            MemorySegment w,
            long plane,
            int v,
            int runs,
            int quads,
            boolean centred,
            int[] multipliers,
            int[] starts,
            int at,
            short[] products) {
        long from = plane + v * 2L;
        for (int r = 0; r < runs; r++) {
            ShortVector s =
                    IntVector.broadcast(I, centred ? starts[at / BLOCK + r] : 0).reinterpretAsShorts();
            ShortVector t = s;
            for (int q = 0; q < quads; q++) {
                long o = from + (r * quads + q) * (long) LANES_BYTES;
                int k = at + (r * quads + q) * 4;
                ShortVector n = ShortVector.fromMemorySegment(S, w, o, LE);
                ShortVector m = ShortVector.fromMemorySegment(S, w, o + SECOND * 2L, LE);
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
            s.intoArray(products, r * ROWS + v);
            t.intoArray(products, r * ROWS + v + SECOND);
        }
    }

    /** products[block][32 lanes] = Σ h·q over single high bits, four quads to a short. */
    private static void bitProducts(
            MemorySegment w, long plane, int v, int blocks, int[] multipliers, int at, short[] products) {
        long from = plane + v * 2L;
        ShortVector mask = ShortVector.broadcast(S, (short) 0x1111);
        for (int b = 0; b < blocks; b++) {
            ShortVector s = ShortVector.zero(S);
            ShortVector t = s;
            for (int q = 0; q < QUADS; q++) {
                long o = from + (b * 2 + (q >> 2)) * (long) LANES_BYTES;
                int k = at + (b * QUADS + q) * 4;
                ShortVector n = ShortVector.fromMemorySegment(S, w, o, LE)
                        .lanewise(VectorOperators.LSHR, q & 3)
                        .and(mask);
                ShortVector m = ShortVector.fromMemorySegment(S, w, o + SECOND * 2L, LE)
                        .lanewise(VectorOperators.LSHR, q & 3)
                        .and(mask);
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
            s.intoArray(products, b * ROWS + v);
            t.intoArray(products, b * ROWS + v + SECOND);
        }
    }

    /** products[run][32 lanes] = Σ h·q over runs of 16 pairs of high bits, two quads to a short. */
    private static void pairProducts(
            MemorySegment w, long plane, int v, int runs, int[] multipliers, int at, short[] products) {
        long from = plane + v * 2L;
        ShortVector mask = ShortVector.broadcast(S, (short) 0x3333);
        for (int r = 0; r < runs; r++) {
            ShortVector s = ShortVector.zero(S);
            ShortVector t = s;
            for (int q = 0; q < QUADS / 2; q++) {
                long o = from + (r * 2 + (q >> 1)) * (long) LANES_BYTES;
                int k = at + (r * (QUADS / 2) + q) * 4;
                ShortVector n = ShortVector.fromMemorySegment(S, w, o, LE)
                        .lanewise(VectorOperators.LSHR, 2 * (q & 1))
                        .and(mask);
                ShortVector m = ShortVector.fromMemorySegment(S, w, o + SECOND * 2L, LE)
                        .lanewise(VectorOperators.LSHR, 2 * (q & 1))
                        .and(mask);
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
            s.intoArray(products, r * ROWS + v);
            t.intoArray(products, r * ROWS + v + SECOND);
        }
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
        int runs = blocks * BLOCK / width;
        for (int v = 0; v < ROWS; v += 2 * SHORT_LANES) {
            for (int r = 0; r < runs; r++) {
                int from = r * width;
                productsOfRun(tile, from * ROWS + v, width, x, at + from, products, r * 4 * ROWS + v);
            }
        }
    }

    private static void productsOfRun(
            short[] tile, int tileAt, int width, Activations x, int x0, short[] products, int to) {
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
            ShortVector c1 = ShortVector.fromArray(S, tile, tileAt + k * ROWS + SECOND);
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
        s10.intoArray(products, to + SECOND);
        s01.intoArray(products, to + ROWS);
        s11.intoArray(products, to + ROWS + SECOND);
        s02.intoArray(products, to + 2 * ROWS);
        s12.intoArray(products, to + 2 * ROWS + SECOND);
        s03.intoArray(products, to + 3 * ROWS);
        s13.intoArray(products, to + 3 * ROWS + SECOND);
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
                int xAt = at + t * x.stride;
                combinePlanes(low, high, from, 4 * ROWS, blocks, BLOCK, 8, false, x, xAt, header, v, y, to + from);
            }
        }
    }

    /**
     * One vector of rows: y += ((low + 16·high + extra·Σq)·scale(x))·scale(w) for each run of {@code width} columns,
     * whose sums stand at {@code [from + run·stride]}.
     */
    private static void combinePlanes(
            short[] lows,
            short[] highs,
            int from,
            int stride,
            int runs,
            int width,
            int extra,
            boolean centred,
            Activations x,
            int at,
            float[] header,
            int h0,
            float[] y,
            int to) {
        float[] scales = x.scales;
        int[] halfSums = x.halfSums;
        int halves = width / (BLOCK / 2);
        FloatVector even = FloatVector.fromArray(F, y, to);
        FloatVector odd = FloatVector.fromArray(F, y, to + FLOATS);
        for (int r = 0; r < runs; r++) {
            int half = at / (BLOCK / 2) + r * halves;
            int q = halfSums[half] + (halves == 2 ? halfSums[half + 1] : 0);
            IntVector s = ShortVector.fromArray(S, lows, from + r * stride).reinterpretAsInts();
            IntVector t = ShortVector.fromArray(S, highs, from + r * stride).reinterpretAsInts();
            FloatVector scale = FloatVector.broadcast(F, scales[half >> 1]);
            int h = r * RUN + h0;
            // Shifting right by 12 instead of 16 multiplies by 16; where lower bits come along they are masked.
            even = ((FloatVector) s.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .add(t.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 12))
                            .add(extra * q)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h), even);
            odd = ((FloatVector) s.lanewise(VectorOperators.ASHR, 16)
                            .add(t.lanewise(VectorOperators.ASHR, 12).and(-16))
                            .add(extra * q)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + FLOATS), odd);
            if (centred) {
                FloatVector sum = FloatVector.broadcast(F, x.sums[half >> 1]);
                even = sum.fma(FloatVector.fromArray(F, header, h + ROWS), even);
                odd = sum.fma(FloatVector.fromArray(F, header, h + ROWS + FLOATS), odd);
            }
        }
        even.intoArray(y, to);
        odd.intoArray(y, to + FLOATS);
    }
}
