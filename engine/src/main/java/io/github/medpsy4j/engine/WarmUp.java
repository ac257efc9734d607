package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.KvCache;
import io.github.medpsy4j.engine.kernel.KvFormat;
import io.github.medpsy4j.engine.kernel.Matrix;
import io.github.medpsy4j.engine.kernel.MatrixLoader;
import io.github.medpsy4j.engine.kernel.WorkerPool;
import io.github.medpsy4j.gguf.GgufFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;

/**
 * Has the JVM compile the kernels while a model is being loaded: until it has, they run a hundred times slower.
 *
 * <p>Threads of its own run the real forward pass over a sample of the file's own weights: the first rows of each
 * matrix, in as many layers as it takes to meet every tensor type in every place. So what is compiled is what is going to
 * run, with the same widths. Nothing is shared with the model but the file, so no result depends on it.
 *
 * <p>First come a prompt and a token alone, side by side, as they run different kernels and whoever runs a kernel waits
 * for its compilation; then a few tokens, as guesses are. It ends when passes have stopped getting faster, after {@link
 * #NANOS_MAX}, or soon after it is closed. What has been warm once in a process is not warmed again.
 */
final class WarmUp implements AutoCloseable {
    /** Rows of each matrix: those of a panel of the widest vectors. */
    private static final int SAMPLE_ROWS = 64;

    /** Tokens of a prompt: as few as share a tile of weights, and one that is left over, which goes the way of a token alone. */
    private static final int PROMPT_TOKENS = Matrix.FEW_TOKENS_MAX + 4 + 1;

    /** Tokens of a guess, too few for a tile. */
    private static final int GUESS_TOKENS = 5;

    /** The prompt's first position, from which it crosses the end of a span of attention. */
    private static final int PROMPT_FROM = 60;

    private static final int POSITIONS = PROMPT_FROM + PROMPT_TOKENS + 1;

    /** A file so small is computed sooner than anything could be compiled. */
    private static final long FILE_BYTES_MIN = 16 << 20;

    private static final long NANOS_MAX = 10_000_000_000L;

    /**
     * So many rounds that took less than twice the shortest one: code has been compiled. Not in succession, as loading and the
     * compiler itself take the processor away.
     */
    private static final int STEADY_ROUNDS = 40;

    private static final Set<String> WARM = ConcurrentHashMap.newKeySet();

    private final Consumer<String> log;
    private final CountDownLatch firstAnswer = new CountDownLatch(1);
    private volatile boolean isClosed;

    // Guarded by this.
    private final List<WorkerPool> pools = new ArrayList<>();
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
     * Starts it, once; the file must stay open until {@link #close}.
     *
     * @param packs as {@link MatrixLoader} takes it
     */
    synchronized void start(GgufFile file, Config config, Kernels kernels, KvFormat kv, boolean packs) {
        thread = thread(() -> run(file, config, kernels, kv, packs));
    }

    private void run(GgufFile file, Config config, Kernels kernels, KvFormat kv, boolean packs) {
        long start = System.nanoTime();
        try (Arena arena = Arena.ofShared()) {
            MatrixLoader loader = new MatrixLoader(file, kernels, packs, arena, pool());
            Weights weights = Weights.sample(file, config, loader, SAMPLE_ROWS);
            String kind = config.architecture() + " " + config.heads() / config.kvHeads() + " " + config.headDim() + " "
                    + packs + " " + kv + " " + weights.types();
            if (WARM.contains(kind)) {
                return;
            }
            Rope rope = Model.rope(file, config, weights);
            IntUnaryOperator rounds = tokens -> rounds(config, weights, kernels, kv, rope, tokens, start + NANOS_MAX);
            FutureTask<Integer> alone = new FutureTask<>(() -> rounds.applyAsInt(1));
            Thread second = thread(alone);
            int prompts;
            int singles;
            try {
                prompts = rounds.applyAsInt(PROMPT_TOKENS);
                singles = alone.get();
            } finally {
                join(second); // it reads what is freed next
            }
            firstAnswer.countDown();
            int guesses = rounds.applyAsInt(GUESS_TOKENS);
            boolean isWarm = prompts > 0 && singles > 0 && guesses > 0;
            if (isWarm) {
                WARM.add(kind);
            }
            log.accept(String.format(
                    Locale.ROOT,
                    "warm-up: %s after %.2f s",
                    isWarm ? prompts + singles + guesses + " rounds, warm" : "ended",
                    (System.nanoTime() - start) / 1e9));
        } catch (IOException | RuntimeException | Error | ExecutionException | InterruptedException e) {
            if (!isClosed) { // which may have broken a pass off
                Throwable reason = e instanceof ExecutionException ? e.getCause() : e;
                log.accept("warm-up: failed, the first words come later: " + reason);
            }
        } finally {
            firstAnswer.countDown();
        }
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "medpsy-warm-up");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** A pool of the calling thread alone, which {@link #close} closes, so that what it runs next is refused. */
    private synchronized WorkerPool pool() {
        WorkerPool pool = new WorkerPool(1);
        if (isClosed) {
            pool.close();
        }
        pools.add(pool);
        return pool;
    }

    /** Computes a batch of so many tokens until it is warm; returns after how many rounds, or 0 if it is not. */
    private int rounds(
            Config config, Weights weights, Kernels kernels, KvFormat kv, Rope rope, int tokens, long deadline) {
        Transformer transformer = new Transformer(config, weights, rope, kernels, pool(), tokens);
        Batch batch = new Batch(tokens);
        try (KvCache cache = new KvCache(kv, weights.layers.length, config.kvHeads(), config.headDim(), POSITIONS)) {
            cache.reserve(POSITIONS);
            long best = Long.MAX_VALUE;
            int steady = 0;
            long before = System.nanoTime();
            for (int rounds = 1; !isClosed && before < deadline; rounds++) {
                forward(transformer, batch, cache, tokens);
                long now = System.nanoTime();
                long nanos = now - before;
                before = now;
                if (nanos < best / 2) {
                    steady = 0;
                }
                best = Math.min(best, nanos);
                if (nanos < 2 * best) {
                    steady++;
                }
                if (steady == STEADY_ROUNDS) {
                    return rounds;
                }
            }
            return 0;
        }
    }

    private static void forward(Transformer transformer, Batch batch, KvCache cache, int count) {
        int from = count == 1 ? POSITIONS - 1 : PROMPT_FROM;
        batch.clear();
        for (int i = 0; i < count; i++) {
            batch.add(0, from + i, cache, i == count - 1);
        }
        transformer.forward(batch);
    }

    /** Waits until what a first answer needs is warm, or it has ended, for as many milliseconds at the most. */
    void awaitFirstAnswer(long millis) {
        synchronized (this) {
            if (thread == null) {
                return;
            }
        }
        try {
            firstAnswer.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends it and waits for that: for the matrix that is being multiplied. Idempotent. */
    @Override
    public void close() {
        Thread started;
        synchronized (this) {
            isClosed = true;
            pools.forEach(WorkerPool::close);
            started = thread;
        }
        if (started != null) {
            join(started); // the file must not be closed under its feet
        }
    }

    private static void join(Thread thread) {
        boolean isInterrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
