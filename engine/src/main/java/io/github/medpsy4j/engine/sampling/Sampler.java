package io.github.medpsy4j.engine.sampling;

import java.util.SplittableRandom;

/**
 * Draws tokens from logits. Holds the memory it needs, so a draw allocates nothing. Ties between equal logits go to the
 * smaller id. Not thread-safe.
 */
public final class Sampler {
    private final SamplingOptions options;
    private final SplittableRandom random;
    private final int vocabulary;

    // The candidates: a permutation of the ids whose first entries are the best ones, best first, once selected.
    private final int[] ids;
    private final float[] logits;
    private final double[] weights;
    private final boolean[] penalized;

    /** @param vocabulary the length of the logits */
    public Sampler(SamplingOptions options, int vocabulary) {
        this.options = options;
        this.random = new SplittableRandom(options.seed());
        this.vocabulary = vocabulary;
        boolean greedy = options.temperature() == 0;
        ids = new int[greedy ? 0 : vocabulary];
        weights = new double[greedy ? 0 : vocabulary];
        boolean penalty = options.repeatPenalty() != 1;
        logits = new float[greedy && !penalty ? 0 : vocabulary];
        penalized = new boolean[penalty ? vocabulary : 0];
    }

    /**
     * Draws a token.
     *
     * @param source [vocabulary] logits, starting at {@code offset}; not changed
     * @param history the tokens so far
     * @param historyLength how many of them count
     */
    public int sample(float[] source, int offset, int[] history, int historyLength) {
        if (options.temperature() == 0 && options.repeatPenalty() == 1) {
            return argmax(source, offset, vocabulary);
        }
        System.arraycopy(source, offset, logits, 0, logits.length);
        penalize(history, historyLength);
        if (options.temperature() == 0) {
            return argmax(logits, 0, logits.length);
        }
        int kept = select();
        return draw(kept);
    }

    private static int argmax(float[] x, int offset, int n) {
        int best = 0;
        for (int i = 1; i < n; i++) {
            if (x[offset + i] > x[offset + best]) {
                best = i;
            }
        }
        return best;
    }

    private void penalize(int[] history, int length) {
        float penalty = options.repeatPenalty();
        if (penalty == 1) {
            return;
        }
        int window = options.repeatWindow() < 0 ? length : Math.min(length, options.repeatWindow());
        for (int i = length - window; i < length; i++) {
            int id = history[i];
            // An embedding may have more rows than the vocabulary has tokens.
            if (id < vocabulary && !penalized[id]) {
                penalized[id] = true;
                logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
            }
        }
        for (int i = length - window; i < length; i++) {
            if (history[i] < vocabulary) {
                penalized[history[i]] = false;
            }
        }
    }

    /** Applies top-k, top-p and min-p; the survivors are the first entries of ids. Returns how many there are. */
    private int select() {
        int n = logits.length;
        int best = argmax(logits, 0, n);
        float max = logits[best];
        boolean ordered = options.topK() > 0 || options.topP() < 1;
        float lowest = options.minP() > 0 ? max + (float) Math.log(options.minP()) : Float.NEGATIVE_INFINITY;
        int limit = options.topK() > 0 ? Math.min(options.topK(), n) : n;
        for (int i = 0; i < n; i++) {
            ids[i] = i;
        }
        if (!ordered) {
            int kept = 0;
            for (int i = 0; i < n; i++) {
                if (logits[i] >= lowest) {
                    ids[kept++] = i;
                }
            }
            return Math.max(1, kept);
        }
        // A heap gives the candidates best first, and only as many as are needed.
        for (int i = n / 2 - 1; i >= 0; i--) {
            siftDown(i, n);
        }
        double total = 0;
        if (options.topP() < 1 && options.topK() == 0) {
            for (int i = 0; i < n; i++) {
                total += Math.exp(logits[i] - max);
            }
        }
        // The best are popped to the end of the array, then turned round to stand first.
        int size = n;
        int popped = 0;
        double cumulative = 0;
        boolean topKBounds = options.topK() > 0;
        while (popped < limit) {
            float top = logits[ids[0]];
            boolean enough = !topKBounds && popped > 0 && (cumulative >= options.topP() * total || top < lowest);
            if (enough) {
                break;
            }
            int id = ids[0];
            size--;
            ids[0] = ids[size];
            ids[size] = id;
            siftDown(0, size);
            cumulative += Math.exp(top - max);
            popped++;
        }
        for (int i = 0, j = n - 1; i < popped && i < j; i++, j--) {
            int id = ids[i];
            ids[i] = ids[j];
            ids[j] = id;
        }
        if (!topKBounds) {
            return popped;
        }
        double topKTotal = cumulative;
        cumulative = 0;
        int kept = 0;
        while (kept < popped) {
            float logit = logits[ids[kept]];
            if (kept > 0 && (cumulative >= options.topP() * topKTotal || logit < lowest)) {
                break;
            }
            cumulative += Math.exp(logit - max);
            kept++;
        }
        return kept;
    }

    private boolean before(int a, int b) {
        return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
    }

    private void siftDown(int at, int size) {
        int id = ids[at];
        while (true) {
            int child = 2 * at + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && before(ids[child + 1], ids[child])) {
                child++;
            }
            if (!before(ids[child], id)) {
                break;
            }
            ids[at] = ids[child];
            at = child;
        }
        ids[at] = id;
    }

    private int draw(int kept) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < kept; i++) {
            max = Math.max(max, logits[ids[i]]);
        }
        double total = 0;
        for (int i = 0; i < kept; i++) {
            weights[i] = Math.exp((logits[ids[i]] - max) / options.temperature());
            total += weights[i];
        }
        double point = random.nextDouble() * total;
        for (int i = 0; i < kept - 1; i++) {
            point -= weights[i];
            if (point < 0) {
                return ids[i];
            }
        }
        return ids[kept - 1];
    }
}
