package io.github.medpsy4j.engine.kernel;

/**
 * A batch of activation vectors: row t is {@code data[t·stride .. t·stride + width)}, then zeros up to the stride, which
 * is a multiple of every vector length, so that kernels need no tail loop.
 *
 * <p>Beside the floats stands, once {@link Quantizer} has made it, the 8-bit form that integer kernels read: each {@link
 * #BLOCK} of a row is a scale and integers q in [-127, 127] with x ≈ scale·q.
 */
public final class Activations {
    /** Elements that share a scale in the 8-bit form. */
    static final int BLOCK = 32;

    public final float[] data;
    public final int width;
    public final int stride;

    private final int rows;

    // The 8-bit form; allocated when first wanted. Where an int stands for 16 bits, both its halves hold them, because
    // broadcasting 32 bits from memory costs a load, and broadcasting 16 a shuffle more.

    /** [rows][stride] the integers, doubled */
    int[] values;

    /**
     * [rows][stride] the integers as multipliers for quads that are shifted but not masked, doubled: within a group of
     * four, b = q[i] - 16·q[i - 1]; see {@link PanelMatrix}.
     */
    int[] multipliers;

    /** [rows][stride / BLOCK] */
    float[] scales;

    /** [rows][stride / BLOCK] scale·Σq */
    float[] sums;

    /** [rows][stride / BLOCK] -8·Σq modulo 2^16, doubled: where the sum of centred nibble products starts. */
    int[] starts;

    /** [rows][stride / BLOCK][2] Σq of each half of a block */
    int[] halfSums;

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

    void ensureQuantized() {
        if (multipliers == null) {
            values = new int[rows * stride];
            multipliers = new int[rows * stride];
            scales = new float[rows * stride / BLOCK];
            sums = new float[rows * stride / BLOCK];
            starts = new int[rows * stride / BLOCK];
            halfSums = new int[rows * stride / BLOCK * 2];
        }
    }
}
