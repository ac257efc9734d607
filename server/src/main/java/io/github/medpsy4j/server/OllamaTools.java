package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.ToolCall;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Calls of tools as Ollama has them: with arguments that are objects, and mostly without ids. */
final class OllamaTools {
    private static final String FUNCTION = "function";
    private static final String ARGUMENTS = "arguments";

    /** Calls of the conversation that no message has answered yet. */
    private final List<ToolCall> open = new ArrayList<>();

    private int count;

    /** The calls of an assistant's message; each gets an id that tells it from the others. */
    List<ToolCall> read(Fields message) throws ApiError {
        List<?> list = message.list("tool_calls");
        List<ToolCall> calls = new ArrayList<>();
        for (int i = 0; list != null && i < list.size(); i++) {
            Fields call = Fields.of(message.path("tool_calls") + "[" + i + "]", list.get(i));
            Fields function = call.object(FUNCTION);
            if (function == null) {
                throw ApiError.badRequest(call.path(FUNCTION), "is missing");
            }
            String name = function.requiredText("name");
            Fields arguments = function.object(ARGUMENTS);
            function.ignore(Set.of("index"));
            function.refuseOthers();
            call.ignore(Set.of("type"));
            String id = call.text("id");
            call.refuseOthers();
            String json = arguments == null ? "{}" : new String(Json.bytes(arguments.map()), StandardCharsets.UTF_8);
            count++;
            calls.add(new ToolCall(id == null || id.isEmpty() ? "call_" + count : id, name, json));
        }
        open.addAll(calls);
        return calls;
    }

    /** Which call a tool's message answers: by its id, else the first open one of its name, else the first open one. */
    String answered(Fields message) throws ApiError {
        String id = message.text("tool_call_id");
        String name = message.text("tool_name");
        for (ToolCall call : open) {
            if (id != null ? call.id().equals(id) : name == null || call.name().equals(name)) {
                open.remove(call);
                return call.id();
            }
        }
        throw ApiError.badRequest(message.path("role"), "no call of a tool is open that this could answer");
    }

    /** The calls of an answer, but one whose arguments were cut off. */
    static List<Map<String, Object>> written(List<ToolCall> calls) {
        List<Map<String, Object>> all = new ArrayList<>();
        for (ToolCall call : calls) {
            Map<?, ?> arguments;
            try {
                arguments = Json.object(call.arguments().getBytes(StandardCharsets.UTF_8));
            } catch (ApiError e) {
                continue; // the limit that cut it is the reason of the end
            }
            Map<String, Object> function = new LinkedHashMap<>();
            function.put("index", all.size());
            function.put("name", call.name());
            function.put(ARGUMENTS, arguments);
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("id", call.id());
            one.put(FUNCTION, function);
            all.add(one);
        }
        return all;
    }
}
