package io.github.medpsy4j.engine.template;

import java.util.HashMap;
import java.util.Map;

/** Names and their values while rendering; a name is looked for in the scope, then in those around it. */
final class Scope {
    private final Scope parent;

    /** A null value hides the name in the scopes around. */
    private final Map<String, Value> values = new HashMap<>();

    Scope(Scope parent, Frame frame) {
        this.parent = parent;
        for (String name : frame.undefinedAtEntry()) {
            values.put(name, null);
        }
    }

    /** The outermost scope, of the variables and globals. */
    Scope(Map<String, Value> variables) {
        this.parent = null;
        values.putAll(variables);
    }

    Value get(String name) {
        for (Scope scope = this; scope != null; scope = scope.parent) {
            Value value = scope.values.get(name);
            if (value != null) {
                return value;
            }
            if (scope.values.containsKey(name)) {
                break;
            }
        }
        return Value.Undefined.name(name);
    }

    void set(String name, Value value) {
        values.put(name, value);
    }
}
