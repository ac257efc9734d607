package io.github.medpsy4j.engine.sampling;

/**
 * Orders candidates by one long each, without allocating. A greater key is a better candidate: the upper half is the
 * score in an order that integers share with floats, the lower half the complement of an index, so that of equal scores
 * the smaller index is better and no two keys are equal.
 */
final class Ranking {
    /** Keys sorted at once. */
    private static final int CHUNK_MAX = 1024;

    private static final int CHUNK_MIN = 32;

    private Ranking() {}

    /** The key of a score, which is not NaN, and an index. */
    static long key(float score, int index) {
        int bits = Float.floatToRawIntBits(score + 0f); // -0 becomes 0: they are equal
        int ordered = bits ^ (bits >> 31 & Integer.MAX_VALUE);
        return (long) ordered << 32 | (~index & 0xFFFF_FFFFL);
    }

    static float score(long key) {
        int ordered = (int) (key >> 32);
        return Float.intBitsToFloat(ordered ^ (ordered >> 31 & Integer.MAX_VALUE));
    }

    static int index(long key) {
        return ~(int) key;
    }

    /**
     * Brings at least the best {@code wanted} of the first {@code size} keys to the front, best first.
     *
     * @param sorted how many stand there already
     * @return how many stand there now
     */
    static int sort(long[] keys, int sorted, int size, int wanted) {
        while (sorted < Math.min(wanted, size)) {
            // What is sorted grows by itself: few are needed as a rule, all of them now and then.
            int to = Math.min(size, sorted + Math.clamp(sorted, CHUNK_MIN, CHUNK_MAX));
            select(keys, sorted, size, to);
            heapSort(keys, sorted, to - sorted);
            sorted = to;
        }
        return sorted;
    }

    /** Brings the best of the keys in [from, size) into [from, to), in any order. */
    static void select(long[] keys, int from, int size, int to) {
        int low = from;
        int high = size - 1;
        // Hoare's selection; pivots from a fixed but shuffled sequence, so that no order of logits is slow for it.
        long seed = size;
        while (low < high && to < size) {
            seed = seed * 0x5851F42D4C957F2DL + 0x14057B7EF767814FL;
            long pivot = keys[low + (int) ((seed >>> 33) % (high - low + 1))];
            int i = low;
            int j = high;
            while (i <= j) {
                while (keys[i] > pivot) {
                    i++;
                }
                while (keys[j] < pivot) {
                    j--;
                }
                if (i <= j) {
                    swap(keys, i++, j--);
                }
            }
            // [low, j] is at least the pivot, [i, high] at most; what is between is the pivot.
            if (to - 1 <= j) {
                high = j;
            } else if (to - 1 >= i) {
                low = i;
            } else {
                return;
            }
        }
    }

    /**
     * Brings the best {@code k} of all logits to the front of the keys, best first; NaN and negative infinity are left
     * out.
     *
     * @param k at most {@link #CHUNK_MAX}
     * @return how many there are
     */
    static int best(float[] logits, int k, long[] keys) {
        int size = 0;
        float least = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < logits.length; id++) {
            float logit = logits[id];
            if (logit > least) { // of equal ones the first, with the smaller id, stays
                long key = key(Math.min(logit, Float.MAX_VALUE), id);
                if (size < k) {
                    keys[size++] = key;
                    if (size == k) {
                        heapify(keys, 0, k);
                        least = score(keys[0]);
                    }
                } else if (key > keys[0]) {
                    siftDown(keys, 0, k, 0, key);
                    least = score(keys[0]);
                }
            }
        }
        return sort(keys, 0, size, size);
    }

    static boolean isFewEnough(int k) {
        return k <= CHUNK_MAX;
    }

    /** Sorts keys[base .. base + size), best first. The JDK's sort allocates. */
    private static void heapSort(long[] keys, int base, int size) {
        heapify(keys, base, size);
        for (int end = size - 1; end > 0; end--) {
            long last = keys[base + end];
            keys[base + end] = keys[base];
            siftDown(keys, base, end, 0, last);
        }
    }

    /** Makes a heap with the worst in front. */
    private static void heapify(long[] keys, int base, int size) {
        for (int at = size / 2 - 1; at >= 0; at--) {
            siftDown(keys, base, size, at, keys[base + at]);
        }
    }

    /** Puts a key into the heap keys[base .. base + size) at {@code at} or below. */
    private static void siftDown(long[] keys, int base, int size, int at, long key) {
        while (true) {
            int child = 2 * at + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && keys[base + child + 1] < keys[base + child]) {
                child++;
            }
            if (keys[base + child] >= key) {
                break;
            }
            keys[base + at] = keys[base + child];
            at = child;
        }
        keys[base + at] = key;
    }

    private static void swap(long[] keys, int i, int j) {
        long key = keys[i];
        keys[i] = keys[j];
        keys[j] = key;
    }
}
