package io.github.medpsy4j.engine.grammar;

/**
 * A grammar or schema that cannot be used. The message names the place: {@code line L, column C: what}, or the path in a
 * schema: {@code #/properties/age: what}.
 */
public final class GrammarException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    GrammarException(String message) {
        super(message);
    }
}
