package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import io.github.medpsy4j.gguf.GgufException;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Chooses each weight matrix's layout when a model is loaded: straight from the mapped file, or repacked. */
public final class MatrixLoader {
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

    /** The matrix of a tensor whose shape has been checked. */
    public Matrix load(TensorInfo tensor, int rows, int columns) throws GgufException {
        if (!packs || !packs(tensor.type(), columns)) {
            return new DecodedMatrix(file.data(tensor), tensor.type(), rows, columns, kernels);
        }
        // A mapping of its own: closing it lets the file's pages go, so that memory never holds the weights twice.
        try (Arena source = Arena.ofShared()) {
            packedBytes += tensor.byteSize();
            return pack(file.map(tensor, source), tensor.type(), rows, columns, arena, pool);
        } catch (ArithmeticException e) {
            throw new GgufException(file.path() + ": tensor '" + tensor.name() + "': " + e.getMessage(), e);
        }
    }

    /** Whether a type has a packed form that these vectors multiply. */
    static boolean packs(GgmlType type, int columns) {
        PanelFormat format = PanelFormat.of(type);
        return type == GgmlType.BF16
                ? Bf16Matrix.multiplies(columns)
                : format != null && PanelMatrix.multiplies(format);
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
