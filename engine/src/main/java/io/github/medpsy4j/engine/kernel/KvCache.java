package io.github.medpsy4j.engine.kernel;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values of one sequence, as IEEE halves outside the Java heap. Memory grows in blocks of {@link
 * #BLOCK_POSITIONS} positions: a full context of a 4B model would be 36 GiB. A block holds, for each layer, the keys
 * [kvHead][position][headDim] and then the values likewise, so one head's stretch of positions is contiguous.
 */
public final class KvCache implements AutoCloseable {
    /** Positions per block. */
    public static final int BLOCK_POSITIONS = 256;

    final int kvHeads;
    final int headDim;
    private final int layers;
    private final int positionsMax;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> blocks = new ArrayList<>();
    private boolean closed;

    /** An empty cache; memory is taken by {@link #reserve}. */
    public KvCache(int layers, int kvHeads, int headDim, int positionsMax) {
        this.layers = layers;
        this.kvHeads = kvHeads;
        this.headDim = headDim;
        this.positionsMax = positionsMax;
    }

    /** Bytes that one position takes over all layers. */
    public static long bytesPerPosition(int layers, int kvHeads, int headDim) {
        return 2L * Short.BYTES * layers * kvHeads * headDim;
    }

    /** Bytes taken so far. */
    public long byteSize() {
        return blocks.size() * blockBytes();
    }

    private long blockBytes() {
        return BLOCK_POSITIONS * bytesPerPosition(layers, kvHeads, headDim);
    }

    /** Makes room for positions [0, count). */
    public void reserve(int count) {
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
        if (count > positionsMax) {
            throw new IndexOutOfBoundsException("position " + count + " is beyond the context of " + positionsMax);
        }
        while (blocks.size() * BLOCK_POSITIONS < count) {
            blocks.add(arena.allocate(blockBytes(), 64));
        }
    }

    /** What the cache is made of, for those who keep it: only an equal one can take its bytes. */
    public String layout() {
        return "F16, " + layers + " layers, " + kvHeads + " heads of " + headDim;
    }

    /** Bytes of {@code count} positions as {@link #stretches} visits them. */
    public long byteSize(int count) {
        return count * bytesPerPosition(layers, kvHeads, headDim);
    }

    /** Reads or writes a stretch of a cache. */
    @FunctionalInterface
    public interface StretchVisitor {
        /** @param stretch bytes of the cache itself */
        void accept(MemorySegment stretch) throws IOException;
    }

    /** Visits the bytes of positions [from, to), which are reserved, in an order that {@link #layout} decides alone. */
    public void stretches(int from, int to, StretchVisitor visitor) throws IOException {
        for (int begin = from; begin < to; ) {
            int end = Math.min(to, (begin / BLOCK_POSITIONS + 1) * BLOCK_POSITIONS);
            long bytes = (long) (end - begin) * headDim * Short.BYTES;
            for (int layer = 0; layer < layers; layer++) {
                for (int head = 0; head < kvHeads; head++) {
                    long key = keyOffset(layer, head, begin);
                    visitor.accept(block(begin).asSlice(key, bytes));
                    visitor.accept(block(begin).asSlice(key + valueOffset(), bytes));
                }
            }
            begin = end;
        }
    }

    /** Copies positions [from, to) of another cache of the same layout to the same positions here. */
    public void copyFrom(KvCache other, int from, int to) {
        reserve(to);
        for (int begin = from; begin < to; ) {
            int end = Math.min(to, (begin / BLOCK_POSITIONS + 1) * BLOCK_POSITIONS);
            long bytes = (long) (end - begin) * headDim * Short.BYTES;
            for (int layer = 0; layer < layers; layer++) {
                for (int head = 0; head < kvHeads; head++) {
                    long key = keyOffset(layer, head, begin);
                    long value = key + valueOffset();
                    MemorySegment.copy(other.block(begin), key, block(begin), key, bytes);
                    MemorySegment.copy(other.block(begin), value, block(begin), value, bytes);
                }
            }
            begin = end;
        }
    }

    MemorySegment block(int position) {
        return blocks.get(position / BLOCK_POSITIONS);
    }

    /** The byte in {@link #block} where the key of (layer, kvHead, position) starts; its value is {@link #valueOffset} on. */
    long keyOffset(int layer, int kvHead, int position) {
        long vectors =
                2L * layer * kvHeads * BLOCK_POSITIONS + (long) kvHead * BLOCK_POSITIONS + position % BLOCK_POSITIONS;
        return vectors * headDim * Short.BYTES;
    }

    /** The distance in bytes from a key to its value. */
    long valueOffset() {
        return (long) kvHeads * BLOCK_POSITIONS * headDim * Short.BYTES;
    }

    /** Stores the key and value of one position: kvHeads × headDim halves each. */
    public void store(int layer, int position, short[] keys, short[] values) {
        MemorySegment block = block(position);
        for (int h = 0; h < kvHeads; h++) {
            long at = keyOffset(layer, h, position);
            MemorySegment.copy(keys, h * headDim, block, ValueLayout.JAVA_SHORT, at, headDim);
            MemorySegment.copy(values, h * headDim, block, ValueLayout.JAVA_SHORT, at + valueOffset(), headDim);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
