package io.github.medpsy4j.engine.grammar;

import java.util.List;

/** The right side of a rule. */
sealed interface Expr {
    Expr EMPTY = new Seq(List.of());

    /** Exactly this text. */
    record Text(String text) implements Expr {}

    /** One character of a set. */
    record Chars(CodePoints set) implements Expr {}

    /** One after the other. */
    record Seq(List<Expr> parts) implements Expr {}

    /** One of them; none at all matches nothing. */
    record Alt(List<Expr> choices) implements Expr {}

    /**
     * Several times.
     *
     * @param max -1 for no bound
     */
    record Repeat(Expr part, int min, int max) implements Expr {}

    /** Another rule. */
    record Ref(String rule) implements Expr {}

    static Expr text(String text) {
        return new Text(text);
    }

    static Expr seq(Expr... parts) {
        return parts.length == 1 ? parts[0] : new Seq(List.of(parts));
    }

    static Expr seq(List<Expr> parts) {
        return parts.size() == 1 ? parts.getFirst() : new Seq(List.copyOf(parts));
    }

    static Expr alt(Expr... choices) {
        return alt(List.of(choices));
    }

    static Expr alt(List<Expr> choices) {
        return choices.size() == 1 ? choices.getFirst() : new Alt(List.copyOf(choices));
    }

    static Expr optional(Expr part) {
        return new Repeat(part, 0, 1);
    }

    static Expr repeat(Expr part, int min, int max) {
        return min == 1 && max == 1 ? part : new Repeat(part, min, max);
    }
}
