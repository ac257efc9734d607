package io.github.medpsy4j.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Words near one that nobody knows. */
final class Near {
    private static final int SUGGESTIONS_MAX = 3;
    private static final int LENGTH_MAX =
            64; // a longer word is a mistake of another kind, and the distance is quadratic

    private Near() {}

    /** The known words that a slip of the hand or two makes of the word, nearest first. */
    static List<String> of(String word, Collection<String> known) {
        if (word.isEmpty() || word.length() > LENGTH_MAX) {
            return List.of();
        }
        record Candidate(String word, int distance) {}
        int distanceMax = Math.clamp(word.length() / 3, 1, 3);
        return known.stream()
                .map(k -> new Candidate(k, distance(word, k)))
                .filter(c -> c.distance <= distanceMax)
                .sorted(Comparator.comparingInt(Candidate::distance))
                .limit(SUGGESTIONS_MAX)
                .map(Candidate::word)
                .toList();
    }

    /** Letters to insert, delete, replace or swap with their neighbour: the optimal string alignment distance. */
    static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1]; // d[i][j]: of a's first i letters to b's first j
        for (int i = 0; i <= a.length(); i++) {
            d[i][0] = i;
        }
        for (int j = 0; j <= b.length(); j++) {
            d[0][j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                int replace = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                d[i][j] = Math.min(d[i - 1][j - 1] + replace, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
