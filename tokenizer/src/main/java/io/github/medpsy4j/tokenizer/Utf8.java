package io.github.medpsy4j.tokenizer;

/** UTF-8 as the tokenizer needs it: a surrogate without its other half is U+FFFD. */
final class Utf8 {
    private static final char REPLACEMENT = 0xFFFD;

    private Utf8() {}

    /** The most bytes that {@code chars} chars take: three for each, and four for the two of a pair. */
    static int maxBytes(int chars) {
        return Math.multiplyExact(chars, 3);
    }

    /** Writes the chars from {@code from} to {@code to} at {@code at} and returns the position behind them. */
    static int encode(char[] text, int from, int to, byte[] target, int at) {
        int out = at;
        for (int i = from; i < to; i++) {
            int c = text[i];
            if (c < 0x80) {
                target[out++] = (byte) c;
                continue;
            }
            if (Character.isSurrogate((char) c)) {
                if (Character.isHighSurrogate((char) c) && i + 1 < to && Character.isLowSurrogate(text[i + 1])) {
                    c = Character.toCodePoint((char) c, text[++i]);
                } else {
                    c = REPLACEMENT;
                }
            }
            out = encode(c, target, out);
        }
        return out;
    }

    /** Writes a code point and returns the position behind it. */
    static int encode(int codePoint, byte[] target, int at) {
        int out = at;
        if (codePoint < 0x80) {
            target[out++] = (byte) codePoint;
        } else if (codePoint < 0x800) {
            target[out++] = (byte) (0xC0 | (codePoint >> 6));
            target[out++] = (byte) (0x80 | (codePoint & 0x3F));
        } else if (codePoint < 0x10000) {
            target[out++] = (byte) (0xE0 | (codePoint >> 12));
            target[out++] = (byte) (0x80 | ((codePoint >> 6) & 0x3F));
            target[out++] = (byte) (0x80 | (codePoint & 0x3F));
        } else {
            target[out++] = (byte) (0xF0 | (codePoint >> 18));
            target[out++] = (byte) (0x80 | ((codePoint >> 12) & 0x3F));
            target[out++] = (byte) (0x80 | ((codePoint >> 6) & 0x3F));
            target[out++] = (byte) (0x80 | (codePoint & 0x3F));
        }
        return out;
    }

    /** The bytes of the character that starts with {@code lead}, in well-formed UTF-8. */
    static int length(byte lead) {
        int b = lead & 0xFF;
        return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    }

    /**
     * The text of the first {@code size} bytes. What is not UTF-8 becomes one U+FFFD for each longest start of a character
     * and each other byte (Unicode 3.9, "U+FFFD substitution of maximal subparts"), so that text does not depend on where a
     * stream was cut; the JDK's decoder counts otherwise for bytes that spell a surrogate.
     */
    static String decode(byte[] bytes, int size) {
        char[] chars = new char[size];
        int n = 0;
        for (int at = 0; at < size; ) {
            int length = wellFormed(bytes, at, size);
            int lead = bytes[at] & 0xFF;
            if (lead < 0x80) {
                chars[n++] = (char) lead;
                at++;
            } else if (lead >= 0xC2 && lead <= 0xF4 && length == length((byte) lead)) {
                int c = lead & (0x7F >> length);
                for (int i = 1; i < length; i++) {
                    c = (c << 6) | (bytes[at + i] & 0x3F);
                }
                n += Character.toChars(c, chars, n);
                at += length;
            } else {
                chars[n++] = REPLACEMENT;
                at += length;
            }
        }
        return new String(chars, 0, n);
    }

    /** How many of the last of {@code size} bytes are the start of a character that is not yet whole: 0 to 3. */
    static int unfinished(byte[] bytes, int size) {
        for (int back = 1; back <= Math.min(3, size); back++) {
            int lead = bytes[size - back] & 0xFF;
            if (lead >= 0xC0) {
                boolean starts = lead >= 0xC2 && lead <= 0xF4 && length((byte) lead) > back;
                return starts && wellFormed(bytes, size - back, size) == back ? back : 0;
            }
            if (lead < 0x80) {
                return 0;
            }
        }
        return 0;
    }

    /** The bytes from {@code at} that are a character or the longest start of one, at least 1. */
    private static int wellFormed(byte[] bytes, int at, int size) {
        int lead = bytes[at] & 0xFF;
        if (lead < 0xC2 || lead > 0xF4) {
            return 1;
        }
        int length = length((byte) lead);
        int n = 1;
        while (n < length && at + n < size) {
            int b = bytes[at + n] & 0xFF;
            if (b < 0x80 || b > 0xBF || (n == 1 && !secondFits(lead, b))) {
                break;
            }
            n++;
        }
        return n;
    }

    private static boolean secondFits(int lead, int second) {
        return switch (lead) {
            case 0xE0 -> second >= 0xA0;
            case 0xED -> second < 0xA0;
            case 0xF0 -> second >= 0x90;
            case 0xF4 -> second < 0x90;
            default -> true;
        };
    }
}
