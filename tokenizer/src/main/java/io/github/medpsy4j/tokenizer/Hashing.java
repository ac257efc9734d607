package io.github.medpsy4j.tokenizer;

/** What the hash tables with open addressing share. */
final class Hashing {
    private Hashing() {}

    /** A power of two of which {@code count} entries fill at most two thirds. */
    static int capacity(int count) {
        long needed = Math.max(8, count + (count >> 1));
        return Math.toIntExact(Long.highestOneBit(needed) << 1);
    }
}
