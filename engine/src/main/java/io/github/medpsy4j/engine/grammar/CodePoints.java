package io.github.medpsy4j.engine.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A set of Unicode scalar values: sorted ranges that neither overlap nor touch.
 *
 * @param ranges first and last of each range, alternating
 */
record CodePoints(List<Integer> ranges) {
    private static final int SURROGATE_FIRST = 0xD800;
    private static final int SURROGATE_LAST = 0xDFFF;

    static final CodePoints NONE = new CodePoints(List.of());
    static final CodePoints ALL = range(0, Character.MAX_CODE_POINT);

    CodePoints {
        ranges = List.copyOf(ranges);
    }

    /** From first to last, surrogates left out. */
    static CodePoints range(int first, int last) {
        return of(List.of(new int[] {first, last}));
    }

    static CodePoints one(int codePoint) {
        return range(codePoint, codePoint);
    }

    static CodePoints of(String characters) {
        return of(characters.codePoints().mapToObj(c -> new int[] {c, c}).toList());
    }

    private static CodePoints of(List<int[]> unsorted) {
        List<int[]> valid = new ArrayList<>();
        for (int[] range : unsorted) {
            if (range[0] < SURROGATE_FIRST) {
                valid.add(new int[] {range[0], Math.min(range[1], SURROGATE_FIRST - 1)});
            }
            if (range[1] > SURROGATE_LAST) {
                valid.add(new int[] {Math.max(range[0], SURROGATE_LAST + 1), range[1]});
            }
        }
        valid.removeIf(range -> range[0] > range[1]);
        valid.sort(Comparator.comparingInt(range -> range[0]));
        List<Integer> merged = new ArrayList<>();
        for (int[] range : valid) {
            int end = merged.size() - 1;
            if (end > 0 && range[0] <= merged.get(end) + 1) {
                merged.set(end, Math.max(merged.get(end), range[1]));
            } else {
                merged.addAll(Arrays.asList(range[0], range[1]));
            }
        }
        return new CodePoints(merged);
    }

    int count() {
        return ranges.size() / 2;
    }

    int first(int range) {
        return ranges.get(2 * range);
    }

    int last(int range) {
        return ranges.get(2 * range + 1);
    }

    boolean isEmpty() {
        return ranges.isEmpty();
    }

    boolean contains(int codePoint) {
        for (int i = 0; i < count(); i++) {
            if (codePoint >= first(i) && codePoint <= last(i)) {
                return true;
            }
        }
        return false;
    }

    CodePoints or(CodePoints other) {
        List<int[]> both = new ArrayList<>();
        for (CodePoints each : List.of(this, other)) {
            for (int i = 0; i < each.count(); i++) {
                both.add(new int[] {each.first(i), each.last(i)});
            }
        }
        return of(both);
    }

    /** All the others. */
    CodePoints not() {
        List<int[]> others = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < count(); i++) {
            others.add(new int[] {next, first(i) - 1});
            next = last(i) + 1;
        }
        others.add(new int[] {next, Character.MAX_CODE_POINT});
        others.removeIf(range -> range[0] > range[1]);
        return of(others);
    }

    CodePoints and(CodePoints other) {
        return not().or(other.not()).not();
    }

    CodePoints without(CodePoints other) {
        return and(other.not());
    }
}
