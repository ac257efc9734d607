package io.github.medpsy4j.engine.template;

import java.util.List;

/** An expression. {@code at} is the offset in the source that an error of its evaluation points to. */
sealed interface Expr {
    int at();

    record Literal(int at, Value value) implements Expr {}

    record Name(int at, String name) implements Expr {}

    record ListOf(int at, List<Expr> items) implements Expr {}

    record TupleOf(int at, List<Expr> items) implements Expr {}

    record DictOf(int at, List<Expr> keys, List<Expr> values) implements Expr {}

    /** {@code object.name}: the attribute first, then the item. */
    record Attribute(int at, Expr object, String name) implements Expr {}

    /** {@code object[index]}: the item first, then the attribute. */
    record Item(int at, Expr object, Expr index) implements Expr {}

    /** {@code object[start:stop:step]}, each null where it is left out. */
    record Slice(int at, Expr object, Expr start, Expr stop, Expr step) implements Expr {}

    record Call(int at, Expr callee, CallArguments arguments) implements Expr {}

    /** {@code subject|name(…)}; the subject is null where a block is filtered. */
    record Filter(int at, Expr subject, String name, CallArguments arguments) implements Expr {}

    record Test(int at, Expr subject, String name, CallArguments arguments) implements Expr {}

    record Not(int at, Expr operand) implements Expr {}

    /** Unary {@code -} or {@code +}. */
    record Sign(int at, boolean negative, Expr operand) implements Expr {}

    record Binary(int at, Operators.Arithmetic operator, Expr left, Expr right) implements Expr {}

    record And(int at, Expr left, Expr right) implements Expr {}

    record Or(int at, Expr left, Expr right) implements Expr {}

    /** {@code first op1 operand1 op2 operand2 …}, true where each neighbouring pair is. */
    record Compare(int at, Expr first, List<Operators.Comparison> operators, List<Expr> operands) implements Expr {}

    /** {@code a ~ b ~ …}. */
    record Concat(int at, List<Expr> parts) implements Expr {}

    /** {@code then if test else otherwise}; {@code otherwise} is null where it is left out. */
    record Conditional(int at, Expr test, Expr then, Expr otherwise) implements Expr {}

    /** What stands between the parentheses of a call; {@code spread} and {@code spreadNamed} may be null. */
    record CallArguments(List<Expr> positional, List<String> names, List<Expr> named, Expr spread, Expr spreadNamed) {
        static final CallArguments NONE = new CallArguments(List.of(), List.of(), List.of(), null, null);

        boolean isEmpty() {
            return positional.isEmpty() && names.isEmpty() && spread == null && spreadNamed == null;
        }
    }
}
