package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Tool;
import io.github.medpsy4j.engine.ToolCall;
import io.github.medpsy4j.engine.Tools;
import io.github.medpsy4j.engine.Tools.Choice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** OpenAI's {@code tools}, {@code tool_choice} and {@code tool_calls}, from JSON and to it. */
final class ToolFields {
    /** Where what is said of a function stands. */
    enum Form {
        /** In an object {@code function} beside the type, as chats have it. */
        NESTED,
        /** Beside the type, as {@code /v1/responses} has it. */
        FLAT
    }

    private static final String FUNCTION = "function";

    private ToolFields() {}

    /** The tools of a request; none if it has none. */
    static Tools tools(Fields fields, Form form) throws ApiError {
        List<?> list = fields.list("tools");
        List<Tool> tools = new ArrayList<>();
        for (int i = 0; list != null && i < list.size(); i++) {
            tools.add(tool(Fields.of(fields.path("tools") + "[" + i + "]", list.get(i)), form));
        }
        boolean parallel = fields.flag("parallel_tool_calls", true);
        try {
            return choice(fields, form, Tools.of(tools)).withParallel(parallel);
        } catch (IllegalArgumentException e) {
            throw ApiError.badRequest(fields.path("tools"), e.getMessage());
        }
    }

    private static Tool tool(Fields fields, Form form) throws ApiError {
        Fields function = function(fields, form);
        String name = function.requiredText("name");
        String description = function.text("description");
        Object parameters = function.value("parameters");
        if (parameters != null && !(parameters instanceof Map<?, ?>)) {
            throw Fields.wrong(function.path("parameters"), "an object", parameters);
        }
        function.ignore(Set.of("strict")); // arguments are always held to their schema
        function.refuseOthers();
        fields.refuseOthers();
        try {
            return new Tool(name, description == null ? "" : description, parameters == null ? "" : text(parameters));
        } catch (IllegalArgumentException e) {
            boolean isName = e.getMessage().startsWith("tool: ");
            throw ApiError.badRequest(function.path(isName ? "name" : "parameters"), e.getMessage());
        }
    }

    private static String text(Object json) {
        return new String(Json.bytes(json), StandardCharsets.UTF_8);
    }

    private static Fields function(Fields fields, Form form) throws ApiError {
        if (!fields.requiredText("type").equals(FUNCTION)) {
            throw ApiError.badRequest(fields.path("type"), "expected function");
        }
        if (form == Form.FLAT) {
            return fields;
        }
        Fields function = fields.object(FUNCTION);
        if (function == null) {
            throw ApiError.badRequest(fields.path(FUNCTION), "is missing");
        }
        return function;
    }

    private static Tools choice(Fields fields, Form form, Tools tools) throws ApiError {
        String path = fields.path("tool_choice");
        return switch (fields.value("tool_choice")) {
            case null -> tools;
            case String word when word.equals("auto") -> tools;
            case String word when word.equals("none") -> tools.withChoice(Choice.NONE);
            case String word
            when word.equals("required") -> {
                if (tools.list().isEmpty()) {
                    throw ApiError.badRequest(path, "a call is required, but there are no tools");
                }
                yield tools.withChoice(Choice.REQUIRED);
            }
            case Map<?, ?> map -> {
                Fields choice = Fields.of(path, map);
                Fields function = function(choice, form);
                String name = function.requiredText("name");
                function.refuseOthers();
                choice.refuseOthers();
                if (tools.list().stream().noneMatch(tool -> tool.name().equals(name))) {
                    throw ApiError.badRequest(function.path("name"), "there is no such tool");
                }
                yield tools.withNamed(name);
            }
            case Object other -> throw Fields.wrong(path, "none, auto, required or a function's name", other);
        };
    }

    /** The calls of an assistant's message. */
    static List<ToolCall> calls(Fields message) throws ApiError {
        List<?> list = message.list("tool_calls");
        List<ToolCall> calls = new ArrayList<>();
        for (int i = 0; list != null && i < list.size(); i++) {
            Fields call = Fields.of(message.path("tool_calls") + "[" + i + "]", list.get(i));
            Fields function = function(call, Form.NESTED);
            String id = call.requiredText("id");
            calls.add(new ToolCall(id, function.requiredText("name"), function.requiredText("arguments")));
            call.ignore(Set.of("index")); // of the stream that it was taken from
            function.refuseOthers();
            call.refuseOthers();
        }
        return calls;
    }

    /** The calls of an answer. */
    static List<Map<String, Object>> whole(List<ToolCall> calls) {
        return calls.stream()
                .map(call -> call(call.id(), call.name(), call.arguments()))
                .toList();
    }

    private static Map<String, Object> call(String id, String name, String arguments) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", name);
        function.put("arguments", arguments);
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("id", id);
        one.put("type", FUNCTION);
        one.put(FUNCTION, function);
        return one;
    }

    /** A part of a call as it comes: the first has the name, the others what they add to the arguments. */
    static List<Map<String, Object>> part(ToolCall.Delta delta) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("index", delta.index());
        if (delta.arguments().isEmpty()) {
            one.putAll(call(delta.id(), delta.name(), ""));
        } else {
            one.put(FUNCTION, Map.of("arguments", delta.arguments()));
        }
        return List.of(one);
    }
}
