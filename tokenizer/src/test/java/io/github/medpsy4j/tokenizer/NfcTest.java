package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.text.Normalizer;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NfcTest {
    @Test
    void normalizesAsTheJdkDoes() {
        Random random = new Random(11);
        String[] atoms = {
            "e",
            "\u0301",
            "\u0323",
            "\u0327",
            "a\u030a",
            "Å",
            "ᄀ",
            "ᅡ",
            "ᆨ",
            "한",
            "\u09c7\u09be",
            "\u0dd9\u0dcf\u0dca",
            "\ud81b\udd67",
            "\ud81b\udd63",
            "x",
            " ",
            "字",
            "\u2126",
            "\ufb01",
            "\ud834\udd5e",
            "\u0f71\u0f72",
            "\ud83d"
        };
        for (int i = 0; i < 2_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(900); n >= 0; n--) {
                text.append(atoms[random.nextInt(atoms.length)]);
            }
            String expected = Normalizer.normalize(text, Normalizer.Form.NFC);
            String normalized = Nfc.normalize(text.toString(), 0, text.length());
            assertEquals(expected, normalized == null ? text.toString() : normalized);
        }
    }

    @Test
    void normalizesOnlyTheRangeItIsGiven() {
        assertEquals("é", Nfc.normalize("e\u0301e\u0301\u0301", 2, 4));
        assertNull(Nfc.normalize("e\u0301", 1, 2));
        assertNull(Nfc.normalize("plain and é", 0, 11));
    }

    /** No piece may start with a char that normalization joins to, or moves before, another. */
    @Test
    void everyCodePointThatJoinsBackwardsIsKnown() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            if (c >= 0xD800 && c <= 0xDFFF) {
                continue;
            }
            String parts = Normalizer.normalize(Character.toString(c), Normalizer.Form.NFD);
            int first = parts.codePointAt(0);
            // Whatever has a combining class is a mark; what has none joins as the later part of a composition.
            if (parts.length() > Character.charCount(first)) {
                parts.codePoints()
                        .skip(1)
                        .forEach(part -> assertTrue(Nfc.joinsBefore(part), () -> "U+" + Integer.toHexString(part)));
            }
        }
    }
}
