package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.TokenLogprob;
import io.github.medpsy4j.engine.ToolCall;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The JSON of {@code /v1/responses}: the response, and the events of its stream. Its output is an item for the thinking,
 * if there is any, and one for the message, each with one part; and one for each call of a tool.
 */
final class ResponseReply {
    /** What an item of the output is. */
    private enum Kind {
        THINKING("rs_", "reasoning", "response.reasoning_text"),
        MESSAGE("msg_", "message", "response.output_text"),
        CALL("fc_", "function_call", "response.function_call_arguments");

        final String idPrefix;
        final String type;
        final String events;

        Kind(String idPrefix, String type, String events) {
            this.idPrefix = idPrefix;
            this.type = type;
            this.events = events;
        }
    }

    /** An item of the output while it is generated. */
    private static final class Item {
        final Kind kind;
        final ToolCall.Delta call; // the first part of it; null for what is none
        final String id;
        final StringBuilder text = new StringBuilder(); // of a call, its arguments
        final List<TokenLogprob> tokens = new ArrayList<>(); // of a message, where log-probabilities are wanted
        boolean isDone;

        Item(Kind kind, ToolCall.Delta call) {
            this.kind = kind;
            this.call = call;
            id = kind.idPrefix + random();
        }
    }

    private final Map<String, Object> settings = new LinkedHashMap<>();
    private final String model;
    private final Tokenizer tokenizer;
    private final boolean hasLogprobs;
    private final String id = "resp_" + random();
    private final long createdSeconds = System.currentTimeMillis() / 1000;
    private final List<Item> items = new ArrayList<>();
    private int sequence;
    private int thoughts;
    private Answer answer; // null until the end

    /** @param fields of the request, some of which the response repeats */
    ResponseReply(Fields fields, Asked asked, Served served) {
        model = served.name();
        tokenizer = served.model().tokenizer();
        hasLogprobs = asked.hasLogprobs();
        for (String name : List.of("instructions", "max_output_tokens", "temperature", "top_p", "top_logprobs")) {
            settings.put(name, fields.value(name));
        }
        repeat(fields, "text", Map.of("format", Map.of("type", "text")));
        repeat(fields, "metadata", Map.of());
        repeat(fields, "tools", List.of());
        repeat(fields, "tool_choice", "auto");
        repeat(fields, "parallel_tool_calls", true);
        settings.put("previous_response_id", null);
        settings.put("truncation", "disabled");
        settings.put("store", false);
    }

    private void repeat(Fields fields, String name, Object absent) {
        Object value = fields.value(name);
        settings.put(name, value == null ? absent : value);
    }

    private static String random() {
        return UUID.randomUUID().toString().replace("-", "");
    }

    // ---- The stream ----

    List<Map<String, Object>> begin() {
        return List.of(
                event("response.created", "response", response()),
                event("response.in_progress", "response", response()));
    }

    /** Adds what was said; returns what is to be told. */
    List<Map<String, Object>> add(Completion.Piece piece) {
        List<Map<String, Object>> events = new ArrayList<>();
        if (piece.thinking()) {
            thoughts += piece.tokens().size();
        }
        Item item = items.isEmpty() ? null : items.getLast();
        if (piece.toolCall() != null) {
            addToCall(item, piece.toolCall(), events);
            return events;
        }
        Kind kind = piece.thinking() ? Kind.THINKING : Kind.MESSAGE;
        boolean isMore = item != null && item.kind == kind;
        List<TokenLogprob> tokens = hasLogprobs && kind == Kind.MESSAGE ? piece.tokens() : List.of();
        if (isMore) {
            item.tokens.addAll(tokens);
        }
        if (piece.text().isEmpty()) {
            return events;
        }
        if (!isMore) {
            finish(item, events);
            item = open(kind, null, events);
            item.tokens.addAll(tokens);
        }
        item.text.append(piece.text());
        Map<String, Object> delta = partEvent(kind.events + ".delta", item, "delta", piece.text());
        if (kind == Kind.MESSAGE) {
            delta.put("logprobs", Reply.described(tokenizer, tokens));
        }
        events.add(delta);
        return events;
    }

    private void addToCall(Item last, ToolCall.Delta part, List<Map<String, Object>> events) {
        Item item = last;
        if (item == null || item.call == null || !item.call.id().equals(part.id())) {
            finish(item, events);
            item = open(Kind.CALL, part, events);
        }
        if (!part.arguments().isEmpty()) {
            item.text.append(part.arguments());
            events.add(itemEvent(item.kind.events + ".delta", item, "delta", part.arguments()));
        }
    }

    List<Map<String, Object>> end(Answer last) {
        List<Map<String, Object>> events = new ArrayList<>();
        answer = last;
        if (items.isEmpty() || items.getLast().kind == Kind.THINKING) {
            finish(items.isEmpty() ? null : items.getLast(), events);
            open(Kind.MESSAGE, null, events); // there is a message or a call, be it an empty one
        }
        finish(items.getLast(), events);
        events.add(event(isCut() ? "response.incomplete" : "response.completed", "response", response()));
        return events;
    }

    List<Map<String, Object>> failed(ApiError error) {
        Map<String, Object> event = event("error", "message", error.getMessage());
        event.put("code", "server_error");
        event.put("param", null);
        return List.of(event);
    }

    /** @param call the first part of a call, else null */
    private Item open(Kind kind, ToolCall.Delta call, List<Map<String, Object>> events) {
        Item item = new Item(kind, call);
        items.add(item);
        Map<String, Object> added = event("response.output_item.added", "output_index", items.size() - 1);
        Map<String, Object> empty = described(item);
        added.put("item", empty);
        events.add(added);
        if (kind != Kind.CALL) {
            empty.put("content", List.of());
            events.add(partEvent("response.content_part.added", item, "part", part(item)));
        }
        return item;
    }

    private void finish(Item item, List<Map<String, Object>> events) {
        if (item == null || item.isDone) {
            return;
        }
        item.isDone = true;
        String all = item.text.toString();
        if (item.kind == Kind.CALL) {
            Map<String, Object> arguments = itemEvent(item.kind.events + ".done", item, "name", item.call.name());
            arguments.put("arguments", all);
            events.add(arguments);
        } else {
            Map<String, Object> text = partEvent(item.kind.events + ".done", item, "text", all);
            if (item.kind == Kind.MESSAGE) {
                text.put("logprobs", Reply.described(tokenizer, item.tokens));
            }
            events.add(text);
            events.add(partEvent("response.content_part.done", item, "part", part(item)));
        }
        Map<String, Object> done = event("response.output_item.done", "output_index", items.indexOf(item));
        done.put("item", described(item));
        events.add(done);
    }

    private Map<String, Object> itemEvent(String type, Item item, String key, Object value) {
        Map<String, Object> event = event(type, "item_id", item.id);
        event.put("output_index", items.indexOf(item));
        event.put(key, value);
        return event;
    }

    private Map<String, Object> partEvent(String type, Item item, String key, Object value) {
        Map<String, Object> event = itemEvent(type, item, "content_index", 0);
        event.put(key, value);
        return event;
    }

    private Map<String, Object> event(String type, String key, Object value) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("type", type);
        event.put("sequence_number", sequence++);
        event.put(key, value);
        return event;
    }

    // ---- The response ----

    private boolean isCut() {
        return answer != null
                && Reply.nameOf(answer.generation().finishReason()).equals("length");
    }

    Map<String, Object> response() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("id", id);
        all.put("object", "response");
        all.put("created_at", createdSeconds);
        all.put("status", answer == null ? "in_progress" : isCut() ? "incomplete" : "completed");
        all.put("error", null);
        all.put("incomplete_details", isCut() ? Map.of("reason", "max_output_tokens") : null);
        all.put("model", model);
        all.put(
                "output",
                answer == null ? List.of() : items.stream().map(this::described).toList());
        all.putAll(settings);
        all.put("usage", answer == null ? null : usage());
        if (answer != null) {
            all.put("timings", Reply.timings(List.of(answer.generation())));
        }
        return all;
    }

    private Map<String, Object> described(Item item) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("id", item.id);
        all.put("type", item.kind.type);
        boolean isCutHere = isCut() && item == items.getLast();
        all.put("status", !item.isDone ? "in_progress" : isCutHere ? "incomplete" : "completed");
        switch (item.kind) {
            case THINKING -> all.put("summary", List.of());
            case MESSAGE -> all.put("role", "assistant");
            case CALL -> {
                all.put("call_id", item.call.id());
                all.put("name", item.call.name());
                all.put("arguments", item.isDone ? item.text.toString() : "");
                return all;
            }
        }
        all.put("content", List.of(part(item)));
        return all;
    }

    private Map<String, Object> part(Item item) {
        boolean isMessage = item.kind == Kind.MESSAGE;
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", isMessage ? "output_text" : "reasoning_text");
        part.put("text", item.isDone ? item.text.toString() : "");
        if (isMessage) {
            part.put("annotations", List.of());
            part.put("logprobs", item.isDone ? Reply.described(tokenizer, item.tokens) : List.of());
        }
        return part;
    }

    private Map<String, Object> usage() {
        int prompt = answer.generation().promptTokens();
        int generated = answer.generation().generatedTokens();
        Map<String, Object> usage = new LinkedHashMap<>();
        usage.put("input_tokens", prompt);
        usage.put(
                "input_tokens_details",
                Map.of("cached_tokens", answer.generation().reusedTokens()));
        usage.put("output_tokens", generated);
        usage.put("output_tokens_details", Map.of("reasoning_tokens", thoughts));
        usage.put("total_tokens", prompt + generated);
        return usage;
    }
}
