package io.github.medpsy4j.engine;

/** Follows what takes long: the loading of a model, in bytes of its weights, or the computing of a prompt, in tokens. */
@FunctionalInterface
public interface Progress {
    /**
     * Called by the thread that asked for the work, several times and with numbers that never fall, the last time with {@code done}
     * equal to {@code total}.
     *
     * @return whether to go on; else the work ends with {@link java.util.concurrent.CancellationException}
     */
    boolean at(long done, long total);
}
