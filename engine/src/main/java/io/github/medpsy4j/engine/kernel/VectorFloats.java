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
import jdk.incubator.vector.VectorSpecies;

/** The loops of {@link FloatPanels} and of {@link Bf16Matrix}'s tiles. {@link VectorPanels} says why they are written so. */
final class VectorFloats {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> S = ShortVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final int L = VectorPanels.L;
    private static final int ROWS = VectorPanels.ROWS;
    private static final int VECTORS = ROWS / L;
    private static final int VECTOR_BYTES = I.vectorByteSize();
    /** From a column of half a tile to the next. */
    private static final int COLUMN_BYTES = StripMatrix.HALF_ROWS * Float.BYTES;

    /** From a tile's first half of rows to its second. */
    private static final int HALF_BYTES = StripMatrix.HALF_TILE_BYTES;

    private static final int INTS = PanelMatrix.INTS;
    private static final int GROUP = Activations.GROUP;
    private static final int GROUP_FLOATS = Activations.GROUP_FLOATS;

    /** The eight bits that make a float 256 + u. */
    private static final int BYTE = 0x007f8000;

    /** An int's upper half. */
    private static final int UPPER = 0xffff0000;

    private static final int FLOAT_256 = Float.floatToRawIntBits(256);

    private VectorFloats() {}

    // ---- One token: y[rows] += Σ w·x over blocks, the first of which is column {@code from} of x ----

    /**
     * Five or six bits.
     *
     * @param bits of a weight beyond its low nibble
     * @param log words of eight columns that share a scale: 1 for two of them, 2 for four
     */
    static void bytes(
            MemorySegment packed,
            long at,
            long stream,
            int bits,
            int log,
            int blocks,
            float[] x,
            int from,
            float[] scales,
            float[] centres,
            float[] y,
            int to) {
        MemorySegment w = VectorPanels.exact(packed);
        int fieldsLog = Integer.numberOfTrailingZeros(4 / bits);
        int within = 4 / bits - 1;
        long blockBytes = (INTS + bits) * (long) VECTOR_BYTES;
        IntVector mask = IntVector.broadcast(I, 0x10101010 * ((1 << bits) - 1));
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int word = 0; word < blocks * INTS; word++) {
            int run = (word >> log) * ROWS;
            int column = from + 8 * word;
            long block = at + (word >> 2) * blockBytes;
            long o = block + (word & 3) * (long) VECTOR_BYTES;
            long p = block + (INTS + ((word & 3) >> fieldsLog)) * (long) VECTOR_BYTES;
            // A shift by a vector of counts is one instruction, by a number that is no constant two.
            IntVector shift = IntVector.broadcast(I, (word & within) * bits);
            FloatVector b0 = FloatVector.broadcast(F, x[column]);
            FloatVector b1 = FloatVector.broadcast(F, x[column + 1]);
            FloatVector b2 = FloatVector.broadcast(F, x[column + 2]);
            FloatVector b3 = FloatVector.broadcast(F, x[column + 3]);
            FloatVector b4 = FloatVector.broadcast(F, x[column + 4]);
            FloatVector b5 = FloatVector.broadcast(F, x[column + 5]);
            FloatVector b6 = FloatVector.broadcast(F, x[column + 6]);
            FloatVector b7 = FloatVector.broadcast(F, x[column + 7]);
            FloatVector scale = FloatVector.fromArray(F, scales, run);
            FloatVector centre = FloatVector.fromArray(F, centres, run);
            IntVector n = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector h = IntVector.fromMemorySegment(I, w, p, LE).lanewise(LSHR, shift);
            IntVector u = n.and(0x0f0f0f0f).or(h.lanewise(LSHL, 4).and(mask));
            IntVector c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a0);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a0);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a0);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a0);
            u = n.lanewise(LSHR, 4).and(0x0f0f0f0f).or(h.and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a0);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a0);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a0);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a0);
            scale = FloatVector.fromArray(F, scales, run + L);
            centre = FloatVector.fromArray(F, centres, run + L);
            n = IntVector.fromMemorySegment(I, w, o + stream, LE);
            h = IntVector.fromMemorySegment(I, w, p + stream, LE).lanewise(LSHR, shift);
            u = n.and(0x0f0f0f0f).or(h.lanewise(LSHL, 4).and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a1);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a1);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a1);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a1);
            u = n.lanewise(LSHR, 4).and(0x0f0f0f0f).or(h.and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a1);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a1);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a1);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a1);
            scale = FloatVector.fromArray(F, scales, run + 2 * L);
            centre = FloatVector.fromArray(F, centres, run + 2 * L);
            n = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE);
            h = IntVector.fromMemorySegment(I, w, p + 2 * stream, LE).lanewise(LSHR, shift);
            u = n.and(0x0f0f0f0f).or(h.lanewise(LSHL, 4).and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a2);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a2);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a2);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a2);
            u = n.lanewise(LSHR, 4).and(0x0f0f0f0f).or(h.and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a2);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a2);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a2);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a2);
            scale = FloatVector.fromArray(F, scales, run + 3 * L);
            centre = FloatVector.fromArray(F, centres, run + 3 * L);
            n = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE);
            h = IntVector.fromMemorySegment(I, w, p + 3 * stream, LE).lanewise(LSHR, shift);
            u = n.and(0x0f0f0f0f).or(h.lanewise(LSHL, 4).and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a3);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a3);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a3);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a3);
            u = n.lanewise(LSHR, 4).and(0x0f0f0f0f).or(h.and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a3);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a3);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a3);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a3);
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /** Eight bits. */
    static void eightBits(
            MemorySegment packed,
            long at,
            long stream,
            int blocks,
            float[] x,
            int from,
            float[] scales,
            float[] centres,
            float[] y,
            int to) {
        MemorySegment w = VectorPanels.exact(packed);
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int i = 0; i < blocks * INTS; i++) {
            int run = i / INTS * ROWS;
            int column = from + 8 * i;
            long o = at + i * (2L * VECTOR_BYTES);
            FloatVector b0 = FloatVector.broadcast(F, x[column]);
            FloatVector b1 = FloatVector.broadcast(F, x[column + 1]);
            FloatVector b2 = FloatVector.broadcast(F, x[column + 2]);
            FloatVector b3 = FloatVector.broadcast(F, x[column + 3]);
            FloatVector b4 = FloatVector.broadcast(F, x[column + 4]);
            FloatVector b5 = FloatVector.broadcast(F, x[column + 5]);
            FloatVector b6 = FloatVector.broadcast(F, x[column + 6]);
            FloatVector b7 = FloatVector.broadcast(F, x[column + 7]);
            FloatVector scale = FloatVector.fromArray(F, scales, run);
            FloatVector centre = FloatVector.fromArray(F, centres, run);
            IntVector u = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a0);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a0);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a0);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a0);
            u = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a0);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a0);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a0);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a0 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a0);
            scale = FloatVector.fromArray(F, scales, run + L);
            centre = FloatVector.fromArray(F, centres, run + L);
            u = IntVector.fromMemorySegment(I, w, o + stream, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a1);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a1);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a1);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a1);
            u = IntVector.fromMemorySegment(I, w, o + stream + VECTOR_BYTES, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a1);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a1);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a1);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a1 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a1);
            scale = FloatVector.fromArray(F, scales, run + 2 * L);
            centre = FloatVector.fromArray(F, centres, run + 2 * L);
            u = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a2);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a2);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a2);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a2);
            u = IntVector.fromMemorySegment(I, w, o + 2 * stream + VECTOR_BYTES, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a2);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a2);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a2);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a2 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a2);
            scale = FloatVector.fromArray(F, scales, run + 3 * L);
            centre = FloatVector.fromArray(F, centres, run + 3 * L);
            u = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b0, a3);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b1, a3);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b2, a3);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b3, a3);
            u = IntVector.fromMemorySegment(I, w, o + 3 * stream + VECTOR_BYTES, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b4, a3);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b5, a3);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b6, a3);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            a3 = c.reinterpretAsFloats().fma(scale, centre).fma(b7, a3);
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /**
     * Weights that are looked up.
     *
     * @param table 16 numbers as BF16, and the same again
     * @param log words of eight columns that share a scale: 1 for two of them, 2 for four
     */
    static void lookedUp(
            MemorySegment packed,
            long at,
            long stream,
            short[] table,
            int log,
            int blocks,
            float[] x,
            int from,
            float[] scales,
            float[] y,
            int to) {
        MemorySegment w = VectorPanels.exact(packed);
        // Two nibbles of an int are looked up at once, one in each half. They need no mask: the lowest bit of its upper
        // neighbour says in which of two equal tables. What is found is the upper half of a float.
        ShortVector t = ShortVector.fromArray(S, table, 0);
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int word = 0; word < blocks * INTS; word++) {
            int run = (word >> log) * ROWS;
            int column = from + 8 * word;
            long o = at + word * (long) VECTOR_BYTES;
            FloatVector b0 = FloatVector.broadcast(F, x[column]);
            FloatVector b1 = FloatVector.broadcast(F, x[column + 1]);
            FloatVector b2 = FloatVector.broadcast(F, x[column + 2]);
            FloatVector b3 = FloatVector.broadcast(F, x[column + 3]);
            FloatVector b4 = FloatVector.broadcast(F, x[column + 4]);
            FloatVector b5 = FloatVector.broadcast(F, x[column + 5]);
            FloatVector b6 = FloatVector.broadcast(F, x[column + 6]);
            FloatVector b7 = FloatVector.broadcast(F, x[column + 7]);
            FloatVector scale = FloatVector.fromArray(F, scales, run);
            IntVector n = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector c = n.reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            IntVector d =
                    n.lanewise(LSHR, 8).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a0 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b0, a0);
            a0 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b1, a0);
            a0 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b2, a0);
            a0 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b3, a0);
            c = n.lanewise(LSHR, 4).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            d = n.lanewise(LSHR, 12).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a0 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b4, a0);
            a0 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b5, a0);
            a0 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b6, a0);
            a0 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b7, a0);
            scale = FloatVector.fromArray(F, scales, run + L);
            n = IntVector.fromMemorySegment(I, w, o + stream, LE);
            c = n.reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            d = n.lanewise(LSHR, 8).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a1 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b0, a1);
            a1 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b1, a1);
            a1 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b2, a1);
            a1 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b3, a1);
            c = n.lanewise(LSHR, 4).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            d = n.lanewise(LSHR, 12).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a1 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b4, a1);
            a1 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b5, a1);
            a1 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b6, a1);
            a1 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b7, a1);
            scale = FloatVector.fromArray(F, scales, run + 2 * L);
            n = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE);
            c = n.reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            d = n.lanewise(LSHR, 8).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a2 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b0, a2);
            a2 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b1, a2);
            a2 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b2, a2);
            a2 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b3, a2);
            c = n.lanewise(LSHR, 4).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            d = n.lanewise(LSHR, 12).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a2 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b4, a2);
            a2 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b5, a2);
            a2 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b6, a2);
            a2 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b7, a2);
            scale = FloatVector.fromArray(F, scales, run + 3 * L);
            n = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE);
            c = n.reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            d = n.lanewise(LSHR, 8).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a3 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b0, a3);
            a3 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b1, a3);
            a3 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b2, a3);
            a3 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b3, a3);
            c = n.lanewise(LSHR, 4).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            d = n.lanewise(LSHR, 12).reinterpretAsShorts().selectFrom(t).reinterpretAsInts();
            a3 = c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b4, a3);
            a3 = d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).fma(b5, a3);
            a3 = c.and(UPPER).reinterpretAsFloats().mul(scale).fma(b6, a3);
            a3 = d.and(UPPER).reinterpretAsFloats().mul(scale).fma(b7, a3);
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /** Eight bits, signed: without the constants and the centre that {@link #eightBits} keeps in registers. */
    static void signedBytes(
            MemorySegment packed,
            long at,
            long stream,
            int blocks,
            float[] x,
            int from,
            float[] scales,
            float[] y,
            int to) {
        MemorySegment w = VectorPanels.exact(packed);
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int i = 0; i < blocks * (2 * INTS); i++) {
            int run = i / (2 * INTS) * ROWS;
            int column = from + 4 * i;
            long o = at + i * (long) VECTOR_BYTES;
            IntVector u0 = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector u1 = IntVector.fromMemorySegment(I, w, o + stream, LE);
            IntVector u2 = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE);
            IntVector u3 = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE);
            FloatVector b = FloatVector.broadcast(F, x[column]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            b = FloatVector.broadcast(F, x[column + 1]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            b = FloatVector.broadcast(F, x[column + 2]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            b = FloatVector.broadcast(F, x[column + 3]);
            a0 = ((FloatVector) u0.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /**
     * Weights that are looked up as signed bytes.
     *
     * @param table a vector of bytes, of 16 that are repeated: an index needs no mask
     * @param log words of eight columns that share a scale: 1 for two of them, 2 for four
     */
    static void lookedUpBytes(
            MemorySegment packed,
            long at,
            long stream,
            byte[] table,
            int log,
            int blocks,
            float[] x,
            int from,
            float[] scales,
            float[] y,
            int to) {
        MemorySegment w = VectorPanels.exact(packed);
        ByteVector t = ByteVector.fromArray(B, table, 0);
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int word = 0; word < blocks * INTS; word++) {
            int run = (word >> log) * ROWS;
            int column = from + 8 * word;
            long o = at + word * (long) VECTOR_BYTES;
            IntVector u0 = IntVector.fromMemorySegment(I, w, o, LE)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            IntVector u1 = IntVector.fromMemorySegment(I, w, o + stream, LE)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            IntVector u2 = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            IntVector u3 = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            FloatVector b = FloatVector.broadcast(F, x[column]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            b = FloatVector.broadcast(F, x[column + 1]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            b = FloatVector.broadcast(F, x[column + 2]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            b = FloatVector.broadcast(F, x[column + 3]);
            a0 = ((FloatVector) u0.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            u0 = IntVector.fromMemorySegment(I, w, o, LE)
                    .lanewise(LSHR, 4)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            u1 = IntVector.fromMemorySegment(I, w, o + stream, LE)
                    .lanewise(LSHR, 4)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            u2 = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE)
                    .lanewise(LSHR, 4)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            u3 = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE)
                    .lanewise(LSHR, 4)
                    .reinterpretAsBytes()
                    .selectFrom(t)
                    .reinterpretAsInts();
            b = FloatVector.broadcast(F, x[column + 4]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            b = FloatVector.broadcast(F, x[column + 5]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            b = FloatVector.broadcast(F, x[column + 6]);
            a0 = ((FloatVector) u0.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
            if (VectorPanels.FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
            b = FloatVector.broadcast(F, x[column + 7]);
            a0 = ((FloatVector) u0.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run))
                    .fma(b, a0);
            a1 = ((FloatVector) u1.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + L))
                    .fma(b, a1);
            a2 = ((FloatVector) u2.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 2 * L))
                    .fma(b, a2);
            a3 = ((FloatVector) u3.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(FloatVector.fromArray(F, scales, run + 3 * L))
                    .fma(b, a3);
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    // ---- Several tokens ----

    /**
     * A block of five or six bits to a tile of floats, [half][column][rows].
     *
     * @param run the block's first scales and centres
     */
    static void unpackBytes(
            MemorySegment packed,
            long at,
            long stream,
            int bits,
            int log,
            float[] scales,
            float[] centres,
            int run,
            MemorySegment tile,
            long to0) {
        MemorySegment w = VectorPanels.exact(packed);
        MemorySegment t = VectorPanels.exact(tile);
        int fieldsLog = Integer.numberOfTrailingZeros(4 / bits);
        int within = 4 / bits - 1;
        IntVector mask = IntVector.broadcast(I, 0x10101010 * ((1 << bits) - 1));
        for (int i = 0; i < INTS * VECTORS; i++) {
            int word = i / VECTORS;
            int v = i % VECTORS;
            long to = to0 + word * (8L * COLUMN_BYTES) + v / 2 * HALF_BYTES + v % 2 * (long) VECTOR_BYTES;
            int r = run + (word >> log) * ROWS + v * L;
            long o = at + v * stream;
            FloatVector scale = FloatVector.fromArray(F, scales, r);
            FloatVector centre = FloatVector.fromArray(F, centres, r);
            IntVector n = IntVector.fromMemorySegment(I, w, o + word * (long) VECTOR_BYTES, LE);
            IntVector h = IntVector.fromMemorySegment(I, w, o + (INTS + (word >> fieldsLog)) * (long) VECTOR_BYTES, LE)
                    .lanewise(LSHR, IntVector.broadcast(I, (word & within) * bits));
            IntVector u = n.and(0x0f0f0f0f).or(h.lanewise(LSHL, 4).and(mask));
            IntVector c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to, LE);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 2 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 3 * COLUMN_BYTES, LE);
            u = n.lanewise(LSHR, 4).and(0x0f0f0f0f).or(h.and(mask));
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 4 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 5 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 6 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 7 * COLUMN_BYTES, LE);
        }
    }

    /** A block of eight bits to a tile. */
    static void unpackEightBits(
            MemorySegment packed,
            long at,
            long stream,
            float[] scales,
            float[] centres,
            int run,
            MemorySegment tile,
            long to0) {
        MemorySegment w = VectorPanels.exact(packed);
        MemorySegment t = VectorPanels.exact(tile);
        for (int i = 0; i < INTS * VECTORS; i++) {
            int v = i % VECTORS;
            long to = to0 + i / VECTORS * (8L * COLUMN_BYTES) + v / 2 * HALF_BYTES + v % 2 * (long) VECTOR_BYTES;
            long o = at + v * stream + i / VECTORS * (2L * VECTOR_BYTES);
            FloatVector scale = FloatVector.fromArray(F, scales, run + v * L);
            FloatVector centre = FloatVector.fromArray(F, centres, run + v * L);
            IntVector u = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to, LE);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 2 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 3 * COLUMN_BYTES, LE);
            u = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            c = u.lanewise(LSHL, 15).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 4 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHL, 7).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 5 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 1).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 6 * COLUMN_BYTES, LE);
            c = u.lanewise(LSHR, 9).and(BYTE).or(FLOAT_256);
            c.reinterpretAsFloats().fma(scale, centre).intoMemorySegment(t, to + 7 * COLUMN_BYTES, LE);
        }
    }

    /** A block of weights that are looked up to a tile. */
    static void unpackLookedUp(
            MemorySegment packed,
            long at,
            long stream,
            short[] table,
            int log,
            float[] scales,
            int run,
            MemorySegment tile,
            long to0) {
        MemorySegment w = VectorPanels.exact(packed);
        MemorySegment t = VectorPanels.exact(tile);
        ShortVector lookUp = ShortVector.fromArray(S, table, 0);
        for (int i = 0; i < INTS * VECTORS; i++) {
            int word = i / VECTORS;
            int v = i % VECTORS;
            long to = to0 + word * (8L * COLUMN_BYTES) + v / 2 * HALF_BYTES + v % 2 * (long) VECTOR_BYTES;
            FloatVector scale = FloatVector.fromArray(F, scales, run + (word >> log) * ROWS + v * L);
            IntVector n = IntVector.fromMemorySegment(I, w, at + v * stream + word * (long) VECTOR_BYTES, LE);
            IntVector c = n.reinterpretAsShorts().selectFrom(lookUp).reinterpretAsInts();
            IntVector d =
                    n.lanewise(LSHR, 8).reinterpretAsShorts().selectFrom(lookUp).reinterpretAsInts();
            c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to, LE);
            d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + COLUMN_BYTES, LE);
            c.and(UPPER).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 2 * COLUMN_BYTES, LE);
            d.and(UPPER).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 3 * COLUMN_BYTES, LE);
            c = n.lanewise(LSHR, 4).reinterpretAsShorts().selectFrom(lookUp).reinterpretAsInts();
            d = n.lanewise(LSHR, 12).reinterpretAsShorts().selectFrom(lookUp).reinterpretAsInts();
            c.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 4 * COLUMN_BYTES, LE);
            d.lanewise(LSHL, 16).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 5 * COLUMN_BYTES, LE);
            c.and(UPPER).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 6 * COLUMN_BYTES, LE);
            d.and(UPPER).reinterpretAsFloats().mul(scale).intoMemorySegment(t, to + 7 * COLUMN_BYTES, LE);
        }
    }

    /** A block of eight bits, signed, to a tile. */
    static void unpackSignedBytes(
            MemorySegment packed, long at, long stream, float[] scales, int run, MemorySegment tile, long to0) {
        MemorySegment w = VectorPanels.exact(packed);
        MemorySegment t = VectorPanels.exact(tile);
        for (int i = 0; i < 2 * INTS * VECTORS; i++) {
            int v = i % VECTORS;
            long to = to0 + i / VECTORS * (4L * COLUMN_BYTES) + v / 2 * HALF_BYTES + v % 2 * (long) VECTOR_BYTES;
            FloatVector scale = FloatVector.fromArray(F, scales, run + v * L);
            IntVector u = IntVector.fromMemorySegment(I, w, at + v * stream + i / VECTORS * (long) VECTOR_BYTES, LE);
            ((FloatVector) u.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to, LE);
            ((FloatVector) u.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + COLUMN_BYTES, LE);
            ((FloatVector) u.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 2 * COLUMN_BYTES, LE);
            ((FloatVector) u.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 3 * COLUMN_BYTES, LE);
        }
    }

    /** A block of weights that are looked up as signed bytes to a tile. */
    static void unpackLookedUpBytes(
            MemorySegment packed,
            long at,
            long stream,
            byte[] table,
            int log,
            float[] scales,
            int run,
            MemorySegment tile,
            long to0) {
        MemorySegment w = VectorPanels.exact(packed);
        MemorySegment t = VectorPanels.exact(tile);
        ByteVector lookUp = ByteVector.fromArray(B, table, 0);
        for (int i = 0; i < INTS * VECTORS; i++) {
            int word = i / VECTORS;
            int v = i % VECTORS;
            long to = to0 + word * (8L * COLUMN_BYTES) + v / 2 * HALF_BYTES + v % 2 * (long) VECTOR_BYTES;
            FloatVector scale = FloatVector.fromArray(F, scales, run + (word >> log) * ROWS + v * L);
            IntVector n = IntVector.fromMemorySegment(I, w, at + v * stream + word * (long) VECTOR_BYTES, LE);
            IntVector u = n.reinterpretAsBytes().selectFrom(lookUp).reinterpretAsInts();
            ((FloatVector) u.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to, LE);
            ((FloatVector) u.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + COLUMN_BYTES, LE);
            ((FloatVector) u.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 2 * COLUMN_BYTES, LE);
            ((FloatVector) u.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 3 * COLUMN_BYTES, LE);
            u = n.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(lookUp).reinterpretAsInts();
            ((FloatVector) u.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 4 * COLUMN_BYTES, LE);
            ((FloatVector) u.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 5 * COLUMN_BYTES, LE);
            ((FloatVector) u.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 6 * COLUMN_BYTES, LE);
            ((FloatVector) u.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .intoMemorySegment(t, to + 7 * COLUMN_BYTES, LE);
        }
    }

    /**
     * Four tokens and two vectors of a tile's rows: y[token][rows] += Σ w·x over columns of one span of the activations.
     *
     * @param from the first column's weights of these rows
     * @param x {@link Activations#grouped}, from {@code at0} on
     */
    static void multiply4(MemorySegment tile, long from, int columns, float[] x, int at0, float[] y, int to0) {
        MemorySegment w = VectorPanels.exact(tile);
        int to = to0;
        FloatVector u0 = FloatVector.fromArray(F, y, to);
        FloatVector v0 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u1 = FloatVector.fromArray(F, y, to);
        FloatVector v1 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u2 = FloatVector.fromArray(F, y, to);
        FloatVector v2 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u3 = FloatVector.fromArray(F, y, to);
        FloatVector v3 = FloatVector.fromArray(F, y, to + L);
        for (int i = 0; i < columns * GROUP; i += GROUP) { // counted so, addresses take fewer instructions
            long o = from + i * (long) (COLUMN_BYTES / GROUP);
            int at = at0 + i;
            FloatVector c = FloatVector.fromMemorySegment(F, w, o, LE);
            FloatVector d = FloatVector.fromMemorySegment(F, w, o + VECTOR_BYTES, LE);
            FloatVector b = FloatVector.broadcast(F, x[at]);
            u0 = c.fma(b, u0);
            v0 = d.fma(b, v0);
            b = FloatVector.broadcast(F, x[at + 1]);
            u1 = c.fma(b, u1);
            v1 = d.fma(b, v1);
            b = FloatVector.broadcast(F, x[at + 2]);
            u2 = c.fma(b, u2);
            v2 = d.fma(b, v2);
            b = FloatVector.broadcast(F, x[at + 3]);
            u3 = c.fma(b, u3);
            v3 = d.fma(b, v3);
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
    }

    /** {@link #multiply4} of twelve tokens: a vector of weights serves twelve products. */
    static void multiply12(MemorySegment tile, long from, int columns, float[] x, int at0, float[] y, int to0) {
        MemorySegment w = VectorPanels.exact(tile);
        int to = to0;
        FloatVector u0 = FloatVector.fromArray(F, y, to);
        FloatVector v0 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u1 = FloatVector.fromArray(F, y, to);
        FloatVector v1 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u2 = FloatVector.fromArray(F, y, to);
        FloatVector v2 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u3 = FloatVector.fromArray(F, y, to);
        FloatVector v3 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u4 = FloatVector.fromArray(F, y, to);
        FloatVector v4 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u5 = FloatVector.fromArray(F, y, to);
        FloatVector v5 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u6 = FloatVector.fromArray(F, y, to);
        FloatVector v6 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u7 = FloatVector.fromArray(F, y, to);
        FloatVector v7 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u8 = FloatVector.fromArray(F, y, to);
        FloatVector v8 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u9 = FloatVector.fromArray(F, y, to);
        FloatVector v9 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u10 = FloatVector.fromArray(F, y, to);
        FloatVector v10 = FloatVector.fromArray(F, y, to + L);
        to += ROWS;
        FloatVector u11 = FloatVector.fromArray(F, y, to);
        FloatVector v11 = FloatVector.fromArray(F, y, to + L);
        for (int i = 0; i < columns * GROUP; i += GROUP) { // counted so, addresses take fewer instructions
            long o = from + i * (long) (COLUMN_BYTES / GROUP);
            int at = at0 + i;
            FloatVector c = FloatVector.fromMemorySegment(F, w, o, LE);
            FloatVector d = FloatVector.fromMemorySegment(F, w, o + VECTOR_BYTES, LE);
            FloatVector b = FloatVector.broadcast(F, x[at]);
            u0 = c.fma(b, u0);
            v0 = d.fma(b, v0);
            b = FloatVector.broadcast(F, x[at + 1]);
            u1 = c.fma(b, u1);
            v1 = d.fma(b, v1);
            b = FloatVector.broadcast(F, x[at + 2]);
            u2 = c.fma(b, u2);
            v2 = d.fma(b, v2);
            b = FloatVector.broadcast(F, x[at + 3]);
            u3 = c.fma(b, u3);
            v3 = d.fma(b, v3);
            b = FloatVector.broadcast(F, x[at + GROUP_FLOATS]);
            u4 = c.fma(b, u4);
            v4 = d.fma(b, v4);
            b = FloatVector.broadcast(F, x[at + GROUP_FLOATS + 1]);
            u5 = c.fma(b, u5);
            v5 = d.fma(b, v5);
            b = FloatVector.broadcast(F, x[at + GROUP_FLOATS + 2]);
            u6 = c.fma(b, u6);
            v6 = d.fma(b, v6);
            b = FloatVector.broadcast(F, x[at + GROUP_FLOATS + 3]);
            u7 = c.fma(b, u7);
            v7 = d.fma(b, v7);
            b = FloatVector.broadcast(F, x[at + 2 * GROUP_FLOATS]);
            u8 = c.fma(b, u8);
            v8 = d.fma(b, v8);
            b = FloatVector.broadcast(F, x[at + 2 * GROUP_FLOATS + 1]);
            u9 = c.fma(b, u9);
            v9 = d.fma(b, v9);
            b = FloatVector.broadcast(F, x[at + 2 * GROUP_FLOATS + 2]);
            u10 = c.fma(b, u10);
            v10 = d.fma(b, v10);
            b = FloatVector.broadcast(F, x[at + 2 * GROUP_FLOATS + 3]);
            u11 = c.fma(b, u11);
            v11 = d.fma(b, v11);
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
}
