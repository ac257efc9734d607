package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;

/**
 * IQ4, weights that are looked up in a table of numbers of eight bits, multiplied with quantized activations ({@link Quantizer}),
 * where vectors have 256 bits or more and do not multiply floats as fast as shorts ({@link VectorPanels#FLOAT_TILES}).
 *
 * <p>s = Σ c·q over a block's 32 columns is exact, and y += (s·scale(x))·scale(w) in order of columns, for one token as for many.
 *
 * <p><b>One token</b> looks up half a vector of bytes, which become a vector of shorts: two columns of each row. Four of these,
 * eight columns apart, are multiplied and added up in 16 bits, for which c is centred ({@link Quantizer} bounds Σ|q|), and then in
 * ints. Floats have half as many lanes, and take two multiplications and a conversion each.
 *
 * <p><b>Several</b> share a tile of c as floats, in which sums of whole numbers are exact too. Blocks of 32 columns are added up by
 * themselves, which costs 6 to 8% of what tiles of finished weights do ({@link FloatPanels}).
 */
final class TablePanels extends TilePanels {
    /** Whether any type is multiplied so by these vectors. */
    static final boolean ARE_USED = VectorPanels.FLOATS && !VectorPanels.FLOAT_TILES;

    private static final int HALF_TILE_FLOATS = HALF_TILE_BYTES / Float.BYTES;

    private static final int TILE_BLOCK_FLOATS = BLOCK * HALF_ROWS;

    // c of each nibble, repeated, and more by what centres it.
    private final byte[] table;
    private final byte[] centredTable;

    TablePanels(PanelFormat format, int rows, int columns, Arena arena) {
        super(format, rows, columns, arena);
        table = new byte[VectorTables.HALF_BYTES];
        centredTable = new byte[VectorTables.HALF_BYTES];
        for (int i = 0; i < table.length; i++) {
            table[i] = (byte) format.lookUp(i & 15);
            centredTable[i] = (byte) (table[i] + VectorTables.CENTRE);
        }
    }

    /** Whether a type is multiplied so by these vectors. */
    static boolean suits(PanelFormat format) {
        return ARE_USED && (format == PanelFormat.IQ4_NL || format == PanelFormat.IQ4_XS);
    }

    @Override
    void packBlock(byte[] src, int block, int[] unit, int b, int r) {
        int to = (int) (blocksOffset / Integer.BYTES) + b * INTS * LANES;
        format.packTwos(src, block, unit, to, r, INTS * LANES, LANES / 2);
    }

    @Override
    int reads(int n) {
        return n >= Activations.GROUP ? Activations.WORDS | Activations.FLOATS : Activations.WORDS;
    }

    /** Three tokens behind fours cost less together than one by one; three alone, which would take a tile, do not. */
    @Override
    int grouped(int tokens) {
        int rest = tokens % Activations.GROUP;
        return tokens - rest + (rest == 3 && tokens > Activations.GROUP ? Activations.GROUP : 0);
    }

    @Override
    void header(long unit, Header h) {
        decodeHeader(unit, 0, h);
    }

    @Override
    void unpack(long blocks, int b, Header h, Workspace s, int i) {
        long at = blocks + b * (long) (INTS * VECTOR_BYTES);
        VectorTables.unpack(packed, at, stream, table, s.tableTile, i * TILE_BLOCK_FLOATS);
    }

    @Override
    void multiplySpan(
            Activations x, int t0, int tokens, int block, int blocks, Header h, int b, int results, Workspace s) {
        for (int v = 0; v < ROWS; v += HALF_ROWS) {
            for (int t = 0, here; t < tokens; t += here) {
                here = t <= tokens - TWELVE ? TWELVE : Activations.GROUP;
                int floats = x.floatsAt(block, t0 + t);
                int scales = x.groupedBlockAt(block, t0 + t);
                int to = results + t * ROWS + v;
                for (int i = 0; i < blocks; i++) {
                    int from = v / HALF_ROWS * HALF_TILE_FLOATS + i * TILE_BLOCK_FLOATS;
                    int at = floats + i * (BLOCK * Activations.GROUP);
                    int group = scales + i * Activations.GROUP;
                    int run = (b + i) * ROWS + v;
                    if (here == TWELVE && VectorPanels.WIDE) {
                        VectorTables.multiply12(s.tableTile, from, x, at, group, h.scales, run, s.results, to);
                    } else if (here == TWELVE) {
                        VectorTables.multiply6(s.tableTile, from, x, 0, at, group, h.scales, run, s.results, to);
                        VectorTables.multiply6(s.tableTile, from, x, 1, at, group, h.scales, run, s.results, to);
                    } else {
                        VectorTables.multiply4(s.tableTile, from, x, at, group, h.scales, run, s.results, to);
                    }
                }
            }
        }
    }

    /** Two vectors of rows of one panel after the other: long streams. */
    @Override
    void multiply1(Activations x, int t, long first, int panels, int results, int step, Workspace s) {
        int block = x.blockAt(0, t);
        for (int v = 0; v < ROWS; v += HALF_ROWS) {
            for (int p = 0; p < panels; p++) {
                long at = first + p * stripBytes + v / LANES * stream;
                int to = results + p * step + v;
                if (format == PanelFormat.IQ4_NL) {
                    VectorTables.dotNl(packed, at, stream, units, unitBlocks, centredTable, x, block, s.results, to);
                } else {
                    VectorTables.dotXs(packed, at, stream, units, centredTable, x, block, s.results, to);
                }
            }
        }
    }
}
