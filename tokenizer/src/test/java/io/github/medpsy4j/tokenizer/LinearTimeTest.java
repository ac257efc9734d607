package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Named.named;

import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A megabyte of any text takes milliseconds. The bound is there to find what hangs, and says nothing of speed. */
class LinearTimeTest {
    private static final int MEGABYTE = 1 << 20;
    private static final Tokenizer QWEN2 = Fixture.tokenizer("qwen2");
    private static final Tokenizer SENTENCEPIECE = Fixture.tokenizer("sentencepiece");
    private static final Duration HANGS = Duration.ofSeconds(60);

    static Stream<Named<String>> texts() {
        StringBuilder letters = new StringBuilder();
        StringBuilder spaces = new StringBuilder();
        Random random = new Random(3);
        for (int i = 0; i < MEGABYTE; i++) {
            letters.append((char) ('a' + random.nextInt(26)));
            spaces.append(" \t\r\n".charAt(random.nextInt(4)));
        }
        return Stream.of(
                named("one letter", "a".repeat(MEGABYTE)),
                named("two letters", "ab".repeat(MEGABYTE / 2)),
                named("random letters", letters.toString()),
                named("spaces", " ".repeat(MEGABYTE)),
                named("newlines", "\n".repeat(MEGABYTE)),
                named("white space", spaces.toString()),
                named("digits", "1".repeat(MEGABYTE)),
                named("apostrophes", "'".repeat(MEGABYTE)),
                named("angle brackets", "<".repeat(MEGABYTE)),
                named("starts of a special token", "<|end|".repeat(MEGABYTE / 6)),
                named("ideographs", "字".repeat(MEGABYTE / 3)),
                named("emoji", "👩‍⚕️".repeat(MEGABYTE / 13)),
                named("marks of two classes", "a" + "\u0301\u0323".repeat(MEGABYTE / 4)),
                named("vowels that join", "\ud81b\udd67".repeat(MEGABYTE / 4)),
                named("prose", "The patient was given metformin. ".repeat(MEGABYTE / 33)));
    }

    @ParameterizedTest
    @MethodSource("texts")
    void encodesAMegabyteInTime(String text) {
        assertInTime(QWEN2, text);
        assertInTime(SENTENCEPIECE, text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "llama-bpe", "smollm", "sentencepiece-prefix"})
    void everyPreTokenizerScansAMegabyteInTime(String name) {
        Tokenizer tokenizer = Fixture.tokenizer(name);
        for (String text : new String[] {"a", " "}) {
            assertInTime(tokenizer, text.repeat(MEGABYTE));
        }
    }

    private static void assertInTime(Tokenizer tokenizer, String text) {
        assertTimeoutPreemptively(
                HANGS,
                () -> assertTrue(
                        tokenizer.decode(tokenizer.encodeWithSpecials(text)).length() > 0));
    }
}
