package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import io.github.medpsy4j.gguf.GgufException;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.TensorInfo;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** Chooses each weight matrix's layout when a model is loaded: straight from the mapped file, or repacked. */
public final class MatrixLoader {
    /** From here on all workers take part in one matrix: an output matrix is a quarter of a model. */
    private static final long LARGE_BYTES = 64_000_000;

    private final GgufFile file;
    private final Kernels kernels;
    private final boolean packs;
    private final Arena arena;
    private final WorkerPool pool;
    private long packedBytes;

    /**
     * @param packs whether types that have a packed layout are repacked, which is faster and costs a pass over the
     *     weights; only the vector kernels read it
     * @param arena holds the repacked weights
     */
    public MatrixLoader(GgufFile file, Kernels kernels, boolean packs, Arena arena, WorkerPool pool) {
        this.file = file;
        this.kernels = kernels;
        this.packs = packs && kernels instanceof VectorKernels;
        this.arena = arena;
        this.pool = pool;
    }

    /**
     * A tensor whose shape has been checked.
     *
     * @param rows how many of them are wanted, the first
     * @param place takes the matrix, on any of the pool's threads
     */
    public record Request(TensorInfo tensor, int rows, int columns, Consumer<Matrix> place) {}

    /**
     * Loads matrices: the large ones one after the other, each by all workers, the others by a worker each. So what one worker does
     * alone, which is mapping a tensor, zeroing memory and unmapping, others do meanwhile. (It takes as long as two workers' packing;
     * the first word of a 1.7B model came after 3.1 s instead of 3.4 s.)
     *
     * @param progress told by the calling thread, after those that it loaded itself and at the end, how many bytes of tensors have
     *     been loaded
     */
    public void load(List<Request> requests, LongConsumer progress) throws GgufException {
        List<Request> small = new ArrayList<>();
        AtomicLong done = new AtomicLong();
        try {
            for (Request request : requests) {
                long bytes = request.tensor().byteSize();
                if (packs(request)) {
                    packedBytes += bytes;
                }
                if (bytes < LARGE_BYTES) {
                    small.add(request);
                } else {
                    load(request, pool);
                    progress.accept(done.addAndGet(bytes));
                }
            }
            loadEachAlone(small, done, progress);
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof GgufException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private void loadEachAlone(List<Request> requests, AtomicLong done, LongConsumer progress) {
        Thread caller = Thread.currentThread();
        AtomicInteger next = new AtomicInteger();
        pool.run(pool.threads(), 1, (begin, end, worker) -> {
            try (WorkerPool alone = new WorkerPool(1)) {
                int i;
                while ((i = next.getAndIncrement()) < requests.size()) {
                    load(requests.get(i), alone);
                    long bytes = done.addAndGet(requests.get(i).tensor().byteSize());
                    if (Thread.currentThread() == caller) {
                        progress.accept(bytes);
                    }
                }
            } finally {
                next.set(requests.size()); // after a failure the others are not wanted
            }
        });
        progress.accept(done.get()); // who may not have loaded any
    }

    private boolean packs(Request request) {
        return packs && packs(request.tensor().type(), request.columns());
    }

    private void load(Request request, WorkerPool workers) {
        TensorInfo tensor = request.tensor();
        int rows = request.rows();
        int columns = request.columns();
        if (!packs(request)) {
            request.place().accept(new DecodedMatrix(file.data(tensor), tensor.type(), rows, columns, kernels));
            return;
        }
        // A mapping of its own: closing it lets the file's pages go, so that memory never holds the weights twice.
        try (Arena source = Arena.ofShared()) {
            request.place().accept(pack(file.map(tensor, source), tensor.type(), rows, columns, arena, workers));
        } catch (ArithmeticException e) {
            String message = file.path() + ": tensor '" + tensor.name() + "': " + e.getMessage();
            throw new UncheckedIOException(message, new GgufException(message, e));
        }
    }

    /** Whether a type has a packed form that these vectors multiply. */
    static boolean packs(GgmlType type, int columns) {
        return type == GgmlType.BF16 ? Bf16Matrix.multiplies(columns) : PanelFormat.of(type) != null;
    }

    /** The packed form of weights, which are not needed afterwards. */
    static Matrix pack(MemorySegment weights, GgmlType type, int rows, int columns, Arena arena, WorkerPool pool) {
        return type == GgmlType.BF16
                ? Bf16Matrix.pack(weights, rows, columns, arena, pool)
                : PanelMatrix.pack(weights, PanelFormat.of(type), rows, columns, arena, pool);
    }

    /** Bytes of the file's weights that were repacked. */
    public long packedBytes() {
        return packedBytes;
    }
}
