package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.Matrix;
import io.github.medpsy4j.engine.kernel.MatrixLoader;
import io.github.medpsy4j.engine.kernel.WeightDecoder;
import io.github.medpsy4j.gguf.GgmlType;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.TensorInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The tensors of a model by their place in the forward pass. Matrices are [rows][columns], y = W·x. */
final class Weights {
    /** One transformer block; biases and head norms are null where the architecture has none. */
    static final class Layer {
        float[] attentionNorm; // [hidden]
        Matrix q; // [heads·headDim][hidden]
        Matrix k; // [kvHeads·headDim][hidden]
        Matrix v; // [kvHeads·headDim][hidden]
        float[] qBias; // [heads·headDim]
        float[] kBias; // [kvHeads·headDim]
        float[] vBias; // [kvHeads·headDim]
        float[] qNorm; // [headDim]
        float[] kNorm; // [headDim]
        Matrix attentionOutput; // [hidden][heads·headDim]
        float[] attentionOutputBias; // [hidden]
        float[] ffnNorm; // [hidden]
        Matrix gate; // [ffn][hidden]
        Matrix up; // [ffn][hidden]
        Matrix down; // [hidden][ffn]
    }

    /** The matrices of a block. */
    private static final List<String> PLACES = List.of(
            "attn_q.weight",
            "attn_k.weight",
            "attn_v.weight",
            "attn_output.weight",
            "ffn_gate.weight",
            "ffn_up.weight",
            "ffn_down.weight");

    final Embedding embedding; // [vocabulary][hidden]
    final Layer[] layers;
    final float[] outputNorm; // [hidden]
    final float[] ropeDivisors; // [headDim / 2] or null
    Matrix output; // [vocabulary][hidden]

    private final GgufFile file;
    private final Progress progress;
    private final int rowsMax; // of a matrix
    private final List<MatrixLoader.Request> requests = new ArrayList<>();
    private final Set<String> used = new HashSet<>();

    Weights(GgufFile file, Config c, MatrixLoader loader, Progress progress) throws IOException {
        this(file, c, progress, IntStream.range(0, c.layers()).toArray(), Integer.MAX_VALUE);
        for (TensorInfo t : file.tensors()) {
            if (!used.contains(t.name())) {
                throw new ModelException(file.path() + ": tensor '" + t.name() + "' has no place in architecture '"
                        + c.architecture().key + "' as this engine computes it; ignoring it could give wrong answers");
            }
        }
        loader.load(requests, this::tell);
        progress.at(totalBytes(), totalBytes());
    }

    /** Checks all shapes; the matrices remain to be loaded. */
    private Weights(GgufFile file, Config c, Progress progress, int[] layersUsed, int rowsMax) throws IOException {
        this.progress = progress;
        this.rowsMax = rowsMax;
        this.file = file;
        int qWidth = c.heads() * c.headDim();
        int kvWidth = c.kvHeads() * c.headDim();
        TensorInfo tokens = tensor("token_embd.weight", c.hidden(), c.vocabulary());
        embedding = new Embedding(file, tokens, decoder(tokens));
        // The greatest matrix first: while one is packed, the file's pages of it are in memory too. Tied models have no
        // output matrix of their own: the embedding serves.
        matrix(
                file.tensor("output.weight").isPresent() ? "output.weight" : "token_embd.weight",
                c.vocabulary(),
                c.hidden(),
                m -> output = m);
        layers = new Layer[layersUsed.length];
        for (int i = 0; i < layers.length; i++) {
            String p = "blk." + layersUsed[i] + ".";
            Layer l = new Layer();
            layers[i] = l;
            l.attentionNorm = vector(p + "attn_norm.weight", c.hidden());
            matrix(p + "attn_q.weight", qWidth, c.hidden(), m -> l.q = m);
            matrix(p + "attn_k.weight", kvWidth, c.hidden(), m -> l.k = m);
            matrix(p + "attn_v.weight", kvWidth, c.hidden(), m -> l.v = m);
            l.qBias = vectorOrNull(p + "attn_q.bias", qWidth);
            l.kBias = vectorOrNull(p + "attn_k.bias", kvWidth);
            l.vBias = vectorOrNull(p + "attn_v.bias", kvWidth);
            if (c.architecture().normalizesHeads) {
                l.qNorm = vector(p + "attn_q_norm.weight", c.headDim());
                l.kNorm = vector(p + "attn_k_norm.weight", c.headDim());
            }
            matrix(p + "attn_output.weight", c.hidden(), qWidth, m -> l.attentionOutput = m);
            l.attentionOutputBias = vectorOrNull(p + "attn_output.bias", c.hidden());
            l.ffnNorm = vector(p + "ffn_norm.weight", c.hidden());
            matrix(p + "ffn_gate.weight", c.ffn(), c.hidden(), m -> l.gate = m);
            matrix(p + "ffn_up.weight", c.ffn(), c.hidden(), m -> l.up = m);
            matrix(p + "ffn_down.weight", c.hidden(), c.ffn(), m -> l.down = m);
        }
        outputNorm = vector("output_norm.weight", c.hidden());
        ropeDivisors = vectorOrNull("rope_freqs.weight", c.headDim() / 2);
    }

    /**
     * The first rows of each matrix, of as many layers as it takes to meet every tensor type in every place. Activations
     * keep their widths: what the missing rows would have written stays zero.
     */
    static Weights sample(GgufFile file, Config c, MatrixLoader loader, int rows) throws IOException {
        Set<String> seen = new HashSet<>();
        int[] layers = IntStream.range(0, c.layers())
                .filter(i -> {
                    boolean isNew = false;
                    for (String place : PLACES) {
                        Optional<TensorInfo> t = file.tensor("blk." + i + "." + place);
                        isNew |= t.isPresent() && seen.add(place + t.get().type());
                    }
                    return isNew;
                })
                .toArray();
        Weights weights = new Weights(file, c, (done, total) -> true, layers, rows);
        loader.load(weights.requests, bytes -> {});
        return weights;
    }

    /** The types of the tensors that were used, which decide what kernels run. */
    Set<GgmlType> types() {
        return used.stream()
                .map(name -> file.tensor(name).orElseThrow().type())
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(GgmlType.class)));
    }

    private TensorInfo tensor(String name, long... shape) throws ModelException {
        TensorInfo t = file.tensor(name)
                .orElseThrow(() -> new ModelException(file.path() + ": missing tensor '" + name + "'"));
        used.add(name);
        boolean fits = t.columns() == shape[0] && t.rows() == (shape.length > 1 ? shape[1] : 1);
        if (!fits) {
            List<Long> expected = Arrays.stream(shape).boxed().toList();
            throw new ModelException(
                    file.path() + ": tensor '" + name + "': expected shape " + expected + ", got " + t.shape());
        }
        return t;
    }

    /**
     * Of a few rows a batch, and of vectors once. In scalars: those in vectors make the same floats, but a first prompt is over before
     * C2 has compiled one (0.1 s of a 1.7B model's first word).
     */
    private WeightDecoder decoder(TensorInfo t) throws ModelException {
        try {
            return Kernels.scalar().decoder(t.type());
        } catch (IllegalArgumentException e) {
            throw new ModelException(file.path() + ": tensor '" + t.name() + "': unsupported type " + t.type(), e);
        }
    }

    /** Has a matrix loaded with the others and put in its place. */
    private void matrix(String name, int rows, int columns, Consumer<Matrix> place) throws ModelException {
        TensorInfo t = tensor(name, columns, rows);
        decoder(t);
        requests.add(new MatrixLoader.Request(t, Math.min(rows, rowsMax), columns, place));
    }

    private void tell(long bytesDone) {
        // A tied matrix is loaded twice: as the embedding and as the output.
        long total = totalBytes();
        long done = Math.min(bytesDone, total - 1);
        if (!progress.at(done, total)) {
            throw new CancellationException(
                    file.path() + ": loading was stopped after " + done + " of " + total + " bytes");
        }
    }

    private long totalBytes() {
        return file.tensors().stream().mapToLong(TensorInfo::byteSize).sum();
    }

    private float[] vector(String name, int length) throws ModelException {
        TensorInfo t = tensor(name, length);
        if (t.type() != GgmlType.F32 && t.type() != GgmlType.F16 && t.type() != GgmlType.BF16) {
            throw new ModelException(
                    file.path() + ": tensor '" + name + "': expected type F32, F16 or BF16, got " + t.type());
        }
        float[] values = new float[length];
        decoder(t).decode(file.data(t), 0, values, 0, length);
        return values;
    }

    private float[] vectorOrNull(String name, int length) throws ModelException {
        return file.tensor(name).isPresent() ? vector(name, length) : null;
    }
}
