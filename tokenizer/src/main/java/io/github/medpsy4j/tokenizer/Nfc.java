package io.github.medpsy4j.tokenizer;

import java.text.Normalizer;

/** Unicode's normalization form C. */
final class Nfc {
    private Nfc() {}

    static String normalize(String text) {
        return Normalizer.isNormalized(text, Normalizer.Form.NFC)
                ? text
                : Normalizer.normalize(text, Normalizer.Form.NFC);
    }
}
