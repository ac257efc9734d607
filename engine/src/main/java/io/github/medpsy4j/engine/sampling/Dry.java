package io.github.medpsy4j.engine.sampling;

/**
 * DRY, "don't repeat yourself": a token that would continue a stretch which repeats an earlier one loses
 * {@code multiplier * base^(length - allowed length)}, where length is that of the repetition so far. After llama.cpp's
 * sampler, which follows the proposal in text-generation-webui, pull request 5677.
 */
final class Dry {
    private final float multiplier;
    private final float base;
    private final int allowedLength;
    private final int lastN;
    private final SequenceBreakers breakers;
    private final int[] longest; // [vocabulary]: by token, 1 + the longest repetition it continues; 0 between calls
    private final Candidates.Adjustment adjustment = this::adjust;
    private int[] touched = new int[64]; // these two grow with the history that counts
    private int[] lengths = new int[64];

    Dry(SamplingOptions options, int vocabulary, SequenceBreakers breakers) {
        multiplier = options.dryMultiplier();
        base = options.dryBase();
        allowedLength = options.dryAllowedLength();
        lastN = options.dryPenaltyLastN();
        this.breakers = breakers;
        longest = new int[vocabulary];
    }

    void apply(Candidates candidates, int[] history, int length) {
        int window = lastN < 0 ? length : Math.min(length, lastN);
        if (window <= allowedLength) {
            return;
        }
        int lengthMax = breakers.lengthSinceBreak(history, length, window);
        if (lengthMax < allowedLength) {
            return;
        }
        if (lengths.length < window) {
            lengths = new int[Math.max(window, 2 * lengths.length)];
            touched = new int[lengths.length];
        }
        commonEnds(history, length, window);
        int count = 0;
        for (int back = 1; back < window; back++) {
            int repeated = Math.min(lengths[back], lengthMax);
            int next = history[length - back]; // what followed that earlier stretch
            if (repeated >= allowedLength && next < longest.length && !breakers.isOne(next)) {
                if (longest[next] == 0) {
                    touched[count++] = next;
                }
                longest[next] = Math.max(longest[next], 1 + repeated);
            }
        }
        candidates.adjust(touched, count, adjustment);
        for (int i = 0; i < count; i++) {
            longest[touched[i]] = 0;
        }
    }

    /**
     * Fills {@code lengths[back]}, back from 1: how many tokens the history has in common, from their ends backwards,
     * with the history less its last {@code back} tokens. The Z-algorithm on the reversed window, in linear time.
     */
    private void commonEnds(int[] history, int length, int window) {
        int last = length - 1;
        int left = 0;
        int right = 0; // the match that reaches farthest is [left, right)
        for (int back = 1; back < window; back++) {
            int n = back < right ? Math.min(right - back, lengths[back - left]) : 0;
            while (back + n < window && history[last - n] == history[last - back - n]) {
                n++;
            }
            lengths[back] = n;
            if (back + n > right) {
                left = back;
                right = back + n;
            }
        }
    }

    private float adjust(int id, float logit) {
        if (longest[id] == 0) {
            return logit;
        }
        double penalty = multiplier * Math.pow(base, longest[id] - 1 - allowedLength);
        return Candidates.lowered(logit, (float) (logit - penalty));
    }
}
