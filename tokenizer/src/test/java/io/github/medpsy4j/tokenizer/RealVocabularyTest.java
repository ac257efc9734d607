package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Real models' vocabularies against other implementations; skipped where the models are absent. */
class RealVocabularyTest {
    private static final String QWEN = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
    private static final String SMOLLM = "smollm2-135m-instruct-q4_1.gguf";
    private static final String GEMMA = "gemma-3-270m-q4_k_m.gguf";

    @Test
    void qwen3IdsAreThoseOfThePublishedTokenizer() throws Exception {
        Vocabulary qwen25 = RealVocabulary.of(QWEN).build();
        // Qwen3 names four of the ids that Qwen2.5 leaves unused.
        List<String> tokens = new ArrayList<>(qwen25.tokens());
        int[] types = new int[tokens.size()];
        for (int id = 0; id < types.length; id++) {
            types[id] = switch (qwen25.type(id)) {
                case NORMAL -> 1;
                case CONTROL -> 3;
                case USER_DEFINED -> 4;
                default -> 5;
            };
        }
        String[] added = {"<tool_response>", "</tool_response>", "<think>", "</think>"};
        for (int i = 0; i < added.length; i++) {
            tokens.set(151665 + i, added[i]);
            types[151665 + i] = 4;
        }
        Tokenizer qwen3 =
                Tokenizer.of(RealVocabulary.of(QWEN).tokens(tokens).types(types).build());
        List<Fixture.Case> cases = Fixture.lines("tokenizer-qwen3.jsonl");
        assertEquals(316, cases.size());
        for (Fixture.Case c : cases) {
            assertArrayEquals(c.ids(), c.encoded(qwen3), c.text());
        }
        assertEquals(Set.of(151643, 151645, 151662, 151663, 151664), qwen25.endOfGeneration());
        assertEquals(151644, qwen3.special("<|im_start|>").getAsInt());
        assertTrue(qwen3.isEndOfGeneration(151645));
    }

    @Test
    void smollmIdsAreThoseOfLlamaCpp() throws Exception {
        assertIds(
                "llamacpp-smollm2-135m.jsonl",
                Tokenizer.of(RealVocabulary.of(SMOLLM).build()));
    }

    @Test
    void gemmaIdsAreThoseOfLlamaCpp() throws Exception {
        Tokenizer gemma = Tokenizer.of(RealVocabulary.of(GEMMA).build());
        assertIds("llamacpp-gemma-3-270m.jsonl", gemma);
        for (int id : gemma.encode("<start_of_turn>user<bos><start_of_image>")) {
            assertEquals(Vocabulary.TokenType.NORMAL, gemma.vocabulary().type(id));
        }
        assertEquals(2, gemma.encodeRaw("hi")[0]);
    }

    private static void assertIds(String cases, Tokenizer tokenizer) {
        for (Fixture.Case c : Fixture.lines(cases)) {
            assertArrayEquals(c.ids(), c.encoded(tokenizer), c.text());
        }
    }
}
