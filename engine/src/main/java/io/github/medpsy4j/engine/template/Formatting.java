package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Value.Bool;
import io.github.medpsy4j.engine.template.Value.Dict;
import io.github.medpsy4j.engine.template.Value.Int;
import io.github.medpsy4j.engine.template.Value.Real;
import io.github.medpsy4j.engine.template.Value.Tuple;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Python's two ways to format: {@code "%s" % values} and {@code "{}".format(values)}. */
final class Formatting {
    /** Digits after the point, and characters of a field's width, that a format may ask for. */
    private static final int PRECISION_MAX = 1000;

    private Formatting() {}

    // "%…" % values

    static Value percent(Text format, Value values, Interpreter in) {
        return new Percent(format, values, in).run();
    }

    /** One use of the operator. */
    private static final class Percent {
        private final Text format;
        private final Value values;
        private final Interpreter in;
        private final Text.Builder out;
        private int position;
        private int used;
        private boolean usedNames;

        Percent(Text format, Value values, Interpreter in) {
            this.format = format;
            this.values = values;
            this.in = in;
            this.out = new Text.Builder(in.budget());
        }

        Value run() {
            String text = format.value();
            while (position < text.length()) {
                int percent = text.indexOf('%', position);
                int end = percent < 0 ? text.length() : percent;
                out.append(format, position, end);
                position = end;
                if (percent >= 0) {
                    position++;
                    directive();
                }
            }
            if (!usedNames && !(values instanceof Dict) && used < count()) {
                throw new Fault("not all arguments converted during string formatting");
            }
            return out.build().safe(format.isSafe());
        }

        private int count() {
            return values instanceof Tuple tuple ? tuple.items().size() : 1;
        }

        private char peek() {
            if (position >= format.units()) {
                throw new Fault("incomplete format");
            }
            return format.value().charAt(position);
        }

        private void directive() {
            Value named = null;
            if (peek() == '(') {
                int depth = 1;
                int start = ++position;
                while (depth > 0) {
                    char c = peek();
                    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
                    position++;
                }
                if (!(values instanceof Dict dict)) {
                    throw new Fault("format requires a mapping");
                }
                String key = format.value().substring(start, position - 1);
                named = dict.get(key);
                usedNames = true;
                if (named == null) {
                    throw new Fault("KeyError: " + Repr.quote(key));
                }
            }
            Spec spec = new Spec();
            while ("-+ #0".indexOf(peek()) >= 0) {
                switch (peek()) {
                    case '-' -> spec.align = '<';
                    case '+' -> spec.sign = '+';
                    case ' ' -> spec.sign = spec.sign == '+' ? '+' : ' ';
                    case '#' -> spec.alternative = true;
                    default -> spec.zero = true;
                }
                position++;
            }
            long width = number();
            if (width < 0) {
                spec.align = '<';
                width = -width;
            }
            spec.width = width;
            if (peek() == '.') {
                position++;
                spec.precision = Math.max(number(), 0);
            }
            while ("hlL".indexOf(peek()) >= 0) {
                position++;
            }
            char type = peek();
            position++;
            if (type == '%') {
                out.append("%", format.originAt(position - 1));
                return;
            }
            Value value = named != null ? named : next();
            convert(type, value, spec);
        }

        /** A width or precision, {@code *} for one among the values; 0 where there is none. */
        private long number() {
            if (peek() == '*') {
                position++;
                BigInteger value = Operators.integer(next());
                if (value == null) {
                    throw new Fault("* wants int");
                }
                return Operators.clamp(value);
            }
            long result = 0;
            while (Characters.isDigit(peek())) {
                result = Math.min(result * 10 + peek() - '0', Integer.MAX_VALUE);
                position++;
            }
            return result;
        }

        private Value next() {
            if (used >= count()) {
                throw new Fault("not enough arguments for format string");
            }
            return values instanceof Tuple tuple ? tuple.items().get(used++) : single();
        }

        private Value single() {
            used++;
            return values;
        }

        private void convert(char type, Value value, Spec spec) {
            switch (type) {
                case 's', 'r', 'a' -> {
                    Text text = type == 's' ? Repr.str(value, in.budget()) : Repr.repr(value, in.budget());
                    if (format.isSafe() && !(type == 's' && value instanceof Text given && given.isSafe())) {
                        text = text.escaped(in.budget());
                    }
                    spec.zero = false;
                    spec.align = spec.align == 0 ? '>' : spec.align;
                    spec.text(text, out);
                }
                case 'c' -> {
                    BigInteger code = Operators.integer(value);
                    Text text = value instanceof Text one && one.codePoints() == 1
                            ? one
                            : code != null
                                            && code.signum() >= 0
                                            && code.bitLength() < 21
                                            && Character.isValidCodePoint(code.intValue())
                                    ? Text.of(Character.toString(code.intValue()), Operators.originOf(value))
                                    : null;
                    if (text == null) {
                        throw new Fault("a character by number requires int or char");
                    }
                    spec.align = spec.align == 0 ? '>' : spec.align;
                    spec.text(text, out);
                }
                case 'd', 'i', 'u', 'x', 'X', 'o' -> {
                    BigInteger number = value instanceof Real real && "diu".indexOf(type) >= 0
                            ? truncated(real.value())
                            : Operators.integer(value);
                    if (number == null) {
                        throw new Fault("%" + type + " format: a number is required, not " + value.type());
                    }
                    spec.type = "iu".indexOf(type) >= 0 ? 'd' : type;
                    spec.integer(number, Operators.originOf(value), out, in.budget());
                }
                case 'e', 'E', 'f', 'F', 'g', 'G' -> {
                    if (!Operators.isNumber(value)) {
                        throw new Fault("must be real number, not " + value.type());
                    }
                    spec.type = type;
                    in.budget().steps(Math.clamp(spec.precision, 0, PRECISION_MAX));
                    spec.floating(Operators.toDouble(value), Operators.originOf(value), out);
                }
                default -> throw new Fault("unsupported format character '" + type + "' at index " + (position - 1));
            }
        }
    }

    /** A double cut towards zero. */
    static BigInteger truncated(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw new Fault("cannot convert float " + (Double.isNaN(value) ? "NaN" : "infinity") + " to integer");
        }
        return new BigDecimal(value).toBigInteger();
    }

    // "{}".format(values)

    static Value format(Text format, Arguments arguments, boolean map, Interpreter in) {
        Arguments values = arguments;
        if (map) {
            Value mapping = arguments.positionalOnly("format_map", 1, 1).get(0);
            if (!(mapping instanceof Dict dict)) {
                throw new Fault("format_map() argument must be a mapping, not " + mapping.type());
            }
            Map<String, Value> named = new LinkedHashMap<>();
            dict.entries().values().forEach(entry -> {
                if (entry.key() instanceof Text key) {
                    named.put(key.value(), entry.value());
                }
            });
            in.budget().elements(named.size());
            values = new Arguments(List.of(), named);
        }
        return new Braces(values, in).run(format, 2);
    }

    /** One use of the method. */
    private static final class Braces {
        private final Arguments arguments;
        private final Interpreter in;

        /** The next field without a number; -1 once fields have numbers. */
        private int automatic;

        Braces(Arguments arguments, Interpreter in) {
            this.arguments = arguments;
            this.in = in;
        }

        /** The text with its fields filled in; fields may nest in a field's specification, {@code levels} deep. */
        Text run(Text format, int levels) {
            if (levels == 0) {
                throw new Fault("Max string recursion exceeded");
            }
            Text.Builder out = new Text.Builder(in.budget());
            String text = format.value();
            int position = 0;
            while (position < text.length()) {
                char c = text.charAt(position);
                if (c != '{' && c != '}') {
                    int end = position + 1;
                    while (end < text.length() && text.charAt(end) != '{' && text.charAt(end) != '}') {
                        end++;
                    }
                    out.append(format, position, end);
                    position = end;
                } else if (position + 1 < text.length() && text.charAt(position + 1) == c) {
                    out.append(format, position, position + 1);
                    position += 2;
                } else if (c == '}') {
                    throw new Fault("Single '}' encountered in format string");
                } else {
                    int end = fieldEnd(text, position + 1);
                    field(format.sub(position + 1, end), out, levels);
                    position = end + 1;
                }
            }
            return out.build().safe(format.isSafe());
        }

        private static int fieldEnd(String text, int start) {
            int depth = 1;
            boolean bracket = false;
            for (int i = start; i < text.length(); i++) {
                char c = text.charAt(i);
                if (bracket) {
                    bracket = c != ']';
                } else if (c == '[') {
                    bracket = true;
                } else if (c == '{') {
                    depth++;
                } else if (c == '}' && --depth == 0) {
                    return i;
                }
            }
            throw new Fault(
                    start == text.length()
                            ? "Single '{' encountered in format string"
                            : "expected '}' before end of string");
        }

        private void field(Text field, Text.Builder out, int levels) {
            String text = field.value();
            int nameEnd = 0;
            boolean bracket = false;
            while (nameEnd < text.length()
                    && (bracket || (text.charAt(nameEnd) != ':' && text.charAt(nameEnd) != '!'))) {
                bracket = bracket ? text.charAt(nameEnd) != ']' : text.charAt(nameEnd) == '[';
                nameEnd++;
            }
            Value value = lookup(text.substring(0, nameEnd));
            int specStart = nameEnd;
            if (nameEnd < text.length() && text.charAt(nameEnd) == '!') {
                char conversion = nameEnd + 1 < text.length() ? text.charAt(nameEnd + 1) : 0;
                specStart = nameEnd + 2;
                if ((conversion != 's' && conversion != 'r' && conversion != 'a')
                        || (specStart < text.length() && text.charAt(specStart) != ':')) {
                    throw new Fault("Unknown conversion specifier in format string");
                }
                value = conversion == 's' ? Repr.str(value, in.budget()) : Repr.repr(value, in.budget());
            }
            Text specification =
                    specStart < text.length() ? run(field.sub(specStart + 1, field.units()), levels - 1) : Text.EMPTY;
            Text.Builder shown = new Text.Builder(in.budget());
            Spec.parse(specification.value()).value(value, shown, in.budget());
            boolean escapes = field.isSafe() && !(value instanceof Text given && given.isSafe());
            out.append(shown.build().safe(!escapes).escaped(in.budget()));
        }

        private Value lookup(String path) {
            int end = 0;
            while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
                end++;
            }
            String first = path.substring(0, end);
            Value value;
            if (first.isEmpty() || first.chars().allMatch(Characters::isDigit)) {
                if (first.isEmpty() == (automatic < 0)) {
                    if (first.isEmpty() || automatic > 0) {
                        throw new Fault(
                                "cannot switch between manual field specification and automatic field numbering");
                    }
                }
                int index = first.isEmpty()
                        ? automatic++
                        : first.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(first);
                automatic = first.isEmpty() ? automatic : -1;
                if (index >= arguments.positional().size()) {
                    throw new Fault("Replacement index " + index + " out of range for positional args tuple");
                }
                value = arguments.positional().get(index);
            } else {
                value = arguments.named().get(first);
                if (value == null) {
                    throw new Fault("KeyError: " + Repr.quote(first));
                }
            }
            while (end < path.length()) {
                if (path.charAt(end) == '.') {
                    int start = ++end;
                    while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
                        end++;
                    }
                    value = in.attribute(value, path.substring(start, end));
                } else {
                    int close = path.indexOf(']', end);
                    if (close < 0 || path.charAt(end) != '[') {
                        throw new Fault("Only '.' or '[' may follow ']' in format field specifier");
                    }
                    String key = path.substring(end + 1, close);
                    boolean number =
                            !key.isEmpty() && key.length() < 10 && key.chars().allMatch(Characters::isDigit);
                    value = in.item(value, number ? Int.of(Integer.parseInt(key)) : Text.of(key));
                    end = close + 1;
                }
            }
            return value;
        }
    }

    /** How one field is laid out: {@code [[fill]align][sign][#][0][width][grouping][.precision][type]}. */
    private static final class Spec {
        private Text fill = Text.of(" ");
        private char align;
        private char sign = '-';
        private boolean alternative;
        private boolean zero;
        private long width;
        private char grouping;
        private long precision = -1;
        private char type;

        static Spec parse(String text) {
            Spec spec = new Spec();
            int at = 0;
            if (!text.isEmpty()) {
                int first = Character.charCount(text.codePointAt(0));
                if (first < text.length() && "<>=^".indexOf(text.charAt(first)) >= 0) {
                    spec.fill = Text.of(text.substring(0, first));
                    spec.align = text.charAt(first);
                    at = first + 1;
                } else if ("<>=^".indexOf(text.charAt(0)) >= 0) {
                    spec.align = text.charAt(0);
                    at = 1;
                }
            }
            if (at < text.length() && "+- ".indexOf(text.charAt(at)) >= 0) {
                spec.sign = text.charAt(at++);
            }
            if (at < text.length() && text.charAt(at) == '#') {
                spec.alternative = true;
                at++;
            }
            if (at < text.length() && text.charAt(at) == '0') {
                spec.zero = true;
                at++;
            }
            int start = at;
            while (at < text.length() && Characters.isDigit(text.charAt(at))) {
                at++;
            }
            spec.width = number(text, start, at);
            if (at < text.length() && ",_".indexOf(text.charAt(at)) >= 0) {
                spec.grouping = text.charAt(at++);
            }
            if (at < text.length() && text.charAt(at) == '.') {
                start = ++at;
                while (at < text.length() && Characters.isDigit(text.charAt(at))) {
                    at++;
                }
                if (start == at) {
                    throw new Fault("Format specifier missing precision");
                }
                spec.precision = number(text, start, at);
            }
            if (at < text.length()) {
                spec.type = text.charAt(at++);
            }
            if (at < text.length()) {
                throw new Fault("Invalid format specifier '" + text + "'");
            }
            return spec;
        }

        private static long number(String text, int start, int end) {
            if (end - start > 9) {
                throw new Fault("Too many decimal digits in format string");
            }
            return start == end ? 0 : Long.parseLong(text.substring(start, end));
        }

        private boolean isDefault() {
            return type == 0
                    && width == 0
                    && precision < 0
                    && align == 0
                    && sign == '-'
                    && !alternative
                    && !zero
                    && grouping == 0;
        }

        private Fault unknown(Value value) {
            return new Fault("Unknown format code '" + type + "' for object of type '" + value.type() + "'");
        }

        void value(Value value, Text.Builder out, Budget budget) {
            Origin origin = Operators.originOf(value);
            budget.steps(Math.clamp(precision, 0, PRECISION_MAX));
            if (isDefault()) {
                out.append(Repr.str(value, budget));
                return;
            }
            switch (value) {
                case Text text -> {
                    if (type != 0 && type != 's') {
                        throw unknown(value);
                    }
                    if (sign != '-' || align == '=' || grouping != 0) {
                        throw new Fault("not allowed in string format specifier: sign, '=' or grouping");
                    }
                    if (zero && align == 0) {
                        fill = Text.of("0");
                    }
                    zero = false;
                    align = align == 0 ? '<' : align;
                    text(text, out);
                }
                case Int number -> number(number, number.value(), origin, out, budget);
                case Bool bool -> {
                    if (type == 0) {
                        align = align == 0 ? '>' : align;
                    }
                    number(bool, Operators.integer(bool), origin, out, budget);
                }
                case Real number -> {
                    if (type != 0 && "eEfFgG%n".indexOf(type) < 0) {
                        throw unknown(value);
                    }
                    floating(number.value(), origin, out);
                }
                default -> throw new Fault("unsupported format string passed to " + value.type() + ".__format__");
            }
        }

        private void number(Value value, BigInteger number, Origin origin, Text.Builder out, Budget budget) {
            if (type == 0 || "bcdoxXn".indexOf(type) >= 0) {
                if (precision >= 0) {
                    throw new Fault("Precision not allowed in integer format specifier");
                }
                if (type == 'c') {
                    if (number.signum() < 0
                            || number.bitLength() > 21
                            || !Character.isValidCodePoint(number.intValue())) {
                        throw new Fault("a character by number must be in range(0x110000)");
                    }
                    align = align == 0 ? '<' : align;
                    text(Text.of(Character.toString(number.intValue()), origin), out);
                    return;
                }
                integer(number, origin, out, budget);
            } else if ("eEfFgG%".indexOf(type) >= 0) {
                floating(Operators.toDouble(value), origin, out);
            } else {
                throw unknown(value);
            }
        }

        /** A string, cut to the precision and padded. */
        void text(Text text, Text.Builder out) {
            Text shown =
                    precision >= 0 && precision < text.codePoints() ? text.sub(0, text.unitOf((int) precision)) : text;
            padded(Text.EMPTY, shown, out);
        }

        /** An integer by its type; a precision is the least number of digits, which only % knows. */
        void integer(BigInteger value, Origin origin, Text.Builder out, Budget budget) {
            budget.scan(value.bitLength());
            String digits = switch (type) {
                case 'x' -> value.abs().toString(16);
                case 'X' -> value.abs().toString(16).toUpperCase(Locale.ROOT);
                case 'o' -> value.abs().toString(8);
                case 'b' -> value.abs().toString(2);
                default -> Repr.integer(value.abs(), budget);
            };
            if (precision > digits.length()) {
                digits = "0".repeat((int) (checked(precision) - digits.length())) + digits;
            }
            String prefix = alternative && "xXob".indexOf(type) >= 0 && type != 0 ? "0" + type : "";
            signed(value.signum() < 0, prefix, digits, "", "xXob".indexOf(type) >= 0 && type != 0 ? 4 : 3, origin, out);
        }

        /** A double by its type. */
        void floating(double value, Origin origin, Text.Builder out) {
            boolean negative = value < 0 || (value == 0 && 1 / value < 0);
            double magnitude = Math.abs(value);
            String suffix = type == '%' ? "%" : "";
            String body;
            if (Double.isNaN(value) || Double.isInfinite(value)) {
                body = Double.isNaN(value) ? "nan" : "inf";
                if (zero && align == 0) {
                    fill = Text.of("0");
                    align = '=';
                    zero = false;
                }
                signedText(
                        negative && !Double.isNaN(value),
                        Character.isUpperCase(type) ? body.toUpperCase(Locale.ROOT) : body,
                        suffix,
                        origin,
                        out);
                return;
            }
            int digits = (int) (precision < 0 ? 6 : checked(precision));
            body = switch (Character.toLowerCase(type)) {
                case 'f' -> fixed(magnitude, digits);
                case '%' -> fixed(new BigDecimal(magnitude * 100), digits);
                case 'e' -> exponential(magnitude, digits);
                case 'g', 'n' -> general(magnitude, Math.max(digits, 1), alternative, false);
                default ->
                    precision < 0
                            ? Repr.floating(magnitude)
                            : general(magnitude, Math.max(digits, 1), alternative, true);
            };
            if (alternative && body.indexOf('.') < 0) {
                int e = body.indexOf('e');
                body = e < 0 ? body + "." : body.substring(0, e) + "." + body.substring(e);
            }
            body = Character.isUpperCase(type) ? body.toUpperCase(Locale.ROOT) : body;
            int end = 0;
            while (end < body.length() && Characters.isDigit(body.charAt(end))) {
                end++;
            }
            signed(negative, "", body.substring(0, end), body.substring(end) + suffix, 3, origin, out);
        }

        private static long checked(long precision) {
            if (precision > PRECISION_MAX) {
                throw new Fault("a format's precision is more than " + PRECISION_MAX);
            }
            return precision;
        }

        private String signOf(boolean negative) {
            return negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
        }

        private void signedText(boolean negative, String body, String suffix, Origin origin, Text.Builder out) {
            align = align == 0 ? '>' : align;
            padded(Text.of(signOf(negative), origin), Text.of(body + suffix, origin), out);
        }

        /** Sign, prefix, digits with their grouping, and the rest; zeros fill between prefix and digits. */
        private void signed(
                boolean negative,
                String prefix,
                String digits,
                String rest,
                int group,
                Origin origin,
                Text.Builder out) {
            String head = signOf(negative) + prefix;
            boolean zeros = zero && (align == 0 || align == '=');
            long room = zeros ? checkedWidth() - head.length() - rest.length() : 0;
            String body = grouping == 0
                    ? "0".repeat((int) Math.max(0, room - digits.length())) + digits
                    : grouped(digits, group, room);
            align = align == 0 ? '>' : align;
            padded(Text.of(head, origin), Text.of(body + rest, origin), out);
        }

        private long checkedWidth() {
            if (width > PRECISION_MAX) {
                throw new Fault("a format's width of zeros is more than " + PRECISION_MAX);
            }
            return width;
        }

        private String grouped(String digits, int group, long room) {
            StringBuilder reversed = new StringBuilder();
            for (int i = 0; i < digits.length() || reversed.length() < room; i++) {
                if (i > 0 && i % group == 0) {
                    reversed.append(grouping);
                }
                reversed.append(i < digits.length() ? digits.charAt(digits.length() - 1 - i) : '0');
            }
            return reversed.reverse().toString();
        }

        private void padded(Text head, Text body, Text.Builder out) {
            long missing = Math.max(0, width - head.codePoints() - body.codePoints());
            switch (align) {
                case '<' -> out.append(head).append(body).repeat(fill, missing);
                case '^' ->
                    out.repeat(fill, missing / 2).append(head).append(body).repeat(fill, missing - missing / 2);
                case '=' -> out.append(head).repeat(fill, missing).append(body);
                default -> out.repeat(fill, missing).append(head).append(body);
            }
        }

        private static String fixed(double value, int digits) {
            return fixed(new BigDecimal(value), digits);
        }

        private static String fixed(BigDecimal value, int digits) {
            return value.setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
        }

        private static String exponential(double value, int digits) {
            BigDecimal rounded = rounded(value, digits + 1);
            String all = rounded.unscaledValue().toString();
            all = value == 0 ? "0".repeat(digits + 1) : all + "0".repeat(Math.max(0, digits + 1 - all.length()));
            return (digits == 0 ? all.substring(0, 1) : all.charAt(0) + "." + all.substring(1))
                    + exponent(exponentOf(rounded));
        }

        private static String exponent(int exponent) {
            return String.format("e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
        }

        private static BigDecimal rounded(double value, int significant) {
            return new BigDecimal(value).round(new MathContext(significant, RoundingMode.HALF_EVEN));
        }

        private static int exponentOf(BigDecimal value) {
            return value.signum() == 0 ? 0 : value.precision() - value.scale() - 1;
        }

        /** {@code g}: fixed or exponential, whichever is shorter; {@code point} keeps a digit after the point. */
        private static String general(double value, int significant, boolean keepZeros, boolean point) {
            BigDecimal rounded = rounded(value, significant);
            int exponent = exponentOf(rounded);
            if (exponent < -4
                    || exponent >= (point ? significant - (exponent == significant - 1 ? 1 : 0) : significant)) {
                String text = exponential(value, significant - 1);
                int e = text.indexOf('e');
                return (keepZeros ? text.substring(0, e) : trimmed(text.substring(0, e))) + text.substring(e);
            }
            String text = fixed(rounded, Math.max(0, significant - 1 - exponent));
            text = keepZeros ? text : trimmed(text);
            return point && text.indexOf('.') < 0 ? text + ".0" : text;
        }

        private static String trimmed(String text) {
            if (text.indexOf('.') < 0) {
                return text;
            }
            int end = text.length();
            while (text.charAt(end - 1) == '0') {
                end--;
            }
            return text.substring(0, text.charAt(end - 1) == '.' ? end - 1 : end);
        }
    }
}
