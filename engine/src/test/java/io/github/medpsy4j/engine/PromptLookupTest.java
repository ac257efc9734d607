package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PromptLookupTest {
    private static PromptLookup of(int... tokens) {
        PromptLookup lookup = new PromptLookup(1000);
        lookup.appendPrompt(tokens, tokens.length);
        return lookup;
    }

    private static int[] guesses(PromptLookup lookup, int count) {
        int[] guesses = new int[count];
        Arrays.setAll(guesses, lookup::guess);
        return guesses;
    }

    @Test
    void aSingleTokenOrANewTextIsNoGuess() {
        assertEquals(0, of().match());
        assertEquals(0, of(1).match());
        assertEquals(0, of(1, 2, 3, 1).match());
        assertEquals(0, of(1, 2, 3, 4, 2, 1).match());
    }

    @Test
    void whatFollowedTheLastTokensIsGuessed() {
        PromptLookup lookup = of(7, 1, 2, 3, 4, 5, 9, 1, 2, 3);
        assertEquals(3, lookup.match());
        assertArrayEquals(new int[] {4, 5, 9, 1}, guesses(lookup, 4));
    }

    @Test
    void aLongerMatchCountsForMoreThanALaterOne() {
        PromptLookup lookup = of(5, 1, 2, 3, 4, 10, 6, 3, 4, 11, 8, 1, 2, 3, 4);
        assertEquals(4, lookup.match());
        assertEquals(10, lookup.guess(0));
    }

    @Test
    void theLatestOfEqualMatchesIsGuessed() {
        PromptLookup lookup = of(9, 1, 2, 10, 8, 1, 2, 11, 7, 1, 2);
        assertEquals(2, lookup.match());
        assertEquals(11, lookup.guess(0));
    }

    @Test
    void aPlaceThatWasRightIsFollowedPastALaterOne() {
        // The groups of 4 lead to the later copy; eight agreeing tokens before them lead to the first.
        PromptLookup lookup = of(1, 2, 3, 4, 5, 6, 7, 8, 50, 90, 5, 6, 7, 8, 60, 91, 1, 2, 3, 4, 5, 6, 7, 8);
        assertEquals(8, lookup.match());
        assertEquals(50, lookup.guess(0));
    }

    @Test
    void aGuessBeyondTheTextGoesRoundWithIt() {
        PromptLookup lookup = of(1, 2, 3, 1, 2, 3, 1, 2, 3);
        assertArrayEquals(new int[] {1, 2, 3, 1, 2, 3, 1}, guesses(lookup, 7));
    }

    @Test
    void guessesThatFailAreTrustedLessAndGuessesThatHoldMore() {
        PromptLookup lookup = new PromptLookup(100_000);
        double before = lookup.probability(2);
        Random random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            lookup.appendGenerated(random.nextInt(8));
        }
        double afterNoise = lookup.probability(2);
        assertTrue(afterNoise < before, afterNoise + " against " + before);
        double longBefore = lookup.probability(30);
        for (int i = 0; i < 400; i++) {
            lookup.appendGenerated(i % 20);
        }
        assertTrue(lookup.probability(30) > longBefore);
        assertTrue(lookup.probability(30) > 0.98, "" + lookup.probability(30));
    }

    @Test
    void everyGuessIsWhatTheTextSays() {
        Random random = new Random(11);
        int[] text = random.ints(5000, 0, 40).toArray();
        System.arraycopy(text, 100, text, 4000, 500);
        PromptLookup lookup = new PromptLookup(16); // tables far too small
        int matches = 0;
        for (int i = 0; i < text.length; i++) {
            lookup.appendGenerated(text[i]);
            int match = lookup.match();
            if (match > 0) {
                matches++;
                int guess = lookup.guess(0);
                boolean found = false;
                for (int end = match; end <= i && !found; end++) {
                    found = text[end] == guess && Arrays.equals(text, end - match, end, text, i + 1 - match, i + 1);
                }
                assertTrue(found, "position " + i);
            }
        }
        assertTrue(matches > 500, "" + matches);
    }

    @Test
    void aLongTextTakesLinearTime() {
        PromptLookup lookup = new PromptLookup(1 << 20);
        // The same token throughout is the worst case of agreement, and of colliding groups.
        for (int i = 0; i < 1 << 20; i++) {
            lookup.appendGenerated(1);
        }
        assertEquals(PromptLookup.MATCH_MAX, lookup.match());
    }
}
