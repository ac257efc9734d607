package io.github.medpsy4j.engine.sampling;

/** Repeat, presence and frequency penalty: recent tokens lose, frequent ones more. */
final class Penalties {
    private final float repeat;
    private final float presence;
    private final float frequency;
    private final int lastN;
    private final int[] counts; // [vocabulary], all zero between calls
    private final Candidates.Adjustment adjustment = this::adjust;
    private int[] seen = new int[64]; // grows with the history that counts

    Penalties(SamplingOptions options, int vocabulary) {
        repeat = options.repeatPenalty();
        presence = options.presencePenalty();
        frequency = options.frequencyPenalty();
        lastN = options.repeatLastN();
        counts = new int[vocabulary];
    }

    void apply(Candidates candidates, int[] history, int length) {
        int window = lastN < 0 ? length : Math.min(length, lastN);
        if (seen.length < window) {
            seen = new int[Math.max(window, 2 * seen.length)];
        }
        int distinct = 0;
        for (int i = length - window; i < length; i++) {
            int id = history[i];
            // An embedding may have more rows than the vocabulary has tokens.
            if (id < counts.length && counts[id]++ == 0) {
                seen[distinct++] = id;
            }
        }
        candidates.adjust(seen, distinct, adjustment);
        for (int i = 0; i < distinct; i++) {
            counts[seen[i]] = 0;
        }
    }

    private float adjust(int id, float logit) {
        int count = counts[id];
        if (count == 0) {
            return logit;
        }
        float repeated = logit > 0 ? logit / repeat : logit * repeat;
        return Candidates.lowered(logit, repeated - count * frequency - presence);
    }
}
