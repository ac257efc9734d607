package io.github.medpsy4j.tokenizer;

/**
 * Splits text into the words inside which byte-level BPE merges. Each pre-tokenizer is published as a regular
 * expression; scanners by hand do the same in linear time and without recursion. Every char belongs to a word.
 */
final class WordSplitter {
    private static final int OTHER = 0;
    private static final int LETTER = 1;
    private static final int NUMBER = 2;
    private static final int SPACE = 3;

    private static final byte[] ASCII_CLASS = new byte[128];

    static {
        for (int c = 0; c < 128; c++) {
            ASCII_CLASS[c] = (byte) classOfAny(c);
        }
    }

    private final boolean gpt2;
    /** The most digits in a word; 0 for no limit. */
    private final int digitsMax;
    /** Numbers were cut out before the pattern looks: they take no space along, and text ends where they start. */
    private final boolean numbersFirst;

    private WordSplitter(boolean gpt2, int digitsMax, boolean numbersFirst) {
        this.gpt2 = gpt2;
        this.digitsMax = digitsMax;
        this.numbersFirst = numbersFirst;
    }

    /** The patterns are those of llama.cpp's llama-vocab.cpp and of the models' tokenizer.json. */
    static WordSplitter of(Vocabulary.PreTokenizer pre) {
        return switch (pre) {
            // (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*
            // |\s*[\r\n]+|\s+(?!\S)|\s+
            case QWEN2, DEEPSEEK_R1_QWEN -> new WordSplitter(false, 1, false);
            // The same, with \p{N}{1,3}
            case LLAMA_BPE -> new WordSplitter(false, 3, false);
            // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
            case GPT_2 -> new WordSplitter(true, 0, false);
            // \p{N} first, then GPT-2's on what lies between
            case SMOLLM -> new WordSplitter(true, 1, true);
        };
    }

    /** The end of the word that starts at {@code from}, in a text that ends at {@code to}; {@code from < to}. */
    int next(String text, int from, int to) {
        return gpt2 ? nextGpt2(text, from, to) : nextLlama3(text, from, to);
    }

    private int nextLlama3(String text, int from, int to) {
        int c = codePoint(text, from, to);
        int behind = from + Character.charCount(c);
        int kind = classOf(c);
        if (c == '\'') {
            int end = contraction(text, from, to, true);
            if (end > 0) {
                return end;
            }
        }
        if (kind == LETTER) {
            return run(LETTER, text, behind, to);
        }
        if (kind == NUMBER) {
            return digits(text, behind, to);
        }
        if (c != '\r' && c != '\n' && classAt(text, behind, to) == LETTER) {
            return run(LETTER, text, behind, to);
        }
        if (kind == OTHER || (c == ' ' && classAt(text, behind, to) == OTHER)) {
            int end = run(OTHER, text, behind, to);
            while (end < to && isNewline(text.charAt(end))) {
                end++;
            }
            return end;
        }
        int end = behind;
        int newlineEnd = isNewline(c) ? behind : 0;
        while (classAt(text, end, to) == SPACE) {
            if (isNewline(text.charAt(end++))) {
                newlineEnd = end;
            }
        }
        return newlineEnd > 0 ? newlineEnd : spaces(from, end, end == to);
    }

    private int nextGpt2(String text, int from, int to) {
        int c = codePoint(text, from, to);
        int behind = from + Character.charCount(c);
        int kind = classOf(c);
        if (c == '\'') {
            int end = contraction(text, from, to, false);
            if (end > 0) {
                return end;
            }
        }
        if (c == ' ') {
            int next = classAt(text, behind, to);
            if (next == LETTER || next == OTHER || (next == NUMBER && !numbersFirst)) {
                return run(next, text, behind, to);
            }
        }
        if (kind == NUMBER) {
            return digits(text, behind, to);
        }
        int end = run(kind, text, behind, to);
        if (kind != SPACE) {
            return end;
        }
        return spaces(from, end, end == to || (numbersFirst && classAt(text, end, to) == NUMBER));
    }

    /** The end of a run of spaces: the last is left to the word behind it, unless it is the only one. */
    private static int spaces(int from, int end, boolean atEnd) {
        return atEnd || end - from == 1 ? end : end - 1; // every space is one char
    }

    /** The end of a number whose first digit ends at {@code from}. */
    private int digits(String text, int from, int to) {
        int end = from;
        for (int n = 1; n != digitsMax && classAt(text, end, to) == NUMBER; n++) {
            end += Character.charCount(codePoint(text, end, to));
        }
        return end;
    }

    private static int run(int kind, String text, int from, int to) {
        int end = from;
        while (end < to) {
            int c = codePoint(text, end, to);
            if (classOf(c) != kind) {
                break;
            }
            end += Character.charCount(c);
        }
        return end;
    }

    /** The end of 's, 't, 'm, 'd, 're, 've or 'll at {@code from}, or 0. */
    private static int contraction(String text, int from, int to, boolean anyCase) {
        int first = letterAt(text, from + 1, to, anyCase);
        if (first == 's' || first == 't' || first == 'm' || first == 'd') {
            return from + 2;
        }
        int second = letterAt(text, from + 2, to, anyCase);
        boolean two = ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
        return two ? from + 3 : 0;
    }

    private static int letterAt(String text, int at, int to, boolean anyCase) {
        if (at >= to) {
            return 0;
        }
        char c = text.charAt(at);
        if (anyCase) {
            if (c == 'ſ') {
                return 's'; // the long s is an s to a pattern that ignores case
            }
            if (c >= 'A' && c <= 'Z') {
                return c + ('a' - 'A');
            }
        }
        return c;
    }

    private static boolean isNewline(int c) {
        return c == '\r' || c == '\n';
    }

    private static int codePoint(String text, int at, int to) {
        char c = text.charAt(at);
        if (Character.isHighSurrogate(c) && at + 1 < to && Character.isLowSurrogate(text.charAt(at + 1))) {
            return Character.toCodePoint(c, text.charAt(at + 1));
        }
        return c;
    }

    private static int classAt(String text, int at, int to) {
        return at < to ? classOf(codePoint(text, at, to)) : -1;
    }

    private static int classOf(int c) {
        return c < 128 ? ASCII_CLASS[c] : classOfAny(c);
    }

    private static int classOfAny(int c) {
        return switch (Character.getType(c)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            default -> isSpace(c) ? SPACE : OTHER;
        };
    }

    /** Unicode's White_Space, which Java's own methods are not. */
    private static boolean isSpace(int c) {
        return (c >= 0x09 && c <= 0x0D)
                || c == 0x20
                || c == 0x85
                || c == 0xA0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200A)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000;
    }
}
