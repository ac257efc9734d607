package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.tokenizer.Vocabulary.Model;
import io.github.medpsy4j.tokenizer.Vocabulary.PreTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class VocabularyTest {
    @Test
    void knowsTheNamesThatFilesUse() {
        assertSame(Model.BYTE_LEVEL_BPE, Model.of("gpt2"));
        assertSame(Model.SENTENCEPIECE_BPE, Model.of("llama"));
        assertSame(PreTokenizer.QWEN2, PreTokenizer.of("qwen2"));
        assertSame(PreTokenizer.LLAMA_BPE, PreTokenizer.of("llama-bpe"));
        assertSame(PreTokenizer.GPT_2, PreTokenizer.of("gpt-2"));
        assertSame(PreTokenizer.SMOLLM, PreTokenizer.of("smollm"));
    }

    @Test
    void refusesUnknownNames() {
        assertMessage(
                "tokenizer.ggml.model: unknown tokenizer; expected one of gpt2, llama, got \"bert\"",
                () -> Model.of("bert"));
        assertMessage(
                "tokenizer.ggml.model: unknown tokenizer; expected one of gpt2, llama, got nothing",
                () -> Model.of(null));
        assertMessage(
                "tokenizer.ggml.pre: unknown pre-tokenizer; expected one of qwen2, deepseek-r1-qwen, gpt-2, default, phi-2,"
                        + " llama-bpe, llama3, llama-v3, falcon3, lfm2, smollm, starcoder, refact, got \"tekken\"",
                () -> PreTokenizer.of("tekken"));
    }

    @Test
    void refusesAnEmptyVocabulary() {
        assertRefused("tokenizer.ggml.tokens: the vocabulary is empty", bpe().tokens(List.of()));
    }

    @Test
    void refusesByteLevelBpeWithoutMergesOrPreTokenizer() {
        assertRefused("tokenizer.ggml.merges: missing; byte-level BPE needs merges", bpe().merges(List.of()));
        assertRefused("tokenizer.ggml.pre: missing; byte-level BPE needs a pre-tokenizer", bpe().preTokenizer(null));
    }

    @Test
    void refusesListsThatDoNotFitTheTokens() {
        int n = bpe().build().size();
        assertRefused(
                "tokenizer.ggml.token_type: wrong length; expected one per token, " + n + ", got 2",
                bpe().types(new int[2]));
        int[] types = new int[n];
        types[7] = 9;
        assertRefused(
                "tokenizer.ggml.token_type: token 7 has an unknown type; expected 0 to 6, got 9", bpe().types(types));
        int pieces = sentencePiece().build().size();
        assertRefused(
                "tokenizer.ggml.scores: missing; SentencePiece BPE needs scores",
                sentencePiece().scores(null));
        assertRefused(
                "tokenizer.ggml.scores: wrong length; expected one per token, " + pieces + ", got 3",
                sentencePiece().scores(new float[3]));
        float[] scores = new float[pieces];
        scores[4] = Float.NaN;
        assertRefused(
                "tokenizer.ggml.scores: token 4 has a score that is no number",
                sentencePiece().scores(scores));
    }

    @Test
    void refusesIdsThatAreNoTokens() {
        int n = bpe().build().size();
        String rest = ": not a token; expected an id from 0 to " + (n - 1) + ", got ";
        assertRefused("tokenizer.ggml.bos_token_id" + rest + n, bpe().bos(n));
        assertRefused("tokenizer.ggml.eos_token_id" + rest + -1, bpe().eos(-1));
        assertRefused("tokenizer.ggml.eot_token_id" + rest + n, bpe().eot(n));
        assertRefused("tokenizer.ggml.eom_token_id" + rest + n, bpe().eom(n));
        assertRefused("tokenizer.ggml.unknown_token_id" + rest + n, bpe().unknown(n));
        assertRefused("tokenizer.ggml.padding_token_id" + rest + n, bpe().padding(n));
    }

    @Test
    void refusesToAddATokenThatIsNotSet() {
        assertRefused(
                "tokenizer.ggml.add_bos_token is true, but tokenizer.ggml.bos_token_id is not set", bpe().addBos(true));
        assertRefused(
                "tokenizer.ggml.add_eos_token is true, but tokenizer.ggml.eos_token_id is not set", bpe().addEos(true));
    }

    @Test
    void refusesMergesThatNameUnknownTokens() {
        assertBuildRefused(
                "tokenizer.ggml.merges: merge 0 names a token that the vocabulary lacks: qqqq",
                bpe().merges(List.of("qqqq b")));
        assertBuildRefused(
                "tokenizer.ggml.merges: merge 1 names a token that the vocabulary lacks: 字",
                bpe().merges(List.of(bpe().build().merges().getFirst(), "a 字")));
        assertBuildRefused(
                "tokenizer.ggml.merges: merge 0 names a token that the vocabulary lacks: zq",
                bpe().merges(List.of("q zq")));
        assertBuildRefused(
                "tokenizer.ggml.merges: merge 0 names a token that the vocabulary lacks: qz",
                bpe().merges(List.of("q z")));
        for (String merge : List.of("ab", "", " ", "a ")) {
            assertBuildRefused(
                    "tokenizer.ggml.merges: merge 0 is not two tokens with a space between: " + merge,
                    bpe().merges(List.of(merge)));
        }
    }

    @Test
    void refusesAMergeOfAControlToken() {
        assertBuildRefused(
                "tokenizer.ggml.merges: merge 0 names a token that the vocabulary lacks: <|end|>",
                bpe().merges(List.of("<|end|> a")));
    }

    @Test
    void refusesSentencePieceThatCannotSpellAByte() {
        assertBuildRefused(
                "tokenizer.ggml.tokens: token 1 is a byte; expected a text like <0x0A>, got byte",
                Vocabulary.builder(Model.SENTENCEPIECE_BPE)
                        .tokens(List.of("<unk>", "byte"))
                        .types(new int[] {2, 6})
                        .scores(new float[2]));
    }

    @Test
    void ofTokensWithTheSameTextTheFirstIsUsed() {
        List<String> tokens = new ArrayList<>(bpe().build().tokens());
        tokens.add("a");
        Tokenizer tokenizer = Tokenizer.of(bpe().tokens(tokens).types(null).build());
        assertEquals(tokens.indexOf("a"), tokenizer.encode("a")[0]);
    }

    @Test
    void anEndThatIsOrdinaryTextEndsNothing() {
        Vocabulary.Builder builder = Vocabulary.builder(Model.SENTENCEPIECE_BPE)
                .tokens(List.of("<unk>", "<s>", "</s>", "<|im_end|>", "<|endoftext|>", "x"))
                .scores(new float[6])
                .types(new int[] {2, 3, 3, 1, 3, 1});
        assertEquals(Set.of(2, 4), builder.build().endOfGeneration());
        assertEquals(Set.of(2, 4, 5), builder.eot(5).build().endOfGeneration());
        assertTrue(Tokenizer.of(builder.build()).isEndOfGeneration(5));
    }

    @Test
    void laterChangesToTheListsDoNotReachIt() {
        String[] tokens = bpe().build().tokens().toArray(String[]::new);
        Vocabulary vocabulary = bpe().tokens(Arrays.asList(tokens)).build();
        String first = tokens[0];
        tokens[0] = "changed";
        assertEquals(first, vocabulary.tokens().getFirst());
    }

    @Test
    void tokensMayBeFarLongerThanMost() {
        List<String> tokens = new ArrayList<>(bpe().build().tokens());
        List<String> merges = new ArrayList<>(bpe().build().merges());
        tokens.add("aa");
        merges.add("a a");
        for (int length = 4; length <= 4096; length *= 2) {
            tokens.add("a".repeat(length));
            merges.add("a".repeat(length / 2) + " " + "a".repeat(length / 2));
        }
        tokens.add("<|" + "医".repeat(4000) + "|>");
        int[] types = new int[tokens.size()];
        Arrays.fill(types, 1);
        types[types.length - 1] = 3;
        Vocabulary vocabulary = bpe().tokens(tokens).merges(merges).types(types).build();
        assertEquals(tokens, vocabulary.tokens());
        assertEquals(merges, vocabulary.merges());
        Tokenizer tokenizer = Tokenizer.of(vocabulary);
        int[] ids = tokenizer.encode("a".repeat(4096));
        assertArrayEquals(new int[] {tokens.size() - 2}, ids);
        assertEquals("a".repeat(4096), tokenizer.decode(ids));
    }

    private static Vocabulary.Builder bpe() {
        return Fixture.load("gpt-2").vocabulary();
    }

    private static Vocabulary.Builder sentencePiece() {
        return Fixture.load("sentencepiece").vocabulary();
    }

    private static void assertRefused(String message, Vocabulary.Builder builder) {
        assertMessage(message, builder::build);
    }

    private static void assertBuildRefused(String message, Vocabulary.Builder builder) {
        Vocabulary vocabulary = builder.build();
        assertMessage(message, () -> Tokenizer.of(vocabulary));
    }

    private static void assertMessage(String message, Executable code) {
        assertEquals(message, assertThrows(TokenizerException.class, code).getMessage());
    }
}
