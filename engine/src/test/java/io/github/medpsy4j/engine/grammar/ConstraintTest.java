package io.github.medpsy4j.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.tokenizer.Tokenizer;
import io.github.medpsy4j.tokenizer.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ConstraintTest {
    private static final Tokenizer TINY = Texts.TINY;
    private static final int END = 1019;

    private static void accept(Constraint constraint, String text) {
        for (int token : TINY.encodeWithSpecials(text)) {
            constraint.accept(token);
        }
    }

    private static boolean[] allowed(Constraint constraint) {
        float[] logits = new float[TINY.vocabulary().size()];
        int some = constraint.mask(logits);
        boolean[] allowed = new boolean[logits.length];
        for (int id = 0; id < logits.length; id++) {
            allowed[id] = logits[id] == 0;
        }
        assertTrue(allowed[some]);
        return allowed;
    }

    /** The mask is what asking for each token gives, wherever in a text. */
    @Test
    void theMaskAllowsWhatIsAccepted() {
        Random random = new Random(5);
        List<Grammar> grammars = List.of(
                Grammar.ofJsonSchema("{}"),
                Grammar.ofJsonSchema("{\"type\":\"string\",\"maxLength\":30}"),
                Grammar.ofGbnf("root ::= (\"the \" | [a-m]+ | [é-漢]{2})*").afterThinking(),
                Grammar.ofGbnf("root ::= \"<\" root \">\" | \"ab\" | [^<>]"));
        for (Grammar grammar : grammars) {
            for (int i = 0; i < 20; i++) {
                Constraint constraint = grammar.constraint(TINY);
                for (int n = 0; n < 30 && !constraint.mustEnd(); n++) {
                    boolean[] allowed = allowed(constraint);
                    List<Integer> next = new ArrayList<>();
                    for (int id = 0; id < allowed.length; id++) {
                        assertEquals(allowed[id], constraint.accepts(id), "token " + id);
                        if (allowed[id] && !TINY.isEndOfGeneration(id)) {
                            next.add(id);
                        }
                    }
                    constraint.accept(next.get(random.nextInt(next.size())));
                }
            }
        }
    }

    @Test
    void endTokensComeWhereTheTextIsComplete() {
        Constraint constraint = Grammar.ofJsonSchema("{\"type\":\"integer\"}").constraint(TINY);
        assertFalse(constraint.accepts(END));
        accept(constraint, "1");
        assertTrue(constraint.isComplete());
        assertFalse(constraint.mustEnd());
        assertTrue(constraint.accepts(END));
        accept(constraint, "2");
        constraint.accept(END);
        Constraint bool = Grammar.ofJsonSchema("{\"type\":\"boolean\"}").constraint(TINY);
        accept(bool, "true");
        assertTrue(bool.mustEnd());
        assertEquals(END, bool.endToken());
        assertThrows(IllegalArgumentException.class, () -> accept(bool, " "));
    }

    @Test
    void tokensMayEndWithinCharacters() {
        Constraint constraint = Grammar.ofGbnf("root ::= [漢é]+").constraint(TINY);
        for (byte each : "漢é".getBytes(StandardCharsets.UTF_8)) {
            assertFalse(constraint.isComplete() && each < (byte) 0xC0);
            constraint.accept(tokenOf(each));
        }
        assertTrue(constraint.isComplete());
        constraint.accept(tokenOf((byte) 0xE6));
        assertFalse(constraint.isComplete());
        assertFalse(constraint.accepts(tokenOf((byte) 0xE6)));
        assertTrue(constraint.accepts(tokenOf((byte) 0xBC)));
        assertFalse(constraint.accepts(tokenOf((byte) 0xBD)));
    }

    private static int tokenOf(byte value) {
        for (int id = 0; id < TINY.vocabulary().size(); id++) {
            byte[] bytes = TINY.bytesOf(id);
            if (bytes.length == 1 && bytes[0] == value) {
                return id;
            }
        }
        throw new IllegalArgumentException("no token of byte " + value);
    }

    @Test
    void controlTokensAreNoText() {
        Constraint constraint = Grammar.ofGbnf("root ::= .*").constraint(TINY);
        assertFalse(constraint.accepts(TINY.special("<|im_start|>").getAsInt()));
        assertTrue(constraint.accepts(TINY.special("<think>").getAsInt())); // is text in this vocabulary
        assertTrue(constraint.accepts(END));
    }

    private static Constraint afterThinking(String prompt) {
        Constraint constraint =
                Grammar.ofGbnf("root ::= \"{\" [a-z]+ \"}\"").afterThinking().constraint(TINY);
        int[] ids = TINY.encodeWithSpecials(prompt);
        constraint.begin(ids, ids.length);
        return constraint;
    }

    @Test
    void theModelMayThinkFirst() {
        Constraint constraint = afterThinking("<|im_start|>assistant\n");
        int open = TINY.special("<think>").getAsInt();
        assertTrue(allowed(constraint)[open]);
        assertTrue(constraint.accepts(TINY.encode("{")[0]));
        assertFalse(constraint.accepts(TINY.encode("x")[0]));
        assertFalse(constraint.accepts(END));
        constraint.accept(open);
        accept(constraint, "\nWhat is 7 times {x}?\n");
        assertFalse(constraint.isComplete());
        assertFalse(constraint.accepts(END), "an answer must follow");
        assertFalse(allowed(constraint)[END]);
        accept(constraint, "</think>");
        assertFalse(constraint.accepts(TINY.encode("x")[0]));
        assertFalse(constraint.accepts(open));
        accept(constraint, "\n\n");
        assertTrue(allowed(constraint)[TINY.encode("{")[0]]);
        accept(constraint, "{abc}");
        assertTrue(constraint.mustEnd());
    }

    @Test
    void aThinkingThatThePromptHasOpenedGoesOn() {
        Constraint constraint = afterThinking("<|im_start|>assistant\n<think>\n");
        accept(constraint, "hm</think>\n\n{a}");
        assertTrue(constraint.mustEnd());
    }

    @Test
    void aClosingMarkMayBeSpelledByOtherTokens() {
        Constraint constraint = afterThinking("<|im_start|>assistant\n<think>\n");
        for (byte each : "hm </thin</think>".getBytes(StandardCharsets.UTF_8)) {
            constraint.accept(tokenOf(each));
        }
        assertFalse(constraint.accepts(TINY.encode("h")[0]));
        accept(constraint, "{a}");
        assertTrue(constraint.mustEnd());
    }

    @Test
    void aThinkingThatThePromptHasClosedDoesNotOpenAgain() {
        Constraint constraint = afterThinking("<|im_start|>assistant\n<think>\n\n</think>\n\n");
        assertFalse(constraint.accepts(TINY.special("<think>").getAsInt()));
        accept(constraint, "{a}");
        assertTrue(constraint.mustEnd());
    }

    @Test
    void whiteSpaceBeforeTheTextIsBounded() {
        Constraint constraint = afterThinking("<think></think>");
        for (int i = 0; i < 3; i++) {
            accept(constraint, "\n");
        }
        assertFalse(constraint.accepts(TINY.encode("\n")[0]));
        assertFalse(allowed(constraint)[TINY.encode("\n")[0]]);
    }

    @Test
    void aVocabularyThatCannotSpellTheTextIsAnError() {
        Tokenizer few = tokenizer(List.of("a", "b", "ab", "<|im_end|>"), 1, 1, 1, 3);
        Constraint constraint = Grammar.ofGbnf("root ::= \"ac\"").constraint(few);
        constraint.accept(0);
        assertEquals(
                "no token of the vocabulary continues the text as the grammar wants it",
                assertThrows(GrammarException.class, () -> constraint.mask(new float[4]))
                        .getMessage());
        Tokenizer endless = tokenizer(List.of("a", "b", "ab"), 1, 1, 1);
        assertEquals(
                "the vocabulary has no end token, so a text could not end with its grammar",
                assertThrows(
                                GrammarException.class,
                                () -> Grammar.ofGbnf("root ::= \"a\"").constraint(endless))
                        .getMessage());
    }

    private static Tokenizer tokenizer(List<String> tokens, int... types) {
        return Tokenizer.of(Vocabulary.builder(Vocabulary.Model.BYTE_LEVEL_BPE)
                .preTokenizer(Vocabulary.PreTokenizer.of("qwen2"))
                .merges(List.of("a b"))
                .tokens(tokens)
                .types(types)
                .build());
    }

    /** What is kept of a grammar's states stays bounded, and forgetting them changes nothing. */
    @Test
    void aLongTextOfManyStatesIsFollowed() {
        Constraint constraint = Grammar.ofGbnf("root ::= ([a-z] [0-9]){30000}").constraint(TINY);
        int letter = TINY.encode("a")[0];
        int digit = TINY.encode("1")[0];
        for (int i = 0; i < 30_000; i++) {
            assertFalse(constraint.accepts(digit));
            constraint.accept(letter);
            assertFalse(constraint.accepts(letter));
            constraint.accept(digit);
            if (i % 10_000 == 0) {
                assertFalse(allowed(constraint)[digit]);
            }
        }
        assertTrue(constraint.mustEnd());
    }

    @Test
    void masksOfHostileGrammarsTakeBoundedWork() {
        Grammar grammar = Grammar.ofGbnf("root ::= s\ns ::= [a-z ] s s s | [a-z ]");
        Constraint constraint = grammar.constraint(TINY);
        int letter = TINY.encode("a")[0];
        assertThrows(GrammarException.class, () -> {
            for (int i = 0; i < 5_000; i++) {
                constraint.mask(new float[TINY.vocabulary().size()]);
                constraint.accept(letter);
            }
        });
    }

    private static final Map<String, Object> TOOLS = Map.of(
            "dose",
            Map.of("type", "object", "properties", Map.of("kg", Map.of("type", "integer")), "required", List.of("kg")));

    private static final String CALL = "<tool_call>\n{\"name\": \"dose\", \"arguments\": {\"kg\": 3}}\n</tool_call>";

    @Test
    void aConstraintThatWaitsHoldsWhatFollowsItsTrigger() {
        Constraint constraint = Grammar.ofTextWithToolCalls(TOOLS, true).constraint(TINY);
        accept(constraint, "Anything, <tool_calls and <tool_");
        assertTrue(constraint.isComplete());
        assertFalse(constraint.mustEnd());
        assertTrue(constraint.accepts(END));
        accept(constraint, "x " + CALL);
        assertFalse(constraint.mustEnd());
        accept(constraint, " and on " + CALL.substring(0, 20));
        assertFalse(constraint.isComplete());
        assertFalse(constraint.accepts(END));
        assertThrows(IllegalArgumentException.class, () -> accept(constraint, "x"));
        boolean[] allowed = allowed(constraint);
        for (int id = 0; id < allowed.length; id++) {
            assertEquals(allowed[id], constraint.accepts(id), "token " + id);
        }
    }

    @Test
    void theTriggerMayBeSpelledByAnyTokens() {
        for (String spelled : List.of("<tool_call>", "<<tool_call>", "<tool<tool_call>")) {
            Constraint constraint = Grammar.ofTextWithToolCalls(TOOLS, true).constraint(TINY);
            for (byte each : spelled.getBytes(StandardCharsets.UTF_8)) {
                constraint.accept(tokenOf(each));
            }
            assertFalse(constraint.accepts(tokenOf((byte) 'x')), spelled);
            assertTrue(constraint.accepts(tokenOf((byte) '{')), spelled);
        }
    }

    @Test
    void afterTheOnlyCallNothingButTheEndMayCome() {
        Constraint constraint = Grammar.ofTextWithToolCalls(TOOLS, false).constraint(TINY);
        accept(constraint, "Well: " + CALL);
        assertTrue(constraint.mustEnd());
        assertFalse(constraint.accepts(tokenOf((byte) ' ')));
        assertTrue(allowed(constraint)[END]);
        constraint.accept(END);
    }

    @Test
    void whatIsThoughtBeginsNoCall() {
        Constraint constraint =
                Grammar.ofTextWithToolCalls(TOOLS, true).afterThinking().constraint(TINY);
        accept(constraint, "<think>a <tool_call> perhaps</think>\n\nNo. <tool_call>");
        assertThrows(IllegalArgumentException.class, () -> accept(constraint, "x"));
        Constraint required = Grammar.ofToolCalls(TOOLS, false).afterThinking().constraint(TINY);
        accept(required, "<think>so</think>\n\n" + CALL);
        assertTrue(required.mustEnd());
    }

    @Test
    void severalCallsStandInLines() {
        Constraint constraint = Grammar.ofToolCalls(TOOLS, true).constraint(TINY);
        accept(constraint, CALL + "\n" + CALL);
        assertTrue(constraint.isComplete());
        assertFalse(constraint.mustEnd());
        assertThrows(IllegalArgumentException.class, () -> accept(constraint, " "));
    }
}
