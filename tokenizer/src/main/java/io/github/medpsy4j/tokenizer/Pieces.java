package io.github.medpsy4j.tokenizer;

import java.util.Arrays;

/** The bytes that each token stands for, side by side in one array, and a hash table from bytes to ids. */
final class Pieces {
    static final int NONE = -1;

    private final byte[] bytes;
    /** Token {@code id} has the bytes from {@code starts[id]} to {@code starts[id + 1]}. */
    private final int[] starts;
    /** Open addressing; the upper half of a slot is the hash, the lower half the id + 1, and 0 is free. */
    private final long[] slots;

    private final int mask;
    private int lengthMax;

    /** Of the tokens {@code starts} describes, {@link #index} decides which can be found. */
    Pieces(byte[] bytes, int[] starts) {
        this.bytes = bytes;
        this.starts = starts;
        int capacity = Hashing.capacity(starts.length);
        slots = new long[capacity];
        mask = capacity - 1;
    }

    /** Lets {@code id} be found by its bytes. Of two tokens with the same bytes the first to come stays. */
    void index(int id) {
        int from = starts[id];
        int to = starts[id + 1];
        int hash = hash(bytes, from, to);
        int slot = hash & mask;
        while (slots[slot] != 0) {
            if ((int) (slots[slot] >>> 32) == hash && equal((int) slots[slot] - 1, bytes, from, to)) {
                return;
            }
            slot = (slot + 1) & mask;
        }
        slots[slot] = ((long) hash << 32) | (id + 1);
        lengthMax = Math.max(lengthMax, to - from);
    }

    /** The token made of the bytes from {@code from} to {@code to} of {@code text}, or {@link #NONE}. */
    int find(byte[] text, int from, int to) {
        if (to - from > lengthMax) {
            return NONE;
        }
        int hash = hash(text, from, to);
        int slot = hash & mask;
        while (slots[slot] != 0) {
            if ((int) (slots[slot] >>> 32) == hash) {
                int id = (int) slots[slot] - 1;
                if (equal(id, text, from, to)) {
                    return id;
                }
            }
            slot = (slot + 1) & mask;
        }
        return NONE;
    }

    boolean equal(int id, byte[] text, int from, int to) {
        return Arrays.equals(bytes, starts[id], starts[id + 1], text, from, to);
    }

    int count() {
        return starts.length - 1;
    }

    int length(int id) {
        return starts[id + 1] - starts[id];
    }

    byte[] bytesOf(int id) {
        return Arrays.copyOfRange(bytes, starts[id], starts[id + 1]);
    }

    /** Copies the token's bytes to {@code at} and returns the position behind them. */
    int copy(int id, byte[] target, int at) {
        int length = length(id);
        System.arraycopy(bytes, starts[id], target, at, length);
        return at + length;
    }

    private static int hash(byte[] text, int from, int to) {
        int h = 0x811C9DC5; // FNV-1a, its weak low bits mixed at the end
        for (int i = from; i < to; i++) {
            h = (h ^ (text[i] & 0xFF)) * 0x01000193;
        }
        h ^= h >>> 16;
        return (h * 0x7FEB352D) ^ (h >>> 15);
    }
}
