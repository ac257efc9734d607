package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Activations;
import io.github.medpsy4j.engine.kernel.KvCache;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CancellationException;

/**
 * One sequence of tokens and its KV cache. Tokens are appended; the logits after the last one predict the next. Belongs
 * to one thread at a time, but any thread may close it: that waits for the batch being computed, and what its own thread
 * asks next throws IllegalStateException. A session is closed by its model at the latest.
 */
public final class Session implements AutoCloseable {
    /** Receives the logits at one position. */
    @FunctionalInterface
    public interface LogitsListener {
        /**
         * @param index of the token in the appended array
         * @param logits [vocabulary] in {@code logits[offset..]}; valid during the call
         */
        void accept(int index, float[] logits, int offset);
    }

    /** The most tokens that one pass through the model takes: longer prompts are cut into pieces of this length. */
    public static final int BATCH_MAX = Transformer.BATCH_MAX;

    private final Model model;
    private final KvCache cache;
    private final int[] tokens;
    private final float[] logits;
    private final Model.LogitsConsumer keepLogits = this::keepLogits;
    private final int[] single = new int[1];
    private final Session[] self = {this};
    private final BatchCosts costs = new BatchCosts();
    private int length;
    private boolean hasLogits;
    private Progress progress = (done, total) -> true;

    // A step: tokens that stand behind the held ones until they are computed, and the logits after the last of them.
    private int stagedCount;
    private int stagedLogitRows;
    private float[] manyRows = {}; // [rowCount][vocabulary], where there are several
    private int rowCount = 1;
    private volatile boolean closed;

    Session(Model model, KvCache cache, int context) {
        this.model = model;
        this.cache = cache;
        this.tokens = new int[context];
        this.logits = new float[model.vocabularySize()];
    }

    /** Tokens held. */
    public int length() {
        return length;
    }

    /** Tokens that fit. */
    public int context() {
        return tokens.length;
    }

    /** A copy of the tokens held. */
    public int[] tokens() {
        return Arrays.copyOf(tokens, length);
    }

    /** The tokens held, for readers that must not allocate; only the first {@link #length} count. */
    int[] tokensView() {
        return tokens;
    }

    /**
     * Appends tokens and computes the logits after the last.
     *
     * @throws ContextFullException if they do not fit; nothing is appended then
     * @throws IllegalArgumentException if an id is not in the vocabulary
     * @throws CancellationException if the {@link #progress} listener stopped it
     */
    public void append(int... ids) {
        append(ids, Math.max(0, ids.length - 1), null);
    }

    /** Appends one token; allocates nothing. */
    void appendOne(int id) {
        single[0] = id;
        append(single, 0, null);
    }

    /** Appends tokens and hands the logits at every one of their positions to the listener. */
    public void append(int[] ids, LogitsListener listener) {
        append(ids, 0, Objects.requireNonNull(listener));
    }

    private void append(int[] ids, int logitsFrom, LogitsListener listener) {
        ensureOpen();
        if (ids.length > tokens.length - length) {
            throw new ContextFullException(length + ids.length, tokens.length);
        }
        checkTokens(ids, 0, ids.length);
        if (ids.length == 0) {
            return;
        }
        hasLogits = false;
        rowCount = 1;
        int appended;
        if (listener == null) {
            appended = model.forward(cache, length, ids, logitsFrom, keepLogits, progress);
        } else {
            Model.LogitsConsumer keepAndTell = (index, data, offset) -> {
                keepLogits(index, data, offset);
                listener.accept(index, data, offset);
            };
            appended = model.forward(cache, length, ids, logitsFrom, keepAndTell, progress);
        }
        System.arraycopy(ids, 0, tokens, length, appended);
        length += appended;
        hasLogits = appended == ids.length;
        if (appended < ids.length) {
            throw new CancellationException("stopped after " + appended + " of " + ids.length + " tokens");
        }
    }

    /**
     * Follows appended tokens, a prompt's for example, by batches of {@value #BATCH_MAX} at most, and may stop
     * them: what was computed by then stays, and {@link #replace} goes on from there.
     */
    public void progress(Progress listener) {
        progress = Objects.requireNonNull(listener);
    }

    /**
     * Puts ids[from .. from + count) behind the tokens held, to be computed by {@link Model#forward(Session[], int)}; the
     * logits after the last {@code logitRows} of them will be {@link #rows}.
     *
     * @throws ContextFullException if they do not fit
     */
    void stage(int[] ids, int from, int count, int logitRows) {
        ensureOpen();
        if (count > tokens.length - length) {
            throw new ContextFullException(length + count, tokens.length);
        }
        checkTokens(ids, from, count);
        cache.reserve(length + count);
        if (logitRows > 1 && manyRows.length < logitRows * logits.length) {
            manyRows = new float[logitRows * logits.length];
        }
        System.arraycopy(ids, from, tokens, length, count);
        stagedCount = count;
        stagedLogitRows = logitRows;
        rowCount = Math.max(1, logitRows);
        hasLogits = false;
    }

    /** Computes what was staged. */
    void forward() {
        model.forward(self, 1);
    }

    /** Adds what was staged to a batch. */
    void fill(Batch batch) {
        ensureOpen(); // another thread may have closed it since it was staged
        for (int i = 0; i < stagedCount; i++) {
            batch.add(tokens[length + i], length + i, cache, i >= stagedCount - stagedLogitRows);
        }
    }

    /** What was staged is computed; its logits begin with the given row. Returns how many rows they are. */
    int computed(Activations batchLogits, int firstRow) {
        float[] to = rows();
        for (int r = 0; r < stagedLogitRows; r++) {
            System.arraycopy(batchLogits.data, batchLogits.row(firstRow + r), to, rowOffset(r), logits.length);
        }
        length += stagedCount;
        hasLogits = stagedLogitRows == 1;
        stagedCount = 0;
        return stagedLogitRows;
    }

    /** Rows of logits of the last step. */
    int rowCount() {
        return rowCount;
    }

    /** The array of the last step's logits. */
    float[] rows() {
        return rowCount == 1 ? logits : manyRows;
    }

    int rowOffset(int row) {
        return row * logits.length;
    }

    /** The tokens up to the one that a row of logits follows. */
    int lengthAtRow(int row) {
        return length - (rowCount - 1 - row);
    }

    /** Forgets the tokens of the last step behind the first {@code kept} that have logits. */
    void keepRows(int kept) {
        if (rowCount > 1) {
            System.arraycopy(manyRows, rowOffset(kept - 1), logits, 0, logits.length);
            length = lengthAtRow(kept - 1);
            rowCount = 1;
            hasLogits = true;
        }
    }

    /** What this session's steps have cost. */
    BatchCosts costs() {
        return costs;
    }

    private void checkTokens(int[] ids, int from, int count) {
        for (int i = from; i < from + count; i++) {
            if (ids[i] < 0 || ids[i] >= logits.length) {
                throw new IllegalArgumentException(
                        "token " + i + ": expected an id from 0 to " + (logits.length - 1) + ", got " + ids[i]);
            }
        }
    }

    private void keepLogits(int index, float[] data, int offset) {
        System.arraycopy(data, offset, logits, 0, logits.length);
    }

    /**
     * The logits [vocabulary] after the last token: a view that the next append overwrites.
     *
     * @throws IllegalStateException if nothing was appended since the session was opened or truncated
     */
    public float[] logits() {
        ensureOpen();
        if (!hasLogits) {
            throw new IllegalStateException("no logits: append a token first");
        }
        return logits;
    }

    /**
     * How probable the model finds a token after the last one, and the {@code top} most probable ones.
     *
     * @throws IllegalStateException if there are no {@link #logits}
     * @throws IllegalArgumentException if the token is not in the vocabulary
     */
    public TokenLogprob logprob(int token, int top) {
        return TokenLogprob.checked(
                token, logits(), 0, model.tokenizer().vocabulary().size(), top);
    }

    /** Forgets the tokens from position {@code newLength} on. */
    public void truncate(int newLength) {
        ensureOpen();
        Objects.checkIndex(newLength, length + 1);
        if (newLength < length) {
            length = newLength;
            hasLogits = false;
            rowCount = 1;
        }
    }

    /**
     * Makes the session hold exactly {@code prompt}, computing only what the longest common prefix does not cover (at
     * least the last token, whose logits are wanted). The result is the same bit for bit as from an empty session.
     *
     * @return how many tokens were reused
     * @throws ContextFullException if the prompt does not fit; the session is unchanged then
     * @throws IllegalArgumentException if the prompt is empty or an id not in the vocabulary; likewise
     */
    public int replace(int[] prompt) {
        ensureOpen();
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens");
        }
        if (prompt.length > tokens.length) {
            throw new ContextFullException(prompt.length, tokens.length);
        }
        checkTokens(prompt, 0, prompt.length);
        int common = Math.min(commonPrefix(prompt), prompt.length - 1);
        truncate(common);
        append(Arrays.copyOfRange(prompt, common, prompt.length));
        return common;
    }

    /**
     * Writes the tokens and the KV cache to a file, which is replaced as one step.
     *
     * @throws IllegalStateException if the session is empty
     */
    public void save(Path path) throws IOException {
        save(path, new Transcript());
    }

    void save(Path path, Transcript transcript) throws IOException {
        ensureOpen();
        if (length == 0) {
            throw new IllegalStateException("the session is empty");
        }
        CacheFile.write(path, model, cache, tokens(), transcript);
    }

    /**
     * Makes the session hold what {@link #save} wrote. The last position is computed anew and must come out bit for bit
     * as it was kept: a cache that this machine, these weights or this version would have computed otherwise is refused.
     *
     * @throws SessionFileException if the file is damaged, of another format, model or kernel, or longer than the
     *     context, in one line; the session is empty then
     * @throws IOException if it cannot be read; likewise
     */
    public void restore(Path path) throws IOException {
        restoreWithTranscript(path);
    }

    Transcript restoreWithTranscript(Path path) throws IOException {
        ensureOpen();
        truncate(0);
        CacheFile.Loaded loaded = CacheFile.read(path, model, cache);
        int last = loaded.tokens.length - 1;
        ByteBuffer kept = positionBytes(last);
        System.arraycopy(loaded.tokens, 0, tokens, 0, last);
        length = last;
        appendOne(loaded.tokens[last]);
        if (!positionBytes(last).equals(kept)) {
            truncate(0);
            throw new SessionFileException(path + ": the last position; expected what this machine computes, got other "
                    + "bits (another version, or weights laid out otherwise)");
        }
        return loaded.transcript;
    }

    private ByteBuffer positionBytes(int position) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) cache.byteSize(1));
        cache.stretches(position, position + 1, stretch -> bytes.put(stretch.asByteBuffer()));
        return bytes.flip();
    }

    /** How many tokens at the beginning are those of the prompt. */
    int commonPrefix(int[] prompt) {
        int mismatch = Arrays.mismatch(tokens, 0, length, prompt, 0, prompt.length);
        return mismatch < 0 ? length : mismatch;
    }

    /** Takes over the first tokens of another session of the same model, and their keys and values, beyond its own. */
    void copyPrefix(Session other, int count) {
        cache.copyFrom(other.cache, length, count);
        System.arraycopy(other.tokens, 0, tokens, 0, count);
        length = count;
        hasLogits = false;
        rowCount = 1;
    }

    /** Bytes that the KV cache has taken so far. */
    public long cacheByteSize() {
        return cache.byteSize();
    }

    /** The model that computes. */
    public Model model() {
        return model;
    }

    private void ensureOpen() {
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
    }

    @Override
    public void close() {
        model.close(this);
    }

    /** Frees the cache; the model sees to it that no batch is reading it. */
    void free() {
        closed = true;
        cache.close();
    }
}
