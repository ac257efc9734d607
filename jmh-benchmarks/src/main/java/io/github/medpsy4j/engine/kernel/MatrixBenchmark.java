package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One matrix of 32,768 × 2,048 weights, larger than a common L3, times one token (generation) or 64 (a prompt): the
 * counter {@code gigabytes} is weights read per second as stored in the file, {@code gigamacs} multiply-adds per second.
 * In the kernels' own package, because matrices are made for models only.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MatrixBenchmark {
    private static final int ROWS = 32_768;
    private static final int COLUMNS = 2_048;

    @Param({"Q4_K", "Q6_K", "Q5_K", "Q8_0", "Q5_0", "Q4_0", "Q4_1", "IQ4_NL", "IQ4_XS", "BF16"})
    private GgmlType type;

    @Param({"packed", "mapped"})
    private String layout;

    @Param({"1", "64"})
    private int tokens;

    @Param({"0"})
    private int threads;

    private WorkerPool pool;
    private MatrixProduct product;
    private Matrix matrix;
    private Activations x;
    private Activations y;
    private long bytes;

    /** Rates beside the operations per second. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Rates {
        public double gigabytes;
        public double gigamacs;

        @Setup(Level.Iteration)
        public void clear() {
            gigabytes = 0;
            gigamacs = 0;
        }
    }

    @Setup
    public void setUp() {
        pool = new WorkerPool(threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
        Kernels kernels = Kernels.best();
        bytes = (long) ROWS * COLUMNS / type.blockSize() * type.blockBytes();
        Arena arena = Arena.ofAuto();
        MemorySegment source = arena.allocate(bytes, 64);
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < bytes; i += 8) {
            // Without the highest exponents, so that no scale is infinite.
            source.set(ValueLayout.JAVA_LONG_UNALIGNED, i, random.nextLong() & 0x3fff3fff3fff3fffL);
        }
        PanelFormat format = PanelFormat.of(type);
        matrix = format == null || layout.equals("mapped")
                ? new DecodedMatrix(source, type, ROWS, COLUMNS, kernels)
                : PanelMatrix.pack(source, format, ROWS, COLUMNS, arena, pool);
        product = new MatrixProduct(pool, kernels);
        x = new Activations(tokens, COLUMNS);
        y = new Activations(tokens, ROWS);
        for (int i = 0; i < x.data.length; i++) {
            x.data[i] = (float) random.nextDouble(-1, 1);
        }
    }

    @TearDown
    public void tearDown() {
        pool.close();
    }

    @Benchmark
    public float[] multiply(Rates rates) {
        product.multiply(x, tokens, matrix, y);
        rates.gigabytes += bytes / 1e9;
        rates.gigamacs += (double) tokens * ROWS * COLUMNS / 1e9;
        return y.data;
    }
}
