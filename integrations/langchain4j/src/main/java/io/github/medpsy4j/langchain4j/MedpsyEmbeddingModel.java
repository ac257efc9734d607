package io.github.medpsy4j.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.model.output.TokenUsage;
import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.engine.Scheduler;
import java.util.List;
import java.util.Objects;

/**
 * An embedding model of LangChain4j, computed in this process: a vector of each text, several texts in a batch. Shared by
 * threads, and with chat models on the same scheduler.
 *
 * <p>A text without tokens, or with more than the context holds, is an
 * {@link dev.langchain4j.exception.InvalidRequestException}.
 */
public final class MedpsyEmbeddingModel implements EmbeddingModel {
    private final Scheduler scheduler;
    private final String modelName;
    private final EmbeddingOptions options;
    private final List<EmbeddingModelListener> listeners;

    private MedpsyEmbeddingModel(Builder builder) {
        scheduler = builder.scheduler;
        modelName = builder.modelName != null ? builder.modelName : ChatRequests.nameOf(scheduler.model());
        options = builder.options != null
                ? builder.options
                : EmbeddingOptions.defaults().withPooling(scheduler.model().pooling());
        listeners = builder.listeners;
    }

    /** A builder; it needs a scheduler, everything else has defaults. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public EmbeddingResponse doEmbed(EmbeddingRequest request) {
        try {
            List<int[]> texts = request.inputs().stream()
                    .map(EmbeddingInput::text)
                    .map(scheduler.model()::embeddingTokens)
                    .toList();
            List<float[]> vectors = scheduler.embedTokens(texts, options);
            return EmbeddingResponse.builder()
                    .embeddings(vectors.stream().map(Embedding::from).toList())
                    .modelName(modelName)
                    .tokenUsage(new TokenUsage(
                            texts.stream().mapToInt(ids -> ids.length).sum(), 0))
                    .build();
        } catch (RuntimeException e) {
            throw ChatRequests.mapped(e);
        }
    }

    @Override
    public int dimension() {
        return scheduler.model().embeddingLength();
    }

    @Override
    public String modelName() {
        return modelName;
    }

    @Override
    public List<EmbeddingModelListener> listeners() {
        return listeners;
    }

    /** Collects what an embedding model is made of. */
    public static final class Builder {
        private Scheduler scheduler;
        private String modelName;
        private EmbeddingOptions options;
        private List<EmbeddingModelListener> listeners = List.of();

        private Builder() {}

        /** What computes; required. It stays the caller's, to share and to close. */
        public Builder scheduler(Scheduler value) {
            scheduler = Objects.requireNonNull(value);
            return this;
        }

        /** What the model is called in responses; by default as its file calls it. */
        public Builder modelName(String value) {
            modelName = Objects.requireNonNull(value);
            return this;
        }

        /** How texts become vectors; by default normalised, with the pooling that the file asks for. */
        public Builder options(EmbeddingOptions value) {
            options = Objects.requireNonNull(value);
            return this;
        }

        /** Who is told of requests, responses and errors. */
        public Builder listeners(List<EmbeddingModelListener> value) {
            listeners = List.copyOf(value);
            return this;
        }

        /**
         * Makes the embedding model.
         *
         * @throws IllegalStateException if there is no scheduler
         */
        public MedpsyEmbeddingModel build() {
            if (scheduler == null) {
                throw new IllegalStateException("scheduler: expected one, got none");
            }
            return new MedpsyEmbeddingModel(this);
        }
    }
}
