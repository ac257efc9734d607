package io.github.medpsy4j.engine.sampling;

import io.github.medpsy4j.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where in a history DRY's repetitions end: after tokens that hold a breaker's text, or that begin it and are followed by
 * the tokens of the rest.
 */
final class SequenceBreakers {
    /** Longest text and longest rest, in bytes and tokens; llama.cpp's bounds. */
    private static final int BYTES_MAX = 40;

    private static final int REST_TOKENS_MAX = 20;

    /** By id: the rests that make a breaker of the token; null for a token that begins none. */
    private final int[][][] rests;

    private SequenceBreakers(int[][][] rests) {
        this.rests = rests;
    }

    static SequenceBreakers none() {
        return new SequenceBreakers(new int[0][][]);
    }

    static SequenceBreakers of(List<String> texts, Tokenizer tokenizer) {
        int vocabulary = tokenizer.vocabulary().size();
        int[][][] rests = new int[texts.isEmpty() ? 0 : vocabulary][][];
        List<byte[]> breakers = new ArrayList<>();
        for (String text : texts) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            breakers.add(Arrays.copyOf(bytes, Math.min(bytes.length, BYTES_MAX)));
        }
        Map<String, int[]> encoded = new LinkedHashMap<>();
        for (int id = 0; id < rests.length; id++) {
            byte[] token = tokenizer.bytesOf(id);
            List<int[]> found = new ArrayList<>();
            for (byte[] breaker : breakers) {
                find(token, breaker, tokenizer, encoded, found);
            }
            rests[id] = found.isEmpty() ? null : found.toArray(int[][]::new);
        }
        return new SequenceBreakers(rests);
    }

    /** Adds the rests of a breaker that may follow a token: the empty one if the token holds all of it. */
    private static void find(
            byte[] token, byte[] breaker, Tokenizer tokenizer, Map<String, int[]> encoded, List<int[]> found) {
        List<int[]> partial = new ArrayList<>();
        for (int at = 0; at < token.length; at++) {
            int n = Math.min(breaker.length, token.length - at);
            if (!Arrays.equals(token, at, at + n, breaker, 0, n)) {
                continue;
            }
            if (n == breaker.length) {
                found.add(new int[0]);
                return;
            }
            String rest = new String(breaker, n, breaker.length - n, StandardCharsets.UTF_8);
            partial.add(encoded.computeIfAbsent(rest, text -> {
                int[] ids = tokenizer.encode(text);
                return ids.length > REST_TOKENS_MAX ? Arrays.copyOf(ids, REST_TOKENS_MAX) : ids;
            }));
        }
        found.addAll(partial);
    }

    /** How many tokens at the end of the history stand behind its last breaker; the window if there is none in it. */
    int lengthSinceBreak(int[] history, int length, int window) {
        for (int back = 0; back < window; back++) {
            int id = history[length - 1 - back];
            if (id >= rests.length || rests[id] == null) {
                continue;
            }
            int longest = -1;
            for (int[] rest : rests[id]) {
                if (rest.length > longest && rest.length <= back && follows(rest, history, length - back)) {
                    longest = rest.length;
                }
            }
            if (longest >= 0) {
                return back - longest;
            }
        }
        return window;
    }

    /** Whether a token holds all of a breaker. */
    boolean isOne(int id) {
        if (id < rests.length && rests[id] != null) {
            for (int[] rest : rests[id]) {
                if (rest.length == 0) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean follows(int[] rest, int[] history, int at) {
        return Arrays.equals(rest, 0, rest.length, history, at, at + rest.length);
    }
}
