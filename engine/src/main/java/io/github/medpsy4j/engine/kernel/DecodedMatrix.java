package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A matrix of any tensor type, straight from the mapped file: tiles are decoded to floats and multiplied with fused
 * multiply-adds. Nothing is rounded but the float sums, so results are those of the exact weights.
 */
final class DecodedMatrix extends Matrix {
    private final MemorySegment data;
    private final GgmlType type;
    private final long rowBytes;
    private final WeightDecoder decoder;
    private final Kernels kernels;

    DecodedMatrix(MemorySegment data, GgmlType type, int rows, int columns, Kernels kernels) {
        super(rows, columns);
        this.data = data;
        this.type = type;
        this.rowBytes = (long) columns / type.blockSize() * type.blockBytes();
        this.decoder = kernels.decoder(type);
        this.kernels = kernels;
    }

    @Override
    int grain(int n) {
        return n >= 4 ? Scratch.TILE_ROWS : 16;
    }

    @Override
    void multiply(Activations x, int n, int begin, int end, Activations y, Scratch scratch) {
        for (int t = 0; t < n; t += Scratch.TILE_TOKENS) {
            int tokens = Math.min(Scratch.TILE_TOKENS, n - t);
            // A single token uses each decoded weight once: four rows at a time stay in L1.
            int tileRows = tokens >= 4 ? Scratch.TILE_ROWS : 4;
            int endRow = Math.min(rows(), end * grain(n));
            for (int r = begin * grain(n); r < endRow; r += tileRows) {
                multiplyTile(x, t, tokens, r, Math.min(tileRows, endRow - r), y, scratch);
            }
        }
    }

    private void multiplyTile(Activations x, int t0, int tokens, int r0, int rows, Activations y, Scratch scratch) {
        float[] tile = scratch.tile;
        float[] partials = scratch.partials;
        int lanes = kernels.lanes();
        int paddedRows = (rows + 3) & ~3;
        int tokenStride = paddedRows * lanes;
        Arrays.fill(partials, 0, tokens * tokenStride, 0f);
        for (int c = 0; c < columns(); c += Scratch.TILE_COLUMNS) {
            int columns = Math.min(Scratch.TILE_COLUMNS, columns() - c);
            int padded = Math.min(Scratch.TILE_COLUMNS, x.stride - c);
            long columnBytes = (long) c / type.blockSize() * type.blockBytes();
            for (int r = 0; r < paddedRows; r++) {
                int at = r * Scratch.TILE_COLUMNS;
                if (r < rows) {
                    decoder.decode(data, (r0 + r) * rowBytes + columnBytes, tile, at, columns);
                    Arrays.fill(tile, at + columns, at + padded, 0f);
                } else {
                    Arrays.fill(tile, at, at + padded, 0f);
                }
            }
            int t = 0;
            for (; t <= tokens - 4; t += 4) {
                for (int r = 0; r < paddedRows; r += 4) {
                    kernels.dot4x4(
                            tile,
                            r * Scratch.TILE_COLUMNS,
                            Scratch.TILE_COLUMNS,
                            x.data,
                            x.row(t0 + t) + c,
                            x.stride,
                            padded,
                            partials,
                            t * tokenStride + r * lanes,
                            tokenStride);
                }
            }
            for (; t < tokens; t++) {
                for (int r = 0; r < paddedRows; r += 4) {
                    kernels.dot4x1(
                            tile,
                            r * Scratch.TILE_COLUMNS,
                            Scratch.TILE_COLUMNS,
                            x.data,
                            x.row(t0 + t) + c,
                            padded,
                            partials,
                            t * tokenStride + r * lanes);
                }
            }
        }
        for (int t = 0; t < tokens; t++) {
            int to = y.row(t0 + t) + r0;
            for (int r = 0; r < rows; r++) {
                y.data[to + r] = kernels.reduce(partials, t * tokenStride + r * lanes);
            }
        }
    }
}
