package io.github.medpsy4j.engine.sampling;

import java.util.SplittableRandom;

/**
 * The tokens that may still be drawn, and their logits. At first all of them, by id; from the first sampler that leaves
 * some out, a list of keys (see {@link Ranking}) whose first entries are the best ones, best first, as far as anybody
 * asked. NaN counts as negative infinity, positive infinity as the largest float. Never empty.
 */
final class Candidates {
    /** A change of a token's logit. */
    @FunctionalInterface
    interface Adjustment {
        float adjust(int id, float logit);
    }

    private final float[] logits; // [vocabulary], while the candidates are all tokens
    private final long[] keys; // [vocabulary], afterwards
    private long[] order = {}; // [vocabulary] of typical-p alone
    private boolean isWhole;
    private int size;
    private int sorted;

    /** @param isGreedy whether only {@link #best} will be asked for */
    Candidates(int vocabulary, boolean isGreedy) {
        logits = new float[vocabulary];
        keys = new long[isGreedy ? 0 : vocabulary];
    }

    /** Makes room for {@link #keepTypical}. */
    void prepareTypical() {
        order = new long[logits.length];
    }

    /** All tokens, with these logits. */
    void load(float[] source, int offset) {
        System.arraycopy(source, offset, logits, 0, logits.length);
        isWhole = true;
        size = logits.length;
        sorted = 0;
    }

    /** How many there are. */
    int size() {
        return size;
    }

    /** The id of the i-th, in no order that means anything. */
    int id(int i) {
        return isWhole ? i : Ranking.index(keys[i]);
    }

    /** The logit of the i-th. */
    float logit(int i) {
        return isWhole ? sane(logits[i]) : Ranking.score(keys[i]);
    }

    /** The best token while the candidates are all tokens; of equals the one with the smaller id. */
    int best() {
        return argmax(logits, 0, logits.length);
    }

    /** The index of the greatest number, the first of equals; NaN is never it, and 0 is where there is no other. */
    static int argmax(float[] x, int offset, int n) {
        int best = 0;
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            if (x[offset + i] > max) {
                max = x[offset + i];
                best = i;
            }
        }
        return best;
    }

    /**
     * Changes the logits of some tokens.
     *
     * @param touched holds the ids that the adjustment changes, each once, in its first {@code count} entries
     */
    void adjust(int[] touched, int count, Adjustment adjustment) {
        if (isWhole) {
            for (int i = 0; i < count; i++) {
                int id = touched[i];
                logits[id] = adjustment.adjust(id, logits[id]);
            }
            return;
        }
        for (int i = 0; i < size; i++) {
            int id = Ranking.index(keys[i]);
            float adjusted = adjustment.adjust(id, Ranking.score(keys[i]));
            keys[i] = Ranking.key(sane(adjusted), id);
        }
        sorted = 0;
    }

    /** Divides the logits. */
    void heat(double temperature) {
        double max = max();
        // Where floats cannot hold the quotients, the best becomes 0: the probabilities are the same.
        double shift = Math.abs(max / temperature) < Float.MAX_VALUE ? 0 : max;
        if (isWhole) {
            for (int id = 0; id < size; id++) {
                logits[id] = (float) ((logits[id] - shift) / temperature);
            }
            return;
        }
        for (int i = 0; i < size; i++) {
            double heated = (Ranking.score(keys[i]) - shift) / temperature;
            keys[i] = Ranking.key(sane((float) heated), Ranking.index(keys[i]));
        }
    }

    /** Divides the logits by a temperature that their entropy chooses between two, the lower at no entropy. */
    void heatByEntropy(double low, double high, double exponent) {
        list();
        if (size == 1) {
            return;
        }
        double normalized = Math.clamp(entropy() / Math.log(size), 0, 1);
        heat(Math.max(1e-9, low + (high - low) * Math.pow(normalized, exponent)));
    }

    /** Keeps the k best. */
    void keepBest(int k) {
        if (k >= size) {
            return;
        }
        if (isWhole && Ranking.isFewEnough(k)) {
            isWhole = false;
            size = Ranking.best(logits, k, keys);
            sorted = size;
            ensureOne();
            return;
        }
        list();
        if (k < size) {
            if (k > sorted) {
                Ranking.select(keys, sorted, size, k);
            }
            size = k;
            sorted = Math.min(sorted, k);
        }
    }

    /** Keeps those at least {@code p} times as probable as the best. */
    void keepNearBest(double p) {
        if (p > 0) {
            keepFrom(max() + Math.log(p));
        }
    }

    /** Keeps those within {@code n} standard deviations of the best. */
    void keepWithinSigmas(double n) {
        list();
        double mean = 0;
        for (int i = 0; i < size; i++) {
            mean += Ranking.score(keys[i]);
        }
        mean /= size;
        double variance = 0;
        for (int i = 0; i < size; i++) {
            double off = Ranking.score(keys[i]) - mean;
            variance += off * off;
        }
        keepFrom(max() - n * Math.sqrt(variance / size));
    }

    /** Keeps the best until their probabilities add up to {@code p}. */
    void keepMass(double p) {
        list();
        double max = max();
        double wanted = p * total(max);
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sort(i + 1);
            sum += Math.exp(Ranking.score(keys[i]) - max);
            if (sum >= wanted) {
                size = i + 1;
                sorted = Math.min(sorted, size);
                return;
            }
        }
    }

    /** Keeps those whose surprise is nearest to the entropy, until their probabilities add up to more than {@code p}. */
    void keepTypical(double p) {
        list();
        double max = max();
        double logTotal = Math.log(total(max));
        double entropy = entropy();
        for (int i = 0; i < size; i++) {
            double surprise = logTotal + max - Ranking.score(keys[i]);
            order[i] = Ranking.key((float) -Math.abs(surprise - entropy), i);
        }
        double sum = 0;
        int kept = 0;
        for (int ordered = 0; kept < size && sum <= p; kept++) {
            ordered = Ranking.sort(order, ordered, size, kept + 1);
            sum += Math.exp(Ranking.score(keys[Ranking.index(order[kept])]) - max - logTotal);
        }
        for (int i = 0; i < kept; i++) {
            order[i] = keys[Ranking.index(order[i])];
        }
        System.arraycopy(order, 0, keys, 0, kept);
        size = kept;
        sorted = 0;
    }

    /** Leaves out all but the last of those that have at least probability {@code threshold}. */
    void excludeTopChoices(double threshold) {
        list();
        double max = max();
        double least = threshold * total(max);
        int choices = 0;
        while (choices < size) {
            sort(choices + 1);
            if (Math.exp(Ranking.score(keys[choices]) - max) < least) {
                break;
            }
            choices++;
        }
        if (choices > 1) {
            int out = choices - 1;
            size -= out;
            sorted -= out;
            System.arraycopy(keys, out, keys, 0, size);
        }
    }

    /** Keeps those of at most this surprise, in bits, or the best alone. */
    void keepExpected(double surpriseMax) {
        list();
        double max = max();
        keepFrom(Math.min(max, max + Math.log(total(max)) - surpriseMax * Math.log(2)));
    }

    /** Draws by the probabilities that the logits stand for. */
    int draw(SplittableRandom random) {
        list();
        double max = max();
        double point = random.nextDouble() * total(max);
        for (int i = 0; i < size - 1; i++) {
            point -= Math.exp(Ranking.score(keys[i]) - max);
            if (point < 0) {
                return Ranking.index(keys[i]);
            }
        }
        return Ranking.index(keys[size - 1]);
    }

    /** A candidate's surprise in bits: -log2 of its probability. */
    double surprise(int id) {
        list();
        double max = max();
        for (int i = 0; i < size; i++) {
            if (Ranking.index(keys[i]) == id) {
                return (Math.log(total(max)) + max - Ranking.score(keys[i])) / Math.log(2);
            }
        }
        throw new IllegalArgumentException("token " + id + " is no candidate");
    }

    private void keepFrom(double lowest) {
        if (isWhole) {
            list(lowest);
            return;
        }
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (Ranking.score(keys[i]) >= lowest) {
                keys[kept++] = keys[i];
            }
        }
        size = kept;
        sorted = Math.min(sorted, size);
    }

    private void list() {
        if (isWhole) {
            list(Double.NEGATIVE_INFINITY);
        }
    }

    /** Goes over from all tokens to a list of those that have at least this logit, and any chance at all. */
    private void list(double lowest) {
        isWhole = false;
        size = 0;
        sorted = 0;
        for (int id = 0; id < logits.length; id++) {
            float logit = logits[id];
            if (logit >= lowest && logit > Float.NEGATIVE_INFINITY) {
                keys[size++] = Ranking.key(Math.min(logit, Float.MAX_VALUE), id);
            }
        }
        ensureOne();
    }

    /** Where no token has a chance, the first is what remains. */
    private void ensureOne() {
        if (size == 0) {
            keys[size++] = Ranking.key(0, 0);
        }
    }

    private void sort(int wanted) {
        sorted = Ranking.sort(keys, sorted, size, wanted);
    }

    private float max() {
        if (isWhole) {
            return sane(logits[best()]);
        }
        if (sorted > 0) {
            return Ranking.score(keys[0]);
        }
        long best = keys[0];
        for (int i = 1; i < size; i++) {
            best = Math.max(best, keys[i]);
        }
        return Ranking.score(best);
    }

    /** What a penalty leaves of a logit: it takes no token's last chance, and gives none to one that has none. */
    static float lowered(float logit, float penalised) {
        return logit > Float.NEGATIVE_INFINITY ? Math.max(penalised, -Float.MAX_VALUE) : logit;
    }

    private static float sane(float logit) {
        return logit > -Float.MAX_VALUE ? Math.min(logit, Float.MAX_VALUE) : -Float.MAX_VALUE;
    }

    /** The sum of exp(logit - max). */
    private double total(double max) {
        double total = 0;
        for (int i = 0; i < size; i++) {
            total += Math.exp(Ranking.score(keys[i]) - max);
        }
        return total;
    }

    /** In nats. */
    private double entropy() {
        double max = max();
        double logTotal = Math.log(total(max));
        double entropy = 0;
        for (int i = 0; i < size; i++) {
            double surprise = logTotal + max - Ranking.score(keys[i]);
            entropy += Math.exp(-surprise) * surprise;
        }
        return entropy;
    }
}
