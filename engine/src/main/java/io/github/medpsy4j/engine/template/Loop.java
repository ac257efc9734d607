package io.github.medpsy4j.engine.template;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The state behind {@code loop}. Elements are taken one by one; only what asks for the length takes the rest at once. */
final class Loop {
    private final int depth0;
    private final Budget budget;

    /** Renders the body for the elements of a call to a recursive loop; null where the loop is not recursive. */
    private final Value.Function.Body recursion;

    private Iterator<Value> elements;
    private int length;
    private int index0 = -1;
    private Value previous;
    private Value current;

    /** The element after the current one, where somebody looked. */
    private Value ahead;

    private Value lastChanged;

    /** A loop over {@code elements}, whose number is {@code length}, or -1 where it is not known. */
    Loop(Iterator<Value> elements, int length, int depth0, Value.Function.Body recursion, Budget budget) {
        this.elements = elements;
        this.length = length;
        this.depth0 = depth0;
        this.recursion = recursion;
        this.budget = budget;
    }

    /** Moves on; null after the last element. */
    Value next() {
        Value next = peek();
        ahead = null;
        if (next != null) {
            index0++;
            previous = current;
            current = next;
        }
        return next;
    }

    private Value peek() {
        if (ahead == null && elements.hasNext()) {
            ahead = elements.next();
        }
        return ahead;
    }

    int length() {
        if (length < 0) {
            List<Value> rest = new ArrayList<>();
            while (elements.hasNext()) {
                budget.elements(1);
                rest.add(elements.next());
            }
            elements = rest.iterator();
            length = index() + (ahead == null ? 0 : 1) + rest.size();
        }
        return length;
    }

    int index() {
        return index0 + 1;
    }

    int depth0() {
        return depth0;
    }

    /** {@code loop(elements)}. */
    Value call(Interpreter in, Arguments arguments) {
        if (recursion == null) {
            throw new Fault("The loop must have the 'recursive' marker to be called recursively.");
        }
        return recursion.call(in, arguments);
    }

    /** {@code loop.name}, or null. */
    Value attribute(String name) {
        return switch (name) {
            case "index" -> Value.Int.of(index());
            case "index0" -> Value.Int.of(index0);
            case "revindex" -> Value.Int.of(length() - index0);
            case "revindex0" -> Value.Int.of(length() - index());
            case "first" -> Value.Bool.of(index0 == 0);
            case "last" -> Value.Bool.of(peek() == null);
            case "length" -> Value.Int.of(length());
            case "depth" -> Value.Int.of(depth0 + 1);
            case "depth0" -> Value.Int.of(depth0);
            case "previtem" -> previous == null ? new Value.Undefined("there is no previous item") : previous;
            case "nextitem" -> peek() == null ? new Value.Undefined("there is no next item") : peek();
            case "cycle" ->
                new Value.Function("cycle", (in, arguments) -> {
                    List<Value> values = arguments.positional();
                    if (values.isEmpty()) {
                        throw new Fault("no items for cycling given");
                    }
                    return values.get(index0 % values.size());
                });
            case "changed" ->
                new Value.Function("changed", (in, arguments) -> {
                    Value.Tuple now = Value.Tuple.of(arguments.positional());
                    boolean changed = lastChanged == null || !Operators.equal(lastChanged, now, budget);
                    lastChanged = now;
                    return Value.Bool.of(changed);
                });
            default -> null;
        };
    }
}
