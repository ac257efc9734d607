package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.sampling.Sampler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.tokenizer.Tokenizer;

/**
 * One generation, as steps that others compute: {@link #plan} says which tokens the session appends next, {@link #draw}
 * draws from the logits that come of it. The first token of a step was drawn; those behind it are guesses of {@link
 * PromptLookup}. A guess is taken only where it is what is drawn, at the time when it is drawn, from logits that are the
 * same bit for bit as without guesses: so whatever the sampling, the tokens are those of a generation without guesses.
 */
final class Decoding {
    /** Guesses are worth their rows only if they promise to gain this much. */
    private static final double GAIN_MIN = 1.04;

    private final Session session;
    private final Tokenizer tokenizer;
    private final Sampler sampler;
    private final int[] next; // [1 + guesses]
    private int nextCount;
    private boolean isForcedStep;
    private int[] forced = {};
    private int forcedNext;

    private Generator.TokenListener listener;
    private PromptLookup lookup;
    private int maxTokens;
    /** The row of the session's last step that the next token is drawn from. */
    private int row;

    private int drawn;
    private int drafted;
    private int accepted;

    /** @param draftMax guesses per step, at most; 0 for none */
    Decoding(Session session, SamplingOptions sampling, int draftMax) {
        this.session = session;
        this.tokenizer = session.model().tokenizer();
        this.sampler = new Sampler(sampling, tokenizer);
        this.next = new int[1 + draftMax];
    }

    /** The next tokens will be these instead of drawn ones. */
    void force(int... tokens) {
        forced = tokens.clone();
        forcedNext = 0;
    }

    /** The session holds a prompt and the logits after it. */
    void begin(int mostTokens, Generator.TokenListener tokenListener) {
        sampler.begin();
        maxTokens = mostTokens;
        listener = tokenListener;
        row = 0;
        drawn = 0;
        drafted = 0;
        accepted = 0;
        if (next.length > 1) {
            lookup = new PromptLookup(session.context());
            lookup.appendPrompt(session.tokensView(), session.length());
        }
    }

    /** Draws as many tokens as the computed rows allow. Returns why it ended, or null if it goes on by a step. */
    FinishReason draw() {
        while (true) {
            int length = session.lengthAtRow(row);
            int token = forcedNext < forced.length
                    ? forced[forcedNext++]
                    : sampler.sample(session.rows(), session.rowOffset(row), session.tokensView(), length);
            drawn++;
            FinishReason reason = null;
            if (tokenizer.isEndOfGeneration(token)) {
                reason = FinishReason.END;
            } else if (!listener.accept(token)) {
                reason = FinishReason.INTERRUPTED;
            } else if (maxTokens > 0 && drawn >= maxTokens) {
                reason = FinishReason.LENGTH;
            } else if (length == session.context()) {
                reason = FinishReason.CONTEXT_FULL;
            }
            if (reason != null) {
                return reason;
            }
            if (lookup != null) {
                lookup.appendGenerated(token);
            }
            if (row + 1 < session.rowCount() && next[row + 1] == token) {
                row++;
                accepted += isForcedStep ? 0 : 1;
            } else {
                settle();
                next[0] = token;
                nextCount = 1;
                return null;
            }
        }
    }

    /** Chooses the guesses behind the token that was drawn last, for a batch in which others have so many rows. */
    void plan(int otherRows, BatchCosts costs) {
        nextCount = 1;
        isForcedStep = false;
        int room = Math.min(next.length, session.context() - session.length());
        if (maxTokens > 0) {
            room = Math.min(room, maxTokens - drawn);
        }
        if (forcedNext < forced.length) {
            // What is forced is sure: nothing is guessed, and nothing is counted.
            while (nextCount < room && forcedNext + nextCount - 1 < forced.length) {
                next[nextCount] = forced[forcedNext + nextCount - 1];
                nextCount++;
            }
            isForcedStep = true;
            return;
        }
        if (lookup == null || lookup.match() == 0) {
            return;
        }
        int rows = otherRows + 1;
        double best = GAIN_MIN * rows / costs.of(rows);
        double probability = 1;
        double expected = rows;
        int guesses = 0;
        for (int i = 0; i < room - 1; i++) {
            int guess = lookup.guess(i);
            if (guess >= tokenizer.vocabulary().size() || tokenizer.isEndOfGeneration(guess)) {
                break; // the one is never drawn, the other never appended
            }
            next[i + 1] = guess;
            probability *= lookup.probability(lookup.match() + i);
            expected += probability;
            double gain = expected / costs.of(rows + i + 1);
            if (gain > best) {
                best = gain;
                guesses = i + 1;
            }
        }
        drafted += guesses;
        nextCount += guesses;
    }

    /** Hands the planned tokens to the session, which asks for the logits after each of them. */
    void stage() {
        session.stage(next, 0, nextCount, nextCount);
        row = 0;
    }

    /** Takes guesses that were not drawn out of the session. */
    void settle() {
        session.keepRows(row + 1);
        row = 0;
    }

    void end() {
        settle();
        forced = new int[] {};
        forcedNext = 0;
        lookup = null;
    }

    /** How probable the model found the token that is being reported; only while the listener is called. */
    TokenLogprob logprob(int token, int top) {
        return TokenLogprob.checked(
                token,
                session.rows(),
                session.rowOffset(row),
                tokenizer.vocabulary().size(),
                top);
    }

    /** Rows of the planned step. */
    int rows() {
        return nextCount;
    }

    int drawn() {
        return drawn;
    }

    int drafted() {
        return drafted;
    }

    int accepted() {
        return accepted;
    }
}
