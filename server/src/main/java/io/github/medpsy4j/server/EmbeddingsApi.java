package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.engine.Model;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** OpenAI's {@code /v1/embeddings}: normalised vectors, pooled as the model's file asks. */
final class EmbeddingsApi {
    /** Texts of one request, as OpenAI has it. */
    static final int TEXTS_MAX = 2048;

    private static final long BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private final AtomicInteger running = new AtomicInteger();

    void addTo(Routes routes) {
        routes.post("/v1/embeddings", this::embed);
    }

    private void embed(Exchange exchange) throws ApiError, IOException {
        Served served = exchange.served();
        Fields fields = exchange.fields();
        served.checkName(fields.text("model"));
        if (fields.has("dimensions")) {
            throw ApiError.badRequest(
                    fields.path("dimensions"),
                    "is not supported: the model's vectors have "
                            + served.model().embeddingLength());
        }
        boolean isBase64 = isBase64(fields);
        List<int[]> texts = texts(served, fields);
        fields.ignore(Set.of("user"));
        fields.refuseOthers();

        EmbeddingOptions options =
                EmbeddingOptions.defaults().withPooling(served.model().pooling());
        List<float[]> vectors = compute(exchange, texts, options);
        exchange.endJson(reply(served, texts, vectors, isBase64));
    }

    /** Computes vectors while the client waits for them; the answer must be ended by {@link Exchange#endJson}. */
    List<float[]> compute(Exchange exchange, List<int[]> texts, EmbeddingOptions options) throws ApiError, IOException {
        Served served = exchange.served();
        int before = running.getAndIncrement();
        Beat beat = new Beat(exchange);
        try {
            if (before > served.sharing().queueMax()) {
                throw ApiError.queueFull(
                        "the queue is full: " + before + " requests for embeddings wait already",
                        exchange.metrics().retryAfterSeconds(1));
            }
            return served.scheduler().embedTokens(texts, options, beat::goesOn);
        } catch (CancellationException e) {
            beat.rethrow();
            throw ApiError.unavailable("timeout", "the embeddings were not ready in time");
        } catch (IllegalStateException e) {
            throw ApiError.unavailable("shutting_down", "the server is being shut down");
        } finally {
            running.decrementAndGet();
        }
    }

    /** Whether anybody still waits for the answer, asked between batches. */
    private static final class Beat {
        private final Exchange exchange;
        private long beatNanos = System.nanoTime();
        private IOException failure;

        Beat(Exchange exchange) {
            this.exchange = exchange;
        }

        boolean goesOn() {
            long now = System.nanoTime();
            try {
                if (now - beatNanos >= BEAT_NANOS) {
                    beatNanos = now;
                    exchange.space("application/json");
                }
            } catch (IOException e) {
                failure = e;
            }
            return failure == null && !exchange.isLate();
        }

        void rethrow() throws IOException {
            if (failure != null) {
                throw failure;
            }
        }
    }

    private static boolean isBase64(Fields fields) throws ApiError {
        return switch (fields.text("encoding_format")) {
            case null -> false;
            case "float" -> false;
            case "base64" -> true;
            default -> throw ApiError.badRequest(fields.path("encoding_format"), "expected float or base64");
        };
    }

    /** A text, ids, or an array of texts or ids. */
    private static List<int[]> texts(Served served, Fields fields) throws ApiError {
        Object value = fields.value("input");
        String path = fields.path("input");
        if (value == null) {
            throw ApiError.badRequest(path, "is missing");
        }
        boolean isSeveral = value instanceof List<?> list
                && !list.isEmpty()
                && (list.getFirst() instanceof String || list.getFirst() instanceof List<?>);
        List<?> values = isSeveral ? (List<?>) value : List.of(value);
        if (values.size() > TEXTS_MAX) {
            throw ApiError.badRequest(path, "expected at most " + TEXTS_MAX + " texts, got " + values.size());
        }
        Model model = served.model();
        List<int[]> texts = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            String place = isSeveral ? path + "[" + i + "]" : path;
            int[] ids = switch (values.get(i)) {
                case String text -> model.embeddingTokens(text);
                case List<?> list -> RequestReader.ids(served, place, list);
                case null -> throw Fields.wrong(place, "a string or an array of token ids", null);
                case Object other -> throw Fields.wrong(place, "a string or an array of token ids", other);
            };
            if (ids.length == 0) {
                throw ApiError.badRequest(place, "has no tokens");
            }
            if (ids.length > model.context()) {
                throw ApiError.badRequest(
                        place,
                        "context_length_exceeded",
                        "expected at most the context's " + model.context() + " tokens, got " + ids.length);
            }
            texts.add(ids);
        }
        return texts;
    }

    private static Map<String, Object> reply(
            Served served, List<int[]> texts, List<float[]> vectors, boolean isBase64) {
        List<Object> data = new ArrayList<>();
        int tokens = 0;
        for (int i = 0; i < vectors.size(); i++) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("object", "embedding");
            one.put("index", i);
            one.put("embedding", isBase64 ? base64(vectors.get(i)) : numbers(vectors.get(i)));
            data.add(one);
            tokens += texts.get(i).length;
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("object", "list");
        all.put("data", data);
        all.put("model", served.name());
        all.put("usage", Map.of("prompt_tokens", tokens, "total_tokens", tokens));
        return all;
    }

    /** Little-endian floats, as OpenAI's clients ask for by default. */
    private static String base64(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    static List<Float> numbers(float[] vector) {
        List<Float> numbers = new ArrayList<>(vector.length);
        for (float each : vector) {
            numbers.add(each);
        }
        return numbers;
    }
}
