package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Value.Dict;
import io.github.medpsy4j.engine.template.Value.Entry;
import io.github.medpsy4j.engine.template.Value.ListValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The caller's variables as values, each with its origin. */
final class Variables {
    /**
     * Roles that chat formats know. A message's role counts as the template's text if it is one of these, because
     * templates build special tokens of it, such as {@code <|user|>}; any other is content.
     */
    private static final Set<String> ROLES = Set.of(
            "system",
            "developer",
            "user",
            "assistant",
            "tool",
            "function",
            "model",
            "ipython",
            "environment",
            "observation",
            "context",
            "documents",
            "tool_response",
            "tool_call");

    private Variables() {}

    static Map<String, Value> of(Map<String, ?> variables, RenderOptions options) {
        Map<String, Value> values = new HashMap<>();
        variables.forEach((name, object) -> {
            boolean trusted = object instanceof String && options.trusted().test(name);
            values.put(
                    name,
                    name.equals("messages") && object instanceof List<?> messages
                            ? messages(messages)
                            : Value.from(object, trusted ? Origin.TEMPLATE : Origin.CONTENT, name, 0));
        });
        return values;
    }

    private static Value messages(List<?> messages) {
        List<Value> values = new ArrayList<>(messages.size());
        for (Object message : messages) {
            String path = "messages[" + values.size() + "]";
            Object role = message instanceof Map<?, ?> map ? map.get("role") : null;
            Value value = Value.from(message, "assistant".equals(role) ? Origin.ASSISTANT : Origin.CONTENT, path, 1);
            values.add(role instanceof String name && ROLES.contains(name) ? withRole((Dict) value, name) : value);
        }
        return ListValue.of(values, Origin.CONTENT);
    }

    private static Dict withRole(Dict message, String role) {
        Map<Object, Entry> entries = new LinkedHashMap<>(message.entries());
        entries.computeIfPresent("role", (key, entry) -> new Entry(entry.key(), Text.of(role)));
        return Dict.of(entries, message.origin());
    }
}
