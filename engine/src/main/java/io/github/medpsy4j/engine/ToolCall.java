package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.json.JsonException;
import io.github.medpsy4j.engine.json.JsonReader;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A call that the model asks for. Whoever makes it answers with a message of the role {@code tool}.
 *
 * @param id tells it from the other calls of a conversation
 * @param name the tool's
 * @param arguments a JSON object, as the model wrote it; only the beginning of one where the generation was cut off
 *     within it, and {@link Answer#toolCallFault} says so then
 */
public record ToolCall(String id, String name, String arguments) {
    public ToolCall {
        Objects.requireNonNull(id);
        Objects.requireNonNull(name);
        Objects.requireNonNull(arguments);
    }

    /**
     * A part of a call as it is generated.
     *
     * @param index of the call in the answer
     * @param id the call's, in each of its parts
     * @param name the tool's, in each of its parts
     * @param arguments what of the arguments has come since the part before; empty in a call's first part
     */
    public record Delta(int index, String id, String name, String arguments) {}

    /** The call as chat templates read it. */
    Map<String, Object> variables() {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", name);
        function.put("arguments", parsed());
        Map<String, Object> call = new LinkedHashMap<>();
        call.put("id", id);
        call.put("type", "function");
        call.put("function", function);
        return call;
    }

    /** Templates want an object; some take a text as well, and what is no object stays one. */
    private Object parsed() {
        try {
            return JsonReader.read(arguments) instanceof Map<?, ?> map ? map : arguments;
        } catch (JsonException e) {
            return arguments;
        }
    }
}
