package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a product is cut among workers; what its matrices compute is their own tests' matter. */
class MatrixProductTest {
    private static final int COLUMNS = 64;
    private static final int TOKENS_MAX = 520;

    /** Several items of work, the last of fewer rows; one matrix is shorter than an item. */
    private static final int[] ROWS = {4 * PanelMatrix.ROWS + 3, 5, 2 * PanelMatrix.ROWS};

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7, 16})
    void manyWorkersComputeWhatOneDoes(int threads) {
        Random random = new Random(5);
        Activations x = new Activations(TOKENS_MAX, COLUMNS);
        for (int i = 0; i < x.data.length; i++) {
            x.data[i] = (float) random.nextGaussian();
        }
        try (Arena arena = Arena.ofShared();
                WorkerPool one = new WorkerPool(1);
                WorkerPool many = new WorkerPool(threads)) {
            Matrix[] matrices = {
                q8(ROWS[0], random, arena, one), decoded(ROWS[1], random), q8(ROWS[2], random, arena, one)
            };
            for (int n : new int[] {1, 2, 3, 4, 17, 120, 241, 512, TOKENS_MAX}) {
                float[][] expected = multiply(one, matrices, x, n);
                float[][] got = multiply(many, matrices, x, n);
                for (int i = 0; i < matrices.length; i++) {
                    assertArrayEquals(expected[i], got[i], "matrix " + i + ", " + n + " tokens");
                }
            }
        }
    }

    private static float[][] multiply(WorkerPool pool, Matrix[] matrices, Activations x, int n) {
        Activations[] y = new Activations[matrices.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = new Activations(n, matrices[i].rows());
            Arrays.fill(y[i].data, Float.NaN); // what nobody computes
        }
        new MatrixProduct(pool, Kernels.best()).multiply(x, n, matrices[0], y[0], matrices[1], y[1], matrices[2], y[2]);
        float[][] results = new float[y.length][];
        for (int i = 0; i < y.length; i++) {
            int rows = matrices[i].rows();
            results[i] = new float[n * rows];
            for (int t = 0; t < n; t++) {
                System.arraycopy(y[i].data, y[i].row(t), results[i], t * rows, rows);
            }
            for (float result : results[i]) {
                assertFalse(Float.isNaN(result), "matrix " + i + ", " + n + " tokens");
            }
        }
        return results;
    }

    private static Matrix q8(int rows, Random random, Arena arena, WorkerPool pool) {
        byte[] blocks = new byte[rows * COLUMNS / 32 * 34];
        random.nextBytes(blocks);
        for (int at = 0; at < blocks.length; at += 34) {
            short d = Float.floatToFloat16(random.nextFloat());
            blocks[at] = (byte) d;
            blocks[at + 1] = (byte) (d >> 8);
        }
        return PanelMatrix.pack(MemorySegment.ofArray(blocks), PanelFormat.Q8_0, rows, COLUMNS, arena, pool);
    }

    private static Matrix decoded(int rows, Random random) {
        MemorySegment weights = MemorySegment.ofArray(new byte[rows * COLUMNS * Float.BYTES]);
        for (int i = 0; i < rows * COLUMNS; i++) {
            weights.set(BlockDecoder.FLOAT, i * (long) Float.BYTES, (float) random.nextGaussian());
        }
        return new DecodedMatrix(weights, GgmlType.F32, rows, COLUMNS, Kernels.best());
    }
}
