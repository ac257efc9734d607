package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Packed weights multiplied with quantized activations ({@link Quantizer}) in exact integer arithmetic: every type where vectors
 * have 128 bits, those of four bits everywhere, and those of five and six and IQ3 but where vectors of 512 bits multiply floats as
 * fast ({@link Processor}). No other way takes as few instructions for one token's nibbles.
 *
 * <p>For each run of columns that share a scale: s = Σ c·q over the integers, where c is the weight's centred integer
 * (n - 8 of four bits and of IQ3_S, n + 16·h - 16 of five, n + 16·h - 32 of six, the byte of eight, table[n]). In floats, in order of columns,
 * y += (s·scale(x))·scale(w) and, where the type has offsets, y += sum(x)·centre(w). Scales and centres of the types with
 * two levels of scales are floats made of both, scale(w) = d·scale and centre(w) = bias·d·scale - dmin·min, in which only
 * the last difference rounds. So only these float operations round, and their order is the same for one token and for
 * many: results do not depend on the batch.
 *
 * <p><b>Q4_K where tiles are of floats</b> ({@link VectorPanels#FLOAT_TILES}): there 256 columns share a scale of the activations,
 * as they share d of the weights, whose scales are whole numbers below 64. S = Σ s·scale over 256 columns is exact too, at most 64·8·Σ|q| &lt; 2^24. So y +=
 * (S·scale(x))·d, and then y += Σ sum(x)·centre(w) of the eight blocks, which is added up by itself.
 *
 * <p>In all of them s fits 16 bits, which is what bounds Σ|q| ({@link Quantizer}), and only the final sum has to: on the way lanes
 * may wrap. The nibbles of eight bits and of weights that are looked up are added up apart.
 *
 * <p><b>One token</b> works on the packed nibbles, which need not be masked. An int lane holds eight nibbles n0..n7 of one row, the
 * lowest first; shifted right by 0, 4, 8 and 12 and taken as two shorts, it is multiplied with the pairs (b0, b4), (b1, b5), (b2,
 * b6), (b3, b7), where b0 = q0 and bk = qk - 16·q(k-1). What a nibble adds through its upper neighbours' shifts cancels, and the
 * eight products, both shorts together, are Σ nk·qk modulo 2^16. Starting from -8·Σq centres the sum. The high nibbles of eight
 * bits are summed likewise.
 *
 * <p>Five and six bits are bytes, four columns to an int, so that two shifts do for them, with bk = qk - 256·q(k-1). What their
 * highest bits hold, the last columns, has to be masked, and is put together to bytes likewise.
 *
 * <p>Sums of Q4_K, but where 256 columns share a scale, of Q5_K and Q6_K are turned to floats as they come.
 *
 * <p>Weights that are looked up become bytes, a vector at once, from a table that is repeated, so that an index needs no mask
 * either. Small ones ({@link PanelFormat#isSmall}) are one byte, c + 32, and others, where vectors have 128 bits, two with a sum
 * each, c & 15 and (c >> 4) + 8; of Σ 15·|q| 32 columns fit 16 bits.
 *
 * <p><b>A few tokens</b>, where tiles are of floats, are multiplied four at a time with weights that become floats in
 * registers: the bits of an unsigned u, moved to the top of the mantissa of 2^b, make 2^b + u. Sums of (2^b + u)·q are exact
 * and start from what they are too great by, so they are Σ c·q as well.
 *
 * <p><b>Many tokens</b> share an unpacked tile. A tile of floats holds c, of Q4_K c·scale, and sums are fused multiply-adds of whole
 * numbers. A tile of shorts holds integers c of two rows to an int, whose sums are told apart by one shift each, and meets four
 * tokens at a time, with vectors of 512 bits eight; eight bits and looked up weights that are not small are two tiles, c & 15 or n
 * and c >> 4 or h - 8, the bytes less their bias.
 */
final class IntegerPanels extends PanelMatrix {
    /** Blocks of a tile for many tokens: of shorts, it is 16 KiB with vectors of 256 bits. */
    static final int TILE_BLOCKS_MAX = 8;

    /** Blocks whose sums of four tokens are kept at a time: as many of one span as a unit can be divided by. */
    private static final int SUM_BLOCKS_MAX = 8;

    /** Tokens that vectors of 512 bits multiply together with a tile of shorts. */
    private static final int EIGHT = 2 * Activations.GROUP;

    /** Sums of four tokens. */
    static final int SUMS = SUM_BLOCKS_MAX * 4 * ROWS;

    /** How many tokens behind fours are multiplied one by one, as they cost less so than a group of four. */
    private static final int SINGLES = VectorPanels.FLOAT_TILES ? 1 : 2;

    /** What nibbles n stand for as floats, n - 8. */
    private static final int[] CENTRED_FLOATS =
            IntStream.range(0, 16).map(n -> Float.floatToRawIntBits(n - 8)).toArray();

    /** By what the bytes of small weights are greater than c, as those of six bits. */
    private static final int SMALL_BIAS = 32;

    /** Bytes from a unit's start to the high nibbles of eight bits, which stand behind the low ones of all blocks. */
    private final long highOffset;

    /** Bytes from a block to the next, but of eight bits, of whose nibbles {@link #INTS} vectors stand in each place. */
    private final long blockBytes;

    /** Whether products are added up over 256 columns with their scales, which are whole numbers. */
    private final boolean isWhole;

    private final boolean isFused;

    /** The logarithm of a block's sums. */
    private final int sumLog;

    /** The logarithm of how many sums share a scale of the weights. */
    private final int sharedLog;

    private final int tileBlocks;
    private final int sumBlocks;

    /** Half the range of the weights' integers. */
    private final float bias;

    // Of types that are looked up, a vector by nibble: c + 32, or of those that are not small c & 15 and (c >> 4) + 8.
    private final byte[] lowTable;
    private final byte[] highTable;

    IntegerPanels(PanelFormat format, int rows, int columns, Arena arena) {
        super(format, rows, columns, arena);
        highOffset = blocksOffset + (long) unitBlocks * INTS * VECTOR_BYTES;
        blockBytes = (INTS + format.highBits) * (long) VECTOR_BYTES;
        tileBlocks = greatestDivisor(unitBlocks, TILE_BLOCKS_MAX);
        sumBlocks = Math.min(Integer.lowestOneBit(unitBlocks), SUM_BLOCKS_MAX);
        bias = 8 << format.highBits;
        isWhole = VectorPanels.FLOAT_TILES && format == PanelFormat.Q4_K;
        isFused = isFused(format);
        sumLog = format.sums() - 1;
        sharedLog = sumLog - (format.runs - 1);
        if (format.isSmall()) {
            lowTable = table(n -> format.lookUp(n) + SMALL_BIAS);
            highTable = null;
        } else {
            lowTable = format.isLookedUp ? table(n -> format.lookUp(n) & 15) : null;
            highTable = format.isLookedUp ? table(n -> (format.lookUp(n) >> 4) + 8) : null;
        }
    }

    private static byte[] table(IntUnaryOperator entries) {
        byte[] table = new byte[VECTOR_BYTES];
        for (int i = 0; i < table.length; i++) {
            table[i] = (byte) entries.applyAsInt(i & 15);
        }
        return table;
    }

    /** Whether one token's products are added up as they come, in units of {@link VectorPanels#UNIT_BLOCKS}. */
    static boolean isFused(PanelFormat format) {
        return !VectorPanels.FLOAT_TILES
                && (format == PanelFormat.Q4_K || format == PanelFormat.Q5_K || format == PanelFormat.Q6_K);
    }

    @Override
    void packBlock(byte[] src, int block, int[] unit, int b, int r) {
        int to = (int) (blocksOffset / Integer.BYTES) + r;
        switch (format) {
            case Q5_0, Q5_1, Q5_K -> format.packFiveBits(src, block, unit, to + 5 * b * LANES, 5 * LANES, LANES);
            case Q6_K -> PanelFormat.packSixBits(src, block, unit, to + 6 * b * LANES, 6 * LANES, LANES);
            default -> {
                format.packLow(src, block, unit, to + b * INTS * LANES, INTS * LANES, LANES);
                int high = to + (unitBlocks * INTS + b * format.highBits) * LANES;
                format.packHigh(src, block, unit, high, format.highBits * LANES, LANES);
            }
        }
    }

    @Override
    int reads(int n) {
        int single = readsBytes() ? Activations.BYTES : Activations.NIBBLES;
        if (VectorPanels.FLOAT_TILES) {
            return n >= Activations.GROUP - 1 ? single | Activations.FLOATS : single;
        }
        return n >= Activations.GROUP ? single | Activations.VALUES : single;
    }

    private boolean readsBytes() {
        return switch (format) {
            case Q5_0, Q5_1, Q5_K, Q6_K -> true;
            default -> format.isLookedUp;
        };
    }

    @Override
    void multiplyPanels(Activations x, int t0, int tokens, long first, int panels, int results, Workspace s) {
        // Two or three tokens behind fours, and three alone where that takes no tile, cost less together with rows of
        // nobody that follow them than one by one.
        int rest = tokens % 4;
        boolean fillsUp = rest > SINGLES && (tokens > 4 || (rest == 3 && VectorPanels.FLOAT_TILES));
        int grouped = (fillsUp ? tokens + 3 : tokens) & ~3;
        boolean sharesTiles = isWhole && grouped > FEW_TOKENS_MAX;
        clear(panels, results, Math.max(tokens, grouped), s);
        if (sharesTiles) {
            multiplyWhole(x, t0, grouped, first, panels, results, s);
        }
        for (int p = 0; p < panels; p++) {
            int to = results + p * resultsStep(tokens);
            for (int u = 0; u < units; u++) {
                long unit = first + p * stripBytes + u * unitBytes;
                int block = u * unitBlocks;
                boolean isDecoded = grouped > 0 && !sharesTiles;
                if (isDecoded) {
                    decodeHeader(unit, bias, s.headers[0]);
                    multiplyFours(unit, x, t0, grouped, block, to, s);
                }
                for (int t = grouped; t < tokens && !isFused; t++) {
                    multiply1(unit, x, t0 + t, block, to + t * ROWS, isDecoded, s);
                    isDecoded = true;
                }
            }
        }
        for (int t = grouped; t < tokens && isFused; t++) {
            dot(x, t0 + t, first, panels, results + t * ROWS, resultsStep(tokens), s);
        }
    }

    /** One token, two vectors of rows of one panel after the other: long streams. */
    private void dot(Activations x, int t, long first, int panels, int results, int step, Workspace s) {
        for (int v = 0; v < ROWS; v += 2 * LANES) {
            for (int p = 0; p < panels; p++) {
                long at = first + p * stripBytes + v / LANES * stream;
                int block = x.blockAt(0, t);
                int to = results + p * step + v;
                switch (format) {
                    case Q4_K ->
                        VectorPanels.dotMinima(
                                packed, at, stream, units, x, block, s.headers[0].factors, s.results, to);
                    case Q5_K ->
                        VectorPanels.dotFiveMinima(
                                packed, at, stream, units, x, block, s.headers[0].factors, s.results, to);
                    case Q6_K -> VectorPanels.dotSixBits(packed, at, stream, units, x, block, s.results, to);
                    default -> throw new IllegalStateException(format + " is not multiplied in one pass");
                }
            }
        }
    }

    /**
     * Fours of tokens from t0 on: the unit's part of a panel's results.
     *
     * @param block the unit's first in a row of activations
     */
    private void multiplyFours(long unit, Activations x, int t0, int tokens, int block, int results, Workspace s) {
        if (VectorPanels.FLOAT_TILES && tokens <= FEW_TOKENS_MAX) {
            if (isWhole) {
                VectorPanels.headerWhole(packed, unit, stream, groups(), s.headers[0].scales);
            }
            for (int b = 0; b < unitBlocks; b += sumBlocks) {
                multiplyPacked(unit, x, t0, tokens, block + b, b, results, s);
            }
        } else {
            for (int b = 0; b < unitBlocks; b += tileBlocks) {
                unpack(unit, b, s);
                int t = 0;
                for (; VectorPanels.FLOAT_TILES && t <= tokens - TWELVE; t += TWELVE) {
                    multiplyFloats12(x, t0 + t, block + b, b, results + t * ROWS, s);
                }
                for (; VectorPanels.WIDE && !VectorPanels.FLOAT_TILES && t <= tokens - EIGHT; t += EIGHT) {
                    multiply8(x, t0 + t, block + b, b, results + t * ROWS, s);
                }
                for (; t < tokens; t += 4) {
                    multiply4(x, t0 + t, block + b, b, results + t * ROWS, s);
                }
            }
        }
    }

    /**
     * Token t: the unit's part of a panel's results.
     *
     * @param block the unit's first in a row of activations
     * @param isDecoded whether the workspace has the unit's scales and centres, which whole sums do without
     */
    private void multiply1(long unit, Activations x, int t, int block, int to, boolean isDecoded, Workspace s) {
        int at = x.blockAt(block, t);
        int halfBlocks = 2 * unitBlocks;
        if (isWhole) {
            VectorPanels.headerFactors(packed, unit, stream, groups(), ROWS / LANES, s.headers[0].factors);
        } else if (!isDecoded) {
            decodeHeader(unit, bias, s.headers[0]);
        }
        if (!format.isLookedUp && format.highBits != 1) {
            VectorPanels.nibbleProducts(packed, unit + blocksOffset, stream, halfBlocks, x, at, s.products);
        }
        switch (format) {
            case Q4_K -> {
                long header = unit;
                for (int v = 0; v < ROWS; v += 2 * LANES) {
                    VectorPanels.combineWhole(
                            packed,
                            header,
                            stream,
                            groups(),
                            s.products,
                            v,
                            x,
                            at,
                            s.headers[0].factors,
                            v / LANES * VectorPanels.FACTORS,
                            s.results,
                            to);
                    header += 2 * stream;
                }
                return;
            }
            case Q4_0, Q4_1, IQ3_S_LINEAR -> VectorPanels.sumNibbles(s.products, unitBlocks, x, at, s.sums);
            case Q5_0, Q5_1 -> {
                for (int v = 0; v < ROWS; v += 2 * LANES) {
                    VectorPanels.dotFiveBits(
                            packed,
                            unit + blocksOffset + v / LANES * stream,
                            stream,
                            unitBlocks,
                            x,
                            at,
                            format.hasCentre(),
                            s.headers[0].scales,
                            s.headers[0].centres,
                            v,
                            s.results,
                            to + v);
                }
                return;
            }
            case Q8_0 -> {
                VectorPanels.nibbleProducts(packed, unit + highOffset, stream, halfBlocks, x, at, s.highProducts);
                VectorPanels.sumEightBits(s.products, s.highProducts, unitBlocks, x, at, s.sums);
            }
            case Q5_K, Q6_K -> throw new IllegalStateException(format + " is multiplied in one pass");
            case IQ4_NL, IQ4_XS, IQ3_S, IQ3_XXS, IQ2_S, IQ2_XS, IQ2_XXS -> {
                long blocks = unit + blocksOffset;
                VectorPanels.lookedUpProducts(packed, blocks, stream, halfBlocks, lowTable, x, at, s.products);
                if (highTable == null) {
                    VectorPanels.sumSmall(s.products, halfBlocks, x, at, s.sums);
                } else {
                    VectorPanels.lookedUpProducts(packed, blocks, stream, halfBlocks, highTable, x, at, s.highProducts);
                    VectorPanels.sumTables(s.products, s.highProducts, unitBlocks << sumLog, sumLog, x, at, s.sums);
                }
            }
        }
        VectorPanels.combine(
                s.sums,
                unitBlocks << sumLog,
                sumLog,
                sharedLog,
                format.hasCentre(),
                x,
                at,
                s.headers[0].scales,
                s.headers[0].centres,
                s.results,
                to);
    }

    /**
     * Fours of tokens from t0 on, without a tile of floats: the part of a panel's results of some blocks from the unit's
     * block b on.
     *
     * @param block the same in a row of activations
     */
    private void multiplyPacked(long unit, Activations x, int t0, int tokens, int block, int b, int to, Workspace s) {
        long low = unit + blocksOffset + (long) b * INTS * VECTOR_BYTES;
        for (int t = 0; t < tokens; t += 4) {
            VectorFours.nibbleSums4(packed, low, stream, sumBlocks, x, block, t0 + t, s.sums4, t / 4 * SUMS);
        }
        for (int t = 0; t < tokens && isWhole; t += 4) {
            VectorFours.combineWhole4(
                    s.sums4,
                    t / 4 * SUMS,
                    x,
                    x.groupedBlockAt(block, t0 + t),
                    s.headers[0].scales,
                    s.headers[0].centres,
                    b * ROWS,
                    s.headers[0].factors,
                    factors(b),
                    s.results,
                    to + t * ROWS);
        }
        for (int t = 0; t < tokens && !isWhole; t += 4) {
            VectorFours.combineSums4(
                    s.sums4,
                    t / 4 * SUMS,
                    sumBlocks,
                    format.hasCentre(),
                    x,
                    x.groupedBlockAt(block, t0 + t),
                    s.headers[0].scales,
                    s.headers[0].centres,
                    b * ROWS,
                    s.results,
                    to + t * ROWS);
        }
    }

    /** Where the first strip's d of a unit's block b is in the workspace's factors. */
    private static int factors(int b) {
        return b / Quantizer.SCALE_BLOCKS * 2 * LANES;
    }

    /** Fours of tokens from t0 on, with tiles of whole numbers: results of panels. */
    private void multiplyWhole(Activations x, int t0, int tokens, long first, int panels, int results, Workspace s) {
        Arrays.fill(s.wholes, 0f); // where an error ended the last use in its middle
        for (int u = 0; u < units; u++) {
            long unit = first + u * unitBytes;
            for (int p = 0; p < panels; p++) {
                decodeHeader(unit + p * stripBytes, bias, s.headers[p]);
                VectorPanels.headerWhole(packed, unit + p * stripBytes, stream, groups(), s.headers[p].scales);
            }
            for (int b = 0; b < unitBlocks; b += Quantizer.SCALE_BLOCKS) {
                for (int p = 0; p < panels; p++) {
                    long blocks = unit + p * stripBytes + blocksOffset;
                    multiplyWhole(blocks, s.headers[p], x, t0, tokens, u * unitBlocks + b, b, results + p * RESULTS, s);
                }
            }
        }
    }

    /**
     * The part of a panel's results of 256 columns from a unit's block b on.
     *
     * @param blocks where the unit's first is
     * @param block block b in a row of activations
     */
    private void multiplyWhole(
            long blocks, Header h, Activations x, int t0, int tokens, int block, int b, int to, Workspace s) {
        for (int i = 0; i < Quantizer.SCALE_BLOCKS; i++) {
            long low = blocks + (b + i) * (long) INTS * VECTOR_BYTES;
            VectorTiles.unpackWhole(
                    packed, low, stream, CENTRED_FLOATS, h.scales, (b + i) * ROWS, s.floatTile, i * TILE_BLOCK_BYTES);
        }
        int columns = Quantizer.SCALE_BLOCKS * BLOCK;
        int from = x.floatsAt(block, t0);
        int scales = x.groupedBlockAt(block, t0);
        for (int v = 0; v < ROWS; v += HALF_ROWS) {
            long rows = v / HALF_ROWS * (long) HALF_TILE_BYTES;
            int run = b * ROWS + v;
            int factor = factors(b) + v / LANES * VectorPanels.FACTORS;
            for (int t = 0, here; t < tokens; t += here) {
                int at = from + t * Activations.SPAN;
                if (t <= tokens - TWELVE) {
                    here = TWELVE;
                    VectorFloats.multiply12(s.floatTile, rows, columns, x.floats, at, s.wholes, 0);
                } else {
                    here = Activations.GROUP;
                    VectorFloats.multiply4(s.floatTile, rows, columns, x.floats, at, s.wholes, 0);
                }
                VectorTiles.addWhole(
                        s.wholes,
                        here,
                        x,
                        scales + t * Activations.SPAN_BLOCKS,
                        h.centres,
                        run,
                        h.factors,
                        factor,
                        s.results,
                        to + t * ROWS + v);
            }
        }
    }

    /** The tile of a unit that starts at block b. */
    private void unpack(long unit, int b, Workspace s) {
        if (VectorPanels.FLOAT_TILES) {
            for (int i = 0; i < tileBlocks; i++) {
                long block = unit + blocksOffset + (long) (b + i) * INTS * VECTOR_BYTES;
                VectorTiles.unpackFloats(packed, block, stream, CENTRED_FLOATS, s.floatTile, i * TILE_BLOCK_BYTES);
            }
            return;
        }
        for (int i = 0; i < tileBlocks; i++) {
            int at = i * BLOCK * (ROWS / 2);
            long block = unit + blocksOffset + (b + i) * blockBytes;
            if (format.isLookedUp) {
                VectorTiles.lookUp(packed, block, stream, lowTable, s.bytes);
                VectorTiles.shorts(s.bytes, (short) (highTable == null ? SMALL_BIAS : 0), s.tile, at);
                if (highTable != null) {
                    VectorTiles.lookUp(packed, block, stream, highTable, s.bytes);
                    VectorTiles.shorts(s.bytes, (short) 8, s.highTile, at);
                }
            } else if (format == PanelFormat.Q8_0) {
                unpackEightBits(unit + blocksOffset + (b + i) * (long) INTS * VECTOR_BYTES, at, s);
            } else {
                switch (format.highBits) {
                    case 0 -> VectorTiles.nibbles(packed, block, stream, s.bytes);
                    case 1 -> VectorTiles.fiveBits(packed, block, stream, s.bytes);
                    default -> VectorTiles.sixBits(packed, block, stream, s.bytes);
                }
                VectorTiles.shorts(s.bytes, (short) bias, s.tile, at);
            }
        }
    }

    private void unpackEightBits(long low, int at, Workspace s) {
        VectorTiles.nibbles(packed, low, stream, s.bytes);
        VectorTiles.shorts(s.bytes, (short) 0, s.tile, at);
        VectorTiles.nibbles(packed, low + highOffset - blocksOffset, stream, s.bytes);
        VectorTiles.shorts(s.bytes, (short) 8, s.highTile, at);
    }

    /** {@link #multiplyFloats4} of twelve tokens. */
    private void multiplyFloats12(Activations x, int t, int block, int b, int to, Workspace s) {
        for (int i = 0; i < tileBlocks; i++) {
            for (int v = 0; v < ROWS; v += HALF_ROWS) {
                VectorTiles.multiplyFloats12(
                        s.floatTile,
                        i * TILE_BLOCK_BYTES + v / HALF_ROWS * HALF_TILE_BYTES,
                        BLOCK,
                        x,
                        x.floatsAt(block + i, t),
                        x.groupedBlockAt(block + i, t),
                        Activations.SPAN_BLOCKS * Activations.GROUP,
                        format.hasCentre(),
                        s.headers[0].scales,
                        s.headers[0].centres,
                        (b + i) * ROWS + v,
                        s.results,
                        to + v);
            }
        }
    }

    /** {@link #multiply4} on a tile of floats. */
    private void multiplyFloats4(Activations x, int t, int block, int b, int to, Workspace s) {
        for (int i = 0; i < tileBlocks; i++) {
            VectorTiles.multiplyFloats4(
                    s.floatTile,
                    i * TILE_BLOCK_BYTES,
                    BLOCK,
                    x,
                    x.floatsAt(block + i, t),
                    x.groupedBlockAt(block + i, t),
                    format.hasCentre(),
                    s.headers[0].scales,
                    s.headers[0].centres,
                    (b + i) * ROWS,
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
        int at = x.groupedBlockAt(block, t);
        int runs = tileBlocks << sumLog;
        int columns = BLOCK >> sumLog;
        float[] scales = s.headers[0].scales;
        int run = b * format.runs * ROWS;
        VectorTiles.products4(s.tile, runs, columns, x.values, at * BLOCK, s.products);
        if (hasTwoTiles()) {
            VectorTiles.products4(s.highTile, runs, columns, x.values, at * BLOCK, s.highProducts);
            VectorTiles.combineNibbles4(s.products, s.highProducts, runs, sumLog, x, at, scales, run, s.results, to);
        } else {
            float[] centres = s.headers[0].centres;
            boolean centred = format.hasCentre();
            VectorTiles.combine4(
                    s.products, 0, runs, sumLog, sharedLog, centred, x, at, scales, centres, run, s.results, to);
        }
    }

    /** {@link #multiply4} of eight tokens, with vectors of 512 bits, where one tile is enough. */
    private void multiply8(Activations x, int t, int block, int b, int to, Workspace s) {
        int at = x.groupedBlockAt(block, t);
        int runs = tileBlocks << sumLog;
        int next = runs * Activations.GROUP * ROWS / 2;
        VectorTiles.products8(
                s.tile, runs, BLOCK >> sumLog, x.values, at * BLOCK, (at + x.groupedStep()) * BLOCK, s.products, next);
        for (int g = 0; g < EIGHT / Activations.GROUP; g++) {
            VectorTiles.combine4(
                    s.products,
                    g * next,
                    runs,
                    sumLog,
                    sharedLog,
                    format.hasCentre(),
                    x,
                    at + g * x.groupedStep(),
                    s.headers[0].scales,
                    s.headers[0].centres,
                    b * format.runs * ROWS,
                    s.results,
                    to + g * Activations.GROUP * ROWS);
        }
    }

    /** Whether c takes more bits than products of a short have room for: eight, or looked up. */
    private boolean hasTwoTiles() {
        return format == PanelFormat.Q8_0 || highTable != null;
    }
}
