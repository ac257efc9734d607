package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;

/** Panels of which several tokens share a tile of floats, up to a span of columns at a time. */
abstract class TilePanels extends PanelMatrix {
    /** Blocks of a tile for a few tokens: 16 KiB, which the L1 cache holds whole. For many a tile is a span. */
    private static final int FEW_TOKENS_BLOCKS = 2;

    TilePanels(PanelFormat format, int rows, int columns, Arena arena) {
        super(format, rows, columns, arena);
    }

    @Override
    final void multiplyPanels(Activations x, int t0, int tokens, long first, int panels, int results, Workspace s) {
        int grouped = grouped(tokens);
        clear(panels, results, Math.max(tokens, grouped), s);
        if (grouped > 0) {
            multiplyGroups(x, t0, grouped, first, panels, results, s);
        }
        for (int t = grouped; t < tokens; t++) {
            multiply1(x, t0 + t, first, panels, results + t * ROWS, resultsStep(tokens), s);
        }
    }

    /** @param tokens a multiple of {@link Activations#GROUP}, of which the last may be rows of nobody */
    private void multiplyGroups(Activations x, int t0, int tokens, long first, int panels, int results, Workspace s) {
        int tileBlocks = tokens > FEW_TOKENS_MAX ? Activations.SPAN_BLOCKS : FEW_TOKENS_BLOCKS;
        for (int u = 0; u < units; u++) {
            for (int p = 0; p < panels; p++) {
                header(first + p * stripBytes + u * unitBytes, s.headers[p]);
            }
            for (int b = 0; b < unitBlocks; ) {
                int block = u * unitBlocks + b;
                // A tile meets one span of the activations.
                int blocks = Math.min(tileBlocks - block % tileBlocks, unitBlocks - b);
                for (int p = 0; p < panels; p++) {
                    long at = first + p * stripBytes + u * unitBytes + blocksOffset;
                    for (int i = 0; i < blocks; i++) {
                        unpack(at, b + i, s.headers[p], s, i);
                    }
                    multiplySpan(x, t0, tokens, block, blocks, s.headers[p], b, results + p * RESULTS, s);
                }
                b += blocks;
            }
        }
    }

    /** How many rows of so many tokens are multiplied in groups, with rows of nobody behind them; the others are one by one. */
    abstract int grouped(int tokens);

    /** Decodes a unit's header. */
    abstract void header(long unit, Header h);

    /**
     * Writes block i of the tile.
     *
     * @param blocks where the unit's first is
     * @param b which of these it is
     */
    abstract void unpack(long blocks, int b, Header h, Workspace s, int i);

    /**
     * Groups of tokens from t0 on: a tile's part of a panel's results.
     *
     * @param block the tile's first in a row of activations
     * @param b the same in the unit
     */
    abstract void multiplySpan(
            Activations x, int t0, int tokens, int block, int blocks, Header h, int b, int results, Workspace s);

    /**
     * Token t alone: results of panels, which are zeros.
     *
     * @param step from a panel's results to the next one's
     */
    abstract void multiply1(Activations x, int t, long first, int panels, int results, int step, Workspace s);
}
