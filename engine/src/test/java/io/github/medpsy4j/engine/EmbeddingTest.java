package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.EmbeddingOptions.Pooling;
import io.github.medpsy4j.engine.LoadOptions.WeightLayout;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddingTest {
    /** What remains is our KV cache in halves; llama.cpp's is in floats here. */
    private static final double COSINE_DISTANCE_MAX = 1e-5;

    static List<Map<String, Object>> golden(String model) throws IOException {
        try (InputStream in = EmbeddingTest.class.getResourceAsStream("/golden/embeddings.json")) {
            List<Map<String, Object>> cases = new ArrayList<>();
            for (Object each : JSON.std.listFrom(in)) {
                Map<String, Object> map = new LinkedHashMap<>();
                ((Map<?, ?>) each).forEach((key, value) -> map.put((String) key, value));
                if (model.equals(map.get("model"))) {
                    cases.add(map);
                }
            }
            assertEquals(2, cases.size(), "mean and last");
            return cases;
        }
    }

    static Pooling pooling(Map<String, Object> golden) {
        return Pooling.valueOf(((String) golden.get("pooling")).toUpperCase(Locale.ROOT));
    }

    static double cosine(float[] a, List<?> b) {
        assertEquals(b.size(), a.length);
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            double y = ((Number) b.get(i)).doubleValue();
            dot += a[i] * y;
            aa += a[i] * (double) a[i];
            bb += y * y;
        }
        return dot / Math.sqrt(aa * bb);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-normal", "qwen2-biases", "qwen3-yarn"})
    void vectorsAreLlamaCpps(String name) throws Exception {
        for (Map<String, Object> golden : golden(name)) {
            List<int[]> ids =
                    ((List<?>) golden.get("ids")).stream().map(TinyModels::ints).toList();
            List<?> expected = (List<?>) golden.get("vectors");
            for (boolean scalar : new boolean[] {false, true}) {
                try (Model model = Model.load(
                        TinyModels.resource("/golden/rope/" + name + ".gguf"),
                        LoadOptions.defaults().withThreads(2).withScalar(scalar))) {
                    List<float[]> vectors =
                            model.embedTokens(ids, EmbeddingOptions.defaults().withPooling(pooling(golden)));
                    for (int i = 0; i < ids.size(); i++) {
                        double cosine = cosine(vectors.get(i), (List<?>) expected.get(i));
                        assertTrue(
                                cosine > 1 - COSINE_DISTANCE_MAX,
                                name + ", " + golden.get("pooling") + ", text " + i + ": cosine " + cosine);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Pooling.class)
    void companyThreadsAndPiecesChangeNoBit(Pooling pooling) throws IOException {
        List<int[]> texts = new ArrayList<>();
        for (int length : new int[] {1, 77, 3, 300, 5, 512, 64, 2, 129, 1, 1, 9, 40, 12, 7, 30, 30, 2, 18, 500, 6}) {
            int seed = texts.size();
            int[] ids = new int[length];
            Arrays.setAll(ids, i -> (i * 7919 + seed * 31) % TinyModels.VOCABULARY);
            texts.add(ids);
        }
        EmbeddingOptions options = new EmbeddingOptions(pooling, false);
        for (WeightLayout layout : List.of(WeightLayout.PACKED, WeightLayout.MAPPED)) {
            List<float[]> alone = new ArrayList<>();
            LoadOptions load = LoadOptions.defaults().withWeights(layout);
            try (Model model = TinyModels.load("q4_k_m", load.withThreads(1))) {
                texts.forEach(ids ->
                        alone.add(model.embedTokens(List.of(ids), options).getFirst()));
            }
            try (Model model = TinyModels.load("q4_k_m", load.withThreads(2))) {
                for (int rows : new int[] {512, 100, 7}) {
                    List<float[]> together = model.embedTokens(texts, options, () -> rows, () -> true);
                    for (int i = 0; i < texts.size(); i++) {
                        assertArrayEquals(
                                alone.get(i), together.get(i), layout + ", batches of " + rows + ", text " + i);
                    }
                }
            }
        }
    }

    @Test
    void normalizedVectorsHaveLengthOneAndTheSameDirection() throws IOException {
        try (Model model = TinyModels.load("q8_0")) {
            List<String> texts = List.of("the cat", "a much longer text about the same cat, and another");
            List<float[]> plain = model.embed(texts, EmbeddingOptions.defaults().withNormalized(false));
            List<float[]> unit = model.embed(texts, EmbeddingOptions.defaults());
            for (int i = 0; i < texts.size(); i++) {
                assertEquals(model.embeddingLength(), plain.get(i).length);
                double norm = norm(plain.get(i));
                assertTrue(Math.abs(norm - 1) > 0.1, "norm " + norm);
                assertEquals(1, norm(unit.get(i)), 1e-6);
                assertEquals(plain.get(i)[3] / norm, unit.get(i)[3], 1e-6);
            }
        }
    }

    private static double norm(float[] vector) {
        double squares = 0;
        for (float each : vector) {
            squares += each * (double) each;
        }
        return Math.sqrt(squares);
    }

    @Test
    void theLastTokensVectorGivesItsLogits() throws IOException {
        // The mean of a text of one token is its last token; its hidden state is what the logits are made of.
        try (Model model = TinyModels.load("q8_0")) {
            float[] mean = model.embedTokens(List.of(new int[] {17}), new EmbeddingOptions(Pooling.MEAN, false))
                    .getFirst();
            float[] last = model.embedTokens(List.of(new int[] {17}), new EmbeddingOptions(Pooling.LAST, false))
                    .getFirst();
            assertArrayEquals(mean, last);
        }
    }

    @Test
    void specialTokensInATextStayText() throws IOException {
        try (Model model = TinyModels.load("q8_0")) {
            assertTrue(model.embeddingTokens("<|im_end|>").length > 1);
            assertArrayEquals(model.tokenizer().encode("a text"), model.embeddingTokens("a text"));
        }
    }

    @Test
    void textsThatCannotBeEmbeddedAreRefusedByTheirPlace() throws IOException {
        try (Model model = TinyModels.load("q8_0")) {
            EmbeddingOptions options = EmbeddingOptions.defaults();
            ContextFullException tooLong = assertThrows(
                    ContextFullException.class, () -> model.embedTokens(List.of(new int[] {1}, new int[513]), options));
            assertEquals("text 1 needs 513 tokens, the context holds 512", tooLong.getMessage());
            assertEquals(513, tooLong.tokens());
            assertEquals(
                    "text 0: it has no tokens",
                    assertThrows(IllegalArgumentException.class, () -> model.embed(List.of(""), options))
                            .getMessage());
            assertEquals(
                    "text 0, token 1: expected an id from 0 to 1023, got 1024",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> model.embedTokens(List.of(new int[] {1, 1024}), options))
                            .getMessage());
            assertEquals(List.of(), model.embed(List.of(), options));
        }
    }

    @Test
    void anInterruptedThreadStopsBetweenBatches() throws IOException {
        try (Model model = TinyModels.load("q8_0")) {
            Thread.currentThread().interrupt();
            CancellationException stopped = assertThrows(
                    CancellationException.class, () -> model.embed(List.of("a", "b"), EmbeddingOptions.defaults()));
            assertTrue(Thread.interrupted());
            assertEquals("stopped after 0 of 2 texts", stopped.getMessage());
        }
    }

    @Test
    void aClosedModelEmbedsNothing() throws IOException {
        Model model = TinyModels.load("q8_0");
        model.close();
        assertEquals(
                "the model is closed",
                assertThrows(
                                IllegalStateException.class,
                                () -> model.embedTokens(List.of(new int[] {1}), EmbeddingOptions.defaults()))
                        .getMessage());
    }

    @Test
    void aSchedulersRequestsAndEmbeddingsTakeTurns() throws Exception {
        EmbeddingOptions options = EmbeddingOptions.defaults();
        List<int[]> texts = List.of(new int[300], new int[] {1, 2, 3}, new int[77]);
        try (Model model = TinyModels.load("q8_0")) {
            List<float[]> expected = model.embedTokens(texts, options);
            Scheduler scheduler = Scheduler.start(
                    model, SchedulerOptions.defaults().withSlots(2).withStallMillisMax(0));
            Completion completion =
                    scheduler.submit(Request.continuation(new int[] {5, 6, 7}, SamplingOptions.greedy(), 200, List.of())
                            .build());
            for (int round = 0; round < 3; round++) {
                List<float[]> vectors = scheduler.embedTokens(texts, options);
                for (int i = 0; i < texts.size(); i++) {
                    assertArrayEquals(expected.get(i), vectors.get(i));
                }
            }
            completion.await();
            int[] batches = {0};
            CancellationException stopped = assertThrows(
                    CancellationException.class,
                    () -> scheduler.embedTokens(List.of(new int[512], new int[512]), options, () -> batches[0]++ < 1));
            assertEquals("stopped after 1 of 2 texts", stopped.getMessage());
            scheduler.close();
            assertEquals(
                    "the scheduler is closed",
                    assertThrows(IllegalStateException.class, () -> scheduler.embedTokens(texts, options))
                            .getMessage());
        }
    }
}
