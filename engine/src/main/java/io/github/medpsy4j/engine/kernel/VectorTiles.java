package io.github.medpsy4j.engine.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link IntegerPanels} for many tokens: part of a unit is unpacked to a tile, which they share. A tile holds floats
 * [half][column][rows] where {@link VectorPanels#FLOAT_TILES}, else shorts [column][pair of vectors of rows][lane][2].
 * {@link VectorPanels} says why they are written so.
 */
final class VectorTiles {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> S = ShortVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final int L = VectorPanels.L;
    private static final int ROWS = VectorPanels.ROWS;
    private static final int VECTORS = ROWS / L;

    /** Pairs of vectors of rows that are vectors of shorts in a tile, the first vector's in the lower halves. */
    private static final int PAIRS = VECTORS / 2;

    /** From a column of a tile of shorts to the next. */
    private static final int COLUMN_INTS = PAIRS * L;

    private static final int VECTOR_BYTES = I.vectorByteSize();
    /** From a column of half a tile to the next. */
    private static final int COLUMN_BYTES = StripMatrix.HALF_ROWS * Float.BYTES;

    /** From a tile's first half of rows to its second. */
    private static final int HALF_BYTES = StripMatrix.HALF_TILE_BYTES;

    private static final int INTS = PanelMatrix.INTS;
    private static final int BLOCK = Activations.BLOCK;

    /** Tokens that are treated together. */
    private static final int TOKENS = Activations.GROUP;

    /** From a group of four tokens' floats to the next group's. */
    private static final int GROUP_FLOATS = Activations.GROUP_FLOATS;

    /** From a group of four tokens' scales and sums to the next group's. */
    private static final int GROUP_BLOCKS = Activations.SPAN_BLOCKS * TOKENS;

    private VectorTiles() {}

    // ---- Tiles of shorts: first bytes[four columns][rows], then the tile ----

    /** Four bits of a block. */
    static void nibbles(MemorySegment packed, long at, long stream, int[] bytes) {
        MemorySegment w = VectorPanels.exact(packed);
        for (int i = 0; i < INTS * VECTORS; i++) {
            IntVector n = IntVector.fromMemorySegment(
                    I, w, at + i % VECTORS * stream + i / VECTORS * (long) VECTOR_BYTES, LE);
            int to = i / VECTORS * 2 * ROWS + i % VECTORS * L;
            n.and(0x0f0f0f0f).intoArray(bytes, to);
            n.lanewise(LSHR, 4).and(0x0f0f0f0f).intoArray(bytes, to + ROWS);
        }
    }

    /**
     * Four bits of a block that are looked up.
     *
     * @param table a vector of bytes, of 16 that are repeated
     */
    static void lookUp(MemorySegment packed, long at, long stream, byte[] table, int[] bytes) {
        MemorySegment w = VectorPanels.exact(packed);
        ByteVector t = ByteVector.fromArray(B, table, 0);
        for (int i = 0; i < INTS * VECTORS; i++) {
            IntVector n = IntVector.fromMemorySegment(
                    I, w, at + i % VECTORS * stream + i / VECTORS * (long) VECTOR_BYTES, LE);
            int to = i / VECTORS * 2 * ROWS + i % VECTORS * L;
            n.reinterpretAsBytes().selectFrom(t).reinterpretAsInts().intoArray(bytes, to);
            n = n.lanewise(LSHR, 4);
            n.reinterpretAsBytes().selectFrom(t).reinterpretAsInts().intoArray(bytes, to + ROWS);
        }
    }

    /** Five bits of a block, as {@link PanelFormat#packFiveBits} has them. */
    static void fiveBits(MemorySegment packed, long at, long stream, int[] bytes) {
        MemorySegment w = VectorPanels.exact(packed);
        for (int v = 0; v < VECTORS; v++) {
            long o = at + v * stream;
            int to = v * L;
            IntVector a = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector b = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            IntVector c = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES, LE);
            IntVector d = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES, LE);
            IntVector e = IntVector.fromMemorySegment(I, w, o + 4L * VECTOR_BYTES, LE);
            a.and(0x1f1f1f1f).intoArray(bytes, to);
            b.and(0x1f1f1f1f).intoArray(bytes, to + ROWS);
            c.and(0x1f1f1f1f).intoArray(bytes, to + 2 * ROWS);
            d.and(0x1f1f1f1f).intoArray(bytes, to + 3 * ROWS);
            e.and(0x1f1f1f1f).intoArray(bytes, to + 4 * ROWS);
            IntVector high = b.lanewise(LSHR, 2).and(0x18181818);
            a.lanewise(LSHR, 5).and(0x07070707).or(high).intoArray(bytes, to + 5 * ROWS);
            high = c.lanewise(LSHR, 4).and(0x0e0e0e0e).or(d.lanewise(LSHR, 1).and(0x10101010));
            b.lanewise(LSHR, 7).and(0x01010101).or(high).intoArray(bytes, to + 6 * ROWS);
            high = e.lanewise(LSHR, 3).and(0x1c1c1c1c);
            d.lanewise(LSHR, 6).and(0x03030303).or(high).intoArray(bytes, to + 7 * ROWS);
        }
    }

    /** Six bits of a block, as {@link PanelFormat#packSixBits} has them. */
    static void sixBits(MemorySegment packed, long at, long stream, int[] bytes) {
        MemorySegment w = VectorPanels.exact(packed);
        for (int i = 0; i < 2 * VECTORS; i++) {
            long o = at + i % VECTORS * stream + i / VECTORS * (3L * VECTOR_BYTES);
            int to = i / VECTORS * 4 * ROWS + i % VECTORS * L;
            IntVector a = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector b = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            IntVector c = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES, LE);
            a.and(0x3f3f3f3f).intoArray(bytes, to);
            b.and(0x3f3f3f3f).intoArray(bytes, to + ROWS);
            c.and(0x3f3f3f3f).intoArray(bytes, to + 2 * ROWS);
            IntVector high =
                    b.lanewise(LSHR, 4).and(0x0c0c0c0c).or(c.lanewise(LSHR, 2).and(0x30303030));
            a.lanewise(LSHR, 6).and(0x03030303).or(high).intoArray(bytes, to + 3 * ROWS);
        }
    }

    /** A block's 32 columns of the tile: u - bias. */
    static void shorts(int[] bytes, short bias, int[] tile, int at) {
        for (int i = 0; i < BLOCK / 4 * PAIRS; i++) {
            int from = i / PAIRS * ROWS + i % PAIRS * 2 * L;
            int to = at + i / PAIRS * 4 * COLUMN_INTS + i % PAIRS * L;
            IntVector a = IntVector.fromArray(I, bytes, from);
            IntVector b = IntVector.fromArray(I, bytes, from + L);
            IntVector column = a.and(0xff).or(b.and(0xff).lanewise(LSHL, 16));
            column.reinterpretAsShorts().sub(bias).reinterpretAsInts().intoArray(tile, to);
            column = a.lanewise(LSHR, 8).and(0xff).or(b.lanewise(LSHL, 8).and(0xff0000));
            column.reinterpretAsShorts().sub(bias).reinterpretAsInts().intoArray(tile, to + COLUMN_INTS);
            column = a.lanewise(LSHR, 16).and(0xff).or(b.and(0xff0000));
            column.reinterpretAsShorts().sub(bias).reinterpretAsInts().intoArray(tile, to + 2 * COLUMN_INTS);
            column = a.lanewise(LSHR, 24).or(b.lanewise(LSHR, 8).and(0xff0000));
            column.reinterpretAsShorts().sub(bias).reinterpretAsInts().intoArray(tile, to + 3 * COLUMN_INTS);
        }
    }

    // ---- Tiles of floats ----

    /** Tiles of floats, [column of a block][rows]: four bits, by a table of 16. */
    static void unpackFloats(
            MemorySegment packed, long plane, long stream, int[] tables, MemorySegment tile, long to0) {
        MemorySegment w = VectorPanels.exact(packed);
        MemorySegment t = VectorPanels.exact(tile);
        IntVector table = IntVector.fromArray(I, tables, 0);
        for (int i = 0; i < INTS * VECTORS; i++) {
            long to = to0
                    + i / VECTORS * (8L * COLUMN_BYTES)
                    + i % VECTORS / 2 * HALF_BYTES
                    + i % 2 * (long) VECTOR_BYTES;
            IntVector n = IntVector.fromMemorySegment(
                    I, w, plane + i % VECTORS * stream + i / VECTORS * (long) VECTOR_BYTES, LE);
            n.selectFrom(table).reinterpretAsFloats().intoMemorySegment(t, to, LE);
            n.lanewise(LSHR, 4).selectFrom(table).reinterpretAsFloats().intoMemorySegment(t, to + COLUMN_BYTES, LE);
            n.lanewise(LSHR, 8).selectFrom(table).reinterpretAsFloats().intoMemorySegment(t, to + 2 * COLUMN_BYTES, LE);
            n.lanewise(LSHR, 12)
                    .selectFrom(table)
                    .reinterpretAsFloats()
                    .intoMemorySegment(t, to + 3 * COLUMN_BYTES, LE);
            n.lanewise(LSHR, 16)
                    .selectFrom(table)
                    .reinterpretAsFloats()
                    .intoMemorySegment(t, to + 4 * COLUMN_BYTES, LE);
            n.lanewise(LSHR, 20)
                    .selectFrom(table)
                    .reinterpretAsFloats()
                    .intoMemorySegment(t, to + 5 * COLUMN_BYTES, LE);
            n.lanewise(LSHR, 24)
                    .selectFrom(table)
                    .reinterpretAsFloats()
                    .intoMemorySegment(t, to + 6 * COLUMN_BYTES, LE);
            n.lanewise(LSHR, 28)
                    .selectFrom(table)
                    .reinterpretAsFloats()
                    .intoMemorySegment(t, to + 7 * COLUMN_BYTES, LE);
        }
    }

    /** {@link #unpackFloats} times whole scales, of which one serves the block. */
    static void unpackWhole(
            MemorySegment packed,
            long plane,
            long stream,
            int[] tables,
            float[] scales,
            int run,
            MemorySegment tile,
            long to0) {
        MemorySegment w = VectorPanels.exact(packed);
        MemorySegment t = VectorPanels.exact(tile);
        IntVector table = IntVector.fromArray(I, tables, 0);
        for (int i = 0; i < INTS * VECTORS; i++) {
            int v = i % VECTORS;
            long to = to0 + i / VECTORS * (8L * COLUMN_BYTES) + v / 2 * HALF_BYTES + v % 2 * (long) VECTOR_BYTES;
            FloatVector scale = FloatVector.fromArray(F, scales, run + v * L);
            IntVector n = IntVector.fromMemorySegment(I, w, plane + v * stream + i / VECTORS * (long) VECTOR_BYTES, LE);
            n.selectFrom(table).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to, LE);
            IntVector c = n.lanewise(LSHR, 4).selectFrom(table);
            c.reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + COLUMN_BYTES, LE);
            c = n.lanewise(LSHR, 8).selectFrom(table);
            c.reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 2 * COLUMN_BYTES, LE);
            c = n.lanewise(LSHR, 12).selectFrom(table);
            c.reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 3 * COLUMN_BYTES, LE);
            c = n.lanewise(LSHR, 16).selectFrom(table);
            c.reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 4 * COLUMN_BYTES, LE);
            c = n.lanewise(LSHR, 20).selectFrom(table);
            c.reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 5 * COLUMN_BYTES, LE);
            c = n.lanewise(LSHR, 24).selectFrom(table);
            c.reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 6 * COLUMN_BYTES, LE);
            c = n.lanewise(LSHR, 28).selectFrom(table);
            c.reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 7 * COLUMN_BYTES, LE);
        }
    }

    /**
     * Tokens, two vectors of rows and 256 columns: y[token][rows] += (s·scale(x))·d, and then what the eight blocks add beside,
     * Σ sum(x)·centre. Here s is the sum of whole numbers, which is set to zero. The blocks are spelled out, so that their
     * centres stay in registers for all tokens.
     *
     * @param sums s, [tokens][rows]
     * @param at where the first token's scale is, a group's first
     * @param run the first block's centres
     * @param factor the first strip's d in the factors
     */
    static void addWhole(
            float[] sums,
            int tokens,
            Activations x,
            int at,
            float[] centres,
            int run,
            float[] factors,
            int factor,
            float[] y,
            int to) {
        float[] tokenScales = x.groupedScales;
        float[] tokenSums = x.groupedSums;
        FloatVector zero = FloatVector.zero(F);
        FloatVector d0 = FloatVector.fromArray(F, factors, factor);
        FloatVector d1 = FloatVector.fromArray(F, factors, factor + VectorPanels.FACTORS);
        for (int t = 0; t < tokens; t++) {
            int g = at + t / TOKENS * GROUP_BLOCKS + t % TOKENS;
            int s = t * ROWS;
            int o = to + t * ROWS;
            FloatVector sum = FloatVector.broadcast(F, tokenSums[g]);
            FloatVector m0 = sum.fma(FloatVector.fromArray(F, centres, run), zero);
            FloatVector m1 = sum.fma(FloatVector.fromArray(F, centres, run + L), zero);
            sum = FloatVector.broadcast(F, tokenSums[g + TOKENS]);
            m0 = sum.fma(FloatVector.fromArray(F, centres, run + ROWS), m0);
            m1 = sum.fma(FloatVector.fromArray(F, centres, run + ROWS + L), m1);
            sum = FloatVector.broadcast(F, tokenSums[g + 2 * TOKENS]);
            m0 = sum.fma(FloatVector.fromArray(F, centres, run + 2 * ROWS), m0);
            m1 = sum.fma(FloatVector.fromArray(F, centres, run + 2 * ROWS + L), m1);
            sum = FloatVector.broadcast(F, tokenSums[g + 3 * TOKENS]);
            m0 = sum.fma(FloatVector.fromArray(F, centres, run + 3 * ROWS), m0);
            m1 = sum.fma(FloatVector.fromArray(F, centres, run + 3 * ROWS + L), m1);
            sum = FloatVector.broadcast(F, tokenSums[g + 4 * TOKENS]);
            m0 = sum.fma(FloatVector.fromArray(F, centres, run + 4 * ROWS), m0);
            m1 = sum.fma(FloatVector.fromArray(F, centres, run + 4 * ROWS + L), m1);
            sum = FloatVector.broadcast(F, tokenSums[g + 5 * TOKENS]);
            m0 = sum.fma(FloatVector.fromArray(F, centres, run + 5 * ROWS), m0);
            m1 = sum.fma(FloatVector.fromArray(F, centres, run + 5 * ROWS + L), m1);
            sum = FloatVector.broadcast(F, tokenSums[g + 6 * TOKENS]);
            m0 = sum.fma(FloatVector.fromArray(F, centres, run + 6 * ROWS), m0);
            m1 = sum.fma(FloatVector.fromArray(F, centres, run + 6 * ROWS + L), m1);
            sum = FloatVector.broadcast(F, tokenSums[g + 7 * TOKENS]);
            m0 = sum.fma(FloatVector.fromArray(F, centres, run + 7 * ROWS), m0);
            m1 = sum.fma(FloatVector.fromArray(F, centres, run + 7 * ROWS + L), m1);
            FloatVector scale = FloatVector.broadcast(F, tokenScales[g]);
            FloatVector y0 = FloatVector.fromArray(F, y, o);
            FloatVector y1 = FloatVector.fromArray(F, y, o + L);
            FloatVector.fromArray(F, sums, s).mul(scale).fma(d0, y0).add(m0).intoArray(y, o);
            FloatVector.fromArray(F, sums, s + L).mul(scale).fma(d1, y1).add(m1).intoArray(y, o + L);
            zero.intoArray(sums, s);
            zero.intoArray(sums, s + L);
        }
    }

    /**
     * One run of four tokens on a tile of floats: y[token][rows] += (s·scale(x))·scale [+ sum(x)·centre], s = Σ c·q over
     * {@code columns}.
     *
     * @param from the run's first column in the tile
     * @param at the first column's floats of the group of four tokens
     * @param group the block's scales and sums of the four tokens
     * @param run the run's scales and centres
     */
    static void multiplyFloats4(
            MemorySegment tile,
            long from,
            int columns,
            Activations x,
            int at,
            int group,
            boolean centred,
            float[] scales,
            float[] centres,
            int run,
            float[] y,
            int to0) {
        MemorySegment w = VectorPanels.exact(tile);
        float[] q = x.floats;
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
        for (int k = 0; k < columns; k++) {
            long o = from + k * (long) COLUMN_BYTES;
            FloatVector c0 = FloatVector.fromMemorySegment(F, w, o, LE);
            FloatVector c1 = FloatVector.fromMemorySegment(F, w, o + VECTOR_BYTES, LE);
            FloatVector c2 = FloatVector.fromMemorySegment(F, w, o + HALF_BYTES, LE);
            FloatVector c3 = FloatVector.fromMemorySegment(F, w, o + HALF_BYTES + VECTOR_BYTES, LE);
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
        }
        FloatVector w0 = FloatVector.fromArray(F, scales, run);
        FloatVector w1 = FloatVector.fromArray(F, scales, run + L);
        FloatVector w2 = FloatVector.fromArray(F, scales, run + 2 * L);
        FloatVector w3 = FloatVector.fromArray(F, scales, run + 3 * L);
        int to = to0;
        FloatVector s = FloatVector.broadcast(F, x.groupedScales[group]);
        a00 = a00.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        a10 = a10.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        a20 = a20.mul(s).fma(w2, FloatVector.fromArray(F, y, to + 2 * L));
        a30 = a30.mul(s).fma(w3, FloatVector.fromArray(F, y, to + 3 * L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[group + 1]);
        a01 = a01.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        a11 = a11.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        a21 = a21.mul(s).fma(w2, FloatVector.fromArray(F, y, to + 2 * L));
        a31 = a31.mul(s).fma(w3, FloatVector.fromArray(F, y, to + 3 * L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[group + 2]);
        a02 = a02.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        a12 = a12.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        a22 = a22.mul(s).fma(w2, FloatVector.fromArray(F, y, to + 2 * L));
        a32 = a32.mul(s).fma(w3, FloatVector.fromArray(F, y, to + 3 * L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[group + 3]);
        a03 = a03.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        a13 = a13.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        a23 = a23.mul(s).fma(w2, FloatVector.fromArray(F, y, to + 2 * L));
        a33 = a33.mul(s).fma(w3, FloatVector.fromArray(F, y, to + 3 * L));
        if (centred) {
            w0 = FloatVector.fromArray(F, centres, run);
            w1 = FloatVector.fromArray(F, centres, run + L);
            w2 = FloatVector.fromArray(F, centres, run + 2 * L);
            w3 = FloatVector.fromArray(F, centres, run + 3 * L);
            s = FloatVector.broadcast(F, x.groupedSums[group]);
            a00 = s.fma(w0, a00);
            a10 = s.fma(w1, a10);
            a20 = s.fma(w2, a20);
            a30 = s.fma(w3, a30);
            s = FloatVector.broadcast(F, x.groupedSums[group + 1]);
            a01 = s.fma(w0, a01);
            a11 = s.fma(w1, a11);
            a21 = s.fma(w2, a21);
            a31 = s.fma(w3, a31);
            s = FloatVector.broadcast(F, x.groupedSums[group + 2]);
            a02 = s.fma(w0, a02);
            a12 = s.fma(w1, a12);
            a22 = s.fma(w2, a22);
            a32 = s.fma(w3, a32);
            s = FloatVector.broadcast(F, x.groupedSums[group + 3]);
            a03 = s.fma(w0, a03);
            a13 = s.fma(w1, a13);
            a23 = s.fma(w2, a23);
            a33 = s.fma(w3, a33);
        }
        a00.intoArray(y, to0);
        a10.intoArray(y, to0 + L);
        a20.intoArray(y, to0 + 2 * L);
        a30.intoArray(y, to0 + 3 * L);
        to = to0 + ROWS;
        a01.intoArray(y, to);
        a11.intoArray(y, to + L);
        a21.intoArray(y, to + 2 * L);
        a31.intoArray(y, to + 3 * L);
        to += ROWS;
        a02.intoArray(y, to);
        a12.intoArray(y, to + L);
        a22.intoArray(y, to + 2 * L);
        a32.intoArray(y, to + 3 * L);
        to += ROWS;
        a03.intoArray(y, to);
        a13.intoArray(y, to + L);
        a23.intoArray(y, to + 2 * L);
        a33.intoArray(y, to + 3 * L);
    }

    /**
     * {@link #multiplyFloats4} of twelve tokens, three groups of four, and two vectors of rows: a vector of weights serves twelve
     * products.
     *
     * @param from the run's first column in the tile, of the two vectors' rows
     * @param nextGroup from a group's scales and sums to the next group's
     * @param run the run's scales and centres, of the two vectors' rows
     */
    static void multiplyFloats12(
            MemorySegment tile,
            long from,
            int columns,
            Activations x,
            int at,
            int group,
            int nextGroup,
            boolean centred,
            float[] scales,
            float[] centres,
            int run,
            float[] y,
            int to0) {
        MemorySegment w = VectorPanels.exact(tile);
        float[] q = x.floats;
        FloatVector zero = FloatVector.zero(F);
        FloatVector u0 = zero;
        FloatVector u1 = zero;
        FloatVector u2 = zero;
        FloatVector u3 = zero;
        FloatVector u4 = zero;
        FloatVector u5 = zero;
        FloatVector u6 = zero;
        FloatVector u7 = zero;
        FloatVector u8 = zero;
        FloatVector u9 = zero;
        FloatVector u10 = zero;
        FloatVector u11 = zero;
        FloatVector v0 = zero;
        FloatVector v1 = zero;
        FloatVector v2 = zero;
        FloatVector v3 = zero;
        FloatVector v4 = zero;
        FloatVector v5 = zero;
        FloatVector v6 = zero;
        FloatVector v7 = zero;
        FloatVector v8 = zero;
        FloatVector v9 = zero;
        FloatVector v10 = zero;
        FloatVector v11 = zero;
        for (int k = 0; k < columns; k++) {
            long o = from + k * (long) COLUMN_BYTES;
            FloatVector c0 = FloatVector.fromMemorySegment(F, w, o, LE);
            FloatVector c1 = FloatVector.fromMemorySegment(F, w, o + VECTOR_BYTES, LE);
            int i = at + TOKENS * k;
            FloatVector b = FloatVector.broadcast(F, q[i]);
            u0 = c0.fma(b, u0);
            v0 = c1.fma(b, v0);
            b = FloatVector.broadcast(F, q[i + 1]);
            u1 = c0.fma(b, u1);
            v1 = c1.fma(b, v1);
            b = FloatVector.broadcast(F, q[i + 2]);
            u2 = c0.fma(b, u2);
            v2 = c1.fma(b, v2);
            b = FloatVector.broadcast(F, q[i + 3]);
            u3 = c0.fma(b, u3);
            v3 = c1.fma(b, v3);
            b = FloatVector.broadcast(F, q[i + GROUP_FLOATS]);
            u4 = c0.fma(b, u4);
            v4 = c1.fma(b, v4);
            b = FloatVector.broadcast(F, q[i + GROUP_FLOATS + 1]);
            u5 = c0.fma(b, u5);
            v5 = c1.fma(b, v5);
            b = FloatVector.broadcast(F, q[i + GROUP_FLOATS + 2]);
            u6 = c0.fma(b, u6);
            v6 = c1.fma(b, v6);
            b = FloatVector.broadcast(F, q[i + GROUP_FLOATS + 3]);
            u7 = c0.fma(b, u7);
            v7 = c1.fma(b, v7);
            b = FloatVector.broadcast(F, q[i + 2 * GROUP_FLOATS]);
            u8 = c0.fma(b, u8);
            v8 = c1.fma(b, v8);
            b = FloatVector.broadcast(F, q[i + 2 * GROUP_FLOATS + 1]);
            u9 = c0.fma(b, u9);
            v9 = c1.fma(b, v9);
            b = FloatVector.broadcast(F, q[i + 2 * GROUP_FLOATS + 2]);
            u10 = c0.fma(b, u10);
            v10 = c1.fma(b, v10);
            b = FloatVector.broadcast(F, q[i + 2 * GROUP_FLOATS + 3]);
            u11 = c0.fma(b, u11);
            v11 = c1.fma(b, v11);
        }
        FloatVector w0 = FloatVector.fromArray(F, scales, run);
        FloatVector w1 = FloatVector.fromArray(F, scales, run + L);
        int to = to0;
        int g = group;
        FloatVector s = FloatVector.broadcast(F, x.groupedScales[g]);
        u0 = u0.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v0 = v0.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 1]);
        u1 = u1.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v1 = v1.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 2]);
        u2 = u2.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v2 = v2.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 3]);
        u3 = u3.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v3 = v3.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        g += nextGroup;
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g]);
        u4 = u4.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v4 = v4.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 1]);
        u5 = u5.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v5 = v5.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 2]);
        u6 = u6.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v6 = v6.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 3]);
        u7 = u7.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v7 = v7.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        g += nextGroup;
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g]);
        u8 = u8.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v8 = v8.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 1]);
        u9 = u9.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v9 = v9.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 2]);
        u10 = u10.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v10 = v10.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g + 3]);
        u11 = u11.mul(s).fma(w0, FloatVector.fromArray(F, y, to));
        v11 = v11.mul(s).fma(w1, FloatVector.fromArray(F, y, to + L));
        if (centred) {
            w0 = FloatVector.fromArray(F, centres, run);
            w1 = FloatVector.fromArray(F, centres, run + L);
            g = group;
            s = FloatVector.broadcast(F, x.groupedSums[g]);
            u0 = s.fma(w0, u0);
            v0 = s.fma(w1, v0);
            s = FloatVector.broadcast(F, x.groupedSums[g + 1]);
            u1 = s.fma(w0, u1);
            v1 = s.fma(w1, v1);
            s = FloatVector.broadcast(F, x.groupedSums[g + 2]);
            u2 = s.fma(w0, u2);
            v2 = s.fma(w1, v2);
            s = FloatVector.broadcast(F, x.groupedSums[g + 3]);
            u3 = s.fma(w0, u3);
            v3 = s.fma(w1, v3);
            g += nextGroup;
            s = FloatVector.broadcast(F, x.groupedSums[g]);
            u4 = s.fma(w0, u4);
            v4 = s.fma(w1, v4);
            s = FloatVector.broadcast(F, x.groupedSums[g + 1]);
            u5 = s.fma(w0, u5);
            v5 = s.fma(w1, v5);
            s = FloatVector.broadcast(F, x.groupedSums[g + 2]);
            u6 = s.fma(w0, u6);
            v6 = s.fma(w1, v6);
            s = FloatVector.broadcast(F, x.groupedSums[g + 3]);
            u7 = s.fma(w0, u7);
            v7 = s.fma(w1, v7);
            g += nextGroup;
            s = FloatVector.broadcast(F, x.groupedSums[g]);
            u8 = s.fma(w0, u8);
            v8 = s.fma(w1, v8);
            s = FloatVector.broadcast(F, x.groupedSums[g + 1]);
            u9 = s.fma(w0, u9);
            v9 = s.fma(w1, v9);
            s = FloatVector.broadcast(F, x.groupedSums[g + 2]);
            u10 = s.fma(w0, u10);
            v10 = s.fma(w1, v10);
            s = FloatVector.broadcast(F, x.groupedSums[g + 3]);
            u11 = s.fma(w0, u11);
            v11 = s.fma(w1, v11);
        }
        to = to0;
        u0.intoArray(y, to);
        v0.intoArray(y, to + L);
        to += ROWS;
        u1.intoArray(y, to);
        v1.intoArray(y, to + L);
        to += ROWS;
        u2.intoArray(y, to);
        v2.intoArray(y, to + L);
        to += ROWS;
        u3.intoArray(y, to);
        v3.intoArray(y, to + L);
        to += ROWS;
        u4.intoArray(y, to);
        v4.intoArray(y, to + L);
        to += ROWS;
        u5.intoArray(y, to);
        v5.intoArray(y, to + L);
        to += ROWS;
        u6.intoArray(y, to);
        v6.intoArray(y, to + L);
        to += ROWS;
        u7.intoArray(y, to);
        v7.intoArray(y, to + L);
        to += ROWS;
        u8.intoArray(y, to);
        v8.intoArray(y, to + L);
        to += ROWS;
        u9.intoArray(y, to);
        v9.intoArray(y, to + L);
        to += ROWS;
        u10.intoArray(y, to);
        v10.intoArray(y, to + L);
        to += ROWS;
        u11.intoArray(y, to);
        v11.intoArray(y, to + L);
    }

    // ---- Products of tiles of shorts ----

    /**
     * products[run][pair of vectors][4 tokens][lanes] = Σ c·q over {@code columns} each: an int's shorts are the sums of two rows.
     *
     * <p>With 512 bits in one loop of loops, where C2 checks bounds once for all runs; with fewer it allots registers better where
     * a run is a method's (GMAC/s of Q4_K, two vectors of rows: 69 and 66 with 512 bits, 52 and 56 with 256).
     *
     * @param at of the group of four tokens' first integers
     */
    static void products4(int[] tile, int runs, int columns, int[] values, int at, int[] products) {
        if (VectorPanels.WIDE) {
            productsOfRuns(tile, runs, columns, values, at, products);
            return;
        }
        for (int run = 0; run < runs; run++) {
            productsOfRun(
                    tile,
                    run * columns * COLUMN_INTS,
                    columns,
                    values,
                    at + run * columns * TOKENS,
                    products,
                    run * PAIRS * TOKENS * L);
        }
    }

    private static void productsOfRuns(int[] tile, int runs, int columns, int[] values, int first, int[] products) {
        for (int run = 0; run < runs; run++) {
            int from = run * columns * COLUMN_INTS;
            int at = first + run * columns * TOKENS;
            int to = run * PAIRS * TOKENS * L;
            ShortVector zero = ShortVector.zero(S);
            ShortVector s00 = zero;
            ShortVector s10 = zero;
            ShortVector s01 = zero;
            ShortVector s11 = zero;
            ShortVector s02 = zero;
            ShortVector s12 = zero;
            ShortVector s03 = zero;
            ShortVector s13 = zero;
            for (int k = 0; k < columns; k++) {
                int o = from + k * COLUMN_INTS;
                int i = at + k * TOKENS;
                ShortVector c0 = IntVector.fromArray(I, tile, o).reinterpretAsShorts();
                ShortVector c1 = IntVector.fromArray(I, tile, o + L).reinterpretAsShorts();
                ShortVector q = IntVector.broadcast(I, values[i]).reinterpretAsShorts();
                s00 = c0.mul(q).add(s00);
                s10 = c1.mul(q).add(s10);
                q = IntVector.broadcast(I, values[i + 1]).reinterpretAsShorts();
                s01 = c0.mul(q).add(s01);
                s11 = c1.mul(q).add(s11);
                q = IntVector.broadcast(I, values[i + 2]).reinterpretAsShorts();
                s02 = c0.mul(q).add(s02);
                s12 = c1.mul(q).add(s12);
                q = IntVector.broadcast(I, values[i + 3]).reinterpretAsShorts();
                s03 = c0.mul(q).add(s03);
                s13 = c1.mul(q).add(s13);
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
    }

    /**
     * {@link #products4} of two groups of four tokens, {@code next} apart in products. Vectors that do not begin where lines of the
     * cache do take two loads each: as many serve twice the products (Zen 5: 108 and 134 GMAC/s of Q4_K). It takes 32 registers.
     */
    static void products8(int[] tile, int runs, int columns, int[] values, int at0, int at1, int[] products, int next) {
        for (int run = 0; run < runs; run++) {
            int from = run * columns * COLUMN_INTS;
            int first = at0 + run * columns * TOKENS;
            int second = at1 + run * columns * TOKENS;
            int to = run * PAIRS * TOKENS * L; // behind the columns' loop C2's registers make it a tenth slower
            ShortVector zero = ShortVector.zero(S);
            ShortVector s00 = zero;
            ShortVector s10 = zero;
            ShortVector s01 = zero;
            ShortVector s11 = zero;
            ShortVector s02 = zero;
            ShortVector s12 = zero;
            ShortVector s03 = zero;
            ShortVector s13 = zero;
            ShortVector s04 = zero;
            ShortVector s14 = zero;
            ShortVector s05 = zero;
            ShortVector s15 = zero;
            ShortVector s06 = zero;
            ShortVector s16 = zero;
            ShortVector s07 = zero;
            ShortVector s17 = zero;
            for (int k = 0; k < columns; k++) {
                int o = from + k * COLUMN_INTS;
                int i = first + k * TOKENS;
                int j = second + k * TOKENS;
                ShortVector c0 = IntVector.fromArray(I, tile, o).reinterpretAsShorts();
                ShortVector c1 = IntVector.fromArray(I, tile, o + L).reinterpretAsShorts();
                ShortVector q = IntVector.broadcast(I, values[i]).reinterpretAsShorts();
                s00 = c0.mul(q).add(s00);
                s10 = c1.mul(q).add(s10);
                q = IntVector.broadcast(I, values[i + 1]).reinterpretAsShorts();
                s01 = c0.mul(q).add(s01);
                s11 = c1.mul(q).add(s11);
                q = IntVector.broadcast(I, values[i + 2]).reinterpretAsShorts();
                s02 = c0.mul(q).add(s02);
                s12 = c1.mul(q).add(s12);
                q = IntVector.broadcast(I, values[i + 3]).reinterpretAsShorts();
                s03 = c0.mul(q).add(s03);
                s13 = c1.mul(q).add(s13);
                q = IntVector.broadcast(I, values[j]).reinterpretAsShorts();
                s04 = c0.mul(q).add(s04);
                s14 = c1.mul(q).add(s14);
                q = IntVector.broadcast(I, values[j + 1]).reinterpretAsShorts();
                s05 = c0.mul(q).add(s05);
                s15 = c1.mul(q).add(s15);
                q = IntVector.broadcast(I, values[j + 2]).reinterpretAsShorts();
                s06 = c0.mul(q).add(s06);
                s16 = c1.mul(q).add(s16);
                q = IntVector.broadcast(I, values[j + 3]).reinterpretAsShorts();
                s07 = c0.mul(q).add(s07);
                s17 = c1.mul(q).add(s17);
            }
            s00.reinterpretAsInts().intoArray(products, to);
            s01.reinterpretAsInts().intoArray(products, to + L);
            s02.reinterpretAsInts().intoArray(products, to + 2 * L);
            s03.reinterpretAsInts().intoArray(products, to + 3 * L);
            s10.reinterpretAsInts().intoArray(products, to + 4 * L);
            s11.reinterpretAsInts().intoArray(products, to + 5 * L);
            s12.reinterpretAsInts().intoArray(products, to + 6 * L);
            s13.reinterpretAsInts().intoArray(products, to + 7 * L);
            to += next;
            s04.reinterpretAsInts().intoArray(products, to);
            s05.reinterpretAsInts().intoArray(products, to + L);
            s06.reinterpretAsInts().intoArray(products, to + 2 * L);
            s07.reinterpretAsInts().intoArray(products, to + 3 * L);
            s14.reinterpretAsInts().intoArray(products, to + 4 * L);
            s15.reinterpretAsInts().intoArray(products, to + 5 * L);
            s16.reinterpretAsInts().intoArray(products, to + 6 * L);
            s17.reinterpretAsInts().intoArray(products, to + 7 * L);
        }
    }

    private static void productsOfRun(int[] tile, int from, int columns, int[] values, int at, int[] products, int to) {
        ShortVector zero = ShortVector.zero(S);
        ShortVector s00 = zero;
        ShortVector s10 = zero;
        ShortVector s01 = zero;
        ShortVector s11 = zero;
        ShortVector s02 = zero;
        ShortVector s12 = zero;
        ShortVector s03 = zero;
        ShortVector s13 = zero;
        for (int k = 0; k < columns; k++) {
            int o = from + k * COLUMN_INTS;
            int i = at + k * TOKENS;
            ShortVector c0 = IntVector.fromArray(I, tile, o).reinterpretAsShorts();
            ShortVector c1 = IntVector.fromArray(I, tile, o + L).reinterpretAsShorts();
            ShortVector q = IntVector.broadcast(I, values[i]).reinterpretAsShorts();
            s00 = c0.mul(q).add(s00);
            s10 = c1.mul(q).add(s10);
            q = IntVector.broadcast(I, values[i + 1]).reinterpretAsShorts();
            s01 = c0.mul(q).add(s01);
            s11 = c1.mul(q).add(s11);
            q = IntVector.broadcast(I, values[i + 2]).reinterpretAsShorts();
            s02 = c0.mul(q).add(s02);
            s12 = c1.mul(q).add(s12);
            q = IntVector.broadcast(I, values[i + 3]).reinterpretAsShorts();
            s03 = c0.mul(q).add(s03);
            s13 = c1.mul(q).add(s13);
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

    /**
     * {@link VectorPanels#combine} of four tokens, from products.
     *
     * <p>The lower short of an int, moved to its upper half, is a sum times 2^16, of which the rows' scales make up for: nothing
     * but a power of two that needs no shift.
     *
     * @param first where they begin
     * @param at of the group of four tokens' first scales
     * @param from the first run's index in scales and centres
     */
    static void combine4(
            int[] products,
            int first,
            int runs,
            int log,
            int sharedLog,
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
        for (int v = 0; v < ROWS; v += 2 * L) {
            FloatVector a0 = FloatVector.fromArray(F, y, to + v);
            FloatVector a1 = FloatVector.fromArray(F, y, to + ROWS + v);
            FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * ROWS + v);
            FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * ROWS + v);
            FloatVector b0 = FloatVector.fromArray(F, y, to + v + L);
            FloatVector b1 = FloatVector.fromArray(F, y, to + ROWS + v + L);
            FloatVector b2 = FloatVector.fromArray(F, y, to + 2 * ROWS + v + L);
            FloatVector b3 = FloatVector.fromArray(F, y, to + 3 * ROWS + v + L);
            for (int r = 0; r < runs; r++) {
                int o = first + r * PAIRS * TOKENS * L + v / 2 * TOKENS;
                int g = at + (r >> log) * TOKENS;
                int row = from + (r >> sharedLog) * ROWS + v;
                FloatVector low = FloatVector.fromArray(F, scales, row).mul(0x1p-16f);
                FloatVector high = FloatVector.fromArray(F, scales, row + L);
                IntVector s = IntVector.fromArray(I, products, o);
                FloatVector scale = FloatVector.broadcast(F, tokenScales[g]);
                a0 = ((FloatVector) s.lanewise(LSHL, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(low, a0);
                b0 = ((FloatVector) s.lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(high, b0);
                s = IntVector.fromArray(I, products, o + L);
                scale = FloatVector.broadcast(F, tokenScales[g + 1]);
                a1 = ((FloatVector) s.lanewise(LSHL, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(low, a1);
                b1 = ((FloatVector) s.lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(high, b1);
                s = IntVector.fromArray(I, products, o + 2 * L);
                scale = FloatVector.broadcast(F, tokenScales[g + 2]);
                a2 = ((FloatVector) s.lanewise(LSHL, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(low, a2);
                b2 = ((FloatVector) s.lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(high, b2);
                s = IntVector.fromArray(I, products, o + 3 * L);
                scale = FloatVector.broadcast(F, tokenScales[g + 3]);
                a3 = ((FloatVector) s.lanewise(LSHL, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(low, a3);
                b3 = ((FloatVector) s.lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(high, b3);
                if (centred) {
                    low = FloatVector.fromArray(F, centres, row);
                    high = FloatVector.fromArray(F, centres, row + L);
                    FloatVector sum = FloatVector.broadcast(F, tokenSums[g]);
                    a0 = sum.fma(low, a0);
                    b0 = sum.fma(high, b0);
                    sum = FloatVector.broadcast(F, tokenSums[g + 1]);
                    a1 = sum.fma(low, a1);
                    b1 = sum.fma(high, b1);
                    sum = FloatVector.broadcast(F, tokenSums[g + 2]);
                    a2 = sum.fma(low, a2);
                    b2 = sum.fma(high, b2);
                    sum = FloatVector.broadcast(F, tokenSums[g + 3]);
                    a3 = sum.fma(low, a3);
                    b3 = sum.fma(high, b3);
                }
            }
            a0.intoArray(y, to + v);
            a1.intoArray(y, to + ROWS + v);
            a2.intoArray(y, to + 2 * ROWS + v);
            a3.intoArray(y, to + 3 * ROWS + v);
            b0.intoArray(y, to + v + L);
            b1.intoArray(y, to + ROWS + v + L);
            b2.intoArray(y, to + 2 * ROWS + v + L);
            b3.intoArray(y, to + 3 * ROWS + v + L);
        }
    }

    /** {@link #combine4} without centres of sums low + 16·high, the products of the nibbles of eight bits. */
    static void combineNibbles4(
            int[] products,
            int[] highProducts,
            int runs,
            int log,
            Activations x,
            int at,
            float[] scales,
            int from,
            float[] y,
            int to) {
        float[] tokenScales = x.groupedScales;
        for (int i = 0; i < PAIRS * TOKENS; i++) {
            int t = i % TOKENS;
            int v = i / TOKENS * 2 * L;
            int o = to + t * ROWS + v;
            FloatVector a = FloatVector.fromArray(F, y, o);
            FloatVector b = FloatVector.fromArray(F, y, o + L);
            for (int r = 0; r < runs; r++) {
                IntVector low = IntVector.fromArray(I, products, (r * PAIRS * TOKENS + i) * L);
                IntVector high = IntVector.fromArray(I, highProducts, (r * PAIRS * TOKENS + i) * L);
                FloatVector scale = FloatVector.broadcast(F, tokenScales[at + (r >> log) * TOKENS + t]);
                int row = from + r * ROWS + v;
                a = ((FloatVector) low.lanewise(LSHL, 16)
                                .lanewise(ASHR, 16)
                                .add(high.lanewise(LSHL, 16).lanewise(ASHR, 12))
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(FloatVector.fromArray(F, scales, row), a);
                b = ((FloatVector) low.lanewise(ASHR, 16)
                                .add(high.lanewise(ASHR, 16).lanewise(LSHL, 4))
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(FloatVector.fromArray(F, scales, row + L), b);
            }
            a.intoArray(y, o);
            b.intoArray(y, o + L);
        }
    }
}
