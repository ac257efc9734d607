package io.github.medpsy4j.engine.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How JSON values are spelled, as expressions. */
final class JsonText {
    /** Digits on each side of a number's point; more would say nothing that a double holds. */
    static final int DIGITS_MAX = 16;

    private static final CodePoints CONTROLS = CodePoints.range(0, 0x1F);

    /** Characters that stand for themselves in a string. */
    private static final CodePoints PLAIN = CodePoints.of("\"\\").or(CONTROLS).not();

    private static final Expr DIGIT = new Expr.Chars(CodePoints.range('0', '9'));
    private static final Expr DIGIT_1_TO_9 = new Expr.Chars(CodePoints.range('1', '9'));
    private static final Expr HEX = chars(CodePoints.of("0123456789abcdefABCDEF"));

    /** White space between tokens of JSON; bounded, for some models never leave it. */
    static final Expr SPACE = new Expr.Ref("(space)");

    static final Expr ANY = new Expr.Ref("(value)");
    static final Expr OBJECT = new Expr.Ref("(object)");
    static final Expr ARRAY = new Expr.Ref("(array)");
    static final Expr STRING = new Expr.Ref("(string)");
    static final Expr NUMBER = new Expr.Ref("(number)");
    static final Expr INTEGER = new Expr.Ref("(integer)");
    static final Expr BOOLEAN = Expr.alt(Expr.text("true"), Expr.text("false"));
    static final Expr NULL = Expr.text("null");

    /** One character of a string, however it is spelled. */
    static final Expr CHARACTER = new Expr.Ref("(character)");

    private JsonText() {}

    /** The rules that the constants refer to. */
    static Map<String, Expr> rules() {
        Map<String, Expr> rules = new LinkedHashMap<>();
        rules.put(
                "(space)",
                Expr.optional(Expr.alt(
                        Expr.text(" "),
                        Expr.seq(Expr.text("\n"), new Expr.Repeat(chars(CodePoints.of(" \t")), 0, 20)))));
        rules.put("(value)", Expr.alt(OBJECT, ARRAY, STRING, NUMBER, BOOLEAN, NULL));
        rules.put("(object)", object(member(STRING, ANY)));
        rules.put("(array)", array(List.of(), ANY, 0, -1, "", rules));
        rules.put(
                "(character)",
                Expr.alt(
                        chars(PLAIN),
                        Expr.seq(
                                Expr.text("\\"),
                                Expr.alt(
                                        chars(CodePoints.of("\"\\/bfnrt")),
                                        // Halves of a pair are left out: each character is one match.
                                        Expr.seq(
                                                Expr.text("u"),
                                                Expr.alt(
                                                        Expr.seq(
                                                                chars(CodePoints.of("0123456789abcefABCEF")),
                                                                new Expr.Repeat(HEX, 3, 3)),
                                                        Expr.seq(
                                                                chars(CodePoints.of("dD")),
                                                                chars(CodePoints.range('0', '7')),
                                                                HEX,
                                                                HEX)))))));
        rules.put("(string)", string(0, -1));
        Expr whole = Expr.alt(Expr.text("0"), Expr.seq(DIGIT_1_TO_9, new Expr.Repeat(DIGIT, 0, DIGITS_MAX - 1)));
        rules.put(
                "(integer)",
                Expr.alt(
                        Expr.text("0"),
                        Expr.seq(
                                Expr.optional(Expr.text("-")),
                                DIGIT_1_TO_9,
                                new Expr.Repeat(DIGIT, 0, DIGITS_MAX - 1))));
        rules.put(
                "(number)",
                Expr.seq(
                        Expr.optional(Expr.text("-")),
                        whole,
                        Expr.optional(Expr.seq(Expr.text("."), new Expr.Repeat(DIGIT, 1, DIGITS_MAX))),
                        // Two digits: every number is finite as a double.
                        Expr.optional(Expr.seq(
                                chars(CodePoints.of("eE")),
                                Expr.optional(chars(CodePoints.of("+-"))),
                                new Expr.Repeat(DIGIT, 1, 2)))));
        return rules;
    }

    static Expr chars(CodePoints set) {
        return new Expr.Chars(set);
    }

    /** A string of so many characters; -1 for no upper bound. */
    static Expr string(int min, int max) {
        return quoted(new Expr.Repeat(CHARACTER, min, max));
    }

    static Expr quoted(Expr characters) {
        return Expr.seq(Expr.text("\""), characters, Expr.text("\""));
    }

    static Expr member(Expr name, Expr value) {
        return Expr.seq(name, SPACE, Expr.text(":"), SPACE, value);
    }

    private static Expr comma() {
        return Expr.seq(SPACE, Expr.text(","), SPACE);
    }

    /** What an object or array has inside, with white space. */
    private static Expr enclosed(String open, Expr inside, String close) {
        return Expr.seq(Expr.text(open), SPACE, inside, SPACE, Expr.text(close));
    }

    private static Expr object(Expr member) {
        return Expr.alt(
                enclosed("{", Expr.seq(member, new Expr.Repeat(Expr.seq(comma(), member), 0, -1)), "}"),
                Expr.text("{}"));
    }

    /**
     * An object of declared members in their order.
     *
     * @param members name to value, as expressions of whole members
     * @param required by member
     * @param further a member that is not declared, any number of them after the others; null for none
     * @param rules receives the rules that are needed, named after {@code path}
     */
    static Expr object(List<Expr> members, List<Boolean> required, Expr further, String path, Map<String, Expr> rules) {
        int n = members.size();
        Expr commaFurther = further == null ? Expr.EMPTY : new Expr.Repeat(Expr.seq(comma(), further), 0, -1);
        Expr after = commaFurther; // what may come once there is a member
        Expr first = further == null ? null : Expr.seq(further, commaFurther); // what may come before there is one
        boolean mayBeEmpty = true;
        for (int i = n - 1; i >= 0; i--) {
            String number = " from member " + (i + 1);
            Expr begun = Expr.seq(members.get(i), after);
            Expr withComma = Expr.seq(comma(), members.get(i), after);
            boolean isRequired = required.get(i);
            rules.put(path + number, isRequired || first == null ? begun : Expr.alt(begun, first));
            rules.put(path + number + ", after others", isRequired ? withComma : Expr.alt(withComma, after));
            first = new Expr.Ref(path + number);
            after = new Expr.Ref(path + number + ", after others");
            mayBeEmpty &= !isRequired;
        }
        List<Expr> choices = new ArrayList<>();
        if (first != null) {
            choices.add(enclosed("{", first, "}"));
        }
        if (mayBeEmpty) {
            choices.add(Expr.text("{}"));
        }
        return Expr.alt(choices);
    }

    /**
     * An array whose first elements are these, and whose others are like {@code rest}.
     *
     * @param rest null for no others
     * @param max -1 for no bound
     * @param rules receives the rules that are needed, named after {@code path}
     */
    static Expr array(List<Expr> first, Expr rest, int min, int max, String path, Map<String, Expr> rules) {
        int prefix = max < 0 ? first.size() : Math.min(first.size(), max);
        // From the end: what may come after the elements so far.
        Expr after = Expr.EMPTY;
        int restMin = Math.max(0, min - Math.max(prefix, 1));
        if (rest != null && (max < 0 || max > prefix)) {
            int restMax = max < 0 ? -1 : max - Math.max(prefix, 1);
            after = new Expr.Repeat(Expr.seq(comma(), rest), restMin, restMax);
        }
        for (int i = prefix - 1; i >= 1; i--) {
            Expr more = Expr.seq(comma(), first.get(i), after);
            String name = path + " from element " + (i + 1);
            rules.put(name, min > i ? more : Expr.optional(more));
            after = new Expr.Ref(name);
        }
        Expr one = prefix > 0 ? first.getFirst() : rest;
        List<Expr> choices = new ArrayList<>();
        if (one != null && max != 0) {
            choices.add(enclosed("[", Expr.seq(one, after), "]"));
        }
        if (min == 0) {
            choices.add(Expr.text("[]"));
        }
        return Expr.alt(choices);
    }

    /** A string that is none of these, its characters standing for themselves. */
    static Expr stringOtherThan(List<String> names, String path, Map<String, Expr> rules) {
        TreeMap<String, Boolean> prefixes = new TreeMap<>(); // of the names that can be confused; whether it is one
        for (String name : names) {
            if (name.codePoints().allMatch(PLAIN::contains)) {
                for (int end = 0; end < name.length(); end = name.offsetByCodePoints(end, 1)) {
                    prefixes.putIfAbsent(name.substring(0, end), false);
                }
                prefixes.put(name, true);
            }
        }
        prefixes.putIfAbsent("", false);
        for (String prefix : prefixes.keySet()) {
            CodePoints going = CodePoints.NONE;
            List<Expr> choices = new ArrayList<>();
            for (String longer : prefixes.tailMap(prefix, false).keySet()) {
                if (!longer.startsWith(prefix)) {
                    break;
                }
                if (longer.codePointCount(prefix.length(), longer.length()) == 1) {
                    int c = longer.codePointAt(prefix.length());
                    going = going.or(CodePoints.one(c));
                    choices.add(Expr.seq(Expr.text(Character.toString(c)), new Expr.Ref(otherThan(path, longer))));
                }
            }
            choices.add(Expr.seq(chars(PLAIN.without(going)), new Expr.Repeat(chars(PLAIN), 0, -1)));
            if (!prefixes.get(prefix)) {
                choices.add(Expr.EMPTY);
            }
            rules.put(otherThan(path, prefix), Expr.alt(choices));
        }
        return quoted(new Expr.Ref(otherThan(path, "")));
    }

    private static String otherThan(String path, String prefix) {
        return path + " undeclared after \"" + prefix + "\"";
    }

    /** A character of a string out of a set, in its usual spelling. */
    static Expr spelled(CodePoints set) {
        List<Expr> choices = new ArrayList<>();
        CodePoints plain = set.and(PLAIN);
        if (!plain.isEmpty()) {
            choices.add(chars(plain));
        }
        CodePoints escaped = set.without(PLAIN);
        for (int i = 0; i < escaped.count(); i++) {
            for (int c = escaped.first(i); c <= escaped.last(i); c++) {
                choices.add(Expr.text(escape(c)));
            }
        }
        return Expr.alt(choices);
    }

    private static String escape(int c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\b' -> "\\b";
            case '\f' -> "\\f";
            default -> String.format("\\u%04x", c);
        };
    }

    /** A value as compact JSON. */
    static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        switch (value) {
            case null -> out.append("null");
            case String text -> {
                out.append('"');
                text.codePoints().forEach(c -> out.append(PLAIN.contains(c) ? Character.toString(c) : escape(c)));
                out.append('"');
            }
            case Map<?, ?> map -> {
                String separator = "{";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.append(separator);
                    write(entry.getKey(), out);
                    out.append(':');
                    write(entry.getValue(), out);
                    separator = ",";
                }
                out.append(map.isEmpty() ? "{}" : "}");
            }
            case List<?> list -> {
                String separator = "[";
                for (Object element : list) {
                    out.append(separator);
                    write(element, out);
                    separator = ",";
                }
                out.append(list.isEmpty() ? "[]" : "]");
            }
            case BigDecimal number -> out.append(number);
            default -> out.append(value);
        }
    }

    /** Whole numbers from min to max, either of which may be null for none but that of the digits. */
    static Expr integers(BigInteger min, BigInteger max) {
        BigInteger bound = BigInteger.TEN.pow(DIGITS_MAX).subtract(BigInteger.ONE);
        BigInteger low = min != null ? min : max.min(BigInteger.ZERO).subtract(bound);
        BigInteger high = max != null ? max : min.max(BigInteger.ZERO).add(bound);
        List<Expr> choices = new ArrayList<>();
        if (low.signum() < 0) {
            BigInteger nearest = high.signum() < 0 ? high.negate() : BigInteger.ONE;
            choices.add(Expr.seq(Expr.text("-"), natural(nearest, low.negate())));
        }
        if (high.signum() >= 0) {
            choices.add(natural(low.max(BigInteger.ZERO), high));
        }
        return Expr.alt(choices);
    }

    /** Numbers from min, at least 0, to max, by how many digits they have. */
    private static Expr natural(BigInteger min, BigInteger max) {
        List<Expr> choices = new ArrayList<>();
        int shortest = min.toString().length();
        int longest = max.toString().length();
        for (int digits = shortest; digits <= longest; digits++) {
            String low = digits == shortest ? min.toString() : "1" + "0".repeat(digits - 1);
            String high = digits == longest ? max.toString() : "9".repeat(digits);
            choices.add(sameLength(low, high));
        }
        return Expr.alt(choices);
    }

    /** Digits from low to high, which are equally many. */
    private static Expr sameLength(String low, String high) {
        if (low.isEmpty()) {
            return Expr.EMPTY;
        }
        char first = low.charAt(0);
        char last = high.charAt(0);
        String lowRest = low.substring(1);
        String highRest = high.substring(1);
        int rest = lowRest.length();
        boolean fromZeros = lowRest.equals("0".repeat(rest));
        boolean toNines = highRest.equals("9".repeat(rest));
        if (first == last) {
            return Expr.seq(Expr.text(String.valueOf(first)), sameLength(lowRest, highRest));
        }
        List<Expr> choices = new ArrayList<>();
        char freeFirst = fromZeros ? first : (char) (first + 1);
        char freeLast = toNines ? last : (char) (last - 1);
        if (!fromZeros) {
            choices.add(Expr.seq(Expr.text(String.valueOf(first)), sameLength(lowRest, "9".repeat(rest))));
        }
        if (freeFirst <= freeLast) {
            choices.add(Expr.seq(chars(CodePoints.range(freeFirst, freeLast)), new Expr.Repeat(DIGIT, rest, rest)));
        }
        if (!toNines) {
            choices.add(Expr.seq(Expr.text(String.valueOf(last)), sameLength("0".repeat(rest), highRest)));
        }
        return Expr.alt(choices);
    }
}
