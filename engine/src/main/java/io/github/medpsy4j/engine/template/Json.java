package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Value.Entry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;

/** {@code tojson} as {@code transformers} defines it: {@code json.dumps} with its options. */
final class Json {
    private final Budget budget;
    private final Text.Builder out;
    private final boolean ascii;
    private final Text indent;
    private final Text itemSeparator;
    private final Text keySeparator;
    private final boolean sortKeys;

    private Json(Budget budget, boolean ascii, Text indent, Text itemSeparator, Text keySeparator, boolean sortKeys) {
        this.budget = budget;
        this.out = new Text.Builder(budget);
        this.ascii = ascii;
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.sortKeys = sortKeys;
    }

    static Value filter(Interpreter in, Value subject, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        Text indent = null;
        if (bound.get(1) instanceof Text text) {
            indent = text;
        } else if (bound.get(1) != null && bound.get(1) != Value.None.NONE) {
            indent = new Text.Builder(in.budget())
                    .repeat(Text.of(" "), bound.integer(1, 0))
                    .build();
        }
        Text item = Text.of(indent == null ? ", " : ",");
        Text key = Text.of(": ");
        if (bound.get(2) != null && bound.get(2) != Value.None.NONE) {
            List<Value> separators = Operators.list(bound.get(2), in.budget());
            if (separators.size() != 2
                    || !(separators.get(0) instanceof Text first)
                    || !(separators.get(1) instanceof Text second)) {
                throw new Fault("tojson() separators: expected two strings");
            }
            item = first;
            key = second;
        }
        Json json = new Json(in.budget(), bound.truth(0, false), indent, item, key, bound.truth(3, false));
        json.write(subject, Origin.TEMPLATE, 0);
        return json.out.build();
    }

    private void write(Value value, Origin around, int level) {
        budget.step();
        switch (value) {
            case Text text -> quoted(text);
            case Value.None none -> out.append("null", around);
            case Value.Bool bool -> out.append(bool == Value.Bool.TRUE ? "true" : "false", around);
            case Value.Int number -> out.append(Repr.integer(number.value(), budget), around.with(number.origin()));
            case Value.Real number -> out.append(number(number.value()), around.with(number.origin()));
            case Value.Sequence sequence -> {
                Origin origin = Operators.originOf(value).with(around);
                if (sequence.items().isEmpty()) {
                    out.append("[]", origin);
                    return;
                }
                out.append("[", origin);
                boolean first = true;
                for (Value item : sequence.items()) {
                    separate(first, origin, level + 1);
                    first = false;
                    write(item, origin, level + 1);
                }
                newline(origin, level);
                out.append("]", origin);
            }
            case Value.Dict dict -> object(dict, dict.origin().with(around), level);
            default -> throw new Fault("Object of type " + value.type() + " is not JSON serializable");
        }
    }

    private void object(Value.Dict dict, Origin origin, int level) {
        if (dict.entries().isEmpty()) {
            out.append("{}", origin);
            return;
        }
        List<Entry> entries = new ArrayList<>(dict.entries().values());
        if (sortKeys) {
            entries.sort(Comparator.comparing(
                    Entry::key,
                    (a, b) -> Operators.compare(Operators.Comparison.LESS, a, b, budget)
                            ? -1
                            : Operators.compare(Operators.Comparison.LESS, b, a, budget) ? 1 : 0));
        }
        out.append("{", origin);
        boolean first = true;
        for (Iterator<Entry> iterator = entries.iterator(); iterator.hasNext(); ) {
            Entry entry = iterator.next();
            separate(first, origin, level + 1);
            first = false;
            quoted(key(entry.key(), origin));
            append(keySeparator, origin);
            write(entry.value(), origin, level + 1);
        }
        newline(origin, level);
        out.append("}", origin);
    }

    private Text key(Value key, Origin origin) {
        return switch (key) {
            case Text text -> text;
            case Value.None none -> Text.of("null", origin);
            case Value.Bool bool -> Text.of(bool == Value.Bool.TRUE ? "true" : "false", origin);
            case Value.Int number ->
                Text.of(Repr.integer(number.value(), budget), number.origin().with(origin));
            case Value.Real number ->
                Text.of(number(number.value()), number.origin().with(origin));
            default -> throw new Fault("keys must be str, int, float, bool or None, not " + key.type());
        };
    }

    private void separate(boolean first, Origin origin, int level) {
        if (!first) {
            append(itemSeparator, origin);
        }
        newline(origin, level);
    }

    private void newline(Origin origin, int level) {
        if (indent != null) {
            out.append("\n", origin);
            out.repeat(Text.of(indent.value(), indent.weakest().with(origin)), level);
        }
    }

    /** A separator within a container of {@code origin}. */
    private void append(Text separator, Origin origin) {
        out.append(separator.value(), separator.weakest().with(origin));
    }

    private static String number(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "Infinity" : "-Infinity";
        }
        return Repr.floating(value);
    }

    private void quoted(Text text) {
        String value = text.value();
        Origin weakest = text.weakest();
        out.append("\"", weakest);
        int plain = 0;
        for (int i = 0; i < value.length(); i++) {
            String escaped = escaped(value.charAt(i));
            if (escaped != null) {
                out.append(text, plain, i);
                out.append(escaped, text.originAt(i));
                plain = i + 1;
            }
        }
        out.append(text, plain, value.length());
        out.append("\"", weakest);
    }

    private String escaped(char c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\f' -> "\\f";
            case '\b' -> "\\b";
            default -> c < 0x20 || (ascii && c > 0x7e) ? "\\u" + Repr.hex(c, 4) : null;
        };
    }
}
