package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Value.Dict;
import io.github.medpsy4j.engine.template.Value.Entry;
import io.github.medpsy4j.engine.template.Value.Function;
import io.github.medpsy4j.engine.template.Value.Namespace;
import io.github.medpsy4j.engine.template.Value.Range;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template may call by name. */
final class Globals {
    /** jinja2's sandbox refuses longer ranges. */
    static final int RANGE_MAX = 100_000;

    static final Map<String, Value> TABLE = table();

    private Globals() {}

    private static Map<String, Value> table() {
        Map<String, Value> table = new HashMap<>();
        add(table, "range", Globals::range);
        add(table, "dict", (in, arguments) -> dict("dict", in, arguments));
        add(table, "namespace", Globals::namespace);
        add(table, "cycler", (in, arguments) -> {
            List<Value> items = arguments.positional();
            if (items.isEmpty() || !arguments.named().isEmpty()) {
                throw new Fault("at least one item has to be provided");
            }
            return new Value.Cycler(items);
        });
        add(
                table,
                "joiner",
                (in, arguments) ->
                        new Value.Joiner(arguments.bind("joiner", 0, "sep").get(0, Text.of(", "))));
        add(table, "lipsum", (in, arguments) -> {
            throw new Fault("the function 'lipsum' is not supported in chat templates");
        });
        add(table, "raise_exception", (in, arguments) -> {
            throw new Fault(
                    Repr.str(arguments.bind("raise_exception", 1, "message").get(0), in.budget())
                            .value());
        });
        add(table, "strftime_now", (in, arguments) -> {
            Text format = arguments.bind("strftime_now", 1, "format").text(0);
            in.budget().characters(32L * format.units());
            return Text.of(
                    Strftime.format(
                            format.value(), LocalDateTime.now(in.options().clock())),
                    format.weakest());
        });
        return Map.copyOf(table);
    }

    private static void add(Map<String, Value> table, String name, Function.Body body) {
        table.put(name, new Function(name, body));
    }

    private static Value range(Interpreter in, Arguments arguments) {
        Arguments.Bound bound = arguments.positionalOnly("range", 1, 3);
        for (int i = 0; i < 3; i++) {
            if (bound.get(i) != null && Operators.integer(bound.get(i)) == null) {
                throw bound.get(i) instanceof Value.Undefined undefined
                        ? undefined.fault()
                        : new Fault("'" + bound.get(i).type() + "' object cannot be interpreted as an integer");
            }
        }
        boolean one = bound.get(1) == null;
        long start = one ? 0 : bound.integer(0, 0);
        long stop = one ? bound.integer(0, 0) : bound.integer(1, 0);
        long step = bound.integer(2, 1);
        if (step == 0) {
            throw new Fault("range() arg 3 must not be zero");
        }
        long size =
                step > 0 ? Math.max(0, stop - start + step - 1) / step : Math.max(0, start - stop - step - 1) / -step;
        if (size > RANGE_MAX) {
            throw new Fault("Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + RANGE_MAX + ").");
        }
        return new Range(start, stop, step, (int) size);
    }

    private static Dict dict(String function, Interpreter in, Arguments arguments) {
        Budget budget = in.budget();
        Map<Object, Entry> entries = new LinkedHashMap<>();
        Value initial = new Arguments(arguments.positional(), Map.of())
                .bind(function, 0, "iterable")
                .get(0);
        if (initial instanceof Dict dict) {
            budget.elements(2L * dict.entries().size());
            entries.putAll(dict.entries());
        } else if (initial instanceof Namespace || (initial != null && !Operators.isIterable(initial))) {
            throw new Fault("'" + initial.type() + "' object is not iterable");
        } else if (initial != null) {
            for (Iterator<Value> pairs = Operators.iterate(initial, budget); pairs.hasNext(); ) {
                List<Value> pair = Operators.list(pairs.next(), budget);
                if (pair.size() != 2) {
                    throw new Fault("dictionary update sequence element has length " + pair.size() + "; 2 is required");
                }
                budget.elements(2);
                Interpreter.put(entries, pair.get(0), pair.get(1), budget);
            }
        }
        budget.elements(2L * arguments.named().size());
        arguments.named().forEach((name, value) -> Interpreter.put(entries, Text.of(name), value, budget));
        return Dict.of(entries, initial == null ? Origin.TEMPLATE : Operators.originOf(initial));
    }

    private static Value namespace(Interpreter in, Arguments arguments) {
        Map<String, Value> attributes = new LinkedHashMap<>();
        for (Entry entry : dict("namespace", in, arguments).entries().values()) {
            if (!(entry.key() instanceof Text name)) {
                throw new Fault("attribute names must be strings");
            }
            attributes.put(name.value(), entry.value());
        }
        return new Namespace(attributes);
    }
}
