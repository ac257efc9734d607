package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
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
 * A matrix times one token (generation) or 64 (a prompt), by type and shape: the counter {@code gigabytes} is weights read
 * per second as stored in the file, {@code gigamacs} is 10^9 multiply-adds per second, and {@code ofPlainReads} is the
 * speed at which weights are read against that of reading as many bytes and doing nothing with them. As many copies of the
 * matrix as no cache holds are multiplied in turn. In the kernels' own package, because matrices are made for models only.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MatrixBenchmark {
    /** The matrices together; servers' last-level caches have up to half of that. */
    private static final long BYTES_MIN = 1 << 30;

    private static final int READ_PASSES = 4;

    @Param({"Q4_K", "Q6_K", "Q5_K", "Q8_0", "Q5_0", "Q4_0", "Q4_1", "IQ4_NL", "IQ4_XS", "IQ3_S", "IQ3_XXS", "BF16"})
    private GgmlType type;

    @Param({"packed", "mapped"})
    private String layout;

    /** Rows x columns. MedPsy-1.7B's: 2048x2048, 1024x2048, 6144x2048, 2048x6144 and 151936x2048. */
    @Param({"32768x2048"})
    private String shape;

    @Param({"1", "4", "64"})
    private int tokens;

    @Param({"0"})
    private int threads;

    private WorkerPool pool;
    private MatrixProduct product;
    private final List<Matrix> matrices = new ArrayList<>();
    private int next;
    private int rows;
    private int columns;
    private double readBytesPerSecond;
    private Activations x;
    private Activations y;
    private long bytes;

    /** Rates beside the operations per second. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Rates {
        public double gigabytes;
        public double gigamacs;
        public double ofPlainReads;

        @Setup(Level.Iteration)
        public void clear() {
            gigabytes = 0;
            gigamacs = 0;
            ofPlainReads = 0;
        }
    }

    @Setup
    public void setUp() {
        pool = new WorkerPool(threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
        Kernels kernels = Kernels.best();
        rows = Integer.parseInt(shape.substring(0, shape.indexOf('x')));
        columns = Integer.parseInt(shape.substring(shape.indexOf('x') + 1));
        bytes = (long) rows * columns / type.blockSize() * type.blockBytes();
        Arena arena = Arena.ofAuto();
        SplittableRandom random = new SplittableRandom(1);
        MemorySegment source = arena.allocate(bytes, 64);
        for (long i = 0; i + 8 <= bytes; i += 8) {
            // Without the highest exponents, so that no scale is infinite.
            source.set(ValueLayout.JAVA_LONG_UNALIGNED, i, random.nextLong() & 0x3fff3fff3fff3fffL);
        }
        List<MemorySegment> sources = new ArrayList<>();
        for (long all = 0; all < BYTES_MIN; all += bytes) {
            sources.add(arena.allocate(bytes, 64).copyFrom(source));
        }
        readBytesPerSecond = new PlainReads(pool, sources).bytesPerSecond(READ_PASSES);
        for (MemorySegment copy : sources) {
            matrices.add(
                    layout.equals("mapped") || !MatrixLoader.packs(type, columns)
                            ? new DecodedMatrix(copy, type, rows, columns, kernels)
                            : MatrixLoader.pack(copy, type, rows, columns, arena, pool));
        }
        product = new MatrixProduct(pool, kernels);
        x = new Activations(tokens, columns);
        y = new Activations(tokens, rows);
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
        product.multiply(x, tokens, matrices.get(next), y);
        next = (next + 1) % matrices.size();
        rates.gigabytes += bytes / 1e9;
        rates.gigamacs += (double) tokens * rows * columns / 1e9;
        rates.ofPlainReads += bytes / readBytesPerSecond; // seconds, of which so many are taken each second
        return y.data;
    }
}
