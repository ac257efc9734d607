package io.github.medpsy4j.engine.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The loops of {@link TablePanels}. {@link VectorPanels} says why they are written so. */
final class VectorTables {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> S = ShortVector.SPECIES_PREFERRED;

    /** As many bytes as a vector has shorts. With AVX2 a look-up of them takes two instructions, that of a whole vector eight. */
    private static final VectorSpecies<Byte> HALF =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(S.length() * Byte.SIZE));

    static final int HALF_BYTES = HALF.length();

    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final int L = VectorPanels.L;
    private static final int ROWS = VectorPanels.ROWS;
    private static final int VECTORS = ROWS / L;
    private static final int VECTOR_BYTES = I.vectorByteSize();
    private static final int INTS = PanelMatrix.INTS;
    private static final int BLOCK = Activations.BLOCK;
    private static final int TOKENS = Activations.GROUP;

    /** Halves of vectors that a block takes. */
    private static final int HALVES = 2 * INTS;

    /** Vectors before IQ4_XS's blocks of 256 columns: d, and two of four scales each. */
    private static final int XS_HEADER = 3;

    private static final long XS_UNIT_BYTES = (XS_HEADER + VectorPanels.UNIT_BLOCKS * INTS) * (long) VECTOR_BYTES;

    /** What is added to IQ4's numbers, -127 to 113, so that none is more than 120. */
    static final int CENTRE = 7;

    /** From a column of half a tile to the next. */
    private static final int COLUMN_FLOATS = StripMatrix.HALF_ROWS;

    /** From a tile's first half of rows to its second. */
    private static final int HALF_TILE_FLOATS = StripMatrix.HALF_TILE_BYTES / Float.BYTES;

    /** From a group of four tokens' floats to the next group's. */
    private static final int GROUP_FLOATS = Activations.GROUP_FLOATS;

    private VectorTables() {}

    // One token's loops take half a block at a time: C2's budget does not reach for a whole one and its scale, and then
    // vectors are boxed (0.1 GMAC/s). Nibbles are shifted as longs, so that this package has vectors of ints of the
    // preferred size alone.

    /**
     * IQ4_NL, one token, two vectors of rows and all units: y[rows] += (Σ c·q·scale(x))·d of each block in turn.
     *
     * @param at where the first unit of the first vector of rows is
     * @param table half a vector of bytes, of 16 that are repeated: c + {@link #CENTRE}
     * @param block the first block's index in the activations
     */
    static void dotNl(
            MemorySegment packed,
            long at,
            long stream,
            int units,
            int unitBlocks,
            byte[] table,
            Activations x,
            int block,
            float[] y,
            int to) {
        MemorySegment w = VectorPanels.exact(packed);
        float[] blockScales = x.scales;
        int[] starts = x.starts; // -8·Σq, shifted left by 16: shifted right by 19, -Σq
        int[] words = x.words;
        ByteVector t = ByteVector.fromArray(HALF, table, 0);
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        IntVector zero = IntVector.zero(I);
        IntVector s0 = zero;
        IntVector s1 = zero;
        int header = (unitBlocks + 1) / 2 * 2; // in halves of vectors
        long unitBytes = (header + unitBlocks * HALVES) * (long) HALF_BYTES;
        for (int u = 0; u < units; u++) {
            long unit = at + u * unitBytes;
            int first = block + u * unitBlocks;
            for (int h = 0; h < 2 * unitBlocks; h++) {
                // Written so, C2 checks addresses in the loop, and these checks keep loads in place.
                long o = unit + (header + h * INTS) * (long) HALF_BYTES;
                int q = (2 * first + h) * (BLOCK / 4);
                ShortVector m0 = IntVector.broadcast(I, words[q]).reinterpretAsShorts();
                ShortVector m1 = IntVector.broadcast(I, words[q + 1]).reinterpretAsShorts();
                ShortVector m2 = IntVector.broadcast(I, words[q + 2]).reinterpretAsShorts();
                ShortVector m3 = IntVector.broadcast(I, words[q + 3]).reinterpretAsShorts();
                ByteVector n = ByteVector.fromMemorySegment(HALF, w, o, LE);
                ShortVector p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + HALF_BYTES, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                IntVector v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s0 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s0).add(v.lanewise(ASHR, 16));
                n = ByteVector.fromMemorySegment(HALF, w, o + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + HALF_BYTES + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s1 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s1).add(v.lanewise(ASHR, 16));
                m0 = IntVector.broadcast(I, words[q + 4]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, words[q + 5]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, words[q + 6]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, words[q + 7]).reinterpretAsShorts();
                n = ByteVector.fromMemorySegment(HALF, w, o + 2L * HALF_BYTES, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + 3L * HALF_BYTES, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s0 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s0).add(v.lanewise(ASHR, 16));
                n = ByteVector.fromMemorySegment(HALF, w, o + 2L * HALF_BYTES + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + 3L * HALF_BYTES + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s1 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s1).add(v.lanewise(ASHR, 16));
                if ((h & 1) > 0) {
                    int b = h >> 1;
                    // Read two bytes further on, an odd block's half is an int's lower one too.
                    o = unit + (b >> 1) * (long) VECTOR_BYTES + (b & 1) * 2;
                    FloatVector scale = FloatVector.broadcast(F, blockScales[first + b]);
                    IntVector start = IntVector.broadcast(I, CENTRE * (starts[first + b] >> 19));
                    IntVector d = IntVector.fromMemorySegment(I, w, o, LE).lanewise(LSHL, 16);
                    IntVector e =
                            d.and(VectorPanels.MAGNITUDE).lanewise(LSHR, 3).add(VectorPanels.FLOAT_BIAS);
                    FloatVector f = e.reinterpretAsFloats();
                    f = f.add(f.sub(VectorPanels.LEAST_NORMAL_HALF))
                            .reinterpretAsInts()
                            .min(e)
                            .or(d.and(VectorPanels.SIGN))
                            .reinterpretAsFloats();
                    a0 = ((FloatVector) start.add(s0).convertShape(VectorOperators.I2F, F, 0))
                            .mul(scale)
                            .fma(f, a0);
                    d = IntVector.fromMemorySegment(I, w, o + stream, LE).lanewise(LSHL, 16);
                    e = d.and(VectorPanels.MAGNITUDE).lanewise(LSHR, 3).add(VectorPanels.FLOAT_BIAS);
                    f = e.reinterpretAsFloats();
                    f = f.add(f.sub(VectorPanels.LEAST_NORMAL_HALF))
                            .reinterpretAsInts()
                            .min(e)
                            .or(d.and(VectorPanels.SIGN))
                            .reinterpretAsFloats();
                    a1 = ((FloatVector) start.add(s1).convertShape(VectorOperators.I2F, F, 0))
                            .mul(scale)
                            .fma(f, a1);
                    s0 = zero;
                    s1 = zero;
                }
            }
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
    }

    /**
     * {@link #dotNl} of IQ4_XS, whose scales are d times a byte. The products stand here again, as C2 boxes vectors that cross a
     * helper.
     */
    static void dotXs(
            MemorySegment packed,
            long at,
            long stream,
            int units,
            byte[] table,
            Activations x,
            int block,
            float[] y,
            int to) {
        MemorySegment w = VectorPanels.exact(packed);
        float[] blockScales = x.scales;
        int[] starts = x.starts; // -8·Σq, shifted left by 16: shifted right by 19, -Σq
        int[] words = x.words;
        ByteVector t = ByteVector.fromArray(HALF, table, 0);
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        IntVector zero = IntVector.zero(I);
        IntVector s0 = zero;
        IntVector s1 = zero;
        for (int u = 0; u < units; u++) {
            long unit = at + u * XS_UNIT_BYTES;
            int first = block + u * VectorPanels.UNIT_BLOCKS;
            IntVector d = IntVector.fromMemorySegment(I, w, unit, LE).lanewise(LSHL, 16);
            IntVector e = d.and(VectorPanels.MAGNITUDE).lanewise(LSHR, 3).add(VectorPanels.FLOAT_BIAS);
            FloatVector f = e.reinterpretAsFloats();
            f = f.add(f.sub(VectorPanels.LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(e)
                    .or(d.and(VectorPanels.SIGN))
                    .reinterpretAsFloats();
            FloatVector d0 = f;
            d = IntVector.fromMemorySegment(I, w, unit + stream, LE).lanewise(LSHL, 16);
            e = d.and(VectorPanels.MAGNITUDE).lanewise(LSHR, 3).add(VectorPanels.FLOAT_BIAS);
            f = e.reinterpretAsFloats();
            f = f.add(f.sub(VectorPanels.LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(e)
                    .or(d.and(VectorPanels.SIGN))
                    .reinterpretAsFloats();
            FloatVector d1 = f;
            for (int h = 0; h < 2 * VectorPanels.UNIT_BLOCKS; h++) {
                // Written so, C2 checks addresses in the loop, and these checks keep loads in place.
                long o = unit + (2 * XS_HEADER + h * INTS) * (long) HALF_BYTES;
                int q = (2 * first + h) * (BLOCK / 4);
                ShortVector m0 = IntVector.broadcast(I, words[q]).reinterpretAsShorts();
                ShortVector m1 = IntVector.broadcast(I, words[q + 1]).reinterpretAsShorts();
                ShortVector m2 = IntVector.broadcast(I, words[q + 2]).reinterpretAsShorts();
                ShortVector m3 = IntVector.broadcast(I, words[q + 3]).reinterpretAsShorts();
                ByteVector n = ByteVector.fromMemorySegment(HALF, w, o, LE);
                ShortVector p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + HALF_BYTES, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                IntVector v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s0 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s0).add(v.lanewise(ASHR, 16));
                n = ByteVector.fromMemorySegment(HALF, w, o + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + HALF_BYTES + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s1 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s1).add(v.lanewise(ASHR, 16));
                m0 = IntVector.broadcast(I, words[q + 4]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, words[q + 5]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, words[q + 6]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, words[q + 7]).reinterpretAsShorts();
                n = ByteVector.fromMemorySegment(HALF, w, o + 2L * HALF_BYTES, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + 3L * HALF_BYTES, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s0 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s0).add(v.lanewise(ASHR, 16));
                n = ByteVector.fromMemorySegment(HALF, w, o + 2L * HALF_BYTES + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).mul(m0);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m1)
                        .add(p);
                n = ByteVector.fromMemorySegment(HALF, w, o + 3L * HALF_BYTES + stream, LE);
                p = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m2)
                        .add(p);
                n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
                v = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0))
                        .mul(m3)
                        .add(p)
                        .reinterpretAsInts();
                s1 = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(s1).add(v.lanewise(ASHR, 16));
                if ((h & 1) > 0) {
                    int b = h >> 1;
                    // Read three bytes further ahead, a block's scale is an int's highest byte.
                    o = unit + (1 + (b >> 2)) * (long) VECTOR_BYTES + (b & 3) - 3;
                    FloatVector scale = FloatVector.broadcast(F, blockScales[first + b]);
                    IntVector start = IntVector.broadcast(I, CENTRE * (starts[first + b] >> 19));
                    f = ((FloatVector) IntVector.fromMemorySegment(I, w, o, LE)
                                    .lanewise(ASHR, 24)
                                    .convertShape(VectorOperators.I2F, F, 0))
                            .mul(d0);
                    a0 = ((FloatVector) start.add(s0).convertShape(VectorOperators.I2F, F, 0))
                            .mul(scale)
                            .fma(f, a0);
                    f = ((FloatVector) IntVector.fromMemorySegment(I, w, o + stream, LE)
                                    .lanewise(ASHR, 24)
                                    .convertShape(VectorOperators.I2F, F, 0))
                            .mul(d1);
                    a1 = ((FloatVector) start.add(s1).convertShape(VectorOperators.I2F, F, 0))
                            .mul(scale)
                            .fma(f, a1);
                    s0 = zero;
                    s1 = zero;
                }
            }
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
    }

    /** c of a block and a panel's four strips, as floats: [half][column][rows]. */
    static void unpack(MemorySegment packed, long at, long stream, byte[] table, float[] tile, int to) {
        MemorySegment w = VectorPanels.exact(packed);
        ByteVector t = ByteVector.fromArray(HALF, table, 0);
        for (int i = 0; i < HALVES * VECTORS; i++) {
            int h = i / VECTORS;
            int v = i % VECTORS;
            // Columns c, c + 1, c + 16 and c + 17, c = 2·(h / 2) + 8·(h mod 2), in the order of Activations.floats.
            int place = (h & 1) << 3 | (h & 2) << 1 | (h & 4) >> 2;
            int o = to + v / 2 * HALF_TILE_FLOATS + v % 2 * L + place * COLUMN_FLOATS;
            ByteVector n = ByteVector.fromMemorySegment(HALF, w, at + v * stream + h * (long) HALF_BYTES, LE);
            IntVector c = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).reinterpretAsInts();
            ((FloatVector) c.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(tile, o);
            ((FloatVector) c.lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(tile, o + 2 * COLUMN_FLOATS);
            n = n.reinterpretAsLongs().lanewise(LSHR, 4).reinterpretAsBytes();
            c = ((ShortVector) n.selectFrom(t).convertShape(VectorOperators.B2S, S, 0)).reinterpretAsInts();
            ((FloatVector) c.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(tile, o + 16 * COLUMN_FLOATS);
            ((FloatVector) c.lanewise(ASHR, 16).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(tile, o + 18 * COLUMN_FLOATS);
        }
    }

    /**
     * Four tokens, two vectors of rows and a block: y[token][rows] += (s·scale(x))·scale, s = Σ c·q.
     *
     * @param from the block's first column in the tile
     * @param at the same of the group of four tokens' floats
     * @param group the block's scales of the four tokens
     * @param run the block's scales of the two vectors of rows
     */
    static void multiply4(
            float[] tile, int from, Activations x, int at, int group, float[] scales, int run, float[] y, int to) {
        float[] q = x.floats;
        FloatVector zero = FloatVector.zero(F);
        FloatVector u0 = zero;
        FloatVector v0 = zero;
        FloatVector u1 = zero;
        FloatVector v1 = zero;
        FloatVector u2 = zero;
        FloatVector v2 = zero;
        FloatVector u3 = zero;
        FloatVector v3 = zero;
        for (int i = 0; i < BLOCK * TOKENS; i += TOKENS) {
            int o = from + i * (COLUMN_FLOATS / TOKENS);
            FloatVector c = FloatVector.fromArray(F, tile, o);
            FloatVector d = FloatVector.fromArray(F, tile, o + L);
            FloatVector a = FloatVector.broadcast(F, q[at + i]);
            u0 = c.fma(a, u0);
            v0 = d.fma(a, v0);
            a = FloatVector.broadcast(F, q[at + i + 1]);
            u1 = c.fma(a, u1);
            v1 = d.fma(a, v1);
            a = FloatVector.broadcast(F, q[at + i + 2]);
            u2 = c.fma(a, u2);
            v2 = d.fma(a, v2);
            a = FloatVector.broadcast(F, q[at + i + 3]);
            u3 = c.fma(a, u3);
            v3 = d.fma(a, v3);
        }
        FloatVector w0 = FloatVector.fromArray(F, scales, run);
        FloatVector w1 = FloatVector.fromArray(F, scales, run + L);
        FloatVector s = FloatVector.broadcast(F, x.groupedScales[group]);
        s.mul(u0).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v0).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[group + 1]);
        s.mul(u1).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v1).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[group + 2]);
        s.mul(u2).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v2).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[group + 3]);
        s.mul(u3).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v3).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
    }

    /**
     * {@link #multiply4} of six of twelve tokens. With 16 registers there is room for so many sums, but not for six broadcasts
     * beside, which C2 would load first: fences keep four of them back.
     *
     * @param six which: 0 or 1
     * @param first the block's first column in the first group of four tokens' floats
     * @param group the block's scales of these
     * @param to0 where the results of the twelve are
     */
    static void multiply6(
            float[] tile,
            int from,
            Activations x,
            int six,
            int first,
            int group,
            float[] scales,
            int run,
            float[] y,
            int to0) {
        float[] q = x.floats;
        int pair = 3 * six; // the first of three pairs of tokens
        int at0 = first + pair / 2 * GROUP_FLOATS + pair % 2 * 2;
        int at1 = first + (pair + 1) / 2 * GROUP_FLOATS + (pair + 1) % 2 * 2;
        int at2 = first + (pair + 2) / 2 * GROUP_FLOATS + pair % 2 * 2;
        FloatVector zero = FloatVector.zero(F);
        FloatVector u0 = zero;
        FloatVector v0 = zero;
        FloatVector u1 = zero;
        FloatVector v1 = zero;
        FloatVector u2 = zero;
        FloatVector v2 = zero;
        FloatVector u3 = zero;
        FloatVector v3 = zero;
        FloatVector u4 = zero;
        FloatVector v4 = zero;
        FloatVector u5 = zero;
        FloatVector v5 = zero;
        for (int i = 0; i < BLOCK * TOKENS; i += TOKENS) {
            int o = from + i * (COLUMN_FLOATS / TOKENS);
            FloatVector c = FloatVector.fromArray(F, tile, o);
            FloatVector d = FloatVector.fromArray(F, tile, o + L);
            FloatVector a = FloatVector.broadcast(F, q[at0 + i]);
            u0 = c.fma(a, u0);
            v0 = d.fma(a, v0);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            a = FloatVector.broadcast(F, q[at0 + i + 1]);
            u1 = c.fma(a, u1);
            v1 = d.fma(a, v1);
            a = FloatVector.broadcast(F, q[at1 + i]);
            u2 = c.fma(a, u2);
            v2 = d.fma(a, v2);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            a = FloatVector.broadcast(F, q[at1 + i + 1]);
            u3 = c.fma(a, u3);
            v3 = d.fma(a, v3);
            a = FloatVector.broadcast(F, q[at2 + i]);
            u4 = c.fma(a, u4);
            v4 = d.fma(a, v4);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            a = FloatVector.broadcast(F, q[at2 + i + 1]);
            u5 = c.fma(a, u5);
            v5 = d.fma(a, v5);
        }
        int nextGroup = x.groupedStep();
        int g0 = group + pair / 2 * nextGroup + pair % 2 * 2;
        int g1 = group + (pair + 1) / 2 * nextGroup + (pair + 1) % 2 * 2;
        int g2 = group + (pair + 2) / 2 * nextGroup + pair % 2 * 2;
        int to = to0 + six * 6 * ROWS;
        FloatVector w0 = FloatVector.fromArray(F, scales, run);
        FloatVector w1 = FloatVector.fromArray(F, scales, run + L);
        FloatVector s = FloatVector.broadcast(F, x.groupedScales[g0]);
        s.mul(u0).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v0).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g0 + 1]);
        s.mul(u1).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v1).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g1]);
        s.mul(u2).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v2).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g1 + 1]);
        s.mul(u3).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v3).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g2]);
        s.mul(u4).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v4).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, x.groupedScales[g2 + 1]);
        s.mul(u5).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v5).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
    }

    /**
     * {@link #multiply4} of twelve tokens, for which 32 registers have room. ({@link VectorTiles#multiplyFloats12}, whose tile is a
     * segment, takes a fifth longer for 32 columns, as its bounds are checked at each call.)
     *
     * @param first the block's first column in the first group of four tokens' floats
     * @param group the block's scales of these
     */
    static void multiply12(
            float[] tile, int from, Activations x, int first, int group, float[] scales, int run, float[] y, int to) {
        float[] q = x.floats;
        FloatVector zero = FloatVector.zero(F);
        FloatVector u0 = zero;
        FloatVector v0 = zero;
        FloatVector u1 = zero;
        FloatVector v1 = zero;
        FloatVector u2 = zero;
        FloatVector v2 = zero;
        FloatVector u3 = zero;
        FloatVector v3 = zero;
        FloatVector u4 = zero;
        FloatVector v4 = zero;
        FloatVector u5 = zero;
        FloatVector v5 = zero;
        FloatVector u6 = zero;
        FloatVector v6 = zero;
        FloatVector u7 = zero;
        FloatVector v7 = zero;
        FloatVector u8 = zero;
        FloatVector v8 = zero;
        FloatVector u9 = zero;
        FloatVector v9 = zero;
        FloatVector u10 = zero;
        FloatVector v10 = zero;
        FloatVector u11 = zero;
        FloatVector v11 = zero;
        for (int i = 0; i < BLOCK * TOKENS; i += TOKENS) {
            int o = from + i * (COLUMN_FLOATS / TOKENS);
            int at = first + i;
            FloatVector c = FloatVector.fromArray(F, tile, o);
            FloatVector d = FloatVector.fromArray(F, tile, o + L);
            FloatVector a = FloatVector.broadcast(F, q[at]);
            u0 = c.fma(a, u0);
            v0 = d.fma(a, v0);
            a = FloatVector.broadcast(F, q[at + 1]);
            u1 = c.fma(a, u1);
            v1 = d.fma(a, v1);
            a = FloatVector.broadcast(F, q[at + 2]);
            u2 = c.fma(a, u2);
            v2 = d.fma(a, v2);
            a = FloatVector.broadcast(F, q[at + 3]);
            u3 = c.fma(a, u3);
            v3 = d.fma(a, v3);
            a = FloatVector.broadcast(F, q[at + GROUP_FLOATS]);
            u4 = c.fma(a, u4);
            v4 = d.fma(a, v4);
            a = FloatVector.broadcast(F, q[at + GROUP_FLOATS + 1]);
            u5 = c.fma(a, u5);
            v5 = d.fma(a, v5);
            a = FloatVector.broadcast(F, q[at + GROUP_FLOATS + 2]);
            u6 = c.fma(a, u6);
            v6 = d.fma(a, v6);
            a = FloatVector.broadcast(F, q[at + GROUP_FLOATS + 3]);
            u7 = c.fma(a, u7);
            v7 = d.fma(a, v7);
            a = FloatVector.broadcast(F, q[at + 2 * GROUP_FLOATS]);
            u8 = c.fma(a, u8);
            v8 = d.fma(a, v8);
            a = FloatVector.broadcast(F, q[at + 2 * GROUP_FLOATS + 1]);
            u9 = c.fma(a, u9);
            v9 = d.fma(a, v9);
            a = FloatVector.broadcast(F, q[at + 2 * GROUP_FLOATS + 2]);
            u10 = c.fma(a, u10);
            v10 = d.fma(a, v10);
            a = FloatVector.broadcast(F, q[at + 2 * GROUP_FLOATS + 3]);
            u11 = c.fma(a, u11);
            v11 = d.fma(a, v11);
        }
        float[] tokenScales = x.groupedScales;
        int step = x.groupedStep();
        int g = group;
        FloatVector w0 = FloatVector.fromArray(F, scales, run);
        FloatVector w1 = FloatVector.fromArray(F, scales, run + L);
        FloatVector s = FloatVector.broadcast(F, tokenScales[g]);
        s.mul(u0).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v0).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 1]);
        s.mul(u1).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v1).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 2]);
        s.mul(u2).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v2).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 3]);
        s.mul(u3).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v3).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        g += step;
        s = FloatVector.broadcast(F, tokenScales[g]);
        s.mul(u4).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v4).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 1]);
        s.mul(u5).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v5).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 2]);
        s.mul(u6).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v6).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 3]);
        s.mul(u7).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v7).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        g += step;
        s = FloatVector.broadcast(F, tokenScales[g]);
        s.mul(u8).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v8).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 1]);
        s.mul(u9).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v9).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 2]);
        s.mul(u10).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v10).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
        to += ROWS;
        s = FloatVector.broadcast(F, tokenScales[g + 3]);
        s.mul(u11).fma(w0, FloatVector.fromArray(F, y, to)).intoArray(y, to);
        s.mul(v11).fma(w1, FloatVector.fromArray(F, y, to + L)).intoArray(y, to + L);
    }
}
