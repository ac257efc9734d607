package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The plain kernels: the specification of the vector ones, and what runs where the Vector API is missing. */
final class ScalarKernels implements Kernels {
    /** As many partial sums as a 256-bit register has floats, so that results compare with the most common machine. */
    private static final int LANES = 8;

    @Override
    public String description() {
        return "scalar";
    }

    @Override
    public int lanes() {
        return LANES;
    }

    @Override
    public WeightDecoder decoder(GgmlType type) {
        return BlockDecoder.of(type);
    }

    @Override
    public void dot4x1(float[] w, int wOffset, int wStride, float[] x, int xOffset, int n, float[] acc, int accOffset) {
        for (int r = 0; r < 4; r++) {
            addProducts(w, wOffset + r * wStride, x, xOffset, n, acc, accOffset + r * LANES);
        }
    }

    @Override
    public void dot4x4(
            float[] w,
            int wOffset,
            int wStride,
            float[] x,
            int xOffset,
            int xStride,
            int n,
            float[] acc,
            int accOffset,
            int accStride) {
        for (int t = 0; t < 4; t++) {
            for (int r = 0; r < 4; r++) {
                int to = accOffset + t * accStride + r * LANES;
                addProducts(w, wOffset + r * wStride, x, xOffset + t * xStride, n, acc, to);
            }
        }
    }

    private static void addProducts(float[] a, int aOffset, float[] b, int bOffset, int n, float[] acc, int accOffset) {
        for (int k = 0; k < n; k += LANES) {
            for (int l = 0; l < LANES; l++) {
                acc[accOffset + l] = Math.fma(a[aOffset + k + l], b[bOffset + k + l], acc[accOffset + l]);
            }
        }
    }

    @Override
    public float reduce(float[] acc, int offset) {
        return reducePairwise(acc, offset, LANES);
    }

    /** ((a0+a4)+(a2+a6))+((a1+a5)+(a3+a7)) for 8 lanes, and so on: each step folds the upper half onto the lower. */
    static float reducePairwise(float[] acc, int offset, int lanes) {
        return switch (lanes) {
            case 1 -> acc[offset];
            case 2 -> acc[offset] + acc[offset + 1];
            case 4 -> (acc[offset] + acc[offset + 2]) + (acc[offset + 1] + acc[offset + 3]);
            default -> {
                for (int half = lanes / 2; half > 4; half /= 2) {
                    for (int i = 0; i < half; i++) {
                        acc[offset + i] += acc[offset + half + i];
                    }
                }
                float a = acc[offset] + acc[offset + 4];
                float b = acc[offset + 1] + acc[offset + 5];
                float c = acc[offset + 2] + acc[offset + 6];
                float d = acc[offset + 3] + acc[offset + 7];
                yield (a + c) + (b + d);
            }
        };
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        float sum = 0;
        for (int i = 0; i < n; i++) {
            sum = Math.fma(a[aOffset + i], b[bOffset + i], sum);
        }
        return sum;
    }

    @Override
    public void multiplyAdd(
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
            int columns) {
        for (int r = 0; r < rows; r++) {
            int to = cOffset + r * cStride;
            for (int i = 0; i < depth; i++) {
                float factor = a[aOffset + r * aStride + i];
                int from = bOffset + i * bStride;
                for (int j = 0; j < columns; j++) {
                    c[to + j] = Math.fma(b[from + j], factor, c[to + j]);
                }
            }
        }
    }

    @Override
    public void scale(float s, float[] y, int yOffset, int n) {
        for (int i = 0; i < n; i++) {
            y[yOffset + i] *= s;
        }
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
        for (int i = 0; i < n; i++) {
            y[yOffset + i] += x[xOffset + i];
        }
    }

    @Override
    public void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] out, int outOffset, int n) {
        float scale = inverseRms(dot(x, xOffset, x, xOffset, n), n, eps);
        for (int i = 0; i < n; i++) {
            out[outOffset + i] = x[xOffset + i] * scale * weight[i];
        }
    }

    static float inverseRms(float sumOfSquares, int n, float eps) {
        return (float) (1 / Math.sqrt(sumOfSquares / n + eps));
    }

    @Override
    public void swiglu(float[] gate, int gateOffset, float[] up, int upOffset, int n) {
        for (int i = 0; i < n; i++) {
            float g = gate[gateOffset + i];
            gate[gateOffset + i] = g / (1 + Exp.exp(-g)) * up[upOffset + i];
        }
    }

    @Override
    public float expAndSum(float[] x, int offset, float max, int n) {
        float sum = 0;
        for (int i = 0; i < n; i++) {
            x[offset + i] = Exp.exp(x[offset + i] - max);
            sum += x[offset + i];
        }
        return sum;
    }

    @Override
    public float max(float[] x, int offset, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, x[offset + i]);
        }
        return max;
    }

    @Override
    public void rotateHalves(float[] x, int xOffset, int pairs, float[] cos, float[] sin, int angles) {
        for (int i = 0; i < pairs; i++) {
            float a = x[xOffset + i];
            float b = x[xOffset + pairs + i];
            x[xOffset + i] = a * cos[angles + i] - b * sin[angles + i];
            x[xOffset + pairs + i] = a * sin[angles + i] + b * cos[angles + i];
        }
    }

    @Override
    public void fromHalf(MemorySegment x, long xOffset, float[] out, int outOffset, int n) {
        DequantizeFloats.f16(x, xOffset, out, outOffset, n);
    }

    @Override
    public void scaleBytes(
            MemorySegment x, long xOffset, float[] scales, int scalesOffset, float[] out, int outOffset, int n) {
        for (int i = 0; i < n; i++) {
            out[outOffset + i] = x.get(ValueLayout.JAVA_BYTE, xOffset + i) * scales[scalesOffset + i];
        }
    }
}
