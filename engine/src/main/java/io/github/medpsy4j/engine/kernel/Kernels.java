package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * The arithmetic of the forward pass on float arrays. {@link ScalarKernels} is the specification; {@link VectorKernels}
 * is the same in the JDK's Vector API. Each sum is split into {@link #lanes} partial sums (term k goes to partial sum
 * k mod lanes, in order of k) that are added pairwise at the end: an order that no batch, tile or thread changes.
 */
public interface Kernels {
    /** The best kernels that this JVM can run. */
    static Kernels best() {
        return vectorModulePresent() ? new VectorKernels() : new ScalarKernels();
    }

    /** The plain kernels. */
    static Kernels scalar() {
        return new ScalarKernels();
    }

    /**
     * Whether this code can use the Vector API: the JVM was started with {@code --add-modules jdk.incubator.vector}, or
     * the module was loaded later.
     */
    static boolean vectorModulePresent() {
        try {
            Class<?> vector = Class.forName("jdk.incubator.vector.Vector", false, Kernels.class.getClassLoader());
            return Kernels.class.getModule().canRead(vector.getModule());
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /**
     * What runs, for people: {@code "vector, 256 bits"}; with 512 bits {@code "vector, 512 bits, shorts"} where weights of five and
     * six bits are not multiplied in floats.
     */
    String description();

    /** The number of partial sums of one dot product, a power of two. */
    int lanes();

    /** The decoder of a tensor type: blocks of the file to floats. */
    WeightDecoder decoder(GgmlType type);

    /**
     * Adds to the partial sums of 4 rows × 1 token: {@code acc[accOffset + r·lanes + l] += Σ w[r][k]·x[k]} over
     * k ≡ l. Row r starts at {@code w[wOffset + r·wStride]}; n is a multiple of lanes.
     */
    void dot4x1(float[] w, int wOffset, int wStride, float[] x, int xOffset, int n, float[] acc, int accOffset);

    /**
     * Adds to the partial sums of 4 rows × 4 tokens: {@code acc[accOffset + t·accStride + r·lanes + l] += Σ
     * w[r][k]·x[t][k]} over k ≡ l; n is a multiple of lanes.
     */
    void dot4x4(
            float[] w,
            int wOffset,
            int wStride,
            float[] x,
            int xOffset,
            int xStride,
            int n,
            float[] acc,
            int accOffset,
            int accStride);

    /** The sum of one dot product's partial sums at {@code acc[offset..offset + lanes)}. */
    float reduce(float[] acc, int offset);

    /** Σ a[i]·b[i] over n. */
    float dot(float[] a, int aOffset, float[] b, int bOffset, int n);

    /**
     * c[r][j] += Σ_i a[r][i]·b[i][j] for r below {@code rows} and j below {@code columns}, each product added by itself, fused,
     * in order of i below {@code depth}: no rows, columns or vector length change the result. Row r of a matrix starts at
     * its offset + r·stride.
     */
    void multiplyAdd(
            int rows,
            float[] a,
            int aOffset,
            int aStride,
            float[] b,
            int bOffset,
            int bStride,
            int depth,
            float[] c,
            int cOffset,
            int cStride,
            int columns);

    /** y[i] *= s over n. */
    void scale(float s, float[] y, int yOffset, int n);

    /** y[i] += x[i] over n. */
    void add(float[] x, int xOffset, float[] y, int yOffset, int n);

    /** out[i] = x[i]·weight[i] / √(mean(x²) + eps) over n; out may be x. */
    void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] out, int outOffset, int n);

    /** gate[i] = silu(gate[i])·up[i] over n. */
    void swiglu(float[] gate, int gateOffset, float[] up, int upOffset, int n);

    /** x[i] = exp(x[i] - max) over n; returns their sum. */
    float expAndSum(float[] x, int offset, float max, int n);

    /** The greatest of x[offset..offset + n). */
    float max(float[] x, int offset, int n);

    /**
     * Turns a head in place: (x[i], x[i + pairs]) by the angle i for i in [0, pairs), whose cosine and sine stand at {@code
     * angles + i}.
     */
    void rotateHalves(float[] x, int xOffset, int pairs, float[] cos, float[] sin, int angles);

    /** Widens n little-endian halves to floats, exactly. */
    void fromHalf(MemorySegment x, long xOffset, float[] out, int outOffset, int n);

    /** out[i] = x[i]·scales[i] over n signed bytes. */
    void scaleBytes(MemorySegment x, long xOffset, float[] scales, int scalesOffset, float[] out, int outOffset, int n);
}
