package io.github.medpsy4j.engine.kernel;

/**
 * A weight matrix [rows][columns] in the layout that its kernel wants. The result for a token does not depend on which
 * other tokens share the call, on how the rows are cut, or on the thread.
 */
public abstract class Matrix {
    /** Up to how many tokens it costs less to unpack weights for each four than to write a tile of them. */
    public static final int FEW_TOKENS_MAX = 12;

    private final int rows;
    private final int columns;

    Matrix(int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
    }

    public final int rows() {
        return rows;
    }

    public final int columns() {
        return columns;
    }

    /** How many rows one item of work has when n tokens are multiplied: there are rows / grain items, rounded up. */
    abstract int grain(int n);

    /**
     * What of n rows of activations it reads beside {@link Activations#data}: the sum of {@link Activations#GROUPED} and the
     * others. What bounds the quantized form, {@link Activations#NIBBLES} to {@link Activations#WORDS}, does not depend on n.
     */
    int reads(int n) {
        return 0;
    }

    /** y[t][r] = Σ_k w[r][k]·x[t][k] for t in [0, n) and the rows r of items [begin, end). */
    abstract void multiply(Activations x, int n, int begin, int end, Activations y, Scratch scratch);
}
