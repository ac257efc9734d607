package io.github.medpsy4j.engine.template;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The arguments of one call, by position and by name. */
record Arguments(List<Value> positional, Map<String, Value> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Value... positional) {
        return new Arguments(List.of(positional), Map.of());
    }

    /**
     * The arguments in the order of {@code parameters}, null where one is not given. Parameters before {@code required}
     * must be given.
     */
    Bound bind(String function, int required, String... parameters) {
        if (positional.size() > parameters.length) {
            throw new Fault(function + "() takes at most " + parameters.length + " arguments (" + positional.size()
                    + " given)");
        }
        Value[] values = new Value[parameters.length];
        for (int i = 0; i < positional.size(); i++) {
            values[i] = positional.get(i);
        }
        for (Map.Entry<String, Value> entry : named.entrySet()) {
            int index = Arrays.asList(parameters).indexOf(entry.getKey());
            if (index < 0) {
                throw new Fault(function + "() got an unexpected keyword argument '" + entry.getKey() + "'");
            }
            if (values[index] != null) {
                throw new Fault(function + "() got multiple values for argument '" + entry.getKey() + "'");
            }
            values[index] = entry.getValue();
        }
        for (int i = 0; i < required; i++) {
            if (values[i] == null) {
                throw new Fault(function + "() missing a required argument: '" + parameters[i] + "'");
            }
        }
        return new Bound(function, parameters, values);
    }

    /** No argument by name, and between {@code least} and {@code most} by position, as Python's own methods want it. */
    Bound positionalOnly(String function, int least, int most) {
        if (!named.isEmpty()) {
            throw new Fault(function + "() takes no keyword arguments");
        }
        if (positional.size() < least || positional.size() > most) {
            throw new Fault(
                    function + "() takes " + (least == most ? "exactly " + least : "from " + least + " to " + most)
                            + " arguments (" + positional.size() + " given)");
        }
        String[] parameters = new String[most];
        Arrays.setAll(parameters, i -> "argument " + (i + 1));
        Value[] values = new Value[most];
        for (int i = 0; i < positional.size(); i++) {
            values[i] = positional.get(i);
        }
        return new Bound(function, parameters, values);
    }

    /** Arguments with their places found. */
    static final class Bound {
        private final String function;
        private final String[] parameters;
        private final Value[] values;

        private Bound(String function, String[] parameters, Value[] values) {
            this.function = function;
            this.parameters = parameters;
            this.values = values;
        }

        String function() {
            return function;
        }

        /** The argument, or null where it was not given. */
        Value get(int index) {
            return values[index];
        }

        Value get(int index, Value otherwise) {
            return values[index] == null ? otherwise : values[index];
        }

        /** The argument as a string, which it must be. */
        Text text(int index) {
            if (values[index] instanceof Text text) {
                return text;
            }
            throw wrong(index, "str");
        }

        /** The argument as an integer; {@code otherwise} where it is missing or None. */
        long integer(int index, long otherwise) {
            Value value = values[index];
            if (value == null || value == Value.None.NONE) {
                return otherwise;
            }
            BigInteger number = Operators.integer(value);
            if (number == null) {
                throw wrong(index, "int");
            }
            return Operators.clamp(number);
        }

        boolean truth(int index, boolean otherwise) {
            return values[index] == null ? otherwise : Operators.truth(values[index]);
        }

        private Fault wrong(int index, String expected) {
            if (values[index] instanceof Value.Undefined undefined) {
                return undefined.fault();
            }
            return new Fault(
                    function + "() " + parameters[index] + ": expected " + expected + ", got " + values[index].type());
        }
    }
}
