package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A matrix of BF16 weights in strips, multiplied as {@link FloatPanels} are: a chain of fused multiply-adds in order of
 * columns. A strip is vectors of ints, each with two columns of its rows.
 */
final class Bf16Matrix extends StripMatrix {
    /** Pairs that are packed at a time: of a strip 32 KiB. */
    private static final int PACKED_PAIRS = 512;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int pairs;

    private Bf16Matrix(int rows, int columns, Arena arena) {
        super(rows, columns, columns / 2 * (long) VECTOR_BYTES, arena);
        pairs = columns / 2;
    }

    /** Whether columns are pairs. */
    static boolean multiplies(int columns) {
        return columns % 2 == 0;
    }

    /** Repacks a tensor; {@code source} is not needed afterwards. */
    static Bf16Matrix pack(MemorySegment source, int rows, int columns, Arena arena, WorkerPool pool) {
        Bf16Matrix m = new Bf16Matrix(rows, columns, arena);
        pool.run(m.strips(), 1, (begin, end, worker) -> {
            int[] row = new int[PACKED_PAIRS];
            int[] block = new int[PACKED_PAIRS * LANES];
            for (int strip = begin; strip < end; strip++) {
                m.packStrip(source, strip, row, block);
            }
        });
        return m;
    }

    private void packStrip(MemorySegment source, int strip, int[] row, int[] block) {
        int rowsHere = rowsOf(strip);
        Arrays.fill(block, 0); // the last strip has fewer rows than the one before
        for (int p = 0; p < pairs; p += PACKED_PAIRS) {
            int here = Math.min(PACKED_PAIRS, pairs - p);
            for (int r = 0; r < rowsHere; r++) {
                long from = (((long) strip * LANES + r) * pairs + p) * Integer.BYTES;
                MemorySegment.copy(source, INT, from, row, 0, here);
                for (int i = 0; i < here; i++) {
                    block[i * LANES + r] = row[i];
                }
            }
            put(strip, p * (long) VECTOR_BYTES, block, here * LANES);
        }
    }

    @Override
    int reads(int n) {
        return n > 1 ? Activations.GROUPED : 0;
    }

    @Override
    void multiplyPanels(
            Activations x, int t0, int tokens, long first, int panels, int results, PanelMatrix.Workspace s) {
        int grouped = tokens == 1 ? 1 : (tokens + Activations.GROUP - 1) / Activations.GROUP * Activations.GROUP;
        clear(panels, results, grouped, s);
        if (tokens == 1) {
            for (int p = 0; p < panels; p++) {
                VectorBf16.multiply(
                        packed,
                        first + p * stripBytes,
                        stream,
                        pairs,
                        x.data,
                        x.row(t0),
                        s.results,
                        results + p * resultsStep(tokens));
            }
            return;
        }
        for (int pair = 0; pair < pairs; pair += Activations.SPAN / 2) {
            int here = Math.min(Activations.SPAN / 2, pairs - pair);
            int from = x.groupedAt(2 * pair, t0);
            for (int p = 0; p < panels; p++) {
                long at = first + p * stripBytes + pair * (long) VECTOR_BYTES;
                VectorBf16.unpack(packed, at, stream, here, s.floatTile);
                multiplyTile(s.floatTile, 2 * here, x.grouped, from, grouped, s.results, results + p * RESULTS);
            }
        }
    }
}
