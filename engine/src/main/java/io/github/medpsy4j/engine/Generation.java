package io.github.medpsy4j.engine;

/**
 * What a generation cost.
 *
 * @param promptTokens tokens of the prompt, reused ones included
 * @param reusedTokens tokens of the prompt that the KV cache held already
 * @param generatedTokens tokens drawn, the end token included
 * @param draftedTokens tokens that were guessed from the text and checked in one batch with the token before them
 * @param acceptedTokens how many of those were what came next
 * @param promptNanos time until the prompt was computed
 * @param generateNanos time from then to the last token
 * @param finishReason why it ended
 */
public record Generation(
        int promptTokens,
        int reusedTokens,
        int generatedTokens,
        int draftedTokens,
        int acceptedTokens,
        long promptNanos,
        long generateNanos,
        FinishReason finishReason) {
    /** Tokens of the prompt that had to be computed. */
    public int computedTokens() {
        return promptTokens - reusedTokens;
    }

    /** Computed prompt tokens per second. */
    public double promptTokensPerSecond() {
        return computedTokens() / (promptNanos / 1e9);
    }

    /** Generated tokens per second. */
    public double generatedTokensPerSecond() {
        return generatedTokens / (generateNanos / 1e9);
    }

    /** The same with another reason. */
    Generation endedBy(FinishReason reason) {
        return new Generation(
                promptTokens,
                reusedTokens,
                generatedTokens,
                draftedTokens,
                acceptedTokens,
                promptNanos,
                generateNanos,
                reason);
    }
}
