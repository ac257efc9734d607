package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Arguments.Bound;
import io.github.medpsy4j.engine.template.Operators.Arithmetic;
import io.github.medpsy4j.engine.template.Operators.Comparison;
import io.github.medpsy4j.engine.template.Value.Dict;
import io.github.medpsy4j.engine.template.Value.Entry;
import io.github.medpsy4j.engine.template.Value.Int;
import io.github.medpsy4j.engine.template.Value.Lazy;
import io.github.medpsy4j.engine.template.Value.ListValue;
import io.github.medpsy4j.engine.template.Value.None;
import io.github.medpsy4j.engine.template.Value.Real;
import io.github.medpsy4j.engine.template.Value.Tuple;
import io.github.medpsy4j.engine.template.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** What may stand after {@code |}: jinja2's own filters, with {@code tojson} as {@code transformers} replaces it. */
final class Filters {
    /** Makes a value of a value and arguments. */
    @FunctionalInterface
    interface Filter {
        Value apply(Interpreter in, Value subject, Arguments arguments);
    }

    /** Python reads no integer of more digits. */
    private static final int DIGITS_MAX = 4300;

    /** In jinja2, but of no use in a prompt, or not repeatable. */
    private static final Set<String> REFUSED = Set.of("pprint", "random", "urlize", "wordwrap");

    private static final Map<String, Filter> TABLE = table();

    private Filters() {}

    static boolean exists(String name) {
        return TABLE.containsKey(name);
    }

    static String unknown(String name) {
        return REFUSED.contains(name)
                ? "the filter '" + name + "' is not supported in chat templates"
                : "No filter named '" + name + "'.";
    }

    static Value apply(Interpreter in, String name, Value subject, Arguments arguments) {
        Filter filter = TABLE.get(name);
        if (filter == null) {
            throw new Fault(unknown(name));
        }
        in.budget().scan(subject instanceof Text text ? text.units() : 1);
        return filter.apply(in, subject, arguments);
    }

    private static Map<String, Filter> table() {
        Map<String, Filter> table = new HashMap<>();
        strings(table);
        numbers(table);
        sequences(table);
        selections(table);
        table.put("tojson", Json::filter);
        table.put("default", Filters::otherwise);
        table.put("d", Filters::otherwise);
        table.put("attr", (in, subject, arguments) -> {
            Text name = arguments.bind("attr", 1, "name").text(0);
            Value found = Methods.attribute(subject, name.value());
            if (subject instanceof Undefined undefined) {
                throw undefined.fault();
            }
            return found != null
                    ? found
                    : new Undefined("'" + Methods.describe(subject) + "' has no attribute " + Repr.quote(name.value()));
        });
        table.put("items", (in, subject, arguments) -> {
            arguments.bind("items", 0);
            if (!(subject instanceof Dict || subject instanceof Undefined)) {
                throw new Fault("Can only get item pairs from a mapping.");
            }
            return lazy(() -> subject instanceof Dict dict
                    ? Operators.iterate(new Value.View(Value.View.Kind.ITEMS, dict), in.budget())
                    : Collections.emptyIterator());
        });
        table.put("dictsort", Filters::dictsort);
        return Map.copyOf(table);
    }

    private static Lazy lazy(java.util.function.Supplier<Iterator<Value>> source) {
        return new Lazy("generator", source);
    }

    private static Value otherwise(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("default", 0, "default_value", "boolean");
        boolean missing = subject instanceof Undefined || (bound.truth(1, false) && !Operators.truth(subject));
        return missing ? bound.get(0, Text.EMPTY) : subject;
    }

    // Strings

    private static void strings(Map<String, Filter> table) {
        change(table, "upper", Methods::upper);
        change(table, "lower", Methods::lower);
        change(table, "capitalize", Methods::capitalize);
        table.put("title", (in, subject, arguments) -> {
            arguments.bind("title", 0);
            Text text = str(in, subject);
            in.budget().characters(3L * text.units());
            return text.rewritten(title(text.value()));
        });
        table.put("string", (in, subject, arguments) -> {
            arguments.bind("string", 0);
            return soft(in, subject);
        });
        table.put("trim", (in, subject, arguments) -> {
            Bound bound = arguments.bind("trim", 0, "chars");
            Text set = bound.get(0) == null || bound.get(0) == None.NONE ? null : bound.text(0);
            return Methods.strip(soft(in, subject), set, true, true, in.budget());
        });
        table.put("replace", (in, subject, arguments) -> {
            Bound bound = arguments.bind("replace", 2, "old", "new", "count");
            return Methods.replace(
                    str(in, subject), str(in, bound.get(0)), str(in, bound.get(1)), bound.integer(2, -1), in.budget());
        });
        table.put("indent", Filters::indent);
        table.put("truncate", Filters::truncate);
        table.put(
                "center",
                (in, subject, arguments) -> Methods.pad(
                        soft(in, subject),
                        "center",
                        arguments.bind("center", 0, "width").integer(0, 80),
                        Text.of(" "),
                        in.budget()));
        table.put("wordcount", (in, subject, arguments) -> {
            arguments.bind("wordcount", 0);
            String text = str(in, subject).value();
            in.budget().scan(text.length());
            int words = 0;
            boolean inWord = false;
            for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
                boolean word = Characters.isWord(text.codePointAt(i));
                words += word && !inWord ? 1 : 0;
                inWord = word;
            }
            return Int.of(words);
        });
        table.put("format", (in, subject, arguments) -> {
            if (!arguments.named().isEmpty() && !arguments.positional().isEmpty()) {
                throw new Fault("can't handle positional and keyword arguments at the same time");
            }
            Value values =
                    arguments.named().isEmpty() ? Tuple.of(arguments.positional()) : Dict.ofNames(arguments.named());
            return Formatting.percent(soft(in, subject), values, in);
        });
        table.put("striptags", Filters::striptags);
        table.put("urlencode", Filters::urlencode);
        table.put("xmlattr", Filters::xmlattr);
        Filter escape = (in, subject, arguments) -> {
            arguments.bind("escape", 0);
            return soft(in, subject).escaped(in.budget());
        };
        table.put("escape", escape);
        table.put("e", escape);
        table.put("forceescape", (in, subject, arguments) -> {
            arguments.bind("forceescape", 0);
            return str(in, subject).escaped(in.budget());
        });
        table.put("safe", (in, subject, arguments) -> {
            arguments.bind("safe", 0);
            return str(in, subject).safe(true);
        });
    }

    /** {@code str(value)}, but safe text stays safe. */
    private static Text soft(Interpreter in, Value value) {
        return value instanceof Text text ? text : str(in, value);
    }

    private static Text str(Interpreter in, Value value) {
        return Repr.str(value, in.budget());
    }

    private static void change(Map<String, Filter> table, String name, UnaryOperator<String> change) {
        table.put(name, (in, subject, arguments) -> {
            arguments.bind(name, 0);
            Text text = soft(in, subject);
            in.budget().characters(3L * text.units());
            return text.rewritten(change.apply(text.value()));
        });
    }

    /** Words as jinja2 sees them begin after blanks, hyphens and opening brackets. */
    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        int start = 0;
        while (start < text.length()) {
            int end = start;
            while (end < text.length() && startsWord(text.charAt(end))) {
                end++;
            }
            out.append(text, start, end);
            start = end;
            while (end < text.length() && !startsWord(text.charAt(end))) {
                end++;
            }
            if (end > start) {
                int first = start + Character.charCount(text.codePointAt(start));
                out.append(Methods.upper(text.substring(start, first)))
                        .append(Methods.lower(text.substring(first, end)));
            }
            start = end;
        }
        return out.toString();
    }

    private static boolean startsWord(char c) {
        return Characters.isSpace(c) || "-({[<".indexOf(c) >= 0;
    }

    private static Value indent(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("indent", 0, "width", "first", "blank");
        Text blanks = bound.get(0) instanceof Text text
                ? text
                : new Text.Builder(in.budget())
                        .repeat(Text.of(" "), bound.integer(0, 4))
                        .build();
        Text text = new Text.Builder(in.budget())
                .append(soft(in, subject))
                .append("\n", Origin.TEMPLATE)
                .build();
        List<Text> lines = Methods.lines(text, false, in.budget());
        Text.Builder out = new Text.Builder(in.budget());
        for (int i = 0; i < lines.size(); i++) {
            if (i > 0) {
                out.append("\n", Origin.TEMPLATE);
            }
            boolean indented = i == 0
                    ? bound.truth(1, false)
                    : bound.truth(2, false) || !lines.get(i).isEmpty();
            out.append(indented ? blanks : Text.EMPTY).append(lines.get(i));
        }
        return out.build().safe(subject instanceof Text given && given.isSafe());
    }

    private static Value truncate(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
        Text text = soft(in, subject);
        long length = bound.integer(0, 255);
        Text end = bound.get(2) == null ? Text.of("...") : bound.text(2);
        long leeway = bound.integer(3, 5);
        if (length < end.codePoints() || leeway < 0) {
            throw new Fault("truncate() expects a length of at least " + end.codePoints()
                    + " and a leeway of at least 0, got " + length + " and " + leeway);
        }
        if (text.codePoints() <= length + leeway) {
            return text;
        }
        int cut = text.unitOf((int) (length - end.codePoints()));
        if (!bound.truth(1, false)) {
            int blank = text.value().lastIndexOf(' ', cut - 1);
            cut = blank < 0 ? cut : blank;
        }
        return Operators.arithmetic(Arithmetic.ADD, text.sub(0, cut), end, in);
    }

    /** The text without comments and tags, runs of blanks as one. */
    private static Value striptags(Interpreter in, Value subject, Arguments arguments) {
        arguments.bind("striptags", 0);
        Text text = str(in, subject);
        in.budget().scan(2L * text.units());
        Text stripped = without(without(text, "<!--", "-->", in), "<", ">", in);
        Text.Builder out = new Text.Builder(in.budget());
        String value = stripped.value();
        boolean first = true;
        for (int start = 0; start < value.length(); ) {
            int end = start;
            while (end < value.length() && !Characters.isSpace(value.charAt(end))) {
                end++;
            }
            if (end > start) {
                out.append(first ? "" : " ", Origin.TEMPLATE).append(stripped, start, end);
                first = false;
            }
            start = end + 1;
        }
        return new Text.Builder(in.budget())
                .append(unescaped(out.build(), in.budget()))
                .build();
    }

    private static Text without(Text text, String opening, String closing, Interpreter in) {
        Text.Builder out = new Text.Builder(in.budget());
        String value = text.value();
        int start = 0;
        for (int found; (found = value.indexOf(opening, start)) >= 0; ) {
            int end = value.indexOf(closing, found);
            if (end < 0) {
                break;
            }
            out.append(text, start, found);
            start = end + closing.length();
        }
        return out.append(text, start, value.length()).build();
    }

    private static Text unescaped(Text text, Budget budget) {
        Text result = text;
        String[][] entities = {
            {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#34;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}
        };
        for (String[] entity : entities) {
            result = Methods.replace(result, Text.of(entity[0]), Text.of(entity[1], text.weakest()), -1, budget);
        }
        return result;
    }

    private static Value urlencode(Interpreter in, Value subject, Arguments arguments) {
        arguments.bind("urlencode", 0);
        Text.Builder out = new Text.Builder(in.budget());
        if (subject instanceof Text || !Operators.isIterable(subject)) {
            quoted(str(in, subject), false, out, in.budget());
            return out.build();
        }
        Value pairs = subject instanceof Dict dict ? new Value.View(Value.View.Kind.ITEMS, dict) : subject;
        boolean first = true;
        for (Iterator<Value> iterator = Operators.iterate(pairs, in.budget()); iterator.hasNext(); first = false) {
            List<Value> pair = Operators.list(iterator.next(), in.budget());
            if (pair.size() != 2) {
                throw new Fault("urlencode() expects pairs, got " + pair.size() + " values");
            }
            out.append(first ? "" : "&", Origin.TEMPLATE);
            quoted(str(in, pair.get(0)), true, out, in.budget());
            out.append("=", Origin.TEMPLATE);
            quoted(str(in, pair.get(1)), true, out, in.budget());
        }
        return out.build();
    }

    private static void quoted(Text text, boolean query, Text.Builder out, Budget budget) {
        budget.characters(4L * text.units());
        StringBuilder quoted = new StringBuilder();
        for (byte b : text.value().getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c < 128 && (Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0 || (c == '/' && !query))) {
                quoted.append(c);
            } else if (c == ' ' && query) {
                quoted.append('+');
            } else {
                quoted.append('%').append(Repr.hex(c, 2).toUpperCase(Locale.ROOT));
            }
        }
        out.append(quoted.toString(), text.weakest());
    }

    private static Value xmlattr(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("xmlattr", 0, "autospace");
        if (!(subject instanceof Dict dict)) {
            throw new Fault("xmlattr expects a mapping, got " + subject.type());
        }
        Text.Builder out = new Text.Builder(in.budget());
        for (Entry entry : dict.entries().values()) {
            if (entry.value() == None.NONE || entry.value() instanceof Undefined) {
                continue;
            }
            Text key = str(in, entry.key());
            if (key.value()
                    .chars()
                    .anyMatch(c -> (c < 128 && Characters.isSpace(c) && (c < 0x1c || c == ' '))
                            || c == '/'
                            || c == '>'
                            || c == '=')) {
                throw new Fault("Invalid character in attribute name: " + Repr.quote(key.value()));
            }
            out.append(out.units() > 0 || bound.truth(0, true) ? " " : "", Origin.TEMPLATE)
                    .append(key.escaped(in.budget()))
                    .append("=\"", Origin.TEMPLATE)
                    .append(soft(in, entry.value()).escaped(in.budget()))
                    .append("\"", Origin.TEMPLATE);
        }
        return out.build();
    }

    // Numbers

    private static void numbers(Map<String, Filter> table) {
        table.put("abs", (in, subject, arguments) -> {
            arguments.bind("abs", 0);
            if (!Operators.isNumber(subject)) {
                throw subject instanceof Undefined undefined
                        ? undefined.fault()
                        : new Fault("bad operand type for abs(): '" + subject.type() + "'");
            }
            return subject instanceof Real number
                    ? new Real(Math.abs(number.value()), number.origin())
                    : new Int(Operators.integer(subject).abs(), Operators.originOf(subject));
        });
        table.put("int", (in, subject, arguments) -> {
            Bound bound = arguments.bind("int", 0, "default", "base");
            in.budget().bigInteger(subject instanceof Text text ? 4L * Math.min(text.units(), DIGITS_MAX) : 0);
            Value result = toInt(subject, bound.integer(1, 10));
            return result == null ? bound.get(0, Int.of(0)) : result;
        });
        table.put("float", (in, subject, arguments) -> {
            Bound bound = arguments.bind("float", 0, "default");
            if (subject instanceof Undefined undefined) {
                throw undefined.fault();
            }
            Double number = subject instanceof Text text
                    ? parseFloat(text.value())
                    : Operators.isNumber(subject) ? Operators.toDouble(subject) : null;
            return number == null
                    ? bound.get(0, new Real(0, Origin.TEMPLATE))
                    : new Real(number, Operators.originOf(subject));
        });
        table.put("round", Filters::round);
        table.put("filesizeformat", (in, subject, arguments) -> {
            boolean binary = arguments.bind("filesizeformat", 0, "binary").truth(0, false);
            Double bytes = subject instanceof Text text
                    ? parseFloat(text.value())
                    : Operators.isNumber(subject) ? Operators.toDouble(subject) : null;
            if (bytes == null) {
                throw new Fault("could not convert to float: "
                        + Repr.repr(subject, in.budget()).value());
            }
            return Text.of(fileSize(bytes, binary), Operators.originOf(subject));
        });
    }

    private static Value toInt(Value subject, long base) {
        Origin origin = Operators.originOf(subject);
        if (subject instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (subject instanceof Text text) {
            BigInteger exact = parseInt(text.value(), base);
            Double real = exact == null ? parseFloat(text.value()) : null;
            if (exact == null && (real == null || real.isNaN() || real.isInfinite())) {
                return null;
            }
            return new Int(exact != null ? exact : Formatting.truncated(real), origin);
        }
        if (subject instanceof Real number) {
            return Double.isNaN(number.value()) || Double.isInfinite(number.value())
                    ? null
                    : new Int(Formatting.truncated(number.value()), origin);
        }
        BigInteger number = Operators.integer(subject);
        return number == null ? null : new Int(number, origin);
    }

    /** Python's {@code int(text, base)}, or null. */
    private static BigInteger parseInt(String text, long base) {
        if (base != 0 && (base < 2 || base > 36)) {
            return null;
        }
        String digits = text.strip();
        boolean negative = digits.startsWith("-");
        digits = negative || digits.startsWith("+") ? digits.substring(1) : digits;
        String prefix = digits.length() > 1 ? digits.substring(0, 2).toLowerCase(Locale.ROOT) : "";
        int named = switch (prefix) {
            case "0x" -> 16;
            case "0o" -> 8;
            case "0b" -> 2;
            default -> 0;
        };
        int radix = base == 0 ? Math.max(named, named == 0 ? 10 : 0) : (int) base;
        if (named != 0 && named == radix) {
            digits = digits.substring(digits.startsWith("_", 2) ? 3 : 2);
        } else if (base == 0
                && digits.length() > 1
                && digits.startsWith("0")
                && !digits.replace("_", "").chars().allMatch(c -> c == '0')) {
            return null;
        }
        boolean digit = false;
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            if (c == '_' && digit) {
                digit = false;
            } else if (Character.digit(c, radix) >= 0 && (c < 128 || Characters.isDecimal(c))) {
                plain.append(Character.forDigit(Character.digit(c, radix), radix));
                digit = true;
            } else {
                return null;
            }
        }
        return !digit || plain.length() > DIGITS_MAX ? null : new BigInteger((negative ? "-" : "") + plain, radix);
    }

    /** Python's {@code float(text)}, or null. */
    private static Double parseFloat(String text) {
        String trimmed = text.strip();
        String plain = trimmed.toLowerCase(Locale.ROOT);
        String unsigned = plain.startsWith("-") || plain.startsWith("+") ? plain.substring(1) : plain;
        switch (unsigned) {
            case "inf", "infinity" -> {
                return plain.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
            }
            case "nan" -> {
                return Double.NaN;
            }
            default -> {
                for (int i = 0; i < unsigned.length(); i++) {
                    char c = unsigned.charAt(i);
                    boolean between = i > 0
                            && i + 1 < unsigned.length()
                            && Characters.isDigit(unsigned.charAt(i - 1))
                            && Characters.isDigit(unsigned.charAt(i + 1));
                    if (!(Characters.isDigit(c)
                            || c == '.'
                            || c == 'e'
                            || c == '+'
                            || c == '-'
                            || (c == '_' && between))) {
                        return null;
                    }
                }
                try {
                    return Double.valueOf(plain.replace("_", ""));
                } catch (NumberFormatException noNumber) {
                    return null;
                }
            }
        }
    }

    private static Value round(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("round", 0, "precision", "method");
        long precision = bound.integer(0, 0);
        String method = bound.get(1) == null ? "common" : bound.text(1).value();
        if (!Set.of("common", "ceil", "floor").contains(method)) {
            throw new Fault("method must be common, ceil or floor");
        }
        if (!Operators.isNumber(subject)) {
            throw subject instanceof Undefined undefined
                    ? undefined.fault()
                    : new Fault("type " + subject.type() + " doesn't define __round__ method");
        }
        Origin origin = Operators.originOf(subject);
        if (method.equals("common")) {
            int digits = Math.clamp(precision, -400, 400);
            if (subject instanceof Real number) {
                double value = number.value();
                double rounded = Double.isNaN(value) || Double.isInfinite(value)
                        ? value
                        : new BigDecimal(value)
                                .setScale(digits, RoundingMode.HALF_EVEN)
                                .doubleValue();
                return new Real(rounded == 0 ? Math.copySign(0.0, value) : rounded, origin);
            }
            BigInteger number = Operators.integer(subject);
            return new Int(
                    digits >= 0
                            ? number
                            : new BigDecimal(number)
                                    .setScale(digits, RoundingMode.HALF_EVEN)
                                    .toBigInteger(),
                    origin);
        }
        Value factor = Operators.arithmetic(Arithmetic.POWER, Int.of(10), Int.of(precision), in);
        double scaled = Operators.toDouble(Operators.arithmetic(Arithmetic.MULTIPLY, subject, factor, in));
        BigInteger whole = Formatting.truncated(method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled));
        return Operators.arithmetic(Arithmetic.DIVIDE, new Int(whole, origin), factor, in);
    }

    private static String fileSize(double bytes, boolean binary) {
        int base = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < base) {
            return (Double.isInfinite(bytes) || Double.isNaN(bytes) ? "0" : Formatting.truncated(bytes)) + " Bytes";
        }
        String prefixes = "kMGTPEZY";
        double unit = base;
        for (int i = 0; ; i++) {
            unit *= base;
            if (bytes < unit || i == prefixes.length() - 1) {
                String prefix =
                        binary ? Character.toUpperCase(prefixes.charAt(i)) + "i" : String.valueOf(prefixes.charAt(i));
                return new BigDecimal(base * bytes / unit)
                                .setScale(1, RoundingMode.HALF_EVEN)
                                .toPlainString() + " " + prefix + "B";
            }
        }
    }

    // Sequences

    private static void sequences(Map<String, Filter> table) {
        Filter length = (in, subject, arguments) -> {
            arguments.bind("length", 0);
            int count = Operators.length(subject);
            if (count < 0) {
                throw new Fault("object of type '" + subject.type() + "' has no len()");
            }
            return Int.of(count);
        };
        table.put("length", length);
        table.put("count", length);
        table.put("list", (in, subject, arguments) -> {
            arguments.bind("list", 0);
            return ListValue.of(Operators.list(subject, in.budget()), containerOrigin(subject));
        });
        table.put("first", (in, subject, arguments) -> {
            arguments.bind("first", 0);
            Iterator<Value> elements = Operators.iterate(subject, in.budget());
            return elements.hasNext() ? elements.next() : new Undefined("No first item, sequence was empty.");
        });
        table.put("last", (in, subject, arguments) -> {
            arguments.bind("last", 0);
            if (subject instanceof Lazy || !Operators.isIterable(subject)) {
                throw new Fault("'" + subject.type() + "' object is not reversible");
            }
            if (subject instanceof Undefined) {
                return new Undefined("No last item, sequence was empty.");
            }
            List<Value> elements = Operators.list(subject, in.budget());
            return elements.isEmpty() ? new Undefined("No last item, sequence was empty.") : elements.getLast();
        });
        table.put("reverse", (in, subject, arguments) -> {
            arguments.bind("reverse", 0);
            if (subject instanceof Text text) {
                return Operators.slice(text, null, null, Int.of(-1), in.budget());
            }
            List<Value> reversed = new ArrayList<>(Operators.list(subject, in.budget()));
            in.budget().elements(reversed.size());
            Collections.reverse(reversed);
            return subject instanceof Lazy
                    ? ListValue.of(reversed)
                    : new Lazy("list_reverseiterator", reversed::iterator);
        });
        table.put("join", Filters::join);
        table.put("sort", Filters::sort);
        table.put("unique", Filters::unique);
        table.put("min", (in, subject, arguments) -> extreme("min", Comparison.LESS, in, subject, arguments));
        table.put("max", (in, subject, arguments) -> extreme("max", Comparison.GREATER, in, subject, arguments));
        table.put("sum", (in, subject, arguments) -> {
            Bound bound = arguments.bind("sum", 0, "attribute", "start");
            Function<Value, Value> getter = getter(in, bound.get(0), null, false);
            Value sum = bound.get(1, Int.of(0));
            if (sum instanceof Text) {
                throw new Fault("sum() can't sum strings [use ''.join(seq) instead]");
            }
            for (Iterator<Value> elements = Operators.iterate(subject, in.budget()); elements.hasNext(); ) {
                sum = Operators.arithmetic(Arithmetic.ADD, sum, getter.apply(elements.next()), in);
            }
            return sum;
        });
        table.put(
                "batch",
                (in, subject, arguments) -> batch(in, subject, arguments.bind("batch", 1, "linecount", "fill_with")));
        table.put(
                "slice",
                (in, subject, arguments) -> slice(in, subject, arguments.bind("slice", 1, "slices", "fill_with")));
        table.put("groupby", Filters::groupby);
    }

    private static Origin containerOrigin(Value value) {
        return value instanceof ListValue || value instanceof Dict ? Operators.originOf(value) : Origin.TEMPLATE;
    }

    private static Value join(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("join", 0, "d", "attribute");
        Function<Value, Value> getter = getter(in, bound.get(1), null, false);
        Text separator = bound.get(0) == null ? Text.EMPTY : str(in, bound.get(0));
        Text.Builder out = new Text.Builder(in.budget());
        boolean first = true;
        for (Iterator<Value> elements = Operators.iterate(subject, in.budget()); elements.hasNext(); first = false) {
            Text element = str(in, getter.apply(elements.next()));
            out.append(first ? Text.EMPTY : separator).append(element);
        }
        return out.build();
    }

    /** Looks up a dotted path in elements; with {@code fold}, strings in lower case for comparing. */
    private static Function<Value, Value> getter(Interpreter in, Value attribute, Value otherwise, boolean fold) {
        List<Value> path = new ArrayList<>();
        if (attribute instanceof Text text) {
            for (String part : text.value().split("\\.", -1)) {
                boolean number =
                        !part.isEmpty() && part.length() < 10 && part.chars().allMatch(Characters::isDigit);
                path.add(number ? Int.of(Integer.parseInt(part)) : Text.of(part));
            }
            in.budget().elements(path.size());
        } else if (attribute != null && attribute != None.NONE) {
            path.add(attribute);
        }
        return element -> {
            Value value = element;
            for (Value part : path) {
                in.budget().step();
                value = in.item(value, part);
                value = otherwise != null && value instanceof Undefined ? otherwise : value;
            }
            if (fold && value instanceof Text text) {
                in.budget().characters(text.units());
                return text.rewritten(Methods.lower(text.value()));
            }
            return value;
        };
    }

    private static Comparator<Value> order(Budget budget) {
        return (a, b) -> Operators.compare(Comparison.LESS, a, b, budget)
                ? -1
                : Operators.compare(Comparison.LESS, b, a, budget) ? 1 : 0;
    }

    /** An element and what it is sorted by. */
    private record Keyed(Value key, Value value) {}

    private static List<Keyed> sorted(
            List<Value> elements, Function<Value, Value> key, boolean reverse, Budget budget) {
        budget.elements(2L * elements.size());
        List<Keyed> keyed = new ArrayList<>(elements.size());
        for (Value element : elements) {
            keyed.add(new Keyed(key.apply(element), element));
        }
        Comparator<Value> order = order(budget);
        try {
            keyed.sort(Comparator.comparing(Keyed::key, reverse ? order.reversed() : order));
        } catch (IllegalArgumentException inconsistent) {
            throw new Fault("the elements have no consistent order (is there a NaN among them?)");
        }
        return keyed;
    }

    private static Value sort(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
        boolean fold = !bound.truth(1, false);
        List<Function<Value, Value>> getters = new ArrayList<>();
        if (bound.get(2) instanceof Text attributes) {
            for (String attribute : attributes.value().split(",", -1)) {
                getters.add(getter(in, Text.of(attribute), null, fold));
            }
        } else {
            getters.add(getter(in, bound.get(2), null, fold));
        }
        List<Keyed> sorted = sorted(
                Operators.list(subject, in.budget()),
                element -> ListValue.of(
                        getters.stream().map(getter -> getter.apply(element)).toList()),
                bound.truth(0, false),
                in.budget());
        return ListValue.of(sorted.stream().map(Keyed::value).toList(), containerOrigin(subject));
    }

    private static Value dictsort(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        String by = bound.get(1) == null ? "key" : bound.text(1).value();
        if (!by.equals("key") && !by.equals("value")) {
            throw new Fault("You can only sort by either \"key\" or \"value\"");
        }
        if (!(subject instanceof Dict dict)) {
            throw subject instanceof Undefined undefined
                    ? undefined.fault()
                    : new Fault("dictsort expects a mapping, got " + subject.type());
        }
        Function<Value, Value> key = getter(in, Int.of(by.equals("key") ? 0 : 1), null, !bound.truth(0, false));
        List<Value> pairs = Operators.list(new Value.View(Value.View.Kind.ITEMS, dict), in.budget());
        return ListValue.of(
                sorted(pairs, key, bound.truth(2, false), in.budget()).stream()
                        .map(Keyed::value)
                        .toList(),
                dict.origin());
    }

    private static Value unique(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("unique", 0, "case_sensitive", "attribute");
        Function<Value, Value> getter = getter(in, bound.get(1), null, !bound.truth(0, false));
        Set<Object> seen = new HashSet<>();
        return lazy(() -> new Interpreter.Selection(Operators.iterate(subject, in.budget()), element -> {
            in.budget().elements(1);
            return seen.add(Operators.key(getter.apply(element), in.budget()));
        }));
    }

    private static Value extreme(String name, Comparison better, Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind(name, 0, "case_sensitive", "attribute");
        Function<Value, Value> getter = getter(in, bound.get(1), null, !bound.truth(0, false));
        Value best = null;
        Value bestKey = null;
        for (Iterator<Value> elements = Operators.iterate(subject, in.budget()); elements.hasNext(); ) {
            Value element = elements.next();
            Value key = getter.apply(element);
            if (best == null || Operators.compare(better, key, bestKey, in.budget())) {
                best = element;
                bestKey = key;
            }
        }
        return best == null ? new Undefined("No aggregated item, sequence was empty.") : best;
    }

    private static Value batch(Interpreter in, Value subject, Bound bound) {
        long size = bound.integer(0, 0);
        Value fill = bound.get(1, None.NONE);
        List<Value> lines = new ArrayList<>();
        List<Value> line = new ArrayList<>();
        for (Iterator<Value> elements = Operators.iterate(subject, in.budget()); elements.hasNext(); ) {
            if (line.size() == size) {
                lines.add(ListValue.of(line));
                line = new ArrayList<>();
            }
            in.budget().elements(2);
            line.add(elements.next());
        }
        if (!line.isEmpty()) {
            if (fill != None.NONE && line.size() < size) {
                in.budget().elements(size - line.size());
                line.addAll(Collections.nCopies((int) (size - line.size()), fill));
            }
            lines.add(ListValue.of(line));
        }
        return lazy(lines::iterator);
    }

    private static Value slice(Interpreter in, Value subject, Bound bound) {
        long slices = bound.integer(0, 0);
        Value fill = bound.get(1, None.NONE);
        List<Value> elements = Operators.list(subject, in.budget());
        if (slices <= 0) {
            if (slices == 0) {
                throw new Fault("integer division or modulo by zero");
            }
            return lazy(Collections::emptyIterator);
        }
        in.budget().elements(2 * slices + elements.size());
        int size = (int) (elements.size() / slices);
        int longer = (int) (elements.size() % slices);
        List<Value> columns = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < slices; i++) {
            int end = start + size + (i < longer ? 1 : 0);
            List<Value> column = new ArrayList<>(elements.subList(start, end));
            if (fill != None.NONE && i >= longer) {
                column.add(fill);
            }
            columns.add(ListValue.of(column));
            start = end;
        }
        return lazy(columns::iterator);
    }

    private static Value groupby(Interpreter in, Value subject, Arguments arguments) {
        Bound bound = arguments.bind("groupby", 1, "attribute", "default", "case_sensitive");
        boolean fold = !bound.truth(2, false);
        Value otherwise = bound.get(1) == None.NONE ? null : bound.get(1);
        Function<Value, Value> key = getter(in, bound.get(0), otherwise, fold);
        Function<Value, Value> shown = getter(in, bound.get(0), otherwise, false);
        List<Value> groups = new ArrayList<>();
        List<Value> group = new ArrayList<>();
        Value current = null;
        for (Keyed next : sorted(Operators.list(subject, in.budget()), key, false, in.budget())) {
            if (current != null && !Operators.equal(current, next.key(), in.budget())) {
                groups.add(group(shown, group));
                group = new ArrayList<>();
            }
            current = next.key();
            group.add(next.value());
        }
        if (!group.isEmpty()) {
            groups.add(group(shown, group));
        }
        return ListValue.of(groups);
    }

    private static Value group(Function<Value, Value> shown, List<Value> members) {
        return Tuple.named(List.of("grouper", "list"), shown.apply(members.get(0)), ListValue.of(members));
    }

    // Selections

    private static void selections(Map<String, Filter> table) {
        table.put("map", Filters::map);
        table.put("select", (in, subject, arguments) -> selected(in, subject, arguments, false, true));
        table.put("reject", (in, subject, arguments) -> selected(in, subject, arguments, false, false));
        table.put("selectattr", (in, subject, arguments) -> selected(in, subject, arguments, true, true));
        table.put("rejectattr", (in, subject, arguments) -> selected(in, subject, arguments, true, false));
    }

    private static Value map(Interpreter in, Value subject, Arguments arguments) {
        return lazy(() -> {
            if (!Operators.truth(subject)) {
                return Collections.emptyIterator();
            }
            Function<Value, Value> function;
            List<Value> positional = arguments.positional();
            if (positional.isEmpty() && arguments.named().containsKey("attribute")) {
                Bound bound = arguments.bind("map", 0, "attribute", "default");
                function = getter(in, bound.get(0), bound.get(1) == None.NONE ? null : bound.get(1), false);
            } else {
                if (positional.isEmpty() || !(positional.get(0) instanceof Text name)) {
                    throw new Fault("map requires a filter argument");
                }
                Arguments rest = new Arguments(positional.subList(1, positional.size()), arguments.named());
                function = element -> apply(in, name.value(), element, rest);
            }
            Iterator<Value> elements = Operators.iterate(subject, in.budget());
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return elements.hasNext();
                }

                @Override
                public Value next() {
                    return function.apply(elements.next());
                }
            };
        });
    }

    private static Value selected(
            Interpreter in, Value subject, Arguments arguments, boolean byAttribute, boolean wanted) {
        return lazy(() -> {
            if (!Operators.truth(subject)) {
                return Collections.emptyIterator();
            }
            List<Value> positional = arguments.positional();
            if (byAttribute && positional.isEmpty()) {
                throw new Fault("Missing parameter for attribute name");
            }
            int used = byAttribute ? 1 : 0;
            Function<Value, Value> getter =
                    byAttribute ? getter(in, positional.get(0), null, false) : element -> element;
            Predicate<Value> test = Operators::truth;
            if (positional.size() > used) {
                if (!(positional.get(used) instanceof Text name)) {
                    throw new Fault("the name of a test must be a string, got "
                            + positional.get(used).type());
                }
                Arguments rest = new Arguments(positional.subList(used + 1, positional.size()), arguments.named());
                test = element -> Tests.apply(in, name.value(), element, rest);
            }
            Predicate<Value> chosen = test;
            return new Interpreter.Selection(
                    Operators.iterate(subject, in.budget()), element -> chosen.test(getter.apply(element)) == wanted);
        });
    }
}
