package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A matrix repacked so that vector lanes are rows.
 *
 * <p>A strip is a vector of rows; strips stand in order of rows. A panel is four strips that are a quarter of the matrix
 * apart, and workers take runs of panels, so that memory is read as four long ascending streams: prefetchers do not look
 * beyond a page of 4 KiB, and four pages at a time hide what one leaves. (Reading 4 KiB and multiplying takes 360 ns as one
 * stream, 240 ns as four of 64 KiB or more, 430 ns as four of 4.6 KiB.)
 */
abstract class StripMatrix extends Matrix {
    /** Rows of a panel. */
    static final int ROWS = VectorPanels.ROWS;

    /** Rows of a strip. */
    static final int LANES = VectorPanels.L;

    static final int VECTOR_BYTES = LANES * Integer.BYTES;

    /** Rows of half a tile of floats. */
    static final int HALF_ROWS = 2 * LANES;

    /**
     * Half a tile of floats, [column][rows]: with 512 bits 32 KiB, which stay in the L1 cache next to twelve tokens' columns.
     * Interleaved with the other half they would fall on half of the cache's lines alone.
     */
    static final int HALF_TILE_BYTES = Activations.SPAN * HALF_ROWS * Float.BYTES;

    /** Tokens that share an unpacked tile: twelves, and with 512 bits those that hold the largest batch. */
    static final int TILE_TOKENS = VectorPanels.WIDE ? 516 : 264;

    /** Tokens that {@link VectorFloats#multiply12} takes. */
    static final int TWELVE = 12;

    /**
     * Panels whose results are copied together: a token's row is pages from the next one's, and where a panel leaves a line of
     * each strip there, four neighbours leave four.
     *
     * <p>They are multiplied together with many tokens, span by span of the activations: all of these are too large for the cache
     * in which a span and four panels' results stay (1.1 MB of a batch), so that each panel would have them come from memory
     * again.
     * A few tokens' activations stay there as they are; weights come faster as long streams.
     */
    static final int RESULT_PANELS = 4;

    /**
     * The same of one token, which may take its strips in pairs one after the other: each stream that begins costs it some hundred
     * nanoseconds, 7% of generation where it was four panels.
     */
    static final int ONE_TOKEN_PANELS = 64;

    /** Results of a panel of several tokens. */
    static final int RESULTS = TILE_TOKENS * ROWS;

    /**
     * Prefetchers end at a page: as strips are whole pages apart, the loads that they did not foresee wait for memory
     * together rather than one after the other. And a multiple of eight pages, or a Zen 5's lose streams that are read together (one
     * token of Q4_K with 2,560 columns, two cores: 60 and 73 GMAC/s; one to three pages more are as slow as one less).
     */
    private static final int STRIP_ALIGNMENT = 8 * 4096;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Bytes from a panel to the next. */
    final long stripBytes;

    private final int panels;

    /** Bytes from a panel's strip to its next. */
    final long stream;

    /** The strips; zero until they are packed, as is what is missing of the last rows. */
    final MemorySegment packed;

    StripMatrix(int rows, int columns, long stripBytes, Arena arena) {
        super(rows, columns);
        this.stripBytes = stripBytes;
        panels = (rows + ROWS - 1) / ROWS;
        stream = (panels * stripBytes + STRIP_ALIGNMENT - 1) / STRIP_ALIGNMENT * STRIP_ALIGNMENT;
        packed = arena.allocate(ROWS / LANES * stream, 64);
    }

    /** Strips that have rows. */
    final int strips() {
        return (rows() + LANES - 1) / LANES;
    }

    /** Rows of a strip that are the matrix's. */
    final int rowsOf(int strip) {
        return Math.min(LANES, rows() - strip * LANES);
    }

    /**
     * Writes part of a strip, {@code at} bytes from its start, by way of an array: a store to a shared segment costs several
     * times one to an array.
     */
    final void put(int strip, long at, int[] vectors, int count) {
        MemorySegment.copy(vectors, 0, packed, INT, strip / panels * stream + strip % panels * stripBytes + at, count);
    }

    /** From a panel's results to the next one's. */
    static int resultsStep(int tokens) {
        return tokens == 1 ? ROWS : RESULTS;
    }

    @Override
    int grain(int n) {
        return ROWS;
    }

    @Override
    final void multiply(Activations x, int n, int begin, int end, Activations y, Scratch scratch) {
        PanelMatrix.Workspace s = scratch.panels();
        int group = n == 1 ? ONE_TOKEN_PANELS : RESULT_PANELS;
        for (int panel = begin; panel < end; panel += group) {
            int here = Math.min(group, end - panel);
            for (int t = 0; t < n; t += TILE_TOKENS) {
                int tokens = Math.min(TILE_TOKENS, n - t);
                int together = tokens == 1 || tokens > FEW_TOKENS_MAX ? here : 1;
                int step = resultsStep(tokens);
                for (int p = 0; p < here; p += together) {
                    multiplyPanels(x, t, tokens, (panel + p) * stripBytes, together, p * step, s);
                }
                for (int v = 0; v < ROWS / LANES; v++) {
                    int row = (v * panels + panel) * LANES;
                    int vectors = Math.clamp((rows() - row) / LANES, 0, here);
                    VectorPanels.copy(s.results, v * LANES, step, vectors, tokens, y.data, y.row(t) + row, y.stride);
                    int rest = Math.min(rows() - row - vectors * LANES, LANES);
                    if (vectors == here || rest <= 0) {
                        continue;
                    }
                    for (int i = 0; i < tokens; i++) {
                        System.arraycopy(
                                s.results,
                                vectors * step + i * ROWS + v * LANES,
                                y.data,
                                y.row(t + i) + row + vectors * LANES,
                                rest);
                    }
                }
            }
        }
    }

    /**
     * Groups of four tokens on a tile of floats, [half][column][rows]: y[tokens][rows] += Σ tile·x over columns of one span of the
     * activations. Half the tile, which stays in the L1 cache, meets all tokens before the other half does.
     *
     * @param x laid out as {@link Activations#grouped}; the first group's first column is at {@code at}
     */
    static void multiplyTile(MemorySegment tile, int columns, float[] x, int at, int tokens, float[] y, int to) {
        for (int v = 0; v < ROWS; v += HALF_ROWS) {
            long from = v / HALF_ROWS * (long) HALF_TILE_BYTES;
            int t = 0;
            for (; VectorPanels.WIDE && t <= tokens - TWELVE; t += TWELVE) {
                VectorFloats.multiply12(tile, from, columns, x, at + t * Activations.SPAN, y, to + t * ROWS + v);
            }
            for (; t < tokens; t += Activations.GROUP) {
                VectorFloats.multiply4(tile, from, columns, x, at + t * Activations.SPAN, y, to + t * ROWS + v);
            }
        }
    }

    /**
     * The results of tokens from t0 on.
     *
     * @param first the byte where the first panel's first strip starts
     * @param panels how many: of one token at most {@link #ONE_TOKEN_PANELS}, of a few one, of many at most {@link
     *     #RESULT_PANELS}
     * @param results where they go in the workspace's: [tokens][rows], the next panel's {@link #resultsStep} on
     */
    abstract void multiplyPanels(
            Activations x, int t0, int tokens, long first, int panels, int results, PanelMatrix.Workspace s);

    /** Zeros for rows of results. */
    static void clear(int panels, int results, int tokens, PanelMatrix.Workspace s) {
        for (int p = 0; p < panels; p++) {
            int from = results + p * resultsStep(tokens);
            Arrays.fill(s.results, from, from + tokens * ROWS, 0f);
        }
    }
}
