package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.KvCache;
import io.github.medpsy4j.engine.kernel.KvFormat;
import io.github.medpsy4j.engine.kernel.MatrixLoader;
import io.github.medpsy4j.engine.kernel.WorkerPool;
import io.github.medpsy4j.gguf.GgufFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Has the JVM compile the kernels while a model is being loaded: until it has, they run a hundred times slower.
 *
 * <p>A thread of its own runs the real forward pass over a sample of the file's own weights: the first rows of each
 * matrix, in as many layers as it takes to meet every tensor type in every place. So what is compiled is what is going to
 * run, with the same widths. Nothing is shared with the model but the file, so no result depends on it.
 *
 * <p>It ends when passes have stopped getting faster, after {@link #NANOS_MAX}, or soon after it is closed. What has been
 * warm once in a process is not warmed again.
 */
final class WarmUp implements AutoCloseable {
    /** Rows of each matrix: those of a panel of the widest vectors. */
    private static final int SAMPLE_ROWS = 64;

    /** Tokens of a prompt: two groups of four, and one that is left over, which goes the way of a token alone. */
    private static final int PROMPT_TOKENS = 9;

    /** The prompt's first position, from which it crosses the end of a span of attention. */
    private static final int PROMPT_FROM = 60;

    private static final int POSITIONS = PROMPT_FROM + PROMPT_TOKENS + 1;

    /** A file so small is computed sooner than anything could be compiled. */
    private static final long FILE_BYTES_MIN = 16 << 20;

    private static final long NANOS_MAX = 10_000_000_000L;

    /** So many rounds in succession that took less than twice the shortest one: code has been compiled. */
    private static final int STEADY_ROUNDS = 40;

    private static final Set<String> WARM = ConcurrentHashMap.newKeySet();

    private final Consumer<String> log;
    private volatile boolean isClosed;
    private volatile WorkerPool pool;
    private Thread thread;

    /** @param log told by the thread what came of it */
    WarmUp(Consumer<String> log) {
        this.log = log;
    }

    /** Whether it is wanted and worth while: for vector code, a file of some size, in a JVM that compiles. */
    static boolean isUseful(GgufFile file, LoadOptions options) {
        return options.warmUp()
                && !options.scalar()
                && Kernels.vectorModulePresent()
                && file.byteSize() >= FILE_BYTES_MIN
                && !System.getProperty("java.vm.info", "").contains("interpreted");
    }

    /**
     * Starts the thread, once; the file must stay open until {@link #close}.
     *
     * @param packs as {@link MatrixLoader} takes it
     */
    synchronized void start(GgufFile file, Config config, Kernels kernels, KvFormat kv, boolean packs) {
        thread = new Thread(() -> run(file, config, kernels, kv, packs), "medpsy-warm-up");
        thread.setDaemon(true);
        thread.start();
    }

    private void run(GgufFile file, Config config, Kernels kernels, KvFormat kv, boolean packs) {
        long start = System.nanoTime();
        try (WorkerPool alone = new WorkerPool(1);
                Arena arena = Arena.ofShared()) {
            pool = alone;
            MatrixLoader loader = new MatrixLoader(file, kernels, packs, arena, alone);
            Weights weights = Weights.sample(file, config, kernels, loader, SAMPLE_ROWS);
            String kind = config.architecture() + " " + config.heads() / config.kvHeads() + " " + config.headDim() + " "
                    + packs + " " + kv + " " + weights.types();
            if (WARM.contains(kind)) {
                return;
            }
            int rounds = rounds(config, weights, kernels, kv, alone, Model.rope(file, config, weights), start);
            if (rounds > 0) {
                WARM.add(kind);
            }
            log.accept(String.format(
                    Locale.ROOT,
                    "warm-up: %s after %.2f s",
                    rounds > 0 ? rounds + " rounds, warm" : "ended",
                    (System.nanoTime() - start) / 1e9));
        } catch (IOException | RuntimeException | Error e) {
            if (!isClosed) { // which may have broken a pass off
                log.accept("warm-up: failed, the first words come later: " + e);
            }
        }
    }

    /** Computes until it is warm; returns after how many rounds, or 0 if it is not. */
    private int rounds(
            Config config, Weights weights, Kernels kernels, KvFormat kv, WorkerPool alone, Rope rope, long start) {
        Transformer transformer = new Transformer(config, weights, rope, kernels, alone, PROMPT_TOKENS);
        Batch batch = new Batch(PROMPT_TOKENS);
        try (KvCache cache = new KvCache(kv, weights.layers.length, config.kvHeads(), config.headDim(), POSITIONS)) {
            cache.reserve(POSITIONS);
            long best = Long.MAX_VALUE;
            int steady = 0;
            long before = System.nanoTime();
            for (int rounds = 1; !isClosed && before - start < NANOS_MAX; rounds++) {
                forward(transformer, batch, cache, PROMPT_FROM, PROMPT_TOKENS);
                forward(transformer, batch, cache, POSITIONS - 1, 1);
                long now = System.nanoTime();
                best = Math.min(best, now - before);
                steady = now - before < 2 * best ? steady + 1 : 0;
                before = now;
                if (steady == STEADY_ROUNDS) {
                    return rounds;
                }
            }
            return 0;
        }
    }

    private static void forward(Transformer transformer, Batch batch, KvCache cache, int from, int count) {
        batch.clear();
        for (int i = 0; i < count; i++) {
            batch.add(0, from + i, cache, i == count - 1);
        }
        transformer.forward(batch);
    }

    /** Waits until it has ended, for as many milliseconds at the most. */
    void await(long millis) {
        Thread started;
        synchronized (this) {
            started = thread;
        }
        if (started == null || started == Thread.currentThread()) {
            return;
        }
        try {
            started.join(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends it and waits for that: for the matrix that is being multiplied. Idempotent. */
    @Override
    public void close() {
        isClosed = true;
        WorkerPool running = pool;
        if (running != null) {
            running.close(); // what it runs next is refused
        }
        Thread started;
        synchronized (this) {
            started = thread;
        }
        if (started == null) {
            return;
        }
        boolean isInterrupted = false;
        while (true) {
            try {
                started.join();
                break;
            } catch (InterruptedException e) {
                isInterrupted = true; // the file must not be closed under its feet
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
