package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Strips of BF16 against sums of exact products, and one token against many. */
final class Bf16MatrixTest {
    private static final int TOKENS_MAX = 70;
    private static final int[] TOKENS = {1, 2, 3, 4, 5, 8, 13, TOKENS_MAX};

    private static void check(int rows, int columns, short[] weights, Activations x) {
        MemorySegment source = MemorySegment.ofArray(new byte[2 * weights.length]);
        MemorySegment.copy(weights, 0, source, ValueLayout.JAVA_SHORT_UNALIGNED, 0, weights.length);
        for (int threads = 1; threads <= 2; threads++) {
            try (Arena arena = Arena.ofShared();
                    WorkerPool pool = new WorkerPool(threads)) {
                Bf16Matrix matrix = Bf16Matrix.pack(source, rows, columns, arena, pool);
                MatrixProduct product = new MatrixProduct(pool, Kernels.best());
                float[][] first = new float[TOKENS_MAX][];
                for (int n : TOKENS) {
                    Activations y = new Activations(n, rows);
                    product.multiply(x, n, matrix, y);
                    for (int t = 0; t < n; t++) {
                        String what = rows + " × " + columns + ", token " + t + " of " + n + ", threads " + threads;
                        float[] got = Arrays.copyOfRange(y.data, y.row(t), y.row(t) + rows);
                        if (first[t] == null) {
                            first[t] = got;
                            checkRow(weights, columns, x, t, got, what);
                        }
                        assertArrayEquals(first[t], got, what);
                    }
                }
            }
        }
    }

    /** A chain of fused multiply-adds in order of columns. */
    private static void checkRow(short[] weights, int columns, Activations x, int t, float[] got, String what) {
        for (int r = 0; r < got.length; r++) {
            float sum = 0;
            for (int i = 0; i < columns; i++) {
                sum = Math.fma(Float.intBitsToFloat(weights[r * columns + i] << 16), x.data[x.row(t) + i], sum);
            }
            assertEquals(sum, got[r], what + ", row " + r);
        }
    }

    private static short bf16(float x) {
        return (short) (Float.floatToRawIntBits(x) >>> 16);
    }

    @Test
    void multipliesLikeExactProducts() {
        Random random = new Random(1);
        for (int rows : new int[] {1, 15, 33, 64, 331}) {
            for (int columns : new int[] {2, 130, 256, 896}) {
                short[] weights = new short[rows * columns];
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = bf16((float) random.nextGaussian());
                }
                Activations x = new Activations(TOKENS_MAX, columns);
                for (int t = 0; t < TOKENS_MAX; t++) {
                    for (int i = 0; i < columns; i++) {
                        x.data[x.row(t) + i] = (float) random.nextGaussian();
                    }
                }
                check(rows, columns, weights, x);
            }
        }
    }

    @Test
    void multipliesGreatAndSmallNumbers() {
        float[] numbers = {0, -0f, 1, -1, 1e-30f, -3e18f, 1e-40f, 255.5f};
        int columns = 34;
        int rows = 20;
        short[] weights = new short[rows * columns];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = bf16(numbers[i * 7 % 11 % numbers.length]);
        }
        Activations x = new Activations(TOKENS_MAX, columns);
        for (int t = 0; t < TOKENS_MAX; t++) {
            for (int i = 0; i < columns; i++) {
                x.data[x.row(t) + i] = numbers[(i * 5 + t) % numbers.length];
            }
        }
        check(rows, columns, weights, x);
    }

    @Test
    void leavesAnOddNumberOfColumnsToOthers() {
        assertFalse(Bf16Matrix.multiplies(3));
    }
}
