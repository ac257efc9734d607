package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.engine.Answer;
import java.util.function.Consumer;

/** Who answers a file's prompts, several at a time. */
interface PromptAnswerer extends AutoCloseable {
    /**
     * An answer, and what is told of it.
     *
     * @param queuedNanos how long the prompt waited before anybody took it up
     * @param seed what the draws started from; null where that is not known
     * @param model what answered
     */
    record Answered(Answer answer, long queuedNanos, Long seed, String model) {}

    /** An answer that is on its way. */
    interface Pending {
        /**
         * Waits for it and hands it on, before another prompt's turn comes: what is answered is not lost where the next one
         * ends all. For any thread.
         *
         * @throws Failure if this prompt gets none
         * @throws RemoteException if another machine does not give it, which may concern all prompts
         */
        void await(Consumer<Answered> to) throws Failure, RemoteException, InterruptedException;
    }

    /**
     * What it has done so far.
     *
     * @param running answers that are computed now
     */
    record Stats(int running, long generatedTokens, long promptTokens, long reusedTokens) {}

    /**
     * Begins an answer.
     *
     * @param index of the line among those that are answered
     * @throws Failure if the line cannot be answered
     */
    Pending submit(PromptsFile.Line line, int index) throws Failure;

    Stats stats();

    /** Ends what goes on. */
    @Override
    void close();
}
