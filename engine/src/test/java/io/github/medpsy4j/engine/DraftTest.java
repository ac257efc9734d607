package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Guessing changes the time that a generation takes, and nothing else. */
class DraftTest {
    /** Batches cost nothing, so that guesses are made whenever there are any. */
    private static final class Free extends BatchCosts {
        @Override
        double of(int rows) {
            return 1;
        }
    }

    /** What a generation came to, with and without guesses. */
    private record Outcome(
            List<Integer> reported, FinishReason reason, int drawn, List<Integer> held, List<Float> logits) {}

    @TempDir
    static Path folder;

    private static Model model;

    @BeforeAll
    static void load() throws IOException {
        model = QuotingModel.load(folder);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static int[] prompt(int length) {
        return new Random(length).ints(length, 0, QuotingModel.LETTERS).toArray();
    }

    /** Acts on the n-th reported token. */
    @FunctionalInterface
    private interface Reaction {
        boolean at(int n, Generator generator);
    }

    private static Outcome generate(
            int draft, SamplingOptions sampling, int[] prompt, int maxTokens, Reaction reaction) {
        try (Session session = model.session()) {
            Generator generator = new Generator(session, sampling, draft, new Free());
            List<Integer> reported = new ArrayList<>();
            Generation g = generator.generate(prompt, maxTokens, token -> {
                reported.add(token);
                return reaction.at(reported.size(), generator);
            });
            assertEquals(draft > 0, g.draftedTokens() > 0, "drafted");
            assertTrue(g.acceptedTokens() >= 0 && g.acceptedTokens() <= g.draftedTokens(), g.toString());
            return outcome(reported, g, session);
        }
    }

    private static Outcome outcome(List<Integer> reported, Generation g, Session session) {
        List<Float> logits = new ArrayList<>();
        for (float each : session.logits()) {
            logits.add(each);
        }
        List<Integer> held = Arrays.stream(session.tokens()).boxed().toList();
        return new Outcome(reported, g.finishReason(), g.generatedTokens(), held, logits);
    }

    private static void assertSame(SamplingOptions sampling, int[] prompt, int maxTokens, Reaction reaction) {
        Outcome plain = generate(0, sampling, prompt, maxTokens, reaction);
        assertEquals(plain, generate(Generator.DRAFT_DEFAULT, sampling, prompt, maxTokens, reaction));
        assertEquals(plain, generate(1, sampling, prompt, maxTokens, reaction));
        assertEquals(plain, generate(Generator.DRAFT_MAX, sampling, prompt, maxTokens, reaction));
    }

    static Stream<SamplingOptions> samplings() {
        SamplingOptions greedy = SamplingOptions.greedy();
        SamplingOptions cool = SamplingOptions.defaults(7).withTemperature(1);
        return Stream.of(
                greedy,
                greedy.withRepeatPenalty(1.02f),
                cool,
                cool.withSeed(8),
                cool.toBuilder().mirostat(2).build(),
                cool.toBuilder().xtcProbability(0.05f).build(),
                cool.toBuilder().dryMultiplier(0.1f).frequencyPenalty(0.01f).build());
    }

    @ParameterizedTest
    @MethodSource("samplings")
    void theTokensAreThoseOfAGenerationWithoutGuesses(SamplingOptions sampling) {
        assertSame(sampling, prompt(60), 120, (n, generator) -> true);
    }

    @Test
    void someGuessesAreAcceptedAndSomeAreNot() {
        try (Session session = model.session()) {
            Generation g = new Generator(session, SamplingOptions.greedy(), 15, new Free())
                    .generate(prompt(60), 150, token -> true);
            assertEquals(150, g.generatedTokens());
            assertTrue(g.acceptedTokens() > 50, g.toString());
            assertTrue(g.draftedTokens() > g.acceptedTokens(), "no guess failed: " + g);
        }
    }

    @Test
    void everyLengthEndsWhereItWould() {
        for (int most = 40; most < 60; most++) {
            assertSame(SamplingOptions.greedy(), prompt(60), most, (n, generator) -> true);
        }
    }

    @Test
    void anInterruptionAmongGuessesLeavesTheSessionAsWithoutThem() {
        for (int last = 40; last < 60; last++) {
            int end = last;
            assertSame(SamplingOptions.greedy(), prompt(60), 0, (n, generator) -> n < end);
        }
    }

    @Test
    void aFullContextEndsAGuess() {
        for (int length = 170; length < 186; length++) {
            assertSame(SamplingOptions.greedy(), prompt(length), 0, (n, generator) -> true);
        }
    }

    @Test
    void forcedTokensCutGuessesShort() {
        for (int at = 30; at < 50; at++) {
            int when = at;
            assertSame(SamplingOptions.defaults(3).withTemperature(1), prompt(60), 80, (n, generator) -> {
                if (n == when) {
                    generator.force(4, 3, 3, 0, 1);
                }
                return true;
            });
        }
    }

    @Test
    void anEndTokenAmongGuessesEnds() {
        // Forcing the end at each place makes the model end there, whatever was guessed behind it.
        for (int at = 40; at < 56; at++) {
            int when = at;
            assertSame(SamplingOptions.greedy(), prompt(60), 0, (n, generator) -> {
                if (n == when) {
                    generator.force(QuotingModel.END);
                }
                return true;
            });
        }
    }

    @Test
    void aListenerThatThrowsLeavesTheSessionAtTheReportedToken() {
        try (Session session = model.session()) {
            int[] prompt = prompt(60);
            int[] count = {0};
            Generator generator = new Generator(session, SamplingOptions.greedy(), 15, new Free());
            assertThrows(
                    IllegalStateException.class,
                    () -> generator.generate(prompt, 0, token -> {
                        if (++count[0] == 50) {
                            throw new IllegalStateException("enough");
                        }
                        return true;
                    }));
            assertEquals(prompt.length + 49, session.length());
            assertArrayEquals(prompt, Arrays.copyOf(session.tokens(), prompt.length));
        }
    }

    @Test
    void aGeneratorGoesOnDrawingWhereItStopped() {
        SamplingOptions sampling = SamplingOptions.defaults(5).withTemperature(1);
        List<List<Integer>> both = new ArrayList<>();
        for (int draft : new int[] {0, 15}) {
            try (Session session = model.session()) {
                Generator generator = new Generator(session, sampling, draft, new Free());
                List<Integer> tokens = new ArrayList<>();
                generator.generate(prompt(60), 33, tokens::add);
                generator.generate(prompt(50), 33, tokens::add);
                both.add(tokens);
            }
        }
        assertEquals(both.get(0), both.get(1));
    }

    @Test
    void aNumberOfGuessesOutOfRangeIsRefused() {
        try (Session session = model.session()) {
            assertEquals(
                    "draft: expected 0 to 31, got 32",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> new Generator(session, SamplingOptions.greedy(), 32))
                            .getMessage());
            assertEquals(
                    "draft: expected 0 to 31, got -1",
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> ChatOptions.builder().draft(-1).build())
                            .getMessage());
        }
    }

    @Test
    void costsAreLearntAndFade() {
        BatchCosts costs = new BatchCosts();
        double assumed = costs.of(4);
        for (int i = 0; i < 50; i++) {
            costs.measured(1, 1000);
            costs.measured(4, 8000);
        }
        assertTrue(costs.of(4) > 1.5 * assumed, costs.of(4) + " against " + assumed);
        assertEquals(new BatchCosts().of(16), costs.of(16), 0.01);
        for (int i = 0; i < 2000; i++) {
            costs.measured(1, 1000);
        }
        assertEquals(assumed, costs.of(4), 0.01);
        assertEquals(1, costs.of(1));
        for (int i = 0; i < 50; i++) {
            costs.measured(2, 10);
        }
        assertEquals(1, costs.of(2), "a batch costs no less than a row");
    }
}
