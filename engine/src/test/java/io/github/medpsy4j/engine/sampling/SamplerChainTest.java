package io.github.medpsy4j.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.Vocabularies;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The chain of samplers against the definitions, against llama.cpp, and under hostile logits. */
class SamplerChainTest {
    private static final int DRAWS = 20_000;

    /** A test of this kind fails by chance once in a million seeds; these are fixed. */
    private static final double NORMAL_QUANTILE = 4.75;

    /** A single precision's worth of logits, in probability. */
    private static final double ROUNDING = 2e-5;

    private static final SamplingOptions PLAIN = SamplingOptions.builder()
            .temperature(1)
            .topK(0)
            .topP(1)
            .minP(0)
            .drySequenceBreakers(List.of())
            .build();

    private static final int[] NOTHING = {};

    private static double[] probabilities(Candidates candidates, int vocabulary) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < candidates.size(); i++) {
            max = Math.max(max, candidates.logit(i));
        }
        double[] p = new double[vocabulary];
        double total = 0;
        for (int i = 0; i < candidates.size(); i++) {
            total += Math.exp(candidates.logit(i) - max);
        }
        for (int i = 0; i < candidates.size(); i++) {
            p[candidates.id(i)] += Math.exp(candidates.logit(i) - max) / total;
        }
        return p;
    }

    private static float[] gaussian(Random random, int n, double scale) {
        float[] logits = new float[n];
        for (int i = 0; i < n; i++) {
            logits[i] = (float) (scale * random.nextGaussian());
        }
        return logits;
    }

    private static SamplingOptions randomOptions(Random random) {
        List<SamplerType> order = new ArrayList<>(SamplerType.defaultOrder());
        if (random.nextBoolean()) {
            Collections.shuffle(order, random);
            order = order.subList(0, 1 + random.nextInt(order.size()));
        }
        SamplingOptions.Builder b = PLAIN.toBuilder().samplers(order).temperature(0.2f + 2 * random.nextFloat());
        if (random.nextInt(3) == 0) {
            b.dynatempRange(random.nextFloat()).dynatempExponent(0.5f + random.nextFloat());
        }
        if (random.nextInt(3) == 0) {
            b.topNSigma(0.5f + 2 * random.nextFloat());
        }
        if (random.nextBoolean()) {
            b.topK(1 + random.nextInt(300));
        }
        if (random.nextInt(3) == 0) {
            b.typicalP(random.nextFloat());
        }
        if (random.nextBoolean()) {
            b.topP(random.nextFloat());
        }
        if (random.nextBoolean()) {
            b.minP(0.3f * random.nextFloat());
        }
        if (random.nextInt(3) == 0) {
            b.xtcProbability(1).xtcThreshold(0.01f + 0.4f * random.nextFloat());
        }
        if (random.nextInt(3) == 0) {
            b.repeatPenalty(1 + random.nextFloat())
                    .presencePenalty(random.nextFloat() - 0.5f)
                    .frequencyPenalty(random.nextFloat() - 0.5f)
                    .repeatLastN(random.nextInt(80) - 1);
        }
        if (random.nextInt(3) == 0) {
            b.dryMultiplier(random.nextFloat())
                    .dryAllowedLength(random.nextInt(4))
                    .dryPenaltyLastN(random.nextInt(80) - 1);
        }
        if (random.nextInt(3) == 0) {
            b.logitBias(List.of(LogitBias.ofToken(0, 3), LogitBias.ofToken(1, Float.NEGATIVE_INFINITY)));
        }
        return b.build();
    }

    @Test
    void anyChainLeavesTheDistributionOfTheDefinitions() {
        Random random = new Random(12);
        for (int i = 0; i < 400; i++) {
            int vocabulary = 3 + random.nextInt(random.nextBoolean() ? 20 : 2000);
            SamplingOptions options = randomOptions(random);
            float[] logits = gaussian(random, vocabulary, 3);
            if (random.nextInt(4) == 0) {
                logits[random.nextInt(vocabulary)] = Float.NEGATIVE_INFINITY;
            }
            int few = 1 + random.nextInt(4); // so that stretches repeat
            int[] history = random.ints(random.nextInt(100), 0, Math.min(vocabulary, few))
                    .toArray();
            double[] expected = ReferenceSampler.probabilities(options, logits, history);
            Sampler sampler = new Sampler(options, vocabulary);
            double[] actual = probabilities(sampler.choose(logits, 0, history, history.length), vocabulary);
            assertArrayEquals(expected, actual, ROUNDING, i + ": " + options.describe() + ", " + vocabulary);
        }
    }

    /** The draws follow the distribution, over all settings alone and in company. */
    @ParameterizedTest
    @MethodSource("settings")
    void drawsFollowTheDistribution(SamplingOptions options) {
        float[] logits = gaussian(new Random(3), 30, 1.5);
        int[] history = {4, 1, 2, 4, 1, 2, 4, 1, 7, 7, 9};
        SamplingOptions certain = options.toBuilder()
                .xtcProbability(options.xtcProbability() > 0 ? 1 : 0)
                .build();
        SamplingOptions never = options.toBuilder().xtcProbability(0).build();
        double[] with = ReferenceSampler.probabilities(certain, logits, history);
        double[] without = ReferenceSampler.probabilities(never, logits, history);
        double[] expected = new double[logits.length];
        Arrays.setAll(
                expected, id -> options.xtcProbability() * with[id] + (1 - options.xtcProbability()) * without[id]);
        Sampler sampler = new Sampler(options, logits.length);
        int[] counts = new int[logits.length];
        for (int i = 0; i < DRAWS; i++) {
            counts[sampler.sample(logits, 0, history, history.length)]++;
        }
        assertChiSquare(expected, counts);
    }

    static List<SamplingOptions> settings() {
        SamplingOptions.Builder b = PLAIN.toBuilder().seed(77);
        return List.of(
                b.build(),
                PLAIN.toBuilder().temperature(0.6f).topK(20).topP(0.95f).build(),
                PLAIN.toBuilder().temperature(1.7f).build(),
                PLAIN.toBuilder().dynatempRange(0.6f).dynatempExponent(1.5f).build(),
                PLAIN.toBuilder().topNSigma(1).build(),
                PLAIN.toBuilder().topK(7).build(),
                PLAIN.toBuilder().typicalP(0.7f).build(),
                PLAIN.toBuilder().topP(0.7f).build(),
                PLAIN.toBuilder().minP(0.1f).build(),
                PLAIN.toBuilder().xtcProbability(0.4f).xtcThreshold(0.05f).build(),
                PLAIN.toBuilder().repeatPenalty(1.4f).build(),
                PLAIN.toBuilder().presencePenalty(0.8f).build(),
                PLAIN.toBuilder().frequencyPenalty(0.3f).repeatLastN(5).build(),
                PLAIN.toBuilder().dryMultiplier(0.9f).build(),
                PLAIN.toBuilder().logitBias(List.of(LogitBias.ofToken(3, 2))).build(),
                PLAIN.toBuilder().samplers(List.of()).temperature(0.1f).build());
    }

    /** By Wilson and Hilferty's approximation; what is expected less than 8 times is counted together. */
    private static void assertChiSquare(double[] expected, int[] counts) {
        double sum = 0;
        int cells = 0;
        double rareExpected = 0;
        int rareCount = 0;
        for (int id = 0; id < counts.length; id++) {
            double mean = DRAWS * expected[id];
            assertTrue(mean > 0 || counts[id] == 0, "token " + id + " cannot be drawn");
            if (mean < 8) {
                rareExpected += mean;
                rareCount += counts[id];
            } else {
                sum += (counts[id] - mean) * (counts[id] - mean) / mean;
                cells++;
            }
        }
        if (rareExpected > 0) {
            sum += (rareCount - rareExpected) * (rareCount - rareExpected) / Math.max(rareExpected, 1);
            cells++;
        }
        double freedom = Math.max(1, cells - 1);
        double variance = 2 / (9 * freedom);
        double bound = freedom * Math.pow(1 - variance + NORMAL_QUANTILE * Math.sqrt(variance), 3);
        assertTrue(sum < bound, "chi-square " + sum + " over " + freedom + " degrees of freedom");
    }

    @Test
    void everyDistributionIsThatOfLlamaCpp() throws Exception {
        Tokenizer tokenizer = tinyTokenizer();
        List<Object> cases;
        try (InputStream in = SamplerChainTest.class.getResourceAsStream("/sampling/llama-cpp.json")) {
            cases = JSON.std.listFrom(in);
        }
        int penalised = 0;
        for (Object each : cases) {
            Map<?, ?> map = (Map<?, ?>) each;
            SamplingOptions options = optionsOf((List<?>) map.get("chain"));
            float[] logits = logitsOf(map);
            int[] history = ((List<?>) map.get("history"))
                    .stream().mapToInt(id -> ((Number) id).intValue()).toArray();
            double[] expected = new double[logits.length];
            ((Map<?, ?>) map.get("probabilities"))
                    .forEach((id, p) -> expected[Integer.parseInt((String) id)] = ((Number) p).doubleValue());
            Sampler sampler = logits.length == tokenizer.vocabulary().size()
                    ? new Sampler(options, tokenizer)
                    : new Sampler(options, logits.length);
            double[] actual = probabilities(sampler.choose(logits, 0, history, history.length), logits.length);
            assertArrayEquals(expected, actual, ROUNDING, map.get("chain") + " after " + map.get("history"));
            if (options.acts(SamplerType.DRY)) {
                double[] plain =
                        probabilities(new Sampler(PLAIN, logits.length).choose(logits, 0, NOTHING, 0), logits.length);
                penalised += Arrays.mismatch(plain, actual) >= 0 ? 1 : 0;
            }
        }
        assertTrue(cases.size() > 100, "cases: " + cases.size());
        assertTrue(penalised >= 10, "only " + penalised + " of DRY's cases repeat anything");
    }

    private static float[] logitsOf(Map<?, ?> map) {
        if (map.get("logits") instanceof List<?> list) {
            float[] logits = new float[list.size()];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = ((Number) list.get(i)).floatValue();
            }
            return logits;
        }
        float[] logits = new float[(int) map.get("vocabulary")];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        ((Map<?, ?>) map.get("finite"))
                .forEach((id, logit) -> logits[Integer.parseInt((String) id)] = ((Number) logit).floatValue());
        return logits;
    }

    private static SamplingOptions optionsOf(List<?> chain) {
        SamplingOptions.Builder b = PLAIN.toBuilder();
        List<SamplerType> order = new ArrayList<>();
        for (Object each : chain) {
            List<?> step = (List<?>) each;
            SamplerType type = SamplerType.parseOrder((String) step.getFirst()).getFirst();
            order.add(type);
            switch (type) {
                case PENALTIES ->
                    b.repeatLastN((int) step.get(1))
                            .repeatPenalty(real(step, 2))
                            .frequencyPenalty(real(step, 3))
                            .presencePenalty(real(step, 4));
                case DRY ->
                    b.dryMultiplier(real(step, 1))
                            .dryBase(real(step, 2))
                            .dryAllowedLength((int) step.get(3))
                            .dryPenaltyLastN((int) step.get(4))
                            .drySequenceBreakers(((List<?>) step.get(5))
                                    .stream().map(String.class::cast).toList());
                case TOP_N_SIGMA -> b.topNSigma(real(step, 1));
                case TOP_K -> b.topK((int) step.get(1));
                case TYPICAL_P -> b.typicalP(real(step, 1));
                case TOP_P -> b.topP(real(step, 1));
                case MIN_P -> b.minP(real(step, 1));
                case XTC -> b.xtcProbability(1).xtcThreshold(real(step, 1));
                case TEMPERATURE ->
                    b.temperature(real(step, 1)).dynatempRange(real(step, 2)).dynatempExponent(real(step, 3));
            }
        }
        return b.samplers(order).build();
    }

    private static float real(List<?> step, int i) {
        return ((Number) step.get(i)).floatValue();
    }

    private static Tokenizer tinyTokenizer() throws Exception {
        Path tiny = Path.of(SamplerChainTest.class
                .getResource("/golden/tiny/tiny-q4_k_m.gguf")
                .toURI());
        try (GgufFile file = GgufFile.open(tiny)) {
            return Vocabularies.tokenizer(file);
        }
    }

    @Test
    void aBiasOfATextIsThatOfItsTokens() throws Exception {
        Tokenizer tokenizer = tinyTokenizer();
        int[] ids = tokenizer.encode("the end");
        SamplingOptions options = SamplingOptions.greedy().toBuilder()
                .logitBias(List.of(LogitBias.ofText("the end", 2), LogitBias.ofText("<|im_end|>", 5)))
                .build();
        float[] logits = new float[tokenizer.vocabulary().size()];
        Candidates candidates = new Sampler(options, tokenizer).choose(logits, 0, NOTHING, 0);
        for (int id = 0; id < logits.length; id++) {
            int wanted = id;
            float expected = Arrays.stream(ids).anyMatch(each -> each == wanted) ? 2 : id == 1019 ? 5 : 0;
            assertEquals(expected, candidates.logit(id), "token " + id);
        }
    }

    /** Mirostat's surprise is what it aims at, where the distribution allows it. */
    @ParameterizedTest
    @CsvSource({"1.5", "3", "4"})
    void mirostatKeepsTheSurpriseItAimsAt(float tau) {
        Random random = new Random(5);
        SamplingOptions options =
                PLAIN.toBuilder().mirostat(2).mirostatTau(tau).seed(9).build();
        Sampler sampler = new Sampler(options, 300);
        SplittableRandom same = new SplittableRandom(9);
        double surpriseMax = 2 * tau;
        double sum = 0;
        int steps = 1500;
        for (int i = 0; i < steps; i++) {
            float[] logits = gaussian(random, 300, 1.5);
            int id = sampler.sample(logits, 0, NOTHING, 0);
            double[] p = ReferenceSampler.probabilities(PLAIN, logits, NOTHING);
            double kept = 0;
            for (double each : p) {
                kept += -Math.log(each) / Math.log(2) <= surpriseMax ? each : 0;
            }
            double best = Arrays.stream(p).max().orElseThrow();
            kept = Math.max(kept, best);
            double point = same.nextDouble() * kept;
            double before = 0;
            for (int j = 0; j < id; j++) {
                before += -Math.log(p[j]) / Math.log(2) <= surpriseMax ? p[j] : 0;
            }
            assertTrue(before - 1e-4 <= point && point <= before + p[id] + 1e-4, "draw " + i);
            double surprise = -Math.log(p[id] / kept) / Math.log(2);
            surpriseMax -= options.mirostatEta() * (surprise - tau);
            sum += surprise;
        }
        assertEquals(tau, sum / steps, 0.05 * tau);
    }

    @Test
    void greedyIsNeitherTruncatedNorMovedByChance() {
        SamplingOptions options = PLAIN.toBuilder()
                .temperature(0)
                .xtcProbability(1)
                .typicalP(0.1f)
                .dynatempRange(1)
                .mirostat(2)
                .build();
        Sampler sampler = new Sampler(options, 4);
        for (int i = 0; i < 20; i++) {
            assertEquals(2, sampler.sample(new float[] {1, 2, 3, 0}, 0, NOTHING, 0));
        }
    }

    @Test
    void aTemperatureThatIsNotInTheChainDoesNotAct() {
        SamplingOptions options = PLAIN.toBuilder()
                .temperature(0)
                .samplers(List.of(SamplerType.TOP_K))
                .build();
        assertArrayEquals(
                ReferenceSampler.probabilities(PLAIN, new float[] {1, 2, 3}, NOTHING),
                probabilities(new Sampler(options, 3).choose(new float[] {1, 2, 3}, 0, NOTHING, 0), 3),
                ROUNDING);
    }

    static List<SamplingOptions> everything() {
        Random random = new Random(1);
        List<SamplingOptions> all = new ArrayList<>(settings());
        for (int i = 0; i < 100; i++) {
            all.add(randomOptions(random));
        }
        all.add(PLAIN.toBuilder().mirostat(2).build());
        all.add(SamplingOptions.greedy());
        all.add(SamplingOptions.greedy().withRepeatPenalty(1.5f));
        all.add(PLAIN.withTemperature(1e-30f));
        all.add(PLAIN.withTopK(Integer.MAX_VALUE));
        all.add(PLAIN.toBuilder().dynatempRange(1).topK(1).build());
        return all;
    }

    /** Whatever a broken model computes, the draw is a token, and one that has a chance if any has. */
    @Test
    void hostileLogitsYieldATokenThatHasAChance() {
        float inf = Float.POSITIVE_INFINITY;
        float nan = Float.NaN;
        float max = Float.MAX_VALUE;
        float[][] rows = {
            {nan, nan, nan, nan, nan},
            {-inf, -inf, -inf, -inf, -inf},
            {nan, -inf, 2, nan, -inf},
            {nan, -inf, -max, nan, -inf},
            {inf, 1, inf, nan, -inf},
            {max, -max, max, -max, 0},
            {0, 0, 0, 0, 0},
            {1e-40f, -1e-40f, -0f, 0, Float.MIN_VALUE}
        };
        for (SamplingOptions options : everything()) {
            SamplingOptions plain =
                    options.toBuilder().logitBias(List.of()).dryMultiplier(0).build();
            for (float[] row : rows) {
                Sampler sampler = new Sampler(plain, row.length);
                for (int i = 0; i < 5; i++) {
                    int id = sampler.sample(row, 0, new int[] {0, 1, 2, 3, 4, 9, 2, 2}, 8);
                    boolean someHaveAChance = false;
                    for (float logit : row) {
                        someHaveAChance |= logit > -inf;
                    }
                    assertTrue(
                            someHaveAChance ? row[id] > -inf : id == 0,
                            plain.describe() + " drew " + id + " of " + Arrays.toString(row));
                }
            }
        }
    }

    @Test
    void aVocabularyOfOneHasOneAnswer() {
        for (SamplingOptions options : everything()) {
            SamplingOptions plain = options.toBuilder().logitBias(List.of()).build();
            Sampler sampler = new Sampler(plain, 1);
            for (float logit : new float[] {0, -5, Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY}) {
                assertEquals(0, sampler.sample(new float[] {logit}, 0, new int[] {0, 0, 0, 0}, 4));
            }
        }
    }

    /** Sorting in parts gives what sorting gives, also where all are equal or in order already. */
    @Test
    void theBestAreFoundInAnyOrder() {
        Random random = new Random(8);
        for (int n : new int[] {1, 2, 31, 32, 33, 64, 1000, 5000}) {
            float[][] rows = {gaussian(random, n, 1), new float[n], new float[n], new float[n]};
            for (int i = 0; i < n; i++) {
                rows[1][i] = i;
                rows[2][i] = -i;
                rows[3][i] = i % 3;
            }
            for (float[] row : rows) {
                Long[] expected = new Long[n];
                long[] keys = new long[n];
                for (int i = 0; i < n; i++) {
                    keys[i] = Ranking.key(row[i], i);
                    expected[i] = keys[i];
                    assertEquals(row[i] + 0f, Ranking.score(keys[i]));
                    assertEquals(i, Ranking.index(keys[i]));
                }
                Arrays.sort(expected, Collections.reverseOrder());
                int sorted = 0;
                while (sorted < n) {
                    sorted = Ranking.sort(keys, sorted, n, sorted + 1 + random.nextInt(n));
                }
                assertArrayEquals(Arrays.stream(expected).mapToLong(key -> key).toArray(), keys);
                int k = 1 + random.nextInt(Math.min(n, 1000));
                int found = Ranking.best(row, k, keys);
                assertEquals(k, found);
                for (int i = 0; i < k; i++) {
                    assertEquals(expected[i], keys[i]);
                }
            }
        }
    }

    @Test
    void theOrderOfActingSamplersIsTold() {
        assertEquals(
                "top-k 20 -> top-p 0.95 -> temp 0.6 -> draw with seed 42",
                PLAIN.toBuilder()
                        .topK(20)
                        .topP(0.95f)
                        .temperature(0.6f)
                        .seed(42)
                        .build()
                        .describe());
        assertEquals(
                "logit-bias 1 -> penalties (repeat 1.1, presence 0, frequency 0, last 64) -> dry (multiplier 0.8, "
                        + "base 1.75, allowed length 2, last all) -> temp 0 -> the best token",
                SamplingOptions.defaults(1).toBuilder()
                        .temperature(0)
                        .repeatPenalty(1.1f)
                        .dryMultiplier(0.8f)
                        .logitBias(List.of(LogitBias.ofToken(1, 1)))
                        .build()
                        .describe());
        assertEquals(
                "temp 0.8 +- 0.5 (exponent 1) -> mirostat 2 (tau 5, eta 0.1) -> draw with seed 0",
                SamplingOptions.builder()
                        .mirostat(2)
                        .dynatempRange(0.5f)
                        .build()
                        .describe());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "15043+1|15043|''|1|15043+1",
                "15043-inf|15043|''|-Infinity|15043-inf",
                "7-.5|7|''|-0.5|7-0.5",
                "hello-2.5|-1|hello|-2.5|\"hello\"-2.5",
                "a-b+3|-1|a-b|3|\"a-b\"+3",
                "\"12\"-1|-1|12|-1|\"12\"-1",
                "-5|0|''|0|",
            })
    void biasesAreReadAndShown(String text, int token, String spelled, float bias, String shown) {
        if (shown == null) {
            assertThrows(IllegalArgumentException.class, () -> LogitBias.parse(text));
            return;
        }
        LogitBias parsed = LogitBias.parse(text);
        assertEquals(new LogitBias(token, spelled, bias), parsed);
        assertEquals(shown, parsed.toString());
    }

    @Test
    void ordersAreReadAndShown() {
        String all = "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature";
        assertEquals(SamplerType.defaultOrder(), SamplerType.parseOrder(all));
        assertEquals(all, SamplerType.format(SamplerType.defaultOrder()));
        assertEquals(
                List.of(SamplerType.TEMPERATURE, SamplerType.TYPICAL_P, SamplerType.TOP_P, SamplerType.MIN_P),
                SamplerType.parseOrder("temp; typical ;nucleus;min-p"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "temperature|-1|temp: expected 0 to 100, got -1",
                "temperature|NaN|temp: expected 0 to 100, got NaN",
                "topK|-1|top-k: expected at least 0, got -1",
                "topP|1.5|top-p: expected 0 to 1, got 1.5",
                "minP|-0.5|min-p: expected 0 to 1, got -0.5",
                "typicalP|2|typical-p: expected 0 to 1, got 2",
                "topNSigma|-1|top-n-sigma: expected 0 to 100, got -1",
                "xtcProbability|2|xtc-probability: expected 0 to 1, got 2",
                "xtcThreshold|-1|xtc-threshold: expected 0 to 1, got -1",
                "dynatempRange|-1|dynatemp-range: expected 0 to 100, got -1",
                "dynatempExponent|0|dynatemp-exp: expected above 0 and at most 100, got 0",
                "repeatPenalty|0|repeat-penalty: expected above 0 and at most 100, got 0",
                "presencePenalty|101|presence-penalty: expected -100 to 100, got 101",
                "frequencyPenalty|Infinity|frequency-penalty: expected -100 to 100, got Infinity",
                "repeatLastN|-2|repeat-last-n: expected at least -1, got -2",
                "dryMultiplier|-1|dry-multiplier: expected 0 to 100, got -1",
                "dryBase|0.5|dry-base: expected 1 to 100, got 0.5",
                "dryAllowedLength|-1|dry-allowed-length: expected at least 0, got -1",
                "dryPenaltyLastN|-2|dry-penalty-last-n: expected at least -1, got -2",
                "mirostat|1|mirostat: expected 0 or 2, got 1",
                "mirostatTau|0|mirostat-tau: expected above 0 and at most 100, got 0",
                "mirostatEta|-1|mirostat-eta: expected 0 to 10, got -1",
            })
    void refusesOptionsOutOfRange(String setter, String value, String message) throws Exception {
        SamplingOptions.Builder b = SamplingOptions.builder();
        for (java.lang.reflect.Method method : SamplingOptions.Builder.class.getMethods()) {
            if (method.getName().equals(setter)) {
                boolean isInt = method.getParameterTypes()[0] == int.class;
                method.invoke(b, isInt ? (Object) Integer.valueOf(value) : (Object) Float.valueOf(value));
            }
        }
        assertEquals(
                message, assertThrows(IllegalArgumentException.class, b::build).getMessage());
    }

    @Test
    void refusesWhatNeedsTheTokensTexts() {
        assertEquals(
                "dry-sequence-breaker: expected none without a tokenizer, got 4",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new Sampler(
                                        SamplingOptions.builder()
                                                .dryMultiplier(1)
                                                .build(),
                                        10))
                        .getMessage());
        assertEquals(
                "logit-bias: expected token ids without a tokenizer, got 'x'",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new Sampler(
                                        PLAIN.toBuilder()
                                                .logitBias(List.of(LogitBias.ofText("x", 1)))
                                                .build(),
                                        10))
                        .getMessage());
        assertEquals(
                "logit-bias: expected a token id below 10, got 10",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new Sampler(
                                        PLAIN.toBuilder()
                                                .logitBias(List.of(LogitBias.ofToken(10, 1)))
                                                .build(),
                                        10))
                        .getMessage());
    }
}
