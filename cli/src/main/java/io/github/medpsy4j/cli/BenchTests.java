package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Measures one loaded model. The tokens are those of llama.cpp's benchmark in the project's comparisons; what they are does
 * not matter.
 */
final class BenchTests {
    private static final int VOCABULARY_MAX = 50_000;

    /**
     * What is measured: a prompt from an empty session with the logits of its last token, or single tokens after a depth.
     *
     * @param name {@code pp512} or {@code tg64}
     * @param depth tokens in the context before
     * @param batch tokens that a forward pass takes of a prompt
     */
    record Test(String name, boolean isPrompt, int tokens, int depth, int batch) {
        static Test prompt(int tokens, int batch) {
            return new Test("pp" + tokens, true, tokens, 0, batch);
        }

        static Test generation(int tokens, int depth) {
            return new Test("tg" + tokens, false, tokens, depth, Session.BATCH_MAX);
        }
    }

    /**
     * A test's tokens/s.
     *
     * @param rates of each repetition
     */
    record Result(Test test, List<Double> rates) {
        double median() {
            return BenchTests.median(rates);
        }

        double least() {
            return Collections.min(rates);
        }

        double greatest() {
            return Collections.max(rates);
        }

        /** The standard deviation, estimated from these repetitions; 0 of a single one. */
        double deviation() {
            double mean = rates.stream().mapToDouble(rate -> rate).average().orElseThrow();
            double squares = rates.stream()
                    .mapToDouble(rate -> (rate - mean) * (rate - mean))
                    .sum();
            return rates.size() == 1 ? 0 : Math.sqrt(squares / (rates.size() - 1));
        }
    }

    /**
     * The beginning of a process.
     *
     * @param firstTokenSeconds from the process's start until the first token could be drawn
     * @param prompt the first prompt, whose logits that token is drawn from
     * @param first the single tokens behind it
     * @param steady as many tokens at the same depth, again and again
     */
    record Cold(OptionalDouble firstTokenSeconds, Result prompt, Result first, Result steady) {}

    private final Session session;
    private final int vocabulary;
    private final int repetitions;

    /** How many of the session's first tokens are those of {@link #text}. */
    private int textHeld;

    BenchTests(Session session, int repetitions) {
        this.session = session;
        this.repetitions = repetitions;
        this.vocabulary = Math.min(session.model().tokenizer().vocabulary().size(), VOCABULARY_MAX);
    }

    /** Repeats a test; the first repetition warms up and does not count. */
    Result run(Test test) {
        List<Double> rates = new ArrayList<>();
        for (int r = 0; r <= repetitions; r++) {
            double rate = rate(test);
            if (r > 0) {
                rates.add(rate);
            }
        }
        return new Result(test, rates);
    }

    /** Measures a fresh process; nothing was computed before. */
    Cold cold(int promptTokens, int generatedTokens) {
        Test prompt = Test.prompt(promptTokens, Session.BATCH_MAX);
        double promptRate = rate(prompt);
        OptionalDouble firstTokenSeconds = new ProcessFacts().ageSeconds();
        Test generation = Test.generation(generatedTokens, promptTokens);
        Result first = new Result(generation, List.of(rate(generation)));
        return new Cold(firstTokenSeconds, new Result(prompt, List.of(promptRate)), first, run(generation));
    }

    /** Tokens/s of one run. */
    private double rate(Test test) {
        return test.tokens() * 1e9 / (test.isPrompt() ? promptNanos(test) : generateNanos(test));
    }

    private long promptNanos(Test test) {
        session.truncate(0);
        textHeld = 0;
        int[] tokens = text(0, test.tokens());
        long start = System.nanoTime();
        for (int from = 0; from < tokens.length; from += test.batch()) {
            session.append(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + test.batch())));
        }
        long nanos = System.nanoTime() - start;
        textHeld = tokens.length;
        return nanos;
    }

    private long generateNanos(Test test) {
        // Reading a deep context takes longer than the test: what is there of it stays.
        session.truncate(Math.min(textHeld, test.depth()));
        session.append(text(session.length(), test.depth()));
        textHeld = test.depth();
        int[] tokens = new int[test.tokens()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = (int) ((i * 104_729L + 7) % vocabulary);
        }
        long start = System.nanoTime();
        for (int token : tokens) {
            session.append(token);
        }
        return System.nanoTime() - start;
    }

    /** Tokens [from, to) of the one text that every test reads. */
    private int[] text(int from, int to) {
        int[] tokens = new int[to - from];
        for (int i = from; i < to; i++) {
            tokens[i - from] = (int) ((i * 7919L + 13) % vocabulary);
        }
        return tokens;
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }
}
