package io.github.medpsy4j.engine;

import java.util.Objects;

/**
 * How texts become vectors, as llama.cpp's {@code --pooling} and {@code --embd-normalize} have it.
 *
 * @param pooling which of a text's hidden states count
 * @param normalized whether a vector is divided by its Euclidean norm, so that dot products are cosines
 */
public record EmbeddingOptions(Pooling pooling, boolean normalized) {
    /** What is made of the hidden states after the last norm, one for each token. */
    public enum Pooling {
        /** Their mean. */
        MEAN,
        /** The last one, which alone has seen the whole text. */
        LAST
    }

    public EmbeddingOptions {
        Objects.requireNonNull(pooling);
    }

    /** Normalised means. A model that was made for embeddings says what it wants: {@link Model#pooling}. */
    public static EmbeddingOptions defaults() {
        return new EmbeddingOptions(Pooling.MEAN, true);
    }

    public EmbeddingOptions withPooling(Pooling value) {
        return new EmbeddingOptions(value, normalized);
    }

    public EmbeddingOptions withNormalized(boolean value) {
        return new EmbeddingOptions(pooling, value);
    }
}
