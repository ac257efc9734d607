package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.KvCache;

/**
 * The input of one forward pass: row t is a token at a position of a sequence. Rows of one sequence stand together, in
 * order of position, and follow on what its cache holds. A prompt, one step of generation, several sequences and the
 * checking of guessed tokens are all batches.
 */
final class Batch {
    final int[] tokens;
    final int[] positions;
    final KvCache[] sequences;
    final boolean[] wantsLogits;
    int size;

    Batch(int capacity) {
        tokens = new int[capacity];
        positions = new int[capacity];
        sequences = new KvCache[capacity];
        wantsLogits = new boolean[capacity];
    }

    int capacity() {
        return tokens.length;
    }

    void clear() {
        size = 0;
    }

    void add(int token, int position, KvCache sequence, boolean logits) {
        tokens[size] = token;
        positions[size] = position;
        sequences[size] = sequence;
        wantsLogits[size] = logits;
        size++;
    }
}
