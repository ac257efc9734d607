package io.github.medpsy4j.engine;

import java.util.List;

/** Ends a streamed text where one of some texts appears. What may yet become one waits. For one stream and one thread. */
public final class StopTexts {
    private final List<String> stops;
    private final StringBuilder waiting = new StringBuilder();
    private boolean found;

    /**
     * @param stops none of them empty; none at all lets everything pass
     * @throws IllegalArgumentException if one is empty: it would stand before every text
     */
    public StopTexts(List<String> stops) {
        this.stops = checked(stops);
    }

    static List<String> checked(List<String> stops) {
        if (stops.contains("")) {
            throw new IllegalArgumentException("stop: expected a text, got an empty one");
        }
        return List.copyOf(stops);
    }

    /** Whether a stop text has appeared: nothing after it counts. */
    public boolean isFound() {
        return found;
    }

    /** Takes the next piece; returns what can no longer be part of a stop text. */
    public String accept(String piece) {
        if (found || stops.isEmpty()) {
            return found ? "" : piece;
        }
        waiting.append(piece);
        int first = -1;
        for (String stop : stops) {
            int at = waiting.indexOf(stop);
            if (at >= 0 && (first < 0 || at < first)) {
                first = at;
            }
        }
        if (first >= 0) {
            found = true;
            waiting.setLength(first);
            return take(first);
        }
        return take(waiting.length() - heldBack());
    }

    /** What still waits at the end of the text. */
    public String flush() {
        return take(waiting.length());
    }

    private String take(int length) {
        String text = waiting.substring(0, length);
        waiting.delete(0, length);
        return text;
    }

    /** The length of the longest end that begins a stop text. */
    private int heldBack() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, waiting.length()); n > longest; n--) {
                if (waiting.indexOf(stop.substring(0, n), waiting.length() - n) >= 0) {
                    longest = n;
                }
            }
        }
        return longest;
    }
}
