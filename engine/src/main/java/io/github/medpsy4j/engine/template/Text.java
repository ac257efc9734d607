package io.github.medpsy4j.engine.template;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A string whose characters remember their origin: run {@code i} covers the UTF-16 units from {@code ends[i - 1]} (or 0)
 * up to {@code ends[i]} and is of {@code origins[i]}. Neighbouring runs differ, no run is empty. Nearly every text has
 * one run. Positions here are UTF-16 units unless a name says code points, which is what Python counts.
 */
final class Text implements Value {
    static final Text EMPTY = new Text("", new int[0], new Origin[0], false);

    private final String value;
    private final int[] ends;
    private final Origin[] origins;

    /** Whether this is Python's {@code Markup}: what {@code escape} and {@code safe} return, which escapes what joins it. */
    private final boolean safe;

    /** Code points; -1 until somebody asks. */
    private int codePoints = -1;

    private Text(String value, int[] ends, Origin[] origins, boolean safe) {
        this.value = value;
        this.ends = ends;
        this.origins = origins;
        this.safe = safe;
    }

    static Text of(String value, Origin origin) {
        return value.isEmpty() ? EMPTY : new Text(value, new int[] {value.length()}, new Origin[] {origin}, false);
    }

    /** Text of the template's own making. */
    static Text of(String value) {
        return of(value, Origin.TEMPLATE);
    }

    static Text of(boolean value) {
        return of(value ? "True" : "False");
    }

    @Override
    public String type() {
        return safe ? "Markup" : "str";
    }

    boolean isSafe() {
        return safe;
    }

    /** The same characters, marked as safe or not. */
    Text safe(boolean wanted) {
        return safe == wanted ? this : new Text(value, ends, origins, wanted);
    }

    /** The characters fit to stand in HTML, as {@code escape} makes them; safe text is left alone. */
    Text escaped(Budget budget) {
        if (safe) {
            return this;
        }
        Builder out = new Builder(budget);
        int plain = 0;
        for (int i = 0; i < value.length(); i++) {
            String entity = switch (value.charAt(i)) {
                case '&' -> "&amp;";
                case '<' -> "&lt;";
                case '>' -> "&gt;";
                case '"' -> "&#34;";
                case '\'' -> "&#39;";
                default -> null;
            };
            if (entity != null) {
                out.append(this, plain, i).append(entity, originAt(i));
                plain = i + 1;
            }
        }
        return out.append(this, plain, value.length()).build().safe(true);
    }

    String value() {
        return value;
    }

    /** UTF-16 units. */
    int units() {
        return value.length();
    }

    boolean isEmpty() {
        return value.isEmpty();
    }

    /** Python's {@code len}. */
    int codePoints() {
        if (codePoints < 0) {
            codePoints = value.codePointCount(0, value.length());
        }
        return codePoints;
    }

    /** The unit at which code point {@code index} (0 to {@link #codePoints()}) starts. */
    int unitOf(int index) {
        return codePoints() == value.length() ? index : value.offsetByCodePoints(0, index);
    }

    /** The code point index of the unit {@code unit}. */
    int codePointOf(int unit) {
        return codePoints() == value.length() ? unit : value.codePointCount(0, unit);
    }

    /** The least trusted origin within; {@link Origin#TEMPLATE} for an empty text. */
    Origin weakest() {
        Origin weakest = Origin.TEMPLATE;
        for (Origin origin : origins) {
            weakest = weakest.with(origin);
        }
        return weakest;
    }

    Origin originAt(int unit) {
        return origins[runOf(unit)];
    }

    private int runOf(int unit) {
        int found = Arrays.binarySearch(ends, unit);
        return found >= 0 ? found + 1 : -found - 1;
    }

    /** The part from unit {@code start} up to {@code end}; costs a copy, which callers charge where it may repeat. */
    Text sub(int start, int end) {
        if (start >= end) {
            return EMPTY.safe(safe);
        }
        if (start == 0 && end == value.length()) {
            return this;
        }
        int first = runOf(start);
        int last = runOf(end - 1);
        int[] subEnds = new int[last - first + 1];
        for (int i = first; i <= last; i++) {
            subEnds[i - first] = Math.min(ends[i], end) - start;
        }
        return new Text(value.substring(start, end), subEnds, Arrays.copyOfRange(origins, first, last + 1), safe);
    }

    /**
     * Another string with this text's origins: run by run where both have the same length, else the weakest for all.
     */
    Text rewritten(String other) {
        if (other.length() == value.length()) {
            return new Text(other, ends, origins, safe);
        }
        return of(other, weakest()).safe(safe);
    }

    List<RenderedPrompt.Span> spans() {
        List<RenderedPrompt.Span> spans = new ArrayList<>(ends.length);
        for (int i = 0; i < ends.length; i++) {
            spans.add(new RenderedPrompt.Span(i == 0 ? 0 : ends[i - 1], ends[i], origins[i]));
        }
        return spans;
    }

    @Override
    public String toString() {
        return value;
    }

    /** Joins texts, charging every character before it is copied. */
    static final class Builder {
        private final Budget budget;
        private final boolean output;
        private final StringBuilder characters = new StringBuilder();
        private int[] ends = new int[4];
        private Origin[] origins = new Origin[4];
        private int runs;

        Builder(Budget budget) {
            this(budget, false);
        }

        /** With {@code output} the limit of a prompt's length holds as well. */
        Builder(Budget budget, boolean output) {
            this.budget = budget;
            this.output = output;
        }

        int units() {
            return characters.length();
        }

        Builder append(Text text) {
            return append(text, 0, text.units());
        }

        Builder append(Text text, int start, int end) {
            if (start >= end) {
                return this;
            }
            charge(end - start);
            for (int run = text.runOf(start), from = start; from < end; run++) {
                int to = Math.min(text.ends[run], end);
                characters.append(text.value, from, to);
                extend(text.origins[run]);
                from = to;
            }
            return this;
        }

        Builder append(String text, Origin origin) {
            if (!text.isEmpty()) {
                charge(text.length());
                characters.append(text);
                extend(origin);
            }
            return this;
        }

        /** The same text {@code count} times. */
        Builder repeat(Text text, long count) {
            if (count <= 0 || text.isEmpty()) {
                return this;
            }
            if (count > Integer.MAX_VALUE / text.units()) {
                budget.characters(Long.MAX_VALUE);
            }
            if (text.origins.length == 1) {
                charge(text.units() * count);
                characters.repeat(text.value, (int) count);
                extend(text.origins[0]);
            } else {
                budget.elements(count * text.origins.length);
                for (long i = 0; i < count; i++) {
                    append(text);
                }
            }
            return this;
        }

        private void charge(long units) {
            budget.characters(units);
            if (output) {
                budget.output(characters.length() + units);
            }
        }

        private void extend(Origin origin) {
            if (runs > 0 && origins[runs - 1] == origin) {
                ends[runs - 1] = characters.length();
                return;
            }
            if (runs == ends.length) {
                ends = Arrays.copyOf(ends, runs * 2);
                origins = Arrays.copyOf(origins, runs * 2);
            }
            budget.elements(1);
            ends[runs] = characters.length();
            origins[runs++] = origin;
        }

        Text build() {
            if (runs == 0) {
                return EMPTY;
            }
            return new Text(characters.toString(), Arrays.copyOf(ends, runs), Arrays.copyOf(origins, runs), false);
        }
    }
}
