package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.ToolCall;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;

/**
 * OpenAI's {@code /v1/responses}, as far as a server that keeps nothing can: a request brings the whole conversation as
 * its {@code input}.
 */
final class ResponsesApi {
    void addTo(Routes routes) {
        routes.post("/v1/responses", this::respond);
    }

    private void respond(Exchange exchange) throws ApiError, IOException, ExecutionException, InterruptedException {
        Fields fields = exchange.fields();
        RequestReader reader = new RequestReader(exchange.served(), exchange.options());
        Asked asked = reader.response(fields, messages(fields));
        ResponseReply reply = new ResponseReply(fields, asked, exchange.served());
        try (Generating generating = exchange.generate(asked.requests(), "input")) {
            if (asked.streams()) {
                stream(exchange, reply, generating);
            } else {
                generating.run(new Whole(exchange, reply));
                exchange.endJson(reply.response());
            }
        }
    }

    private static void stream(Exchange exchange, ResponseReply reply, Generating generating)
            throws IOException, ExecutionException, InterruptedException {
        send(exchange, reply.begin());
        try {
            generating.run(new Events(exchange, reply));
        } catch (ExecutionException e) {
            send(exchange, reply.failed(ApiError.internal()));
            throw e;
        }
        exchange.close();
    }

    private static void send(Exchange exchange, List<Map<String, Object>> events) throws IOException {
        for (Map<String, Object> event : events) {
            exchange.event((String) event.get("type"), event);
        }
    }

    /** Writes the response when all is there. */
    private record Whole(Exchange exchange, ResponseReply reply) implements Generating.Listener {
        @Override
        public void piece(int choice, Completion.Piece piece) {
            reply.add(piece);
        }

        @Override
        public void end(int choice, Answer answer) {
            reply.end(answer);
        }

        @Override
        public void beat() throws IOException {
            exchange.space("application/json");
        }
    }

    /** Writes what is said as it comes. */
    private record Events(Exchange exchange, ResponseReply reply) implements Generating.Listener {
        @Override
        public void piece(int choice, Completion.Piece piece) throws IOException {
            send(exchange, reply.add(piece));
        }

        @Override
        public void end(int choice, Answer answer) throws IOException {
            send(exchange, reply.end(answer));
        }

        @Override
        public void beat() throws IOException {
            exchange.comment();
        }
    }

    // ---- The conversation ----

    private static List<ChatMessage> messages(Fields fields) throws ApiError {
        List<ChatMessage> messages = new ArrayList<>();
        String instructions = fields.text("instructions");
        if (instructions != null) {
            messages.add(ChatMessage.system(instructions));
        }
        String path = fields.path("input");
        switch (fields.value("input")) {
            case null -> throw ApiError.badRequest(path, "is missing");
            case String text -> messages.add(ChatMessage.user(text));
            case List<?> items -> new Items(messages).add(path, items);
            case Object other -> throw Fields.wrong(path, "a string or an array of items", other);
        }
        return messages;
    }

    /** Items as messages: what the model thought, said and called at a time is one of them. */
    private static final class Items {
        private final List<ChatMessage> messages;
        private final Set<String> calledIds = new HashSet<>();
        private String thinking = "";
        private String said; // null before the answer's text
        private final List<ToolCall> calls = new ArrayList<>();

        Items(List<ChatMessage> messages) {
            this.messages = messages;
        }

        void add(String path, List<?> items) throws ApiError {
            if (items.isEmpty()) {
                throw ApiError.badRequest(path, "is empty");
            }
            for (int i = 0; i < items.size(); i++) {
                Fields item = Fields.of(path + "[" + i + "]", items.get(i));
                item.ignore(Set.of("id", "status", "encrypted_content", "phase"));
                switch (item.text("type")) {
                    case null -> addMessage(item);
                    case "message" -> addMessage(item);
                    case "reasoning" -> {
                        endTurn();
                        thinking += parts(item, "content") + parts(item, "summary");
                    }
                    case "function_call" -> {
                        String id = item.requiredText("call_id");
                        calledIds.add(id);
                        calls.add(new ToolCall(id, item.requiredText("name"), item.requiredText("arguments")));
                    }
                    case "function_call_output" -> addOutput(item);
                    default ->
                        throw ApiError.badRequest(
                                item.path("type"),
                                "expected message, reasoning, function_call or function_call_output");
                }
                item.refuseOthers();
            }
            endTurn();
        }

        private void addMessage(Fields item) throws ApiError {
            String role = item.requiredText("role");
            String content = parts(item, "content");
            endTurn();
            switch (role) {
                case "system", "developer" -> addOther(ChatMessage.system(content));
                case "user" -> addOther(ChatMessage.user(content));
                case "assistant" -> said = content;
                default ->
                    throw ApiError.badRequest(item.path("role"), "expected system, developer, user or assistant");
            }
        }

        private void addOutput(Fields item) throws ApiError {
            String id = item.requiredText("call_id");
            if (!calledIds.contains(id)) {
                throw ApiError.badRequest(item.path("call_id"), "there is no such function_call before it");
            }
            if (!item.has("output")) {
                throw ApiError.badRequest(item.path("output"), "is missing");
            }
            endTurn();
            addOther(ChatMessage.tool(id, parts(item, "output")));
        }

        private void addOther(ChatMessage message) {
            messages.add(message);
            thinking = "";
        }

        /** Adds what the model said and called; a thought without either is of the turn to come. */
        private void endTurn() {
            if (said != null || !calls.isEmpty()) {
                messages.add(ChatMessage.assistant(said == null ? "" : said, thinking, List.copyOf(calls)));
                thinking = "";
                said = null;
                calls.clear();
            }
        }
    }

    /** A text, or the texts of parts one after the other. */
    private static String parts(Fields item, String name) throws ApiError {
        String path = item.path(name);
        return switch (item.value(name)) {
            case null -> {
                if (item.has("role")) {
                    throw ApiError.badRequest(path, "is missing");
                }
                yield "";
            }
            case String text -> text;
            case List<?> parts -> {
                StringBuilder all = new StringBuilder();
                for (int i = 0; i < parts.size(); i++) {
                    Fields part = Fields.of(path + "[" + i + "]", parts.get(i));
                    switch (part.requiredText("type")) {
                        case "input_text", "output_text", "reasoning_text", "summary_text", "text" ->
                            all.append(part.requiredText("text"));
                        case "refusal" -> all.append(part.requiredText("refusal"));
                        default ->
                            throw ApiError.badRequest(
                                    part.path("type"), "expected a kind of text: the model reads nothing else");
                    }
                    part.ignore(Set.of("annotations", "logprobs"));
                    part.refuseOthers();
                }
                yield all.toString();
            }
            case Object other -> throw Fields.wrong(path, "a string or an array of parts", other);
        };
    }
}
