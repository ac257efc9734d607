package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Packed weights multiplied with activations as they are, where vectors have 512 bits: those of five, six and eight bits and
 * those that are looked up. For one token that costs no more than integers do, for several it costs less, and nothing is
 * rounded but the sums.
 *
 * <p>y = Σ w·x is a chain of fused multiply-adds in order of columns, the same for one token and for many: results do not
 * depend on the batch. w = fma(scale, v, centre) for each run of columns that share a scale. Here v is 256 + u of an unsigned
 * u = n + 16·h: it becomes a float without a conversion, as its bits are moved to the top of that float's mantissa. Scales are
 * floats made of all that the type has, d or d·scale; the centre is what remains, -scale·(256 + half the range) or
 * -256·scale plus the offset. Only where there is an offset do the centre and w round, by some 2^-16 of the scale; elsewhere w
 * is exact. Weights that are looked up are scale·table[n], which is exact too.
 *
 * <p>One token meets the weights in registers, as they come from memory. Several share a tile of unpacked weights, also
 * where they are but two: integers have to be unpacked for each four.
 */
final class FloatPanels extends PanelMatrix {
    /** Blocks of a tile, which is 16 KiB: with twice as many prompts were read more slowly by some 3%. */
    private static final int TILE_BLOCKS = 2;

    /** Of what v is greater by than u. */
    private static final float BASE = 256;

    private final int blockVectors;

    /** The logarithm of how many words of eight columns share a scale. */
    private final int runLog;

    /** What nibbles stand for as floats, twice, where they are looked up. */
    private final int[] tables;

    FloatPanels(PanelFormat format, int rows, int columns, Arena arena) {
        super(format, rows, columns, arena);
        blockVectors = INTS + format.highBits;
        runLog = 3 - format.runs;
        tables = format.isLookedUp
                ? IntStream.range(0, 32)
                        .map(i -> Float.floatToRawIntBits(format.lookUp(i & 15)))
                        .toArray()
                : null;
    }

    /** Whether a type is multiplied so by these vectors. */
    static boolean suits(PanelFormat format) {
        return VectorPanels.FLOAT_TILES && (format.isLookedUp || format.highBits > 0);
    }

    @Override
    void packBlock(byte[] src, int block, int j, int[] unit, int b, int r) {
        int to = (int) (blocksOffset / Integer.BYTES) + b * blockVectors * LANES + r;
        if (format == PanelFormat.Q8_0) {
            PanelFormat.packEightBits(src, block, unit, to, LANES);
        } else {
            format.packLow(src, block, j, unit, to, LANES);
            format.packHigh(src, block, j, unit, to + INTS * LANES, LANES);
        }
    }

    @Override
    boolean readsGroups(int n) {
        return n > 1;
    }

    @Override
    void multiplyPanel(Activations x, int t0, int tokens, long panel, int results, Workspace s) {
        // Rows of nobody that fill up a group of four cost less than one or two more tokens by themselves.
        int grouped = (tokens + Activations.GROUP - 1) / Activations.GROUP * Activations.GROUP;
        Arrays.fill(s.results, results, results + grouped * ROWS, 0f);
        for (int u = 0; u < units; u++) {
            long unit = panel + u * unitBytes;
            int column = u * unitBlocks * BLOCK;
            decodeHeader(unit, -BASE, s);
            if (!format.isLookedUp && !format.hasCentre()) {
                centre(s);
            }
            if (tokens == 1) {
                multiply1(unit, x.data, x.row(t0) + column, results, s);
            } else {
                multiplyMany(unit, x, column, t0, grouped, results, s);
            }
        }
    }

    /** The centres of types without offsets, whose integers are u less half the range. */
    private void centre(Workspace s) {
        float bias = -(BASE + (8 << format.highBits));
        for (int i = 0; i < unitBlocks * format.runs * ROWS; i++) {
            s.centres[i] = bias * s.scales[i];
        }
    }

    /** One token, whose activations of the unit start at {@code from}: the unit's part of a panel's results. */
    private void multiply1(long unit, float[] x, int from, int to, Workspace s) {
        long at = unit + blocksOffset;
        if (format.isLookedUp) {
            VectorFloats.lookedUp(packed, at, stream, tables, runLog, unitBlocks, x, from, s.scales, s.results, to);
        } else if (format == PanelFormat.Q8_0) {
            VectorFloats.eightBits(packed, at, stream, unitBlocks, x, from, s.scales, s.centres, s.results, to);
        } else {
            VectorFloats.bytes(
                    packed,
                    at,
                    stream,
                    format.highBits,
                    runLog,
                    unitBlocks,
                    x,
                    from,
                    s.scales,
                    s.centres,
                    s.results,
                    to);
        }
    }

    /** Groups of four tokens from t0 on. */
    private void multiplyMany(long unit, Activations x, int column, int t0, int tokens, int to, Workspace s) {
        for (int b = 0; b < unitBlocks; ) {
            // A tile meets one span of the activations.
            int first = column + b * BLOCK;
            int blocks = Math.min(TILE_BLOCKS - first / BLOCK % TILE_BLOCKS, unitBlocks - b);
            for (int i = 0; i < blocks; i++) {
                unpack(unit, b + i, i * BLOCK * ROWS, s);
            }
            multiplyTile(s.floatTile, 0, blocks * BLOCK, x.grouped, x.groupedAt(first, t0), tokens, s.results, to);
            b += blocks;
        }
    }

    /** The part of a tile of the unit's block b. */
    private void unpack(long unit, int b, int to, Workspace s) {
        long at = unit + blocksOffset + b * blockVectors * (long) VECTOR_BYTES;
        int run = b * format.runs * ROWS;
        if (format.isLookedUp) {
            VectorFloats.unpackLookedUp(packed, at, stream, tables, runLog, s.scales, run, s.floatTile, to);
        } else if (format == PanelFormat.Q8_0) {
            VectorFloats.unpackEightBits(packed, at, stream, s.scales, s.centres, run, s.floatTile, to);
        } else {
            VectorFloats.unpackBytes(
                    packed, at, stream, format.highBits, runLog, s.scales, s.centres, run, s.floatTile, to);
        }
    }
}
