package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The JSON of {@code /v1/responses}: the response, and the events of its stream. Its output is an item for the thinking,
 * if there is any, and one for the message, each with one part.
 */
final class ResponseReply {
    /** An item of the output while it is generated. */
    private static final class Item {
        final boolean thinking;
        final String id;
        final StringBuilder text = new StringBuilder();
        boolean isDone;

        Item(boolean thinking) {
            this.thinking = thinking;
            id = (thinking ? "rs_" : "msg_") + random();
        }
    }

    private final Map<String, Object> settings = new LinkedHashMap<>();
    private final String model;
    private final String id = "resp_" + random();
    private final long createdSeconds = System.currentTimeMillis() / 1000;
    private final List<Item> items = new ArrayList<>();
    private int sequence;
    private int thoughts;
    private Answer answer; // null until the end

    /** @param fields of the request, some of which the response repeats */
    ResponseReply(Fields fields, Served served) {
        model = served.name();
        for (String name : List.of("instructions", "max_output_tokens", "temperature", "top_p")) {
            settings.put(name, fields.value(name));
        }
        Object text = fields.value("text");
        settings.put("text", text == null ? Map.of("format", Map.of("type", "text")) : text);
        Object metadata = fields.value("metadata");
        settings.put("metadata", metadata == null ? Map.of() : metadata);
        settings.put("tools", List.of());
        settings.put("tool_choice", "auto");
        settings.put("parallel_tool_calls", false);
        settings.put("previous_response_id", null);
        settings.put("truncation", "disabled");
        settings.put("store", false);
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
        if (piece.text().isEmpty()) {
            return events;
        }
        Item item = items.isEmpty() ? null : items.getLast();
        if (item == null || item.thinking != piece.thinking()) {
            finish(item, events);
            item = open(piece.thinking(), events);
        }
        item.text.append(piece.text());
        Map<String, Object> delta = partEvent(name(item) + ".delta", item, "delta", piece.text());
        if (!item.thinking) {
            delta.put("logprobs", List.of());
        }
        events.add(delta);
        return events;
    }

    List<Map<String, Object>> end(Answer last) {
        List<Map<String, Object>> events = new ArrayList<>();
        answer = last;
        if (items.isEmpty() || items.getLast().thinking) {
            finish(items.isEmpty() ? null : items.getLast(), events);
            open(false, events); // there is always a message, be it empty
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

    private Item open(boolean thinking, List<Map<String, Object>> events) {
        Item item = new Item(thinking);
        items.add(item);
        Map<String, Object> added = event("response.output_item.added", "output_index", items.size() - 1);
        Map<String, Object> empty = described(item);
        empty.put("content", List.of());
        added.put("item", empty);
        events.add(added);
        events.add(partEvent("response.content_part.added", item, "part", part(item)));
        return item;
    }

    private void finish(Item item, List<Map<String, Object>> events) {
        if (item == null || item.isDone) {
            return;
        }
        item.isDone = true;
        Map<String, Object> text = partEvent(name(item) + ".done", item, "text", item.text.toString());
        if (!item.thinking) {
            text.put("logprobs", List.of());
        }
        events.add(text);
        events.add(partEvent("response.content_part.done", item, "part", part(item)));
        Map<String, Object> done = event("response.output_item.done", "output_index", items.indexOf(item));
        done.put("item", described(item));
        events.add(done);
    }

    private static String name(Item item) {
        return item.thinking ? "response.reasoning_text" : "response.output_text";
    }

    private Map<String, Object> partEvent(String type, Item item, String key, Object value) {
        Map<String, Object> event = event(type, "item_id", item.id);
        event.put("output_index", items.indexOf(item));
        event.put("content_index", 0);
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
        all.put("type", item.thinking ? "reasoning" : "message");
        boolean isCutHere = isCut() && item == items.getLast();
        all.put("status", !item.isDone ? "in_progress" : isCutHere ? "incomplete" : "completed");
        if (item.thinking) {
            all.put("summary", List.of());
        } else {
            all.put("role", "assistant");
        }
        all.put("content", List.of(part(item)));
        return all;
    }

    private static Map<String, Object> part(Item item) {
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", item.thinking ? "reasoning_text" : "output_text");
        part.put("text", item.isDone ? item.text.toString() : "");
        if (!item.thinking) {
            part.put("annotations", List.of());
            part.put("logprobs", List.of());
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
