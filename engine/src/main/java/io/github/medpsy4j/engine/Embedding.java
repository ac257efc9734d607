package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.WeightDecoder;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The embeddings of tokens, [vocabulary][hidden], which stay in the file: a row is read when its token comes. (Of a mapped file
 * 64 KiB or more around each row would be resident, some 40 MB after 512 tokens.) For one thread at a time.
 */
final class Embedding {
    private final GgufFile file;
    private final TensorInfo tensor;
    private final WeightDecoder decoder;

    /** A row, as the file has it. */
    private final byte[] bytes;

    /** The same outside the heap, where all that is decoded lies: C2 compiles for one class. */
    private final MemorySegment row;

    Embedding(GgufFile file, TensorInfo tensor, WeightDecoder decoder) {
        this.file = file;
        this.tensor = tensor;
        this.decoder = decoder;
        bytes = new byte[(int) (tensor.byteSize() / tensor.rows())];
        row = Arena.ofAuto().allocate(bytes.length, Long.BYTES);
    }

    /** Writes the embedding of a token to out[at .. at + hidden). */
    void decode(int token, float[] out, int at) {
        file.read(tensor, (long) token * bytes.length, bytes);
        MemorySegment.copy(bytes, 0, row, ValueLayout.JAVA_BYTE, 0, bytes.length);
        decoder.decode(row, 0, out, at, (int) tensor.columns());
    }
}
