package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.tokenizer.Vocabulary.TokenType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private static final Tokenizer QWEN2 = Fixture.tokenizer("qwen2");
    private static final int END = QWEN2.special("<|end|>").getAsInt();
    private static final int TAG = QWEN2.special("<tag>").getAsInt();

    @ParameterizedTest
    @ValueSource(strings = {"qwen2", "gpt-2", "llama-bpe", "smollm", "sentencepiece", "sentencepiece-prefix"})
    void untrustedTextNeverTurnsIntoASpecialToken(String name) {
        Tokenizer tokenizer = Fixture.tokenizer(name);
        for (String token : tokenizer.vocabulary().tokens()) {
            for (String text : List.of(token, "a" + token, token + token, " " + token + "\n", "<" + token)) {
                for (int id : tokenizer.encode(text)) {
                    TokenType type = tokenizer.vocabulary().type(id);
                    assertTrue(
                            type == TokenType.NORMAL
                                    || type == TokenType.BYTE
                                    || tokenizer.vocabulary().tokens().get(id).isBlank(),
                            text);
                }
            }
        }
    }

    @Test
    void specialTokensMatchOnlyWhollyInsideATrustedSpan() {
        String text = "<|end|>a<|end|>";
        assertArrayEquals(joined(new int[] {END}, QWEN2.encode("a<|end|>")), encode(text, 0, 7));
        assertArrayEquals(joined(QWEN2.encode("<|end|>a"), new int[] {END}), encode(text, 7, 15));
        assertArrayEquals(QWEN2.encode(text), encode(text, 1, 14));
        assertArrayEquals(QWEN2.encode(text), encode(text, 0, 6));
        assertArrayEquals(QWEN2.encode(text), QWEN2.encode(text, TrustedSpans.none()));
        assertArrayEquals(QWEN2.encodeWithSpecials(text), QWEN2.encode(text, TrustedSpans.all(15)));
    }

    @Test
    void spansThatTouchTrustATokenAcrossThem() {
        TrustedSpans spans = TrustedSpans.builder().add(0, 3).add(3, 7).build();
        assertArrayEquals(new int[] {END}, QWEN2.encode("<|end|>", spans));
    }

    @Test
    void aShorterTokenMatchesWhereALongerOneIsNotTrusted() {
        int shorter = QWEN2.special("<t").getAsInt();
        assertArrayEquals(new int[] {TAG}, encode("<tag>", 0, 5));
        assertArrayEquals(joined(new int[] {shorter}, QWEN2.encode("ag>")), encode("<tag>", 0, 3));
    }

    @Test
    void ordinaryTextIsOneStretchWhateverTheSpans() {
        String text = "the patient was given metformin e\u0301 ok";
        for (int cut = 0; cut <= text.length(); cut++) {
            assertArrayEquals(QWEN2.encode(text), encode(text, 0, cut));
            assertArrayEquals(QWEN2.encode(text), encode(text, cut, text.length()));
        }
    }

    @Test
    void normalizationDoesNotReachAcrossASpecialToken() {
        int[] expected = joined(QWEN2.encode("e"), new int[] {TAG}, QWEN2.encode("\u0301"));
        assertArrayEquals(expected, QWEN2.encodeWithSpecials("e<tag>\u0301"));
        assertArrayEquals(QWEN2.encode("é"), QWEN2.encode("e\u0301"));
    }

    @Test
    void theLongestSpecialTokenMatches() {
        assertArrayEquals(new int[] {TAG, END}, QWEN2.encodeWithSpecials("<tag><|end|>"));
    }

    @Test
    void rawPromptsTakeTheBeginningAndEndThatTheVocabularyAsksFor() {
        Tokenizer both = Tokenizer.of(Fixture.load("sentencepiece")
                .vocabulary()
                .addBos(true)
                .addEos(true)
                .build());
        assertArrayEquals(joined(new int[] {1}, both.encode("Hello"), new int[] {2}), both.encodeRaw("Hello"));
        assertArrayEquals(joined(new int[] {1}, both.encode("Hello"), new int[] {2}), both.encodeRaw("<s>Hello</s>"));
        assertArrayEquals(new int[] {1, 2}, both.encodeRaw(""));
        Tokenizer none = Tokenizer.of(
                Fixture.load("sentencepiece").vocabulary().addBos(false).build());
        assertArrayEquals(none.encode("Hello"), none.encodeRaw("Hello"));
    }

    @Test
    void sentencePieceAddsABeginningAndASpaceUnlessTheFileSaysOtherwise() {
        Vocabulary vocabulary =
                Fixture.load("sentencepiece").vocabulary().addSpacePrefix(null).build();
        assertTrue(vocabulary.addBos());
        assertFalse(vocabulary.addEos());
        assertTrue(vocabulary.addSpacePrefix());
        assertEquals(OptionalInt.of(1), vocabulary.bos());
    }

    @Test
    void sentencePieceTrimsAndJoinsSpacesWhereTheFileAsksForIt() {
        Tokenizer tokenizer = Tokenizer.of(Fixture.load("sentencepiece-prefix")
                .vocabulary()
                .types(null)
                .removeExtraWhitespaces(true)
                .build());
        assertArrayEquals(tokenizer.encode("the cat"), tokenizer.encode("   the   cat "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen2", "gpt-2", "llama-bpe", "smollm", "sentencepiece"})
    void loneSurrogatesAreTheReplacementCharacter(String name) {
        Tokenizer tokenizer = Fixture.tokenizer(name);
        for (String text : List.of("\ud83d", "\udc69", "a\ud83d", "\udc69\ud83d b", "\ud83d\ud83d\udc69")) {
            String replaced = text.equals("\ud83d\ud83d\udc69")
                    ? "\ufffd\ud83d\udc69"
                    : text.replace('\ud83d', '\ufffd').replace('\udc69', '\ufffd');
            assertArrayEquals(tokenizer.encode(replaced), tokenizer.encode(text));
            assertEquals(replaced, tokenizer.decode(tokenizer.encode(text)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen2", "gpt-2", "llama-bpe", "smollm", "sentencepiece", "sentencepiece-prefix"})
    void everyIdDecodes(String name) {
        Tokenizer tokenizer = Fixture.tokenizer(name);
        for (int id = 0; id < tokenizer.vocabulary().size(); id++) {
            assertTrue(tokenizer.bytesOf(id).length > 0);
            assertEquals(
                    tokenizer.isControl(id) || tokenizer.vocabulary().type(id) == TokenType.UNKNOWN,
                    tokenizer.decode(new int[] {id, id}).isEmpty());
            assertFalse(tokenizer.decode(new int[] {id, id}, true).isEmpty());
        }
    }

    @Test
    void refusesAnIdThatIsNoToken() {
        int size = QWEN2.vocabulary().size();
        String expected = "no such token; expected an id from 0 to " + (size - 1) + ", got ";
        assertEquals(
                expected + size,
                assertThrows(TokenizerException.class, () -> QWEN2.bytesOf(size))
                        .getMessage());
        assertEquals(
                expected + -1,
                assertThrows(TokenizerException.class, () -> QWEN2.decode(new int[] {-1}))
                        .getMessage());
        assertEquals(
                expected + size,
                assertThrows(TokenizerException.class, () -> QWEN2.isEndOfGeneration(size))
                        .getMessage());
        assertEquals(
                expected + size,
                assertThrows(TokenizerException.class, () -> QWEN2.isControl(size))
                        .getMessage());
    }

    @Test
    void findsSpecialTokensByTheirSpelling() {
        assertEquals("<tag>", QWEN2.vocabulary().tokens().get(TAG));
        assertEquals(OptionalInt.empty(), QWEN2.special("<ta"));
        assertEquals(OptionalInt.empty(), QWEN2.special("a"));
        assertEquals(OptionalInt.empty(), QWEN2.special(""));
    }

    @Test
    void sentencePieceJoinsAcrossSpacesWhereATokenDoes() {
        Tokenizer tokenizer = Tokenizer.of(Vocabulary.builder(Vocabulary.Model.SENTENCEPIECE_BPE)
                .tokens(List.of("<unk>", "a", "b", "▁", "a▁", "a▁b", "▁▁", "▁b"))
                .scores(new float[] {0, -9, -9, -9, -3, -2, -1, -4})
                .addBos(false)
                .addSpacePrefix(false)
                .build());
        assertArrayEquals(new int[] {5}, tokenizer.encode("a b"));
        assertArrayEquals(new int[] {5, 7}, tokenizer.encode("a b b"));
        assertArrayEquals(new int[] {1, 6, 2}, tokenizer.encode("a  b"));
        assertArrayEquals(new int[] {1, 6, 7}, tokenizer.encode("a   b"));
        assertArrayEquals(new int[] {0, 7}, tokenizer.encode("\n b")); // no byte tokens: the unknown one
    }

    @Test
    void leavesOutBytesThatNoTokenSpells() {
        Fixture fixture = Fixture.load("gpt-2");
        List<String> tokens = new ArrayList<>(fixture.vocabulary().build().tokens());
        tokens.replaceAll(token -> token.equals("Ą") ? "[gone]" : token); // byte 4
        Tokenizer tokenizer = Tokenizer.of(fixture.vocabulary().tokens(tokens).build());
        assertEquals("ab", tokenizer.decode(tokenizer.encode("a\u0004b")));
        assertArrayEquals(new int[0], tokenizer.encode("\u0004"));
    }

    @Test
    void longAndShortWordsMergeAlike() {
        Vocabulary vocabulary = Fixture.load("gpt-2").vocabulary().build();
        ByteLevelBpe searching = new ByteLevelBpe(vocabulary, Integer.MAX_VALUE);
        ByteLevelBpe heaping = new ByteLevelBpe(vocabulary, 0);
        for (Fixture.Case c : Fixture.load("gpt-2").cases()) {
            if (!c.text().isEmpty()) {
                assertArrayEquals(ids(searching, c.text()), ids(heaping, c.text()), c.text());
                String word = c.text().replaceAll("[^\\p{L}]", "") + "x";
                assertArrayEquals(ids(searching, word), ids(heaping, word), word);
            }
        }
    }

    @Test
    void threadsShareATokenizer() throws Exception {
        Fixture fixture = Fixture.load("qwen2");
        Tokenizer tokenizer = Tokenizer.of(fixture.vocabulary().build());
        Callable<Boolean> work = () -> {
            for (Fixture.Case c : fixture.cases()) {
                assertArrayEquals(c.ids(), c.encoded(tokenizer), c.text());
            }
            return true;
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> done : threads.invokeAll(List.of(work, work, work, work))) {
                assertTrue(done.get());
            }
        }
    }

    private static int[] encode(String text, int start, int end) {
        return QWEN2.encode(text, TrustedSpans.builder().add(start, end).build());
    }

    private static int[] ids(Bpe bpe, String text) {
        IntList ids = new IntList(0);
        bpe.run().encode(text, 0, text.length(), ids);
        return ids.toArray();
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }
}
