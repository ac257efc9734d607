package io.github.medpsy4j.gguf;

import java.util.List;

/**
 * What a file says of one tensor. Of an instance that a {@link GgufFile} hands out everything has been checked: at most
 * four dimensions, each at least 1, a whole number of blocks per row, bytes that lie inside the file and belong to no
 * other tensor.
 *
 * @param name the tensor's name, unique in the file
 * @param type the type of its weights
 * @param shape ggml's {@code ne}: the first is the length of a row (columns), which lies contiguous; empty for a scalar
 * @param fileOffset bytes from the start of the part's file
 * @param byteSize bytes of the tensor's data
 * @param part the file of a split model that holds it, counted from 0; 0 for a model in one file
 */
public record TensorInfo(String name, GgmlType type, List<Long> shape, long fileOffset, long byteSize, int part) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /** The number of weights: the product of the shape. */
    public long elements() {
        return Math.multiplyExact(columns(), rows());
    }

    /** {@code ne[0]}: weights per row. */
    public long columns() {
        return shape.isEmpty() ? 1 : shape.getFirst();
    }

    /** The product of all dimensions but the first. */
    public long rows() {
        long rows = 1;
        for (int i = 1; i < shape.size(); i++) {
            rows = Math.multiplyExact(rows, shape.get(i));
        }
        return rows;
    }
}
