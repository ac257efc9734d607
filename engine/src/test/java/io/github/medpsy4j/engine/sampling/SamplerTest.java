package io.github.medpsy4j.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
    private static final int DRAWS = 20_000;

    /** Standard deviations that a count may be off; the seeds are fixed, so a pass stays one. */
    private static final double SIGMAS = 4.5;

    /** Not in order, so that no test passes by position. */
    private static final float[] LOGITS = {0.5f, 2f, -1f, 1f, -3f, 1.5f, 0f, -0.5f};

    private static final SamplingOptions PLAIN = SamplingOptions.builder()
            .temperature(1)
            .topK(0)
            .topP(1)
            .minP(0)
            .seed(42)
            .build();
    private static final int[] NOTHING = {};

    private static double[] softmax(float[] logits, double temperature) {
        double[] p = new double[logits.length];
        double total = 0;
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp(logits[i] / temperature);
            total += p[i];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= total;
        }
        return p;
    }

    /** Zeroes all but these tokens and scales the rest up to 1. */
    private static double[] only(double[] p, int... kept) {
        double[] q = new double[p.length];
        double total = 0;
        for (int id : kept) {
            total += p[id];
        }
        for (int id : kept) {
            q[id] = p[id] / total;
        }
        return q;
    }

    private static void assertDraws(double[] expected, SamplingOptions options) {
        int[] counts = new int[expected.length];
        Sampler sampler = new Sampler(options, LOGITS.length);
        for (int i = 0; i < DRAWS; i++) {
            counts[sampler.sample(LOGITS, 0, NOTHING, 0)]++;
        }
        for (int id = 0; id < counts.length; id++) {
            double mean = DRAWS * expected[id];
            double bound = SIGMAS * Math.sqrt(mean * (1 - expected[id]));
            assertEquals(mean, counts[id], bound, "token " + id + " of " + Arrays.toString(counts));
        }
    }

    @Test
    void drawsFromTheSoftmax() {
        assertDraws(softmax(LOGITS, 1), PLAIN);
    }

    @ParameterizedTest
    @CsvSource({"0.5", "0.8", "2"})
    void temperatureDividesTheLogits(float temperature) {
        assertDraws(softmax(LOGITS, temperature), PLAIN.withTemperature(temperature));
    }

    @Test
    void topKKeepsTheBest() {
        double[] p = softmax(LOGITS, 1);
        assertDraws(only(p, 1), PLAIN.withTopK(1));
        assertDraws(only(p, 1, 5, 3), PLAIN.withTopK(3));
        assertDraws(p, PLAIN.withTopK(8));
        assertDraws(p, PLAIN.withTopK(1000));
    }

    @Test
    void topPKeepsTheBestUntilTheyReachIt() {
        // Probabilities, best first: 0.405 0.245 0.149 0.090 0.055 …
        double[] p = softmax(LOGITS, 1);
        assertDraws(only(p, 1), PLAIN.withTopP(0.35f));
        assertDraws(only(p, 1, 5), PLAIN.withTopP(0.45f));
        assertDraws(only(p, 1, 5, 3), PLAIN.withTopP(0.75f));
        assertDraws(only(p, 1), PLAIN.withTopP(0));
        assertDraws(p, PLAIN.withTopP(1));
    }

    @Test
    void topPCountsWhatTopKLeft() {
        // Of the three best, scaled up to 1: 0.507 0.307 0.186.
        double[] p = softmax(LOGITS, 1);
        assertDraws(only(p, 1), PLAIN.withTopK(3).withTopP(0.45f));
        assertDraws(only(p, 1, 5), PLAIN.withTopK(3).withTopP(0.8f));
    }

    @Test
    void minPKeepsWhatIsNearTheBest() {
        // A logit less by ln 2 = 0.69 is half as probable.
        double[] p = softmax(LOGITS, 1);
        assertDraws(only(p, 1, 5), PLAIN.withMinP(0.5f));
        assertDraws(only(p, 1, 5, 3, 0), PLAIN.withMinP(0.2f));
        assertDraws(only(p, 1, 5), PLAIN.withTopK(5).withMinP(0.5f));
        assertDraws(only(p, 1, 5), PLAIN.withTopP(0.99f).withMinP(0.5f));
        assertDraws(only(p, 1), PLAIN.withMinP(1));
    }

    @Test
    void truncationLooksAtProbabilitiesBeforeTemperature() {
        double[] hot = softmax(LOGITS, 2);
        assertDraws(only(hot, 1, 5), PLAIN.withTemperature(2).withMinP(0.5f));
        assertDraws(only(hot, 1, 5), PLAIN.withTemperature(2).withTopP(0.45f));
    }

    @Test
    void greedyTakesTheBestAndTheSmallerIdOfEquals() {
        Sampler greedy = new Sampler(SamplingOptions.greedy(), 4);
        assertEquals(2, greedy.sample(new float[] {1, 2, 3, 0}, 0, NOTHING, 0));
        assertEquals(1, greedy.sample(new float[] {1, 3, 3, 3}, 0, NOTHING, 0));
        assertEquals(0, greedy.sample(new float[] {-1, -1, -1, -1}, 0, NOTHING, 0));
        assertEquals(3, greedy.sample(new float[] {9, 9, 9, 9, 1, 2, 3, 4}, 4, NOTHING, 0));
        Sampler best = new Sampler(PLAIN.withTopK(1), 4);
        assertEquals(1, best.sample(new float[] {1, 3, 3, 3}, 0, NOTHING, 0));
    }

    @Test
    void equalsAreKeptByTopKFromTheSmallerId() {
        Sampler two = new Sampler(PLAIN.withTopK(2), 4);
        boolean[] seen = new boolean[4];
        for (int i = 0; i < 200; i++) {
            seen[two.sample(new float[] {0, 3, 3, 3}, 0, NOTHING, 0)] = true;
        }
        assertArrayEquals(new boolean[] {false, true, true, false}, seen);
    }

    @Test
    void repeatPenaltyDividesPositiveAndMultipliesNegativeLogits() {
        SamplingOptions options = SamplingOptions.greedy().withRepeatPenalty(2);
        Sampler sampler = new Sampler(options, 3);
        assertEquals(0, sampler.sample(new float[] {2, 1.1f, -9}, 0, NOTHING, 0));
        assertEquals(1, sampler.sample(new float[] {2, 1.1f, -9}, 0, new int[] {0}, 1));
        assertEquals(0, sampler.sample(new float[] {2, 0.9f, -9}, 0, new int[] {0}, 1));
        assertEquals(1, sampler.sample(new float[] {-1, -1.9f, -9}, 0, new int[] {0}, 1));
        assertEquals(0, sampler.sample(new float[] {-1, -2.1f, -9}, 0, new int[] {0}, 1));
        // Once, however often a token stands there, and only as far as the history counts.
        assertEquals(0, sampler.sample(new float[] {2, 0.9f, -9}, 0, new int[] {0, 0, 0, 0}, 4));
        assertEquals(0, sampler.sample(new float[] {2, 1.1f, -9}, 0, new int[] {1, 0}, 1));
        // The penalty of one draw is forgotten by the next.
        assertEquals(0, sampler.sample(new float[] {2, 1.1f, -9}, 0, NOTHING, 0));
    }

    @Test
    void repeatPenaltyReachesAsFarAsItsWindow() {
        float[] logits = {2, 1.5f, 1.4f};
        int[] history = {0, 1, 2};
        assertEquals(0, new Sampler(withWindow(1), 3).sample(logits, 0, history, 3));
        assertEquals(0, new Sampler(withWindow(2), 3).sample(logits, 0, history, 3));
        assertEquals(1, new Sampler(withWindow(-1), 3).sample(logits, 0, new int[] {0, 2, 2}, 3));
        assertEquals(0, new Sampler(withWindow(0), 3).sample(logits, 0, history, 3));
        assertEquals(1, new Sampler(withWindow(100), 3).sample(logits, 0, new int[] {2, 0}, 2));
    }

    private static SamplingOptions withWindow(int window) {
        return SamplingOptions.greedy().toBuilder()
                .repeatPenalty(2)
                .repeatLastN(window)
                .build();
    }

    /** A model's embedding may have more rows than its vocabulary has tokens. */
    @Test
    void repeatPenaltyPassesOverTokensThatCannotBeDrawn() {
        Sampler sampler = new Sampler(SamplingOptions.greedy().withRepeatPenalty(2), 3);
        assertEquals(1, sampler.sample(new float[] {2, 1.1f, -9}, 0, new int[] {7, 0, 3}, 3));
    }

    @Test
    void theSeedFixesTheDraws() {
        assertArrayEquals(draws(PLAIN), draws(PLAIN));
        assertFalse(Arrays.equals(draws(PLAIN), draws(PLAIN.withSeed(43))));
    }

    private static int[] draws(SamplingOptions options) {
        Sampler sampler = new Sampler(options, LOGITS.length);
        int[] ids = new int[100];
        Arrays.setAll(ids, i -> sampler.sample(LOGITS, 0, NOTHING, 0));
        return ids;
    }

    @Test
    void logitsAreLeftAsTheyWere() {
        float[] logits = LOGITS.clone();
        SamplingOptions options = SamplingOptions.defaults(1).withRepeatPenalty(1.5f);
        new Sampler(options, LOGITS.length).sample(logits, 0, new int[] {1, 2}, 2);
        assertArrayEquals(LOGITS, logits);
    }

    @Test
    void drawingAllocatesNothing() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        SamplingOptions all = SamplingOptions.defaults(1).withRepeatPenalty(1.1f);
        SamplingOptions everything = all.toBuilder()
                .topK(0)
                .topNSigma(3)
                .typicalP(0.9f)
                .xtcProbability(0.5f)
                .dynatempRange(0.2f)
                .presencePenalty(0.1f)
                .repeatLastN(-1)
                .dryMultiplier(0.8f)
                .drySequenceBreakers(List.of())
                .logitBias(List.of(LogitBias.ofToken(4, 1)))
                .build();
        Sampler[] samplers = {
            new Sampler(SamplingOptions.greedy(), 1000),
            new Sampler(all, 1000),
            new Sampler(all.withTopK(0), 1000),
            new Sampler(PLAIN, 1000),
            new Sampler(everything, 1000),
            new Sampler(everything.toBuilder().mirostat(2).build(), 1000)
        };
        float[] logits = new float[1000];
        int[] history = new int[1000];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (i * 7919) % 1000 / 100f;
            history[i] = (i * 31) % 1000;
        }
        long before = 0;
        long sum = 0;
        for (int i = 0; i < 300; i++) {
            if (i == 100) {
                before = threads.getCurrentThreadAllocatedBytes();
            }
            for (Sampler sampler : samplers) {
                sum += sampler.sample(logits, 0, history, 1000);
            }
        }
        assertEquals(0, threads.getCurrentThreadAllocatedBytes() - before);
        assertTrue(sum > 0);
    }
}
