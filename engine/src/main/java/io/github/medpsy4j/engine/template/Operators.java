package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Value.Bool;
import io.github.medpsy4j.engine.template.Value.Dict;
import io.github.medpsy4j.engine.template.Value.Entry;
import io.github.medpsy4j.engine.template.Value.Int;
import io.github.medpsy4j.engine.template.Value.Lazy;
import io.github.medpsy4j.engine.template.Value.ListValue;
import io.github.medpsy4j.engine.template.Value.None;
import io.github.medpsy4j.engine.template.Value.Range;
import io.github.medpsy4j.engine.template.Value.Real;
import io.github.medpsy4j.engine.template.Value.Sequence;
import io.github.medpsy4j.engine.template.Value.Tuple;
import io.github.medpsy4j.engine.template.Value.Undefined;
import io.github.medpsy4j.engine.template.Value.View;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/** Python's operators, and what the language does without being asked: truth, length, iteration, equality, order. */
final class Operators {
    /** Bits of the largest integer; Python prints no more than 4300 digits, which are 14,285 bits. */
    static final int INT_BITS_MAX = 16_384;

    private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE / 4);
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE / 4);

    private Operators() {}

    /** The arithmetic operators. */
    enum Arithmetic {
        ADD("+"),
        SUBTRACT("-"),
        MULTIPLY("*"),
        DIVIDE("/"),
        FLOOR_DIVIDE("//"),
        MODULO("%"),
        POWER("** or pow()");

        private final String symbol;

        Arithmetic(String symbol) {
            this.symbol = symbol;
        }

        static Arithmetic of(String symbol) {
            return switch (symbol) {
                case "+" -> ADD;
                case "-" -> SUBTRACT;
                case "*" -> MULTIPLY;
                case "/" -> DIVIDE;
                case "//" -> FLOOR_DIVIDE;
                case "%" -> MODULO;
                case "**" -> POWER;
                default -> throw new IllegalArgumentException(symbol);
            };
        }
    }

    /** The comparison operators. */
    enum Comparison {
        EQUAL("=="),
        NOT_EQUAL("!="),
        LESS("<"),
        LESS_OR_EQUAL("<="),
        GREATER(">"),
        GREATER_OR_EQUAL(">="),
        IN("in"),
        NOT_IN("not in");

        private final String symbol;

        Comparison(String symbol) {
            this.symbol = symbol;
        }

        /** The operator of this symbol, or null. */
        static Comparison of(String symbol) {
            for (Comparison comparison : values()) {
                if (comparison.symbol.equals(symbol)) {
                    return comparison;
                }
            }
            return null;
        }

        String symbol() {
            return symbol;
        }
    }

    // Numbers

    /** An int or bool as an integer, else null. */
    static BigInteger integer(Value value) {
        return switch (value) {
            case Int number -> number.value();
            case Bool bool -> bool == Bool.TRUE ? BigInteger.ONE : BigInteger.ZERO;
            default -> null;
        };
    }

    /** The integer as a long, cut to what no sum of two overflows. */
    static long clamp(BigInteger number) {
        return number.max(LONG_MIN).min(LONG_MAX).longValueExact();
    }

    static BigInteger bounded(BigInteger number) {
        if (number.bitLength() > INT_BITS_MAX) {
            throw new Fault("an integer has more than " + INT_BITS_MAX + " bits");
        }
        return number;
    }

    static boolean isNumber(Value value) {
        return value instanceof Int || value instanceof Real || value instanceof Bool;
    }

    static Origin originOf(Value value) {
        return switch (value) {
            case Int number -> number.origin();
            case Real number -> number.origin();
            case Text text -> text.weakest();
            case ListValue list -> list.origin();
            case Dict dict -> dict.origin();
            default -> Origin.TEMPLATE;
        };
    }

    /** A number as a double; an integer beyond its range is an error as in Python. */
    static double toDouble(Value value) {
        if (value instanceof Real number) {
            return number.value();
        }
        double result = integer(value).doubleValue();
        if (Double.isInfinite(result)) {
            throw new Fault("int too large to convert to float");
        }
        return result;
    }

    static Value arithmetic(Arithmetic operator, Value left, Value right, Interpreter in) {
        if (operator == Arithmetic.MODULO && left instanceof Text format) {
            return Formatting.percent(format, right, in);
        }
        if (left instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (isNumber(left) && isNumber(right)) {
            Origin origin = originOf(left).with(originOf(right));
            BigInteger a = integer(left);
            BigInteger b = integer(right);
            if (a != null && b != null) {
                in.budget().bigInteger((long) a.bitLength() + b.bitLength());
            }
            return a != null && b != null
                    ? integers(operator, a, b, origin)
                    : new Real(floats(operator, toDouble(left), toDouble(right)), origin);
        }
        if (operator == Arithmetic.ADD) {
            return add(left, right, in.budget());
        }
        if (operator == Arithmetic.MULTIPLY) {
            BigInteger count = integer(right) != null ? integer(right) : integer(left);
            Value repeated = integer(right) != null ? left : right;
            if (count != null && (repeated instanceof Text || repeated instanceof Sequence)) {
                return repeat(repeated, clamp(count), in.budget());
            }
        }
        throw new Fault("unsupported operand type(s) for " + operator.symbol + ": '" + left.type() + "' and '"
                + right.type() + "'");
    }

    private static Value add(Value left, Value right, Budget budget) {
        if (left instanceof Text a && right instanceof Text b) {
            return a.isSafe() || b.isSafe()
                    ? new Text.Builder(budget)
                            .append(a.escaped(budget))
                            .append(b.escaped(budget))
                            .build()
                            .safe(true)
                    : new Text.Builder(budget).append(a).append(b).build();
        }
        if (left instanceof ListValue a && right instanceof ListValue b) {
            return ListValue.of(joined(a.items(), b.items(), budget), a.origin().with(b.origin()));
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return Tuple.of(joined(a.items(), b.items(), budget));
        }
        if (left instanceof Text || left instanceof Sequence) {
            throw new Fault(
                    "can only concatenate " + left.type() + " (not \"" + right.type() + "\") to " + left.type());
        }
        throw new Fault("unsupported operand type(s) for +: '" + left.type() + "' and '" + right.type() + "'");
    }

    private static List<Value> joined(List<Value> a, List<Value> b, Budget budget) {
        budget.elements((long) a.size() + b.size());
        List<Value> items = new ArrayList<>(a.size() + b.size());
        items.addAll(a);
        items.addAll(b);
        return items;
    }

    private static Value repeat(Value value, long count, Budget budget) {
        if (value instanceof Text text) {
            return new Text.Builder(budget).repeat(text, count).build().safe(text.isSafe());
        }
        List<Value> items = ((Sequence) value).items();
        long turns = Math.max(count, 0);
        budget.elements(
                items.isEmpty() ? 0 : turns > Long.MAX_VALUE / items.size() ? Long.MAX_VALUE : turns * items.size());
        List<Value> result = new ArrayList<>();
        for (long i = 0; i < turns && !items.isEmpty(); i++) {
            result.addAll(items);
        }
        return value instanceof ListValue list ? ListValue.of(result, list.origin()) : Tuple.of(result);
    }

    private static Value integers(Arithmetic operator, BigInteger a, BigInteger b, Origin origin) {
        return switch (operator) {
            case ADD -> new Int(bounded(a.add(b)), origin);
            case SUBTRACT -> new Int(bounded(a.subtract(b)), origin);
            case MULTIPLY -> new Int(bounded(a.multiply(b)), origin);
            case DIVIDE -> new Real(divide(a, b), origin);
            case FLOOR_DIVIDE -> {
                BigInteger[] parts = nonZero(a, b, "integer division or modulo by zero");
                boolean below = parts[1].signum() != 0 && parts[1].signum() != b.signum();
                yield new Int(below ? parts[0].subtract(BigInteger.ONE) : parts[0], origin);
            }
            case MODULO -> {
                BigInteger rest = nonZero(a, b, "integer modulo by zero")[1];
                yield new Int(rest.signum() != 0 && rest.signum() != b.signum() ? rest.add(b) : rest, origin);
            }
            case POWER -> {
                if (b.signum() < 0) {
                    yield new Real(floats(operator, a.doubleValue(), b.doubleValue()), origin);
                }
                long exponent = clamp(b);
                int bits = a.abs().bitLength();
                if (bits > 1 && exponent > INT_BITS_MAX / (bits - 1)) {
                    throw new Fault("an integer has more than " + INT_BITS_MAX + " bits");
                }
                // 0, 1 and -1 need only the exponent's parity and whether it is zero.
                int small = bits > 1 ? (int) exponent : (int) Math.min(exponent, 2 + exponent % 2);
                yield new Int(bounded(a.pow(small)), origin);
            }
        };
    }

    private static BigInteger[] nonZero(BigInteger a, BigInteger b, String message) {
        if (b.signum() == 0) {
            throw new Fault(message);
        }
        return a.divideAndRemainder(b);
    }

    private static double divide(BigInteger a, BigInteger b) {
        if (b.signum() == 0) {
            throw new Fault("division by zero");
        }
        if (a.bitLength() <= 53 && b.bitLength() <= 53) {
            return a.doubleValue() / b.doubleValue();
        }
        // More bits of the quotient than a double holds, and one more that tells whether anything is left.
        int shift = 66 - a.bitLength() + b.bitLength();
        BigInteger[] parts = a.shiftLeft(Math.max(shift, 0)).divideAndRemainder(b.shiftLeft(Math.max(-shift, 0)));
        BigInteger quotient = parts[0].shiftLeft(1);
        BigInteger rest = parts[1].signum() == 0 ? BigInteger.ZERO : BigInteger.valueOf(a.signum() * b.signum());
        double result = Math.scalb(quotient.add(rest).doubleValue(), -shift - 1);
        if (Double.isInfinite(result)) {
            throw new Fault("integer division result too large for a float");
        }
        return result;
    }

    private static double floats(Arithmetic operator, double a, double b) {
        if (b == 0
                && (operator == Arithmetic.DIVIDE
                        || operator == Arithmetic.FLOOR_DIVIDE
                        || operator == Arithmetic.MODULO)) {
            throw new Fault(
                    switch (operator) {
                        case DIVIDE -> "float division by zero";
                        case FLOOR_DIVIDE -> "float floor division by zero";
                        default -> "float modulo";
                    });
        }
        return switch (operator) {
            case ADD -> a + b;
            case SUBTRACT -> a - b;
            case MULTIPLY -> a * b;
            case DIVIDE -> a / b;
            case MODULO -> modulo(a, b);
            case FLOOR_DIVIDE -> {
                double quotient = (a - a % b) / b;
                double rest = a % b;
                if (rest != 0 && rest < 0 != b < 0) {
                    quotient -= 1;
                }
                double floor = Math.floor(quotient);
                yield quotient == 0 ? Math.copySign(0.0, a / b) : quotient - floor > 0.5 ? floor + 1 : floor;
            }
            case POWER -> {
                if (a == 0 && b < 0) {
                    throw new Fault("0.0 cannot be raised to a negative power");
                }
                if (a < 0 && b != Math.rint(b) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
                    throw new Fault("a negative number to a fractional power is complex, which is not supported");
                }
                double result = a == 1 || (a == -1 && Double.isInfinite(b)) ? 1 : Math.pow(a, b);
                if (Double.isInfinite(result) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
                    throw new Fault("(34, 'Numerical result out of range')");
                }
                yield result;
            }
        };
    }

    private static double modulo(double a, double b) {
        double rest = a % b;
        return rest == 0 ? Math.copySign(0.0, b) : rest < 0 != b < 0 ? rest + b : rest;
    }

    static Value sign(boolean negative, Value operand) {
        return switch (operand) {
            case Real number -> negative ? new Real(-number.value(), number.origin()) : number;
            case Undefined undefined -> throw undefined.fault();
            default -> {
                BigInteger number = integer(operand);
                if (number == null) {
                    throw new Fault(
                            "bad operand type for unary " + (negative ? "-" : "+") + ": '" + operand.type() + "'");
                }
                yield new Int(negative ? number.negate() : number, originOf(operand));
            }
        };
    }

    // Truth, length, iteration

    static boolean truth(Value value) {
        return switch (value) {
            case Text text -> !text.isEmpty();
            case Bool bool -> bool == Bool.TRUE;
            case None none -> false;
            case Undefined undefined -> false;
            case Int number -> number.value().signum() != 0;
            case Real number -> number.value() != 0;
            case Sequence sequence -> !sequence.items().isEmpty();
            case Dict dict -> !dict.entries().isEmpty();
            case View view -> !view.dict().entries().isEmpty();
            case Range range -> range.size() > 0;
            case Value.LoopValue loop -> loop.loop().length() > 0;
            default -> true;
        };
    }

    /** {@code len}, or -1 for what has none. */
    static int length(Value value) {
        return switch (value) {
            case Text text -> text.codePoints();
            case Undefined undefined -> 0;
            case Sequence sequence -> sequence.items().size();
            case Dict dict -> dict.entries().size();
            case View view -> view.dict().entries().size();
            case Range range -> range.size();
            case Value.LoopValue loop -> loop.loop().length();
            default -> -1;
        };
    }

    static boolean isIterable(Value value) {
        return length(value) >= 0 || value instanceof Lazy;
    }

    /** The elements one by one, a step charged for each. */
    static Iterator<Value> iterate(Value value, Budget budget) {
        Iterator<Value> elements = switch (value) {
            case Text text -> characters(text);
            case Undefined undefined -> List.<Value>of().iterator();
            case Sequence sequence -> sequence.items().iterator();
            case Dict dict -> dict.entries().values().stream().map(Entry::key).iterator();
            case View view ->
                view.dict().entries().values().stream().map(view::element).iterator();
            case Range range -> numbers(range);
            case Lazy lazy -> started(lazy, budget);
            case Value.LoopValue loop -> throw new Fault("iterating over the loop itself is not supported");
            default -> throw new Fault("'" + value.type() + "' object is not iterable");
        };
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                // Generators over generators nest, and a template can nest them without end.
                budget.enter();
                boolean more = elements.hasNext();
                budget.exit();
                return more;
            }

            @Override
            public Value next() {
                budget.step();
                budget.enter();
                Value element = elements.next();
                budget.exit();
                return element;
            }
        };
    }

    /** The elements of a generator, which may begin with starting the one it is made from, and so on. */
    private static Iterator<Value> started(Lazy lazy, Budget budget) {
        budget.enter();
        Iterator<Value> elements = lazy.iterator();
        budget.exit();
        return elements;
    }

    /** The elements as a list, charged as such. */
    static List<Value> list(Value value, Budget budget) {
        if (value instanceof Sequence sequence) {
            return sequence.items();
        }
        List<Value> items = new ArrayList<>();
        for (Iterator<Value> elements = iterate(value, budget); elements.hasNext(); ) {
            budget.elements(value instanceof Text ? 4 : 1);
            items.add(elements.next());
        }
        return items;
    }

    private static Iterator<Value> characters(Text text) {
        return new Iterator<>() {
            private int unit;

            @Override
            public boolean hasNext() {
                return unit < text.units();
            }

            @Override
            public Value next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                int start = unit;
                unit += Character.charCount(text.value().codePointAt(start));
                return text.sub(start, unit).safe(false);
            }
        };
    }

    private static Iterator<Value> numbers(Range range) {
        return new Iterator<>() {
            private int index;

            @Override
            public boolean hasNext() {
                return index < range.size();
            }

            @Override
            public Value next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return Int.of(range.at(index++));
            }
        };
    }

    // Equality and order

    /** What stands for a value among a dict's keys: equal for equal values, and comparable so that no hash hurts. */
    static Object key(Value value, Budget budget) {
        budget.scan(value.weight());
        return switch (value) {
            case Text text -> text.value();
            case None none -> none;
            case Real number ->
                number.value() == Math.rint(number.value()) && !Double.isInfinite(number.value())
                        ? new BigDecimal(number.value()).toBigInteger()
                        : number.value();
            case Tuple tuple -> {
                StringBuilder joined = new StringBuilder();
                for (Value item : tuple.items()) {
                    Object key = key(item, budget);
                    String text = key.toString();
                    budget.characters(text.length() + 24L);
                    joined.append(key.getClass().getSimpleName())
                            .append(text.length())
                            .append(':')
                            .append(text);
                }
                yield new TupleKey(joined.toString());
            }
            case Undefined undefined ->
                throw new Fault("an undefined value as a key is not supported: " + undefined.message());
            default -> {
                BigInteger number = integer(value);
                if (number == null) {
                    throw new Fault("unhashable type: '" + value.type() + "'");
                }
                yield number;
            }
        };
    }

    /** A tuple among keys. */
    private record TupleKey(String elements) implements Comparable<TupleKey> {
        @Override
        public int compareTo(TupleKey other) {
            return elements.compareTo(other.elements);
        }

        @Override
        public String toString() {
            return elements;
        }
    }

    static boolean equal(Value left, Value right, Budget budget) {
        budget.scan(Math.min(left.weight(), right.weight()));
        return equal(left, right);
    }

    /** Python's {@code ==}; the cost was charged by weight. What has no equality of its own equals itself alone. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean equal(Value left, Value right) {
        if (isNumber(left) && isNumber(right)) {
            return orderOfNumbers(left, right) == 0;
        }
        return switch (left) {
            case Text a -> right instanceof Text b && a.value().equals(b.value());
            case Undefined undefined -> right instanceof Undefined;
            case ListValue a -> right instanceof ListValue b && equal(a.items(), b.items());
            case Tuple a -> right instanceof Tuple b && equal(a.items(), b.items());
            case Dict a -> right instanceof Dict b && equal(a, b);
            case Range a ->
                right instanceof Range b
                        && a.size() == b.size()
                        && (a.size() == 0 || (a.start() == b.start() && (a.size() == 1 || a.step() == b.step())));
            default -> left == right;
        };
    }

    private static boolean equal(List<Value> a, List<Value> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean equal(Dict a, Dict b) {
        if (a.entries().size() != b.entries().size()) {
            return false;
        }
        for (Map.Entry<Object, Entry> entry : a.entries().entrySet()) {
            Entry other = b.entries().get(entry.getKey());
            if (other == null || !equal(entry.getValue().value(), other.value())) {
                return false;
            }
        }
        return true;
    }

    static boolean compare(Comparison operator, Value left, Value right, Budget budget) {
        return switch (operator) {
            case EQUAL -> equal(left, right, budget);
            case NOT_EQUAL -> !equal(left, right, budget);
            case IN -> contains(right, left, budget);
            case NOT_IN -> !contains(right, left, budget);
            default -> {
                budget.scan(Math.min(left.weight(), right.weight()));
                int order = order(left, right, operator, budget);
                yield order != UNORDERED
                        && switch (operator) {
                            case LESS -> order < 0;
                            case LESS_OR_EQUAL -> order <= 0;
                            case GREATER -> order > 0;
                            default -> order >= 0;
                        };
            }
        };
    }

    /** What {@link #order} returns where a NaN takes part. */
    private static final int UNORDERED = Integer.MIN_VALUE;

    /** Negative, zero or positive; {@code operator} is what to complain about where there is no order. */
    private static int order(Value left, Value right, Comparison operator, Budget budget) {
        if (left instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (isNumber(left) && isNumber(right)) {
            return orderOfNumbers(left, right);
        }
        if (left instanceof Text a && right instanceof Text b) {
            return compareCodePoints(a.value(), b.value());
        }
        if (left instanceof ListValue a && right instanceof ListValue b) {
            return order(a.items(), b.items(), operator, budget);
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return order(a.items(), b.items(), operator, budget);
        }
        throw new Fault("'" + operator.symbol() + "' not supported between instances of '" + left.type() + "' and '"
                + right.type() + "'");
    }

    private static int orderOfNumbers(Value left, Value right) {
        BigInteger a = integer(left);
        BigInteger b = integer(right);
        if (a != null && b != null) {
            return a.compareTo(b);
        }
        double x = a == null ? toDouble(left) : 0;
        double y = b == null ? toDouble(right) : 0;
        if (Double.isNaN(x) || Double.isNaN(y)) {
            return UNORDERED;
        }
        if (Double.isInfinite(x) || Double.isInfinite(y) || (a == null && b == null)) {
            return x < y ? -1 : x > y ? 1 : 0;
        }
        return (a == null ? new BigDecimal(x) : new BigDecimal(a))
                .compareTo(b == null ? new BigDecimal(y) : new BigDecimal(b));
    }

    private static int order(List<Value> a, List<Value> b, Comparison operator, Budget budget) {
        for (int i = 0; i < a.size() && i < b.size(); i++) {
            if (!equal(a.get(i), b.get(i), budget)) {
                return order(a.get(i), b.get(i), operator, budget);
            }
        }
        return Integer.compare(a.size(), b.size());
    }

    /** The order of code points, which differs from Java's where a surrogate meets U+E000 and above. */
    private static int compareCodePoints(String a, String b) {
        int length = Math.min(a.length(), b.length());
        for (int i = 0; i < length; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean beyond = Character.isSurrogate(x);
                return beyond != Character.isSurrogate(y) ? (beyond ? 1 : -1) : x - y;
            }
        }
        return a.length() - b.length();
    }

    /** {@code item in container}. */
    static boolean contains(Value container, Value item, Budget budget) {
        if (container instanceof Text text) {
            if (!(item instanceof Text part)) {
                throw new Fault("'in <string>' requires string as left operand, not " + item.type());
            }
            return new Search(part.value(), budget).first(text.value(), 0) >= 0;
        }
        if (container instanceof Dict dict) {
            return dict.entries().containsKey(key(item, budget));
        }
        if (!isIterable(container)) {
            throw new Fault("argument of type '" + container.type() + "' is not iterable");
        }
        for (Iterator<Value> elements = iterate(container, budget); elements.hasNext(); ) {
            if (equal(elements.next(), item, budget)) {
                return true;
            }
        }
        return false;
    }

    // Subscripts

    /** {@code value[start:stop:step]}, null for what is left out. */
    static Value slice(Value value, Value start, Value stop, Value step, Budget budget) {
        if (value instanceof Undefined undefined) {
            throw undefined.fault();
        }
        int length = length(value);
        if (!(value instanceof Text || value instanceof Sequence || value instanceof Range)) {
            throw new Fault("'" + value.type() + "' object is not subscriptable by a slice");
        }
        long by = index(step, 1);
        if (by == 0) {
            throw new Fault("slice step cannot be zero");
        }
        long from = bound(index(start, by > 0 ? 0 : Long.MAX_VALUE), start == null, length, by);
        long to = stop == null || stop == None.NONE ? (by > 0 ? length : -1) : bound(index(stop, 0), false, length, by);
        long count = by > 0 ? Math.max(0, (to - from + by - 1) / by) : Math.max(0, (from - to - by - 1) / -by);
        if (value instanceof Range range) {
            return count == 0
                    ? new Range(0, 0, 1, 0)
                    : new Range(
                            range.at((int) from),
                            range.at((int) from) + count * by * range.step(),
                            by * range.step(),
                            (int) count);
        }
        if (value instanceof Text text) {
            return slice(text, (int) from, by, (int) count, budget);
        }
        List<Value> items = ((Sequence) value).items();
        budget.elements(count);
        List<Value> result = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            result.add(items.get((int) (from + i * by)));
        }
        return value instanceof ListValue list ? ListValue.of(result, list.origin()) : Tuple.of(result);
    }

    private static Text slice(Text text, int from, long by, int count, Budget budget) {
        if (count == 0) {
            return Text.EMPTY.safe(text.isSafe());
        }
        if (by == 1) {
            budget.characters(count);
            budget.scan(text.codePoints() == text.units() ? 0 : text.units());
            return text.sub(text.unitOf(from), text.unitOf(from + count));
        }
        Text.Builder result = new Text.Builder(budget);
        if (text.codePoints() == text.units()) {
            for (long i = 0; i < count; i++) {
                int unit = (int) (from + i * by);
                result.append(text, unit, unit + 1);
            }
            return result.build().safe(text.isSafe());
        }
        budget.scan(text.units());
        int[] starts = new int[text.codePoints() + 1];
        for (int i = 1; i < starts.length; i++) {
            starts[i] = text.value().offsetByCodePoints(starts[i - 1], 1);
        }
        for (long i = 0; i < count; i++) {
            int index = (int) (from + i * by);
            result.append(text, starts[index], starts[index + 1]);
        }
        return result.build().safe(text.isSafe());
    }

    private static long index(Value value, long otherwise) {
        if (value == null || value == None.NONE) {
            return otherwise;
        }
        BigInteger number = integer(value);
        if (number == null) {
            throw value instanceof Undefined undefined
                    ? undefined.fault()
                    : new Fault("slice indices must be integers or None or have an __index__ method");
        }
        return clamp(number);
    }

    private static long bound(long index, boolean open, long length, long step) {
        if (open || index == Long.MAX_VALUE) {
            return step > 0 ? 0 : length - 1;
        }
        long positive = index < 0 ? index + length : index;
        return step > 0 ? Math.clamp(positive, 0, length) : Math.clamp(positive, -1, length - 1);
    }

    /** {@code value[index]}, or null where there is no such element or the value has no elements. */
    static Value item(Value value, Value index, Budget budget) {
        if (value instanceof Dict dict) {
            if (index instanceof ListValue || index instanceof Dict) {
                return null;
            }
            Entry entry = index instanceof Undefined ? null : dict.entries().get(key(index, budget));
            return entry == null ? null : entry.value();
        }
        BigInteger number = integer(index);
        if (number == null || !(value instanceof Text || value instanceof Sequence || value instanceof Range)) {
            return null;
        }
        int length = length(value);
        long position = clamp(number);
        position = position < 0 ? position + length : position;
        if (position < 0 || position >= length) {
            return null;
        }
        return switch (value) {
            case Sequence sequence -> sequence.items().get((int) position);
            case Range range -> Int.of(range.at((int) position));
            case Text text -> {
                budget.scan(text.codePoints() == text.units() ? 1 : text.units());
                int unit = text.unitOf((int) position);
                yield text.sub(unit, text.value().offsetByCodePoints(unit, 1));
            }
            default -> null;
        };
    }
}
