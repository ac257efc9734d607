package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A matrix of BF16 weights in strips, multiplied in floats by fused multiply-adds. Columns of a block are added in order,
 * then the blocks, for one token and for many: results do not depend on the batch. A strip is vectors of ints, each with two
 * columns of its rows.
 */
final class Bf16Matrix extends StripMatrix {
    /** Pairs of columns whose products are added before they are added to the rest: a panel's are 16 KiB. */
    private static final int BLOCK_PAIRS = 64;

    /** Pairs that are packed at a time: of a strip 32 KiB. */
    private static final int PACKED_PAIRS = 512;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int pairs;

    private Bf16Matrix(int rows, int columns, Arena arena) {
        super(rows, columns, columns / 2 * (long) VECTOR_BYTES, arena);
        pairs = columns / 2;
    }

    /** Whether these vectors gain by it. Narrower ones have half the registers, too few for four tokens. */
    static boolean multiplies(int columns) {
        return VectorPanels.FLOAT_TILES && columns % 2 == 0;
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
    boolean readsQuantized() {
        return false;
    }

    @Override
    void multiplyPanel(Activations x, int t0, int tokens, long panel, int results, PanelMatrix.Workspace s) {
        Arrays.fill(s.results, results, results + tokens * ROWS, 0f);
        for (int p = 0; p < pairs; p += BLOCK_PAIRS) {
            int here = Math.min(BLOCK_PAIRS, pairs - p);
            long at = panel + p * (long) VECTOR_BYTES;
            int t = 0;
            for (; t <= tokens - 4; t += 4) {
                VectorBf16.multiply4(
                        packed,
                        at,
                        stream,
                        here,
                        x.data,
                        x.row(t0 + t) + 2 * p,
                        x.stride,
                        s.results,
                        results + t * ROWS);
            }
            for (; t < tokens; t++) {
                VectorBf16.multiply1(
                        packed, at, stream, here, x.data, x.row(t0 + t) + 2 * p, s.results, results + t * ROWS);
            }
        }
    }
}
