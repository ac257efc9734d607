package io.github.medpsy4j.engine.kernel;

/**
 * Multiplies one batch of activations by up to three matrices in a single parallel step: Q, K and V, or gate and up,
 * share their input, its preparation and the meeting of the workers at the end.
 */
public final class MatrixProduct implements WorkerPool.Task {
    private static final int MATRICES_MAX = 3;

    private final WorkerPool pool;
    private final Scratch[] scratch;
    private final Matrix[] matrices = new Matrix[MATRICES_MAX];
    private final Activations[] outputs = new Activations[MATRICES_MAX];
    private final int[] firstItem = new int[MATRICES_MAX + 1];
    private Activations input;
    private int tokens;
    private int used;
    private int parts;
    private final WorkerPool.Task prepare = this::prepare;

    public MatrixProduct(WorkerPool pool, Kernels kernels) {
        this.pool = pool;
        scratch = new Scratch[pool.threads()];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = new Scratch(kernels.lanes());
        }
    }

    /** y[t][r] = Σ_k m[r][k]·x[t][k] for the first n rows of x. */
    public void multiply(Activations x, int n, Matrix m, Activations y) {
        begin(x, n);
        put(m, y);
        go();
    }

    /** {@link #multiply(Activations, int, Matrix, Activations)} of two matrices at once. */
    public void multiply(Activations x, int n, Matrix m0, Activations y0, Matrix m1, Activations y1) {
        begin(x, n);
        put(m0, y0);
        put(m1, y1);
        go();
    }

    /** {@link #multiply(Activations, int, Matrix, Activations)} of three matrices at once. */
    public void multiply(
            Activations x, int n, Matrix m0, Activations y0, Matrix m1, Activations y1, Matrix m2, Activations y2) {
        begin(x, n);
        put(m0, y0);
        put(m1, y1);
        put(m2, y2);
        go();
    }

    private void begin(Activations x, int n) {
        input = x;
        tokens = n;
        used = 0;
    }

    private void put(Matrix matrix, Activations output) {
        int grain = matrix.grain(tokens);
        matrices[used] = matrix;
        outputs[used] = output;
        firstItem[used + 1] = firstItem[used] + (matrix.rows() + grain - 1) / grain;
        used++;
    }

    /** The input as the matrices read it: of each group of four rows, {@link #parts} runs of columns. */
    private void prepare(int begin, int end, int worker) {
        int spans = (input.stride + Activations.SPAN - 1) / Activations.SPAN;
        // Whole groups of four are multiplied together, and of what remains three at most one by one.
        int singlesFrom = tokens - tokens % Activations.GROUP;
        for (int item = begin; item < end; item++) {
            int g = item / parts;
            int part = item % parts;
            if (part == 0 && input.isRead(Activations.GROUPED)) {
                input.group(g, g + 1, tokens);
            }
            if (input.isRead(Activations.QUANTIZED)) {
                int t = g * Activations.GROUP;
                int next = Math.min(tokens, t + Activations.GROUP);
                int from = spans * part / parts * Activations.SPAN_BLOCKS;
                int to = Math.min(
                        spans * (part + 1) / parts * Activations.SPAN_BLOCKS, input.stride / Activations.BLOCK);
                Quantizer.quantizeRows(input, t, next, from, to, singlesFrom, scratch[worker]);
            }
        }
    }

    private void go() {
        int read = 0;
        for (int i = 0; i < used; i++) {
            read |= matrices[i].reads(tokens);
        }
        if (read != 0) {
            input.ensure(tokens, read);
            int groups = (tokens + Activations.GROUP - 1) / Activations.GROUP;
            int spans = (input.stride + Activations.SPAN - 1) / Activations.SPAN;
            // Else one worker would prepare few tokens, and the others wait.
            boolean isQuantized = input.isRead(Activations.QUANTIZED);
            parts = isQuantized ? Math.clamp((pool.threads() + groups - 1) / groups, 1, spans) : 1;
            pool.run(groups * parts, 1, prepare);
        }
        pool.run(firstItem[used], 1, this);
    }

    @Override
    public void run(int begin, int end, int worker) {
        for (int i = 0; i < used; i++) {
            int from = Math.max(begin, firstItem[i]);
            int to = Math.min(end, firstItem[i + 1]);
            if (from < to) {
                matrices[i].multiply(
                        input, tokens, from - firstItem[i], to - firstItem[i], outputs[i], scratch[worker]);
            }
        }
    }
}
