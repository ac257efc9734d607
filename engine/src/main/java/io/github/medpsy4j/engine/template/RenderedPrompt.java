package io.github.medpsy4j.engine.template;

import java.util.List;

/**
 * A rendered prompt and where its characters came from.
 *
 * @param text the prompt
 * @param spans runs of one origin in order, without gaps or overlaps; neighbours differ in origin, none is empty, and
 *     together they cover {@code text}
 */
public record RenderedPrompt(String text, List<Span> spans) {
    /** Checks nothing and copies the list. */
    public RenderedPrompt {
        spans = List.copyOf(spans);
    }

    /**
     * A run of characters of one origin.
     *
     * @param start the first character, counted in UTF-16 units as {@link String} does
     * @param end one past the last
     * @param origin where all of them came from
     */
    public record Span(int start, int end, Origin origin) {}
}
