package io.github.medpsy4j.springai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;

class MedpsyEmbeddingModelTest {
    private static final List<String> TEXTS = List.of("the cat sat", "a dog");

    private static Model model;
    private static Scheduler scheduler;
    private static MedpsyEmbeddingModel embeddings;

    @BeforeAll
    static void load() throws IOException {
        model = TestModels.tiny();
        scheduler = Scheduler.start(model, SchedulerOptions.defaults().withSlots(1));
        embeddings = MedpsyEmbeddingModel.builder()
                .scheduler(scheduler)
                .modelName("tiny")
                .build();
    }

    @AfterAll
    static void close() {
        scheduler.close();
        model.close();
    }

    private static EmbeddingRequest asked(String name, Integer dimensions) {
        org.springframework.ai.embedding.EmbeddingOptions.Builder options =
                org.springframework.ai.embedding.EmbeddingOptions.builder();
        if (name != null) {
            options.model(name);
        }
        if (dimensions != null) {
            options.dimensions(dimensions);
        }
        return new EmbeddingRequest(TEXTS, options.build());
    }

    @Test
    void vectorsAreTheLibrarys() {
        List<float[]> expected = model.embed(TEXTS, EmbeddingOptions.defaults());
        EmbeddingResponse response = embeddings.call(asked("tiny", model.embeddingLength()));
        for (int i = 0; i < TEXTS.size(); i++) {
            assertEquals(i, response.getResults().get(i).getIndex());
            assertArrayEquals(expected.get(i), response.getResults().get(i).getOutput());
        }
        assertEquals("tiny", response.getMetadata().getModel());
        int tokens = TEXTS.stream()
                .mapToInt(text -> model.embeddingTokens(text).length)
                .sum();
        assertEquals(tokens, response.getMetadata().getUsage().getTotalTokens());
        assertArrayEquals(expected.getFirst(), embeddings.embed(TEXTS.getFirst()));
        assertArrayEquals(expected.getFirst(), embeddings.embed(new Document(TEXTS.getFirst())));
        assertEquals(model.embeddingLength(), embeddings.dimensions());
    }

    private static void refused(String message, Runnable call) {
        assertEquals(
                message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }

    @Test
    void whatIsNotThereIsRefused() {
        refused("model: expected 'tiny', which is this one, got 'large'", () -> embeddings.call(asked("large", null)));
        refused(
                "dimensions: expected the model's " + model.embeddingLength() + ", got 3",
                () -> embeddings.call(asked(null, 3)));
        assertThrows(
                IllegalStateException.class,
                () -> MedpsyEmbeddingModel.builder().build(),
                "scheduler: expected one, got none");
    }
}
