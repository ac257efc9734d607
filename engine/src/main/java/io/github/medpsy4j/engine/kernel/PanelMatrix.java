package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A matrix of 4- to 8-bit weights, repacked so that vector lanes are rows, multiplied with 8-bit activations in exact
 * integer arithmetic.
 *
 * <p>For each run of columns that share a scale: s = Σ c·q over the integers, where c is the weight's centred integer
 * (n - 8 of four bits, n + 16·h - 16 of five, n + 16·h - 32 of six, the byte of eight); then y += (s·scale(x))·scale(w)
 * and, where the type has offsets, y += sum(x)·centre(w); in order of columns. Only these float operations round, and
 * their order is the same for one token and for many, so results do not depend on the batch.
 *
 * <p><b>One token</b> works on the packed nibbles. 32 products of a centred nibble and q are at most 8·127·32 = 32,512
 * in magnitude, so their sum fits a 16-bit lane, and only the final sum has to: on the way lanes may wrap. So nibbles
 * need not be masked. A lane v holds a quad, v = n0 + 16·n1 + 256·n2 + 4096·n3, and v·b0 + (v>>>4)·b1 + (v>>>8)·b2 +
 * (v>>>12)·b3 equals n0·q0 + n1·q1 + n2·q2 + n3·q3 modulo 2^16 for b0 = q0, b1 = q1 - 16·q0, b2 = q2 - 16·q1, b3 = q3 -
 * 16·q2. Starting from -8·Σq centres the sum. High bits are quads of their own and summed likewise.
 *
 * <p><b>Many tokens</b> share a tile of unpacked integers c, of which as many products are added in 16 bits as their
 * bound allows: 32 of four bits, 16 of five, 8 of six; eight bits are two tiles of nibbles.
 *
 * <p><b>Layout.</b> A panel is 32 rows. It is a run of units of {@link #unitBlocks} blocks of 32 columns; a unit is
 * <ul>
 *   <li>low nibbles: [block][8 quads][32 lanes] shorts;
 *   <li>high bits: [block][8 / (4 / highBits)][32 lanes] shorts, each of 4 / highBits quads, quad i shifted left by
 *       i·highBits;
 *   <li>the header in the type's own precision: halves d [block][32 lanes], or d, m [block][2][32 lanes], or for the
 *       256-wide types ints of four scales and minima each, [4][32 rows], and halves d, dmin [2][32 lanes]; Q6_K has four
 *       ints of scales and d.
 * </ul>
 * Within a vector of L shorts, lane 2i is row i and lane 2i + 1 is row i + L/2, so that widening even and odd lanes
 * gives rows in order.
 */
final class PanelMatrix extends Matrix {
    static final int PANEL_ROWS = 32;
    static final int BLOCK = Activations.BLOCK;
    static final int QUADS = BLOCK / 4;
    static final int UNIT_BLOCKS_MAX = 8;

    /** Bytes of a row of lanes. */
    static final int LANES_BYTES = PANEL_ROWS * Short.BYTES;

    private static final int ROWS_OF_INTS_BYTES = PANEL_ROWS * Integer.BYTES;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final PanelFormat format;
    private final int unitBlocks;
    private final int units;
    private final long unitBytes;
    private final long lowOffset;
    private final long highOffset;
    private final long panelBytes;
    private final int panels;
    private final MemorySegment packed;

    /** One worker's memory. */
    static final class Workspace {
        /** [runs of one scale in a unit][scale, centre][32 rows] */
        final float[] header = new float[UNIT_BLOCKS_MAX * 2 * 2 * PANEL_ROWS];

        /** d and dmin of a unit's 32 rows */
        final float[] factors = new float[2 * PANEL_ROWS];

        /** [unit's columns][32 lanes] centred integers, and those of the high nibbles for eight bits */
        final short[] tile = new short[UNIT_BLOCKS_MAX * BLOCK * PANEL_ROWS];

        final short[] highTile = new short[UNIT_BLOCKS_MAX * BLOCK * PANEL_ROWS];

        /** [runs of products that fit 16 bits in a unit][4 tokens][32 lanes] */
        final short[] products = new short[UNIT_BLOCKS_MAX * 4 * 4 * PANEL_ROWS];

        final short[] highProducts = new short[UNIT_BLOCKS_MAX * 4 * PANEL_ROWS];

        /** [tokens][32 rows] */
        final float[] results = new float[Scratch.TILE_TOKENS * PANEL_ROWS];
    }

    private PanelMatrix(PanelFormat format, int rows, int columns, Arena arena) {
        super(rows, columns);
        this.format = format;
        int blocks = columns / BLOCK;
        unitBlocks = blocks % 8 == 0 ? 8 : blocks % 4 == 0 ? 4 : 1;
        units = blocks / unitBlocks;
        lowOffset = headerBytes();
        highOffset = lowOffset + (long) unitBlocks * QUADS * LANES_BYTES;
        unitBytes = highOffset + (long) unitBlocks * QUADS * LANES_BYTES * format.highBits / 4;
        panelBytes = units * unitBytes;
        panels = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
        packed = arena.allocate(panels * panelBytes, 64);
    }

    private int headerBytes() {
        return switch (format) {
            case Q4_0, Q5_0, Q8_0 -> unitBlocks * LANES_BYTES;
            case Q4_1, Q5_1 -> unitBlocks * 2 * LANES_BYTES;
            case Q4_K, Q5_K -> 4 * ROWS_OF_INTS_BYTES + 2 * LANES_BYTES;
            case Q6_K -> 4 * ROWS_OF_INTS_BYTES + LANES_BYTES;
        };
    }

    /** Repacks a tensor; {@code source} is not needed afterwards. */
    static PanelMatrix pack(
            MemorySegment source, PanelFormat format, int rows, int columns, Arena arena, WorkerPool pool) {
        PanelMatrix m = new PanelMatrix(format, rows, columns, arena);
        int[] lanes = laneOfRow(VectorPanels.SHORT_LANES);
        pool.run(m.panels, 1, (begin, end, worker) -> {
            byte[] block = new byte[m.sourceBytes()];
            short[] unit = new short[Math.toIntExact(m.unitBytes / Short.BYTES)];
            for (int p = begin; p < end; p++) {
                m.packPanel(source, p, lanes, block, unit);
            }
        });
        return m;
    }

    /** Bytes of one row's part of a unit in the file. */
    private int sourceBytes() {
        return unitBlocks * BLOCK / format.blockWeights * format.type.blockBytes();
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

    /** Packs by way of arrays: a store to a shared segment costs several times one to an array. */
    private void packPanel(MemorySegment source, int panel, int[] lanes, byte[] src, short[] unit) {
        int perBlock = format.type.blockBytes();
        long rowBytes = (long) columns() / format.blockWeights * perBlock;
        int rowsHere = Math.min(PANEL_ROWS, rows() - panel * PANEL_ROWS);
        int blocksPerSource = format.blockWeights / BLOCK;
        Arrays.fill(unit, (short) 0);
        for (int u = 0; u < units; u++) {
            for (int r = 0; r < rowsHere; r++) {
                long from = ((long) panel * PANEL_ROWS + r) * rowBytes + (long) u * src.length;
                MemorySegment.copy(source, ValueLayout.JAVA_BYTE, from, src, 0, src.length);
                for (int b = 0; b < unitBlocks; b++) {
                    packBlock(src, b / blocksPerSource * perBlock, b % blocksPerSource, unit, lanes[r], b);
                }
                packHeader(src, unit, r, lanes[r]);
            }
            long to = panel * panelBytes + u * unitBytes;
            MemorySegment.copy(unit, 0, packed, SHORT, to, unit.length);
        }
    }

    private void packBlock(byte[] src, int block, int j, short[] unit, int lane, int b) {
        int low = (int) (lowOffset / Short.BYTES) + b * QUADS * PANEL_ROWS + lane;
        for (int q = 0; q < QUADS; q++) {
            unit[low + q * PANEL_ROWS] = (short) format.quad(src, block, j, q);
        }
        int bits = format.highBits;
        if (bits > 0) {
            int perShort = 4 / bits;
            int shorts = QUADS / perShort;
            int high = (int) (highOffset / Short.BYTES) + b * shorts * PANEL_ROWS + lane;
            for (int h = 0; h < shorts; h++) {
                int fields = 0;
                for (int i = 0; i < perShort; i++) {
                    fields |= format.highQuad(src, block, j, h * perShort + i) << (i * bits);
                }
                unit[high + h * PANEL_ROWS] = (short) fields;
            }
        }
    }

    private void packHeader(byte[] src, short[] unit, int r, int lane) {
        int perBlock = format.type.blockBytes();
        int header = 0;
        // Ints as two shorts, the low one first.
        int ints = header + 2 * r;
        int intsRow = 2 * PANEL_ROWS;
        int halves = header + 4 * intsRow + lane;
        switch (format) {
            case Q4_0, Q5_0, Q8_0 -> {
                for (int b = 0; b < unitBlocks; b++) {
                    unit[header + b * PANEL_ROWS + lane] = format.d(src, b * perBlock);
                }
            }
            case Q4_1, Q5_1 -> {
                for (int b = 0; b < unitBlocks; b++) {
                    unit[header + 2 * b * PANEL_ROWS + lane] = format.d(src, b * perBlock);
                    unit[header + (2 * b + 1) * PANEL_ROWS + lane] = format.m(src, b * perBlock);
                }
            }
            case Q4_K, Q5_K -> {
                for (int g = 0; g < 2; g++) {
                    putInt(unit, ints + g * intsRow, format.scales(src, 0, g));
                    putInt(unit, ints + (2 + g) * intsRow, format.minima(src, 0, g));
                }
                unit[halves] = format.d(src, 0);
                unit[halves + PANEL_ROWS] = format.m(src, 0);
            }
            case Q6_K -> {
                for (int g = 0; g < 4; g++) {
                    putInt(unit, ints + g * intsRow, format.scales(src, 0, g));
                }
                unit[halves] = format.d(src, 0);
            }
        }
    }

    private static void putInt(short[] unit, int at, int value) {
        unit[at] = (short) value;
        unit[at + 1] = (short) (value >>> 16);
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
            decodeHeader(unit, s);
            int column = x.row(t0) + u * unitColumns;
            if (grouped > 0) {
                unpack(unit, s);
            }
            for (int t = 0; t < grouped; t += 4) {
                multiply4(x, column + t * x.stride, t * PANEL_ROWS, s);
            }
            for (int t = grouped; t < tokens; t++) {
                multiply1(unit, x, column + t * x.stride, t * PANEL_ROWS, s);
            }
        }
    }

    private void decodeHeader(long header, Workspace s) {
        switch (format) {
            case Q4_0, Q5_0, Q8_0 -> VectorPanels.headerScales(packed, header, unitBlocks, s.header);
            case Q4_1 -> VectorPanels.headerOffsets(packed, header, unitBlocks, 8, s.header);
            case Q5_1 -> VectorPanels.headerOffsets(packed, header, unitBlocks, 16, s.header);
            case Q4_K -> VectorPanels.headerMinima(packed, header, 8, s.factors, s.header);
            case Q5_K -> VectorPanels.headerMinima(packed, header, 16, s.factors, s.header);
            case Q6_K -> VectorPanels.headerQ6K(packed, header, s.factors, s.header);
        }
    }

    /** One token: the unit's part of 32 results. */
    private void multiply1(long unit, Activations x, int at, int to, Workspace s) {
        long low = unit + lowOffset;
        long high = unit + highOffset;
        switch (format) {
            case Q4_0, Q4_1, Q4_K ->
                VectorPanels.nibbles(
                        packed, low, unitBlocks, format.hasCentre(), x, at, s.products, s.header, s.results, to);
            case Q5_0, Q5_1, Q5_K ->
                VectorPanels.fiveBits(
                        packed,
                        low,
                        high,
                        unitBlocks,
                        format.hasCentre(),
                        x,
                        at,
                        s.products,
                        s.highProducts,
                        s.header,
                        s.results,
                        to);
            case Q6_K ->
                VectorPanels.sixBits(
                        packed, low, high, unitBlocks, x, at, s.products, s.highProducts, s.header, s.results, to);
            case Q8_0 ->
                VectorPanels.eightBits(
                        packed, low, high, unitBlocks, x, at, s.products, s.highProducts, s.header, s.results, to);
        }
    }

    private void unpack(long unit, Workspace s) {
        int quads = unitBlocks * QUADS;
        switch (format.highBits) {
            case 1 -> VectorPanels.unpackHigh(packed, unit + lowOffset, unit + highOffset, quads, 1, 16, s.tile);
            case 2 -> VectorPanels.unpackHigh(packed, unit + lowOffset, unit + highOffset, quads, 2, 32, s.tile);
            default -> VectorPanels.unpack(packed, unit + lowOffset, quads, s.tile);
        }
        if (format == PanelFormat.Q8_0) {
            VectorPanels.unpack(packed, unit + highOffset, quads, s.highTile);
        }
    }

    /** Four tokens: the unit's part of 4 × 32 results. */
    private void multiply4(Activations x, int at, int to, Workspace s) {
        boolean centred = format.hasCentre();
        switch (format) {
            case Q4_0, Q4_1, Q4_K -> {
                VectorPanels.products4(s.tile, unitBlocks, BLOCK, x, at, s.products);
                VectorPanels.combine4(s.products, 1, unitBlocks, BLOCK, centred, x, at, s.header, s.results, to);
            }
            case Q5_0, Q5_1, Q5_K -> {
                VectorPanels.products4(s.tile, unitBlocks, BLOCK / 2, x, at, s.products);
                VectorPanels.combine4(s.products, 2, unitBlocks, BLOCK, centred, x, at, s.header, s.results, to);
            }
            case Q6_K -> {
                VectorPanels.products4(s.tile, unitBlocks, BLOCK / 4, x, at, s.products);
                VectorPanels.combine4(s.products, 2, unitBlocks, BLOCK / 2, centred, x, at, s.header, s.results, to);
            }
            case Q8_0 -> {
                VectorPanels.products4(s.tile, unitBlocks, BLOCK, x, at, s.products);
                VectorPanels.products4(s.highTile, unitBlocks, BLOCK, x, at, s.highProducts);
                VectorPanels.combine4Bytes(s.products, s.highProducts, unitBlocks, x, at, s.header, s.results, to);
            }
        }
    }
}
