package io.github.medpsy4j.engine.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
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
 * <p>C2 schedules all independent work of a loop's body as early as it can and then spills registers: the fences keep
 * it to half of the body. After one, bounds of memory segments are checked again, those of arrays are not. Bodies are kept small, which also brings them to C2 soon; one shared by way of a method
 * would not be inlined (C2 has a budget of nodes).
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

    /** The lowest nibbles of both shorts of an int. */
    private static final int PAIR = 0x000f000f;

    /** Halves as floats times 2^-112: the exponent's bias is corrected by this factor. */
    private static final float HALF_TO_FLOAT = 0x1p112f;

    /** Keeps a half's sign at the top and its exponent and mantissa where a float has them. */
    private static final int HALF_MASK = 0x8fffe000;

    /** Floats of a strip's factors. */
    static final int FACTORS = PanelMatrix.UNIT_BLOCKS_MAX / 8 * 2 * L;

    private static final boolean FENCES_ARE_FREE = System.getProperty("os.arch").equals("amd64")
            || System.getProperty("os.arch").equals("x86_64");

    private VectorPanels() {}

    /** Keeps C2 from moving loads before this place: no instruction on x86, one that costs elsewhere. */
    private static void fence() {
        if (FENCES_ARE_FREE) {
            VarHandle.acquireFence();
        }
    }

    // ---- Headers: scales[run][rows] and centres[run][rows] of one strip, as floats ----

    /** The lower halves of ints as floats. Exact for finite halves, the only ones packed. */
    private static FloatVector low(IntVector halves) {
        return halves.lanewise(LSHL, 16)
                .lanewise(ASHR, 3)
                .and(HALF_MASK)
                .reinterpretAsFloats()
                .mul(HALF_TO_FLOAT);
    }

    /** The upper halves. */
    private static FloatVector high(IntVector halves) {
        return halves.and(0xffff0000)
                .lanewise(ASHR, 3)
                .and(HALF_MASK)
                .reinterpretAsFloats()
                .mul(HALF_TO_FLOAT);
    }

    /** A scale for each block and no centre: w = d·c. */
    static void headerScales(MemorySegment w, long at, int blocks, float[] scales, int to) {
        for (int b = 0; b < blocks; b++) {
            IntVector pair = IntVector.fromMemorySegment(I, w, at + (b >> 1) * (long) VECTOR_BYTES, LE);
            low(pair.lanewise(LSHR, (b & 1) * 16)).intoArray(scales, to + b * ROWS);
        }
    }

    /** w = d·u + m = d·(u - bias) + (bias·d + m) for an unsigned u. */
    static void headerOffsets(
            MemorySegment w, long at, int blocks, float bias, float[] scales, float[] centres, int to) {
        for (int b = 0; b < blocks; b++) {
            IntVector halves = IntVector.fromMemorySegment(I, w, at + b * (long) VECTOR_BYTES, LE);
            FloatVector d = low(halves);
            d.intoArray(scales, to + b * ROWS);
            d.mul(bias).add(high(halves)).intoArray(centres, to + b * ROWS);
        }
    }

    /** w = d·scale·u - dmin·min = d·scale·(u - bias) + (bias·d·scale - dmin·min). All products are exact. */
    static void headerMinima(
            MemorySegment w, long at, int groups, float bias, float[] scales, float[] centres, int to0) {
        for (int g = 0; g < groups; g++) {
            long o = at + g * (5L * VECTOR_BYTES);
            int to = to0 + g * 8 * ROWS;
            IntVector halves = IntVector.fromMemorySegment(I, w, o, LE);
            FloatVector d = low(halves);
            FloatVector dmin = high(halves).neg();
            FloatVector scale;
            IntVector fields;
            fields = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            scale = d.mul((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to);
            scale.mul(bias)
                    .add(dmin.mul(
                            (FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to);
            scale = d.mul((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 2 * VECTOR_BYTES, LE);
            scale = d.mul((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 2 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul(
                            (FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 2 * ROWS);
            scale = d.mul((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 3 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 3 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 3 * VECTOR_BYTES, LE);
            scale = d.mul((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 4 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul(
                            (FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 4 * ROWS);
            scale = d.mul((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 5 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 5 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 4 * VECTOR_BYTES, LE);
            scale = d.mul((FloatVector) fields.and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 6 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul(
                            (FloatVector) fields.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 6 * ROWS);
            scale = d.mul((FloatVector) fields.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 7 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector) fields.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 7 * ROWS);
        }
    }

    /** w = d·scale·c with 16 signed scales. */
    static void headerSixBits(MemorySegment w, long at, int groups, float[] scales, int to0) {
        for (int g = 0; g < groups; g++) {
            long o = at + g * (5L * VECTOR_BYTES);
            int to = to0 + g * 16 * ROWS;
            FloatVector d = low(IntVector.fromMemorySegment(I, w, o, LE));
            IntVector fields;
            fields = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            d.mul((FloatVector) fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to);
            d.mul((FloatVector) fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 2 * ROWS);
            d.mul((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 3 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 2 * VECTOR_BYTES, LE);
            d.mul((FloatVector) fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 4 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 5 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 6 * ROWS);
            d.mul((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 7 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 3 * VECTOR_BYTES, LE);
            d.mul((FloatVector) fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 8 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 9 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 10 * ROWS);
            d.mul((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 11 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 4 * VECTOR_BYTES, LE);
            d.mul((FloatVector) fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 12 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 13 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 14 * ROWS);
            d.mul((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 15 * ROWS);
        }
    }

    /** d and -dmin of each 256 columns: factors[group][2][lanes]. */
    static void headerFactors(MemorySegment w, long at, int groups, float[] factors, int to) {
        for (int g = 0; g < groups; g++) {
            IntVector halves = IntVector.fromMemorySegment(I, w, at + g * (5L * VECTOR_BYTES), LE);
            low(halves).intoArray(factors, to + 2 * g * L);
            high(halves).neg().intoArray(factors, to + (2 * g + 1) * L);
        }
    }

    // ---- One token. products[half block][rows] = Σ n·q of 16 columns in two shorts, modulo 2^16 both together. ----

    /** @param at the first block's index in the activations */
    static void nibbleProducts(
            MemorySegment w, long plane, long stream, int halfBlocks, Activations x, int at, int[] products) {
        int[] multipliers = x.multipliers;
        int first = at * (INTS * SHIFTS);
        for (int h = 0; h < halfBlocks; h++) {
            long o = plane + h * (2L * VECTOR_BYTES);
            ShortVector m0 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS)])
                    .reinterpretAsShorts();
            ShortVector m1 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 1])
                    .reinterpretAsShorts();
            ShortVector m2 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 2])
                    .reinterpretAsShorts();
            ShortVector m3 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 3])
                    .reinterpretAsShorts();
            IntVector v = IntVector.fromMemorySegment(I, w, o, LE);
            ShortVector a0 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, o + stream, LE);
            ShortVector a1 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE);
            ShortVector a2 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE);
            ShortVector a3 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            fence();
            m0 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 4])
                    .reinterpretAsShorts();
            m1 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 5])
                    .reinterpretAsShorts();
            m2 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 6])
                    .reinterpretAsShorts();
            m3 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 7])
                    .reinterpretAsShorts();
            v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            a0 = a0.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + stream, LE);
            a1 = a1.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + 2 * stream, LE);
            a2 = a2.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + 3 * stream, LE);
            a3 = a3.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            a0.reinterpretAsInts().intoArray(products, h * ROWS);
            a1.reinterpretAsInts().intoArray(products, h * ROWS + L);
            a2.reinterpretAsInts().intoArray(products, h * ROWS + 2 * L);
            a3.reinterpretAsInts().intoArray(products, h * ROWS + 3 * L);
        }
    }

    /**
     * The same of a plane of high bits, where one int holds the fields of several ints of nibbles.
     *
     * @param bits of a weight: 1 or 2
     */
    static void highProducts(
            MemorySegment w, long plane, long stream, int bits, int halfBlocks, Activations x, int at, int[] products) {
        int[] multipliers = x.multipliers;
        int first = at * (INTS * SHIFTS);
        int log = 2 - bits;
        IntVector mask = IntVector.broadcast(I, 0x11111111 * ((1 << bits) - 1));
        for (int h = 0; h < halfBlocks; h++) {
            long fields = plane + (h >> log) * (long) VECTOR_BYTES;
            int shift = 2 * (h & log);
            ShortVector m0 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS)])
                    .reinterpretAsShorts();
            ShortVector m1 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 1])
                    .reinterpretAsShorts();
            ShortVector m2 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 2])
                    .reinterpretAsShorts();
            ShortVector m3 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 3])
                    .reinterpretAsShorts();
            IntVector v = IntVector.fromMemorySegment(I, w, fields, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            ShortVector a0 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, fields + stream, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            ShortVector a1 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, fields + 2 * stream, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            ShortVector a2 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, fields + 3 * stream, LE)
                    .lanewise(LSHR, shift)
                    .and(mask);
            ShortVector a3 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
            fence();
            m0 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 4])
                    .reinterpretAsShorts();
            m1 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 5])
                    .reinterpretAsShorts();
            m2 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 6])
                    .reinterpretAsShorts();
            m3 = IntVector.broadcast(I, multipliers[first + h * (2 * SHIFTS) + 7])
                    .reinterpretAsShorts();
            v = IntVector.fromMemorySegment(I, w, fields, LE)
                    .lanewise(LSHR, shift + bits)
                    .and(mask);
            a0 = a0.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            v = IntVector.fromMemorySegment(I, w, fields + stream, LE)
                    .lanewise(LSHR, shift + bits)
                    .and(mask);
            a1 = a1.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            v = IntVector.fromMemorySegment(I, w, fields + 2 * stream, LE)
                    .lanewise(LSHR, shift + bits)
                    .and(mask);
            a2 = a2.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            v = IntVector.fromMemorySegment(I, w, fields + 3 * stream, LE)
                    .lanewise(LSHR, shift + bits)
                    .and(mask);
            a3 = a3.add(v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                    .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
            a0.reinterpretAsInts().intoArray(products, h * ROWS);
            a1.reinterpretAsInts().intoArray(products, h * ROWS + L);
            a2.reinterpretAsInts().intoArray(products, h * ROWS + 2 * L);
            a3.reinterpretAsInts().intoArray(products, h * ROWS + 3 * L);
        }
    }

    // ---- sums[run][rows] = Σ c·q ----

    /** Four bits: Σ (n - 8)·q, at most 8·127·32. */
    static void sumNibbles(int[] products, int blocks, Activations x, int at, int[] sums) {
        int[] starts = x.starts;
        for (int b = 0; b < blocks; b++) {
            int o = 2 * b * ROWS;
            IntVector start = IntVector.broadcast(I, starts[at + b]);
            IntVector t0 = IntVector.fromArray(I, products, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            t0.lanewise(LSHL, 16).add(t0).add(start).lanewise(ASHR, 16).intoArray(sums, b * ROWS);
            IntVector t1 = IntVector.fromArray(I, products, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + ROWS + L).reinterpretAsShorts())
                    .reinterpretAsInts();
            t1.lanewise(LSHL, 16).add(t1).add(start).lanewise(ASHR, 16).intoArray(sums, b * ROWS + L);
            IntVector t2 = IntVector.fromArray(I, products, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + ROWS + 2 * L).reinterpretAsShorts())
                    .reinterpretAsInts();
            t2.lanewise(LSHL, 16).add(t2).add(start).lanewise(ASHR, 16).intoArray(sums, b * ROWS + 2 * L);
            IntVector t3 = IntVector.fromArray(I, products, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, o + ROWS + 3 * L).reinterpretAsShorts())
                    .reinterpretAsInts();
            t3.lanewise(LSHL, 16).add(t3).add(start).lanewise(ASHR, 16).intoArray(sums, b * ROWS + 3 * L);
        }
    }

    /**
     * Five and eight bits: low + 16·high + extra, where low = Σ (n - 8)·q.
     *
     * @param centredHigh -1 where high is Σ (h - 8)·q and extra 8·Σq, 0 where high is Σ h·q and extra -8·Σq
     */
    static void sumPlanes(int[] low, int[] high, int blocks, int centredHigh, Activations x, int at, int[] sums) {
        int[] starts = x.starts;
        for (int b = 0; b < blocks; b++) {
            int o = 2 * b * ROWS;
            int start = starts[at + b]; // -8·Σq shifted left by 16
            IntVector startLow = IntVector.broadcast(I, start);
            IntVector startHigh = IntVector.broadcast(I, start & centredHigh);
            IntVector extra = IntVector.broadcast(I, centredHigh == 0 ? start >> 16 : -(start >> 16));
            IntVector t0 = IntVector.fromArray(I, low, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h0 = IntVector.fromArray(I, high, o)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + ROWS).reinterpretAsShorts())
                    .reinterpretAsInts();
            t0.lanewise(LSHL, 16)
                    .add(t0)
                    .add(startLow)
                    .lanewise(ASHR, 16)
                    .add(h0.lanewise(LSHL, 16)
                            .add(h0)
                            .add(startHigh)
                            .lanewise(ASHR, 16)
                            .lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS);
            IntVector t1 = IntVector.fromArray(I, low, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + ROWS + L).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h1 = IntVector.fromArray(I, high, o + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + ROWS + L).reinterpretAsShorts())
                    .reinterpretAsInts();
            t1.lanewise(LSHL, 16)
                    .add(t1)
                    .add(startLow)
                    .lanewise(ASHR, 16)
                    .add(h1.lanewise(LSHL, 16)
                            .add(h1)
                            .add(startHigh)
                            .lanewise(ASHR, 16)
                            .lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS + L);
            IntVector t2 = IntVector.fromArray(I, low, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + ROWS + 2 * L).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h2 = IntVector.fromArray(I, high, o + 2 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + ROWS + 2 * L).reinterpretAsShorts())
                    .reinterpretAsInts();
            t2.lanewise(LSHL, 16)
                    .add(t2)
                    .add(startLow)
                    .lanewise(ASHR, 16)
                    .add(h2.lanewise(LSHL, 16)
                            .add(h2)
                            .add(startHigh)
                            .lanewise(ASHR, 16)
                            .lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS + 2 * L);
            IntVector t3 = IntVector.fromArray(I, low, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, low, o + ROWS + 3 * L).reinterpretAsShorts())
                    .reinterpretAsInts();
            IntVector h3 = IntVector.fromArray(I, high, o + 3 * L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, high, o + ROWS + 3 * L).reinterpretAsShorts())
                    .reinterpretAsInts();
            t3.lanewise(LSHL, 16)
                    .add(t3)
                    .add(startLow)
                    .lanewise(ASHR, 16)
                    .add(h3.lanewise(LSHL, 16)
                            .add(h3)
                            .add(startHigh)
                            .lanewise(ASHR, 16)
                            .lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS + 3 * L);
        }
    }

    /** Six bits, 16 columns: low + 16·high - 32·Σq, where low = Σ n·q is at most 15·127·16. */
    static void sumSixBits(int[] low, int[] high, int halfBlocks, Activations x, int at, int[] sums) {
        int[] offsets = x.offsets;
        for (int h = 0; h < halfBlocks; h++) {
            IntVector offset = IntVector.broadcast(I, offsets[2 * at + h]);
            IntVector t0 = IntVector.fromArray(I, low, h * ROWS);
            IntVector h0 = IntVector.fromArray(I, high, h * ROWS);
            t0.lanewise(LSHL, 16)
                    .add(t0)
                    .lanewise(ASHR, 16)
                    .add(h0.lanewise(LSHL, 16).add(h0).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(offset)
                    .intoArray(sums, h * ROWS);
            IntVector t1 = IntVector.fromArray(I, low, h * ROWS + L);
            IntVector h1 = IntVector.fromArray(I, high, h * ROWS + L);
            t1.lanewise(LSHL, 16)
                    .add(t1)
                    .lanewise(ASHR, 16)
                    .add(h1.lanewise(LSHL, 16).add(h1).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(offset)
                    .intoArray(sums, h * ROWS + L);
            IntVector t2 = IntVector.fromArray(I, low, h * ROWS + 2 * L);
            IntVector h2 = IntVector.fromArray(I, high, h * ROWS + 2 * L);
            t2.lanewise(LSHL, 16)
                    .add(t2)
                    .lanewise(ASHR, 16)
                    .add(h2.lanewise(LSHL, 16).add(h2).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(offset)
                    .intoArray(sums, h * ROWS + 2 * L);
            IntVector t3 = IntVector.fromArray(I, low, h * ROWS + 3 * L);
            IntVector h3 = IntVector.fromArray(I, high, h * ROWS + 3 * L);
            t3.lanewise(LSHL, 16)
                    .add(t3)
                    .lanewise(ASHR, 16)
                    .add(h3.lanewise(LSHL, 16).add(h3).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(offset)
                    .intoArray(sums, h * ROWS + 3 * L);
        }
    }

    // ---- Sums to floats ----

    /**
     * y[rows] += (s·scale(x))·scale [+ sum(x)·centre] of each run in turn.
     *
     * @param log 0 for runs of a block, 1 for runs of half a block
     */
    static void combine(
            int[] sums,
            int runs,
            int log,
            boolean centred,
            Activations x,
            int at,
            float[] scales,
            float[] centres,
            float[] y,
            int to) {
        float[] blockScales = x.scales;
        float[] blockSums = x.sums;
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * L);
        for (int r = 0; r < runs; r++) {
            int o = r * ROWS;
            FloatVector scale = FloatVector.broadcast(F, blockScales[at + (r >> log)]);
            a0 = ((FloatVector) IntVector.fromArray(I, sums, o).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, o), a0);
            a1 = ((FloatVector) IntVector.fromArray(I, sums, o + L).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, o + L), a1);
            a2 = ((FloatVector) IntVector.fromArray(I, sums, o + 2 * L).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, o + 2 * L), a2);
            a3 = ((FloatVector) IntVector.fromArray(I, sums, o + 3 * L).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, o + 3 * L), a3);
            if (centred) {
                FloatVector sum = FloatVector.broadcast(F, blockSums[at + r]);
                a0 = sum.fma(FloatVector.fromArray(F, centres, o), a0);
                a1 = sum.fma(FloatVector.fromArray(F, centres, o + L), a1);
                a2 = sum.fma(FloatVector.fromArray(F, centres, o + 2 * L), a2);
                a3 = sum.fma(FloatVector.fromArray(F, centres, o + 3 * L), a3);
            }
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
        a2.intoArray(y, to + 2 * L);
        a3.intoArray(y, to + 3 * L);
    }

    /**
     * Q4_K, the most frequent type: {@link #sumNibbles}, {@link #headerMinima} and {@link #combine} in one pass over pairs
     * of blocks, for the vectors of rows at v and v + L. What is kept in registers here costs the others a store and a load.
     *
     * @param fields of the strip at v: scales and minima behind the header's first vector
     * @param factors of {@link #headerFactors} for both strips
     */
    static void combineMinima(
            MemorySegment w,
            long fields,
            long stream,
            int pairs,
            int[] products,
            int v,
            Activations x,
            int at,
            float[] factors,
            float[] y,
            int to) {
        float[] blockScales = x.scales;
        float[] blockSums = x.sums;
        int[] starts = x.starts;
        FloatVector bias = FloatVector.broadcast(F, 8);
        FloatVector a0 = FloatVector.fromArray(F, y, to + v);
        FloatVector a1 = FloatVector.fromArray(F, y, to + v + L);
        for (int p = 0; p < pairs; p++) {
            int group = p >> 2;
            long o = fields + (p + group) * (long) VECTOR_BYTES;
            IntVector f0 = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector f1 = IntVector.fromMemorySegment(I, w, o + stream, LE);
            FloatVector d0 = FloatVector.fromArray(F, factors, 2 * group * L);
            FloatVector dmin0 = FloatVector.fromArray(F, factors, (2 * group + 1) * L);
            FloatVector d1 = FloatVector.fromArray(F, factors, FACTORS + 2 * group * L);
            FloatVector dmin1 = FloatVector.fromArray(F, factors, FACTORS + (2 * group + 1) * L);
            FloatVector scale = FloatVector.broadcast(F, blockScales[at + 2 * p]);
            FloatVector sum = FloatVector.broadcast(F, blockSums[at + 2 * p]);
            IntVector start = IntVector.broadcast(I, starts[at + 2 * p]);
            IntVector t0 = IntVector.fromArray(I, products, 4 * p * ROWS + v)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, (4 * p + 1) * ROWS + v)
                            .reinterpretAsShorts())
                    .reinterpretAsInts();
            FloatVector w0 = d0.mul((FloatVector) f0.and(0xff).convertShape(VectorOperators.I2F, F, 0));
            FloatVector c0 =
                    dmin0.mul((FloatVector) f0.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            a0 = ((FloatVector) t0.lanewise(LSHL, 16)
                            .add(t0)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(w0, a0);
            a0 = sum.fma(w0.fma(bias, c0), a0);
            IntVector t1 = IntVector.fromArray(I, products, 4 * p * ROWS + v + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, (4 * p + 1) * ROWS + v + L)
                            .reinterpretAsShorts())
                    .reinterpretAsInts();
            FloatVector w1 = d1.mul((FloatVector) f1.and(0xff).convertShape(VectorOperators.I2F, F, 0));
            FloatVector c1 =
                    dmin1.mul((FloatVector) f1.lanewise(LSHR, 8).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            a1 = ((FloatVector) t1.lanewise(LSHL, 16)
                            .add(t1)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(w1, a1);
            a1 = sum.fma(w1.fma(bias, c1), a1);
            scale = FloatVector.broadcast(F, blockScales[at + 2 * p + 1]);
            sum = FloatVector.broadcast(F, blockSums[at + 2 * p + 1]);
            start = IntVector.broadcast(I, starts[at + 2 * p + 1]);
            t0 = IntVector.fromArray(I, products, (4 * p + 2) * ROWS + v)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, (4 * p + 3) * ROWS + v)
                            .reinterpretAsShorts())
                    .reinterpretAsInts();
            w0 = d0.mul((FloatVector) f0.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            c0 = dmin0.mul((FloatVector) f0.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0));
            a0 = ((FloatVector) t0.lanewise(LSHL, 16)
                            .add(t0)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(w0, a0);
            a0 = sum.fma(w0.fma(bias, c0), a0);
            t1 = IntVector.fromArray(I, products, (4 * p + 2) * ROWS + v + L)
                    .reinterpretAsShorts()
                    .add(IntVector.fromArray(I, products, (4 * p + 3) * ROWS + v + L)
                            .reinterpretAsShorts())
                    .reinterpretAsInts();
            w1 = d1.mul((FloatVector) f1.lanewise(LSHR, 16).and(0xff).convertShape(VectorOperators.I2F, F, 0));
            c1 = dmin1.mul((FloatVector) f1.lanewise(LSHR, 24).convertShape(VectorOperators.I2F, F, 0));
            a1 = ((FloatVector) t1.lanewise(LSHL, 16)
                            .add(t1)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(w1, a1);
            a1 = sum.fma(w1.fma(bias, c1), a1);
        }
        a0.intoArray(y, to + v);
        a1.intoArray(y, to + v + L);
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
            IntVector h = IntVector.fromMemorySegment(I, w, high + v * stream + (word >> log) * (long) VECTOR_BYTES, LE)
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

    /**
     * products[part][vector][4 tokens][lanes] = Σ c·q over {@code pairs} of columns each, in two shorts.
     *
     * @param at of the group of four tokens' first integers
     */
    static void products4(int[] tile, int parts, int pairs, int[] values, int at, int[] products) {
        for (int part = 0; part < parts; part++) {
            for (int v = 0; v < VECTORS; v += 2) {
                productsOfPart(
                        tile,
                        part * pairs * ROWS + v * L,
                        pairs,
                        values,
                        at + part * pairs * TOKENS,
                        products,
                        (part * VECTORS + v) * TOKENS * L);
            }
        }
    }

    private static void productsOfPart(int[] tile, int from, int pairs, int[] values, int at, int[] products, int to) {
        ShortVector zero = ShortVector.zero(S);
        ShortVector s00 = zero;
        ShortVector s10 = zero;
        ShortVector s01 = zero;
        ShortVector s11 = zero;
        ShortVector s02 = zero;
        ShortVector s12 = zero;
        ShortVector s03 = zero;
        ShortVector s13 = zero;
        for (int k = 0; k < pairs; k += 2) {
            ShortVector c0 = IntVector.fromArray(I, tile, from + k * ROWS).reinterpretAsShorts();
            ShortVector c1 = IntVector.fromArray(I, tile, from + k * ROWS + L).reinterpretAsShorts();
            ShortVector q = IntVector.broadcast(I, values[at + k * TOKENS]).reinterpretAsShorts();
            s00 = s00.add(c0.mul(q));
            s10 = s10.add(c1.mul(q));
            q = IntVector.broadcast(I, values[at + k * TOKENS + 1]).reinterpretAsShorts();
            s01 = s01.add(c0.mul(q));
            s11 = s11.add(c1.mul(q));
            q = IntVector.broadcast(I, values[at + k * TOKENS + 2]).reinterpretAsShorts();
            s02 = s02.add(c0.mul(q));
            s12 = s12.add(c1.mul(q));
            q = IntVector.broadcast(I, values[at + k * TOKENS + 3]).reinterpretAsShorts();
            s03 = s03.add(c0.mul(q));
            s13 = s13.add(c1.mul(q));
            fence();
            c0 = IntVector.fromArray(I, tile, from + k * ROWS + ROWS).reinterpretAsShorts();
            c1 = IntVector.fromArray(I, tile, from + k * ROWS + ROWS + L).reinterpretAsShorts();
            q = IntVector.broadcast(I, values[at + k * TOKENS + 4]).reinterpretAsShorts();
            s00 = s00.add(c0.mul(q));
            s10 = s10.add(c1.mul(q));
            q = IntVector.broadcast(I, values[at + k * TOKENS + 5]).reinterpretAsShorts();
            s01 = s01.add(c0.mul(q));
            s11 = s11.add(c1.mul(q));
            q = IntVector.broadcast(I, values[at + k * TOKENS + 6]).reinterpretAsShorts();
            s02 = s02.add(c0.mul(q));
            s12 = s12.add(c1.mul(q));
            q = IntVector.broadcast(I, values[at + k * TOKENS + 7]).reinterpretAsShorts();
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

    /**
     * {@link #combine} of four tokens, from products.
     *
     * @param high products of the high nibbles of eight bits, whose sums are low + 16·high + 8·Σq; null for other types
     * @param at of the group of four tokens' first scales
     * @param from the first run's index in scales and centres
     */
    static void combine4(
            int[] products,
            int[] high,
            int runs,
            int log,
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
        int[] tokenTotals = x.groupedTotals;
        for (int v = 0; v < ROWS; v += L) {
            FloatVector a0 = FloatVector.fromArray(F, y, to + v);
            FloatVector a1 = FloatVector.fromArray(F, y, to + ROWS + v);
            FloatVector a2 = FloatVector.fromArray(F, y, to + 2 * ROWS + v);
            FloatVector a3 = FloatVector.fromArray(F, y, to + 3 * ROWS + v);
            for (int r = 0; r < runs; r++) {
                int o = (r * VECTORS * L + v) * TOKENS;
                int g = at + (r >> log) * TOKENS;
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
                                    .lanewise(LSHL, 4))
                            .add(8 * tokenTotals[g]);
                    IntVector h1 = IntVector.fromArray(I, high, o + L);
                    s1 = s1.add(h1.lanewise(LSHL, 16)
                                    .lanewise(ASHR, 16)
                                    .add(h1.lanewise(ASHR, 16))
                                    .lanewise(LSHL, 4))
                            .add(8 * tokenTotals[g + 1]);
                    IntVector h2 = IntVector.fromArray(I, high, o + 2 * L);
                    s2 = s2.add(h2.lanewise(LSHL, 16)
                                    .lanewise(ASHR, 16)
                                    .add(h2.lanewise(ASHR, 16))
                                    .lanewise(LSHL, 4))
                            .add(8 * tokenTotals[g + 2]);
                    IntVector h3 = IntVector.fromArray(I, high, o + 3 * L);
                    s3 = s3.add(h3.lanewise(LSHL, 16)
                                    .lanewise(ASHR, 16)
                                    .add(h3.lanewise(ASHR, 16))
                                    .lanewise(LSHL, 4))
                            .add(8 * tokenTotals[g + 3]);
                }
                FloatVector scale = FloatVector.fromArray(F, scales, from + r * ROWS + v);
                a0 = ((FloatVector) s0.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, tokenScales[g]))
                        .fma(scale, a0);
                a1 = ((FloatVector) s1.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, tokenScales[g + 1]))
                        .fma(scale, a1);
                a2 = ((FloatVector) s2.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, tokenScales[g + 2]))
                        .fma(scale, a2);
                a3 = ((FloatVector) s3.convertShape(VectorOperators.I2F, F, 0))
                        .mul(FloatVector.broadcast(F, tokenScales[g + 3]))
                        .fma(scale, a3);
                if (centred) {
                    FloatVector centre = FloatVector.fromArray(F, centres, from + r * ROWS + v);
                    a0 = FloatVector.broadcast(F, tokenSums[g]).fma(centre, a0);
                    a1 = FloatVector.broadcast(F, tokenSums[g + 1]).fma(centre, a1);
                    a2 = FloatVector.broadcast(F, tokenSums[g + 2]).fma(centre, a2);
                    a3 = FloatVector.broadcast(F, tokenSums[g + 3]).fma(centre, a3);
                }
            }
            a0.intoArray(y, to + v);
            a1.intoArray(y, to + ROWS + v);
            a2.intoArray(y, to + 2 * ROWS + v);
            a3.intoArray(y, to + 3 * ROWS + v);
        }
    }
}
