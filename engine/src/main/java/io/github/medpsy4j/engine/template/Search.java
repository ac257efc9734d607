package io.github.medpsy4j.engine.template;

/**
 * Finds a string in others, in time linear in both: Java's own search where the needle is short, and Knuth, Morris and
 * Pratt's where a hostile pair could make that one quadratic. Every search is charged.
 */
final class Search {
    /** Up to here the naive search compares each character at most this often. */
    private static final int SHORT_MAX = 8;

    /** What looking at a character costs, against reading it in a row. */
    private static final long COST = 4;

    private final String needle;
    private final Budget budget;

    /** For each prefix of the needle, the length of the longest proper prefix of it that is also its suffix. */
    private final int[] borders;

    Search(String needle, Budget budget) {
        this.needle = needle;
        this.budget = budget;
        if (needle.length() <= SHORT_MAX) {
            borders = null;
            return;
        }
        budget.scan(4L * needle.length());
        borders = new int[needle.length() + 1];
        int matched = 0;
        for (int i = 1; i < needle.length(); i++) {
            while (matched > 0 && needle.charAt(i) != needle.charAt(matched)) {
                matched = borders[matched];
            }
            if (needle.charAt(i) == needle.charAt(matched)) {
                matched++;
            }
            borders[i + 1] = matched;
        }
    }

    /** Where the needle first occurs at or after {@code from}, in UTF-16 units, or -1. */
    int first(String text, int from) {
        int found = find(text, from);
        budget.scan(COST * ((found < 0 ? text.length() : found) - from));
        return found;
    }

    private int find(String text, int from) {
        if (borders == null) {
            return text.indexOf(needle, from);
        }
        int matched = 0;
        for (int i = from; i < text.length(); i++) {
            while (matched > 0 && text.charAt(i) != needle.charAt(matched)) {
                matched = borders[matched];
            }
            if (text.charAt(i) == needle.charAt(matched) && ++matched == needle.length()) {
                return i + 1 - matched;
            }
        }
        return -1;
    }

    /** Where the needle last occurs so that it ends at or before {@code end}, or -1. */
    int last(String text, int end) {
        if (borders == null) {
            int found = text.lastIndexOf(needle, end - needle.length());
            budget.scan(COST * (end - Math.max(found, 0)));
            return end < needle.length() ? -1 : found;
        }
        budget.scan(COST * end);
        int last = -1;
        int matched = 0;
        for (int i = 0; i < end; i++) {
            while (matched > 0 && text.charAt(i) != needle.charAt(matched)) {
                matched = borders[matched];
            }
            if (text.charAt(i) == needle.charAt(matched) && ++matched == needle.length()) {
                last = i + 1 - matched;
                matched = borders[matched];
            }
        }
        return last;
    }
}
