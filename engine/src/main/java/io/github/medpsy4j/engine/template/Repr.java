package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Value.Entry;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;

/** Python's {@code str} and {@code repr}. */
final class Repr {
    /** Python refuses to print longer integers. */
    private static final int DIGITS_MAX = 4300;

    private Repr() {}

    /** {@code str(value)}. */
    static Text str(Value value, Budget budget) {
        return switch (value) {
            case Text text -> text.safe(false);
            case Value.Undefined undefined -> Text.EMPTY;
            case Value.Bool bool -> Text.of(bool == Value.Bool.TRUE);
            case Value.None none -> Text.of("None");
            case Value.Int number -> Text.of(integer(number.value(), budget), number.origin());
            case Value.Real number -> Text.of(floating(number.value()), number.origin());
            default -> repr(value, budget);
        };
    }

    /** {@code repr(value)}. */
    static Text repr(Value value, Budget budget) {
        Text.Builder out = new Text.Builder(budget);
        repr(value, out, Origin.TEMPLATE, budget);
        return out.build();
    }

    private static void repr(Value value, Text.Builder out, Origin around, Budget budget) {
        budget.step();
        budget.enter();
        switch (value) {
            case Text text -> {
                out.append(text.isSafe() ? "Markup(" : "", around);
                quoted(text, out);
                out.append(text.isSafe() ? ")" : "", around);
            }
            case Value.Undefined undefined -> out.append("Undefined", around);
            case Value.ListValue list -> {
                Origin origin = list.origin().with(around);
                out.append("[", origin);
                items(list.items(), out, origin, budget);
                out.append("]", origin);
            }
            case Value.Tuple tuple -> {
                out.append("(", around);
                items(tuple.items(), out, around, budget);
                out.append(tuple.items().size() == 1 ? ",)" : ")", around);
            }
            case Value.Dict dict -> {
                Origin origin = dict.origin().with(around);
                out.append("{", origin);
                String separator = "";
                for (Entry entry : dict.entries().values()) {
                    out.append(separator, origin);
                    repr(entry.key(), out, origin, budget);
                    out.append(": ", origin);
                    repr(entry.value(), out, origin, budget);
                    separator = ", ";
                }
                out.append("}", origin);
            }
            case Value.View view -> {
                Origin origin = view.dict().origin().with(around);
                out.append(view.type() + "([", origin);
                items(view.dict().entries().values().stream().map(view::element).toList(), out, origin, budget);
                out.append("])", origin);
            }
            case Value.Range range ->
                out.append(
                        "range(" + range.start() + ", " + range.stop()
                                + (range.step() == 1 ? ")" : ", " + range.step() + ")"),
                        around);
            case Value.MacroValue macro -> out.append("<Macro " + quote(macro.name()) + ">", around);
            case Value.Namespace namespace -> {
                out.append("<Namespace {", around);
                String separator = "";
                for (Map.Entry<String, Value> entry : namespace.attributes().entrySet()) {
                    out.append(separator + quote(entry.getKey()) + ": ", around);
                    repr(entry.getValue(), out, around, budget);
                    separator = ", ";
                }
                out.append("}>", around);
            }
            case Value.LoopValue loop ->
                out.append(
                        "<LoopContext " + loop.loop().index() + "/"
                                + loop.loop().length() + ">",
                        around);
            case Value.Int number -> out.append(integer(number.value(), budget), around.with(number.origin()));
            case Value.Real number -> out.append(floating(number.value()), around.with(number.origin()));
            case Value.Bool bool -> out.append(bool == Value.Bool.TRUE ? "True" : "False", around);
            case Value.None none -> out.append("None", around);
            case Value.Lazy lazy -> out.append("<" + lazy.type() + " object>", around);
            case Value.Function function -> out.append("<function " + function.name() + ">", around);
            case Value.Cycler cycler -> out.append("<Cycler object>", around);
            case Value.Joiner joiner -> out.append("<Joiner object>", around);
        }
        budget.exit();
    }

    private static void items(List<Value> items, Text.Builder out, Origin origin, Budget budget) {
        String separator = "";
        for (Value item : items) {
            out.append(separator, origin);
            repr(item, out, origin, budget);
            separator = ", ";
        }
    }

    /** A string in quotes, as {@code repr} writes it; the quotes are of the origin of their neighbours. */
    private static void quoted(Text text, Text.Builder out) {
        String value = text.value();
        char quote = value.indexOf('\'') >= 0 && value.indexOf('"') < 0 ? '"' : '\'';
        Origin weakest = text.weakest();
        out.append(String.valueOf(quote), weakest);
        int plain = 0;
        for (int i = 0; i < value.length(); ) {
            int c = value.codePointAt(i);
            String escaped = escaped(c, quote);
            int next = i + Character.charCount(c);
            if (escaped != null) {
                out.append(text, plain, i);
                out.append(escaped, text.originAt(i));
                plain = next;
            }
            i = next;
        }
        out.append(text, plain, value.length());
        out.append(String.valueOf(quote), weakest);
    }

    private static String escaped(int c, char quote) {
        if (c == quote || c == '\\') {
            return "\\" + (char) c;
        }
        return switch (c) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default ->
                Characters.isPrintable(c)
                        ? null
                        : c < 0x100 ? "\\x" + hex(c, 2) : c < 0x10000 ? "\\u" + hex(c, 4) : "\\U" + hex(c, 8);
        };
    }

    /** So many hexadecimal digits, in lower case. */
    static String hex(int value, int digits) {
        String hex = Integer.toHexString(value);
        return "0".repeat(digits - hex.length()) + hex;
    }

    /** The {@code repr} of a string that messages quote. */
    static String quote(String text) {
        Text.Builder out = new Text.Builder(new Budget(RenderOptions.defaults()));
        quoted(Text.of(text), out);
        return out.build().value();
    }

    static String integer(BigInteger value, Budget budget) {
        if (value.bitLength() < 64) {
            return Long.toString(value.longValue());
        }
        budget.bigInteger(value.bitLength());
        String digits = value.toString();
        if (digits.length() - (value.signum() < 0 ? 1 : 0) > DIGITS_MAX) {
            throw new Fault("Exceeds the limit (" + DIGITS_MAX + " digits) for integer string conversion");
        }
        return digits;
    }

    /** The shortest digits that read back as the same double, with an exponent below 1e-4 and from 1e16. */
    static String floating(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
        // Java writes at least two digits, even where one would do.
        BigDecimal one = shortest.round(new MathContext(1, RoundingMode.HALF_EVEN));
        if (shortest.precision() == 2 && one.doubleValue() == Math.abs(value)) {
            shortest = one;
        }
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - shortest.scale() - 1;
        String sign = value < 0 ? "-" : "";
        if (exponent < -4 || exponent >= 16) {
            String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
            return sign + mantissa + String.format("e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
        }
        String plain = shortest.toPlainString();
        return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }
}
