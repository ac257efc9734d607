package io.github.medpsy4j.engine.kernel;

/**
 * A batch of activation vectors: row t is {@code data[t·stride .. t·stride + width)}, then zeros up to the stride, which
 * is a multiple of every vector length, so that kernels need no tail loop.
 *
 * <p>Kernels of floats that treat several tokens together read {@link #grouped}, which {@link #group} makes.
 *
 * <p>Beside the floats stands, once {@link Quantizer} has made it, the quantized form that integer kernels read: each {@link
 * #BLOCK} of a row is a scale and integers q with x ≈ scale·q.
 */
public final class Activations {
    /** Elements whose integers are added up together; {@link Quantizer#SCALE_BLOCKS} blocks share a scale. */
    static final int BLOCK = 32;

    /** Tokens that are treated together. */
    static final int GROUP = 4;

    /** Columns of a group that stand together in {@link #grouped}: those that {@link Quantizer#SCALE_BLOCKS} have, or more. */
    static final int SPAN = 8 * BLOCK;

    /** Blocks of a span. */
    static final int SPAN_BLOCKS = SPAN / BLOCK;

    /** From a group's columns of a span to the next group's. */
    static final int GROUP_FLOATS = SPAN * GROUP;

    /** Pairs of integers that one int of nibbles meets: one for each of its shifts. */
    static final int SHIFTS = 4;

    // What a matrix may read, see Matrix.reads; of the quantized form, scales and sums beside.

    /** {@link #grouped} */
    static final int GROUPED = 1;

    /** {@link #floats} */
    static final int FLOATS = 2;

    /** {@link #values} */
    static final int VALUES = 4;

    /** {@link #multipliers} */
    static final int NIBBLES = 8;

    /** {@link #byteMultipliers} */
    static final int BYTES = 16;

    /** {@link #words} */
    static final int WORDS = 32;

    /** All that is quantized. */
    static final int QUANTIZED = FLOATS | VALUES | NIBBLES | BYTES | WORDS;

    public final float[] data;
    public final int width;
    public final int stride;

    private final int rows;

    /** What is read of this batch; all else may be stale, or absent. */
    private int read;

    /**
     * [stride / SPAN, rounded up][groups][SPAN][GROUP] the floats, what four tokens have at a column side by side; made when first
     * wanted. What a tile of weights meets is contiguous. (With all of a group's columns together, its neighbour is pages away.)
     */
    float[] grouped;

    // The quantized form; allocated when first wanted. Multipliers stand as the eight of an int of nibbles do (see
    // PanelFormat.packLow): columns 0, 4, 1, 5, 2, 6, 3, 7 are q0..q7, and the pairs (q0, q4), (q1, q5), (q2, q6),
    // (q3, q7) are ints, the first low.

    // Of rows that may be multiplied by themselves, those behind the last group of four, and of no others: of all they
    // would take as much memory as the floats. Row t stands at t mod GROUP.

    /** [GROUP][stride / BLOCK] */
    float[] scales;

    /** [GROUP][stride / BLOCK] scale·Σq */
    float[] sums;

    /** [GROUP][stride / 2] multipliers of nibbles that are shifted but not masked: qk - 16·q(k-1); see {@link IntegerPanels}. */
    int[] multipliers;

    /** [GROUP][stride / BLOCK] -8·Σq modulo 2^16, shifted left by 16: what centres a sum of nibble products */
    int[] starts;

    /** [GROUP][stride / 2] multipliers of bytes likewise: qk - 256·q(k-1) of columns in order */
    int[] byteMultipliers;

    /** [GROUP][stride / 16] -32·Σq, shifted left by 16: what centres a sum of six bits and 16 columns */
    int[] byteStarts;

    /**
     * [GROUP][stride / 2] the integers, two columns to an int, the first low: columns i, i + 16, i + 8 and i + 24 of a block
     * stand together, as {@link TablePanels} add their products up
     */
    int[] words;

    // Of all rows, for kernels that treat four tokens together: what the four have at one place stands side by side.

    /** [rows / 4][stride][4] the integers, twice in an int, for tiles of shorts, whose ints are two rows; columns in order */
    int[] values;

    /** The integers as floats, for tiles of floats, laid out as {@link #grouped}. */
    float[] floats;

    /** Groups of four tokens of this batch. */
    int groups;

    /**
     * [rows / 4][stride / BLOCK][4] scales, and where {@link VectorPanels#FLOAT_TILES} laid out as {@link #grouped} with blocks for
     * columns: what a tile of weights meets is contiguous there too.
     */
    float[] groupedScales;

    /** The same of scale·Σq. */
    float[] groupedSums;

    /** [rows / 4][stride / BLOCK][2][4] Σq of each half of a block */
    float[] groupedTotals;

    /** Room for {@code rows} vectors of {@code width} floats. */
    public Activations(int rows, int width) {
        this.rows = rows;
        this.width = width;
        this.stride = (width + BLOCK - 1) / BLOCK * BLOCK;
        this.data = new float[Math.multiplyExact(rows, stride)];
    }

    /** The index of row t's first element in {@link #data}. */
    public int row(int t) {
        return t * stride;
    }

    /** Where token t's scale and sum of a block are, if it is multiplied by itself. */
    int blockAt(int block, int t) {
        return t % GROUP * (stride / BLOCK) + block;
    }

    /** The first integer of token t's block of 32 columns in {@link #floats}; the next is {@link #GROUP} on. */
    int floatsAt(int block, int t) {
        return groupedAt(block * BLOCK, t);
    }

    /** From a group's scales and sums of a block to the next group's. */
    int groupedStep() {
        return VectorPanels.FLOAT_TILES ? SPAN_BLOCKS * GROUP : stride / BLOCK * GROUP;
    }

    /** Where token t's scale and sum of a block are in those of groups; within a span the next block's is {@link #GROUP} on. */
    int groupedBlockAt(int block, int t) {
        return VectorPanels.FLOAT_TILES
                ? (block / SPAN_BLOCKS * groups + t / GROUP) * (SPAN_BLOCKS * GROUP)
                        + block % SPAN_BLOCKS * GROUP
                        + t % GROUP
                : (t - t % GROUP) * (stride / BLOCK) + block * GROUP + t % GROUP;
    }

    /** The first half's Σq of token t's block in {@link #groupedTotals}; the second's is {@link #GROUP} on. */
    int totalsAt(int block, int t) {
        return ((t - t % GROUP) * (stride / BLOCK) + block * GROUP) * 2 + t % GROUP;
    }

    /** Where token t's element of a column is in {@link #grouped}; within a span the next column's is {@link #GROUP} on. */
    int groupedAt(int column, int t) {
        return (column / SPAN * groups + t / GROUP) * GROUP_FLOATS + column % SPAN * GROUP + t % GROUP;
    }

    /**
     * Makes room for what is read of n tokens.
     *
     * @param read the sum of {@link #GROUPED} and the others
     */
    void ensure(int n, int read) {
        this.read = read;
        groups = (n + GROUP - 1) / GROUP;
        int rowsMax = (rows + GROUP - 1) / GROUP * GROUP;
        if (isRead(GROUPED) && grouped == null) {
            grouped = new float[Math.multiplyExact(rowsMax, spans(stride))];
        }
        if (isRead(FLOATS) && floats == null) {
            floats = new float[Math.multiplyExact(rowsMax, spans(stride))];
        }
        if (isRead(VALUES) && values == null) {
            values = new int[Math.multiplyExact(rowsMax, stride)];
        }
        if (isRead(NIBBLES) && multipliers == null) {
            multipliers = new int[GROUP * stride / 2];
        }
        if (isRead(BYTES) && byteMultipliers == null) {
            byteMultipliers = new int[GROUP * stride / 2];
            byteStarts = new int[GROUP * stride / 16];
        }
        if (isRead(WORDS) && words == null) {
            words = new int[GROUP * stride / 2];
        }
        if (isRead(QUANTIZED) && scales == null) {
            scales = new float[GROUP * stride / BLOCK];
            sums = new float[GROUP * stride / BLOCK];
            starts = new int[GROUP * stride / BLOCK];
            groupedScales = new float[rowsMax * spans(stride) / BLOCK];
            groupedSums = new float[rowsMax * spans(stride) / BLOCK];
            groupedTotals = new float[rowsMax * stride / BLOCK * 2];
        }
    }

    /** Whether any of these is read of this batch. */
    boolean isRead(int any) {
        return (read & any) != 0;
    }

    private static int spans(int columns) {
        return (columns + SPAN - 1) / SPAN * SPAN;
    }

    /** Brings groups [begin, end) of the first n tokens into {@link #grouped}; tokens beyond n are zeros. */
    void group(int begin, int end, int n) {
        for (int g = begin; g < end; g++) {
            int t = g * GROUP;
            int tokens = Math.min(GROUP, n - t);
            for (int column = 0; column < stride; column += BLOCK) {
                int from = row(t) + column;
                int to = groupedAt(column, t);
                if (tokens == GROUP) {
                    group4(data, from, stride, grouped, to);
                } else {
                    for (int i = 0; i < BLOCK * GROUP; i++) {
                        int token = i % GROUP;
                        grouped[to + i] = token < tokens ? data[from + token * stride + i / GROUP] : 0;
                    }
                }
            }
        }
    }

    private static void group4(float[] data, int from, int stride, float[] grouped, int to) {
        int from1 = from + stride;
        int from2 = from1 + stride;
        int from3 = from2 + stride;
        for (int i = 0; i < BLOCK; i++) {
            grouped[to + GROUP * i] = data[from + i];
            grouped[to + GROUP * i + 1] = data[from1 + i];
            grouped[to + GROUP * i + 2] = data[from2 + i];
            grouped[to + GROUP * i + 3] = data[from3 + i];
        }
    }
}
