package io.github.medpsy4j.engine.kernel;

import java.util.Arrays;
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
 * Attention of one token (generation) or of many (a prompt) behind {@code depth} others, layer by layer as a model does
 * it: the layers together are larger than a cache of the processor. The counter {@code gigabytes} is keys and values read
 * per second as they are kept, if each were read once; {@code gigaflops} counts two for each product of scores and values.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class AttentionBenchmark {
    private static final int LAYERS = 8;

    @Param({"F16", "F32", "Q8_0"})
    private KvFormat format;

    /** Query heads, KV heads, width of a head: of MedPsy 1.7B and 4B, and of Qwen2.5-0.5B. */
    @Param({"16x8x128", "32x8x128", "14x2x64"})
    private String heads;

    @Param({"0", "512", "4096"})
    private int depth;

    @Param({"1", "512"})
    private int tokens;

    @Param({"0"})
    private int threads;

    private WorkerPool pool;
    private KvCache cache;
    private Attention attention;
    private Activations q;
    private Activations out;
    private int layer;
    private double bytes;
    private double flops;

    /** Rates beside the operations per second. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Rates {
        public double gigabytes;
        public double gigaflops;

        @Setup(Level.Iteration)
        public void clear() {
            gigabytes = 0;
            gigaflops = 0;
        }
    }

    @Setup
    public void setUp() {
        int[] shape =
                Arrays.stream(heads.split("x")).mapToInt(Integer::parseInt).toArray();
        int queryHeads = shape[0];
        int kvHeads = shape[1];
        int headDim = shape[2];
        int length = depth + tokens;
        pool = new WorkerPool(threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
        cache = new KvCache(format, LAYERS, kvHeads, headDim, length);
        cache.reserve(length);
        float scale = (float) (1 / Math.sqrt(headDim));
        attention = new Attention(Kernels.best(), pool, queryHeads, kvHeads, headDim, scale, Math.max(tokens, 64));
        SplittableRandom random = new SplittableRandom(1);
        q = randoms(random, tokens, queryHeads * headDim);
        out = new Activations(tokens, queryHeads * headDim);
        Activations k = randoms(random, 1, kvHeads * headDim);
        Activations v = randoms(random, 1, kvHeads * headDim);
        KvCache[] caches = new KvCache[tokens];
        Arrays.fill(caches, cache);
        for (int position = 0; position < length; position++) {
            attention.begin(caches, new int[] {position}, 1);
            for (int l = 0; l < LAYERS; l++) {
                attention.store(l, k, v);
            }
            k.data[position % k.width] = (float) random.nextDouble(-1, 1);
            v.data[position % v.width] = (float) random.nextDouble(-1, 1);
        }
        int[] positions = new int[tokens];
        Arrays.setAll(positions, t -> depth + t);
        attention.begin(caches, positions, tokens);
        bytes = (double) cache.byteSize(length) / LAYERS;
        double pairs = tokens * (depth + (tokens + 1) / 2.0);
        flops = 4 * pairs * queryHeads * headDim;
    }

    private static Activations randoms(SplittableRandom random, int rows, int width) {
        Activations x = new Activations(rows, width);
        for (int i = 0; i < x.data.length; i++) {
            x.data[i] = (float) random.nextDouble(-1, 1);
        }
        return x;
    }

    @TearDown
    public void tearDown() {
        pool.close();
        cache.close();
    }

    @Benchmark
    public float[] attend(Rates rates) {
        layer = (layer + 1) % LAYERS;
        attention.attend(layer, q, out);
        rates.gigabytes += bytes / 1e9;
        rates.gigaflops += flops / 1e9;
        return out.data;
    }
}
