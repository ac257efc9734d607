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

/**
 * What all loops of {@link PanelMatrix} need, headers and results, and those of {@link IntegerPanels} for one token; their
 * Javadoc gives the layout and the arithmetic. Generic in the vector's length. {@link VectorFours} has the integers' loops for
 * a few tokens, {@link VectorTiles} those for many, and {@link VectorFloats} and {@link VectorTables} all of {@link FloatPanels}
 * and {@link TablePanels}. Offsets are those of a panel's first strip, {@code stream} is the distance to the next.
 *
 * <p>C2 schedules all independent work of a loop's body as early as it can and then spills registers. Where a short loop checks
 * the bounds of each load of a memory segment, these checks keep it in place; elsewhere fences keep it to half of the body. After
 * one, all of a segment is checked again, which costs a tenth of a loop that needs none; arrays are not.
 *
 * <p>C2 has a budget of nodes for what it inlines into one compilation, and where that ends vectors go to the heap. So a
 * method here is one body without helpers that return vectors, small, which also brings it to C2 soon, but larger than the
 * 325 bytes of code up to which C2 would inline it into its caller, where several share one budget. What a loop carries, or
 * an outer one keeps for it, is an argument of its operations, not the receiver, of whose class C2 would need a profile.
 * Behind the loop, where sums are stored, they are receivers after all: so this package has no vectors of floats but of the
 * preferred size.
 */
final class VectorPanels {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_PREFERRED;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

    /** Lanes of a vector of ints or floats. */
    static final int L = I.length();

    private static final int VECTORS = 4;

    /** Rows of a panel. */
    static final int ROWS = VECTORS * L;

    /** Whether vectors have 512 bits, and so there are as many registers as twelve tokens take. */
    static final boolean WIDE = L >= 16;

    /**
     * Whether {@link FloatPanels} are used. With 128 bits one token of eight bits, or of a look-up, takes half as many instructions
     * in whole numbers.
     */
    static final boolean FLOATS = L >= 8;

    /**
     * Whether several tokens are multiplied in floats by {@link IntegerPanels} too, rather than in shorts. Sums of
     * integers below 2^24 are exact in both. With 512 bits a fused multiply-add does as much in one instruction as a multiplication
     * and an addition of shorts in two, and its sums need no widening; with fewer bits there are more units for shorts than for
     * floats, and with 512 bits on some processors.
     */
    static final boolean FLOAT_TILES = WIDE && !Processor.PREFERS_SHORTS;

    private static final int INTS = PanelMatrix.INTS;
    private static final int SHIFTS = Activations.SHIFTS;
    private static final int VECTOR_BYTES = I.vectorByteSize();

    /** What a float's exponent is greater by than a half's, in its place. */
    static final int FLOAT_BIAS = (127 - 15) << 23;

    /** A half's exponent and mantissa, in an int's upper half. */
    static final int MAGNITUDE = 0x7fff0000;

    static final int SIGN = 0x80000000;

    static final float LEAST_NORMAL_HALF = 0x1p-14f;

    /** Floats of a strip's factors. */
    static final int FACTORS = PanelMatrix.UNIT_BLOCKS_MAX / 8 * 2 * L;

    /** Blocks of a unit that is read in one pass, as by {@link #dotMinima}. */
    static final int UNIT_BLOCKS = 8;

    /** Vectors of the scales and minima of 256 columns of Q4_K and Q5_K, d and dmin among them. */
    static final int MINIMA_HEADER = 4;

    /** Where a scale or a minimum of six bits leaves two of a byte. */
    private static final int TOP_PAIRS = 0xc0c0c0c0;

    /** A scale or a minimum. */
    private static final int SIX_BITS = 0x3f;

    private static final long UNIT_BYTES = (MINIMA_HEADER + UNIT_BLOCKS * INTS) * (long) VECTOR_BYTES;

    private static final long FIVE_BITS_UNIT_BYTES = (MINIMA_HEADER + UNIT_BLOCKS * (INTS + 1)) * (long) VECTOR_BYTES;

    /** The vectors before the blocks of Q6_K: d, and four of four scales each. */
    private static final int SIX_BITS_HEADER = 5;

    private static final long SIX_BITS_UNIT_BYTES = (SIX_BITS_HEADER + UNIT_BLOCKS * (INTS + 2)) * (long) VECTOR_BYTES;

    /** Whether keeping C2 from moving loads takes no instruction. */
    static final boolean FENCES_ARE_FREE = System.getProperty("os.arch").equals("amd64")
            || System.getProperty("os.arch").equals("x86_64");

    private static final Class<?> NATIVE = MemorySegment.NULL.getClass();

    private VectorPanels() {}

    /**
     * Tells C2 the class of packed memory. Without it C2 relies on what the JDK's own accessors have met, which is little
     * where a method is compiled soon and much where mapped files and arrays are read too; then each access calls two
     * methods, and all vectors are spilled around the calls.
     */
    static MemorySegment exact(MemorySegment packed) {
        if (packed.getClass() != NATIVE) {
            throw new IllegalArgumentException("expected native memory");
        }
        return packed;
    }

    // ---- Headers: scales[run][rows] and centres[run][rows] of a panel's four strips, as floats ----

    // How a half h becomes a float: exponent and mantissa move to where a float has them and get a float's bias. The
    // result f is h where h is normal, and 2^-15 + h/2 where it is subnormal. There h is f + (f - 2^-14), which for a
    // normal h is no less than f: so the lesser of the two is right. Halves that are not finite are never packed.
    //
    // No subnormal float arises: it would cost some hundred cycles each time, and the d of nearly all blocks of Q6_K,
    // and of many of Q5_K and Q4_K, is a subnormal half.

    /** A scale for each block and no centre, w = d·c, of a panel's four strips; of an odd number of blocks one more. */
    static void headerScales(MemorySegment packed, long at, long stream, int blocks, float[] scales) {
        MemorySegment w = exact(packed);
        int pairs = VECTORS / 2;
        for (int i = 0; i < (blocks + 1) / 2 * pairs; i++) {
            int b = i / pairs;
            int v = i % pairs * 2;
            int to = 2 * b * ROWS + v * L;
            long o = at + v * stream + b * (long) VECTOR_BYTES;
            IntVector pair = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector low = pair.lanewise(LSHL, 16);
            IntVector t;
            FloatVector f;
            t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            f.intoArray(scales, to);
            t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(pair.and(SIGN))
                    .reinterpretAsFloats();
            f.intoArray(scales, to + ROWS);
            pair = IntVector.fromMemorySegment(I, w, o + stream, LE);
            low = pair.lanewise(LSHL, 16);
            t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            f.intoArray(scales, to + L);
            t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(pair.and(SIGN))
                    .reinterpretAsFloats();
            f.intoArray(scales, to + ROWS + L);
        }
    }

    /** w = d·u + m = d·(u - bias) + (bias·d + m) for an unsigned u, of a panel's four strips. */
    static void headerOffsets(
            MemorySegment packed, long at, long stream, int blocks, float bias, float[] scales, float[] centres) {
        MemorySegment w = exact(packed);
        for (int b = 0; b < blocks; b++) {
            long o = at + b * (long) VECTOR_BYTES;
            IntVector pair = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector low = pair.lanewise(LSHL, 16);
            IntVector t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            FloatVector f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            FloatVector d = f;
            d.intoArray(scales, b * ROWS);
            t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(pair.and(SIGN))
                    .reinterpretAsFloats();
            d.mul(bias).add(f).intoArray(centres, b * ROWS);
            pair = IntVector.fromMemorySegment(I, w, o + stream, LE);
            low = pair.lanewise(LSHL, 16);
            t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            d = f;
            d.intoArray(scales, b * ROWS + L);
            t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(pair.and(SIGN))
                    .reinterpretAsFloats();
            d.mul(bias).add(f).intoArray(centres, b * ROWS + L);
            pair = IntVector.fromMemorySegment(I, w, o + 2 * stream, LE);
            low = pair.lanewise(LSHL, 16);
            t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            d = f;
            d.intoArray(scales, b * ROWS + 2 * L);
            t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(pair.and(SIGN))
                    .reinterpretAsFloats();
            d.mul(bias).add(f).intoArray(centres, b * ROWS + 2 * L);
            pair = IntVector.fromMemorySegment(I, w, o + 3 * stream, LE);
            low = pair.lanewise(LSHL, 16);
            t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            d = f;
            d.intoArray(scales, b * ROWS + 3 * L);
            t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(pair.and(SIGN))
                    .reinterpretAsFloats();
            d.mul(bias).add(f).intoArray(centres, b * ROWS + 3 * L);
        }
    }

    /**
     * w = d·scale·u - dmin·min = d·scale·(u - bias) + (bias·d·scale - dmin·min), of a panel's four strips. All products are
     * exact.
     *
     * @param factors what {@link #headerFactors} made of the four strips
     */
    static void headerMinima(
            MemorySegment packed,
            long at,
            long stream,
            int groups,
            float bias,
            float[] factors,
            float[] scales,
            float[] centres) {
        MemorySegment w = exact(packed);
        for (int i = 0; i < groups * VECTORS; i++) {
            int g = i / VECTORS;
            int v = i % VECTORS;
            long o = at + v * stream + g * (MINIMA_HEADER * (long) VECTOR_BYTES);
            int to = g * 8 * ROWS + v * L;
            FloatVector d = FloatVector.fromArray(F, factors, v * FACTORS + 2 * g * L);
            FloatVector dmin = FloatVector.fromArray(F, factors, v * FACTORS + (2 * g + 1) * L);
            FloatVector scale;
            IntVector fields;
            fields = IntVector.fromMemorySegment(I, w, o, LE);
            scale = d.mul((FloatVector) fields.and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 8).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to);
            scale = d.mul(
                    (FloatVector) fields.lanewise(LSHR, 16).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 24).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            scale = d.mul((FloatVector) fields.and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 2 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 8).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 2 * ROWS);
            scale = d.mul(
                    (FloatVector) fields.lanewise(LSHR, 16).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 3 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 24).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 3 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 2 * VECTOR_BYTES, LE);
            scale = d.mul((FloatVector) fields.and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 4 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 8).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 4 * ROWS);
            scale = d.mul(
                    (FloatVector) fields.lanewise(LSHR, 16).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 5 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 24).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 5 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + 3 * VECTOR_BYTES, LE);
            scale = d.mul((FloatVector) fields.and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 6 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 8).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 6 * ROWS);
            scale = d.mul(
                    (FloatVector) fields.lanewise(LSHR, 16).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
            scale.intoArray(scales, to + 7 * ROWS);
            scale.mul(bias)
                    .add(dmin.mul((FloatVector)
                            fields.lanewise(LSHR, 24).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)))
                    .intoArray(centres, to + 7 * ROWS);
        }
    }

    /**
     * w = d·factor·scale·c with signed scales of a panel's four strips, which stand as {@code quads} vectors of four bytes behind d.
     *
     * @param quads of 256 columns: 2 or 4
     */
    static void headerSigned(
            MemorySegment packed, long at, long stream, int groups, int quads, float factor, float[] scales) {
        MemorySegment w = exact(packed);
        int log = Integer.numberOfTrailingZeros(quads) - 1;
        for (int i = 0; i < (groups << log) * VECTORS; i++) {
            int eight = i / VECTORS;
            int group = eight >> log;
            int to = eight * 8 * ROWS + i % VECTORS * L;
            long strip = at + i % VECTORS * stream;
            // Before these eight stand a vector for d of each group and two for each eight.
            long o = strip + (2 * eight + group + 1) * (long) VECTOR_BYTES;
            IntVector low = IntVector.fromMemorySegment(
                            I, w, strip + (group + (group << log) * 2) * (long) VECTOR_BYTES, LE)
                    .lanewise(LSHL, 16);
            IntVector t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            FloatVector f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            FloatVector d = f.mul(factor);
            IntVector fields = IntVector.fromMemorySegment(I, w, o, LE);
            d.mul((FloatVector) fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to);
            d.mul((FloatVector) fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 2 * ROWS);
            d.mul((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 3 * ROWS);
            fields = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            d.mul((FloatVector) fields.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 4 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 5 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 6 * ROWS);
            d.mul((FloatVector) fields.lanewise(ASHR, 24).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 7 * ROWS);
        }
    }

    /**
     * w = d·factor·(2·s + 1)·c of a panel's four strips, whose s stand as {@code runs} vectors of eight half bytes behind d.
     *
     * @param runs of 32 columns: 1 or 2
     */
    static void headerOdd(
            MemorySegment packed, long at, long stream, int groups, int runs, float factor, float[] scales) {
        MemorySegment w = exact(packed);
        int log = runs - 1;
        for (int i = 0; i < (groups << log) * VECTORS; i++) {
            int eight = i / VECTORS;
            int group = eight >> log;
            int to = eight * 8 * ROWS + i % VECTORS * L;
            long strip = at + i % VECTORS * stream;
            // Before these eight stand a vector for d of each group and one for each eight.
            long o = strip + (eight + group + 1) * (long) VECTOR_BYTES;
            IntVector low = IntVector.fromMemorySegment(
                            I, w, strip + (group + (group << log)) * (long) VECTOR_BYTES, LE)
                    .lanewise(LSHL, 16);
            IntVector t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            FloatVector f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            FloatVector d = f.mul(factor);
            IntVector fields = IntVector.fromMemorySegment(I, w, o, LE);
            d.mul((FloatVector) fields.lanewise(LSHL, 1).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to);
            d.mul((FloatVector) fields.lanewise(LSHR, 3).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + ROWS);
            d.mul((FloatVector) fields.lanewise(LSHR, 7).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 2 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHR, 11).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 3 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHR, 15).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 4 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHR, 19).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 5 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHR, 23).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 6 * ROWS);
            d.mul((FloatVector) fields.lanewise(LSHR, 27).and(30).or(1).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + 7 * ROWS);
        }
    }

    /** d and -dmin of each 256 columns: factors[strip][group][2][lanes], of two strips or all. */
    static void headerFactors(MemorySegment packed, long at, long stream, int groups, int strips, float[] factors) {
        MemorySegment w = exact(packed);
        for (int i = 0; i < groups * strips; i++) {
            int g = i / strips;
            int v = i % strips;
            long o = at + v * stream + g * (MINIMA_HEADER * (long) VECTOR_BYTES);
            int to = v * FACTORS + 2 * g * L;
            IntVector pair =
                    IntVector.fromMemorySegment(I, w, o, LE).lanewise(LSHR, 6).and(TOP_PAIRS >>> 6);
            pair = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE)
                    .lanewise(LSHR, 4)
                    .and(TOP_PAIRS >>> 4)
                    .or(pair);
            pair = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES, LE)
                    .lanewise(LSHR, 2)
                    .and(TOP_PAIRS >>> 2)
                    .or(pair);
            pair = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES, LE)
                    .and(TOP_PAIRS)
                    .or(pair);
            IntVector low = pair.lanewise(LSHL, 16);
            IntVector t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            FloatVector f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(low.and(SIGN))
                    .reinterpretAsFloats();
            f.intoArray(factors, to);
            t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            f = t.reinterpretAsFloats();
            f = f.add(f.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(t)
                    .or(pair.and(SIGN))
                    .reinterpretAsFloats();
            f.neg().intoArray(factors, to + L);
        }
    }

    /**
     * {@link #headerFactors} of 256 columns and two strips, whose loads are instructions of their own: prefetchers that follow an
     * instruction's addresses lose both streams where it reads of one and the other in turn (Zen 5, AVX2, a 4B model: 5 to 8% faster
     * so, and 30% where strips are not as far apart as {@link StripMatrix} has them). With 512 bits it was a twelfth slower.
     */
    static void headerFactors2(MemorySegment packed, long at, long stream, float[] factors) {
        MemorySegment w = exact(packed);
        IntVector pair =
                IntVector.fromMemorySegment(I, w, at, LE).lanewise(LSHR, 6).and(TOP_PAIRS >>> 6);
        pair = IntVector.fromMemorySegment(I, w, at + VECTOR_BYTES, LE)
                .lanewise(LSHR, 4)
                .and(TOP_PAIRS >>> 4)
                .or(pair);
        pair = IntVector.fromMemorySegment(I, w, at + 2L * VECTOR_BYTES, LE)
                .lanewise(LSHR, 2)
                .and(TOP_PAIRS >>> 2)
                .or(pair);
        pair = IntVector.fromMemorySegment(I, w, at + 3L * VECTOR_BYTES, LE)
                .and(TOP_PAIRS)
                .or(pair);
        IntVector low = pair.lanewise(LSHL, 16);
        IntVector t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
        FloatVector f = t.reinterpretAsFloats();
        f.add(f.sub(LEAST_NORMAL_HALF))
                .reinterpretAsInts()
                .min(t)
                .or(low.and(SIGN))
                .reinterpretAsFloats()
                .intoArray(factors, 0);
        t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
        f = t.reinterpretAsFloats();
        f.add(f.sub(LEAST_NORMAL_HALF))
                .reinterpretAsInts()
                .min(t)
                .or(pair.and(SIGN))
                .reinterpretAsFloats()
                .neg()
                .intoArray(factors, L);
        pair = IntVector.fromMemorySegment(I, w, at + stream, LE)
                .lanewise(LSHR, 6)
                .and(TOP_PAIRS >>> 6);
        pair = IntVector.fromMemorySegment(I, w, at + stream + VECTOR_BYTES, LE)
                .lanewise(LSHR, 4)
                .and(TOP_PAIRS >>> 4)
                .or(pair);
        pair = IntVector.fromMemorySegment(I, w, at + stream + 2L * VECTOR_BYTES, LE)
                .lanewise(LSHR, 2)
                .and(TOP_PAIRS >>> 2)
                .or(pair);
        pair = IntVector.fromMemorySegment(I, w, at + stream + 3L * VECTOR_BYTES, LE)
                .and(TOP_PAIRS)
                .or(pair);
        low = pair.lanewise(LSHL, 16);
        t = low.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
        f = t.reinterpretAsFloats();
        f.add(f.sub(LEAST_NORMAL_HALF))
                .reinterpretAsInts()
                .min(t)
                .or(low.and(SIGN))
                .reinterpretAsFloats()
                .intoArray(factors, FACTORS);
        t = pair.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
        f = t.reinterpretAsFloats();
        f.add(f.sub(LEAST_NORMAL_HALF))
                .reinterpretAsInts()
                .min(t)
                .or(pair.and(SIGN))
                .reinterpretAsFloats()
                .neg()
                .intoArray(factors, FACTORS + L);
    }

    /** The scales of {@link #headerMinima} as they are, whole numbers, without d. */
    static void headerWhole(MemorySegment packed, long at, long stream, int groups, float[] scales) {
        MemorySegment w = exact(packed);
        for (int i = 0; i < groups * 4 * VECTORS; i++) {
            int pair = i / VECTORS;
            int v = i % VECTORS;
            long o = at + v * stream + pair * (long) VECTOR_BYTES;
            int to = 2 * pair * ROWS + v * L;
            IntVector fields = IntVector.fromMemorySegment(I, w, o, LE);
            ((FloatVector) fields.and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0)).intoArray(scales, to);
            ((FloatVector) fields.lanewise(LSHR, 16).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0))
                    .intoArray(scales, to + ROWS);
        }
    }

    // ---- One token. products[half block][rows] = Σ n·q of 16 columns in two shorts, modulo 2^16 both together. ----

    /** @param at the first block's index in the activations */
    static void nibbleProducts(
            MemorySegment packed, long plane, long stream, int halfBlocks, Activations x, int at, int[] products) {
        MemorySegment w = exact(packed);
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
            if (FENCES_ARE_FREE) {
                VarHandle.acquireFence();
            }
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
     * The same of bytes that are looked up.
     *
     * @param table a vector of bytes, of 16 that are repeated: an index needs no mask
     */
    static void lookedUpProducts(
            MemorySegment packed,
            long plane,
            long stream,
            int halfBlocks,
            byte[] table,
            Activations x,
            int at,
            int[] products) {
        MemorySegment w = exact(packed);
        ByteVector t = ByteVector.fromArray(B, table, 0);
        int[] multipliers = x.byteMultipliers;
        int first = at * (INTS * SHIFTS);
        for (int i = 0; i < halfBlocks * VECTORS / 2; i++) {
            int h = i / 2;
            int v = i % 2;
            long o = plane + 2 * v * stream + h * (2L * VECTOR_BYTES);
            int m = first + h * (2 * SHIFTS);
            ShortVector m0 = IntVector.broadcast(I, multipliers[m]).reinterpretAsShorts();
            ShortVector m1 = IntVector.broadcast(I, multipliers[m + 1]).reinterpretAsShorts();
            ShortVector m2 = IntVector.broadcast(I, multipliers[m + 2]).reinterpretAsShorts();
            ShortVector m3 = IntVector.broadcast(I, multipliers[m + 3]).reinterpretAsShorts();
            IntVector n = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector c = n.reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            ShortVector a = c.reinterpretAsShorts()
                    .mul(m0)
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            c = n.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            a = a.add(c.reinterpretAsShorts().mul(m2))
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            n = IntVector.fromMemorySegment(I, w, o + stream, LE);
            c = n.reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            ShortVector b = c.reinterpretAsShorts()
                    .mul(m0)
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            c = n.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            b = b.add(c.reinterpretAsShorts().mul(m2))
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            m0 = IntVector.broadcast(I, multipliers[m + 4]).reinterpretAsShorts();
            m1 = IntVector.broadcast(I, multipliers[m + 5]).reinterpretAsShorts();
            m2 = IntVector.broadcast(I, multipliers[m + 6]).reinterpretAsShorts();
            m3 = IntVector.broadcast(I, multipliers[m + 7]).reinterpretAsShorts();
            n = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            c = n.reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            a = a.add(c.reinterpretAsShorts().mul(m0))
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            c = n.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            a = a.add(c.reinterpretAsShorts().mul(m2))
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            n = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + stream, LE);
            c = n.reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            b = b.add(c.reinterpretAsShorts().mul(m0))
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            c = n.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(t).reinterpretAsInts();
            b = b.add(c.reinterpretAsShorts().mul(m2))
                    .add(c.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            a.reinterpretAsInts().intoArray(products, h * ROWS + 2 * v * L);
            b.reinterpretAsInts().intoArray(products, h * ROWS + (2 * v + 1) * L);
        }
    }

    // ---- sums[run][rows] = Σ c·q ----

    /** Four bits: Σ (n - 8)·q, which fits 16 bits. */
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

    /** Eight bits: low + 16·high + 8·Σq, where low = Σ (n - 8)·q and high = Σ (h - 8)·q. */
    static void sumEightBits(int[] low, int[] high, int blocks, Activations x, int at, int[] sums) {
        int[] starts = x.starts;
        for (int b = 0; b < blocks; b++) {
            int o = 2 * b * ROWS;
            IntVector start = IntVector.broadcast(I, starts[at + b]);
            IntVector extra = IntVector.broadcast(I, -(starts[at + b] >> 16)); // of -8·Σq shifted left by 16
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
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h0.lanewise(LSHL, 16)
                            .add(h0)
                            .add(start)
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
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h1.lanewise(LSHL, 16)
                            .add(h1)
                            .add(start)
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
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h2.lanewise(LSHL, 16)
                            .add(h2)
                            .add(start)
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
                    .add(start)
                    .lanewise(ASHR, 16)
                    .add(h3.lanewise(LSHL, 16)
                            .add(h3)
                            .add(start)
                            .lanewise(ASHR, 16)
                            .lanewise(LSHL, 4))
                    .add(extra)
                    .intoArray(sums, b * ROWS + 3 * L);
        }
    }

    /** Looked up weights c: sums[half block][rows] = Σ (c + 32)·q - 32·Σq. */
    static void sumSmall(int[] products, int halfBlocks, Activations x, int at, int[] sums) {
        int[] starts = x.byteStarts;
        for (int i = 0; i < halfBlocks * VECTORS; i++) {
            IntVector start = IntVector.broadcast(I, starts[2 * at + i / VECTORS]);
            IntVector t = IntVector.fromArray(I, products, i * L);
            t.lanewise(LSHL, 16).add(t).add(start).lanewise(ASHR, 16).intoArray(sums, i * L);
        }
    }

    /**
     * Looked up weights c = low + 16·(high - 8): sums[run][rows] = low + 16·high - 128·Σq, where low = Σ low·q and high =
     * Σ high·q.
     *
     * @param log 0 for runs of a block, 1 for runs of half a block
     */
    static void sumTables(int[] low, int[] high, int runs, int log, Activations x, int at, int[] sums) {
        int halves = 2 >> log;
        for (int i = 0; i < runs * VECTORS; i++) {
            int run = i / VECTORS;
            int half = run * halves;
            int from = half * ROWS + i % VECTORS * L;
            ShortVector l = IntVector.fromArray(I, low, from).reinterpretAsShorts();
            ShortVector h = IntVector.fromArray(I, high, from).reinterpretAsShorts();
            int extra = x.byteStarts[2 * at + half] >> 16;
            if (log == 0) {
                l = IntVector.fromArray(I, low, from + ROWS)
                        .reinterpretAsShorts()
                        .add(l);
                h = IntVector.fromArray(I, high, from + ROWS)
                        .reinterpretAsShorts()
                        .add(h);
                extra += x.byteStarts[2 * at + half + 1] >> 16;
            }
            IntVector s = l.reinterpretAsInts();
            IntVector u = h.reinterpretAsInts();
            s.lanewise(LSHL, 16)
                    .add(s)
                    .lanewise(ASHR, 16)
                    .add(u.lanewise(LSHL, 16).add(u).lanewise(ASHR, 16).lanewise(LSHL, 4))
                    .add(4 * extra)
                    .intoArray(sums, i * L);
        }
    }

    // ---- Sums to floats ----

    /**
     * y[rows] += (s·scale(x))·scale [+ sum(x)·centre] of each run in turn.
     *
     * @param log 0 for runs of a block, 1 for runs of half a block
     * @param sharedLog of how many runs share a scale
     */
    static void combine(
            int[] sums,
            int runs,
            int log,
            int sharedLog,
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
            int p = (r >> sharedLog) * ROWS;
            FloatVector scale = FloatVector.broadcast(F, blockScales[at + (r >> log)]);
            a0 = ((FloatVector) IntVector.fromArray(I, sums, o).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, p), a0);
            a1 = ((FloatVector) IntVector.fromArray(I, sums, o + L).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, p + L), a1);
            a2 = ((FloatVector) IntVector.fromArray(I, sums, o + 2 * L).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, p + 2 * L), a2);
            a3 = ((FloatVector) IntVector.fromArray(I, sums, o + 3 * L).convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, p + 3 * L), a3);
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
     * Q4_K, the most frequent type: {@link #nibbleProducts}, {@link #sumNibbles}, {@link #headerMinima} and {@link #combine} in
     * one pass over units of 256 columns, for two vectors of rows. What is kept in registers here costs the others a store and a
     * load; and where weights are read without a pause prefetchers stay ahead of the loop (BENCHMARKS.md). d and dmin are decoded
     * elsewhere, as C2's budget would end within.
     *
     * @param at where the first unit of the first vector of rows is
     * @param block the first block's index in the activations
     * @param factors room for two strips' d and -dmin
     */
    static void dotMinima(
            MemorySegment packed,
            long at,
            long stream,
            int units,
            Activations x,
            int block,
            float[] factors,
            float[] y,
            int to) {
        MemorySegment w = exact(packed);
        float[] blockScales = x.scales;
        float[] blockSums = x.sums;
        int[] starts = x.starts;
        int[] multipliers = x.multipliers;
        FloatVector bias = FloatVector.broadcast(F, 8);
        for (int u = 0; u < units; u++) {
            long unit = at + u * UNIT_BYTES;
            if (WIDE) {
                headerFactors(packed, unit, stream, 1, 2, factors);
            } else {
                headerFactors2(packed, unit, stream, factors);
            }
            FloatVector d0 = FloatVector.fromArray(F, factors, 0);
            FloatVector dmin0 = FloatVector.fromArray(F, factors, L);
            FloatVector d1 = FloatVector.fromArray(F, factors, FACTORS);
            FloatVector dmin1 = FloatVector.fromArray(F, factors, FACTORS + L);
            FloatVector a0 = FloatVector.fromArray(F, y, to);
            FloatVector a1 = FloatVector.fromArray(F, y, to + L);
            for (int b = 0; b < UNIT_BLOCKS; b++) {
                // Not unit + … + b·n: C2 would check such addresses before the loop and split it for that, which eight
                // turns do not pay for (23 of 30 GMAC/s).
                long o = unit + (MINIMA_HEADER + b * INTS) * (long) VECTOR_BYTES;
                int i = block + u * UNIT_BLOCKS + b;
                int q = i * (INTS * SHIFTS);
                ShortVector m0 = IntVector.broadcast(I, multipliers[q]).reinterpretAsShorts();
                ShortVector m1 = IntVector.broadcast(I, multipliers[q + 1]).reinterpretAsShorts();
                ShortVector m2 = IntVector.broadcast(I, multipliers[q + 2]).reinterpretAsShorts();
                ShortVector m3 = IntVector.broadcast(I, multipliers[q + 3]).reinterpretAsShorts();
                IntVector v = IntVector.fromMemorySegment(I, w, o, LE);
                ShortVector s0 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
                v = IntVector.fromMemorySegment(I, w, o + stream, LE);
                ShortVector s1 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3));
                m0 = IntVector.broadcast(I, multipliers[q + 4]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, multipliers[q + 5]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, multipliers[q + 6]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, multipliers[q + 7]).reinterpretAsShorts();
                v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
                s0 = s0.add(v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
                v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + stream, LE);
                s1 = s1.add(v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
                m0 = IntVector.broadcast(I, multipliers[q + 8]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, multipliers[q + 9]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, multipliers[q + 10]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, multipliers[q + 11]).reinterpretAsShorts();
                v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES, LE);
                s0 = s0.add(v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
                v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES + stream, LE);
                s1 = s1.add(v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
                m0 = IntVector.broadcast(I, multipliers[q + 12]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, multipliers[q + 13]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, multipliers[q + 14]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, multipliers[q + 15]).reinterpretAsShorts();
                v = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES, LE);
                s0 = s0.add(v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
                v = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES + stream, LE);
                s1 = s1.add(v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 4).reinterpretAsShorts().mul(m1))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 12).reinterpretAsShorts().mul(m3)));
                // A byte further on stands the next byte of each int.
                o = unit + (b >> 1) * (long) VECTOR_BYTES + (b & 1) * 2;
                FloatVector scale = FloatVector.broadcast(F, blockScales[i]);
                FloatVector sum = FloatVector.broadcast(F, blockSums[i]);
                IntVector start = IntVector.broadcast(I, starts[i]);
                IntVector t0 = s0.reinterpretAsInts();
                FloatVector w0 = d0.mul((FloatVector)
                        IntVector.fromMemorySegment(I, w, o, LE).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
                FloatVector c0 = dmin0.mul((FloatVector) IntVector.fromMemorySegment(I, w, o + 1, LE)
                        .and(SIX_BITS)
                        .convertShape(VectorOperators.I2F, F, 0));
                a0 = ((FloatVector) t0.lanewise(LSHL, 16)
                                .add(t0)
                                .add(start)
                                .lanewise(ASHR, 16)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(w0, a0);
                a0 = sum.fma(w0.fma(bias, c0), a0);
                IntVector t1 = s1.reinterpretAsInts();
                FloatVector w1 = d1.mul((FloatVector) IntVector.fromMemorySegment(I, w, o + stream, LE)
                        .and(SIX_BITS)
                        .convertShape(VectorOperators.I2F, F, 0));
                FloatVector c1 = dmin1.mul((FloatVector) IntVector.fromMemorySegment(I, w, o + stream + 1, LE)
                        .and(SIX_BITS)
                        .convertShape(VectorOperators.I2F, F, 0));
                a1 = ((FloatVector) t1.lanewise(LSHL, 16)
                                .add(t1)
                                .add(start)
                                .lanewise(ASHR, 16)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(w1, a1);
                a1 = sum.fma(w1.fma(bias, c1), a1);
            }
            a0.intoArray(y, to);
            a1.intoArray(y, to + L);
        }
    }

    /**
     * Q5_K likewise, with the products of {@link #dotFiveBits}.
     */
    static void dotFiveMinima(
            MemorySegment packed,
            long at,
            long stream,
            int units,
            Activations x,
            int block,
            float[] factors,
            float[] y,
            int to) {
        MemorySegment w = exact(packed);
        float[] blockScales = x.scales;
        float[] blockSums = x.sums;
        int[] starts = x.starts;
        int[] multipliers = x.byteMultipliers;
        FloatVector bias = FloatVector.broadcast(F, 16);
        for (int u = 0; u < units; u++) {
            long unit = at + u * FIVE_BITS_UNIT_BYTES;
            if (WIDE) {
                headerFactors(packed, unit, stream, 1, 2, factors);
            } else {
                headerFactors2(packed, unit, stream, factors);
            }
            FloatVector d0 = FloatVector.fromArray(F, factors, 0);
            FloatVector dmin0 = FloatVector.fromArray(F, factors, L);
            FloatVector d1 = FloatVector.fromArray(F, factors, FACTORS);
            FloatVector dmin1 = FloatVector.fromArray(F, factors, FACTORS + L);
            FloatVector a0 = FloatVector.fromArray(F, y, to);
            FloatVector a1 = FloatVector.fromArray(F, y, to + L);
            for (int b = 0; b < UNIT_BLOCKS; b++) {
                long o = unit + (MINIMA_HEADER + b * 5) * (long) VECTOR_BYTES;
                int i = block + u * UNIT_BLOCKS + b;
                int q = i * 16;
                IntVector v;
                ShortVector m0 = IntVector.broadcast(I, multipliers[q]).reinterpretAsShorts();
                ShortVector m1 = IntVector.broadcast(I, multipliers[q + 1]).reinterpretAsShorts();
                ShortVector m2 = IntVector.broadcast(I, multipliers[q + 2]).reinterpretAsShorts();
                ShortVector m3 = IntVector.broadcast(I, multipliers[q + 3]).reinterpretAsShorts();
                v = IntVector.fromMemorySegment(I, w, o, LE);
                IntVector sixth0 = v.lanewise(LSHR, 5).and(0x07070707);
                v = v.and(0x1f1f1f1f);
                ShortVector s0 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
                v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
                sixth0 = v.lanewise(LSHR, 2).and(0x18181818).or(sixth0);
                IntVector seventh0 = v.lanewise(LSHR, 7).and(0x01010101);
                v = v.and(0x1f1f1f1f);
                s0 = v.reinterpretAsShorts()
                        .mul(m2)
                        .add(s0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                v = IntVector.fromMemorySegment(I, w, o + stream, LE);
                IntVector sixth1 = v.lanewise(LSHR, 5).and(0x07070707);
                v = v.and(0x1f1f1f1f);
                ShortVector s1 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
                v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + stream, LE);
                sixth1 = v.lanewise(LSHR, 2).and(0x18181818).or(sixth1);
                IntVector seventh1 = v.lanewise(LSHR, 7).and(0x01010101);
                v = v.and(0x1f1f1f1f);
                s1 = v.reinterpretAsShorts()
                        .mul(m2)
                        .add(s1)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                m0 = IntVector.broadcast(I, multipliers[q + 4]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, multipliers[q + 5]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, multipliers[q + 6]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, multipliers[q + 7]).reinterpretAsShorts();
                v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES, LE);
                seventh0 = v.lanewise(LSHR, 4).and(0x0e0e0e0e).or(seventh0);
                v = v.and(0x1f1f1f1f);
                s0 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(s0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
                v = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES, LE);
                seventh0 = v.lanewise(LSHR, 1).and(0x10101010).or(seventh0);
                IntVector eighth0 = v.lanewise(LSHR, 6).and(0x03030303);
                v = v.and(0x1f1f1f1f);
                s0 = v.reinterpretAsShorts()
                        .mul(m2)
                        .add(s0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES + stream, LE);
                seventh1 = v.lanewise(LSHR, 4).and(0x0e0e0e0e).or(seventh1);
                v = v.and(0x1f1f1f1f);
                s1 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(s1)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
                v = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES + stream, LE);
                seventh1 = v.lanewise(LSHR, 1).and(0x10101010).or(seventh1);
                IntVector eighth1 = v.lanewise(LSHR, 6).and(0x03030303);
                v = v.and(0x1f1f1f1f);
                s1 = v.reinterpretAsShorts()
                        .mul(m2)
                        .add(s1)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                m0 = IntVector.broadcast(I, multipliers[q + 8]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, multipliers[q + 9]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, multipliers[q + 10]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, multipliers[q + 11]).reinterpretAsShorts();
                v = IntVector.fromMemorySegment(I, w, o + 4L * VECTOR_BYTES, LE);
                eighth0 = v.lanewise(LSHR, 3).and(0x1c1c1c1c).or(eighth0);
                v = v.and(0x1f1f1f1f);
                s0 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(s0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                        .add(sixth0.reinterpretAsShorts().mul(m2))
                        .add(sixth0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                v = IntVector.fromMemorySegment(I, w, o + 4L * VECTOR_BYTES + stream, LE);
                eighth1 = v.lanewise(LSHR, 3).and(0x1c1c1c1c).or(eighth1);
                v = v.and(0x1f1f1f1f);
                s1 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(s1)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                        .add(sixth1.reinterpretAsShorts().mul(m2))
                        .add(sixth1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                m0 = IntVector.broadcast(I, multipliers[q + 12]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, multipliers[q + 13]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, multipliers[q + 14]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, multipliers[q + 15]).reinterpretAsShorts();
                IntVector start = IntVector.broadcast(I, 2 * starts[i]);
                FloatVector scale = FloatVector.broadcast(F, blockScales[i]);
                FloatVector sum = FloatVector.broadcast(F, blockSums[i]);
                o = unit + (b >> 1) * (long) VECTOR_BYTES + (b & 1) * 2;
                IntVector t0 = seventh0.reinterpretAsShorts()
                        .mul(m0)
                        .add(s0)
                        .add(seventh0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                        .add(eighth0.reinterpretAsShorts().mul(m2))
                        .add(eighth0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3))
                        .reinterpretAsInts();
                t0 = t0.lanewise(LSHL, 16).add(t0).add(start).lanewise(ASHR, 16);
                FloatVector w0 = d0.mul((FloatVector)
                        IntVector.fromMemorySegment(I, w, o, LE).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
                FloatVector c0 = dmin0.mul((FloatVector) IntVector.fromMemorySegment(I, w, o + 1, LE)
                        .and(SIX_BITS)
                        .convertShape(VectorOperators.I2F, F, 0));
                a0 = ((FloatVector) t0.convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(w0, a0);
                a0 = sum.fma(w0.fma(bias, c0), a0);
                IntVector t1 = seventh1.reinterpretAsShorts()
                        .mul(m0)
                        .add(s1)
                        .add(seventh1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                        .add(eighth1.reinterpretAsShorts().mul(m2))
                        .add(eighth1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3))
                        .reinterpretAsInts();
                t1 = t1.lanewise(LSHL, 16).add(t1).add(start).lanewise(ASHR, 16);
                FloatVector w1 = d1.mul((FloatVector) IntVector.fromMemorySegment(I, w, o + stream, LE)
                        .and(SIX_BITS)
                        .convertShape(VectorOperators.I2F, F, 0));
                FloatVector c1 = dmin1.mul((FloatVector) IntVector.fromMemorySegment(I, w, o + stream + 1, LE)
                        .and(SIX_BITS)
                        .convertShape(VectorOperators.I2F, F, 0));
                a1 = ((FloatVector) t1.convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(w1, a1);
                a1 = sum.fma(w1.fma(bias, c1), a1);
            }
            a0.intoArray(y, to);
            a1.intoArray(y, to + L);
        }
    }

    /**
     * Q6_K likewise, whose 16 columns are three vectors of bytes. Products of bytes that are shifted, but masked only
     * against the fourth columns' bits, add up as those of nibbles do; of 16 columns they fit 16 bits, at most 32·1,023.
     */
    static void dotSixBits(
            MemorySegment packed, long at, long stream, int units, Activations x, int block, float[] y, int to) {
        MemorySegment w = exact(packed);
        float[] blockScales = x.scales;
        int[] starts = x.byteStarts;
        int[] multipliers = x.byteMultipliers;
        for (int u = 0; u < units; u++) {
            long unit = at + u * SIX_BITS_UNIT_BYTES;
            IntVector low0 = IntVector.fromMemorySegment(I, w, unit, LE).lanewise(LSHL, 16);
            IntVector h0 = low0.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            FloatVector d0 = h0.reinterpretAsFloats();
            d0 = d0.add(d0.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(h0)
                    .or(low0.and(SIGN))
                    .reinterpretAsFloats();
            IntVector low1 =
                    IntVector.fromMemorySegment(I, w, unit + stream, LE).lanewise(LSHL, 16);
            IntVector h1 = low1.and(MAGNITUDE).lanewise(LSHR, 3).add(FLOAT_BIAS);
            FloatVector d1 = h1.reinterpretAsFloats();
            d1 = d1.add(d1.sub(LEAST_NORMAL_HALF))
                    .reinterpretAsInts()
                    .min(h1)
                    .or(low1.and(SIGN))
                    .reinterpretAsFloats();
            FloatVector a0 = FloatVector.fromArray(F, y, to);
            FloatVector a1 = FloatVector.fromArray(F, y, to + L);
            for (int h = 0; h < 2 * UNIT_BLOCKS; h++) {
                long o = unit + (SIX_BITS_HEADER + h * 3) * (long) VECTOR_BYTES;
                int i = 2 * (block + u * UNIT_BLOCKS) + h;
                int q = i * 8;
                ShortVector m0 = IntVector.broadcast(I, multipliers[q]).reinterpretAsShorts();
                ShortVector m1 = IntVector.broadcast(I, multipliers[q + 1]).reinterpretAsShorts();
                ShortVector m2 = IntVector.broadcast(I, multipliers[q + 2]).reinterpretAsShorts();
                ShortVector m3 = IntVector.broadcast(I, multipliers[q + 3]).reinterpretAsShorts();
                IntVector v = IntVector.fromMemorySegment(I, w, o, LE);
                IntVector fours0 = v.lanewise(LSHR, 6).and(0x03030303);
                v = v.and(0x3f3f3f3f);
                ShortVector s0 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
                v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
                fours0 = v.lanewise(LSHR, 4).and(0x0c0c0c0c).or(fours0);
                v = v.and(0x3f3f3f3f);
                s0 = s0.add(v.reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                v = IntVector.fromMemorySegment(I, w, o + stream, LE);
                IntVector fours1 = v.lanewise(LSHR, 6).and(0x03030303);
                v = v.and(0x3f3f3f3f);
                ShortVector s1 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
                v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + stream, LE);
                fours1 = v.lanewise(LSHR, 4).and(0x0c0c0c0c).or(fours1);
                v = v.and(0x3f3f3f3f);
                s1 = s1.add(v.reinterpretAsShorts().mul(m2))
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
                m0 = IntVector.broadcast(I, multipliers[q + 4]).reinterpretAsShorts();
                m1 = IntVector.broadcast(I, multipliers[q + 5]).reinterpretAsShorts();
                m2 = IntVector.broadcast(I, multipliers[q + 6]).reinterpretAsShorts();
                m3 = IntVector.broadcast(I, multipliers[q + 7]).reinterpretAsShorts();
                IntVector start = IntVector.broadcast(I, starts[i]);
                FloatVector scale = FloatVector.broadcast(F, blockScales[i / 2]);
                // So read that a scale is the highest byte of each int.
                long fields = unit + (1 + (h >> 2)) * (long) VECTOR_BYTES + (h & 3) - 3;
                v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES, LE);
                fours0 = v.lanewise(LSHR, 2).and(0x30303030).or(fours0);
                v = v.and(0x3f3f3f3f);
                IntVector t0 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(s0)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                        .add(fours0.reinterpretAsShorts().mul(m2))
                        .add(fours0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3))
                        .reinterpretAsInts();
                t0 = t0.lanewise(LSHL, 16).add(t0).add(start).lanewise(ASHR, 16);
                FloatVector w0 = d0.mul((FloatVector) IntVector.fromMemorySegment(I, w, fields, LE)
                        .lanewise(ASHR, 24)
                        .convertShape(VectorOperators.I2F, F, 0));
                a0 = ((FloatVector) t0.convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(w0, a0);
                v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES + stream, LE);
                fours1 = v.lanewise(LSHR, 2).and(0x30303030).or(fours1);
                v = v.and(0x3f3f3f3f);
                IntVector t1 = v.reinterpretAsShorts()
                        .mul(m0)
                        .add(s1)
                        .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                        .add(fours1.reinterpretAsShorts().mul(m2))
                        .add(fours1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3))
                        .reinterpretAsInts();
                t1 = t1.lanewise(LSHL, 16).add(t1).add(start).lanewise(ASHR, 16);
                FloatVector w1 = d1.mul((FloatVector) IntVector.fromMemorySegment(I, w, fields + stream, LE)
                        .lanewise(ASHR, 24)
                        .convertShape(VectorOperators.I2F, F, 0));
                a1 = ((FloatVector) t1.convertShape(VectorOperators.I2F, F, 0))
                        .mul(scale)
                        .fma(w1, a1);
            }
            a0.intoArray(y, to);
            a1.intoArray(y, to + L);
        }
    }

    /**
     * Five bits, whose 32 columns are five vectors of bytes: y += (s·scale(x))·scale [+ sum(x)·centre] of a unit's blocks for two
     * vectors of rows. Products of bytes that are shifted, but masked only against other columns' bits, add up as those of
     * nibbles do; of 32 columns they fit 16 bits, at most 16·2·1,023.
     *
     * @param at where the first block of the first vector of rows is
     * @param block its index in the activations
     * @param from where the first vector of rows is in the unit's scales and centres
     */
    static void dotFiveBits(
            MemorySegment packed,
            long at,
            long stream,
            int blocks,
            Activations x,
            int block,
            boolean centred,
            float[] scales,
            float[] centres,
            int from,
            float[] y,
            int to) {
        MemorySegment w = exact(packed);
        float[] blockScales = x.scales;
        float[] blockSums = x.sums;
        int[] starts = x.starts;
        int[] multipliers = x.byteMultipliers;
        FloatVector a0 = FloatVector.fromArray(F, y, to);
        FloatVector a1 = FloatVector.fromArray(F, y, to + L);
        for (int b = 0; b < blocks; b++) {
            long o = at + b * (5L * VECTOR_BYTES);
            int run = from + b * ROWS;
            int q = (block + b) * 16;
            IntVector v;
            ShortVector m0 = IntVector.broadcast(I, multipliers[q]).reinterpretAsShorts();
            ShortVector m1 = IntVector.broadcast(I, multipliers[q + 1]).reinterpretAsShorts();
            ShortVector m2 = IntVector.broadcast(I, multipliers[q + 2]).reinterpretAsShorts();
            ShortVector m3 = IntVector.broadcast(I, multipliers[q + 3]).reinterpretAsShorts();
            v = IntVector.fromMemorySegment(I, w, o, LE);
            IntVector sixth0 = v.lanewise(LSHR, 5).and(0x07070707);
            v = v.and(0x1f1f1f1f);
            ShortVector s0 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES, LE);
            sixth0 = v.lanewise(LSHR, 2).and(0x18181818).or(sixth0);
            IntVector seventh0 = v.lanewise(LSHR, 7).and(0x01010101);
            v = v.and(0x1f1f1f1f);
            s0 = v.reinterpretAsShorts()
                    .mul(m2)
                    .add(s0)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, o + stream, LE);
            IntVector sixth1 = v.lanewise(LSHR, 5).and(0x07070707);
            v = v.and(0x1f1f1f1f);
            ShortVector s1 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            v = IntVector.fromMemorySegment(I, w, o + VECTOR_BYTES + stream, LE);
            sixth1 = v.lanewise(LSHR, 2).and(0x18181818).or(sixth1);
            IntVector seventh1 = v.lanewise(LSHR, 7).and(0x01010101);
            v = v.and(0x1f1f1f1f);
            s1 = v.reinterpretAsShorts()
                    .mul(m2)
                    .add(s1)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            m0 = IntVector.broadcast(I, multipliers[q + 4]).reinterpretAsShorts();
            m1 = IntVector.broadcast(I, multipliers[q + 5]).reinterpretAsShorts();
            m2 = IntVector.broadcast(I, multipliers[q + 6]).reinterpretAsShorts();
            m3 = IntVector.broadcast(I, multipliers[q + 7]).reinterpretAsShorts();
            v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES, LE);
            seventh0 = v.lanewise(LSHR, 4).and(0x0e0e0e0e).or(seventh0);
            v = v.and(0x1f1f1f1f);
            s0 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(s0)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            v = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES, LE);
            seventh0 = v.lanewise(LSHR, 1).and(0x10101010).or(seventh0);
            IntVector eighth0 = v.lanewise(LSHR, 6).and(0x03030303);
            v = v.and(0x1f1f1f1f);
            s0 = v.reinterpretAsShorts()
                    .mul(m2)
                    .add(s0)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, o + 2L * VECTOR_BYTES + stream, LE);
            seventh1 = v.lanewise(LSHR, 4).and(0x0e0e0e0e).or(seventh1);
            v = v.and(0x1f1f1f1f);
            s1 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(s1)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1));
            v = IntVector.fromMemorySegment(I, w, o + 3L * VECTOR_BYTES + stream, LE);
            seventh1 = v.lanewise(LSHR, 1).and(0x10101010).or(seventh1);
            IntVector eighth1 = v.lanewise(LSHR, 6).and(0x03030303);
            v = v.and(0x1f1f1f1f);
            s1 = v.reinterpretAsShorts()
                    .mul(m2)
                    .add(s1)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            m0 = IntVector.broadcast(I, multipliers[q + 8]).reinterpretAsShorts();
            m1 = IntVector.broadcast(I, multipliers[q + 9]).reinterpretAsShorts();
            m2 = IntVector.broadcast(I, multipliers[q + 10]).reinterpretAsShorts();
            m3 = IntVector.broadcast(I, multipliers[q + 11]).reinterpretAsShorts();
            v = IntVector.fromMemorySegment(I, w, o + 4L * VECTOR_BYTES, LE);
            eighth0 = v.lanewise(LSHR, 3).and(0x1c1c1c1c).or(eighth0);
            v = v.and(0x1f1f1f1f);
            s0 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(s0)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                    .add(sixth0.reinterpretAsShorts().mul(m2))
                    .add(sixth0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            v = IntVector.fromMemorySegment(I, w, o + 4L * VECTOR_BYTES + stream, LE);
            eighth1 = v.lanewise(LSHR, 3).and(0x1c1c1c1c).or(eighth1);
            v = v.and(0x1f1f1f1f);
            s1 = v.reinterpretAsShorts()
                    .mul(m0)
                    .add(s1)
                    .add(v.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                    .add(sixth1.reinterpretAsShorts().mul(m2))
                    .add(sixth1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3));
            m0 = IntVector.broadcast(I, multipliers[q + 12]).reinterpretAsShorts();
            m1 = IntVector.broadcast(I, multipliers[q + 13]).reinterpretAsShorts();
            m2 = IntVector.broadcast(I, multipliers[q + 14]).reinterpretAsShorts();
            m3 = IntVector.broadcast(I, multipliers[q + 15]).reinterpretAsShorts();
            IntVector start = IntVector.broadcast(I, 2 * starts[block + b]);
            FloatVector scale = FloatVector.broadcast(F, blockScales[block + b]);
            FloatVector sum = FloatVector.broadcast(F, blockSums[block + b]);
            IntVector t0 = seventh0.reinterpretAsShorts()
                    .mul(m0)
                    .add(s0)
                    .add(seventh0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                    .add(eighth0.reinterpretAsShorts().mul(m2))
                    .add(eighth0.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts();
            t0 = t0.lanewise(LSHL, 16).add(t0).add(start).lanewise(ASHR, 16);
            a0 = ((FloatVector) t0.convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, run), a0);
            if (centred) {
                a0 = sum.fma(FloatVector.fromArray(F, centres, run), a0);
            }
            IntVector t1 = seventh1.reinterpretAsShorts()
                    .mul(m0)
                    .add(s1)
                    .add(seventh1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m1))
                    .add(eighth1.reinterpretAsShorts().mul(m2))
                    .add(eighth1.lanewise(LSHR, 8).reinterpretAsShorts().mul(m3))
                    .reinterpretAsInts();
            t1 = t1.lanewise(LSHL, 16).add(t1).add(start).lanewise(ASHR, 16);
            a1 = ((FloatVector) t1.convertShape(VectorOperators.I2F, F, 0))
                    .mul(scale)
                    .fma(FloatVector.fromArray(F, scales, run + L), a1);
            if (centred) {
                a1 = sum.fma(FloatVector.fromArray(F, centres, run + L), a1);
            }
        }
        a0.intoArray(y, to);
        a1.intoArray(y, to + L);
    }

    /**
     * Q4_K where 256 columns share a scale of the activations, from its products, for the vectors of rows at v and v + L. Of each 256 the products are added up with their
     * whole scales first, which is exact: y += ((Σ s·scale)·scale(x))·d, then y += Σ sum(x)·centre over blocks.
     */
    static void combineWhole(
            MemorySegment packed,
            long fields,
            long stream,
            int groups,
            int[] products,
            int v,
            Activations x,
            int at,
            float[] factors,
            int from,
            float[] y,
            int to) {
        MemorySegment w = exact(packed);
        float[] blockScales = x.scales;
        float[] blockSums = x.sums;
        int[] starts = x.starts;
        FloatVector bias = FloatVector.broadcast(F, 8);
        for (int group = 0; group < groups; group++) {
            FloatVector d0 = FloatVector.fromArray(F, factors, from + 2 * group * L);
            FloatVector dmin0 = FloatVector.fromArray(F, factors, from + (2 * group + 1) * L);
            FloatVector d1 = FloatVector.fromArray(F, factors, from + FACTORS + 2 * group * L);
            FloatVector dmin1 = FloatVector.fromArray(F, factors, from + FACTORS + (2 * group + 1) * L);
            FloatVector s0 = FloatVector.zero(F);
            FloatVector s1 = FloatVector.zero(F);
            FloatVector m0 = FloatVector.zero(F);
            FloatVector m1 = FloatVector.zero(F);
            for (int p = 4 * group; p < 4 * group + 4; p++) {
                long o = fields + p * (long) VECTOR_BYTES;
                IntVector f0 = IntVector.fromMemorySegment(I, w, o, LE);
                IntVector f1 = IntVector.fromMemorySegment(I, w, o + stream, LE);
                FloatVector sum = FloatVector.broadcast(F, blockSums[at + 2 * p]);
                IntVector start = IntVector.broadcast(I, starts[at + 2 * p]);
                IntVector t0 = IntVector.fromArray(I, products, 4 * p * ROWS + v)
                        .reinterpretAsShorts()
                        .add(IntVector.fromArray(I, products, (4 * p + 1) * ROWS + v)
                                .reinterpretAsShorts())
                        .reinterpretAsInts();
                FloatVector w0 = (FloatVector) f0.and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0);
                FloatVector c0 = dmin0.mul(
                        (FloatVector) f0.lanewise(LSHR, 8).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
                s0 = ((FloatVector) t0.lanewise(LSHL, 16)
                                .add(t0)
                                .add(start)
                                .lanewise(ASHR, 16)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .fma(w0, s0);
                m0 = sum.fma(d0.mul(w0).fma(bias, c0), m0);
                IntVector t1 = IntVector.fromArray(I, products, 4 * p * ROWS + v + L)
                        .reinterpretAsShorts()
                        .add(IntVector.fromArray(I, products, (4 * p + 1) * ROWS + v + L)
                                .reinterpretAsShorts())
                        .reinterpretAsInts();
                FloatVector w1 = (FloatVector) f1.and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0);
                FloatVector c1 = dmin1.mul(
                        (FloatVector) f1.lanewise(LSHR, 8).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
                s1 = ((FloatVector) t1.lanewise(LSHL, 16)
                                .add(t1)
                                .add(start)
                                .lanewise(ASHR, 16)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .fma(w1, s1);
                m1 = sum.fma(d1.mul(w1).fma(bias, c1), m1);
                sum = FloatVector.broadcast(F, blockSums[at + 2 * p + 1]);
                start = IntVector.broadcast(I, starts[at + 2 * p + 1]);
                t0 = IntVector.fromArray(I, products, (4 * p + 2) * ROWS + v)
                        .reinterpretAsShorts()
                        .add(IntVector.fromArray(I, products, (4 * p + 3) * ROWS + v)
                                .reinterpretAsShorts())
                        .reinterpretAsInts();
                w0 = (FloatVector) f0.lanewise(LSHR, 16).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0);
                c0 = dmin0.mul(
                        (FloatVector) f0.lanewise(LSHR, 24).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
                s0 = ((FloatVector) t0.lanewise(LSHL, 16)
                                .add(t0)
                                .add(start)
                                .lanewise(ASHR, 16)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .fma(w0, s0);
                m0 = sum.fma(d0.mul(w0).fma(bias, c0), m0);
                t1 = IntVector.fromArray(I, products, (4 * p + 2) * ROWS + v + L)
                        .reinterpretAsShorts()
                        .add(IntVector.fromArray(I, products, (4 * p + 3) * ROWS + v + L)
                                .reinterpretAsShorts())
                        .reinterpretAsInts();
                w1 = (FloatVector) f1.lanewise(LSHR, 16).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0);
                c1 = dmin1.mul(
                        (FloatVector) f1.lanewise(LSHR, 24).and(SIX_BITS).convertShape(VectorOperators.I2F, F, 0));
                s1 = ((FloatVector) t1.lanewise(LSHL, 16)
                                .add(t1)
                                .add(start)
                                .lanewise(ASHR, 16)
                                .convertShape(VectorOperators.I2F, F, 0))
                        .fma(w1, s1);
                m1 = sum.fma(d1.mul(w1).fma(bias, c1), m1);
            }
            FloatVector scale = FloatVector.broadcast(F, blockScales[at + 8 * group]);
            FloatVector y0 = FloatVector.fromArray(F, y, to + v);
            s0.mul(scale).fma(d0, y0).add(m0).intoArray(y, to + v);
            FloatVector y1 = FloatVector.fromArray(F, y, to + v + L);
            s1.mul(scale).fma(d1, y1).add(m1).intoArray(y, to + v + L);
        }
    }

    /** y[token][vector] = results[vector][token], of vectors that are {@code step} apart in the results. */
    static void copy(float[] results, int from, int step, int vectors, int tokens, float[] y, int to, int stride) {
        for (int t = 0; t < tokens; t++) {
            for (int v = 0; v < vectors; v++) {
                FloatVector.fromArray(F, results, from + t * ROWS + v * step).intoArray(y, to + t * stride + v * L);
            }
        }
    }
}
