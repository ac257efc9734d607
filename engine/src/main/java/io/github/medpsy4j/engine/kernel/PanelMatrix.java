package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * A matrix of weights of at most eight bits, repacked so that vector lanes are rows, multiplied with 8-bit activations in exact
 * integer arithmetic.
 *
 * <p>For each run of columns that share a scale: s = Σ c·q over the integers, where c is the weight's centred integer
 * (n - 8 of four bits, n + 16·h - 16 of five, n + 16·h - 32 of six, the byte of eight, table[n]). In floats, in order of columns,
 * y += (s·scale(x))·scale(w) and, where the type has offsets, y += sum(x)·centre(w). Scales and centres of the types with
 * two levels of scales are floats made of both, scale(w) = d·scale and centre(w) = bias·d·scale - dmin·min, in which only
 * the last difference rounds. So only these float operations round, and their order is the same for one token and for
 * many: results do not depend on the batch.
 *
 * <p><b>One token</b> works on the packed nibbles. 32 products of a centred nibble and q are at most 8·127·32 = 32,512
 * in magnitude, so their sum fits 16 bits, and only the final sum has to: on the way lanes may wrap. So nibbles need not
 * be masked. An int lane holds eight nibbles n0..n7 of one row, the lowest first; shifted right by 0, 4, 8 and 12 and
 * taken as two shorts, it is multiplied with the pairs (b0, b4), (b1, b5), (b2, b6), (b3, b7), where b0 = q0 and bk = qk
 * - 16·q(k-1). What a nibble adds through its upper neighbours' shifts cancels, and the eight products, both shorts
 * together, are Σ nk·qk modulo 2^16. Starting from -8·Σq centres the sum. High bits stand in nibbles of their own and
 * are summed likewise.
 *
 * <p>Weights that are looked up have no such shortcut: one token looks each nibble up in a table of floats and adds
 * products of whole numbers, which are exact below 2^24.
 *
 * <p><b>A few tokens</b>, where vectors have 512 bits, are multiplied four at a time with weights that become floats in
 * registers: the bits of an unsigned u, moved to the top of the mantissa of 2^b, make 2^b + u. Sums of (2^b + u)·q are exact
 * and start from what they are too great by, so they are Σ c·q as well.
 *
 * <p><b>Many tokens</b> share an unpacked tile. With vectors of 512 bits it holds c as floats, and sums of a run are fused
 * multiply-adds of whole numbers. With smaller ones it holds integers c, two columns to an int, which are added up apart: 16
 * products of five bits, at most 16·127·16 = 32,512, fit 16 bits, so 32 columns are added before they are widened; of six
 * bits 16 columns; eight bits and looked up weights are two tiles, c & 15 or n and c >> 4 or h - 8.
 *
 * <p><b>Layout.</b> A strip is a run of units of {@link #unitBlocks} blocks of 32 columns. A unit is read from its first
 * byte to its last. It holds vectors of ints:
 * <ul>
 *   <li>the header in the type's own precision, two halves to an int, the first low: d of two blocks, or d and m of each
 *       block, or for the 256-wide types d, dmin, and then four vectors of two scales and two minima each, or d and then
 *       vectors of four signed scales, a byte each;
 *   <li>low nibbles: [block][4], in {@link PanelFormat#packLow}'s order;
 *   <li>high bits: [block][highBits], in {@link PanelFormat#packHigh}'s order.
 * </ul>
 */
final class PanelMatrix extends StripMatrix {
    static final int BLOCK = Activations.BLOCK;

    /** Ints that hold a block's nibbles. */
    static final int INTS = BLOCK / 8;

    /** Scales, centres and sums of a unit stay in the L1 cache. */
    static final int UNIT_BLOCKS_MAX = 32;

    /** Blocks of a tile of shorts for many tokens, which is 16 KiB. */
    private static final int TILE_BLOCKS_MAX = 8;

    /** Blocks of a tile of floats, which is 16 KiB. */
    private static final int FLOAT_TILE_BLOCKS_MAX = 2;

    /** Blocks whose sums of four tokens are kept at a time. */
    private static final int SUM_BLOCKS_MAX = 8;

    /**
     * Blocks that are unpacked to bytes at a time: between such bursts of reads prefetchers get ahead. (Of Q8_0, eight at a
     * time cost a fifth more, one at a time a tenth.)
     */
    private static final int BURST_BLOCKS_MAX = 2;

    /** Sums of four tokens, with two runs to a block. */
    private static final int SUMS = SUM_BLOCKS_MAX * 2 * 4 * ROWS;

    /** How many tokens behind fours are multiplied one by one, as they cost less so than a group of four. */
    private static final int SINGLES = VectorPanels.FLOAT_TILES ? 1 : 2;

    /** What nibbles n stand for as floats, n - 8, as {@link #tables} of others. */
    private static final int[] CENTRED_FLOATS = floats(n -> n - 8);

    private final PanelFormat format;
    private final int unitBlocks;
    private final int tileBlocks;
    private final int sumBlocks;
    private final int burstBlocks;

    /** Whether few tokens are multiplied without a tile. */
    private final boolean unpacksForFours;

    private final int units;
    private final long lowOffset;
    private final long highOffset;
    private final long unitBytes;

    // Of types that are looked up, by nibble, each table twice: c as a float, and as c & 15 and c >> 4. Four bits
    // have the first one too.
    private final int[] tables;
    private final int[] lowTables;
    private final int[] highTables;

    /** One worker's memory. */
    static final class Workspace {
        /** [run of a unit][rows] */
        final float[] scales = new float[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** [run of a unit][rows] */
        final float[] centres = new float[UNIT_BLOCKS_MAX * ROWS];

        /** [strip of a panel] d and -dmin */
        final float[] factors = new float[ROWS / LANES * VectorPanels.FACTORS];

        /** [run of a unit][rows] for one token */
        final int[] sums = new int[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** [tile's pairs of columns][rows] centred shorts, and those of the high nibbles of eight bits */
        final int[] tile = new int[VectorPanels.FLOAT_TILES ? 0 : TILE_BLOCKS_MAX * BLOCK / 2 * ROWS];

        final int[] highTile = new int[tile.length];

        /** [half block of a unit][rows] for one token, [run of a tile][vector][4 tokens][lanes] for many */
        final int[] products = new int[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** The same of the high bits. */
        final int[] highProducts = new int[UNIT_BLOCKS_MAX * 2 * ROWS];

        /** [panel][tokens][rows] */
        final float[] results = new float[RESULT_PANELS * RESULTS];

        /** [column of a block][rows] centred numbers, where {@link VectorPanels#FLOAT_TILES} */
        final float[] floatTile = new float[VectorPanels.FLOAT_TILES ? FLOAT_TILE_BLOCKS_MAX * BLOCK * ROWS : 0];

        /** [four tokens][run][token][rows] of a few tokens */
        final float[] sums4 = new float[VectorPanels.FLOAT_TILES ? FEW_TOKENS_MAX / 4 * SUMS : 0];

        /** [word of a unit][rows] of looked up weights for one token */
        final float[] wordProducts = new float[VectorPanels.TABLES ? UNIT_BLOCKS_MAX * INTS * ROWS : 0];
    }

    private PanelMatrix(PanelFormat format, int rows, int columns, Arena arena) {
        this(format, rows, columns, unitBlocks(format, columns), arena);
    }

    private PanelMatrix(PanelFormat format, int rows, int columns, int unitBlocks, Arena arena) {
        super(rows, columns, columns / BLOCK / unitBlocks * unitBytes(format, unitBlocks), arena);
        this.format = format;
        this.unitBlocks = unitBlocks;
        tileBlocks = greatestDivisor(unitBlocks, VectorPanels.FLOAT_TILES ? FLOAT_TILE_BLOCKS_MAX : TILE_BLOCKS_MAX);
        unpacksForFours = VectorPanels.FLOAT_TILES && !format.isLookedUp;
        if (format.highBits == 0) {
            sumBlocks = greatestDivisor(unitBlocks, SUM_BLOCKS_MAX);
            burstBlocks = sumBlocks;
        } else {
            // Whole bursts: of a unit of 28 blocks, which 896 columns have, four and not seven.
            burstBlocks = greatestDivisor(unitBlocks, BURST_BLOCKS_MAX);
            sumBlocks = burstBlocks * greatestDivisor(unitBlocks / burstBlocks, SUM_BLOCKS_MAX / burstBlocks);
        }
        units = columns / BLOCK / unitBlocks;
        lowOffset = headerVectors(format, unitBlocks) * (long) VECTOR_BYTES;
        highOffset = lowOffset + (long) unitBlocks * INTS * VECTOR_BYTES;
        unitBytes = unitBytes(format, unitBlocks);
        tables = format.isLookedUp ? floats(format::lookUp) : CENTRED_FLOATS;
        lowTables = format.isLookedUp ? twice(n -> format.lookUp(n) & 15) : null;
        highTables = format.isLookedUp ? twice(n -> format.lookUp(n) >> 4) : null;
    }

    private static int[] floats(IntUnaryOperator numbers) {
        return twice(n -> Float.floatToRawIntBits(numbers.applyAsInt(n)));
    }

    private static int[] twice(IntUnaryOperator entries) {
        return IntStream.range(0, 32).map(i -> entries.applyAsInt(i & 15)).toArray();
    }

    private static int greatestDivisor(int n, int max) {
        int divisor = max;
        while (n % divisor != 0) {
            divisor--;
        }
        return divisor;
    }

    private static int unitBlocks(PanelFormat format, int columns) {
        int group = format.blockWeights / BLOCK;
        return group * greatestDivisor(columns / BLOCK / group, UNIT_BLOCKS_MAX / group);
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
            case Q4_K, Q5_K -> 5 * groups;
            case Q6_K, IQ4_XS, IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> (1 + 2 * format.runs) * groups;
        };
    }

    /** 256-wide blocks of a unit. */
    private int groups() {
        return unitBlocks * BLOCK / format.blockWeights;
    }

    /** Vectors of four scales each for 256 columns of the types with signed scales. */
    private int quads() {
        return 2 * format.runs;
    }

    /** Whether these vectors can multiply a format. */
    static boolean multiplies(PanelFormat format) {
        return !format.isLookedUp || VectorPanels.TABLES;
    }

    /** Repacks a tensor; {@code source} is not needed afterwards. */
    static PanelMatrix pack(
            MemorySegment source, PanelFormat format, int rows, int columns, Arena arena, WorkerPool pool) {
        PanelMatrix m = new PanelMatrix(format, rows, columns, arena);
        pool.run(m.strips(), 1, (begin, end, worker) -> {
            byte[] src = new byte[m.unitBlocks * BLOCK / format.blockWeights * format.type.blockBytes()];
            int[] unit = new int[Math.toIntExact(m.unitBytes / Integer.BYTES)];
            for (int strip = begin; strip < end; strip++) {
                m.packStrip(source, strip, src, unit);
            }
        });
        return m;
    }

    private void packStrip(MemorySegment source, int strip, byte[] src, int[] unit) {
        long rowBytes = (long) columns() / format.blockWeights * format.type.blockBytes();
        int rowsHere = rowsOf(strip);
        for (int u = 0; u < units; u++) {
            Arrays.fill(unit, 0);
            for (int r = 0; r < rowsHere; r++) {
                long from = ((long) strip * LANES + r) * rowBytes + (long) u * src.length;
                MemorySegment.copy(source, ValueLayout.JAVA_BYTE, from, src, 0, src.length);
                packRow(src, unit, r);
            }
            put(strip, u * unitBytes, unit, unit.length);
        }
    }

    private void packRow(byte[] src, int[] unit, int r) {
        packHeader(src, unit, r);
        int low = (int) (lowOffset / Integer.BYTES) + r;
        int high = (int) (highOffset / Integer.BYTES) + r;
        int perBlock = format.type.blockBytes();
        int subBlocks = format.blockWeights / BLOCK;
        for (int b = 0; b < unitBlocks; b++) {
            int block = b / subBlocks * perBlock;
            format.packLow(src, block, b % subBlocks, unit, low + b * INTS * LANES, LANES);
            format.packHigh(src, block, b % subBlocks, unit, high + b * format.highBits * LANES, LANES);
        }
    }

    private void packHeader(byte[] src, int[] unit, int r) {
        int perBlock = format.type.blockBytes();
        switch (format) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> {
                for (int b = 0; b < unitBlocks; b++) {
                    unit[r + b / 2 * LANES] |= halves(format.d(src, b * perBlock), (short) 0) << (16 * (b & 1));
                }
            }
            case Q4_1, Q5_1 -> {
                for (int b = 0; b < unitBlocks; b++) {
                    unit[r + b * LANES] = halves(format.d(src, b * perBlock), format.m(src, b * perBlock));
                }
            }
            case Q4_K, Q5_K -> {
                for (int g = 0; g < groups(); g++) {
                    int block = g * perBlock;
                    int to = r + g * 5 * LANES;
                    unit[to] = halves(format.d(src, block), format.m(src, block));
                    for (int p = 0; p < 4; p++) {
                        unit[to + (1 + p) * LANES] = PanelFormat.scalesAndMinima(src, block, p);
                    }
                }
            }
            case Q6_K, IQ4_XS, IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                for (int g = 0; g < groups(); g++) {
                    int block = g * perBlock;
                    int to = r + g * (1 + quads()) * LANES;
                    unit[to] = halves(format.d(src, block), (short) 0);
                    for (int p = 0; p < quads(); p++) {
                        unit[to + (1 + p) * LANES] = format.scales(src, block, p);
                    }
                }
            }
        }
    }

    private static int halves(short low, short high) {
        return (low & 0xffff) | high << 16;
    }

    @Override
    boolean readsQuantized() {
        return true;
    }

    @Override
    boolean readsFloats(int n) {
        return (VectorPanels.FLOAT_TILES && n >= Activations.GROUP - 1) || format.isLookedUp;
    }

    @Override
    void multiplyPanel(Activations x, int t0, int tokens, long panel, int results, Workspace s) {
        // Two or three tokens behind fours, and three alone where that takes no tile, cost less together with rows of
        // nobody that follow them than one by one.
        int rest = tokens % 4;
        boolean fillsUp = rest > SINGLES && (tokens > 4 || (rest == 3 && unpacksForFours));
        int grouped = (fillsUp ? tokens + 3 : tokens) & ~3;
        Arrays.fill(s.results, results, results + Math.max(tokens, grouped) * ROWS, 0f);
        boolean fromPacked = unpacksForFours && grouped <= FEW_TOKENS_MAX;
        for (int u = 0; u < units; u++) {
            long unit = panel + u * unitBytes;
            if (grouped > 0) {
                decodeHeader(unit, s);
            }
            for (int b = 0; b < unitBlocks && grouped > 0 && fromPacked; b += sumBlocks) {
                multiplyPacked(unit, x, t0, grouped, u * unitBlocks + b, b, results, s);
            }
            for (int b = 0; b < unitBlocks && grouped > 0 && !fromPacked; b += tileBlocks) {
                unpack(unit, b, s);
                int t = 0;
                for (; VectorPanels.FLOAT_TILES && t <= grouped - 12; t += 12) {
                    multiplyFloats12(x, t0 + t, u * unitBlocks + b, b, results + t * ROWS, s);
                }
                for (; t < grouped; t += 4) {
                    multiply4(x, t0 + t, u * unitBlocks + b, b, results + t * ROWS, s);
                }
            }
            boolean isDecoded = grouped > 0;
            for (int t = grouped; t < tokens; t++) {
                multiply1(unit, x, t0 + t, u * unitBlocks, results + t * ROWS, isDecoded, s);
                if (!isDecoded && t + 1 < tokens) {
                    if (format == PanelFormat.Q4_K) {
                        decodeHeader(unit, s); // the first did without
                    }
                    isDecoded = true;
                }
            }
        }
    }

    private void decodeHeader(long header, Workspace s) {
        switch (format) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> VectorPanels.headerScales(packed, header, stream, unitBlocks, s.scales);
            case Q4_1 -> VectorPanels.headerOffsets(packed, header, stream, unitBlocks, 8, s.scales, s.centres);
            case Q5_1 -> VectorPanels.headerOffsets(packed, header, stream, unitBlocks, 16, s.scales, s.centres);
            case Q4_K -> VectorPanels.headerMinima(packed, header, stream, groups(), 8, s.scales, s.centres);
            case Q5_K -> VectorPanels.headerMinima(packed, header, stream, groups(), 16, s.scales, s.centres);
            case Q6_K, IQ4_XS, IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS ->
                VectorPanels.headerSigned(packed, header, stream, groups(), quads(), format.factor, s.scales);
        }
    }

    /**
     * Token t: the unit's part of a panel's results.
     *
     * @param block the unit's first in a row of activations
     * @param isDecoded whether the workspace has the unit's scales and centres
     */
    private void multiply1(long unit, Activations x, int t, int block, int to, boolean isDecoded, Workspace s) {
        int at = t * (x.stride / BLOCK) + block;
        int halfBlocks = 2 * unitBlocks;
        long high = unit + highOffset;
        if (!isDecoded && format == PanelFormat.Q4_K) {
            VectorPanels.headerFactors(packed, unit, stream, groups(), s.factors);
        } else if (!isDecoded) {
            decodeHeader(unit, s);
        }
        if (!format.isLookedUp) {
            VectorPanels.nibbleProducts(packed, unit + lowOffset, stream, halfBlocks, x, at, s.products);
        }
        switch (format) {
            case Q4_K -> {
                if (isDecoded) {
                    VectorPanels.sumNibbles(s.products, unitBlocks, x, at, s.sums);
                    break;
                }
                long header = unit + VECTOR_BYTES;
                for (int v = 0; v < ROWS; v += 2 * LANES) {
                    VectorPanels.combineMinima(
                            packed,
                            header,
                            stream,
                            unitBlocks / 2,
                            s.products,
                            v,
                            x,
                            at,
                            s.factors,
                            v / LANES * VectorPanels.FACTORS,
                            s.results,
                            to);
                    header += 2 * stream;
                }
                return;
            }
            case Q4_0, Q4_1 -> VectorPanels.sumNibbles(s.products, unitBlocks, x, at, s.sums);
            case Q5_0, Q5_1, Q5_K -> {
                VectorPanels.highProducts(packed, high, stream, 1, halfBlocks, x, at, s.highProducts);
                VectorPanels.sumPlanes(s.products, s.highProducts, unitBlocks, 0, x, at, s.sums);
            }
            case Q6_K -> {
                VectorPanels.highProducts(packed, high, stream, 2, halfBlocks, x, at, s.highProducts);
                VectorPanels.sumSixBits(s.products, s.highProducts, halfBlocks, x, at, s.sums);
            }
            case Q8_0 -> {
                VectorPanels.nibbleProducts(packed, high, stream, halfBlocks, x, at, s.highProducts);
                VectorPanels.sumPlanes(s.products, s.highProducts, unitBlocks, -1, x, at, s.sums);
            }
            case IQ4_NL, IQ4_XS, IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                int words = unitBlocks * INTS;
                int q = x.floatsAt(block, t);
                int blockStep = x.floatsAt(block + 1, t) - q;
                VectorPanels.tableProducts(
                        packed, unit + lowOffset, stream, words, tables, x.floats, q, blockStep, s.wordProducts);
                if (format.runs == 2) {
                    VectorPanels.sumTwoWords(s.wordProducts, 2 * unitBlocks, s.sums);
                } else {
                    VectorPanels.sumFourWords(s.wordProducts, unitBlocks, s.sums);
                }
            }
        }
        int log = format.runs - 1;
        VectorPanels.combine(
                s.sums, unitBlocks << log, log, format.hasCentre(), x, at, s.scales, s.centres, s.results, to);
    }

    /**
     * Fours of tokens from t0 on, without a tile of floats: the part of a panel's results of some blocks from the unit's
     * block b on.
     *
     * @param block the same in a row of activations
     */
    private void multiplyPacked(long unit, Activations x, int t0, int tokens, int block, int b, int to, Workspace s) {
        int log = format.runs - 1;
        for (int i = 0; i < sumBlocks; i += burstBlocks) {
            long low = unit + lowOffset + (long) (b + i) * INTS * VECTOR_BYTES;
            int sum = (i << log) * (4 * ROWS);
            if (format.highBits == 0) {
                for (int t = 0; t < tokens; t += 4) {
                    VectorFours.nibbleSums4(
                            packed, low, stream, burstBlocks, x, block + i, t0 + t, s.sums4, t / 4 * SUMS + sum);
                }
                continue;
            }
            long high = unit + highOffset + (long) (b + i) * format.highBits * VECTOR_BYTES;
            VectorFours.unpackBytes(packed, low, high, stream, format.highBits, burstBlocks, s.products);
            for (int t = 0; t < tokens; t += 4) {
                VectorFours.byteSums4(
                        s.products,
                        8 << format.highBits,
                        BLOCK >> log,
                        burstBlocks << log,
                        x,
                        block + i,
                        t0 + t,
                        s.sums4,
                        t / 4 * SUMS + sum);
            }
        }
        for (int t = 0; t < tokens; t += 4) {
            VectorFours.combineSums4(
                    s.sums4,
                    t / 4 * SUMS,
                    sumBlocks << log,
                    log,
                    format.hasCentre(),
                    x,
                    (t0 + t) * (x.stride / BLOCK) + block * Activations.GROUP,
                    s.scales,
                    s.centres,
                    (b << log) * ROWS,
                    s.results,
                    to + t * ROWS);
        }
    }

    /** The tile of a unit that starts at block b. */
    private void unpack(long unit, int b, Workspace s) {
        if (VectorPanels.FLOAT_TILES) {
            for (int i = 0; i < tileBlocks; i++) {
                unpackFloats(unit, b + i, i * BLOCK * ROWS, s);
            }
            return;
        }
        long low = unit + lowOffset + (long) b * INTS * VECTOR_BYTES;
        long high = unit + highOffset + (long) b * format.highBits * VECTOR_BYTES;
        switch (format) {
            case Q4_0, Q4_1, Q4_K -> VectorTiles.unpack(packed, low, stream, tileBlocks, (short) 8, s.tile);
            case Q5_0, Q5_1, Q5_K ->
                VectorTiles.unpackHigh(packed, low, high, stream, 1, tileBlocks, (short) 16, s.tile);
            case Q6_K -> VectorTiles.unpackHigh(packed, low, high, stream, 2, tileBlocks, (short) 32, s.tile);
            case Q8_0 -> {
                VectorTiles.unpack(packed, low, stream, tileBlocks, (short) 0, s.tile);
                VectorTiles.unpack(packed, high, stream, tileBlocks, (short) 8, s.highTile);
            }
            case IQ4_NL, IQ4_XS, IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                VectorTiles.unpackTable(packed, low, stream, tileBlocks, lowTables, s.tile);
                VectorTiles.unpackTable(packed, low, stream, tileBlocks, highTables, s.highTile);
            }
        }
    }

    /** The part of a tile of floats of the unit's block b. */
    private void unpackFloats(long unit, int b, int to, Workspace s) {
        long low = unit + lowOffset + (long) b * INTS * VECTOR_BYTES;
        long high = unit + highOffset + (long) b * format.highBits * VECTOR_BYTES;
        switch (format) {
            case Q5_0, Q5_1, Q5_K, Q6_K, Q8_0 ->
                VectorTiles.unpackHighFloats(packed, low, high, stream, format.highBits, s.floatTile, to);
            default -> VectorTiles.unpackFloats(packed, low, stream, tables, s.floatTile, to);
        }
    }

    /** {@link #multiplyFloats4} of twelve tokens. */
    private void multiplyFloats12(Activations x, int t, int block, int b, int to, Workspace s) {
        int columns = BLOCK / format.runs;
        int scale = t * (x.stride / BLOCK) + block * Activations.GROUP;
        for (int r = 0; r < tileBlocks * format.runs; r++) {
            int inTile = r / format.runs;
            for (int v = 0; v < ROWS; v += 2 * LANES) {
                VectorTiles.multiplyFloats12(
                        s.floatTile,
                        r * columns * ROWS + v,
                        columns,
                        x,
                        x.floatsAt(block + inTile, t) + r % format.runs * columns * Activations.GROUP,
                        scale + inTile * Activations.GROUP,
                        x.stride / BLOCK * Activations.GROUP,
                        format.hasCentre(),
                        s.scales,
                        s.centres,
                        (b * format.runs + r) * ROWS + v,
                        s.results,
                        to + v);
            }
        }
    }

    /** {@link #multiply4} on a tile of floats. */
    private void multiplyFloats4(Activations x, int t, int block, int b, int to, Workspace s) {
        int columns = BLOCK / format.runs;
        int scale = t * (x.stride / BLOCK) + block * Activations.GROUP;
        for (int r = 0; r < tileBlocks * format.runs; r++) {
            int inTile = r / format.runs;
            VectorTiles.multiplyFloats4(
                    s.floatTile,
                    r * columns,
                    columns,
                    x,
                    x.floatsAt(block + inTile, t) + r % format.runs * columns * Activations.GROUP,
                    scale + inTile * Activations.GROUP,
                    format.hasCentre(),
                    s.scales,
                    s.centres,
                    (b * format.runs + r) * ROWS,
                    s.results,
                    to);
        }
    }

    /**
     * Four tokens from t on: the part of a panel's results of the tile that starts at the unit's block b.
     *
     * @param block the same in a row of activations
     */
    private void multiply4(Activations x, int t, int block, int b, int to, Workspace s) {
        if (VectorPanels.FLOAT_TILES) {
            multiplyFloats4(x, t, block, b, to, s);
            return;
        }
        int at = t * (x.stride / BLOCK) + block * Activations.GROUP;
        int pairs = BLOCK / 2;
        int column = at * pairs;
        int log = format.runs - 1;
        int runs = tileBlocks << log;
        int[] high = null;
        VectorTiles.products4(s.tile, runs, pairs >> log, x.values, column, s.products);
        if (format == PanelFormat.Q8_0 || format.isLookedUp) {
            VectorTiles.products4(s.highTile, runs, pairs >> log, x.values, column, s.highProducts);
            high = s.highProducts;
        }
        VectorTiles.combine4(
                s.products,
                high,
                runs,
                log,
                format.hasCentre(),
                x,
                at,
                s.scales,
                s.centres,
                (b << log) * ROWS,
                s.results,
                to);
    }
}
