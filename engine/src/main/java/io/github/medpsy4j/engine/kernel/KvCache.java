package io.github.medpsy4j.engine.kernel;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values of one sequence outside the Java heap, in the {@link KvFormat} that the model was loaded with.
 * Memory grows in blocks of {@link #BLOCK_POSITIONS} positions: a full context of a 4B model would be 36 GiB. A block
 * holds, for each layer and head, the keys of its spans and then their values, so what one head reads is contiguous.
 */
public final class KvCache implements AutoCloseable {
    /** Positions per block. */
    public static final int BLOCK_POSITIONS = 256;

    static final int SPAN = KvFormat.SPAN;

    final KvFormat format;
    final int kvHeads;
    final int headDim;
    private final int layers;
    private final int positionsMax;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> blocks = new ArrayList<>();
    private boolean closed;

    /**
     * An empty cache; memory is taken by {@link #reserve}.
     *
     * @throws IllegalArgumentException if the format does not fit the heads
     */
    public KvCache(KvFormat format, int layers, int kvHeads, int headDim, int positionsMax) {
        if (!format.fits(headDim)) {
            throw new IllegalArgumentException("heads of " + headDim + " do not fit " + format);
        }
        this.format = format;
        this.layers = layers;
        this.kvHeads = kvHeads;
        this.headDim = headDim;
        this.positionsMax = positionsMax;
    }

    /** Bytes that one position takes over all layers. */
    public static long bytesPerPosition(KvFormat format, int layers, int kvHeads, int headDim) {
        return 2L * format.vectorBytes(headDim) * layers * kvHeads;
    }

    /** Bytes taken so far. */
    public long byteSize() {
        return blocks.size() * blockBytes();
    }

    private long blockBytes() {
        return BLOCK_POSITIONS * bytesPerPosition(format, layers, kvHeads, headDim);
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
        return format + ", keys in columns of " + SPAN + ", " + layers + " layers, " + kvHeads + " heads of " + headDim;
    }

    /** Bytes of {@code count} positions as {@link #stretches} visits them. */
    public long byteSize(int count) {
        return count * bytesPerPosition(format, layers, kvHeads, headDim);
    }

    /** Reads or writes a stretch of a cache. */
    @FunctionalInterface
    public interface StretchVisitor {
        /** @param stretch bytes of the cache itself */
        void accept(MemorySegment stretch) throws IOException;
    }

    /** Visits the bytes of positions [from, to), which are reserved, in an order that {@link #layout} decides alone. */
    public void stretches(int from, int to, StretchVisitor visitor) throws IOException {
        pieces(
                from,
                to,
                (position, offset, bytes) -> visitor.accept(block(position).asSlice(offset, bytes)));
    }

    /** Copies positions [from, to) of another cache of the same layout to the same positions here. */
    public void copyFrom(KvCache other, int from, int to) {
        reserve(to);
        pieces(
                from,
                to,
                (position, offset, bytes) ->
                        MemorySegment.copy(other.block(position), offset, block(position), offset, bytes));
    }

    /** A stretch of bytes in the block of a position. */
    @FunctionalInterface
    private interface PieceVisitor<E extends Exception> {
        void accept(int position, long offset, long bytes) throws E;
    }

    /** Visits what positions [from, to) occupy, span by span, and nothing else: others' keys stand between theirs. */
    private <E extends Exception> void pieces(int from, int to, PieceVisitor<E> visitor) throws E {
        for (int begin = from; begin < to; ) {
            int end = Math.min(to, (begin / SPAN + 1) * SPAN);
            for (int layer = 0; layer < layers; layer++) {
                for (int head = 0; head < kvHeads; head++) {
                    long keys = keySpan(layer, head, begin);
                    spanPieces(begin, end, keys, true, visitor);
                    spanPieces(begin, end, keys + valueOffset(), false, visitor);
                }
            }
            begin = end;
        }
    }

    private <E extends Exception> void spanPieces(
            int begin, int end, long span, boolean isKeys, PieceVisitor<E> visitor) throws E {
        if (end - begin == SPAN) {
            visitor.accept(begin, span, spanBytes());
            return;
        }
        int[] elementBytes = format.elementBytes(headDim, isKeys);
        int[] rows = format.rows(headDim, isKeys);
        long matrix = span;
        for (int m = 0; m < rows.length; m++) {
            long rowBytes = (long) SPAN * elementBytes[m];
            for (int row = 0; row < rows[m]; row++) {
                long offset = matrix + row * rowBytes + (long) begin % SPAN * elementBytes[m];
                visitor.accept(begin, offset, (long) (end - begin) * elementBytes[m]);
            }
            matrix += rows[m] * rowBytes;
        }
    }

    MemorySegment block(int position) {
        return blocks.get(position / BLOCK_POSITIONS);
    }

    private long spanBytes() {
        return (long) SPAN * format.vectorBytes(headDim);
    }

    /**
     * The byte in {@link #block} where the keys of the span of (layer, kvHead, position) start; its values are {@link
     * #valueOffset} on.
     */
    long keySpan(int layer, int kvHead, int position) {
        long head = (long) layer * kvHeads + kvHead;
        return head * 2 * valueOffset() + position % BLOCK_POSITIONS / SPAN * spanBytes();
    }

    /** The distance in bytes from a span of keys to its values. */
    long valueOffset() {
        return BLOCK_POSITIONS / SPAN * spanBytes();
    }

    /** Stores the key and the value of one head at one position: headDim floats each, from keyAt and valueAt on. */
    void store(int layer, int kvHead, int position, float[] keys, int keyAt, float[] values, int valueAt) {
        MemorySegment block = block(position);
        long span = keySpan(layer, kvHead, position);
        format.storeKey(keys, keyAt, headDim, block, span, position % SPAN);
        format.storeValue(values, valueAt, headDim, block, span + valueOffset(), position % SPAN);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
