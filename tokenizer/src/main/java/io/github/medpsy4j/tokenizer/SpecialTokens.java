package io.github.medpsy4j.tokenizer;

import io.github.medpsy4j.tokenizer.Vocabulary.Model;
import io.github.medpsy4j.tokenizer.Vocabulary.TokenType;
import java.util.Arrays;

/**
 * Finds the tokens that are whole in text wherever they may match: control, user-defined and unknown ones. A trie over
 * chars.
 */
final class SpecialTokens {
    static final long NONE = -1;

    private static final int ROOT = 0;
    private static final long FREE = -1;

    /** Open addressing; a key is {@code node << 16 | char}, its value the child. */
    private long[] keys = new long[64];

    private int[] children = new int[64];
    private int nodes = 1;
    /** By node: the token that ends there, or {@link Pieces#NONE}. */
    private int[] ids = new int[32];

    private final boolean[] startsAscii = new boolean[128];
    private boolean startsOther;
    /**
     * By node: whether its token matches in any text. SentencePiece vocabularies (Gemma) hold runs of white space as
     * user-defined tokens; they are how such text is spelled and steer nothing.
     */
    private boolean[] anywhere = new boolean[32];

    private boolean someAnywhere;

    SpecialTokens(Vocabulary vocabulary) {
        Arrays.fill(keys, FREE);
        Arrays.fill(ids, Pieces.NONE);
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.isNormal(id)) {
                continue;
            }
            TokenType type = vocabulary.type(id);
            if (type == TokenType.CONTROL || type == TokenType.USER_DEFINED || type == TokenType.UNKNOWN) {
                String text = vocabulary.tokens().get(id);
                boolean space = vocabulary.model() == Model.SENTENCEPIECE_BPE
                        && type == TokenType.USER_DEFINED
                        && text.isBlank();
                add(text, id, space);
            }
        }
    }

    private void add(String text, int id, boolean matchesAnywhere) {
        if (text.isEmpty()) {
            return;
        }
        if (text.charAt(0) < 128) {
            startsAscii[text.charAt(0)] = true;
        } else {
            startsOther = true;
        }
        int node = ROOT;
        for (int i = 0; i < text.length(); i++) {
            long key = ((long) node << 16) | text.charAt(i);
            int slot = slot(key);
            if (keys[slot] == FREE) {
                if (2 * nodes > keys.length) {
                    rehash();
                    slot = slot(key);
                }
                keys[slot] = key;
                children[slot] = nodes++;
                if (nodes > ids.length) {
                    int old = ids.length;
                    ids = Arrays.copyOf(ids, 2 * old);
                    Arrays.fill(ids, old, 2 * old, Pieces.NONE);
                    anywhere = Arrays.copyOf(anywhere, 2 * old);
                }
            }
            node = children[slot];
        }
        if (ids[node] == Pieces.NONE) {
            ids[node] = id;
            anywhere[node] = matchesAnywhere;
            someAnywhere |= matchesAnywhere;
        }
    }

    private void rehash() {
        long[] oldKeys = keys;
        int[] oldChildren = children;
        keys = new long[2 * oldKeys.length];
        children = new int[2 * oldKeys.length];
        Arrays.fill(keys, FREE);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != FREE) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                children[slot] = oldChildren[i];
            }
        }
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> 32) & mask;
        while (keys[slot] != key && keys[slot] != FREE) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    /** Whether any token matches also in text that nobody trusts. */
    boolean someMatchAnywhere() {
        return someAnywhere;
    }

    /** The token that {@code text} as a whole is, or {@link Pieces#NONE}. */
    int idOf(String text) {
        int node = ROOT;
        for (int i = 0; i < text.length(); i++) {
            int slot = slot(((long) node << 16) | text.charAt(i));
            if (keys[slot] == FREE) {
                return Pieces.NONE;
            }
            node = children[slot];
        }
        return ids[node];
    }

    /**
     * The longest token at {@code at}, as {@code end << 32 | id}, or {@link #NONE}. One that does not match anywhere
     * must lie within the span of {@code trusted} that holds {@code at}.
     */
    long match(String text, int at, TrustedSpans trusted) {
        char first = text.charAt(at);
        if (first < 128 ? !startsAscii[first] : !startsOther) {
            return NONE;
        }
        int trustedEnd = trusted.endOfSpanAt(at);
        if (trustedEnd < 0 && !someAnywhere) {
            return NONE;
        }
        long found = NONE;
        int node = ROOT;
        for (int i = at; i < text.length(); i++) {
            int slot = slot(((long) node << 16) | text.charAt(i));
            if (keys[slot] == FREE) {
                break;
            }
            node = children[slot];
            if (ids[node] != Pieces.NONE && (anywhere[node] || i < trustedEnd)) {
                found = ((long) (i + 1) << 32) | ids[node];
            }
        }
        return found;
    }
}
