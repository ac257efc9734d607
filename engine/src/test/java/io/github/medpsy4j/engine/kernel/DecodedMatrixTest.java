package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.medpsy4j.gguf.GgmlType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Matrices of every type, straight from the file's blocks, against sums of exact products. */
class DecodedMatrixTest {
    private static final int TOKENS_MAX = 70;
    private static final int[] TOKENS = {1, 2, 3, 4, 5, TOKENS_MAX};

    /** Of the sum of the products' magnitudes: some rounding errors of 2^-24 each. */
    private static final double TOLERANCE = 1e-6;

    @ParameterizedTest
    @EnumSource(
            names = {
                "F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
                "IQ4_NL", "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS"
            })
    void multipliesLikeExactProducts(GgmlType type) throws IOException {
        byte[] source = type == GgmlType.F32 ? floats() : resource(type);
        int columns = type.blockSize() == 256 ? 768 : 544; // more than one tile, and no multiple of it
        Random random = new Random(3);
        for (int rows : new int[] {1, 5, 33, 70}) {
            byte[] data = blocks(type, source, rows, columns, random);
            Activations x = new Activations(TOKENS_MAX, columns);
            for (int t = 0; t < TOKENS_MAX; t++) {
                for (int i = 0; i < columns; i++) {
                    x.data[x.row(t) + i] = (float) random.nextGaussian();
                }
            }
            for (Kernels kernels : new Kernels[] {Kernels.scalar(), Kernels.best()}) {
                check(kernels, type, data, rows, columns, x);
            }
        }
    }

    private static void check(Kernels kernels, GgmlType type, byte[] data, int rows, int columns, Activations x) {
        MemorySegment segment = MemorySegment.ofArray(data);
        float[] weights = new float[rows * columns];
        BlockDecoder.of(type).decode(segment, 0, weights, 0, weights.length);
        try (WorkerPool pool = new WorkerPool(2)) {
            DecodedMatrix matrix = new DecodedMatrix(segment, type, rows, columns, kernels);
            MatrixProduct product = new MatrixProduct(pool, kernels);
            float[][] first = new float[TOKENS_MAX][];
            for (int n : TOKENS) {
                Activations y = new Activations(n, rows);
                product.multiply(x, n, matrix, y);
                for (int t = 0; t < n; t++) {
                    float[] got = Arrays.copyOfRange(y.data, y.row(t), y.row(t) + rows);
                    if (first[t] == null) {
                        first[t] = got;
                        checkToken(weights, x, t, got);
                    }
                    assertArrayEquals(first[t], got, "token " + t + " of " + n);
                }
            }
        }
    }

    private static void checkToken(float[] weights, Activations x, int t, float[] got) {
        int columns = x.width;
        for (int r = 0; r < got.length; r++) {
            double sum = 0;
            double magnitude = 0;
            for (int k = 0; k < columns; k++) {
                double product = (double) weights[r * columns + k] * x.data[x.row(t) + k];
                sum += product;
                magnitude += Math.abs(product);
            }
            assertEquals(sum, got[r], magnitude * TOLERANCE, "token " + t + ", row " + r);
        }
    }

    /** Blocks of the resource in random order. */
    private static byte[] blocks(GgmlType type, byte[] source, int rows, int columns, Random random) {
        int perBlock = type.blockBytes();
        int count = rows * columns / type.blockSize();
        byte[] data = new byte[count * perBlock];
        for (int b = 0; b < count; b++) {
            int from = random.nextInt(source.length / perBlock);
            System.arraycopy(source, from * perBlock, data, b * perBlock, perBlock);
        }
        return data;
    }

    private static byte[] floats() {
        MemorySegment values = MemorySegment.ofArray(new byte[64 * Float.BYTES]);
        Random random = new Random(4);
        for (int i = 0; i < 64; i++) {
            values.set(BlockDecoder.FLOAT, i * 4L, (float) random.nextGaussian());
        }
        return values.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }

    private static byte[] resource(GgmlType type) throws IOException {
        try (InputStream in = DecodedMatrixTest.class.getResourceAsStream("/blocks/" + type + ".raw")) {
            return in.readAllBytes();
        }
    }
}
