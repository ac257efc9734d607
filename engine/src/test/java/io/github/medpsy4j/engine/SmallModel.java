package io.github.medpsy4j.engine;

import io.github.medpsy4j.gguf.GgmlType;
import io.github.medpsy4j.gguf.testing.GgufBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;

/** A one-layer model of a few random floats, whose keys and tensors a test replaces or takes away. */
final class SmallModel {
    static final int HIDDEN = 32;
    static final int VOCABULARY = 6;
    static final int CONTEXT = 64;

    /** Adds a tensor to a file. */
    @FunctionalInterface
    private interface TensorWriter {
        void write(GgufBuilder builder, String name);
    }

    private final String architecture;
    private final Map<String, BiConsumer<GgufBuilder, String>> keys = new LinkedHashMap<>();
    private final Map<String, TensorWriter> tensors = new LinkedHashMap<>();
    private final Random random = new Random(6);

    SmallModel(String architecture) {
        this.architecture = architecture;
        string("general.architecture", architecture);
        integer("context_length", CONTEXT);
        integer("embedding_length", HIDDEN);
        integer("block_count", 1);
        integer("feed_forward_length", 32);
        integer("attention.head_count", 2);
        integer("attention.head_count_kv", 1);
        real("attention.layer_norm_rms_epsilon", 1e-6f);
        string("tokenizer.ggml.model", "gpt2");
        string("tokenizer.ggml.pre", "qwen2");
        keys.put("tokenizer.ggml.tokens", (b, key) -> b.strings(key, List.of("a", "b", "c", "d", "ab", "<end>")));
        keys.put("tokenizer.ggml.token_type", (b, key) -> b.int32Array(key, 1, 1, 1, 1, 1, 3));
        keys.put("tokenizer.ggml.merges", (b, key) -> b.strings(key, List.of("a b")));
        keys.put("tokenizer.ggml.eos_token_id", (b, key) -> b.uint32(key, 5));
        floats("token_embd.weight", HIDDEN, VOCABULARY);
        floats("output_norm.weight", HIDDEN);
        floats("blk.0.attn_norm.weight", HIDDEN);
        floats("blk.0.attn_q.weight", HIDDEN, 32);
        floats("blk.0.attn_k.weight", HIDDEN, 16);
        floats("blk.0.attn_v.weight", HIDDEN, 16);
        floats("blk.0.attn_output.weight", 32, HIDDEN);
        floats("blk.0.ffn_norm.weight", HIDDEN);
        floats("blk.0.ffn_gate.weight", HIDDEN, 32);
        floats("blk.0.ffn_up.weight", HIDDEN, 32);
        floats("blk.0.ffn_down.weight", 32, HIDDEN);
    }

    SmallModel integer(String key, int value) {
        keys.put(architecture + "." + key, (b, whole) -> b.uint32(whole, value));
        return this;
    }

    SmallModel real(String key, float value) {
        keys.put(architecture + "." + key, (b, whole) -> b.float32(whole, value));
        return this;
    }

    /** The whole key. */
    SmallModel string(String key, String value) {
        keys.put(key, (b, whole) -> b.string(whole, value));
        return this;
    }

    SmallModel without(String keyOrTensor) {
        if (keys.remove(keyOrTensor) == null && tensors.remove(keyOrTensor) == null) {
            throw new IllegalArgumentException(keyOrTensor);
        }
        return this;
    }

    SmallModel floats(String name, long... shape) {
        int count = 1;
        for (long n : shape) {
            count *= (int) n;
        }
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian() * 0.3f;
        }
        return tensor(name, GgmlType.F32, new GgufBuilder().floats(values), shape);
    }

    SmallModel tensor(String name, GgmlType type, byte[] data, long... shape) {
        tensors.put(name, (b, whole) -> b.tensor(whole, type, data, shape));
        return this;
    }

    Path writeTo(Path file) throws IOException {
        GgufBuilder b = new GgufBuilder();
        keys.forEach((key, writer) -> writer.accept(b, key));
        tensors.forEach((name, writer) -> writer.write(b, name));
        return b.writeTo(file);
    }
}
