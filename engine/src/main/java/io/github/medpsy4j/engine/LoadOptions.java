package io.github.medpsy4j.engine;

import java.util.Objects;
import java.util.function.Consumer;

/**
 * How a model is loaded.
 *
 * @param threads that compute; 0 takes the machine's processors
 * @param context the most positions that a session holds; 0 takes the least of the model's own, 16,384 and what memory
 *     allows
 * @param scalar runs the plain kernels even where the Vector API is at hand
 * @param weights where the weight matrices lie
 * @param kv how the keys and values of a session's tokens are kept
 * @param memoryCheck refuses a model that available memory has no room for, with {@link ModelTooLargeException}; without
 *     the check the system pages, and computing is as slow as the disk
 * @param log receives one line for each choice that the loader makes. The default is silent, but for a warning by way of
 *     {@link System.Logger}, once in a process, where the JVM was started without the module that makes it fast
 * @param progress follows the loading of the weights, and may end it
 * @param warmUp has the JVM compile the kernels while weights are loaded, on a thread that ends when that is done, after
 *     ten seconds at the latest; what computes first waits for it for two seconds at most. Loading takes longer, and the
 *     first words come sooner if the JVM has the options of the {@code medpsy} script, which make it compile kernels at
 *     once; hence it is off by default. What has been warm in this process is not warmed again, and files of less than
 *     16 MiB never are. Results are the same
 */
public record LoadOptions(
        int threads,
        int context,
        boolean scalar,
        WeightLayout weights,
        KvType kv,
        boolean memoryCheck,
        Consumer<String> log,
        Progress progress,
        boolean warmUp) {
    /** Refuses negative numbers. */
    public LoadOptions {
        if (threads < 0 || threads > THREADS_MAX) {
            throw new IllegalArgumentException("threads: expected 0 to " + THREADS_MAX + ", got " + threads);
        }
        if (context < 0) {
            throw new IllegalArgumentException("context: expected at least 0, got " + context);
        }
        Objects.requireNonNull(weights);
        Objects.requireNonNull(kv);
        Objects.requireNonNull(log);
        Objects.requireNonNull(progress);
    }

    /** Where the weight matrices lie. */
    public enum WeightLayout {
        /** Packed where memory allows, else mapped. */
        AUTO,
        /** In the mapped file as it is: loads at once, computes from exact weights, slower. */
        MAPPED,
        /** Repacked outside the heap for the fastest kernels, tensor by tensor; types without a packed form stay mapped. */
        PACKED
    }

    /** How keys and values are kept: memory against exactness. README.md has what each costs in exactness. */
    public enum KvType {
        /** 16-bit floats. */
        F16,
        /** 32-bit floats: exact, twice the memory of F16. */
        F32,
        /** 8-bit integers with a scale for 32 of them: about half the memory of F16; heads of a multiple of 32 wide. */
        Q8_0
    }

    private static final int THREADS_MAX = 1024;

    /** The log that nobody reads. */
    private record Silence() implements Consumer<String> {
        @Override
        public void accept(String line) {}
    }

    /** All processors, the default context, the best kernels, no log. */
    public static LoadOptions defaults() {
        return new LoadOptions(
                0, 0, false, WeightLayout.AUTO, KvType.F16, false, new Silence(), (done, total) -> true, false);
    }

    /** Whether nobody reads the log. */
    boolean isSilent() {
        return log instanceof Silence;
    }

    public LoadOptions withThreads(int value) {
        return new LoadOptions(value, context, scalar, weights, kv, memoryCheck, log, progress, warmUp);
    }

    public LoadOptions withContext(int value) {
        return new LoadOptions(threads, value, scalar, weights, kv, memoryCheck, log, progress, warmUp);
    }

    public LoadOptions withScalar(boolean value) {
        return new LoadOptions(threads, context, value, weights, kv, memoryCheck, log, progress, warmUp);
    }

    public LoadOptions withWeights(WeightLayout value) {
        return new LoadOptions(threads, context, scalar, value, kv, memoryCheck, log, progress, warmUp);
    }

    public LoadOptions withKv(KvType value) {
        return new LoadOptions(threads, context, scalar, weights, value, memoryCheck, log, progress, warmUp);
    }

    public LoadOptions withMemoryCheck(boolean value) {
        return new LoadOptions(threads, context, scalar, weights, kv, value, log, progress, warmUp);
    }

    public LoadOptions withLog(Consumer<String> value) {
        return new LoadOptions(threads, context, scalar, weights, kv, memoryCheck, value, progress, warmUp);
    }

    public LoadOptions withProgress(Progress value) {
        return new LoadOptions(threads, context, scalar, weights, kv, memoryCheck, log, value, warmUp);
    }

    public LoadOptions withWarmUp(boolean value) {
        return new LoadOptions(threads, context, scalar, weights, kv, memoryCheck, log, progress, value);
    }
}
