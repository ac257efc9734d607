package io.github.medpsy4j.tokenizer;

import java.util.Arrays;

/**
 * The parts of a text, in chars, in which special tokens may match: what a chat template wrote, as opposed to what a
 * user typed. Spans that touch or overlap are one span. Immutable.
 */
public final class TrustedSpans {
    private static final TrustedSpans NONE = new TrustedSpans(new int[0]);

    /** Start and end of each span, ascending, with a gap between any two. */
    private final int[] bounds;

    private TrustedSpans(int[] bounds) {
        this.bounds = bounds;
    }

    /** No part of the text is trusted. */
    public static TrustedSpans none() {
        return NONE;
    }

    /** The first {@code length} chars are trusted. */
    public static TrustedSpans all(int length) {
        return builder().add(0, length).build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** The number of spans, after those that touch were joined. */
    public int count() {
        return bounds.length / 2;
    }

    /** The end of the span that holds the char at {@code index}, or -1 if it lies outside all of them. */
    int endOfSpanAt(int index) {
        int found = Arrays.binarySearch(bounds, index);
        int next = found >= 0 ? found + 1 : -found - 1;
        // An odd next bound is an end, so index lies behind the start before it.
        return (next & 1) == 1 ? bounds[next] : -1;
    }

    @Override
    public String toString() {
        return "TrustedSpans" + Arrays.toString(bounds);
    }

    /** Collects spans in ascending order. */
    public static final class Builder {
        private int[] bounds = new int[16];
        private int size;

        private Builder() {}

        /**
         * Adds the chars from {@code start} to {@code end}, the end excluded; an empty span adds nothing.
         *
         * @throws IllegalArgumentException if the span is negative, backwards, or starts before an earlier one
         */
        public Builder add(int start, int end) {
            if (start < 0 || end < start) {
                throw new IllegalArgumentException("not a span: [" + start + ", " + end + ")");
            }
            if (size > 0 && start < bounds[size - 2]) {
                throw new IllegalArgumentException(
                        "spans must ascend: [" + start + ", " + end + ") after one that starts at " + bounds[size - 2]);
            }
            if (start == end) {
                return this;
            }
            if (size > 0 && start <= bounds[size - 1]) {
                bounds[size - 1] = Math.max(bounds[size - 1], end);
                return this;
            }
            if (size == bounds.length) {
                bounds = Arrays.copyOf(bounds, 2 * size);
            }
            bounds[size++] = start;
            bounds[size++] = end;
            return this;
        }

        public TrustedSpans build() {
            return size == 0 ? NONE : new TrustedSpans(Arrays.copyOf(bounds, size));
        }
    }
}
