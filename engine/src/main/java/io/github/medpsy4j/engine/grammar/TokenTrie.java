package io.github.medpsy4j.engine.grammar;

import io.github.medpsy4j.tokenizer.Tokenizer;
import io.github.medpsy4j.tokenizer.Vocabulary;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * The texts of a vocabulary's tokens as a tree of bytes, its nodes in depth-first order in arrays, so that a walk is a
 * pass over them in which whole subtrees are skipped. Tokens that are no text (control tokens and the like) are not in it.
 */
final class TokenTrie {
    /** A longer token is left out: it can be spelled by shorter ones. */
    private static final int BYTES_MAX = 1_000;

    private static final byte[] NO_TEXT = {};
    private static final Map<Tokenizer, TokenTrie> BY_TOKENIZER = Collections.synchronizedMap(new WeakHashMap<>());

    /** Tokens of the tree by their bytes; tokens of equal bytes stand together. */
    private final int[] tokens;

    private final byte[] nodeByte;
    private final short[] nodeDepth; // from 1
    /** The node behind the subtree of a node. */
    private final int[] nodeAfter;
    /** The tokens of node n are tokens[nodeTokens[n] .. nodeTokens[n + 1]). */
    private final int[] nodeTokens;

    private final int nodes;
    private final int depthMax;
    private final int vocabulary;
    private final long[] endTokens;
    private final int endToken;
    private final byte[][] bytes; // by token; empty for tokens that are no text

    private TokenTrie(Tokenizer tokenizer) {
        Vocabulary v = tokenizer.vocabulary();
        vocabulary = v.size();
        bytes = new byte[vocabulary][];
        endTokens = new long[(vocabulary + 63) / 64];
        int count = 0;
        long size = 0;
        int end = -1;
        for (int id = 0; id < vocabulary; id++) {
            boolean isEnd = tokenizer.isEndOfGeneration(id);
            if (isEnd) {
                endTokens[id >> 6] |= 1L << id;
                boolean isNamed = v.eos().isPresent() && v.eos().getAsInt() == id;
                end = end < 0 || isNamed ? id : end;
            }
            boolean isText = !isEnd
                    && switch (v.type(id)) {
                        case NORMAL, USER_DEFINED, BYTE -> true;
                        case UNKNOWN, CONTROL, UNUSED -> false;
                    };
            byte[] text = isText ? tokenizer.bytesOf(id) : NO_TEXT;
            bytes[id] = text.length <= BYTES_MAX ? text : NO_TEXT;
            count += bytes[id].length > 0 ? 1 : 0;
            size += bytes[id].length;
        }
        endToken = end;
        Integer[] sorted = new Integer[count];
        int n = 0;
        for (int id = 0; id < vocabulary; id++) {
            if (bytes[id].length > 0) {
                sorted[n++] = id;
            }
        }
        Arrays.sort(sorted, (a, b) -> {
            int order = Arrays.compareUnsigned(bytes[a], bytes[b]);
            return order != 0 ? order : Integer.compare(a, b);
        });
        tokens = Arrays.stream(sorted).mapToInt(id -> id).toArray();
        int nodesMax = Math.toIntExact(size);
        byte[] byteOf = new byte[nodesMax];
        short[] depthOf = new short[nodesMax];
        int[] firstToken = new int[nodesMax + 1];
        int made = 0;
        int deepest = 0;
        byte[] before = {};
        for (int i = 0; i < count; i++) {
            byte[] text = bytes[tokens[i]];
            int common = Arrays.mismatch(before, text);
            for (int at = common < 0 ? text.length : common; at < text.length; at++) {
                byteOf[made] = text[at];
                depthOf[made] = (short) (at + 1);
                firstToken[made] = i;
                made++;
            }
            // Nodes on the way to a token have none of their own: their tokens begin where the next node's do.
            firstToken[made] = i + 1;
            deepest = Math.max(deepest, text.length);
            before = text;
        }
        nodes = made;
        depthMax = deepest;
        nodeByte = Arrays.copyOf(byteOf, nodes);
        nodeDepth = Arrays.copyOf(depthOf, nodes);
        nodeTokens = Arrays.copyOf(firstToken, nodes + 1);
        nodeAfter = new int[nodes];
        int[] openAt = new int[depthMax + 2]; // by depth, the node whose subtree is open
        int open = 0;
        for (int node = 0; node < nodes; node++) {
            while (open >= nodeDepth[node]) {
                nodeAfter[openAt[open--]] = node;
            }
            openAt[++open] = node;
        }
        while (open > 0) {
            nodeAfter[openAt[open--]] = nodes;
        }
    }

    /** The tree of a tokenizer's tokens, made once. */
    static TokenTrie of(Tokenizer tokenizer) {
        return BY_TOKENIZER.computeIfAbsent(tokenizer, TokenTrie::new);
    }

    int vocabulary() {
        return vocabulary;
    }

    /** The token that ends an answer; -1 if there is none. */
    int endToken() {
        return endToken;
    }

    boolean isEnd(int token) {
        return (endTokens[token >> 6] & 1L << token) != 0;
    }

    /** The text of a token; empty if it is none. Not to be changed. */
    byte[] bytesOf(int token) {
        return bytes[token];
    }

    /**
     * The tokens that may come next.
     *
     * @param workMax how much may be followed that is not known yet, in frames
     * @return a bit for each token of the vocabulary
     */
    long[] allowed(Automaton automaton, Automaton.State from, long workMax) {
        long[] allowed = new long[endTokens.length];
        if (from.isComplete) {
            System.arraycopy(endTokens, 0, allowed, 0, allowed.length);
        }
        long workBefore = automaton.work();
        Automaton.State[] states = new Automaton.State[depthMax + 1];
        states[0] = from;
        int node = 0;
        while (node < nodes) {
            int depth = nodeDepth[node];
            Automaton.State to = automaton.step(states[depth - 1], nodeByte[node] & 0xFF);
            if (to.isDead()) {
                node = nodeAfter[node];
                continue;
            }
            states[depth] = to;
            for (int i = nodeTokens[node]; i < nodeTokens[node + 1]; i++) {
                allowed[tokens[i] >> 6] |= 1L << tokens[i];
            }
            if (automaton.work() - workBefore > workMax) {
                throw new GrammarException("the grammar is too ambiguous: finding the tokens that may come next takes "
                        + "more than " + workMax + " steps");
            }
            node++;
        }
        return allowed;
    }
}
