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

    /** w = d·(n - 8): the scale is d, the centre 0. */
    static void headerQ4_0(MemorySegment w, long at, int blocks, float[] header) {
        for (int b = 0; b < blocks; b++) {
            halves(w, at + b * (ROWS * 2L), header, b * 2 * ROWS);
            for (int r = 0; r < ROWS; r++) {
                header[(b * 2 + 1) * ROWS + r] = 0;
            }
        }
    }

    /** w = d·n + m = d·(n - 8) + (8·d + m). */
    static void headerQ4_1(MemorySegment w, long at, int blocks, float[] header) {
        for (int b = 0; b < blocks; b++) {
            int scale = b * 2 * ROWS;
            int centre = scale + ROWS;
            halves(w, at + b * (ROWS * 4L), header, scale);
            halves(w, at + b * (ROWS * 4L) + ROWS * 2L, header, centre);
            for (int r = 0; r < ROWS; r++) {
                header[centre + r] = Math.fma(8f, header[scale + r], header[centre + r]);
            }
        }
    }

    /** w = d·scale·n - dmin·min = d·scale·(n - 8) + (8·d·scale - dmin·min); d·scale and dmin·min are exact. */
    static void headerQ4K(MemorySegment w, long at, float[] factors, float[] header) {
        halves(w, at + 4 * ROWS * 4, factors, 0);
        halves(w, at + 4 * ROWS * 4 + ROWS * 2, factors, ROWS);
        for (int r = 0; r < ROWS; r += FLOATS) {
            FloatVector d = FloatVector.fromArray(F, factors, r);
            FloatVector dmin = FloatVector.fromArray(F, factors, ROWS + r).neg();
            for (int g = 0; g < 2; g++) {
                IntVector scales = IntVector.fromMemorySegment(I, w, at + (g * ROWS + r) * 4L, LE);
                IntVector minima = IntVector.fromMemorySegment(I, w, at + ((2 + g) * ROWS + r) * 4L, LE);
                for (int b = 0; b < 4; b++) {
                    int to = (g * 4 + b) * 2 * ROWS + r;
                    FloatVector scale =
                            ((FloatVector) scales.and(0xff).convertShape(VectorOperators.I2F, F, 0)).mul(d);
                    FloatVector min = (FloatVector) minima.and(0xff).convertShape(VectorOperators.I2F, F, 0);
                    scale.intoArray(header, to);
                    min.fma(dmin, scale.mul(8f)).intoArray(header, to + ROWS);
                    scales = scales.lanewise(VectorOperators.LSHR, 8);
                    minima = minima.lanewise(VectorOperators.LSHR, 8);
                }
            }
        }
    }

    /** One token: adds a unit's part of 32 results to {@code y[yAt..]}. {@code at} is the unit's first column in x. */
    static void multiply1(
            MemorySegment w, long unit, int blocks, Activations x, int at, float[] header, float[] y, int yAt) {
        for (int v = 0; v < ROWS; v += 2 * SHORT_LANES) {
            if (SHORT_LANES == ROWS) {
                multiplyVector(w, unit, blocks, x, at, header, y, yAt);
            } else {
                multiplyVectorPair(w, unit, blocks, x, at, header, y, yAt, v);
            }
        }
    }

    private static void multiplyVectorPair(
            MemorySegment w, long unit, int blocks, Activations x, int at, float[] header, float[] y, int yAt, int v) {
        int[] multipliers = x.multipliers;
        int yv = yAt + v;
        FloatVector y0 = FloatVector.fromArray(F, y, yv);
        FloatVector y1 = FloatVector.fromArray(F, y, yv + FLOATS);
        FloatVector y2 = FloatVector.fromArray(F, y, yv + 2 * FLOATS);
        FloatVector y3 = FloatVector.fromArray(F, y, yv + 3 * FLOATS);
        for (int b = 0; b < blocks; b++) {
            int block = at / BLOCK + b;
            ShortVector s0 = IntVector.broadcast(I, x.starts[block]).reinterpretAsShorts();
            ShortVector s1 = s0;
            for (int q = 0; q < PanelMatrix.QUADS; q++) {
                long o = unit + (long) (b * PanelMatrix.QUADS + q) * (ROWS * 2) + v * 2L;
                int k = at + b * BLOCK + q * 4;
                ShortVector w0 = ShortVector.fromMemorySegment(S, w, o, LE);
                ShortVector w1 = ShortVector.fromMemorySegment(S, w, o + SHORT_BYTES, LE);
                ShortVector m = IntVector.broadcast(I, multipliers[k]).reinterpretAsShorts();
                s0 = s0.add(w0.mul(m));
                s1 = s1.add(w1.mul(m));
                m = IntVector.broadcast(I, multipliers[k + 1]).reinterpretAsShorts();
                s0 = s0.add(w0.lanewise(VectorOperators.LSHR, 4).mul(m));
                s1 = s1.add(w1.lanewise(VectorOperators.LSHR, 4).mul(m));
                m = IntVector.broadcast(I, multipliers[k + 2]).reinterpretAsShorts();
                s0 = s0.add(w0.lanewise(VectorOperators.LSHR, 8).mul(m));
                s1 = s1.add(w1.lanewise(VectorOperators.LSHR, 8).mul(m));
                m = IntVector.broadcast(I, multipliers[k + 3]).reinterpretAsShorts();
                s0 = s0.add(w0.lanewise(VectorOperators.LSHR, 12).mul(m));
                s1 = s1.add(w1.lanewise(VectorOperators.LSHR, 12).mul(m));
            }
            FloatVector scale = FloatVector.broadcast(F, x.scales[block]);
            FloatVector sum = FloatVector.broadcast(F, x.sums[block]);
            IntVector i0 = s0.reinterpretAsInts();
            IntVector i1 = s1.reinterpretAsInts();
            int h = b * 2 * ROWS + v;
            y0 = ((FloatVector) i0.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h), y0);
            y1 = ((FloatVector) i0.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + FLOATS), y1);
            y2 = ((FloatVector) i1.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + 2 * FLOATS), y2);
            y3 = ((FloatVector) i1.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + 3 * FLOATS), y3);
            y0 = sum.fma(FloatVector.fromArray(F, header, h + ROWS), y0);
            y1 = sum.fma(FloatVector.fromArray(F, header, h + ROWS + FLOATS), y1);
            y2 = sum.fma(FloatVector.fromArray(F, header, h + ROWS + 2 * FLOATS), y2);
            y3 = sum.fma(FloatVector.fromArray(F, header, h + ROWS + 3 * FLOATS), y3);
        }
        y0.intoArray(y, yv);
        y1.intoArray(y, yv + FLOATS);
        y2.intoArray(y, yv + 2 * FLOATS);
        y3.intoArray(y, yv + 3 * FLOATS);
    }

    /** {@link #multiplyVectorPair} where one vector holds all 32 rows. */
    private static void multiplyVector(
            MemorySegment w, long unit, int blocks, Activations x, int at, float[] header, float[] y, int yAt) {
        int[] multipliers = x.multipliers;
        FloatVector y0 = FloatVector.fromArray(F, y, yAt);
        FloatVector y1 = FloatVector.fromArray(F, y, yAt + FLOATS);
        for (int b = 0; b < blocks; b++) {
            int block = at / BLOCK + b;
            ShortVector s = IntVector.broadcast(I, x.starts[block]).reinterpretAsShorts();
            for (int q = 0; q < PanelMatrix.QUADS; q++) {
                int k = at + b * BLOCK + q * 4;
                ShortVector v = ShortVector.fromMemorySegment(
                        S, w, unit + (long) (b * PanelMatrix.QUADS + q) * (ROWS * 2), LE);
                s = s.add(v.mul(IntVector.broadcast(I, multipliers[k]).reinterpretAsShorts()));
                s = s.add(v.lanewise(VectorOperators.LSHR, 4)
                        .mul(IntVector.broadcast(I, multipliers[k + 1]).reinterpretAsShorts()));
                s = s.add(v.lanewise(VectorOperators.LSHR, 8)
                        .mul(IntVector.broadcast(I, multipliers[k + 2]).reinterpretAsShorts()));
                s = s.add(v.lanewise(VectorOperators.LSHR, 12)
                        .mul(IntVector.broadcast(I, multipliers[k + 3]).reinterpretAsShorts()));
            }
            FloatVector scale = FloatVector.broadcast(F, x.scales[block]);
            FloatVector sum = FloatVector.broadcast(F, x.sums[block]);
            IntVector i = s.reinterpretAsInts();
            int h = b * 2 * ROWS;
            y0 = ((FloatVector) i.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h), y0);
            y1 = ((FloatVector) i.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + FLOATS), y1);
            y0 = sum.fma(FloatVector.fromArray(F, header, h + ROWS), y0);
            y1 = sum.fma(FloatVector.fromArray(F, header, h + ROWS + FLOATS), y1);
        }
        y0.intoArray(y, yAt);
        y1.intoArray(y, yAt + FLOATS);
    }

    /** Shifts each quad of a unit into four rows of the tile, [column][32 lanes]; nibbles stay unmasked. */
    static void unpack(MemorySegment w, long unit, int quads, short[] tile) {
        for (int i = 0; i < quads * (ROWS / SHORT_LANES); i++) {
            int quad = i / (ROWS / SHORT_LANES);
            int v = i % (ROWS / SHORT_LANES) * SHORT_LANES;
            ShortVector s = ShortVector.fromMemorySegment(S, w, unit + i * (long) SHORT_BYTES, LE);
            int to = quad * 4 * ROWS + v;
            s.intoArray(tile, to);
            s.lanewise(VectorOperators.LSHR, 4).intoArray(tile, to + ROWS);
            s.lanewise(VectorOperators.LSHR, 8).intoArray(tile, to + 2 * ROWS);
            s.lanewise(VectorOperators.LSHR, 12).intoArray(tile, to + 3 * ROWS);
        }
    }

    /** Four tokens: products[block][token][32 lanes] = the modular sums of a unit. */
    static void products4(short[] tile, int blocks, Activations x, int at, short[] products) {
        for (int v = 0; v < ROWS; v += 2 * SHORT_LANES) {
            for (int b = 0; b < blocks; b++) {
                productsOfBlock(tile, b * BLOCK * ROWS + v, x, at + b * BLOCK, products, b * 4 * ROWS + v);
            }
        }
    }

    private static void productsOfBlock(short[] tile, int tileAt, Activations x, int x0, short[] products, int to) {
        int[] multipliers = x.multipliers;
        int[] starts = x.starts;
        int x1 = x0 + x.stride;
        int x2 = x1 + x.stride;
        int x3 = x2 + x.stride;
        // Where one vector is the whole panel, the second one of each pair would be beyond it: it repeats the first.
        int second = SHORT_LANES == ROWS ? 0 : SHORT_LANES;
        ShortVector s00 = IntVector.broadcast(I, starts[x0 / BLOCK]).reinterpretAsShorts();
        ShortVector s10 = s00;
        ShortVector s01 = IntVector.broadcast(I, starts[x1 / BLOCK]).reinterpretAsShorts();
        ShortVector s11 = s01;
        ShortVector s02 = IntVector.broadcast(I, starts[x2 / BLOCK]).reinterpretAsShorts();
        ShortVector s12 = s02;
        ShortVector s03 = IntVector.broadcast(I, starts[x3 / BLOCK]).reinterpretAsShorts();
        ShortVector s13 = s03;
        for (int k = 0; k < BLOCK; k++) {
            ShortVector w0 = ShortVector.fromArray(S, tile, tileAt + k * ROWS);
            ShortVector w1 = ShortVector.fromArray(S, tile, tileAt + k * ROWS + second);
            ShortVector m = IntVector.broadcast(I, multipliers[x0 + k]).reinterpretAsShorts();
            s00 = s00.add(w0.mul(m));
            s10 = s10.add(w1.mul(m));
            m = IntVector.broadcast(I, multipliers[x1 + k]).reinterpretAsShorts();
            s01 = s01.add(w0.mul(m));
            s11 = s11.add(w1.mul(m));
            m = IntVector.broadcast(I, multipliers[x2 + k]).reinterpretAsShorts();
            s02 = s02.add(w0.mul(m));
            s12 = s12.add(w1.mul(m));
            m = IntVector.broadcast(I, multipliers[x3 + k]).reinterpretAsShorts();
            s03 = s03.add(w0.mul(m));
            s13 = s13.add(w1.mul(m));
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

    /** Adds a unit's sums of products, scaled, to the results of four tokens at {@code y[yAt..]}. */
    static void combine4(
            short[] products, int blocks, Activations x, int block0, float[] header, float[] y, int yAt) {
        int blocksPerRow = x.stride / BLOCK;
        for (int t = 0; t < 4; t++) {
            for (int v = 0; v < ROWS; v += SHORT_LANES) {
                int to = yAt + t * ROWS + v;
                combine(products, t * ROWS + v, blocks, x, block0 + t * blocksPerRow, header, v, y, to);
            }
        }
    }

    private static void combine(
            short[] products, int from, int blocks, Activations x, int block0, float[] header, int h0, float[] y, int to) {
        FloatVector even = FloatVector.fromArray(F, y, to);
        FloatVector odd = FloatVector.fromArray(F, y, to + FLOATS);
        for (int b = 0; b < blocks; b++) {
            IntVector s = ShortVector.fromArray(S, products, from + b * 4 * ROWS).reinterpretAsInts();
            FloatVector scale = FloatVector.broadcast(F, x.scales[block0 + b]);
            FloatVector sum = FloatVector.broadcast(F, x.sums[block0 + b]);
            int h = b * 2 * ROWS + h0;
            even = ((FloatVector) s.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h), even);
            odd = ((FloatVector) s.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, header, h + FLOATS), odd);
            even = sum.fma(FloatVector.fromArray(F, header, h + ROWS), even);
            odd = sum.fma(FloatVector.fromArray(F, header, h + ROWS + FLOATS), odd);
        }
        even.intoArray(y, to);
        odd.intoArray(y, to + FLOATS);
    }
}
