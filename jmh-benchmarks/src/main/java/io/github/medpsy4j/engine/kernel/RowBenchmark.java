package io.github.medpsy4j.engine.kernel;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Nanoseconds that one token's row takes of what stands between the matrices, by one thread, from the cache. The widths are
 * those of MedPsy's hidden states and feed-forward layers.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class RowBenchmark {
    private static final float EPSILON = 1e-6f;

    /** Taken in turn, so that no call reads what the last one has just written. */
    private static final int ROWS = 8;

    @Param({"2048", "2560", "6144", "9728"})
    private int width;

    private final Kernels kernels = Kernels.best();
    private final Scratch scratch = new Scratch(kernels.lanes());
    private Activations x;
    private Activations up;
    private Activations out;
    private float[] weights;
    private int row;

    @Setup
    public void setUp() {
        x = random(1);
        up = random(2);
        out = random(3);
        weights = random(4).data;
        int shared = VectorPanels.FLOAT_TILES ? Activations.FLOATS : Activations.VALUES;
        x.ensure(ROWS, shared | Activations.NIBBLES | Activations.BYTES);
    }

    private Activations random(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Activations rows = new Activations(ROWS, width);
        for (int i = 0; i < rows.data.length; i++) {
            rows.data[i] = (float) random.nextDouble(-1, 1);
        }
        return rows;
    }

    private int nextRow() {
        row = (row + 1) % ROWS;
        return row;
    }

    /** Floats to the 8-bit form that integer kernels read. */
    @Benchmark
    public float[] quantize() {
        int t = nextRow();
        Quantizer.quantizeRows(x, t, t + 1, 0, x.stride / Activations.BLOCK, t, scratch);
        return x.scales;
    }

    @Benchmark
    public float[] rmsNorm() {
        int at = x.row(nextRow());
        kernels.rmsNorm(x.data, at, weights, EPSILON, out.data, at, width);
        return out.data;
    }

    /** With the copy of the gate that it takes to begin with the same numbers each time. */
    @Benchmark
    public float[] swiglu() {
        int at = x.row(nextRow());
        System.arraycopy(x.data, at, out.data, at, width);
        kernels.swiglu(out.data, at, up.data, at, width);
        return out.data;
    }

    /** What a sublayer adds to the residual stream, with the same copy. */
    @Benchmark
    public float[] add() {
        int at = x.row(nextRow());
        System.arraycopy(x.data, at, out.data, at, width);
        kernels.add(up.data, at, out.data, at, width);
        return out.data;
    }
}
