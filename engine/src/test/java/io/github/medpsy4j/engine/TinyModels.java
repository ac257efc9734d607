package io.github.medpsy4j.engine;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.Metadata;
import io.github.medpsy4j.gguf.TensorInfo;
import io.github.medpsy4j.gguf.testing.GgufBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Two-layer Qwen3 models with random weights, in the formats that MedPsy is published in, and their exact logits. */
final class TinyModels {
    static final List<String> FORMATS =
            List.of("bf16", "q8_0", "q5_k_m", "q4_k_m", "iq4_nl", "iq4_xs", "iq3_m", "iq3_xxs");

    /** The last of its tokens are special: end of text, start and end of a message, thinking, tool calls. */
    static final int VOCABULARY = 1024;

    static final int END_OF_MESSAGE = 1019;

    private TinyModels() {}

    static Path path(String format) {
        return resource("/golden/tiny/tiny-" + format + ".gguf");
    }

    static Model load(String format, LoadOptions options) throws IOException {
        return Model.load(path(format), options.withContext(512));
    }

    static Model load(String format) throws IOException {
        return load(format, LoadOptions.defaults().withThreads(2));
    }

    static Map<String, Object> json(String resource) {
        try (InputStream in = TinyModels.class.getResourceAsStream(resource)) {
            return JSON.std.mapFrom(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int[] ints(Object list) {
        return ((List<?>) list)
                .stream().mapToInt(each -> ((Number) each).intValue()).toArray();
    }

    /** Little-endian floats. */
    static float[] floats(String resource) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.wrap(Files.readAllBytes(resource(resource))).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    static Path resource(String name) {
        try {
            return Path.of(TinyModels.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    /** Writes the model with another chat template. */
    static Path copyWithTemplate(String format, String template, Path to) throws IOException {
        try (GgufFile file = GgufFile.open(path(format))) {
            Metadata m = file.metadata();
            GgufBuilder b = new GgufBuilder().string("general.architecture", "qwen3");
            for (String key : List.of(
                    "context_length",
                    "embedding_length",
                    "block_count",
                    "feed_forward_length",
                    "attention.head_count",
                    "attention.head_count_kv",
                    "attention.key_length",
                    "attention.value_length")) {
                b.uint32("qwen3." + key, m.integer("qwen3." + key));
            }
            for (String key : List.of("attention.layer_norm_rms_epsilon", "rope.freq_base")) {
                b.float32("qwen3." + key, m.real("qwen3." + key));
            }
            String t = "tokenizer.ggml.";
            b.string(t + "model", m.string(t + "model"))
                    .string(t + "pre", m.string(t + "pre"))
                    .strings(t + "tokens", m.strings(t + "tokens"))
                    .int32Array(t + "token_type", m.ints(t + "token_type"))
                    .strings(t + "merges", m.strings(t + "merges"))
                    .uint32(t + "eos_token_id", END_OF_MESSAGE)
                    .string("tokenizer.chat_template", template);
            for (TensorInfo tensor : file.tensors()) {
                long[] shape = tensor.shape().stream().mapToLong(each -> each).toArray();
                b.tensor(tensor.name(), tensor.type(), file.data(tensor).toArray(ValueLayout.JAVA_BYTE), shape);
            }
            return b.writeTo(to);
        }
    }

    /** KL(p ‖ q) of the distributions that two rows of logits stand for, in nats. */
    static double kl(float[] p, int pOffset, float[] q, int qOffset, int n) {
        double pNormalizer = logSumExp(p, pOffset, n);
        double qNormalizer = logSumExp(q, qOffset, n);
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double logP = p[pOffset + i] - pNormalizer;
            sum += Math.exp(logP) * (logP - (q[qOffset + i] - qNormalizer));
        }
        return sum;
    }

    static double logSumExp(float[] x, int offset, int n) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, x[offset + i]);
        }
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += Math.exp(x[offset + i] - max);
        }
        return max + Math.log(sum);
    }

    static int argmax(float[] x, int offset, int n) {
        int best = 0;
        for (int i = 1; i < n; i++) {
            best = x[offset + i] > x[offset + best] ? i : best;
        }
        return best;
    }

    /** How far the best logit lies above the second best. */
    static float lead(float[] x, int offset, int n) {
        int best = argmax(x, offset, n);
        float second = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            second = i == best ? second : Math.max(second, x[offset + i]);
        }
        return x[offset + best] - second;
    }
}
