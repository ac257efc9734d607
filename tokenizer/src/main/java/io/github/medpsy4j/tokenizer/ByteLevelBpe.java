package io.github.medpsy4j.tokenizer;

import io.github.medpsy4j.tokenizer.Vocabulary.PreTokenizer;
import io.github.medpsy4j.tokenizer.Vocabulary.TokenType;
import java.util.Arrays;
import java.util.List;

/** GPT-2's scheme: a text's words are bytes, and of all neighbours the pair with the best merge is joined first. */
final class ByteLevelBpe implements Bpe {
    /** Up to this many symbols a search of all pairs beats a heap: it needs no bookkeeping. */
    static final int SHORT_WORD = 40;

    private static final byte WHOLE = 1;

    private final Pieces pieces;
    private final MergeTable merges;
    private final WordSplitter splitter;
    /** Some vocabularies (SmolLM's) lack tokens for bytes that text hardly holds; as everywhere, those are left out. */
    private final int[] byteIds = new int[256];

    private final boolean nfc;
    /** A word that is a token needs no merges. */
    private final boolean ignoreMerges;
    /**
     * By id: whether merging the token's own bytes is known to end in the token. Threads may race to write the same
     * answer.
     */
    private final byte[] whole;

    private final int shortWord;

    ByteLevelBpe(Vocabulary vocabulary) {
        this(vocabulary, SHORT_WORD);
    }

    ByteLevelBpe(Vocabulary vocabulary, int shortWord) {
        this.shortWord = shortWord;
        PreTokenizer pre = vocabulary.preTokenizer();
        splitter = WordSplitter.of(pre);
        nfc = pre == PreTokenizer.QWEN2;
        ignoreMerges = pre == PreTokenizer.LLAMA_BPE;
        pieces = pieces(vocabulary);
        whole = new byte[vocabulary.size()];
        byte[] one = new byte[1];
        for (int b = 0; b < 256; b++) {
            one[0] = (byte) b;
            byteIds[b] = pieces.find(one, 0, 1);
        }
        merges = merges(vocabulary.merges());
    }

    private static Pieces pieces(Vocabulary vocabulary) {
        List<String> tokens = vocabulary.tokens();
        int n = tokens.size();
        byte[] bytes = new byte[8 * n];
        char[] chars = new char[256];
        int[] starts = new int[n + 1];
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
            int end = -1;
            if (vocabulary.isNormal(id)) {
                end = ByteAlphabet.decode(chars, 0, length, bytes, at);
            } else if (vocabulary.type(id) == TokenType.BYTE) {
                end = SentencePieceBpe.decodeByte(token, id, bytes, at);
            }
            // What is not in the alphabet is text as it stands, as are special tokens.
            at = end >= 0 ? end : Utf8.encode(chars, 0, length, bytes, at);
            starts[id + 1] = at;
        }
        Pieces pieces = new Pieces(Arrays.copyOf(bytes, at), starts);
        for (int id = 0; id < n; id++) {
            if (vocabulary.isNormal(id)) {
                pieces.index(id);
            }
        }
        return pieces;
    }

    private MergeTable merges(List<String> texts) {
        MergeTable table = new MergeTable(texts.size());
        char[] chars = new char[256];
        byte[] bytes = new byte[256];
        int last = Pieces.NONE;
        for (int rank = 0; rank < texts.size(); rank++) {
            String text = texts.get(rank);
            int length = text.length();
            if (chars.length < length) {
                chars = new char[length];
                bytes = new byte[length];
            }
            text.getChars(0, length, chars, 0);
            int space = 1;
            while (space < length && chars[space] != ' ') {
                space++;
            }
            if (space >= length - 1) {
                throw new TokenizerException(
                        "tokenizer.ggml.merges: merge " + rank + " is not two tokens with a space between: " + text);
            }
            int middle = ByteAlphabet.decode(chars, 0, space, bytes, 0);
            int left = middle < 0 ? Pieces.NONE : pieces.find(bytes, 0, middle);
            if (left == Pieces.NONE) {
                throw unknownToken(rank, text.substring(0, space));
            }
            int end = ByteAlphabet.decode(chars, space + 1, length, bytes, middle);
            int right = end < 0 ? Pieces.NONE : pieces.find(bytes, middle, end);
            if (right == Pieces.NONE) {
                throw unknownToken(rank, text.substring(space + 1));
            }
            // Vocabularies list what merges make in the order of the merges.
            int result = last + 1 < pieces.count() && pieces.equal(last + 1, bytes, 0, end)
                    ? last + 1
                    : pieces.find(bytes, 0, end);
            if (result == Pieces.NONE) {
                throw unknownToken(rank, text.substring(0, space) + text.substring(space + 1));
            }
            last = result;
            table.add(left, right, rank, result);
        }
        return table;
    }

    private static TokenizerException unknownToken(int rank, String token) {
        return new TokenizerException(
                "tokenizer.ggml.merges: merge " + rank + " names a token that the vocabulary lacks: " + token);
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
        /** The symbols of the word, and by position the rank of the merge with the next one. */
        private int[] symbols = new int[64];

        private int[] ranks = new int[64];
        /** A long word's symbols are a linked list over their positions. */
        private int[] previous = new int[0];

        private int[] next = new int[0];
        private final LongHeap heap = new LongHeap();

        @Override
        public void encode(String text, int from, int to, IntList ids) {
            String normalized = nfc ? Nfc.normalize(text, from, to) : null;
            if (normalized == null) {
                encodeWords(text, from, to, ids);
            } else {
                encodeWords(normalized, 0, normalized.length(), ids);
            }
        }

        private void encodeWords(String text, int from, int to, IntList ids) {
            int start = from;
            while (start < to) {
                int end = splitter.next(text, start, to);
                int length = end - start;
                if (chars.length < length) {
                    chars = new char[length];
                    bytes = new byte[Utf8.maxBytes(length)];
                }
                text.getChars(start, end, chars, 0);
                encodeWord(Utf8.encode(chars, 0, length, bytes, 0), ids);
                start = end;
            }
        }

        /** Adds the ids of the first {@code length} of {@link #bytes}. */
        private void encodeWord(int length, IntList ids) {
            int id = pieces.find(bytes, 0, length);
            if (id != Pieces.NONE && (ignoreMerges || whole[id] == WHOLE)) {
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
            if (symbols.length < length) {
                symbols = new int[length];
                ranks = new int[length];
            }
            int n = 0;
            for (int i = 0; i < length; i++) {
                int symbol = byteIds[bytes[i] & 0xFF];
                if (symbol != Pieces.NONE) {
                    symbols[n++] = symbol;
                }
            }
            for (int i = 0; i + 1 < n; i++) {
                ranks[i] = merges.rank(symbols[i], symbols[i + 1]);
            }
            if (n <= shortWord) {
                mergeShort(n, ids);
            } else {
                mergeLong(n, ids);
            }
        }

        private void mergeShort(int length, IntList ids) {
            int n = length;
            while (n > 1) {
                int best = 0;
                for (int i = 1; i < n - 1; i++) {
                    if (ranks[i] < ranks[best]) {
                        best = i;
                    }
                }
                if (ranks[best] == MergeTable.NO_RANK) {
                    break;
                }
                symbols[best] = merges.merged(ranks[best]);
                n--;
                System.arraycopy(symbols, best + 2, symbols, best + 1, n - best - 1);
                if (best < n - 1) {
                    System.arraycopy(ranks, best + 2, ranks, best + 1, n - best - 2);
                    ranks[best] = merges.rank(symbols[best], symbols[best + 1]);
                }
                if (best > 0) {
                    ranks[best - 1] = merges.rank(symbols[best - 1], symbols[best]);
                }
            }
            for (int i = 0; i < n; i++) {
                ids.add(symbols[i]);
            }
        }

        /** The same in n log n: a heap of {@code rank << 32 | position}, from which outdated entries are skipped. */
        private void mergeLong(int length, IntList ids) {
            if (next.length < length) {
                previous = new int[length];
                next = new int[length];
            }
            heap.clear();
            for (int i = 0; i < length; i++) {
                previous[i] = i - 1;
                next[i] = i + 1;
                if (i + 1 < length) {
                    push(i);
                }
            }
            ranks[length - 1] = MergeTable.NO_RANK;
            while (!heap.isEmpty()) {
                long top = heap.pop();
                int rank = (int) (top >>> 32);
                int left = (int) top;
                if (ranks[left] != rank) {
                    continue;
                }
                int gone = next[left];
                int right = next[gone];
                symbols[left] = merges.merged(rank);
                ranks[gone] = MergeTable.NO_RANK;
                next[left] = right;
                ranks[left] = MergeTable.NO_RANK;
                if (right < length) {
                    previous[right] = left;
                    ranks[left] = merges.rank(symbols[left], symbols[right]);
                    push(left);
                }
                int before = previous[left];
                if (before >= 0) {
                    ranks[before] = merges.rank(symbols[before], symbols[left]);
                    push(before);
                }
            }
            for (int i = 0; i < length; i = next[i]) {
                ids.add(symbols[i]);
            }
        }

        private void push(int at) {
            if (ranks[at] != MergeTable.NO_RANK) {
                heap.push(((long) ranks[at] << 32) | at);
            }
        }
    }
}
