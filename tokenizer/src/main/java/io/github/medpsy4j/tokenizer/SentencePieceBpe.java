package io.github.medpsy4j.tokenizer;

import io.github.medpsy4j.tokenizer.Vocabulary.TokenType;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * SentencePiece's BPE: of all neighbouring characters or tokens that together are a token, the pair that makes the one
 * with the best score is joined first. What remains and is no token is spelled in byte tokens.
 *
 * <p>SentencePiece writes {@code ▁} for a space. Here both are a space, in tokens as in text: the ids are the same.
 */
final class SentencePieceBpe implements Bpe {
    private static final char ESCAPED_SPACE = '▁';

    private static final byte WHOLE = 1;

    private final Vocabulary vocabulary;
    private final Pieces pieces;
    private final int[] byteIds = new int[256];
    private final int unknown;
    /**
     * By id: whether merging the token's own characters is known to end in the token. Threads may race to write the same
     * answer.
     */
    private final byte[] whole;
    /**
     * By id: the score as a whole number that is least for the best, so that a heap's key is
     * {@code order << 32 | position}.
     */
    private final int[] orders;
    /**
     * The chars with a space behind them in some token: a space, and few others or none (Gemma's: {@code >}). In front of
     * a space behind any other char no token reaches across, so that words can be merged one by one.
     */
    private final BitSet spaceFollows = new BitSet();

    SentencePieceBpe(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        List<String> tokens = vocabulary.tokens();
        int n = tokens.size();
        Arrays.fill(byteIds, Pieces.NONE);
        byte[] bytes = new byte[8 * n];
        char[] chars = new char[256];
        int[] starts = new int[n + 1];
        orders = new int[n];
        spaceFollows.set(' ');
        whole = new byte[n];
        int at = 0;
        for (int id = 0; id < n; id++) {
            String token = tokens.get(id);
            int length = token.length();
            if (chars.length < length) {
                chars = new char[length];
            }
            if (bytes.length - at < Utf8.maxBytes(length)) {
                bytes = Arrays.copyOf(bytes, bytes.length + (bytes.length >> 1) + Utf8.maxBytes(length));
            }
            token.getChars(0, length, chars, 0); // a copy at once: charAt is slow before it is compiled
            if (vocabulary.isNormal(id)) {
                for (int i = 0; i < length; i++) {
                    if (chars[i] == ESCAPED_SPACE) {
                        chars[i] = ' ';
                    }
                    if (chars[i] == ' ' && i > 0) {
                        spaceFollows.set(chars[i - 1]);
                    }
                }
                at = Utf8.encode(chars, 0, length, bytes, at);
                orders[id] = order(vocabulary.score(id));
            } else if (vocabulary.type(id) == TokenType.BYTE) {
                at = decodeByte(token, id, bytes, at);
                byteIds[bytes[at - 1] & 0xFF] = id;
            } else {
                at = Utf8.encode(chars, 0, length, bytes, at);
            }
            starts[id + 1] = at;
        }
        pieces = new Pieces(Arrays.copyOf(bytes, at), starts);
        for (int id = 0; id < n; id++) {
            if (vocabulary.isNormal(id)) {
                pieces.index(id);
            }
        }
        unknown = vocabulary.unknown().orElse(Pieces.NONE);
        for (int b = 0; b < 256; b++) {
            if (byteIds[b] == Pieces.NONE && unknown == Pieces.NONE) {
                throw new TokenizerException(String.format(
                        "tokenizer.ggml.tokens: no token for byte 0x%02X, and no unknown token to stand for it", b));
            }
        }
    }

    /** Writes the byte that {@code token}, such as {@code <0x0A>}, spells, and returns the position behind it. */
    static int decodeByte(String token, int id, byte[] target, int at) {
        boolean wellFormed = token.length() == 6 && token.startsWith("<0x") && token.endsWith(">");
        int high = wellFormed ? Character.digit(token.charAt(3), 16) : -1;
        int low = wellFormed ? Character.digit(token.charAt(4), 16) : -1;
        if (high < 0 || low < 0) {
            throw new TokenizerException(
                    "tokenizer.ggml.tokens: token " + id + " is a byte; expected a text like <0x0A>, got " + token);
        }
        target[at] = (byte) ((high << 4) | low);
        return at + 1;
    }

    /** Descending order as ascending whole numbers. */
    private static int order(float score) {
        int bits = Float.floatToIntBits(score + 0f); // -0 becomes 0
        return bits >= 0 ? ~bits : bits & Integer.MAX_VALUE;
    }

    @Override
    public Pieces pieces() {
        return pieces;
    }

    @Override
    public Run run() {
        return new Words();
    }

    private final class Words implements Run {
        private char[] chars = new char[128];
        private byte[] bytes = new byte[Utf8.maxBytes(128)];
        /** Where each symbol starts in {@link #bytes}; a linked list over the positions of the first characters. */
        private int[] starts = new int[64];

        private int[] ends = new int[64];
        private int[] previous = new int[64];
        private int[] next = new int[64];
        /** By position: the token that this symbol and the next one make, or {@link Pieces#NONE}. */
        private int[] joined = new int[64];

        private final LongHeap heap = new LongHeap();

        @Override
        public void encode(String text, int from, int to, IntList ids) {
            String plain = text.substring(from, to).replace(ESCAPED_SPACE, ' ');
            if (vocabulary.removeExtraWhitespaces()) {
                plain = withoutExtraSpaces(plain);
            }
            if (vocabulary.addSpacePrefix()) {
                plain = " " + plain;
            }
            int start = 0;
            while (start < plain.length()) {
                int end = endOfWord(plain, start);
                encodeWord(plain, start, end, ids);
                start = end;
            }
        }

        private static String withoutExtraSpaces(String text) {
            StringBuilder kept = new StringBuilder(text.length());
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                boolean extra = c == ' ' && (kept.isEmpty() || kept.charAt(kept.length() - 1) == ' ');
                if (!extra) {
                    kept.append(c);
                }
            }
            if (!kept.isEmpty() && kept.charAt(kept.length() - 1) == ' ') {
                kept.setLength(kept.length() - 1);
            }
            return kept.toString();
        }

        /** The end of a stretch that starts at {@code start} and across whose end no token reaches. */
        private int endOfWord(String text, int start) {
            int end = start + 1;
            while (end < text.length() && (text.charAt(end) != ' ' || spaceFollows.get(text.charAt(end - 1)))) {
                end++;
            }
            return end;
        }

        private void encodeWord(String text, int from, int to, IntList ids) {
            if (chars.length < to - from) {
                chars = new char[to - from];
                bytes = new byte[Utf8.maxBytes(to - from)];
            }
            text.getChars(from, to, chars, 0);
            int length = Utf8.encode(chars, 0, to - from, bytes, 0);
            int id = pieces.find(bytes, 0, length);
            if (id != Pieces.NONE && whole[id] == WHOLE) {
                ids.add(id);
                return;
            }
            int before = ids.size();
            merge(length, ids);
            if (id != Pieces.NONE && ids.size() == before + 1 && ids.get(before) == id) {
                whole[id] = WHOLE;
            }
        }

        private void merge(int length, IntList ids) {
            int n = symbols(length);
            heap.clear();
            for (int i = 0; i < n; i++) {
                join(i, n);
            }
            while (!heap.isEmpty()) {
                long top = heap.pop();
                int left = (int) top;
                // A symbol that was merged away joins nothing; equal scores at one place are the same merge.
                if (joined[left] == Pieces.NONE || orders[joined[left]] != (int) (top >> 32)) {
                    continue;
                }
                int gone = next[left];
                ends[left] = ends[gone];
                next[left] = next[gone];
                joined[gone] = Pieces.NONE;
                if (next[left] < n) {
                    previous[next[left]] = left;
                }
                join(left, n);
                if (previous[left] >= 0) {
                    join(previous[left], n);
                }
            }
            for (int i = 0; i < n; i = next[i]) {
                emit(i, ids);
            }
        }

        /** Makes each character of the first {@code length} bytes a symbol and returns their number. */
        private int symbols(int length) {
            int n = 0;
            for (int at = 0; at < length; n++) {
                if (n == starts.length) {
                    grow();
                }
                starts[n] = at;
                at += Utf8.length(bytes[at]);
                ends[n] = at;
                previous[n] = n - 1;
                next[n] = n + 1;
            }
            return n;
        }

        private void grow() {
            int capacity = 2 * starts.length;
            starts = Arrays.copyOf(starts, capacity);
            ends = Arrays.copyOf(ends, capacity);
            previous = Arrays.copyOf(previous, capacity);
            next = Arrays.copyOf(next, capacity);
            joined = Arrays.copyOf(joined, capacity);
        }

        private void join(int left, int n) {
            int right = next[left];
            joined[left] = right < n ? pieces.find(bytes, starts[left], ends[right]) : Pieces.NONE;
            if (joined[left] != Pieces.NONE) {
                heap.push(((long) orders[joined[left]] << 32) | left);
            }
        }

        private void emit(int symbol, IntList ids) {
            int id = pieces.find(bytes, starts[symbol], ends[symbol]);
            if (id != Pieces.NONE) {
                ids.add(id);
                return;
            }
            for (int i = starts[symbol]; i < ends[symbol]; i++) {
                if (byteIds[bytes[i] & 0xFF] == Pieces.NONE) {
                    ids.add(unknown);
                    return;
                }
            }
            for (int i = starts[symbol]; i < ends[symbol]; i++) {
                ids.add(byteIds[bytes[i] & 0xFF]);
            }
        }
    }
}
