package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.ToolCall;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;

/** Ollama's API, for programs that speak only that: {@code /api/chat}, {@code /api/generate} and what they ask first. */
final class OllamaApi {
    /** The version of Ollama whose API this follows: clients ask before they use what came later. */
    private static final String VERSION = "0.12.0";

    private static final String JSON_TYPE = "application/json";

    private final EmbeddingsApi embeddings;

    OllamaApi(EmbeddingsApi embeddings) {
        this.embeddings = embeddings;
    }

    void addTo(Routes routes) {
        add(routes, "POST", "/api/chat", exchange -> generate(exchange, true));
        add(routes, "POST", "/api/generate", exchange -> generate(exchange, false));
        add(routes, "POST", "/api/embed", this::embed);
        add(routes, "POST", "/api/embeddings", this::embedOne);
        add(routes, "POST", "/api/show", this::show);
        add(routes, "GET", "/api/tags", exchange -> models(exchange, OllamaModel.tag(exchange.served())));
        add(routes, "GET", "/api/ps", exchange -> models(exchange, OllamaModel.running(exchange.served())));
        add(routes, "GET", "/api/version", exchange -> exchange.json(Map.of("version", VERSION)))
                .always();
    }

    private static Routes.Route add(Routes routes, String method, String path, Routes.Action action) {
        return routes.add(method, path, action).errors(error -> Map.of("error", error.getMessage()));
    }

    private static void models(Exchange exchange, Map<String, Object> model) {
        exchange.json(Map.of("models", List.of(model)));
    }

    private void show(Exchange exchange) throws ApiError, IOException {
        Fields fields = exchange.fields();
        OllamaReader.checkModel(exchange.served(), fields);
        exchange.json(OllamaModel.shown(exchange.served()));
    }

    // ---- Generation ----

    private void generate(Exchange exchange, boolean isChat)
            throws ApiError, IOException, ExecutionException, InterruptedException {
        OllamaReader reader = new OllamaReader(exchange.served(), exchange.options());
        OllamaReader.Wanted wanted = isChat ? reader.chat(exchange.fields()) : reader.generation(exchange.fields());
        Parts reply = new Parts(exchange.served().name(), isChat);
        if (wanted.request() == null) {
            Map<String, Object> loaded = reply.part("", "");
            loaded.put("done", true);
            loaded.put("done_reason", "load");
            exchange.json(loaded);
            return;
        }
        try (Generating generating = exchange.generate(List.of(wanted.request()), wanted.promptPath())) {
            if (!wanted.streams()) {
                Whole whole = new Whole(exchange);
                generating.run(whole);
                Map<String, Object> all =
                        reply.part(whole.answer.text(), whole.answer.thinking(), whole.answer.toolCalls());
                reply.end(all, whole.answer.generation());
                exchange.endJson(all);
                return;
            }
            try {
                generating.run(new Lines(exchange, reply));
            } catch (ExecutionException e) {
                exchange.line(Map.of("error", ApiError.internal().getMessage()));
                throw e;
            }
            exchange.close();
        }
    }

    /** The JSON of an answer or of a part of it. */
    private static final class Parts {
        private final String model;
        private final boolean isChat;
        private final long startNanos = System.nanoTime();

        Parts(String model, boolean isChat) {
            this.model = model;
            this.isChat = isChat;
        }

        Map<String, Object> part(String text, String thinking) {
            return part(text, thinking, List.of());
        }

        Map<String, Object> part(String text, String thinking, List<ToolCall> calls) {
            Map<String, Object> said = new LinkedHashMap<>();
            if (isChat) {
                said.put("role", "assistant");
            }
            said.put(isChat ? "content" : "response", text);
            if (!thinking.isEmpty()) {
                said.put("thinking", thinking);
            }
            if (!calls.isEmpty()) {
                said.put("tool_calls", OllamaTools.written(calls));
            }
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("model", model);
            all.put("created_at", Instant.now().toString());
            if (isChat) {
                all.put("message", said);
            } else {
                all.putAll(said);
            }
            all.put("done", false);
            return all;
        }

        /** Times are in nanoseconds; loading took none, as the model was there. */
        void end(Map<String, Object> all, Generation generation) {
            all.put("done", true);
            all.put("done_reason", Reply.nameOf(generation.finishReason()));
            all.put("total_duration", System.nanoTime() - startNanos);
            all.put("load_duration", 0);
            all.put("prompt_eval_count", generation.promptTokens());
            all.put("prompt_eval_duration", generation.promptNanos());
            all.put("eval_count", generation.generatedTokens());
            all.put("eval_duration", generation.generateNanos());
        }
    }

    /** Keeps the answer for when all is there. */
    private static final class Whole implements Generating.Listener {
        private final Exchange exchange;
        private Answer answer;

        Whole(Exchange exchange) {
            this.exchange = exchange;
        }

        @Override
        public void piece(int choice, Completion.Piece piece) {
            // the answer has it all
        }

        @Override
        public void end(int choice, Answer whole) {
            answer = whole;
        }

        @Override
        public void beat() throws IOException {
            exchange.space(JSON_TYPE);
        }
    }

    /** Writes what is said as it comes, a line for each piece. */
    private record Lines(Exchange exchange, Parts reply) implements Generating.Listener {
        @Override
        public void piece(int choice, Completion.Piece piece) throws IOException {
            if (!piece.text().isEmpty()) {
                exchange.line(piece.thinking() ? reply.part("", piece.text()) : reply.part(piece.text(), ""));
            }
        }

        @Override
        public void end(int choice, Answer answer) throws IOException {
            if (!answer.toolCalls().isEmpty()) {
                exchange.line(reply.part("", "", answer.toolCalls())); // Ollama has no parts of calls
            }
            Map<String, Object> last = reply.part("", "");
            reply.end(last, answer.generation());
            exchange.line(last);
        }

        /** A space before the next line's JSON: clients read each line by itself, and an empty one would be none. */
        @Override
        public void beat() throws IOException {
            exchange.space(Exchange.LINES);
        }
    }

    // ---- Embeddings ----

    private void embed(Exchange exchange) throws ApiError, IOException {
        long start = System.nanoTime();
        Served served = exchange.served();
        Fields fields = exchange.fields();
        OllamaReader.checkModel(served, fields);
        Object input = fields.value("input");
        boolean isCut = fields.flag("truncate", true);
        Integer length = fields.whole("dimensions", 1, served.model().embeddingLength());
        fields.ignore(Set.of("keep_alive", "options"));
        fields.refuseOthers();
        List<int[]> texts = texts(served.model(), fields.path("input"), input, isCut);
        List<float[]> vectors = vectors(exchange, texts, true);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", served.name());
        all.put(
                "embeddings",
                vectors.stream()
                        .map(each -> length == null ? each : shortened(each, length))
                        .map(EmbeddingsApi::numbers)
                        .toList());
        all.put("total_duration", System.nanoTime() - start);
        all.put("load_duration", 0);
        all.put(
                "prompt_eval_count",
                texts.stream().mapToInt(each -> each.length).sum());
        exchange.endJson(all);
    }

    /** The older path: one text, and its vector as it is. */
    private void embedOne(Exchange exchange) throws ApiError, IOException {
        Served served = exchange.served();
        Fields fields = exchange.fields();
        OllamaReader.checkModel(served, fields);
        String prompt = fields.requiredText("prompt");
        fields.ignore(Set.of("keep_alive", "options"));
        fields.refuseOthers();
        List<int[]> texts = texts(served.model(), fields.path("prompt"), prompt, true);
        exchange.endJson(Map.of(
                "embedding",
                EmbeddingsApi.numbers(vectors(exchange, texts, false).getFirst())));
    }

    private static List<int[]> texts(Model model, String path, Object input, boolean isCut) throws ApiError {
        List<?> list = input instanceof List<?> several ? several : input == null ? List.of() : List.of(input);
        if (input == null || list.size() > EmbeddingsApi.TEXTS_MAX) {
            throw ApiError.badRequest(
                    path,
                    input == null
                            ? "is missing"
                            : "expected at most " + EmbeddingsApi.TEXTS_MAX + " texts, got " + list.size());
        }
        List<int[]> texts = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            String place = input instanceof List<?> ? path + "[" + i + "]" : path;
            if (!(list.get(i) instanceof String text)) {
                throw Fields.wrong(place, "a string", list.get(i));
            }
            int[] ids = model.embeddingTokens(text);
            if (ids.length == 0) {
                throw ApiError.badRequest(place, "has no tokens");
            }
            if (ids.length > model.context() && !isCut) {
                throw ApiError.badRequest(
                        place,
                        "context_length_exceeded",
                        "expected at most the context's " + model.context() + " tokens, got " + ids.length);
            }
            texts.add(ids.length > model.context() ? Arrays.copyOf(ids, model.context()) : ids);
        }
        return texts;
    }

    private List<float[]> vectors(Exchange exchange, List<int[]> texts, boolean isNormalized)
            throws ApiError, IOException {
        EmbeddingOptions options = EmbeddingOptions.defaults()
                .withPooling(exchange.served().model().pooling())
                .withNormalized(isNormalized);
        return embeddings.compute(exchange, texts, options);
    }

    /** The first numbers, with their own norm. */
    private static float[] shortened(float[] vector, int length) {
        float[] first = Arrays.copyOf(vector, length);
        double squares = 0;
        for (float each : first) {
            squares += (double) each * each;
        }
        double norm = Math.sqrt(squares);
        for (int i = 0; i < length && norm > 0; i++) {
            first[i] = (float) (first[i] / norm);
        }
        return first;
    }
}
