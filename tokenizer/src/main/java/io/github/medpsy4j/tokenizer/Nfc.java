package io.github.medpsy4j.tokenizer;

import java.text.Normalizer;

/**
 * Unicode's normalization form C in linear time. The JDK's takes the square of the number of marks on one character (80,000
 * pairs of them: ten seconds), so text goes to it in pieces that end where nothing reaches across.
 */
final class Nfc {
    /** Below this char nothing changes, and nothing joins what stands before (UAX #15). */
    private static final char FIRST_NOT_INERT = 0x300;

    private static final int PIECE_CHARS = 256;
    /**
     * A piece ends here even inside a character. Of a character with more marks than this only the ids could differ from
     * those of a whole normalization.
     */
    private static final int PIECE_CHARS_MAX = 1024;

    private Nfc() {}

    /** The chars from {@code from} to {@code to}, normalized, or null if they are so already. */
    static String normalize(String text, int from, int to) {
        int at = from;
        while (at < to && text.charAt(at) < FIRST_NOT_INERT) {
            at++;
        }
        if (at == to) {
            return null;
        }
        StringBuilder normalized = null;
        int start = from;
        while (start < to) {
            int end = endOfPiece(text, start, to);
            CharSequence piece = text.subSequence(start, end);
            if (!Normalizer.isNormalized(piece, Normalizer.Form.NFC)) {
                if (normalized == null) {
                    normalized = new StringBuilder(to - from).append(text, from, start);
                }
                piece = Normalizer.normalize(piece, Normalizer.Form.NFC);
            }
            if (normalized != null) {
                normalized.append(piece);
            }
            start = end;
        }
        return normalized == null ? null : normalized.toString();
    }

    private static int endOfPiece(String text, int start, int to) {
        int max = (int) Math.min(to, (long) start + PIECE_CHARS_MAX);
        int end = (int) Math.min(to, (long) start + PIECE_CHARS);
        while (end < max && (Character.isLowSurrogate(text.charAt(end)) || joinsBefore(text.codePointAt(end)))) {
            end++;
        }
        return end < to && Character.isLowSurrogate(text.charAt(end)) ? end - 1 : end;
    }

    /** Whether normalization may join or reorder {@code c} with what stands before it. */
    static boolean joinsBefore(int c) {
        if (c < FIRST_NOT_INERT) {
            return false;
        }
        return switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> true;
            // Hangul's vowels and finals, and Kirat Rai's vowels, are letters that join.
            case Character.OTHER_LETTER -> (c >= 0x1160 && c <= 0x11FF) || (c >= 0x16D63 && c <= 0x16D6A);
            default -> false;
        };
    }
}
