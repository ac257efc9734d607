package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/** OpenAI's {@code /v1/chat/completions}, {@code /v1/completions} and {@code /v1/models}. */
final class OpenAiApi {
    void addTo(Routes routes) {
        routes.get("/v1/models", this::models);
        routes.get("/v1/models/*", this::model);
        routes.post("/v1/chat/completions", exchange -> complete(exchange, true));
        routes.post("/v1/completions", exchange -> complete(exchange, false));
    }

    private void models(Exchange exchange) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("object", "list");
        all.put("data", List.of(described(exchange.served())));
        exchange.json(all);
    }

    private void model(Exchange exchange) throws ApiError {
        exchange.served().checkName(exchange.rest());
        exchange.json(described(exchange.served()));
    }

    private static Map<String, Object> described(Served served) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("id", served.name());
        model.put("object", "model");
        model.put("created", served.createdSeconds());
        model.put("owned_by", "medpsy4j");
        model.put("context_length", served.scheduler().context());
        return model;
    }

    private void complete(Exchange exchange, boolean isChat)
            throws ApiError, IOException, ExecutionException, InterruptedException {
        RequestReader reader = new RequestReader(exchange.served(), exchange.options());
        Asked asked = isChat ? reader.chat(exchange.fields()) : reader.completion(exchange.fields());
        Reply reply = new Reply(asked, exchange.served());
        try (Generating generating = exchange.generate(asked.requests(), isChat ? "messages" : "prompt")) {
            if (asked.streams()) {
                stream(exchange, asked, reply, generating);
            } else {
                generating.run(new Whole(exchange, reply));
                exchange.endJson(reply.whole());
            }
        }
    }

    private static void stream(Exchange exchange, Asked asked, Reply reply, Generating generating)
            throws IOException, ExecutionException, InterruptedException {
        for (int i = 0; asked.isChat() && i < asked.requests().size(); i++) {
            exchange.event(reply.opening(i));
        }
        try {
            generating.run(new Events(exchange, reply));
        } catch (ExecutionException e) {
            exchange.event(ApiError.internal().body());
            throw e;
        }
        if (asked.includesUsage()) {
            exchange.event(reply.usageChunk());
        }
        exchange.endEvents();
    }

    /** Writes the answer when all is there. */
    private record Whole(Exchange exchange, Reply reply) implements Generating.Listener {
        @Override
        public void piece(int choice, Completion.Piece piece) {
            reply.add(choice, piece);
        }

        @Override
        public void end(int choice, Answer answer) {
            reply.end(choice, answer);
        }

        @Override
        public void beat() throws IOException {
            exchange.space("application/json");
        }
    }

    /** Writes what is said as it comes. */
    private record Events(Exchange exchange, Reply reply) implements Generating.Listener {
        @Override
        public void piece(int choice, Completion.Piece piece) throws IOException {
            reply.add(choice, piece);
            exchange.event(reply.chunk(choice, piece));
        }

        @Override
        public void end(int choice, Answer answer) throws IOException {
            reply.end(choice, answer);
            exchange.event(reply.closing(choice, answer));
        }

        @Override
        public void beat() throws IOException {
            exchange.comment();
        }
    }
}
