package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.sampling.Sampler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.tokenizer.Tokenizer;

/** Draws tokens from a session until something ends it. Belongs to one thread at a time. */
public final class Generator {
    /** Receives each token as it is drawn. */
    @FunctionalInterface
    public interface TokenListener {
        /** Returns whether to go on. End tokens are not reported. */
        boolean accept(int token);
    }

    private final Session session;
    private final Sampler sampler;
    private final Tokenizer tokenizer;
    private int[] forced = {};
    private int forcedNext;

    public Generator(Session session, SamplingOptions sampling) {
        this.session = session;
        this.tokenizer = session.model().tokenizer();
        this.sampler = new Sampler(sampling, tokenizer);
    }

    /** The next tokens will be these instead of drawn ones: a thinking that is to be closed, for example. */
    public void force(int... tokens) {
        forced = tokens.clone();
        forcedNext = 0;
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
        int drawn = 0;
        FinishReason reason;
        while (true) {
            boolean isForced = forcedNext < forced.length;
            int token = isForced
                    ? forced[forcedNext++]
                    : sampler.sample(session.logits(), 0, session.tokensView(), session.length());
            drawn++;
            if (tokenizer.isEndOfGeneration(token)) {
                reason = FinishReason.END;
                break;
            }
            if (!listener.accept(token)) {
                reason = FinishReason.INTERRUPTED;
                break;
            }
            if (maxTokens > 0 && drawn >= maxTokens) {
                reason = FinishReason.LENGTH;
                break;
            }
            if (session.length() == session.context()) {
                reason = FinishReason.CONTEXT_FULL;
                break;
            }
            session.appendOne(token);
        }
        forced = new int[] {};
        forcedNext = 0;
        return new Generation(prompt.length, reused, drawn, promptDone - start, System.nanoTime() - promptDone, reason);
    }
}
