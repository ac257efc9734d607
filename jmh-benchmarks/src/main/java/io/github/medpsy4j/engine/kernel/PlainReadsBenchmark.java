package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
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
 * Memory's speed: the counter {@code gigabytes} is what is read in a second, of a buffer far greater than any cache, by one
 * thread and by all (0).
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class PlainReadsBenchmark {
    @Param({"1", "0"})
    private int threads;

    @Param({"2048"})
    private int mebibytes;

    private WorkerPool pool;
    private PlainReads reads;

    /** Turns calls into bytes. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Rates {
        public double gigabytes;

        @Setup(Level.Iteration)
        public void clear() {
            gigabytes = 0;
        }
    }

    @Setup
    public void setUp() {
        pool = new WorkerPool(threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
        MemorySegment memory = Arena.ofAuto().allocate((long) mebibytes << 20, 64);
        memory.fill((byte) 1); // else all pages are the system's one page of zeros
        reads = new PlainReads(pool, List.of(memory));
    }

    @TearDown
    public void tearDown() {
        pool.close();
    }

    @Benchmark
    public long read(Rates rates) {
        rates.gigabytes += reads.byteSize() / 1e9;
        return reads.read();
    }
}
