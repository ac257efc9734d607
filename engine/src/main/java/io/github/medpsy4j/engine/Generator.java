package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.sampling.SamplingOptions;

/**
 * Draws tokens from a session until something ends it. Belongs to one thread at a time.
 *
 * <p>Where the text repeats itself, as an answer that quotes its prompt does, the generator guesses the next tokens from
 * it and has them checked in one batch, which reads the weights once for all of them. A guess counts only where it is
 * what would have been drawn anyway: the tokens are the same with guesses and without, greedy or not. How many are
 * guessed follows from how often guesses have been right and from what batches have cost.
 */
public final class Generator {
    /** Tokens guessed at a time, at most, unless another number is given. */
    public static final int DRAFT_DEFAULT = 15;

    /** The largest number that can be given. */
    public static final int DRAFT_MAX = 31;

    /** Receives each token as it is drawn. */
    @FunctionalInterface
    public interface TokenListener {
        /**
         * Returns whether to go on. End tokens are not reported. While it runs, the session may hold guessed tokens
         * behind the reported one, and its logits are not to be read.
         */
        boolean accept(int token);
    }

    private final Session session;
    private final Decoding decoding;
    private final BatchCosts costs;

    public Generator(Session session, SamplingOptions sampling) {
        this(session, sampling, DRAFT_DEFAULT);
    }

    /**
     * @param draft the most tokens that are guessed at a time; 0 for none. Their logits take memory: a row of the
     *     vocabulary's length for each
     * @throws IllegalArgumentException if {@code draft} is not from 0 to {@link #DRAFT_MAX}
     */
    public Generator(Session session, SamplingOptions sampling, int draft) {
        this(session, sampling, draft, session.costs());
    }

    Generator(Session session, SamplingOptions sampling, int draft, BatchCosts costs) {
        checkDraft(draft);
        this.session = session;
        this.costs = costs;
        this.decoding = new Decoding(session, sampling, draft);
    }

    /**
     * How probable the model found a token in the place of the one that is being reported, before penalties, temperature
     * and the like, and the {@code top} most probable ones there. To be called by a {@link TokenListener} while it runs.
     */
    public TokenLogprob logprob(int token, int top) {
        return decoding.logprob(token, top);
    }

    static void checkDraft(int draft) {
        if (draft < 0 || draft > DRAFT_MAX) {
            throw new IllegalArgumentException("draft: expected 0 to " + DRAFT_MAX + ", got " + draft);
        }
    }

    /** The next tokens will be these instead of drawn ones: a thinking that is to be closed, for example. */
    public void force(int... tokens) {
        decoding.force(tokens);
    }

    /**
     * Makes the session hold the prompt and generates after it. Every reported token is in the session's cache
     * afterwards, but for the last one where the generation ended by length, interruption or a full context.
     *
     * @param maxTokens the most tokens to draw; 0 leaves it to the model and the context
     * @throws ContextFullException if the prompt alone does not fit
     */
    public Generation generate(int[] prompt, int maxTokens, TokenListener listener) {
        long start = System.nanoTime();
        int reused = session.replace(prompt);
        long promptDone = System.nanoTime();
        decoding.begin(maxTokens, listener);
        FinishReason reason;
        try {
            while ((reason = decoding.draw()) == null) {
                decoding.plan(0, costs);
                decoding.stage();
                long stepStart = System.nanoTime();
                session.forward();
                costs.measured(decoding.rows(), System.nanoTime() - stepStart);
            }
        } finally {
            decoding.end();
        }
        return new Generation(
                prompt.length,
                reused,
                decoding.drawn(),
                decoding.drafted(),
                decoding.accepted(),
                promptDone - start,
                System.nanoTime() - promptDone,
                reason);
    }
}
