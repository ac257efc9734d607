package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Activations;
import io.github.medpsy4j.engine.kernel.Attention;
import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.KvCache;
import io.github.medpsy4j.engine.kernel.MatrixProduct;
import io.github.medpsy4j.engine.kernel.WorkerPool;

/**
 * The forward pass: a batch of (token, position, sequence) to logits. It reads top to bottom in {@link
 * #forwardHidden} and {@link #forward}; every other method is one step of it.
 *
 * <p>Shapes: n rows in the batch; hidden, ffn, vocabulary widths; H query heads and K key/value heads of headDim. A
 * row's result is the same bit for bit whatever rows share its batch and whatever number of threads work.
 *
 * <p>Not thread-safe: one forward pass at a time. Allocates nothing but when a batch is larger than all before.
 */
final class Transformer {
    /** Rows of the largest batch: prompts are cut into pieces of this many tokens. */
    static final int BATCH_MAX = 512;

    /** Room for so many rows is made at first: a prompt's batch takes what it needs, not what the largest would. */
    private static final int ROWS_MIN = 16;

    private final Config config;
    private final Weights weights;
    private final Kernels kernels;
    private final WorkerPool pool;
    private final Rope rope;
    private final MatrixProduct product;
    private final Attention attention;

    private final int batchMax;
    private int rows; // n at the most, until a larger batch comes
    private Activations x; // [n][hidden] the residual stream
    private Activations normed; // [n][hidden]
    private Activations q; // [n][H·headDim]
    private Activations k; // [n][K·headDim]
    private Activations v; // [n][K·headDim]
    private Activations attended; // [n][H·headDim]
    private Activations gate; // [n][ffn]
    private Activations up; // [n][ffn]
    private Activations delta; // [n][hidden] what a sublayer adds to the residual stream
    private float[] cos; // [n][pairs]
    private float[] sin; // [n][pairs]
    private final int[] askedPositions; // [rows that ask]
    private final KvCache[] askedSequences; // [rows that ask]
    private Activations logits; // [rows that ask][vocabulary]

    // What the row tasks below work on; set by forward before each step.
    private Batch batch;
    private int layerIndex;
    private Weights.Layer layer;
    private float[] norm;
    private final WorkerPool.Task findAngles = this::findAngles;
    private final WorkerPool.Task normRows = this::normRows;
    private final WorkerPool.Task turnQueries = this::turnQueries;
    private final WorkerPool.Task turnKeys = this::turnKeys;
    private final WorkerPool.Task addAttentionRows = this::addAttentionRows;
    private final WorkerPool.Task addRows = this::addRows;
    private final WorkerPool.Task activateRows = this::activateRows;

    Transformer(Config config, Weights weights, Rope rope, Kernels kernels, WorkerPool pool, int batchMax) {
        this.config = config;
        this.weights = weights;
        this.rope = rope;
        this.kernels = kernels;
        this.pool = pool;
        int heads = config.heads();
        product = new MatrixProduct(pool, kernels);
        float scale = (float) (1 / Math.sqrt(config.headDim()));
        attention = new Attention(kernels, pool, heads, config.kvHeads(), config.headDim(), scale, batchMax);
        this.batchMax = batchMax;
        makeRows(Math.min(batchMax, ROWS_MIN));
        askedPositions = new int[batchMax];
        askedSequences = new KvCache[batchMax];
        logits = new Activations(1, config.vocabulary());
    }

    private void makeRows(int count) {
        int kvWidth = config.kvHeads() * config.headDim();
        rows = count;
        x = new Activations(rows, config.hidden());
        normed = new Activations(rows, config.hidden());
        q = new Activations(rows, config.heads() * config.headDim());
        k = new Activations(rows, kvWidth);
        v = new Activations(rows, kvWidth);
        attended = new Activations(rows, config.heads() * config.headDim());
        gate = new Activations(rows, config.ffn());
        up = new Activations(rows, config.ffn());
        delta = new Activations(rows, config.hidden());
        cos = new float[rows * rope.pairs()];
        sin = new float[rows * rope.pairs()];
    }

    /**
     * Runs the batch, whose positions are reserved in their caches. The logits of the rows that ask are then in {@link
     * #logits}, in the batch's order, until the next call.
     */
    void forward(Batch b) {
        int asked = forwardHidden(b);
        if (asked > 0) {
            ensureLogits(asked);
            product.multiply(normed, asked, weights.output, logits);
        }
    }

    /**
     * Runs the batch without its logits: the hidden states after the last norm, of the rows that ask, are then in {@link
     * #hidden}, in the batch's order, until the next call. Returns how many they are.
     */
    int forwardHidden(Batch b) {
        batch = b;
        int n = b.size;
        if (n > rows) {
            makeRows(Math.min(batchMax, Math.max(n, 2 * rows)));
        }
        for (int t = 0; t < n; t++) {
            weights.embedding.decode(b.tokens[t], x.data, x.row(t));
        }
        pool.run(n, rowGrain(n), findAngles); // of each position
        attention.begin(b.sequences, b.positions, n);
        for (layerIndex = 0; layerIndex < weights.layers.length; layerIndex++) {
            layer = weights.layers[layerIndex];
            boolean isLast = layerIndex == weights.layers.length - 1;

            norm = layer.attentionNorm;
            pool.run(n, rowGrain(n), normRows); // normed = RMSNorm(x)
            int asked = isLast ? asked() : n;
            if (asked == n) {
                product.multiply(normed, n, layer.q, q, layer.k, k, layer.v, v);
            } else {
                product.multiply(normed, n, layer.k, k, layer.v, v);
            }
            pool.run(n, rowGrain(n), turnKeys); // biases, head norms, RoPE
            attention.store(layerIndex, k, v);
            if (asked < n) {
                // Behind the last keys and values nobody needs the rows that do not ask.
                if (asked == 0) {
                    return 0;
                }
                gatherAskedRows();
                n = asked;
                product.multiply(normed, n, layer.q, q);
            }
            pool.run(n, rowGrain(n), turnQueries); // biases, head norms, RoPE
            attention.attend(layerIndex, q, attended);
            product.multiply(attended, n, layer.attentionOutput, delta);
            pool.run(n, rowGrain(n), addAttentionRows); // x += delta

            norm = layer.ffnNorm;
            pool.run(n, rowGrain(n), normRows); // normed = RMSNorm(x)
            product.multiply(normed, n, layer.gate, gate, layer.up, up);
            pool.run(n, rowGrain(n), activateRows); // gate = silu(gate) ⊙ up
            product.multiply(gate, n, layer.down, delta);
            pool.run(n, rowGrain(n), addRows); // x += delta
        }
        norm = weights.outputNorm;
        pool.run(n, rowGrain(n), normRows); // normed = RMSNorm(x)
        return n;
    }

    /** The number of rows that ask for logits. */
    private int asked() {
        int asked = 0;
        for (int t = 0; t < batch.size; t++) {
            asked += batch.wantsLogits[t] ? 1 : 0;
        }
        return asked;
    }

    /** Moves the rows that ask together: of x, normed and the angles; attention goes on with them alone. */
    private void gatherAskedRows() {
        int asked = 0;
        int pairs = rope.pairs();
        for (int t = 0; t < batch.size; t++) {
            if (!batch.wantsLogits[t]) {
                continue;
            }
            if (asked < t) {
                System.arraycopy(x.data, x.row(t), x.data, x.row(asked), x.width);
                System.arraycopy(normed.data, normed.row(t), normed.data, normed.row(asked), normed.width);
                System.arraycopy(cos, t * pairs, cos, asked * pairs, pairs);
                System.arraycopy(sin, t * pairs, sin, asked * pairs, pairs);
            }
            askedPositions[asked] = batch.positions[t];
            askedSequences[asked] = batch.sequences[t];
            asked++;
        }
        attention.begin(askedSequences, askedPositions, asked);
    }

    /** [n][hidden] what {@link #forwardHidden} has left. */
    Activations hidden() {
        return normed;
    }

    /** The logits of the last batch: row i belongs to the i-th row that asked. */
    Activations logits() {
        return logits;
    }

    private static int rowGrain(int n) {
        return n < 8 ? n : 4;
    }

    private void findAngles(int begin, int end, int worker) {
        for (int t = begin; t < end; t++) {
            rope.angles(batch.positions[t], cos, sin, t * rope.pairs());
        }
    }

    private void normRows(int begin, int end, int worker) {
        for (int t = begin; t < end; t++) {
            kernels.rmsNorm(x.data, x.row(t), norm, config.normEpsilon(), normed.data, normed.row(t), config.hidden());
        }
    }

    private void turnKeys(int begin, int end, int worker) {
        for (int t = begin; t < end; t++) {
            addBias(layer.kBias, k, t);
            addBias(layer.vBias, v, t);
            turnHeads(k, t, config.kvHeads(), layer.kNorm);
        }
    }

    private void turnQueries(int begin, int end, int worker) {
        for (int t = begin; t < end; t++) {
            addBias(layer.qBias, q, t);
            turnHeads(q, t, config.heads(), layer.qNorm);
        }
    }

    private void addBias(float[] bias, Activations to, int t) {
        if (bias != null) {
            kernels.add(bias, 0, to.data, to.row(t), bias.length);
        }
    }

    private void turnHeads(Activations heads, int t, int count, float[] headNorm) {
        int headDim = config.headDim();
        for (int h = 0; h < count; h++) {
            int at = heads.row(t) + h * headDim;
            if (headNorm != null) {
                kernels.rmsNorm(heads.data, at, headNorm, config.normEpsilon(), heads.data, at, headDim);
            }
            rope.rotate(kernels, heads.data, at, cos, sin, t * rope.pairs());
        }
    }

    private void addAttentionRows(int begin, int end, int worker) {
        for (int t = begin; t < end; t++) {
            addBias(layer.attentionOutputBias, delta, t);
        }
        addRows(begin, end, worker);
    }

    private void addRows(int begin, int end, int worker) {
        for (int t = begin; t < end; t++) {
            kernels.add(delta.data, delta.row(t), x.data, x.row(t), config.hidden());
        }
    }

    private void activateRows(int begin, int end, int worker) {
        for (int t = begin; t < end; t++) {
            kernels.swiglu(gate.data, gate.row(t), up.data, up.row(t), config.ffn());
        }
    }

    private void ensureLogits(int rows) {
        if (logits.data.length < rows * logits.stride) {
            logits = new Activations(rows, config.vocabulary());
        }
    }
}
