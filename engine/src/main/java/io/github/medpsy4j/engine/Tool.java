package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.json.JsonException;
import io.github.medpsy4j.engine.json.JsonReader;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A function that the model may ask to be called.
 *
 * @param name letters, digits, {@code _}, {@code -} and {@code .}, 64 at most
 * @param description what the model is told of it; empty for nothing
 * @param parameters the JSON Schema of its arguments, an object's, as a text; empty for a tool that takes none
 */
public record Tool(String name, String description, String parameters) {
    private static final int NAME_CHARS_MAX = 64;
    private static final String NO_PARAMETERS = "{\"type\": \"object\", \"properties\": {}}";

    /** @throws IllegalArgumentException if the name is none, or the parameters are not the schema of an object */
    public Tool {
        Objects.requireNonNull(description);
        if (!name.matches("[A-Za-z0-9_.-]{1," + NAME_CHARS_MAX + "}")) {
            throw new IllegalArgumentException("tool: expected a name of 1 to " + NAME_CHARS_MAX
                    + " letters, digits, _, - and ., got \"" + name + "\"");
        }
        parameters = parameters.isBlank() ? NO_PARAMETERS : parameters;
        Object type = schema(name, parameters).get("type");
        boolean mayBeObject =
                type == null || (type instanceof List<?> types ? types.contains("object") : type.equals("object"));
        if (!mayBeObject) {
            throw new IllegalArgumentException("tool " + name + ": parameters: expected the type object, got " + type);
        }
    }

    private static Map<?, ?> schema(String name, String parameters) {
        try {
            if (JsonReader.read(parameters) instanceof Map<?, ?> schema) {
                return schema;
            }
        } catch (JsonException e) {
            throw new IllegalArgumentException("tool " + name + ": parameters: " + e.getMessage(), e);
        }
        throw new IllegalArgumentException("tool " + name + ": parameters: expected a JSON object");
    }

    /** The schema as maps, lists, strings, numbers, booleans and null. */
    Map<?, ?> schema() {
        return schema(name, parameters);
    }

    /** The tool as chat templates read it: what OpenAI's API calls a tool. */
    Map<String, Object> variables() {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", name);
        if (!description.isEmpty()) {
            function.put("description", description);
        }
        function.put("parameters", schema());
        Map<String, Object> tool = new LinkedHashMap<>();
        tool.put("type", "function");
        tool.put("function", function);
        return tool;
    }
}
