package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.text.Normalizer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Small trained vocabularies against Hugging Face's tokenizers (byte-level) and llama.cpp (SentencePiece). */
class ReferenceIdsTest {
    @ParameterizedTest
    @ValueSource(strings = {"qwen2", "gpt-2", "llama-bpe", "smollm", "sentencepiece", "sentencepiece-prefix"})
    void idsAreThoseOfTheReference(String name) {
        Fixture fixture = Fixture.load(name);
        Tokenizer tokenizer = Tokenizer.of(fixture.vocabulary().build());
        assertTrue(fixture.cases().size() > 300);
        for (Fixture.Case c : fixture.cases()) {
            assertArrayEquals(c.ids(), c.encoded(tokenizer), c.text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen2", "gpt-2", "llama-bpe", "smollm", "sentencepiece", "sentencepiece-prefix"})
    void decodingGivesTheTextBack(String name) {
        Fixture fixture = Fixture.load(name);
        Tokenizer tokenizer = Tokenizer.of(fixture.vocabulary().build());
        for (Fixture.Case c : fixture.cases()) {
            // Text behind a special token or a run of white space takes a space prefix each time, as in llama.cpp.
            boolean severalPrefixes =
                    c.special() || c.text().contains("  ") || c.text().contains("\n");
            if (severalPrefixes && tokenizer.vocabulary().addSpacePrefix()) {
                continue;
            }
            String text = c.text().replace('▁', name.startsWith("sentencepiece") ? ' ' : '▁');
            if (name.equals("qwen2")) {
                text = Normalizer.normalize(text, Normalizer.Form.NFC);
            }
            assertEquals(text, tokenizer.decode(c.encoded(tokenizer), true));
        }
    }
}
