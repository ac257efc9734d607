package io.github.medpsy4j.langchain4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.common.AbstractEmbeddingModelIT;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What LangChain4j asks of every embedding model; any vectors will do, so that a random model serves. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PublishedEmbeddingModelTest extends AbstractEmbeddingModelIT {
    private Model model;
    private Scheduler scheduler;

    @BeforeAll
    void load() throws IOException {
        model = TestModels.tiny();
        scheduler = Scheduler.start(model, SchedulerOptions.defaults().withSlots(1));
    }

    @AfterAll
    void close() {
        scheduler.close();
        model.close();
    }

    @Override
    protected List<EmbeddingModel> models() {
        return List.of(MedpsyEmbeddingModel.builder().scheduler(scheduler).build());
    }

    @Override
    protected EmbeddingModel modelWith(EmbeddingModelListener listener) {
        return MedpsyEmbeddingModel.builder()
                .scheduler(scheduler)
                .listeners(List.of(listener))
                .build();
    }

    @Override
    protected EmbeddingModel failingModelWith(EmbeddingModelListener listener) {
        Scheduler closed = Scheduler.start(model, SchedulerOptions.defaults().withSlots(1));
        closed.close();
        return MedpsyEmbeddingModel.builder()
                .scheduler(closed)
                .listeners(List.of(listener))
                .build();
    }

    @Override
    protected boolean supportsInputTypeParameter() {
        return false;
    }

    @Override
    protected boolean supportsDimensionsParameter() {
        return false;
    }

    @Override
    protected boolean supportsImageInput() {
        return false;
    }

    @Override
    protected boolean supportsInterleavedInput() {
        return false;
    }

    @Test
    void vectorsHaveTheLengthOne() {
        float[] vector = models().getFirst().embed("Hello").content().vector();
        double squares = 0;
        for (float each : vector) {
            squares += each * each;
        }
        assertEquals(1, squares, 1e-5);
        assertEquals(model.embeddingLength(), vector.length);
    }

    @Test
    void theOptionsDecide() {
        EmbeddingOptions options = EmbeddingOptions.defaults().withNormalized(false);
        float[] expected = model.embed(List.of("Hello"), options).getFirst();
        EmbeddingModel embedding = MedpsyEmbeddingModel.builder()
                .scheduler(scheduler)
                .options(options)
                .build();
        assertArrayEquals(expected, embedding.embed("Hello").content().vector());
    }

    @Test
    void aTextThatDoesNotFitIsAnInvalidRequest() {
        String text = "many words ".repeat(600);
        assertThrows(InvalidRequestException.class, () -> models().getFirst().embed(text));
    }
}
