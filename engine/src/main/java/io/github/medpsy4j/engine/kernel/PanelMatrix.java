package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * A matrix of weights of at most eight bits, repacked so that vector lanes are rows. {@link IntegerPanels} multiply it in
 * integers, {@link FloatPanels} in floats and {@link TablePanels} in both, whichever suits the type and the vectors.
 *
 * <p><b>Layout.</b> A strip is a run of units of {@link #unitBlocks} blocks of 32 columns. A unit is read from its first
 * byte to its last. It holds vectors of ints:
 * <ul>
 *   <li>the header in the type's own precision, two halves to an int, the first low: d of two blocks, or d and m of each
 *       block, or for the 256-wide types four vectors of two scales and two minima each, whose bytes' highest two bits, the first
 *       vector's lowest, are d and dmin, or d and then vectors of four signed scales, a byte each, or of eight odd ones, half a
 *       byte each;
 *   <li>blocks. Of {@link FloatPanels}: four vectors of low nibbles, in {@link PanelFormat#packLow}'s order, and as many of high
 *       bits as a weight has, in {@link PanelFormat#packHigh}'s; of eight bits {@link PanelFormat#packEightBits}. Of {@link
 *       IntegerPanels} four bits are the same; five and six bits take five and six vectors of bytes ({@link
 *       PanelFormat#packFiveBits}, {@link PanelFormat#packSixBits}); of eight the high nibbles stand behind the low ones of all
 *       blocks. Of {@link TablePanels}: eight halves of vectors, in {@link PanelFormat#packTwos}'s order.
 * </ul>
 * So what is read in one pass, units of 256 columns of Q4_K, Q5_K, Q6_K and IQ4, has no gaps.
 */
abstract class PanelMatrix extends StripMatrix {
    static final int BLOCK = Activations.BLOCK;

    /** Bytes of a block in half a tile of floats. */
    static final long TILE_BLOCK_BYTES = BLOCK * HALF_ROWS * (long) Float.BYTES;

    /** Ints that hold a block's nibbles. */
    static final int INTS = BLOCK / 8;

    /** Scales, centres and sums of a unit stay in the L1 cache. */
    static final int UNIT_BLOCKS_MAX = 32;

    final PanelFormat format;
    final int unitBlocks;

    /** Units of a strip. */
    final int units;

    /** Bytes from a unit to the next. */
    final long unitBytes;

    /** Bytes from a unit's start to its first block. */
    final long blocksOffset;

    /** A unit's header, decoded. */
    static final class Header {
        /** [run of a unit][rows] */
        final float[] scales = new float[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** [run of a unit][rows] */
        final float[] centres = new float[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** [strip of a panel] d and -dmin */
        final float[] factors = new float[ROWS / LANES * VectorPanels.FACTORS];
    }

    /** One worker's memory. */
    static final class Workspace {
        /** Those of panels that are multiplied together, in order. */
        final Header[] headers =
                Stream.generate(Header::new).limit(RESULT_PANELS).toArray(Header[]::new);

        /** [run of a unit][rows] for one token */
        final int[] sums = new int[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** [four columns of a block][rows] bytes, on their way to a tile of shorts */
        final int[] bytes = new int[VectorPanels.FLOAT_TILES ? 0 : BLOCK / 4 * ROWS];

        /** [tile's columns][pair of vectors of rows][lane] two centred shorts, and those of the high nibbles of eight bits */
        final int[] tile = new int[VectorPanels.FLOAT_TILES ? 0 : IntegerPanels.TILE_BLOCKS_MAX * BLOCK / 2 * ROWS];

        final int[] highTile = new int[tile.length];

        /** [half block of a unit][rows] for one token, [four tokens][run of a tile][pair of vectors][token][lanes] for many */
        final int[] products = new int[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** The same of the high bits. */
        final int[] highProducts = new int[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** [panel][tokens][rows] */
        final float[] results = new float[RESULT_PANELS * RESULTS];

        /**
         * [half][column of a span][rows] floats. Not an array, as these do not begin where lines of the cache do: each load would
         * read two (71 instead of 82 GMAC/s).
         */
        final MemorySegment floatTile = Arena.ofAuto().allocate(2L * HALF_TILE_BYTES, 64);

        /**
         * [half][column of a span][rows] c of {@link TablePanels}, as floats. An array, as C2 checks those before a loop and not
         * behind each fence.
         */
        final float[] tableTile = new float[TablePanels.ARE_USED ? 2 * HALF_TILE_BYTES / Float.BYTES : 0];

        /** [twelve tokens][rows] whole numbers of 256 columns, zeros in between, where {@link VectorPanels#FLOAT_TILES} */
        final float[] wholes = new float[VectorPanels.FLOAT_TILES ? TWELVE * ROWS : 0];

        /** [four tokens][run][token][rows] of a few tokens */
        final float[] sums4 = new float[VectorPanels.FLOAT_TILES ? FEW_TOKENS_MAX / 4 * IntegerPanels.SUMS : 0];
    }

    PanelMatrix(PanelFormat format, int rows, int columns, Arena arena) {
        this(format, rows, columns, unitBlocks(format, columns), arena);
    }

    private PanelMatrix(PanelFormat format, int rows, int columns, int unitBlocks, Arena arena) {
        super(rows, columns, columns / BLOCK / unitBlocks * unitBytes(format, unitBlocks), arena);
        this.format = format;
        this.unitBlocks = unitBlocks;
        units = columns / BLOCK / unitBlocks;
        unitBytes = unitBytes(format, unitBlocks);
        blocksOffset = headerVectors(format, unitBlocks) * (long) VECTOR_BYTES;
    }

    static int greatestDivisor(int n, int max) {
        int divisor = max;
        while (n % divisor != 0) {
            divisor--;
        }
        return divisor;
    }

    private static int unitBlocks(PanelFormat format, int columns) {
        int group = format.blockWeights / BLOCK;
        int blocks =
                IntegerPanels.isFused(format) || TablePanels.suits(format) ? VectorPanels.UNIT_BLOCKS : UNIT_BLOCKS_MAX;
        return group * greatestDivisor(columns / BLOCK / group, blocks / group);
    }

    private static long unitBytes(PanelFormat format, int unitBlocks) {
        int vectors = headerVectors(format, unitBlocks) + unitBlocks * (INTS + format.highBits);
        return vectors * (long) VECTOR_BYTES;
    }

    private static int headerVectors(PanelFormat format, int unitBlocks) {
        int groups = unitBlocks * BLOCK / format.blockWeights;
        return switch (format) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> (unitBlocks + 1) / 2;
            case Q4_1, Q5_1 -> unitBlocks;
            case Q4_K, Q5_K -> VectorPanels.MINIMA_HEADER * groups;
            case Q6_K, IQ4_XS -> (1 + 2 * format.runs) * groups;
            case IQ3_S, IQ3_S_LINEAR, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> (1 + format.runs) * groups;
        };
    }

    /** 256-wide blocks of a unit. */
    final int groups() {
        return unitBlocks * BLOCK / format.blockWeights;
    }

    /** Vectors of four scales each for 256 columns of the types with signed scales. */
    private int quads() {
        return 2 * format.runs;
    }

    /** Repacks a tensor; {@code source} is not needed afterwards. */
    static PanelMatrix pack(
            MemorySegment source, PanelFormat format, int rows, int columns, Arena arena, WorkerPool pool) {
        PanelMatrix m;
        if (TablePanels.suits(format)) {
            m = new TablePanels(format, rows, columns, arena);
        } else if (FloatPanels.suits(format)) {
            m = new FloatPanels(format, rows, columns, arena);
        } else {
            m = new IntegerPanels(format, rows, columns, arena);
        }
        pool.run(m.strips(), 1, (begin, end, worker) -> {
            byte[] src = new byte[Math.toIntExact(LANES * m.sourceRowBytes())];
            int[] unit = new int[Math.toIntExact(m.unitBytes / Integer.BYTES)];
            for (int strip = begin; strip < end; strip++) {
                m.packStrip(source, strip, src, unit);
            }
        });
        return m;
    }

    private long sourceRowBytes() {
        return (long) columns() / format.blockWeights * format.type.blockBytes();
    }

    private void packStrip(MemorySegment source, int strip, byte[] src, int[] unit) {
        int rowBytes = src.length / LANES;
        int rowsHere = rowsOf(strip);
        // At once: to copy each row's part of a unit takes a fifth of the time that packing takes.
        long from = (long) strip * src.length;
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, from, src, 0, rowsHere * rowBytes);
        for (int u = 0; u < units; u++) {
            Arrays.fill(unit, 0);
            for (int r = 0; r < rowsHere; r++) {
                packRow(src, r * rowBytes + u * (rowBytes / units), unit, r);
            }
            put(strip, u * unitBytes, unit, unit.length);
        }
    }

    /** Packs a row's part of a unit, which begins at {@code from}. */
    private void packRow(byte[] src, int from, int[] unit, int r) {
        packHeader(src, from, unit, r);
        int subBlocks = format.blockWeights / BLOCK;
        for (int b = 0; b < unitBlocks; b += subBlocks) {
            packBlock(src, from + b / subBlocks * format.type.blockBytes(), unit, b, r);
        }
    }

    /**
     * Packs a block of the file.
     *
     * @param block where it is in {@code src}
     * @param b the unit's first block of 32 columns to which it goes
     * @param r the row of the strip
     */
    abstract void packBlock(byte[] src, int block, int[] unit, int b, int r);

    private void packHeader(byte[] src, int from, int[] unit, int r) {
        int perBlock = format.type.blockBytes();
        switch (format) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> {
                for (int b = 0; b < unitBlocks; b++) {
                    unit[r + b / 2 * LANES] |= halves(format.d(src, from + b * perBlock), (short) 0) << (16 * (b & 1));
                }
            }
            case Q4_1, Q5_1 -> {
                for (int b = 0; b < unitBlocks; b++) {
                    unit[r + b * LANES] =
                            halves(format.d(src, from + b * perBlock), format.m(src, from + b * perBlock));
                }
            }
            case Q4_K, Q5_K -> {
                for (int g = 0; g < groups(); g++) {
                    int block = from + g * perBlock;
                    format.packScalesAndMinima(src, block, unit, r + g * VectorPanels.MINIMA_HEADER * LANES, LANES);
                }
            }
            case Q6_K, IQ4_XS -> {
                for (int g = 0; g < groups(); g++) {
                    int block = from + g * perBlock;
                    int to = r + g * (1 + quads()) * LANES;
                    unit[to] = halves(format.d(src, block), (short) 0);
                    for (int p = 0; p < quads(); p++) {
                        unit[to + (1 + p) * LANES] = format.signedScales(src, block, p);
                    }
                }
            }
            case IQ3_S, IQ3_S_LINEAR, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                for (int g = 0; g < groups(); g++) {
                    int block = from + g * perBlock;
                    int to = r + g * (1 + format.runs) * LANES;
                    unit[to] = halves(format.d(src, block), (short) 0);
                    for (int p = 0; p < format.runs; p++) {
                        unit[to + (1 + p) * LANES] = format.oddScales(src, block, p);
                    }
                }
            }
        }
    }

    private static int halves(short low, short high) {
        return (low & 0xffff) | high << 16;
    }

    /**
     * A unit's scales and, of types with offsets, its centres: w = scale·(v + bias) + offset = scale·v + centre; of Q4_K and Q5_K
     * its factors too.
     *
     * @param bias what is taken from the type's integers to make v
     */
    final void decodeHeader(long unit, float bias, Header h) {
        switch (format) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> VectorPanels.headerScales(packed, unit, stream, unitBlocks, h.scales);
            case Q4_1, Q5_1 -> VectorPanels.headerOffsets(packed, unit, stream, unitBlocks, bias, h.scales, h.centres);
            case Q4_K, Q5_K -> {
                VectorPanels.headerFactors(packed, unit, stream, groups(), ROWS / LANES, h.factors);
                VectorPanels.headerMinima(packed, unit, stream, groups(), bias, h.factors, h.scales, h.centres);
            }
            case Q6_K, IQ4_XS ->
                VectorPanels.headerSigned(packed, unit, stream, groups(), quads(), format.factor, h.scales);
            case IQ3_S, IQ3_S_LINEAR, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                VectorPanels.headerOdd(packed, unit, stream, groups(), format.runs, format.factor, h.scales);
                // Of IQ3_S_LINEAR: 2·D·(n - 8) + D is 2·D·(n - 7.5).
                for (int i = 0; format.hasCentre() && i < unitBlocks * ROWS; i++) {
                    h.centres[i] = (bias - 7.5f) * h.scales[i];
                }
            }
        }
    }
}
