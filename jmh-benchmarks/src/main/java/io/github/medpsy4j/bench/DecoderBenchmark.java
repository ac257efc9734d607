package io.github.medpsy4j.bench;

import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.WeightDecoder;
import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Weights decoded to floats per nanosecond, that is 10^9 a second, from the cache, 512 a call as the kernels do. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class DecoderBenchmark {
    private static final int ROWS = 64;
    private static final int COLUMNS = 512;

    @Param({
        "F16", "BF16", "Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "IQ4_NL",
        "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS"
    })
    private GgmlType type;

    @Param({"scalar", "vector"})
    private String kernels;

    private final float[] tile = new float[4 * COLUMNS];
    private MemorySegment weights;
    private WeightDecoder decoder;
    private long rowBytes;

    @Setup
    public void setUp() {
        decoder = (kernels.equals("vector") ? Kernels.best() : Kernels.scalar()).decoder(type);
        rowBytes = (long) COLUMNS / type.blockSize() * type.blockBytes();
        byte[] bytes = new byte[(int) (ROWS * rowBytes)];
        new Random(1).nextBytes(bytes);
        weights = Arena.ofAuto().allocate(bytes.length, 64).copyFrom(MemorySegment.ofArray(bytes));
    }

    @Benchmark
    @OperationsPerInvocation(ROWS * COLUMNS)
    public float[] decode() {
        for (int row = 0; row < ROWS; row++) {
            decoder.decode(weights, row * rowBytes, tile, (row & 3) * COLUMNS, COLUMNS);
        }
        return tile;
    }
}
