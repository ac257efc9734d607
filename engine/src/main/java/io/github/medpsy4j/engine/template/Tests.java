package io.github.medpsy4j.engine.template;

import io.github.medpsy4j.engine.template.Operators.Arithmetic;
import io.github.medpsy4j.engine.template.Operators.Comparison;
import io.github.medpsy4j.engine.template.Value.Bool;
import io.github.medpsy4j.engine.template.Value.Int;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;

/** What may stand after {@code is}. */
final class Tests {
    /** Decides about a value and its arguments. */
    @FunctionalInterface
    interface Test {
        boolean holds(Interpreter in, Value value, Arguments arguments);
    }

    private static final Map<String, Test> TABLE = table();

    private Tests() {}

    static boolean exists(String name) {
        return TABLE.containsKey(name);
    }

    static String unknown(String name) {
        return "No test named '" + name + "'.";
    }

    static boolean apply(Interpreter in, String name, Value value, Arguments arguments) {
        Test test = TABLE.get(name);
        if (test == null) {
            throw new Fault(unknown(name));
        }
        in.budget().scan(value instanceof Text text ? text.units() : 1);
        return test.holds(in, value, arguments);
    }

    private static Map<String, Test> table() {
        Map<String, Test> table = new HashMap<>();
        plain(table, "defined", value -> !(value instanceof Value.Undefined));
        plain(table, "undefined", value -> value instanceof Value.Undefined);
        plain(table, "none", value -> value == Value.None.NONE);
        plain(table, "boolean", value -> value instanceof Bool);
        plain(table, "true", value -> value == Bool.TRUE);
        plain(table, "false", value -> value == Bool.FALSE);
        plain(table, "integer", value -> value instanceof Int);
        plain(table, "float", value -> value instanceof Value.Real);
        plain(table, "number", Operators::isNumber);
        plain(table, "string", value -> value instanceof Text);
        plain(table, "mapping", value -> value instanceof Value.Dict);
        plain(
                table,
                "sequence",
                value -> value instanceof Text
                        || value instanceof Value.Sequence
                        || value instanceof Value.Dict
                        || value instanceof Value.Range
                        || value instanceof Value.Undefined);
        plain(table, "iterable", value -> Operators.isIterable(value));
        plain(
                table,
                "callable",
                value -> value instanceof Value.Function
                        || value instanceof Value.MacroValue
                        || value instanceof Value.Joiner
                        || value instanceof Value.LoopValue
                        || value instanceof Value.Undefined);
        plain(table, "escaped", value -> value instanceof Text text && text.isSafe());
        table.put(
                "lower",
                (in, value, arguments) ->
                        Methods.isCase(Repr.str(value, in.budget()).value(), false));
        table.put(
                "upper",
                (in, value, arguments) ->
                        Methods.isCase(Repr.str(value, in.budget()).value(), true));
        table.put("odd", (in, value, arguments) -> modulo(in, value, Int.of(2), BigInteger.ONE));
        table.put("even", (in, value, arguments) -> modulo(in, value, Int.of(2), BigInteger.ZERO));
        table.put(
                "divisibleby",
                (in, value, arguments) -> modulo(
                        in, value, arguments.bind("divisibleby", 1, "num").get(0), BigInteger.ZERO));
        table.put(
                "sameas",
                (in, value, arguments) ->
                        same(value, arguments.bind("sameas", 1, "other").get(0)));
        table.put("filter", (in, value, arguments) -> value instanceof Text name && Filters.exists(name.value()));
        table.put("test", (in, value, arguments) -> value instanceof Text name && exists(name.value()));
        comparison(table, Comparison.EQUAL, "==", "eq", "equalto");
        comparison(table, Comparison.NOT_EQUAL, "!=", "ne");
        comparison(table, Comparison.GREATER, ">", "gt", "greaterthan");
        comparison(table, Comparison.GREATER_OR_EQUAL, ">=", "ge");
        comparison(table, Comparison.LESS, "<", "lt", "lessthan");
        comparison(table, Comparison.LESS_OR_EQUAL, "<=", "le");
        comparison(table, Comparison.IN, "in");
        return Map.copyOf(table);
    }

    private static void plain(Map<String, Test> table, String name, java.util.function.Predicate<Value> test) {
        table.put(name, (in, value, arguments) -> {
            arguments.bind(name, 0);
            return test.test(value);
        });
    }

    private static void comparison(Map<String, Test> table, Comparison operator, String... names) {
        for (String name : names) {
            table.put(
                    name,
                    (in, value, arguments) -> Operators.compare(
                            operator, value, arguments.bind(name, 1, "other").get(0), in.budget()));
        }
    }

    private static boolean modulo(Interpreter in, Value value, Value divisor, BigInteger rest) {
        return Operators.equal(
                Operators.arithmetic(Arithmetic.MODULO, value, divisor, in),
                new Int(rest, Origin.TEMPLATE),
                in.budget());
    }

    /** Python's {@code is}, as far as it is certain: singletons, small integers, and the very same object. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean same(Value value, Value other) {
        if (value instanceof Int a && other instanceof Int b) {
            return a.value().equals(b.value());
        }
        if (value instanceof Text a && other instanceof Text b) {
            return a.value().equals(b.value());
        }
        return value == other;
    }
}
