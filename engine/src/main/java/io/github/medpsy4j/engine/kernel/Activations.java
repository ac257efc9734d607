package io.github.medpsy4j.engine.kernel;

/**
 * A batch of activation vectors: row t is {@code data[t·stride .. t·stride + width)}, then zeros up to the stride, which
 * is a multiple of every vector length, so that kernels need no tail loop.
 */
public final class Activations {
    private static final int STRIDE_MULTIPLE = 32;

    public final float[] data;
    public final int width;
    public final int stride;

    /** Room for {@code rows} vectors of {@code width} floats. */
    public Activations(int rows, int width) {
        this.width = width;
        this.stride = (width + STRIDE_MULTIPLE - 1) / STRIDE_MULTIPLE * STRIDE_MULTIPLE;
        this.data = new float[Math.multiplyExact(rows, stride)];
    }

    /** The index of row t's first element in {@link #data}. */
    public int row(int t) {
        return t * stride;
    }
}
