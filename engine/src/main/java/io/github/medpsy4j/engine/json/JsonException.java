package io.github.medpsy4j.engine.json;

/** A text that is not JSON: {@code line L, column C: not JSON: what}. */
public final class JsonException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    JsonException(String message) {
        super(message);
    }
}
