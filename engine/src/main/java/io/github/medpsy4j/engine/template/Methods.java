package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Arguments.Bound;
import io.github.medpsy4j.engine.template.Value.Bool;
import io.github.medpsy4j.engine.template.Value.Dict;
import io.github.medpsy4j.engine.template.Value.Function;
import io.github.medpsy4j.engine.template.Value.Int;
import io.github.medpsy4j.engine.template.Value.ListValue;
import io.github.medpsy4j.engine.template.Value.None;
import io.github.medpsy4j.engine.template.Value.Tuple;
import io.github.medpsy4j.engine.template.Value.Undefined;
import io.github.medpsy4j.engine.template.Value.View;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** The attributes of values: Python's methods of strings, lists and dicts that change nothing, and a few fields. */
final class Methods {
    /** A method of {@code T}. */
    @FunctionalInterface
    private interface Method<T> {
        Value call(T self, Arguments arguments, Budget budget);
    }

    private static final Map<String, Method<Text>> TEXT = text();
    private static final Map<String, Method<Value.Sequence>> SEQUENCE = sequence();
    private static final Map<String, Method<Dict>> DICT = dict();

    /** Methods that change a list or a dict: the sandbox makes them undefined with a message of its own. */
    private static final Set<String> LIST_CHANGES =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");

    private static final Set<String> DICT_CHANGES = Set.of("clear", "pop", "popitem", "setdefault", "update");

    /** Python has them; here they are refused by name rather than taken for missing. */
    private static final Set<String> TEXT_REFUSED = Set.of("encode", "maketrans", "translate");

    private static final Set<String> PRIVATE = Set.of(
            "__class__",
            "__doc__",
            "__init__",
            "__new__",
            "__str__",
            "__repr__",
            "__eq__",
            "__ne__",
            "__lt__",
            "__le__",
            "__gt__",
            "__ge__",
            "__hash__",
            "__dir__",
            "__format__",
            "__getattribute__",
            "__setattr__",
            "__delattr__",
            "__reduce__",
            "__reduce_ex__",
            "__sizeof__",
            "__subclasshook__",
            "__init_subclass__");

    private Methods() {}

    /** The attribute of this name, an undefined value where the sandbox hides it, or null where there is none. */
    static Value attribute(Value object, String name) {
        if (PRIVATE.contains(name)) {
            return object instanceof Undefined || object instanceof Value.Namespace ? null : unsafe(object, name);
        }
        return switch (object) {
            case Text text -> {
                if (TEXT_REFUSED.contains(name)) {
                    throw new Fault("the method '" + name + "' of str is not supported in chat templates");
                }
                if (name.equals("format") || name.equals("format_map")) {
                    boolean map = name.equals("format_map");
                    yield new Function(name, (in, arguments) -> Formatting.format(text, arguments, map, in));
                }
                yield bound(text, name);
            }
            case ListValue list ->
                LIST_CHANGES.contains(name)
                        ? unsafe(list, name)
                        : name.equals("copy")
                                ? new Function(name, (in, arguments) -> list)
                                : bound(SEQUENCE, name, list);
            case Tuple tuple -> {
                int index = tuple.names().indexOf(name);
                yield index >= 0 ? tuple.items().get(index) : bound(SEQUENCE, name, tuple);
            }
            case Dict dict -> DICT_CHANGES.contains(name) ? unsafe(dict, name) : bound(DICT, name, dict);
            case Value.Range range ->
                switch (name) {
                    case "start" -> Int.of(range.start());
                    case "stop" -> Int.of(range.stop());
                    case "step" -> Int.of(range.step());
                    default -> null;
                };
            case Int number ->
                switch (name) {
                    case "real", "numerator" -> number;
                    case "imag" -> Int.of(0);
                    case "denominator" -> Int.of(1);
                    case "bit_length" ->
                        new Function(
                                name,
                                (in, arguments) -> Int.of(number.value().abs().bitLength()));
                    default -> null;
                };
            case Value.Real number ->
                name.equals("is_integer")
                        ? new Function(
                                name,
                                (in, arguments) -> Bool.of(number.value() == Math.rint(number.value())
                                        && !Double.isInfinite(number.value())))
                        : null;
            case Value.Namespace namespace -> namespace.attributes().get(name);
            case Value.LoopValue loop -> loop.loop().attribute(name);
            case Value.MacroValue macro ->
                switch (name) {
                    case "name" -> Text.of(macro.name());
                    case "arguments" ->
                        Tuple.of(macro.parameters().stream()
                                .map(each -> (Value) Text.of(each))
                                .toList());
                    case "catch_kwargs" -> Bool.of(macro.takesKwargs());
                    case "catch_varargs" -> Bool.of(macro.takesVarargs());
                    case "caller" -> Bool.of(macro.takesCaller());
                    default -> null;
                };
            case Value.Cycler cycler ->
                switch (name) {
                    case "current" -> cycler.items.get(cycler.position);
                    case "next" ->
                        new Function(name, (in, arguments) -> {
                            Value current = cycler.items.get(cycler.position);
                            cycler.position = (cycler.position + 1) % cycler.items.size();
                            return current;
                        });
                    case "reset" ->
                        new Function(name, (in, arguments) -> {
                            cycler.position = 0;
                            return None.NONE;
                        });
                    default -> null;
                };
            default -> null;
        };
    }

    private static <T extends Value> Value bound(Map<String, Method<T>> table, String name, T self) {
        Method<T> method = table.get(name);
        return method == null ? null : new Function(name, (in, arguments) -> method.call(self, arguments, in.budget()));
    }

    /** A method of a string; of safe text the results are safe, and what {@code join} and {@code replace} put in is escaped. */
    private static Value bound(Text self, String name) {
        Method<Text> method = TEXT.get(name);
        if (method == null) {
            return null;
        }
        return new Function(name, (in, arguments) -> {
            Budget budget = in.budget();
            budget.scan(self.units());
            if (!self.isSafe()) {
                return method.call(self, arguments, budget);
            }
            Arguments escaped = switch (name) {
                case "join" ->
                    Arguments.of(escaped(
                            Operators.list(
                                    arguments.positionalOnly("join", 1, 1).get(0), budget),
                            budget));
                case "replace" -> {
                    Bound bound = arguments.bind("replace", 2, "old", "new", "count");
                    yield Arguments.of(bound.get(0), bound.text(1).escaped(budget), bound.get(2, None.NONE));
                }
                default -> arguments;
            };
            return safe(method.call(self, escaped, budget));
        });
    }

    private static ListValue escaped(List<Value> items, Budget budget) {
        budget.elements(items.size());
        return ListValue.of(items.stream()
                .map(item -> (item instanceof Text text ? text.escaped(budget) : item))
                .toList());
    }

    private static Value safe(Value value) {
        return switch (value) {
            case Text text -> text.safe(true);
            case ListValue list ->
                ListValue.of(list.items().stream().map(Methods::safe).toList(), list.origin());
            case Tuple tuple ->
                Tuple.of(tuple.items().stream().map(Methods::safe).toList());
            default -> value;
        };
    }

    private static Undefined unsafe(Value object, String name) {
        return new Undefined("access to attribute '" + name + "' of '" + object.type() + "' object is unsafe.");
    }

    /** The value's kind in messages about what it lacks. */
    static String describe(Value object) {
        return switch (object) {
            case None none -> "None";
            case Value.Namespace namespace -> "jinja2.utils.Namespace object";
            case Value.LoopValue loop -> "jinja2.runtime.LoopContext object";
            case Value.MacroValue macro -> "jinja2.runtime.Macro object";
            case Value.Cycler cycler -> "jinja2.utils.Cycler object";
            case Value.Joiner joiner -> "jinja2.utils.Joiner object";
            case Text text when text.isSafe() -> "markupsafe.Markup object";
            default -> object.type() + " object";
        };
    }

    // Sequences and dicts

    private static Map<String, Method<Value.Sequence>> sequence() {
        Map<String, Method<Value.Sequence>> table = new HashMap<>();
        table.put("count", (self, arguments, budget) -> {
            Value wanted = arguments.positionalOnly("count", 1, 1).get(0);
            int count = 0;
            for (Value item : self.items()) {
                count += Operators.equal(item, wanted, budget) ? 1 : 0;
            }
            return Int.of(count);
        });
        table.put("index", (self, arguments, budget) -> {
            Bound bound = arguments.positionalOnly("index", 1, 3);
            int size = self.items().size();
            int end = (int) position(bound.integer(2, size), size);
            for (int i = (int) position(bound.integer(1, 0), size); i < end; i++) {
                if (Operators.equal(self.items().get(i), bound.get(0), budget)) {
                    return Int.of(i);
                }
            }
            throw new Fault(
                    self instanceof Tuple
                            ? "tuple.index(x): x not in tuple"
                            : Repr.repr(bound.get(0), budget).value() + " is not in list");
        });
        return table;
    }

    private static long position(long index, long size) {
        return Math.clamp(index < 0 ? index + size : index, 0, size);
    }

    private static Map<String, Method<Dict>> dict() {
        Map<String, Method<Dict>> table = new HashMap<>();
        table.put("get", (self, arguments, budget) -> {
            Bound bound = arguments.positionalOnly("get", 1, 2);
            Value.Entry entry =
                    bound.get(0) instanceof Undefined ? null : self.entries().get(Operators.key(bound.get(0), budget));
            return entry == null ? bound.get(1, None.NONE) : entry.value();
        });
        table.put("keys", (self, arguments, budget) -> view(View.Kind.KEYS, self, arguments));
        table.put("values", (self, arguments, budget) -> view(View.Kind.VALUES, self, arguments));
        table.put("items", (self, arguments, budget) -> view(View.Kind.ITEMS, self, arguments));
        table.put("copy", (self, arguments, budget) -> {
            arguments.positionalOnly("copy", 0, 0);
            return self;
        });
        return table;
    }

    private static Value view(View.Kind kind, Dict self, Arguments arguments) {
        arguments.positionalOnly(kind.name().toLowerCase(Locale.ROOT), 0, 0);
        return new View(kind, self);
    }

    // Strings

    private static Map<String, Method<Text>> text() {
        Map<String, Method<Text>> table = new HashMap<>();
        change(table, "upper", Methods::upper);
        change(table, "lower", Methods::lower);
        change(table, "title", Methods::title);
        change(table, "capitalize", Methods::capitalize);
        change(table, "swapcase", Methods::swapcase);
        change(table, "casefold", Methods::casefold);
        table.put(
                "strip",
                (self, arguments, budget) -> strip(self, optionalText("strip", arguments), true, true, budget));
        table.put(
                "lstrip",
                (self, arguments, budget) -> strip(self, optionalText("lstrip", arguments), true, false, budget));
        table.put(
                "rstrip",
                (self, arguments, budget) -> strip(self, optionalText("rstrip", arguments), false, true, budget));
        table.put("split", (self, arguments, budget) -> {
            Bound bound = arguments.bind("split", 0, "sep", "maxsplit");
            return split(self, separator(bound), bound.integer(1, -1), budget);
        });
        table.put("rsplit", (self, arguments, budget) -> {
            Bound bound = arguments.bind("rsplit", 0, "sep", "maxsplit");
            return rsplit(self, separator(bound), bound.integer(1, -1), budget);
        });
        table.put(
                "splitlines",
                (self, arguments, budget) -> ListValue.of(new ArrayList<>(
                        lines(self, arguments.bind("splitlines", 0, "keepends").truth(0, false), budget))));
        table.put(
                "partition",
                (self, arguments, budget) -> partition(
                        self, arguments.positionalOnly("partition", 1, 1).text(0), false, budget));
        table.put(
                "rpartition",
                (self, arguments, budget) -> partition(
                        self, arguments.positionalOnly("rpartition", 1, 1).text(0), true, budget));
        table.put("replace", (self, arguments, budget) -> {
            Bound bound = arguments.bind("replace", 2, "old", "new", "count");
            return replace(self, bound.text(0), bound.text(1), bound.integer(2, -1), budget);
        });
        table.put("removeprefix", (self, arguments, budget) -> {
            String prefix =
                    arguments.positionalOnly("removeprefix", 1, 1).text(0).value();
            return self.value().startsWith(prefix) ? copy(self, prefix.length(), self.units(), budget) : self;
        });
        table.put("removesuffix", (self, arguments, budget) -> {
            String suffix =
                    arguments.positionalOnly("removesuffix", 1, 1).text(0).value();
            return self.value().endsWith(suffix) ? copy(self, 0, self.units() - suffix.length(), budget) : self;
        });
        table.put(
                "startswith",
                (self, arguments, budget) -> Bool.of(affix(self, arguments.positionalOnly("startswith", 1, 3), true)));
        table.put(
                "endswith",
                (self, arguments, budget) -> Bool.of(affix(self, arguments.positionalOnly("endswith", 1, 3), false)));
        find(table, "find", true, false);
        find(table, "index", true, true);
        find(table, "rfind", false, false);
        find(table, "rindex", false, true);
        table.put("count", (self, arguments, budget) -> count(self, arguments.positionalOnly("count", 1, 3), budget));
        table.put("join", (self, arguments, budget) -> {
            Text.Builder out = new Text.Builder(budget);
            int index = 0;
            for (Iterator<Value> items = Operators.iterate(
                            arguments.positionalOnly("join", 1, 1).get(0), budget);
                    items.hasNext();
                    index++) {
                Value item = items.next();
                if (!(item instanceof Text text)) {
                    throw new Fault("sequence item " + index + ": expected str instance, " + item.type() + " found");
                }
                out.append(index == 0 ? Text.EMPTY : self).append(text);
            }
            return out.build();
        });
        table.put("center", (self, arguments, budget) -> pad("center", self, arguments, budget));
        table.put("ljust", (self, arguments, budget) -> pad("ljust", self, arguments, budget));
        table.put("rjust", (self, arguments, budget) -> pad("rjust", self, arguments, budget));
        table.put("zfill", (self, arguments, budget) -> {
            long width = arguments.positionalOnly("zfill", 1, 1).integer(0, 0);
            int sign = !self.isEmpty() && "+-".indexOf(self.value().charAt(0)) >= 0 ? 1 : 0;
            return new Text.Builder(budget)
                    .append(self, 0, sign)
                    .repeat(Text.of("0"), width - self.codePoints())
                    .append(self, sign, self.units())
                    .build();
        });
        table.put(
                "expandtabs",
                (self, arguments, budget) -> expandtabs(
                        self, arguments.bind("expandtabs", 0, "tabsize").integer(0, 8), budget));
        all(table, "isalpha", Characters::isAlpha);
        all(table, "isalnum", Characters::isAlnum);
        all(table, "isdecimal", Characters::isDecimal);
        all(table, "isdigit", Characters::isDigitLike);
        all(table, "isnumeric", Characters::isNumeric);
        all(table, "isspace", Characters::isSpace);
        table.put(
                "isascii",
                (self, arguments, budget) -> Bool.of(self.value().chars().allMatch(c -> c < 128)));
        table.put(
                "isprintable",
                (self, arguments, budget) -> Bool.of(self.value().codePoints().allMatch(Characters::isPrintable)));
        table.put("isidentifier", (self, arguments, budget) -> Bool.of(Characters.isIdentifier(self.value())));
        table.put("islower", (self, arguments, budget) -> Bool.of(isCase(self.value(), false)));
        table.put("isupper", (self, arguments, budget) -> Bool.of(isCase(self.value(), true)));
        table.put("istitle", (self, arguments, budget) -> Bool.of(isTitle(self.value())));
        return table;
    }

    private static void change(
            Map<String, Method<Text>> table, String name, java.util.function.UnaryOperator<String> change) {
        table.put(name, (self, arguments, budget) -> {
            arguments.positionalOnly(name, 0, 0);
            budget.characters(3L * self.units());
            return self.rewritten(change.apply(self.value()));
        });
    }

    private static void all(Map<String, Method<Text>> table, String name, IntPredicate test) {
        table.put(name, (self, arguments, budget) -> {
            arguments.positionalOnly(name, 0, 0);
            return Bool.of(!self.isEmpty() && self.value().codePoints().allMatch(test));
        });
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    /** The first character in title case, the rest in lower case. */
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = Character.charCount(text.codePointAt(0));
        return titleCase(text.codePointAt(0))
                + lower(text).substring(lower(text.substring(0, first)).length());
    }

    private static String titleCase(int c) {
        String upper = Character.toString(c).toUpperCase(Locale.ROOT);
        if (Character.toTitleCase(c) != c || upper.codePointCount(0, upper.length()) == 1) {
            return Character.toString(Character.toTitleCase(c));
        }
        // A letter that becomes several, such as ß: the first of them that has a case is upper, the rest lower.
        int first = 0;
        while (first < upper.length() - 1 && !Character.isUpperCase(upper.charAt(first))) {
            first++;
        }
        return upper.substring(0, first + 1) + upper.substring(first + 1).toLowerCase(Locale.ROOT);
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            out.append(inWord ? Character.toString(c).toLowerCase(Locale.ROOT) : titleCase(c));
            inWord = Characters.isCased(c);
            i += Character.charCount(c);
        }
        return out.toString();
    }

    private static String swapcase(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> {
            String one = Character.toString(c);
            out.append(Character.isUpperCase(c) ? lower(one) : Character.isLowerCase(c) ? upper(one) : one);
        });
        return out.toString();
    }

    private static String casefold(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> out.append(lower(upper(Character.toString(c)))));
        return out.toString();
    }

    static boolean isCase(String text, boolean upper) {
        boolean cased = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            if (Character.isTitleCase(c) || (upper ? Character.isLowerCase(c) : Character.isUpperCase(c))) {
                return false;
            }
            cased |= upper ? Character.isUpperCase(c) : Character.isLowerCase(c);
            i += Character.charCount(c);
        }
        return cased;
    }

    private static boolean isTitle(String text) {
        boolean cased = false;
        boolean inWord = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            boolean big = Character.isUpperCase(c) || Character.isTitleCase(c);
            if ((big && inWord) || (Character.isLowerCase(c) && !inWord)) {
                return false;
            }
            inWord = Characters.isCased(c);
            cased |= inWord;
            i += Character.charCount(c);
        }
        return cased;
    }

    private static Text optionalText(String name, Arguments arguments) {
        Bound bound = arguments.positionalOnly(name, 0, 1);
        return bound.get(0) == null || bound.get(0) == None.NONE ? null : bound.text(0);
    }

    /** The text without the characters of {@code set} (whitespace if null) at its ends. */
    static Text strip(Text text, Text set, boolean left, boolean right, Budget budget) {
        budget.scan(set == null ? 0 : 16L * set.units());
        Set<Integer> wanted =
                set == null ? null : Set.copyOf(set.value().codePoints().boxed().toList());
        IntPredicate strips = wanted == null ? Characters::isSpace : wanted::contains;
        String value = text.value();
        int start = 0;
        int end = value.length();
        while (left && start < end && strips.test(value.codePointAt(start))) {
            start += Character.charCount(value.codePointAt(start));
        }
        while (right && end > start && strips.test(value.codePointBefore(end))) {
            end -= Character.charCount(value.codePointBefore(end));
        }
        return copy(text, start, end, budget);
    }

    private static Text copy(Text text, int start, int end, Budget budget) {
        budget.characters(end - start);
        return text.sub(start, end);
    }

    private static Text separator(Bound bound) {
        if (bound.get(0) == null || bound.get(0) == None.NONE) {
            return null;
        }
        return notEmpty(bound.text(0));
    }

    private static Text notEmpty(Text separator) {
        if (separator.isEmpty()) {
            throw new Fault("empty separator");
        }
        return separator;
    }

    private static void add(List<Value> parts, Text text, int start, int end, Budget budget) {
        budget.elements(4);
        parts.add(copy(text, start, end, budget));
    }

    private static Value split(Text text, Text separator, long limit, Budget budget) {
        List<Value> parts = new ArrayList<>();
        String value = text.value();
        long most = limit < 0 ? Long.MAX_VALUE : limit;
        int start = 0;
        if (separator != null) {
            Search search = new Search(separator.value(), budget);
            for (int found;
                    parts.size() < most && (found = search.first(value, start)) >= 0;
                    start = found + separator.units()) {
                add(parts, text, start, found, budget);
            }
            add(parts, text, start, value.length(), budget);
            return ListValue.of(parts);
        }
        while (true) {
            while (start < value.length() && Characters.isSpace(value.charAt(start))) {
                start++;
            }
            if (start == value.length()) {
                return ListValue.of(parts);
            }
            if (parts.size() == most) {
                add(parts, text, start, value.length(), budget);
                return ListValue.of(parts);
            }
            int end = start;
            while (end < value.length() && !Characters.isSpace(value.charAt(end))) {
                end++;
            }
            add(parts, text, start, end, budget);
            start = end;
        }
    }

    private static Value rsplit(Text text, Text separator, long limit, Budget budget) {
        if (limit < 0) {
            return split(text, separator, -1, budget);
        }
        List<Value> parts = new ArrayList<>();
        String value = text.value();
        int end = value.length();
        if (separator != null) {
            Search search = new Search(separator.value(), budget);
            for (int found; parts.size() < limit && (found = search.last(value, end)) >= 0; end = found) {
                add(parts, text, found + separator.units(), end, budget);
            }
            add(parts, text, 0, end, budget);
        } else {
            while (true) {
                while (end > 0 && Characters.isSpace(value.charAt(end - 1))) {
                    end--;
                }
                if (end == 0) {
                    break;
                }
                if (parts.size() == limit) {
                    add(parts, text, 0, end, budget);
                    break;
                }
                int start = end;
                while (start > 0 && !Characters.isSpace(value.charAt(start - 1))) {
                    start--;
                }
                add(parts, text, start, end, budget);
                end = start;
            }
        }
        Collections.reverse(parts);
        return ListValue.of(parts);
    }

    static List<Text> lines(Text text, boolean keepEnds, Budget budget) {
        List<Text> lines = new ArrayList<>();
        String value = text.value();
        for (int start = 0; start < value.length(); ) {
            int end = start;
            while (end < value.length() && !Characters.isLineBreak(value.charAt(end))) {
                end++;
            }
            int next = end == value.length() ? end : value.startsWith("\r\n", end) ? end + 2 : end + 1;
            budget.elements(4);
            lines.add(copy(text, start, keepEnds ? next : end, budget));
            start = next;
        }
        return lines;
    }

    private static Value partition(Text text, Text separator, boolean last, Budget budget) {
        Search search = new Search(notEmpty(separator).value(), budget);
        int found = last ? search.last(text.value(), text.units()) : search.first(text.value(), 0);
        budget.characters(text.units());
        if (found < 0) {
            return last ? Tuple.of(Text.EMPTY, Text.EMPTY, text) : Tuple.of(text, Text.EMPTY, Text.EMPTY);
        }
        int after = found + separator.units();
        return Tuple.of(text.sub(0, found), separator, text.sub(after, text.units()));
    }

    static Text replace(Text text, Text old, Text replacement, long limit, Budget budget) {
        Text.Builder out = new Text.Builder(budget);
        String value = text.value();
        long left = limit < 0 ? Long.MAX_VALUE : limit;
        int start = 0;
        if (old.isEmpty()) {
            for (; left > 0 && start < value.length(); left--) {
                int end = start + Character.charCount(value.codePointAt(start));
                out.append(replacement).append(text, start, end);
                start = end;
            }
            return (left > 0 ? out.append(replacement) : out.append(text, start, value.length())).build();
        }
        Search search = new Search(old.value(), budget);
        for (int found; left > 0 && (found = search.first(value, start)) >= 0; left--) {
            out.append(text, start, found).append(replacement);
            start = found + old.units();
        }
        return start == 0 ? text : out.append(text, start, value.length()).build();
    }

    /** The units between the code points of arguments {@code first} and {@code first + 1}, or null if none can be. */
    private static int[] window(Text text, Bound bound, int first) {
        long start = bound.integer(first, 0);
        int length = text.codePoints();
        long from = start < 0 ? Math.max(0, start + length) : start;
        long to = position(bound.integer(first + 1, length), length);
        return from > to ? null : new int[] {text.unitOf((int) from), text.unitOf((int) to)};
    }

    private static boolean affix(Text text, Bound bound, boolean start) {
        int[] window = window(text, bound, 1);
        List<Value> candidates = bound.get(0) instanceof Tuple tuple ? tuple.items() : List.of(bound.get(0));
        for (Value candidate : candidates) {
            if (!(candidate instanceof Text affix)) {
                throw candidate instanceof Undefined undefined
                        ? undefined.fault()
                        : new Fault(
                                bound.function() + " first arg must be str or a tuple of str, not " + candidate.type());
            }
            if (window != null
                    && window[1] - window[0] >= affix.units()
                    && text.value().startsWith(affix.value(), start ? window[0] : window[1] - affix.units())) {
                return true;
            }
        }
        return false;
    }

    private static void find(Map<String, Method<Text>> table, String name, boolean first, boolean fails) {
        table.put(name, (self, arguments, budget) -> {
            Bound bound = arguments.positionalOnly(name, 1, 3);
            Text wanted = bound.text(0);
            int[] window = window(self, bound, 1);
            int found = -1;
            if (window != null) {
                Search search = new Search(wanted.value(), budget);
                found = first ? search.first(self.value(), window[0]) : search.last(self.value(), window[1]);
                found = found < window[0] || found + wanted.units() > window[1] ? -1 : found;
            }
            if (found < 0 && fails) {
                throw new Fault("substring not found");
            }
            return Int.of(found < 0 ? -1 : self.codePointOf(found));
        });
    }

    private static Value count(Text text, Bound bound, Budget budget) {
        Text wanted = bound.text(0);
        int[] window = window(text, bound, 1);
        if (window == null) {
            return Int.of(0);
        }
        if (wanted.isEmpty()) {
            return Int.of(text.value().codePointCount(window[0], window[1]) + 1);
        }
        Search search = new Search(wanted.value(), budget);
        int count = 0;
        int start = window[0];
        for (int found;
                (found = search.first(text.value(), start)) >= 0 && found + wanted.units() <= window[1];
                count++) {
            start = found + wanted.units();
        }
        return Int.of(count);
    }

    private static Value pad(String name, Text text, Arguments arguments, Budget budget) {
        Bound bound = arguments.positionalOnly(name, 1, 2);
        Text fill = bound.get(1) == null ? Text.of(" ") : bound.text(1);
        if (fill.codePoints() != 1) {
            throw new Fault("The fill character must be exactly one character long");
        }
        return pad(text, name, bound.integer(0, 0), fill, budget);
    }

    /** {@code center}, {@code ljust} or {@code rjust}; the odd one of a centre goes where Python puts it. */
    static Text pad(Text text, String how, long width, Text fill, Budget budget) {
        long missing = width - text.codePoints();
        if (missing <= 0) {
            return text;
        }
        long left = switch (how) {
            case "center" -> missing / 2 + (missing & width & 1);
            case "ljust" -> 0;
            default -> missing;
        };
        return new Text.Builder(budget)
                .repeat(fill, left)
                .append(text)
                .repeat(fill, missing - left)
                .build()
                .safe(text.isSafe());
    }

    private static Value expandtabs(Text text, long size, Budget budget) {
        Text.Builder out = new Text.Builder(budget);
        long column = 0;
        for (int i = 0; i < text.units(); ) {
            int c = text.value().codePointAt(i);
            int next = i + Character.charCount(c);
            if (c == '\t') {
                long blanks = size > 0 ? size - column % size : 0;
                out.repeat(Text.of(" ", text.originAt(i)), blanks);
                column += blanks;
            } else {
                out.append(text, i, next);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
            i = next;
        }
        return out.build();
    }
}
