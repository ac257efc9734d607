package io.github.medpsy4j.cli.screen;

/** Receives text of one line, a code point and its {@link Style} at a time. */
@FunctionalInterface
interface Sink {
    void put(int codePoint, int style);

    default void put(String text, int style) {
        text.codePoints().forEach(c -> put(c, style));
    }
}
