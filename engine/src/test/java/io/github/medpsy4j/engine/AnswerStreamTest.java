package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What becomes of tokens that a test draws. */
class AnswerStreamTest {
    private static Tokenizer tokenizer;

    private final List<ChatToken> heard = new ArrayList<>();
    private final List<int[]> forced = new ArrayList<>();

    @BeforeAll
    static void load() throws Exception {
        try (GgufFile file = GgufFile.open(TinyModels.path("q4_k_m"))) {
            tokenizer = Vocabularies.tokenizer(file);
        }
    }

    private AnswerStream stream(boolean opensThinking, int thinkBudget, String... stops) {
        ChatOptions options = ChatOptions.builder()
                .thinkBudget(thinkBudget)
                .stops(List.of(stops))
                .build();
        return new AnswerStream(tokenizer, opensThinking, options, forced::add, heard::add);
    }

    /** Returns how many tokens it took until the stream wanted no more, or -1. */
    private static int feed(AnswerStream stream, int... tokens) {
        for (int i = 0; i < tokens.length; i++) {
            if (!stream.accept(tokens[i])) {
                return i + 1;
            }
        }
        return -1;
    }

    private static int[] ids(String text) {
        return tokenizer.encodeWithSpecials(text);
    }

    @Test
    void theMarkThatOpensTheThinkingIsNoThinking() {
        AnswerStream stream = stream(false, 2);
        feed(stream, ids("<think>")[0], 100);
        assertEquals(0, forced.size());
        feed(stream, 101);
        assertEquals(1, forced.size());
        assertArrayEquals(ids("\n</think>\n\n"), forced.getFirst());
        // What is forced is thinking itself, and the budget is not spent twice.
        feed(stream, forced.getFirst());
        feed(stream, ids("Yes."));
        stream.end();
        assertEquals(1, forced.size());
        assertEquals("Yes.", stream.answer());
        assertEquals(
                tokenizer.decode(new int[] {100, 101}).strip(),
                stream.thoughts().strip());
    }

    @Test
    void aPromptThatOpensTheThinkingCountsFromTheFirstToken() {
        AnswerStream stream = stream(true, 2);
        feed(stream, 100);
        assertEquals(0, forced.size());
        feed(stream, 101);
        assertEquals(1, forced.size());
    }

    @Test
    void thinkingThatEndsInTimeIsNotClosedAgain() {
        AnswerStream stream = stream(true, 2);
        feed(stream, 100);
        feed(stream, ids("</think>"));
        feed(stream, ids("Yes, of course it is so."));
        assertEquals(0, forced.size());
        stream.end();
        assertEquals("Yes, of course it is so.", stream.answer());
    }

    @Test
    void withoutABudgetNothingIsForced() {
        AnswerStream stream = stream(true, 0);
        feed(stream, ids("One thought after another, and no end."));
        assertEquals(0, forced.size());
    }

    @Test
    void stopTextsCountInTheAnswerAlone() {
        AnswerStream stream = stream(true, 0, "stop");
        assertEquals(-1, feed(stream, ids("It may stop here.\n</think>\n\nGo, then ")));
        assertTrue(feed(stream, ids("stop now")) > 0);
        assertTrue(stream.isStopped());
        stream.end();
        assertEquals("It may stop here.", stream.thoughts());
        assertEquals("Go, then ", stream.answer());
        assertEquals(
                stream.answer(),
                String.join(
                        "",
                        heard.stream()
                                .filter(t -> !t.thinking())
                                .map(ChatToken::text)
                                .toList()));
    }

    @Test
    void theTokensBeforeAStopTextAreFound() {
        AnswerStream stream = stream(false, 0, "\n\n");
        int[] before = ids("One line.");
        feed(stream, before);
        feed(stream, ids("\n\n"));
        stream.end();
        assertEquals("One line.", stream.answer());
        assertEquals(before.length, stream.keptTokens());
        assertEquals("One line.".length(), stream.keptChars());
    }

    @Test
    void aTokenAcrossTheStopTextBelongsToNeitherSide() {
        // The stop text is the second half of a token.
        int id = 300;
        while (tokenizer.decode(new int[] {id}).strip().length() < 3) {
            id++;
        }
        String token = tokenizer.decode(new int[] {id}).strip();
        AnswerStream stream = stream(false, 0, token.substring(1));
        feed(stream, id);
        stream.end();
        assertTrue(stream.isStopped());
        assertEquals(-1, stream.keptTokens());
    }

    @Test
    void whatWaitedForAStopTextComesAtTheEnd() {
        AnswerStream stream = stream(false, 0, "a stop text");
        feed(stream, ids("This is a st"));
        assertFalse(stream.isStopped());
        stream.end();
        assertEquals("This is a st", stream.answer());
        assertEquals(stream.raw(), stream.answer());
        assertEquals(ids("This is a st").length, stream.keptTokens());
    }
}
