package io.github.medpsy4j.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * A drawn token and how probable the model found it.
 *
 * @param id the token
 * @param logprob the natural logarithm of its probability, before penalties, temperature and the like; NaN if not asked
 *     for
 * @param top the most probable tokens in its place, best first, their own {@code top} empty; empty if not asked for
 */
public record TokenLogprob(int id, float logprob, List<TokenLogprob> top) {
    /** Copies the list. */
    public TokenLogprob {
        top = List.copyOf(top);
    }

    static TokenLogprob checked(int id, float[] logits, int offset, int vocabulary, int top) {
        if (id < 0 || id >= vocabulary) {
            throw new IllegalArgumentException("token: expected an id from 0 to " + (vocabulary - 1) + ", got " + id);
        }
        if (top < 0 || top > vocabulary) {
            throw new IllegalArgumentException("top: expected 0 to " + vocabulary + ", got " + top);
        }
        return of(id, logits, offset, vocabulary, top);
    }

    /** Of a row of logits. */
    static TokenLogprob of(int id, float[] logits, int offset, int vocabulary, int top) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < vocabulary; i++) {
            max = Math.max(max, logits[offset + i]);
        }
        double sum = 0;
        for (int i = 0; i < vocabulary; i++) {
            sum += Math.exp(logits[offset + i] - max);
        }
        double normalizer = max + Math.log(sum);
        int[] best = new int[top];
        int count = 0;
        for (int i = 0; i < vocabulary && top > 0; i++) {
            if (count == top && !(logits[offset + i] > logits[offset + best[top - 1]])) {
                continue;
            }
            int at = Math.min(count, top - 1);
            while (at > 0 && logits[offset + i] > logits[offset + best[at - 1]]) {
                best[at] = best[at - 1];
                at--;
            }
            best[at] = i;
            count = Math.min(count + 1, top);
        }
        List<TokenLogprob> alternatives = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            alternatives.add(new TokenLogprob(best[i], (float) (logits[offset + best[i]] - normalizer), List.of()));
        }
        return new TokenLogprob(id, (float) (logits[offset + id] - normalizer), alternatives);
    }
}
