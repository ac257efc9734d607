package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Reads memory and does next to nothing with it: what a product of a matrix and one token cannot outrun. Workers take pieces
 * as the kernels do, and read each in four streams, because prefetchers do not look beyond a page.
 */
final class PlainReads implements WorkerPool.Task {
    private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;
    private static final int STREAMS = 4;
    private static final int STREAM_BYTES = 64 << 10;
    private static final int PIECE_BYTES = STREAMS * STREAM_BYTES;

    private record Piece(MemorySegment memory, long offset) {}

    private final WorkerPool pool;
    private final List<Piece> pieces = new ArrayList<>();
    private final long[] sums;

    /** @param memories to read, each but for what is left beyond whole pieces of 256 KiB */
    PlainReads(WorkerPool pool, List<MemorySegment> memories) {
        this.pool = pool;
        for (MemorySegment memory : memories) {
            for (long at = 0; at + PIECE_BYTES <= memory.byteSize(); at += PIECE_BYTES) {
                pieces.add(new Piece(memory, at));
            }
        }
        sums = new long[pool.threads() * 8]; // a cache line for each worker
    }

    /** How many bytes {@link #read} reads. */
    long byteSize() {
        return (long) pieces.size() * PIECE_BYTES;
    }

    /** Reads all of it once; returns a number that depends on every byte. */
    long read() {
        pool.run(pieces.size(), 1, this);
        long sum = 0;
        for (long each : sums) {
            sum += each;
        }
        return sum;
    }

    /** Bytes per second, the best of a few passes. */
    double bytesPerSecond(int passes) {
        double best = 0;
        for (int pass = 0; pass < passes; pass++) {
            long start = System.nanoTime();
            read();
            best = Math.max(best, byteSize() * 1e9 / (System.nanoTime() - start));
        }
        return best;
    }

    @Override
    public void run(int begin, int end, int worker) {
        for (int i = begin; i < end; i++) {
            sums[worker * 8] += sum(pieces.get(i).memory, pieces.get(i).offset);
        }
    }

    private static long sum(MemorySegment memory, long offset) {
        LongVector a = LongVector.zero(SPECIES);
        LongVector b = a;
        LongVector c = a;
        LongVector d = a;
        ByteOrder order = ByteOrder.nativeOrder();
        for (long i = 0; i < STREAM_BYTES; i += SPECIES.vectorByteSize()) {
            long at = offset + i;
            a = a.add(LongVector.fromMemorySegment(SPECIES, memory, at, order));
            b = b.add(LongVector.fromMemorySegment(SPECIES, memory, at + STREAM_BYTES, order));
            c = c.add(LongVector.fromMemorySegment(SPECIES, memory, at + 2 * STREAM_BYTES, order));
            d = d.add(LongVector.fromMemorySegment(SPECIES, memory, at + 3 * STREAM_BYTES, order));
        }
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }
}
