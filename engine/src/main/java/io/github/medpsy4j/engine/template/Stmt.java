package io.github.medpsy4j.engine.template;

import java.util.List;

/** A statement. {@code at} is the offset in the source that an error of its execution points to. */
sealed interface Stmt {
    int at();

    /** Text outside of tags. */
    record Data(int at, Text text) implements Stmt {}

    /** {@code {{ value }}}. */
    record Output(int at, Expr value) implements Stmt {}

    /** {@code if} with its {@code elif}s; the first body whose test is true runs, else {@code otherwise}. */
    record If(int at, List<Expr> tests, List<List<Stmt>> bodies, List<Stmt> otherwise) implements Stmt {}

    /** A loop; {@code filter} is null where there is none, and {@code otherwise} runs when no turn was completed. */
    record For(
            int at,
            Target target,
            Expr iterable,
            Expr filter,
            Frame filterFrame,
            boolean recursive,
            Block body,
            Block otherwise)
            implements Stmt {}

    record Set(int at, Target target, Expr value) implements Stmt {}

    /** {@code {% set target | filter %}body{% endset %}}; {@code filter} may be null. */
    record SetBlock(int at, Target target, Expr.Filter filter, Block body) implements Stmt {}

    record With(int at, List<Target> targets, List<Expr> values, Block body) implements Stmt {}

    record Macro(int at, String name, Signature signature, Block body) implements Stmt {}

    record CallBlock(int at, Signature signature, Expr.Call call, Block body) implements Stmt {}

    record FilterBlock(int at, Expr.Filter filter, Block body) implements Stmt {}

    /** {@code {% block %}}, which without inheritance only has names of its own, and {@code {% generation %}}. */
    record Scoped(int at, Block body) implements Stmt {}

    record Break(int at) implements Stmt {}

    record Continue(int at) implements Stmt {}

    /** Statements with names of their own. */
    record Block(Frame frame, List<Stmt> statements) {}

    /** Parameters; the last {@code defaults.size()} of them have a default. */
    record Signature(List<String> parameters, List<Expr> defaults) {}

    /** What can be assigned to. */
    sealed interface Target {
        int at();

        record Variable(int at, String name) implements Target {}

        record Attribute(int at, String namespace, String name) implements Target {}

        record Several(int at, List<Target> targets) implements Target {}
    }
}
