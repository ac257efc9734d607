package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The vector kernels against the scalar ones, at awkward sizes and extremes. */
class KernelsTest {
    private static final Kernels SCALAR = Kernels.scalar();
    private static final Kernels VECTOR = Kernels.best();
    private static final int OFFSET = 3;
    private static final float[] EXTREMES = {
        0f,
        -0f,
        1f,
        -1f,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        Float.MIN_NORMAL,
        1e-30f,
        -1e30f,
        1e30f,
        88.2f,
        88.3f,
        88.4f,
        -87.2f,
        -87.3f,
        -87.4f,
        200f,
        -200f,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        65504f,
        65520f,
        5.9e-8f,
        2.98e-8f
    };

    private final Random random = new Random(5);

    private float[] randoms(int n, float spread) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian() * spread;
        }
        return x;
    }

    private static float[] extremes() {
        float[] x = new float[OFFSET + 5 * EXTREMES.length];
        for (int i = 0; i < x.length - OFFSET; i++) {
            x[OFFSET + i] = EXTREMES[(i + i / EXTREMES.length * 3) % EXTREMES.length];
        }
        return x;
    }

    /** These tests must not pass by comparing the scalar kernels with themselves. */
    @Test
    void theVectorKernelsAreTheBestHere() {
        assertTrue(VECTOR.description().startsWith("vector, "), VECTOR.description());
        String bits = System.getProperty("medpsy.test.vector.bits");
        if (bits != null) {
            assertEquals("vector, " + bits + " bits", VECTOR.description());
        }
        assertEquals("scalar", SCALAR.description());
    }

    @Test
    void exponentialIsWithinTwoUnitsInTheLastPlace() {
        for (float x = -87; x <= 88; x += 0.0009765625f) {
            double exact = Math.exp(x);
            assertEquals(exact, Exp.exp(x), 2 * Math.ulp((float) exact), "e^" + x);
        }
        assertEquals(0f, Exp.exp(-88f));
        assertEquals(0f, Exp.exp(Float.NEGATIVE_INFINITY));
        assertEquals(1f, Exp.exp(0f));
        assertEquals(1f, Exp.exp(-0f));
        assertTrue(Float.isNaN(Exp.exp(Float.NaN)));
        assertTrue(Exp.exp(Float.POSITIVE_INFINITY) > 1e38f && Float.isFinite(Exp.exp(Float.POSITIVE_INFINITY)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 1000})
    void elementwiseKernelsAgreeBitForBit(int n) {
        float[] a = randoms(OFFSET + n, 10);
        float[] b = randoms(OFFSET + n, 1);
        agreeElementwise(a, b, n);
    }

    @Test
    void elementwiseKernelsAgreeBitForBitOnExtremes() {
        float[] a = extremes();
        agreeElementwise(a, randoms(a.length, 1), a.length - OFFSET);
    }

    private static void agreeElementwise(float[] a, float[] b, int n) {
        float[] scalar = a.clone();
        float[] vector = a.clone();
        SCALAR.swiglu(scalar, OFFSET, b, OFFSET, n);
        VECTOR.swiglu(vector, OFFSET, b, OFFSET, n);
        assertArrayEquals(scalar, vector, "swiglu");

        scalar = a.clone();
        vector = a.clone();
        SCALAR.add(b, OFFSET, scalar, OFFSET, n);
        VECTOR.add(b, OFFSET, vector, OFFSET, n);
        SCALAR.scale(0.3f, scalar, OFFSET, n);
        VECTOR.scale(0.3f, vector, OFFSET, n);
        assertArrayEquals(scalar, vector, "add and scale");

        assertEquals(SCALAR.max(a, OFFSET, n), VECTOR.max(a, OFFSET, n), "max");

        scalar = a.clone();
        vector = a.clone();
        int pairs = n / 2;
        SCALAR.rotateHalves(scalar, OFFSET, pairs, b, b, 0);
        VECTOR.rotateHalves(vector, OFFSET, pairs, b, b, 0);
        assertArrayEquals(scalar, vector, "rotateHalves");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 1000})
    void signedBytesAreScaledBitForBit(int n) {
        byte[] bytes = new byte[OFFSET + n];
        random.nextBytes(bytes);
        bytes[OFFSET] = -128;
        float[] scales = randoms(OFFSET + n, 1);
        float[] scalar = new float[OFFSET + n];
        float[] vector = new float[OFFSET + n];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(OFFSET + n);
            MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, OFFSET + n);
            SCALAR.scaleBytes(segment, OFFSET, scales, OFFSET, scalar, OFFSET, n);
            VECTOR.scaleBytes(segment, OFFSET, scales, OFFSET, vector, OFFSET, n);
        }
        assertArrayEquals(scalar, vector);
        assertEquals(-128 * scales[OFFSET], scalar[OFFSET]);
    }

    @Test
    void everyHalfIsWidenedExactly() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment halves = arena.allocate(2 << Short.SIZE);
            for (int i = 0; i < 1 << Short.SIZE; i++) {
                halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
            }
            for (Kernels kernels : new Kernels[] {SCALAR, VECTOR}) {
                float[] out = new float[OFFSET + (1 << Short.SIZE)];
                for (int repeat = 0; repeat < 20; repeat++) { // interpreted, then compiled
                    kernels.fromHalf(halves, 0, out, OFFSET, 1 << Short.SIZE);
                }
                for (int i = 0; i < 1 << Short.SIZE; i++) {
                    assertEquals(Float.float16ToFloat((short) i), out[OFFSET + i], kernels.description());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 1000})
    void exponentialsAgreeBitForBitAndTheirSumsNearly(int n) {
        float[] scalar = randoms(OFFSET + n, 30);
        scalar[OFFSET + n / 2] = Float.NEGATIVE_INFINITY;
        float[] vector = scalar.clone();
        float max = SCALAR.max(scalar, OFFSET, n);
        max = max == Float.NEGATIVE_INFINITY ? 0 : max;
        float scalarSum = SCALAR.expAndSum(scalar, OFFSET, max, n);
        float vectorSum = VECTOR.expAndSum(vector, OFFSET, max, n);
        assertArrayEquals(scalar, vector);
        assertEquals(0f, scalar[OFFSET + n / 2]);
        assertEquals(scalarSum, vectorSum, Math.abs(scalarSum) * 1e-6f);
        double sum = 0;
        for (int i = OFFSET; i < OFFSET + n; i++) {
            sum += scalar[i];
        }
        assertEquals(sum, vectorSum, sum * 1e-6);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 128, 1000})
    void sumsAgreeNearly(int n) {
        float[] a = randoms(OFFSET + n, 1);
        float[] b = randoms(OFFSET + n, 1);
        double sum = 0;
        double squares = 0;
        double magnitude = 0;
        for (int i = OFFSET; i < OFFSET + n; i++) {
            sum += (double) a[i] * b[i];
            magnitude += Math.abs((double) a[i] * b[i]);
            squares += (double) a[i] * a[i];
        }
        for (Kernels kernels : new Kernels[] {SCALAR, VECTOR}) {
            assertEquals(sum, kernels.dot(a, OFFSET, b, OFFSET, n), magnitude * 1e-6, kernels.description());
            float[] out = new float[OFFSET + n];
            kernels.rmsNorm(a, OFFSET, b, 1e-6f, out, OFFSET, n);
            for (int i = 0; i < n; i++) {
                double expected = a[OFFSET + i] / Math.sqrt(squares / n + 1e-6) * b[i];
                assertEquals(expected, out[OFFSET + i], Math.abs(expected) * 2e-6, kernels.description());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 48, 64, 80, 128, 512})
    void tilesOfDotProductsAgreeNearlyAndWithEachOtherBitForBit(int n) {
        int stride = n + 5;
        float[] w = randoms(4 * stride + OFFSET, 1);
        float[] x = randoms(4 * stride + OFFSET, 1);
        for (Kernels kernels : new Kernels[] {SCALAR, VECTOR}) {
            int lanes = kernels.lanes();
            float[][] alone = new float[4][4 * lanes];
            for (int t = 0; t < 4; t++) {
                kernels.dot4x1(w, OFFSET, stride, x, OFFSET + t * stride, n, alone[t], 0);
            }
            int accStride = 4 * lanes + 1;
            float[] acc = new float[OFFSET + 4 * accStride];
            kernels.dot4x4(w, OFFSET, stride, x, OFFSET, stride, n, acc, OFFSET, accStride);
            for (int t = 0; t < 4; t++) {
                int from = OFFSET + t * accStride;
                assertArrayEquals(
                        alone[t],
                        Arrays.copyOfRange(acc, from, from + 4 * lanes),
                        kernels.description() + ", token " + t);
            }
            for (int t = 0; t < 4; t++) {
                for (int r = 0; r < 4; r++) {
                    double sum = 0;
                    double magnitude = 0;
                    for (int k = 0; k < n; k++) {
                        double product = (double) w[OFFSET + r * stride + k] * x[OFFSET + t * stride + k];
                        sum += product;
                        magnitude += Math.abs(product);
                    }
                    assertEquals(sum, kernels.reduce(alone[t], r * lanes), magnitude * 1e-6, kernels.description());
                }
            }
        }
    }

    @Test
    void partialSumsAreFoldedInHalves() {
        float[] sums = {1e8f, 1, -1e8f, 2, 3, 5, 7, 11};
        for (int lanes = 1; lanes <= 8; lanes *= 2) {
            float[] folded = sums.clone();
            for (int half = lanes / 2; half > 0; half /= 2) {
                for (int i = 0; i < half; i++) {
                    folded[i] += folded[half + i];
                }
            }
            assertEquals(folded[0], ScalarKernels.reducePairwise(sums.clone(), 0, lanes), lanes + " lanes");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 8, 16, 33, 64, 80, 96, 128, 130, 256})
    void matricesAreMultipliedBitForBit(int columns) {
        for (int rows : new int[] {1, 2, 3, 4, 5, 7, 14, 32}) {
            for (int depth : new int[] {0, 1, 2, 5, 64}) {
                int aStride = depth + 2;
                int bStride = columns + 1;
                int cStride = columns + 3;
                float[] a = randoms(OFFSET + rows * aStride, 1);
                float[] b = randoms(OFFSET + Math.max(1, depth) * bStride, 1);
                float[] scalar = randoms(OFFSET + rows * cStride, 1);
                float[] vector = scalar.clone();
                float[] row = scalar.clone();
                SCALAR.multiplyAdd(
                        rows, a, OFFSET, aStride, b, OFFSET, bStride, depth, scalar, OFFSET, cStride, columns);
                VECTOR.multiplyAdd(
                        rows, a, OFFSET, aStride, b, OFFSET, bStride, depth, vector, OFFSET, cStride, columns);
                assertArrayEquals(scalar, vector, rows + " rows, depth " + depth);
                int r = rows - 1;
                VECTOR.multiplyAdd(
                        1,
                        a,
                        OFFSET + r * aStride,
                        aStride,
                        b,
                        OFFSET,
                        bStride,
                        depth,
                        row,
                        OFFSET + r * cStride,
                        cStride,
                        columns);
                assertArrayEquals(
                        Arrays.copyOfRange(scalar, OFFSET + r * cStride, OFFSET + rows * cStride),
                        Arrays.copyOfRange(row, OFFSET + r * cStride, OFFSET + rows * cStride),
                        "the last of " + rows + " rows alone, depth " + depth);
            }
        }
    }
}
