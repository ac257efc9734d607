package io.github.medpsy4j.engine.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What a template computes with: Python's values as far as templates see them. All are immutable but for
 * {@link Namespace}, {@link Lazy}, {@link Cycler} and {@link Joiner}, whose state is what they are for. Containers know
 * their weight and depth, so that comparing, hashing and printing them can be charged before it starts.
 */
sealed interface Value
        permits Text,
                Value.None,
                Value.Bool,
                Value.Int,
                Value.Real,
                Value.Undefined,
                Value.Sequence,
                Value.Dict,
                Value.View,
                Value.Range,
                Value.Lazy,
                Value.Function,
                Value.MacroValue,
                Value.Namespace,
                Value.LoopValue,
                Value.Cycler,
                Value.Joiner {
    /** Deepest nesting of lists and dicts, the caller's variables included. */
    int DEPTH_MAX = 200;

    /** The name of the Python type, as error messages give it. */
    String type();

    /** Roughly what it costs to walk the whole value: one, plus characters and elements within. */
    default long weight() {
        return 1;
    }

    /** Containers from the outermost to the innermost, this one included; 0 for what holds nothing. */
    default int depth() {
        return 0;
    }

    /** {@code None}. */
    enum None implements Value {
        NONE;

        @Override
        public String type() {
            return "NoneType";
        }
    }

    /** {@code True} and {@code False}. */
    enum Bool implements Value {
        FALSE,
        TRUE;

        static Bool of(boolean value) {
            return value ? TRUE : FALSE;
        }

        @Override
        public String type() {
            return "bool";
        }
    }

    /** An integer of any size up to {@link Operators#INT_BITS_MAX}. */
    record Int(BigInteger value, Origin origin) implements Value {
        static Int of(long value) {
            return new Int(BigInteger.valueOf(value), Origin.TEMPLATE);
        }

        @Override
        public String type() {
            return "int";
        }
    }

    /** A float. */
    record Real(double value, Origin origin) implements Value {
        @Override
        public String type() {
            return "float";
        }
    }

    /** A name or attribute that is not there: prints as nothing, is false, and fails when used with this message. */
    record Undefined(String message) implements Value {
        static Undefined name(String name) {
            return new Undefined("'" + name + "' is undefined");
        }

        @Override
        public String type() {
            return "Undefined";
        }

        Fault fault() {
            return new Fault(message);
        }
    }

    /** Values in order: a list or a tuple. */
    sealed interface Sequence extends Value {
        List<Value> items();
    }

    /** A list; {@code origin} is where its brackets come from when it is printed. */
    record ListValue(List<Value> items, Origin origin, long weight, int depth) implements Sequence {
        static ListValue of(List<Value> items, Origin origin) {
            return new ListValue(items, origin, weightOf(items), depthOf(items));
        }

        static ListValue of(List<Value> items) {
            return of(items, Origin.TEMPLATE);
        }

        @Override
        public String type() {
            return "list";
        }
    }

    /** A tuple. A pair of {@code groupby} also answers to two names. */
    record Tuple(List<Value> items, List<String> names, long weight, int depth) implements Sequence {
        static Tuple of(List<Value> items) {
            return new Tuple(items, List.of(), weightOf(items), depthOf(items));
        }

        static Tuple of(Value... items) {
            return of(List.of(items));
        }

        static Tuple named(List<String> names, Value... items) {
            List<Value> list = List.of(items);
            return new Tuple(list, names, weightOf(list), depthOf(list));
        }

        @Override
        public String type() {
            return "tuple";
        }
    }

    /** A key and its value. */
    record Entry(Value key, Value value) {}

    /** A dict in order of insertion; the map's keys are {@link Operators#key}. */
    record Dict(Map<Object, Entry> entries, Origin origin, long weight, int depth) implements Value {
        static Dict of(Map<Object, Entry> entries, Origin origin) {
            long weight = 1;
            int depth = 0;
            for (Entry entry : entries.values()) {
                weight = add(weight, add(entry.key.weight(), entry.value.weight()));
                depth = Math.max(depth, Math.max(entry.key.depth(), entry.value.depth()));
            }
            return new Dict(Collections.unmodifiableMap(entries), origin, weight, checked(depth + 1));
        }

        /** A dict of strings that the template itself made up, such as a macro's {@code kwargs}. */
        static Dict ofNames(Map<String, Value> named) {
            Map<Object, Entry> entries = new LinkedHashMap<>();
            named.forEach((name, value) -> entries.put(name, new Entry(Text.of(name), value)));
            return of(entries, Origin.TEMPLATE);
        }

        /** The value under a string key, or null. */
        Value get(String key) {
            Entry entry = entries.get(key);
            return entry == null ? null : entry.value;
        }

        @Override
        public String type() {
            return "dict";
        }
    }

    /** {@code dict.keys()}, {@code dict.values()} and {@code dict.items()}. */
    record View(Kind kind, Dict dict) implements Value {
        enum Kind {
            KEYS("dict_keys"),
            VALUES("dict_values"),
            ITEMS("dict_items");

            private final String type;

            Kind(String type) {
                this.type = type;
            }
        }

        Value element(Entry entry) {
            return switch (kind) {
                case KEYS -> entry.key;
                case VALUES -> entry.value;
                case ITEMS -> Tuple.of(entry.key, entry.value);
            };
        }

        @Override
        public String type() {
            return kind.type;
        }

        @Override
        public long weight() {
            return dict.weight;
        }

        @Override
        public int depth() {
            return dict.depth;
        }
    }

    /** {@code range(start, stop, step)}, of {@code size} numbers. */
    record Range(long start, long stop, long step, int size) implements Value {
        long at(int index) {
            return start + index * step;
        }

        @Override
        public String type() {
            return "range";
        }

        @Override
        public long weight() {
            return 1L + size;
        }
    }

    /** A generator: walked once, always true, without length or elements. */
    final class Lazy implements Value {
        private final String type;
        private final Supplier<Iterator<Value>> source;
        private Iterator<Value> iterator;

        Lazy(String type, Supplier<Iterator<Value>> source) {
            this.type = type;
            this.source = source;
        }

        Iterator<Value> iterator() {
            if (iterator == null) {
                iterator = source.get();
            }
            return iterator;
        }

        @Override
        public String type() {
            return type;
        }
    }

    /** Whatever can be called: a global, a method bound to its object, {@code caller}. */
    record Function(String name, Body body) implements Value {
        /** What a call does. */
        @FunctionalInterface
        interface Body {
            Value call(Interpreter interpreter, Arguments arguments);
        }

        @Override
        public String type() {
            return "builtin_function_or_method";
        }
    }

    /** A macro, with the names that it may be asked for. */
    record MacroValue(
            String name,
            List<String> parameters,
            boolean takesVarargs,
            boolean takesKwargs,
            boolean takesCaller,
            Function.Body body)
            implements Value {
        @Override
        public String type() {
            return "Macro";
        }
    }

    /** {@code namespace(…)}: the one thing that a template may assign into. */
    record Namespace(Map<String, Value> attributes) implements Value {
        @Override
        public String type() {
            return "Namespace";
        }
    }

    /** {@code loop}. */
    record LoopValue(Loop loop) implements Value {
        @Override
        public String type() {
            return "LoopContext";
        }
    }

    /** {@code cycler(…)}. */
    final class Cycler implements Value {
        final List<Value> items;
        int position;

        Cycler(List<Value> items) {
            this.items = items;
        }

        @Override
        public String type() {
            return "Cycler";
        }
    }

    /** {@code joiner(…)}. */
    final class Joiner implements Value {
        final Value separator;
        boolean used;

        Joiner(Value separator) {
            this.separator = separator;
        }

        @Override
        public String type() {
            return "Joiner";
        }
    }

    private static long add(long a, long b) {
        return Math.min(a + b, Long.MAX_VALUE / 4);
    }

    private static long weightOf(List<Value> items) {
        long weight = 1;
        for (Value item : items) {
            weight = add(weight, item.weight());
        }
        return weight;
    }

    private static int depthOf(List<Value> items) {
        int depth = 0;
        for (Value item : items) {
            depth = Math.max(depth, item.depth());
        }
        return checked(depth + 1);
    }

    private static int checked(int depth) {
        if (depth > DEPTH_MAX) {
            throw new Fault("a value nests lists and dicts deeper than " + DEPTH_MAX + " levels");
        }
        return depth;
    }

    /** The variables of a caller as values; see {@link ChatTemplate#render}. */
    static Value from(Object object, Origin origin, String path, int depth) {
        if (depth > DEPTH_MAX) {
            throw new Fault("variable " + path + " nests deeper than " + DEPTH_MAX + " levels");
        }
        return switch (object) {
            case null -> None.NONE;
            case String text -> Text.of(text, origin);
            case Boolean bool -> Bool.of(bool);
            case Integer number -> new Int(BigInteger.valueOf(number), origin);
            case Long number -> new Int(BigInteger.valueOf(number), origin);
            case BigInteger number -> new Int(Operators.bounded(number), origin);
            case Double number -> new Real(number, origin);
            case BigDecimal number -> new Real(number.doubleValue(), origin);
            case List<?> list -> {
                List<Value> items = new ArrayList<>(list.size());
                for (Object item : list) {
                    items.add(from(item, origin, path + "[" + items.size() + "]", depth + 1));
                }
                yield ListValue.of(items, origin);
            }
            case Map<?, ?> map -> {
                Map<Object, Entry> entries = new LinkedHashMap<>();
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    if (!(entry.getKey() instanceof String key)) {
                        throw new Fault("variable " + path + " has a key that is no String: " + entry.getKey());
                    }
                    entries.put(
                            key,
                            new Entry(
                                    Text.of(key, origin), from(entry.getValue(), origin, path + "." + key, depth + 1)));
                }
                yield Dict.of(entries, origin);
            }
            default ->
                throw new Fault(
                        "variable " + path + " is a " + object.getClass().getName()
                                + "; expected String, Boolean, Integer, Long, BigInteger, Double, BigDecimal, null, List or Map");
        };
    }
}
