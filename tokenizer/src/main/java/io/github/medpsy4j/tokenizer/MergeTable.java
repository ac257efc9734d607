package io.github.medpsy4j.tokenizer;

import java.util.Arrays;

/** The merges of byte-level BPE: from a pair of ids to the merge's rank and the id it makes. */
final class MergeTable {
    /** Of a pair that does not merge; above every rank. */
    static final int NO_RANK = Integer.MAX_VALUE;

    private static final long FREE = -1;

    /** Open addressing; a key is {@code left << 32 | right}. */
    private final long[] keys;

    private final int[] ranks;
    /** By rank. */
    private final int[] merged;

    private final int mask;

    MergeTable(int count) {
        int capacity = Hashing.capacity(count);
        keys = new long[capacity];
        Arrays.fill(keys, FREE);
        ranks = new int[capacity];
        merged = new int[count];
        mask = capacity - 1;
    }

    /** Of two merges of the same pair the first, which is the better, stays. */
    void add(int left, int right, int rank, int result) {
        long key = ((long) left << 32) | right;
        int slot = slot(key);
        if (keys[slot] == FREE) {
            keys[slot] = key;
            ranks[slot] = rank;
            merged[rank] = result;
        }
    }

    /** The rank of the merge of this pair, or {@link #NO_RANK}. */
    int rank(int left, int right) {
        long key = ((long) left << 32) | right;
        int slot = slot(key);
        return keys[slot] == key ? ranks[slot] : NO_RANK;
    }

    int merged(int rank) {
        return merged[rank];
    }

    /** The key's slot, or the free one where it would go. */
    private int slot(long key) {
        long h = key * 0x9E3779B97F4A7C15L;
        int slot = (int) (h >>> 32) & mask;
        while (keys[slot] != key && keys[slot] != FREE) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }
}
