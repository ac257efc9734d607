package io.github.medpsy4j.engine;

import java.util.Arrays;

/**
 * Guesses what comes next from what stands in the text already: where the last tokens stood before, what followed them
 * then may follow again. Also learns, at every token and without computing anything, how often such a guess is right, by
 * how many tokens agreed before it.
 *
 * <p>An append costs constant time: tables remember where each group of 4, 3 and 2 tokens ended last, and a place that
 * has been right so far is followed on. Tables are of bounded size, so an old group may be forgotten; what they say is
 * compared with the text itself.
 */
final class PromptLookup {
    /** A match shorter than this is no guess. */
    static final int MATCH_MIN = 2;

    /** Agreement is not counted further than this. */
    static final int MATCH_MAX = 32;

    private static final int GROUP_MAX = 4;
    private static final int TABLE_BITS_MAX = 16;

    /** What a guess is worth before anything is known, by {@link #classOf} its match. */
    private static final double[] PRIOR = {0.25, 0.35, 0.45, 0.6, 0.75, 0.85, 0.9};

    /** How many observations that belief is worth. */
    private static final double PRIOR_WEIGHT = 3;

    /** Older observations fade: some thirty of the latest count. */
    private static final double FADING = 1 - 1.0 / 32;

    private int[] text = new int[1024];
    private int length;
    private final int[][] latest; // [group - MATCH_MIN][hash]: the position after such a group; 0 is none
    private final int shift;

    /** Where the text may go on from: text[source] is the guess. */
    private int source;
    /** How many tokens before the source agree with the last ones; 0 without a guess. */
    private int match;

    private final double[] right = new double[PRIOR.length];
    private final double[] seen = new double[PRIOR.length];

    /** @param capacity tokens that there may be, at most; bounds memory together with a constant */
    PromptLookup(int capacity) {
        int bits = Math.clamp(32 - Integer.numberOfLeadingZeros(Math.max(1, capacity)), 8, TABLE_BITS_MAX);
        shift = 32 - bits;
        latest = new int[GROUP_MAX - MATCH_MIN + 1][1 << bits];
    }

    /** Appends tokens that nobody generated: nothing is learnt from them. */
    void appendPrompt(int[] tokens, int count) {
        for (int i = 0; i < count; i++) {
            append(tokens[i]);
        }
    }

    /** Appends a token that was generated. */
    void appendGenerated(int token) {
        if (match > 0) {
            int guessClass = classOf(match);
            right[guessClass] = right[guessClass] * FADING + (text[source] == token ? 1 : 0);
            seen[guessClass] = seen[guessClass] * FADING + 1;
        }
        append(token);
    }

    private void append(int token) {
        boolean followed = match > 0 && text[source] == token;
        int followedSource = source + 1;
        int followedMatch = followed ? Math.min(match + 1, MATCH_MAX) : 0;
        if (length == text.length) {
            text = Arrays.copyOf(text, 2 * length);
        }
        text[length++] = token;
        match = 0;
        for (int group = GROUP_MAX; group >= MATCH_MIN; group--) {
            if (length < group) {
                continue;
            }
            int[] table = latest[group - MATCH_MIN];
            int slot = hash(group);
            int end = table[slot];
            table[slot] = length;
            if (match == 0 && end > 0) {
                int agreeing = agreement(end);
                if (agreeing >= group) {
                    match = agreeing;
                    source = end;
                }
            }
        }
        if (followedMatch > match) {
            match = followedMatch;
            source = followedSource;
        }
    }

    private int hash(int group) {
        int h = 0;
        for (int i = length - group; i < length; i++) {
            h = (h ^ text[i]) * 0x9E3779B1;
            h ^= h >>> 15;
        }
        return (h * 0x85EBCA6B) >>> shift;
    }

    /** How many tokens before position {@code end} are those at the text's end. */
    private int agreement(int end) {
        int most = Math.min(end, MATCH_MAX);
        int n = 0;
        while (n < most && text[end - 1 - n] == text[length - 1 - n]) {
            n++;
        }
        return n;
    }

    /** How many of the last tokens stood where the guess comes from; 0 where there is no guess. */
    int match() {
        return match;
    }

    /** The i-th guessed token, while {@link #match} is above 0. A guess that reaches the text's end goes on with itself. */
    int guess(int i) {
        int period = length - source;
        return text[source + i % period];
    }

    /** How probable it is that the next token is the guessed one, if {@code match} tokens agreed before it. */
    double probability(int agreeing) {
        int c = classOf(agreeing);
        return (right[c] + PRIOR[c] * PRIOR_WEIGHT) / (seen[c] + PRIOR_WEIGHT);
    }

    private static int classOf(int agreeing) {
        if (agreeing <= 4) {
            return agreeing - MATCH_MIN;
        }
        return agreeing <= 6 ? 3 : agreeing <= 10 ? 4 : agreeing <= 18 ? 5 : 6;
    }
}
