package io.github.medpsy4j.springai;

import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.engine.Scheduler;
import io.micrometer.observation.ObservationRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.EmbeddingResponseMetadata;
import org.springframework.ai.embedding.observation.DefaultEmbeddingModelObservationConvention;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationContext;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationDocumentation;

/**
 * An embedding model of Spring AI, computed in this process: a vector of each text, several texts in a batch. Shared by
 * threads, and with chat models on the same scheduler.
 *
 * <p>A text without tokens, or with more than the context holds, another model's name and another number of dimensions are
 * each an {@link IllegalArgumentException}.
 */
public final class MedpsyEmbeddingModel implements EmbeddingModel {
    private static final DefaultEmbeddingModelObservationConvention CONVENTION =
            new DefaultEmbeddingModelObservationConvention();

    private final Scheduler scheduler;
    private final String modelName;
    private final EmbeddingOptions options;
    private final ObservationRegistry observations;

    private MedpsyEmbeddingModel(Builder builder) {
        scheduler = builder.scheduler;
        modelName = builder.modelName != null ? builder.modelName : ChatRequests.nameOf(scheduler);
        options = builder.options != null
                ? builder.options
                : EmbeddingOptions.defaults().withPooling(scheduler.model().pooling());
        observations = builder.observations;
    }

    /** A builder; it needs a scheduler, everything else has defaults. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public EmbeddingResponse call(EmbeddingRequest request) {
        EmbeddingModelObservationContext context = EmbeddingModelObservationContext.builder()
                .embeddingRequest(named(request))
                .provider(MedpsyChatModel.PROVIDER)
                .build();
        return EmbeddingModelObservationDocumentation.EMBEDDING_MODEL_OPERATION
                .observation(null, CONVENTION, () -> context, observations)
                .observe(() -> {
                    EmbeddingResponse response = compute(request.getInstructions());
                    context.setResponse(response);
                    return response;
                });
    }

    /** The request with this model's options, if what it asks for is what they are. */
    private EmbeddingRequest named(EmbeddingRequest request) {
        org.springframework.ai.embedding.EmbeddingOptions asked = request.getOptions();
        if (asked != null && asked.getModel() != null && !asked.getModel().equals(modelName)) {
            throw new IllegalArgumentException(
                    "model: expected '" + modelName + "', which is this one, got '" + asked.getModel() + "'");
        }
        if (asked != null && asked.getDimensions() != null && asked.getDimensions() != dimensions()) {
            throw new IllegalArgumentException(
                    "dimensions: expected the model's " + dimensions() + ", got " + asked.getDimensions());
        }
        return new EmbeddingRequest(
                request.getInstructions(),
                org.springframework.ai.embedding.EmbeddingOptions.builder()
                        .model(modelName)
                        .dimensions(dimensions())
                        .build());
    }

    private EmbeddingResponse compute(List<String> instructions) {
        List<int[]> texts =
                instructions.stream().map(scheduler.model()::embeddingTokens).toList();
        List<float[]> vectors = scheduler.embedTokens(texts, options);
        List<Embedding> embeddings = new ArrayList<>();
        for (int i = 0; i < vectors.size(); i++) {
            embeddings.add(new Embedding(vectors.get(i), i));
        }
        int tokens = texts.stream().mapToInt(ids -> ids.length).sum();
        return new EmbeddingResponse(embeddings, new EmbeddingResponseMetadata(modelName, new DefaultUsage(tokens, 0)));
    }

    @Override
    public float[] embed(Document document) {
        return embed(Objects.requireNonNullElse(getEmbeddingContent(document), ""));
    }

    @Override
    public int dimensions() {
        return scheduler.model().embeddingLength();
    }

    /** Collects what an embedding model is made of. */
    public static final class Builder {
        private Scheduler scheduler;
        private String modelName;
        private EmbeddingOptions options;
        private ObservationRegistry observations = ObservationRegistry.NOOP;

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

        /** Who observes requests and responses; nobody by default. */
        public Builder observationRegistry(ObservationRegistry value) {
            observations = Objects.requireNonNull(value);
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
