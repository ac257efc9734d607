package io.github.medpsy4j.tokenizer;

import java.util.Arrays;

/**
 * The 256 chars with which byte-level vocabularies spell bytes: printable Latin-1 for itself, and for the other 68, in
 * order, the chars from U+0100 (GPT-2's bytes_to_unicode).
 */
final class ByteAlphabet {
    private static final short[] BYTE_OF_CHAR = new short[0x144];

    static {
        Arrays.fill(BYTE_OF_CHAR, (short) -1);
        int next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean itself = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            BYTE_OF_CHAR[itself ? b : next++] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /**
     * Writes the bytes that the chars from {@code from} to {@code to} spell at {@code at} and returns the position
     * behind them, or -1 if a char is not of the alphabet.
     */
    static int decode(char[] text, int from, int to, byte[] target, int at) {
        int out = at;
        for (int i = from; i < to; i++) {
            char c = text[i];
            if (c >= BYTE_OF_CHAR.length || BYTE_OF_CHAR[c] < 0) {
                return -1;
            }
            target[out++] = (byte) BYTE_OF_CHAR[c];
        }
        return out;
    }
}
