package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A real model, Qwen2.5-Coder-0.5B-Instruct in Q4_K_M, against llama.cpp on its weights expanded to floats. */
class RealModelTest {
    private static final String FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
    private static final double TOP1_AGREEMENT_MIN = 0.96;
    private static final double NLL_DIFFERENCE_MAX = 0.02;

    /** Two best logits that lie closer than this may change places. */
    private static final float CLOSE_RACE = 0.4f;

    /** Of a logit, against the exact run's; 0.11 to 0.14 were measured. */
    private static final double LOGIT_DIFFERENCE_MAX = 0.3;

    /** Both engines round activations to 8 bits, each in its own way. */
    private static final double EMBEDDING_COSINE_MIN = 0.995;

    private static final Map<String, Object> GOLDEN = TinyModels.json("/golden/qwen2.5-coder-0.5b.json");
    private static Model model;

    @BeforeAll
    static void load() throws Exception {
        String home = System.getenv("MEDPSY_HOME");
        List<Path> folders = Stream.of(
                        System.getProperty("medpsy.test.models"),
                        System.getenv("MEDPSY_TEST_MODELS"),
                        home == null ? null : home + "/models",
                        System.getProperty("user.home") + "/.cache/medpsy/models")
                .filter(folder -> folder != null && !folder.isEmpty())
                .map(Path::of)
                .toList();
        List<Path> found = folders.stream()
                .map(folder -> folder.resolve(FILE))
                .filter(Files::isRegularFile)
                .toList();
        assumeTrue(!found.isEmpty(), () -> "no " + FILE + " in " + folders + "; ./test --all fetches it");
        model = Model.load(found.getFirst(), LoadOptions.defaults().withContext(512));
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
        }
    }

    @Test
    void theForcedTextIsAsProbableAsTheExactRunSays() {
        Map<?, ?> forced = (Map<?, ?>) GOLDEN.get("forced");
        int[] ids = TinyModels.ints(forced.get("ids"));
        int[] best = TinyModels.ints(forced.get("top1_exact"));
        double[] nll = {0};
        int[] agreeing = {0};
        int n = model.vocabularySize();
        try (Session session = model.session()) {
            session.append(ids, (index, logits, offset) -> {
                agreeing[0] += TinyModels.argmax(logits, offset, n) == best[index] ? 1 : 0;
                if (index + 1 < ids.length) {
                    nll[0] += TinyModels.logSumExp(logits, offset, n) - logits[offset + ids[index + 1]];
                }
            });
        }
        double agreement = agreeing[0] / (double) best.length;
        double exact = ((Number) forced.get("nll_exact")).doubleValue();
        double ours = nll[0] / (ids.length - 1);
        assertTrue(agreement >= TOP1_AGREEMENT_MIN, "agrees on " + agreement);
        assertEquals(exact, ours, NLL_DIFFERENCE_MAX);
    }

    @Test
    void theFirstOtherTokenIsACloseRace() {
        List<String> differences = new ArrayList<>();
        for (Object each : (List<?>) GOLDEN.get("cases")) {
            Map<?, ?> one = (Map<?, ?>) each;
            int[] prompt = TinyModels.ints(one.get("ids"));
            int[] greedy = TinyModels.ints(one.get("greedy_exact"));
            int[] all = Arrays.copyOf(prompt, prompt.length + greedy.length);
            System.arraycopy(greedy, 0, all, prompt.length, greedy.length);
            int n = model.vocabularySize();
            boolean[] differed = {false};
            try (Session session = model.session()) {
                session.append(all, (index, logits, offset) -> {
                    int at = index - prompt.length + 1;
                    if (at < 0 || at >= greedy.length || differed[0]) {
                        return;
                    }
                    if (at == 0) {
                        checkBest((List<?>) one.get("top20"), logits, offset, differences);
                    }
                    if (TinyModels.argmax(logits, offset, n) != greedy[at]) {
                        differed[0] = true;
                        float lead = TinyModels.lead(logits, offset, n);
                        if (lead > CLOSE_RACE) {
                            differences.add(one.get("prompt") + ": token " + at + ": another leads by " + lead);
                        }
                    }
                });
            }
        }
        assertEquals(List.of(), differences);
    }

    @Test
    void aFurtherTurnComputesItsOwnTokensOnly() throws Exception {
        ChatOptions options = ChatOptions.builder()
                .sampling(SamplingOptions.greedy())
                .maxTokens(24)
                .build();
        try (Chat chat = model.chat(options)) {
            Generation past = chat.send("What is aspirin used for? One sentence.", t -> true)
                    .generation();
            for (String question : List.of("And ibuprofen?", "Which of them is older?")) {
                Generation next = chat.send(question, t -> true).generation();
                // What was drawn last, the end or not, has not been computed.
                assertEquals(past.promptTokens() + past.generatedTokens() - 1, next.reusedTokens());
                past = next;
            }
        }
    }

    @Test
    void embeddingsAreLlamaCppsWithinTheWeightsNoise() throws Exception {
        for (Map<String, Object> golden : EmbeddingTest.golden("real")) {
            List<String> texts = ((List<?>) golden.get("texts"))
                    .stream().map(String.class::cast).toList();
            List<?> ids = (List<?>) golden.get("ids");
            List<?> expected = (List<?>) golden.get("vectors");
            List<float[]> vectors =
                    model.embed(texts, EmbeddingOptions.defaults().withPooling(EmbeddingTest.pooling(golden)));
            for (int i = 0; i < texts.size(); i++) {
                assertArrayEquals(TinyModels.ints(ids.get(i)), model.embeddingTokens(texts.get(i)));
                double cosine = EmbeddingTest.cosine(vectors.get(i), (List<?>) expected.get(i));
                assertTrue(cosine > EMBEDDING_COSINE_MIN, golden.get("pooling") + ", text " + i + ": cosine " + cosine);
            }
        }
    }

    private static void checkBest(List<?> expected, float[] logits, int offset, List<String> differences) {
        double max = 0;
        for (Object each : expected) {
            List<?> pair = (List<?>) each;
            int id = ((Number) pair.get(0)).intValue();
            max = Math.max(max, Math.abs(((Number) pair.get(1)).doubleValue() - logits[offset + id]));
        }
        if (max > LOGIT_DIFFERENCE_MAX) {
            differences.add("the 20 best logits differ by up to " + max);
        }
    }
}
