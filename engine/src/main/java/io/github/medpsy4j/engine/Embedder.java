package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.EmbeddingOptions.Pooling;
import io.github.medpsy4j.engine.kernel.Activations;
import io.github.medpsy4j.engine.kernel.KvCache;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/**
 * One call's texts on their way to vectors: batches are filled with tokens of one text after the other, long texts being
 * cut, short ones standing side by side. Sums are taken in order of position, so a vector does not depend on the batches.
 */
final class Embedder {
    /** Texts side by side in a batch: each has a KV cache, of a block at least. */
    private static final int TEXTS_MAX = 16;

    /** A text of which something has been computed or stands in the batch. */
    private static final class Text {
        final int index;
        final int[] tokens;
        final KvCache cache;
        final double[] sum; // [hidden]
        int computed;
        int staged;

        Text(int index, int[] tokens, KvCache cache, int hidden) {
            this.index = index;
            this.tokens = tokens;
            this.cache = cache;
            this.sum = new double[hidden];
        }
    }

    private final Model model;
    private final EmbeddingOptions options;
    private final List<int[]> tokens;
    private final float[][] vectors;
    private final Deque<Text> open = new ArrayDeque<>(); // in order; only the last may be left unfinished by a batch
    private int next;

    Embedder(Model model, List<int[]> tokens, EmbeddingOptions options) {
        this.model = model;
        this.options = options;
        this.tokens = tokens;
        this.vectors = new float[tokens.size()][];
    }

    /**
     * Computes all.
     *
     * @param rowsMax how many rows the next batch may have
     * @param goesOn asked before each batch
     */
    List<float[]> run(IntSupplier rowsMax, BooleanSupplier goesOn) {
        try {
            while (next < tokens.size() || !open.isEmpty()) {
                if (Thread.currentThread().isInterrupted() || !goesOn.getAsBoolean()) {
                    throw new CancellationException(
                            "stopped after " + (next - open.size()) + " of " + tokens.size() + " texts");
                }
                int rows = Math.clamp(rowsMax.getAsInt(), 1, model.batchMax());
                model.forwardHidden(batch -> stage(batch, rows), this::take);
            }
        } finally {
            open.forEach(text -> text.cache.close());
        }
        return List.of(vectors);
    }

    private void stage(Batch batch, int rows) {
        for (Text text : open) {
            stage(text, batch, rows);
        }
        while (batch.size < rows && next < tokens.size() && open.size() < TEXTS_MAX) {
            Text text = new Text(next, tokens.get(next), model.cache(), model.embeddingLength());
            open.add(text);
            next++;
            stage(text, batch, rows);
        }
    }

    private void stage(Text text, Batch batch, int rows) {
        int from = text.computed;
        int to = Math.min(text.tokens.length, from + rows - batch.size);
        text.cache.reserve(to);
        for (int i = from; i < to; i++) {
            boolean counts = options.pooling() == Pooling.MEAN || i == text.tokens.length - 1;
            batch.add(text.tokens[i], i, text.cache, counts);
        }
        text.staged = to - from;
    }

    private void take(Activations hidden) {
        int row = 0;
        for (Text text : open) {
            for (int i = text.computed; i < text.computed + text.staged; i++) {
                if (options.pooling() == Pooling.MEAN || i == text.tokens.length - 1) {
                    int at = hidden.row(row++);
                    for (int j = 0; j < text.sum.length; j++) {
                        text.sum[j] += hidden.data[at + j];
                    }
                }
            }
            text.computed += text.staged;
            text.staged = 0;
        }
        while (!open.isEmpty() && open.getFirst().computed == open.getFirst().tokens.length) {
            Text done = open.removeFirst();
            done.cache.close();
            vectors[done.index] = vector(done);
        }
    }

    private float[] vector(Text text) {
        double divisor = options.pooling() == Pooling.MEAN ? text.tokens.length : 1;
        if (options.normalized()) {
            double squares = 0;
            for (double each : text.sum) {
                squares += each * each;
            }
            divisor = squares > 0 ? Math.sqrt(squares) : 1;
        }
        float[] vector = new float[text.sum.length];
        for (int j = 0; j < vector.length; j++) {
            vector[j] = (float) (text.sum[j] / divisor);
        }
        return vector;
    }

    /** The ids that a text is embedded by: content throughout, with the beginning and end that the model asks for. */
    static int[] tokenize(Model model, String text) {
        int[] ids = model.tokenizer().encode(text);
        List<Integer> all = new ArrayList<>(ids.length + 2);
        var vocabulary = model.tokenizer().vocabulary();
        if (vocabulary.addBos()) {
            vocabulary.bos().ifPresent(all::add);
        }
        for (int id : ids) {
            all.add(id);
        }
        if (vocabulary.addEos()) {
            vocabulary.eos().ifPresent(all::add);
        }
        return all.stream().mapToInt(id -> id).toArray();
    }

    /** Refuses texts that cannot be embedded, by their place. */
    static void check(Model model, List<int[]> tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            int[] ids = tokens.get(i);
            if (ids.length == 0) {
                throw new IllegalArgumentException("text " + i + ": it has no tokens");
            }
            if (ids.length > model.context()) {
                throw new ContextFullException("text " + i, ids.length, model.context());
            }
            for (int j = 0; j < ids.length; j++) {
                if (ids[j] < 0 || ids[j] >= model.vocabularySize()) {
                    throw new IllegalArgumentException("text " + i + ", token " + j + ": expected an id from 0 to "
                            + (model.vocabularySize() - 1) + ", got " + ids[j]);
                }
            }
        }
    }
}
