package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A matrix of nibble weights, repacked so that vector lanes are rows, multiplied with 8-bit activations in exact integer
 * arithmetic.
 *
 * <p>For each block of 32 columns: s' = Σ (n - 8)·q over the integers, then y += (s'·scale(x))·scale(w) and y +=
 * sum(x)·centre(w), where w = scale(w)·(n - 8) + centre(w), in order of columns. Only these float operations round, and
 * their order is the same for one token and for many, so results do not depend on the batch.
 *
 * <p><b>Modular sums.</b> 32 products of a centred nibble and q are at most 8·127·32 = 32,512 in magnitude, so the sum
 * fits a 16-bit lane, and only the final sum has to: on the way lanes may wrap. So nibbles need not be masked. A lane v
 * holds four of them, v = n0 + 16·n1 + 256·n2 + 4096·n3, and v·b0 + (v>>>4)·b1 + (v>>>8)·b2 + (v>>>12)·b3 equals n0·q0 +
 * n1·q1 + n2·q2 + n3·q3 modulo 2^16 for b0 = q0, b1 = q1 - 16·q0, b2 = q2 - 16·q1, b3 = q3 - 16·q2. Starting from -8·Σq
 * centres the sum.
 *
 * <p><b>Layout.</b> A panel is 32 rows. It is a run of units of {@link #unitBlocks} column blocks; a unit is the nibbles
 * [block][8 quads][32 lanes] as shorts, then the header in the format's own precision: for Q4_K ints [scales 0-3, scales
 * 4-7, minima 0-3, minima 4-7][32 rows] of four 6-bit numbers each, then halves d[32 lanes], dmin[32 lanes]; for Q4_0
 * halves d[block][32 lanes]; for Q4_1 d[32 lanes], m[32 lanes] per block. Within a vector of L shorts, lane 2i is row i
 * and lane 2i + 1 is row i + L/2, so that widening even and odd lanes gives rows in order.
 */
final class PanelMatrix extends Matrix {
    static final int PANEL_ROWS = 32;
    static final int BLOCK = Activations.BLOCK;
    static final int QUADS = BLOCK / 4;

    /** Bytes of the nibbles of one column block of a panel. */
    static final int BLOCK_BYTES = QUADS * PANEL_ROWS * Short.BYTES;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final NibbleFormat format;
    private final int unitBlocks;
    private final int units;
    private final long unitBytes;
    private final long panelBytes;
    private final int panels;
    private final MemorySegment packed;

    /** One worker's memory. */
    static final class Workspace {
        /** [unit's blocks][scale, centre][32 rows] */
        final float[] header = new float[UNIT_BLOCKS_MAX * 2 * PANEL_ROWS];

        /** d and dmin of a unit's 32 rows */
        final float[] factors = new float[2 * PANEL_ROWS];

        /** [unit's blocks × 32 columns][32 lanes] shifted nibbles */
        final short[] tile = new short[UNIT_BLOCKS_MAX * BLOCK * PANEL_ROWS + ALIGNMENT_SHORTS];

        /** [unit's blocks][4 tokens][32 lanes] sums of products */
        final short[] products = new short[UNIT_BLOCKS_MAX * 4 * PANEL_ROWS];

        /** [tokens][32 rows] */
        final float[] results = new float[Scratch.TILE_TOKENS * PANEL_ROWS];
    }

    static final int UNIT_BLOCKS_MAX = 8;
    private static final int ALIGNMENT_SHORTS = 32;

    private PanelMatrix(NibbleFormat format, int rows, int columns, int lanes, Arena arena) {
        super(rows, columns);
        this.format = format;
        int blocks = columns / BLOCK;
        unitBlocks = format == NibbleFormat.Q4_K || blocks % 8 == 0 ? 8 : blocks % 4 == 0 ? 4 : 1;
        units = blocks / unitBlocks;
        unitBytes = (long) unitBlocks * BLOCK_BYTES + headerBytes();
        panelBytes = units * unitBytes;
        panels = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
        packed = arena.allocate(panels * panelBytes, 64);
    }

    private int headerBytes() {
        return switch (format) {
            case Q4_0 -> unitBlocks * PANEL_ROWS * 2;
            case Q4_1 -> unitBlocks * PANEL_ROWS * 4;
            case Q4_K -> 4 * PANEL_ROWS * 4 + 2 * PANEL_ROWS * 2;
        };
    }

    /** Repacks a tensor; {@code source} is not needed afterwards. */
    static PanelMatrix pack(
            MemorySegment source, NibbleFormat format, int rows, int columns, Arena arena, WorkerPool pool) {
        PanelMatrix m = new PanelMatrix(format, rows, columns, VectorPanels.SHORT_LANES, arena);
        int[] lanes = laneOfRow(VectorPanels.SHORT_LANES);
        pool.run(m.panels, 1, (begin, end, worker) -> {
            for (int p = begin; p < end; p++) {
                m.packPanel(source, p, lanes);
            }
        });
        return m;
    }

    /** Where each of a panel's rows stands among the 32 short lanes of its vectors of {@code length} shorts. */
    static int[] laneOfRow(int length) {
        int[] lanes = new int[PANEL_ROWS];
        int half = length / 2;
        for (int r = 0; r < PANEL_ROWS; r++) {
            int within = r % length;
            lanes[r] = r - within + (within < half ? 2 * within : 2 * (within - half) + 1);
        }
        return lanes;
    }

    private void packPanel(MemorySegment source, int panel, int[] lanes) {
        long rowBytes = (long) columns() / format.blockWeights * format.type.blockBytes();
        int rowsHere = Math.min(PANEL_ROWS, rows() - panel * PANEL_ROWS);
        int blocksPerSource = format.blockWeights / BLOCK;
        for (int u = 0; u < units; u++) {
            long to = panel * panelBytes + u * unitBytes;
            for (int r = 0; r < rowsHere; r++) {
                long row = (panel * PANEL_ROWS + r) * rowBytes;
                for (int b = 0; b < unitBlocks; b++) {
                    int column = u * unitBlocks + b;
                    long block = row + (long) (column / blocksPerSource) * format.type.blockBytes();
                    long at = to + (long) b * BLOCK_BYTES + lanes[r] * 2L;
                    for (int q = 0; q < QUADS; q++) {
                        int quad = format.quad(source, block, column % blocksPerSource, q);
                        packed.set(SHORT, at + q * (PANEL_ROWS * 2L), (short) quad);
                    }
                }
                packHeader(source, row, u, to + (long) unitBlocks * BLOCK_BYTES, r, lanes[r]);
            }
        }
    }

    private void packHeader(MemorySegment source, long row, int unit, long to, int r, int lane) {
        int perBlock = format.type.blockBytes();
        switch (format) {
            case Q4_0, Q4_1 -> {
                int halves = format == NibbleFormat.Q4_0 ? 1 : 2;
                for (int b = 0; b < unitBlocks; b++) {
                    long block = row + (long) (unit * unitBlocks + b) * perBlock;
                    long at = to + (long) b * halves * PANEL_ROWS * 2 + lane * 2L;
                    packed.set(SHORT, at, format.d(source, block));
                    if (halves == 2) {
                        packed.set(SHORT, at + PANEL_ROWS * 2L, format.m(source, block));
                    }
                }
            }
            case Q4_K -> {
                long block = row + (long) unit * perBlock;
                for (int g = 0; g < 2; g++) {
                    packed.set(INT, to + (g * PANEL_ROWS + r) * 4L, NibbleFormat.scales(source, block, g));
                    packed.set(INT, to + ((2 + g) * PANEL_ROWS + r) * 4L, NibbleFormat.minima(source, block, g));
                }
                long halves = to + 4 * PANEL_ROWS * 4 + lane * 2L;
                packed.set(SHORT, halves, format.d(source, block));
                packed.set(SHORT, halves + PANEL_ROWS * 2L, format.m(source, block));
            }
        }
    }

    @Override
    int grain(int n) {
        return PANEL_ROWS;
    }

    @Override
    boolean readsQuantized() {
        return true;
    }

    @Override
    void multiply(Activations x, int n, int begin, int end, Activations y, Scratch scratch) {
        Workspace s = scratch.panels();
        for (int r = begin; r < end; r += PANEL_ROWS) {
            int rowsHere = Math.min(PANEL_ROWS, end - r);
            for (int t = 0; t < n; t += Scratch.TILE_TOKENS) {
                int tokens = Math.min(Scratch.TILE_TOKENS, n - t);
                multiplyPanel(x, t, tokens, r / PANEL_ROWS * panelBytes, s);
                for (int i = 0; i < tokens; i++) {
                    System.arraycopy(s.results, i * PANEL_ROWS, y.data, y.row(t + i) + r, rowsHere);
                }
            }
        }
    }

    private void multiplyPanel(Activations x, int t0, int tokens, long panel, Workspace s) {
        Arrays.fill(s.results, 0, tokens * PANEL_ROWS, 0f);
        int unitColumns = unitBlocks * BLOCK;
        int grouped = tokens & ~3;
        for (int u = 0; u < units; u++) {
            long unit = panel + u * unitBytes;
            long header = unit + (long) unitBlocks * BLOCK_BYTES;
            switch (format) {
                case Q4_0 -> VectorPanels.headerQ4_0(packed, header, unitBlocks, s.header);
                case Q4_1 -> VectorPanels.headerQ4_1(packed, header, unitBlocks, s.header);
                case Q4_K -> VectorPanels.headerQ4K(packed, header, s.factors, s.header);
            }
            if (grouped > 0) {
                VectorPanels.unpack(packed, unit, unitBlocks * QUADS, s.tile);
            }
            int column = x.row(t0) + u * unitColumns;
            for (int t = 0; t < grouped; t += 4) {
                int at = column + t * x.stride;
                VectorPanels.products4(s.tile, unitBlocks, x, at, s.products);
                VectorPanels.combine4(s.products, unitBlocks, x, at / BLOCK, s.header, s.results, t * PANEL_ROWS);
            }
            for (int t = grouped; t < tokens; t++) {
                int at = column + t * x.stride;
                VectorPanels.multiply1(packed, unit, unitBlocks, x, at, s.header, s.results, t * PANEL_ROWS);
            }
        }
    }
}
