package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Packed weights multiplied with activations as they are, where vectors have 256 bits or more: those of eight bits and IQ2, and with
 * 512 bits all that are looked up or have more than four bits unless the processor prefers shorts ({@link
 * VectorPanels#FLOAT_TILES}). For one token that costs no more than integers do, for several it costs less, and nothing is rounded
 * but the sums.
 *
 * <p>y = Σ w·x is a chain of fused multiply-adds in order of columns, the same for one token and for many: results do not
 * depend on the batch. w = fma(scale, v, centre) for each run of columns that share a scale. Here v is 256 + u of an unsigned
 * u = n + 16·h: it becomes a float without a conversion, as its bits are moved to the top of that float's mantissa, with one
 * instruction for a mask and a base where vectors have 512 bits; with fewer, bytes are signed and converted. Scales are
 * floats made of all that the type has, d or d·scale; the centre is what remains, -scale·(256 + half the range) or
 * -256·scale plus the offset. Only where there is an offset do the centre and w round, by some 2^-16 of the scale; elsewhere w
 * is exact. Weights that are looked up are scale·table[n], which is exact too.
 *
 * <p>One token meets the weights in registers, as they come from memory. Several share a tile of unpacked weights, also
 * where they are but two: integers have to be unpacked for each four.
 */
final class FloatPanels extends TilePanels {
    /** Of what v is greater by than u. */
    private static final float BASE = 256;

    private final int blockVectors;

    /** The logarithm of how many words of eight columns share a scale. */
    private final int runLog;

    // What nibbles stand for where they are looked up: with 512 bits as BF16, which has it exactly, twice; else a
    // vector of bytes, as not all processors can look shorts up.
    private final short[] table;
    private final byte[] byteTable;

    FloatPanels(PanelFormat format, int rows, int columns, Arena arena) {
        super(format, rows, columns, arena);
        blockVectors = INTS + format.highBits;
        runLog = 3 - format.runs;
        table = format.isLookedUp && VectorPanels.WIDE ? new short[2 * 16] : null;
        for (int i = 0; table != null && i < table.length; i++) {
            table[i] = (short) (Float.floatToRawIntBits(format.lookUp(i & 15)) >>> 16);
        }
        byteTable = format.isLookedUp && !VectorPanels.WIDE ? new byte[VECTOR_BYTES] : null;
        for (int i = 0; byteTable != null && i < byteTable.length; i++) {
            byteTable[i] = (byte) format.lookUp(i & 15);
        }
    }

    /** Whether a type is multiplied so by these vectors. */
    static boolean suits(PanelFormat format) {
        boolean isLong =
                format == PanelFormat.Q8_0 || (format.isLookedUp && !format.isSmall() && !TablePanels.suits(format));
        boolean isFaster = VectorPanels.FLOAT_TILES && (format.isLookedUp || format.highBits > 0);
        return VectorPanels.FLOATS && (isLong || isFaster);
    }

    @Override
    void packBlock(byte[] src, int block, int[] unit, int b, int r) {
        int to = (int) (blocksOffset / Integer.BYTES) + b * blockVectors * LANES + r;
        if (format == PanelFormat.Q8_0) {
            PanelFormat.packEightBits(src, block, hasBase() ? 0x80808080 : 0, unit, to, LANES);
        } else {
            int step = blockVectors * LANES;
            format.packLow(src, block, unit, to, step, LANES);
            format.packHigh(src, block, unit, to + INTS * LANES, step, LANES);
        }
    }

    /** Whether v is {@link #BASE} + u, of an unsigned u, rather than a number that is looked up or signed. */
    private boolean hasBase() {
        return !format.isLookedUp && VectorPanels.WIDE;
    }

    @Override
    int reads(int n) {
        return n > 1 ? Activations.GROUPED : 0;
    }

    /** Rows of nobody that fill up a group of four cost less than one or two more tokens by themselves. */
    @Override
    int grouped(int tokens) {
        return tokens == 1 ? 0 : (tokens + Activations.GROUP - 1) / Activations.GROUP * Activations.GROUP;
    }

    @Override
    void multiplySpan(
            Activations x, int t0, int tokens, int block, int blocks, Header h, int b, int results, Workspace s) {
        int at = x.groupedAt(block * BLOCK, t0);
        multiplyTile(s.floatTile, blocks * BLOCK, x.grouped, at, tokens, s.results, results);
    }

    @Override
    void header(long unit, Header h) {
        decodeHeader(unit, -BASE, h);
        if (hasBase() && !format.hasCentre()) {
            // Of types without offsets, whose integers are u less half the range.
            float bias = -(BASE + (8 << format.highBits));
            for (int i = 0; i < unitBlocks * format.runs * ROWS; i++) {
                h.centres[i] = bias * h.scales[i];
            }
        }
    }

    @Override
    void multiply1(Activations x, int t, long first, int panels, int results, int step, Workspace s) {
        for (int p = 0; p < panels; p++) {
            multiply1(x.data, x.row(t), first + p * stripBytes, results + p * step, s);
        }
    }

    /** One token, whose activations start at {@code row}: a panel's results. */
    private void multiply1(float[] x, int row, long panel, int to, Workspace s) {
        Header h = s.headers[0];
        for (int u = 0; u < units; u++) {
            long unit = panel + u * unitBytes;
            long at = unit + blocksOffset;
            int from = row + u * unitBlocks * BLOCK;
            header(unit, h);
            if (table != null) {
                VectorFloats.lookedUp(packed, at, stream, table, runLog, unitBlocks, x, from, h.scales, s.results, to);
            } else if (byteTable != null) {
                VectorFloats.lookedUpBytes(
                        packed, at, stream, byteTable, runLog, unitBlocks, x, from, h.scales, s.results, to);
            } else if (!hasBase()) {
                VectorFloats.signedBytes(packed, at, stream, unitBlocks, x, from, h.scales, s.results, to);
            } else if (format == PanelFormat.Q8_0) {
                VectorFloats.eightBits(packed, at, stream, unitBlocks, x, from, h.scales, h.centres, s.results, to);
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
                        h.scales,
                        h.centres,
                        s.results,
                        to);
            }
        }
    }

    @Override
    void unpack(long blocks, int b, Header h, Workspace s, int i) {
        MemorySegment tile = s.floatTile;
        long to = i * TILE_BLOCK_BYTES;
        long at = blocks + b * blockVectors * (long) VECTOR_BYTES;
        int run = b * format.runs * ROWS;
        if (table != null) {
            VectorFloats.unpackLookedUp(packed, at, stream, table, runLog, h.scales, run, tile, to);
        } else if (byteTable != null) {
            VectorFloats.unpackLookedUpBytes(packed, at, stream, byteTable, runLog, h.scales, run, tile, to);
        } else if (!hasBase()) {
            VectorFloats.unpackSignedBytes(packed, at, stream, h.scales, run, tile, to);
        } else if (format == PanelFormat.Q8_0) {
            VectorFloats.unpackEightBits(packed, at, stream, h.scales, h.centres, run, tile, to);
        } else {
            VectorFloats.unpackBytes(packed, at, stream, format.highBits, runLog, h.scales, h.centres, run, tile, to);
        }
    }
}
