package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Activations;
import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.KvCache;
import io.github.medpsy4j.engine.kernel.KvFormat;
import io.github.medpsy4j.engine.kernel.MatrixLoader;
import io.github.medpsy4j.engine.kernel.WorkerPool;
import io.github.medpsy4j.engine.template.ChatTemplate;
import io.github.medpsy4j.gguf.GgufException;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/**
 * A model from a GGUF file, ready to compute: weights, tokenizer and chat template. Weights stay in the mapped file,
 * outside the Java heap.
 *
 * <p>A model is immutable and shared by threads; its {@link Session}s belong to one thread at a time. Sessions of one
 * model compute in turn on its worker threads. Closing is idempotent and closes the sessions too; use after close throws
 * {@link IllegalStateException}.
 */
public final class Model implements AutoCloseable {
    private static final int CONTEXT_DEFAULT_MAX = 16_384;
    private static final int CONTEXT_MIN = 512;

    /** Memory that the default context leaves to everything else. */
    private static final long MEMORY_MARGIN_BYTES = 1L << 30;

    /** GGUF's {@code pooling_type} for the last token; as llama.cpp's enum llama_pooling_type has it. */
    private static final int POOLING_TYPE_LAST = 3;

    /** Memory for the vocabulary, scratch rows and the JVM's own, about. */
    static final long PROGRAM_BYTES = 128 << 20;

    /** What computes first waits so long for compiled code: cold code on all processors would hold the compiler up. */
    private static final long WARM_UP_MILLIS_MAX = 2000;

    private static final String HOW_TO_BE_FAST =
            "start java with --add-modules jdk.incubator.vector to be many times faster";

    private static final AtomicBoolean IS_SLOWNESS_TOLD = new AtomicBoolean();

    private final GgufFile file;
    private final Config config;
    private final Tokenizer tokenizer;
    private final String chatTemplateSource;
    private ChatTemplate chatTemplate;
    private String toolsFault; // null while unknown; empty if there is none
    private final WorkerPool pool;
    private final WarmUp warmUp;
    private final Arena arena;
    private final Kernels kernels;
    private final KvFormat kvFormat;
    private final int context;
    private final List<Session> sessions = new ArrayList<>();
    private final Weights weights;
    private final Rope rope;
    private Transformer transformer;
    private Batch batch;
    private String identity;
    private volatile boolean closed;

    /** Guards the transformer and its batch. Fair: nobody computes twice while another waits. */
    private final ReentrantLock turns = new ReentrantLock(true);

    private final Turn endTurn = turns::unlock;

    private Model(GgufFile file, LoadOptions options, Arena arena, WorkerPool pool, WarmUp warmUp) throws IOException {
        this.file = file;
        this.warmUp = warmUp;
        this.arena = arena;
        this.pool = pool;
        this.config = Config.of(file);
        if (options.context() > config.contextLength()) {
            throw new ModelException(file.path() + ": context: expected at most the model's " + config.contextLength()
                    + ", got " + options.context());
        }
        this.kvFormat = kvFormat(options.kv());
        this.context = chooseContext(options); // before the weights take their part of the memory
        if (options.memoryCheck()) {
            checkMemory();
        }
        this.kernels = options.scalar() ? Kernels.scalar() : Kernels.best();
        boolean packs = switch (options.weights()) {
            case MAPPED -> false;
            case PACKED -> true;
            case AUTO -> Memory.availableBytes() > file.byteSize() + MEMORY_MARGIN_BYTES;
        };
        if (WarmUp.isUseful(file, options)) {
            warmUp.start(file, config, kernels, kvFormat, packs);
        }
        CompletableFuture<Tokenizer> tokenizerTask = CompletableFuture.supplyAsync(() -> {
            try {
                return Vocabularies.tokenizer(file);
            } catch (IOException e) {
                throw new CompletionException(e);
            }
        });
        boolean isSlow = !Kernels.vectorModulePresent() && !options.scalar();
        options.log().accept("kernels: " + kernels.description() + (isSlow ? " (" + HOW_TO_BE_FAST + ")" : ""));
        if (isSlow && options.isSilent() && !IS_SLOWNESS_TOLD.getAndSet(true)) {
            System.getLogger(Model.class.getPackageName())
                    .log(System.Logger.Level.WARNING, "computing without the Vector API; " + HOW_TO_BE_FAST);
        }
        try {
            long start = System.nanoTime();
            MatrixLoader loader = new MatrixLoader(file, kernels, packs, arena, pool);
            this.weights = new Weights(file, config, loader, options.progress());
            options.log()
                    .accept(String.format(
                            Locale.ROOT,
                            "weights: %,d MB repacked, %,d MB mapped, in %.2f s",
                            loader.packedBytes() / 1_000_000,
                            (file.byteSize() - loader.packedBytes()) / 1_000_000,
                            (System.nanoTime() - start) / 1e9));
            options.log()
                    .accept(String.format(
                            Locale.ROOT,
                            "KV cache: %s, %,d bytes for each of %,d tokens",
                            options.kv().name().toLowerCase(Locale.ROOT),
                            kvBytesPerToken(),
                            context));
            this.rope = rope(file, config, weights);
        } finally {
            // The file is closed when loading fails: not under the feet of the other thread.
            tokenizerTask.exceptionally(e -> null).join();
        }
        try {
            this.tokenizer = tokenizerTask.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RuntimeException cause -> throw cause;
                default -> throw e;
            }
        }
        if (tokenizer.vocabulary().size() > config.vocabulary()) {
            throw new ModelException(file.path() + ": the vocabulary has "
                    + tokenizer.vocabulary().size() + " tokens, tensor 'token_embd.weight' has "
                    + config.vocabulary() + " rows");
        }
        this.chatTemplateSource = file.metadata().string("tokenizer.chat_template", "");
    }

    static Rope rope(GgufFile file, Config config, Weights weights) throws GgufException, ModelException {
        return Rope.of(
                file.metadata(),
                file.path().toString(),
                config.architecture().key,
                config.architecture().rope,
                config.headDim(),
                config.contextLength(),
                weights.ropeDivisors);
    }

    /** Loads a model with {@link LoadOptions#defaults}. */
    public static Model load(Path path) throws IOException {
        return load(path, LoadOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @throws GgufException if the file is not a sound GGUF file
     * @throws ModelException if the engine cannot run it: architecture, tensor types, shapes, vocabulary
     * @throws ModelTooLargeException if memory has no room for it and {@link LoadOptions#memoryCheck} was asked for
     * @throws java.util.concurrent.CancellationException if {@link LoadOptions#progress} ends it; nothing stays open
     */
    @SuppressWarnings("MustBeClosedChecker") // the model closes the arena
    public static Model load(Path path, LoadOptions options) throws IOException {
        GgufFile file = GgufFile.open(path);
        Arena arena = Arena.ofShared();
        int threads =
                options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        WorkerPool pool = new WorkerPool(threads);
        WarmUp warmUp = new WarmUp(options.log());
        try {
            return new Model(file, options, arena, pool, warmUp);
        } catch (IOException | RuntimeException | Error e) {
            warmUp.close();
            pool.close();
            arena.close();
            file.close();
            throw e;
        }
    }

    private KvFormat kvFormat(LoadOptions.KvType type) throws ModelException {
        KvFormat format = switch (type) {
            case F16 -> KvFormat.F16;
            case F32 -> KvFormat.F32;
            case Q8_0 -> KvFormat.Q8_0;
        };
        if (!format.fits(config.headDim())) {
            throw new ModelException(file.path() + ": KV cache of type " + type
                    + ": expected heads of a multiple of 32 wide, got " + config.headDim());
        }
        return format;
    }

    private void checkMemory() throws ModelTooLargeException {
        long available = Memory.availableBytes();
        long contextBytes = kvBytesPerToken() * context;
        if (file.byteSize() + contextBytes + PROGRAM_BYTES > available) {
            throw new ModelTooLargeException(file.path(), file.byteSize(), context, contextBytes, available);
        }
    }

    private int chooseContext(LoadOptions options) {
        if (options.context() > 0) {
            return options.context();
        }
        long free = Memory.availableBytes() - file.byteSize() - MEMORY_MARGIN_BYTES;
        long affordable = Math.max(CONTEXT_MIN, free / kvBytesPerToken() / CONTEXT_MIN * CONTEXT_MIN);
        return (int) Math.min(Math.min(config.contextLength(), CONTEXT_DEFAULT_MAX), affordable);
    }

    /** Bytes of KV cache that one token of context takes. */
    public long kvBytesPerToken() {
        return KvCache.bytesPerPosition(kvFormat, config.layers(), config.kvHeads(), config.headDim());
    }

    /** The file's metadata and tensors. */
    public GgufFile file() {
        return file;
    }

    /** The model's name as its file gives it, else the file's own. */
    public String name() throws GgufException {
        Path name = file.path().getFileName();
        return file.metadata().string("general.name", name == null ? "model" : name.toString());
    }

    /**
     * Tells this model's file from any other: 64 hexadecimal digits, from the file's size, its metadata, and the names,
     * places and some of the bytes of its tensors. The file's name and place do not count.
     */
    public synchronized String identity() {
        ensureOpen();
        if (identity == null) {
            identity = ModelIdentity.of(file);
        }
        return identity;
    }

    /** The architecture, such as {@code qwen3}. */
    public String architecture() {
        return config.architecture().key;
    }

    /** The length of a row of logits; at least the tokenizer's vocabulary. */
    public int vocabularySize() {
        return config.vocabulary();
    }

    /** Positions that the model was trained for. */
    public int contextLength() {
        return config.contextLength();
    }

    /** Positions that a session holds. */
    public int context() {
        return context;
    }

    /** What computes: {@code "vector, 256 bits"}, {@code "vector, 512 bits"} or {@code "vector, 512 bits, shorts"}, or in scalars. */
    public String kernel() {
        return kernels.description();
    }

    /** Threads that compute. */
    public int threads() {
        return pool.threads();
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /**
     * The template that the file carries, if it carries one. Parsed when first asked for, so that a template that cannot
     * be read stops a chat and nothing else.
     *
     * @throws io.github.medpsy4j.engine.template.TemplateException if it cannot be parsed
     */
    public synchronized Optional<ChatTemplate> chatTemplate() {
        if (chatTemplate == null && !chatTemplateSource.isBlank()) {
            chatTemplate = ChatTemplate.parse("chat_template", chatTemplateSource);
        }
        return Optional.ofNullable(chatTemplate);
    }

    /**
     * Whether the template tells the model of tools, in the form that is read here: whether {@link ChatOptions#tools} can
     * be used.
     *
     * @throws io.github.medpsy4j.engine.template.TemplateException if the template cannot be parsed
     */
    public boolean supportsTools() {
        return toolsFault().isEmpty();
    }

    /** @throws ModelException if {@link #supportsTools} is false, with the reason */
    void checkTools() throws ModelException {
        if (!supportsTools()) {
            throw new ModelException(file.path() + ": tools: the chat template " + toolsFault());
        }
    }

    private synchronized String toolsFault() {
        if (toolsFault == null) {
            toolsFault = chatTemplate().map(Prompt::toolsFault).orElse("is missing");
        }
        return toolsFault;
    }

    /** A new, empty session with {@link #context} positions. */
    public Session session() {
        return session(context);
    }

    /** A new, empty session with some of the model's {@link #context} positions. */
    synchronized Session session(int positions) {
        ensureOpen();
        KvCache cache = new KvCache(kvFormat, config.layers(), config.kvHeads(), config.headDim(), positions);
        Session session = new Session(this, cache, positions);
        sessions.add(session);
        return session;
    }

    /** A new conversation in a session of its own. */
    public Chat chat(ChatOptions options) {
        return new Chat(this, options);
    }

    /** The length of the vectors that {@link #embed} makes: the width of the hidden state. */
    public int embeddingLength() {
        return config.hidden();
    }

    /** The pooling that the file asks for: the last token's if it says so, else the mean. */
    public EmbeddingOptions.Pooling pooling() {
        String key = config.architecture().key + ".pooling_type";
        boolean isLast = file.metadata().has(key)
                && file.metadata().get(key).orElseThrow() instanceof Number type
                && type.intValue() == POOLING_TYPE_LAST;
        return isLast ? EmbeddingOptions.Pooling.LAST : EmbeddingOptions.Pooling.MEAN;
    }

    /**
     * The ids that {@link #embed} reads a text as: special tokens are not recognised in it; the beginning and end that
     * the file asks for are put around it.
     */
    public int[] embeddingTokens(String text) {
        return Embedder.tokenize(this, text);
    }

    /**
     * Makes a vector of each text: [embeddingLength], from the hidden states after the last norm. Texts are computed
     * several in a batch; a vector is the same bit for bit whatever texts stand beside it. May be called by any thread;
     * batches take turns with those of sessions.
     *
     * @return in the order of the texts
     * @throws ContextFullException if a text has more tokens than {@link #context}; nothing is computed then
     * @throws IllegalArgumentException if a text has no tokens; likewise
     * @throws java.util.concurrent.CancellationException if the thread is interrupted, between batches
     */
    public List<float[]> embed(List<String> texts, EmbeddingOptions options) {
        return embedTokens(texts.stream().map(this::embeddingTokens).toList(), options);
    }

    /**
     * {@link #embed} for texts that are token ids already; nothing is put around them.
     *
     * @throws IllegalArgumentException if a text has no tokens, or an id is not in the vocabulary
     */
    public List<float[]> embedTokens(List<int[]> texts, EmbeddingOptions options) {
        return embedTokens(texts, options, this::batchMax, () -> true);
    }

    /**
     * @param rowsMax how many rows the next batch may have
     * @param goesOn asked before each batch
     */
    List<float[]> embedTokens(
            List<int[]> texts, EmbeddingOptions options, IntSupplier rowsMax, BooleanSupplier goesOn) {
        Objects.requireNonNull(options);
        List<int[]> copies = texts.stream().map(int[]::clone).toList();
        Embedder.check(this, copies);
        return new Embedder(this, copies, options).run(rowsMax, goesOn);
    }

    /** A cache for one sequence; whoever asks closes it. */
    KvCache cache() {
        return new KvCache(kvFormat, config.layers(), config.kvHeads(), config.headDim(), context);
    }

    /**
     * Appends tokens to a sequence that holds {@code past} positions, in batches. The consumer gets the rows of logits
     * that {@code logitsFrom} asks for: those of tokens[logitsFrom..], in order.
     *
     * @param progress told of after each batch; it may stop all but the last
     * @return how many tokens were appended
     */
    int forward(KvCache sequence, int past, int[] tokens, int logitsFrom, LogitsConsumer consumer, Progress progress) {
        int to = tokens.length;
        int begin = 0;
        while (begin < to) {
            // Rows with logits come in small batches: 512 rows of 151,936 floats would be 311 MB.
            boolean asks = to > logitsFrom && begin >= logitsFrom;
            int room = asks ? Math.min(LOGIT_ROWS_MAX, batchMax()) : batchMax();
            int end = Math.min(to, begin + room);
            if (!asks && end > logitsFrom + LOGIT_ROWS_MAX) {
                end = logitsFrom;
            }
            try (Turn _ = takeTurn()) {
                sequence.reserve(past + to);
                for (int i = begin; i < end; i++) {
                    batch.add(tokens[i], past + i, sequence, i >= logitsFrom);
                }
                transformer.forward(batch);
                int row = 0;
                for (int i = Math.max(begin, logitsFrom); i < end; i++) {
                    consumer.accept(
                            i, transformer.logits().data, transformer.logits().row(row++));
                }
            }
            begin = end;
            if (!progress.at(begin, to) && begin < to) {
                break;
            }
        }
        return begin;
    }

    /** Computes what the first {@code count} sessions have staged, in one batch of at most {@link #batchMax} rows. */
    void forward(Session[] sessions, int count) {
        try (Turn _ = takeTurn()) {
            for (int i = 0; i < count; i++) {
                sessions[i].fill(batch);
            }
            transformer.forward(batch);
            int row = 0;
            for (int i = 0; i < count; i++) {
                row += sessions[i].computed(transformer.logits(), row);
            }
        }
    }

    /** Computes hidden states: of what the first fills a batch with, for the second to take what asked. */
    void forwardHidden(Consumer<Batch> fill, Consumer<Activations> take) {
        try (Turn _ = takeTurn()) {
            fill.accept(batch);
            transformer.forwardHidden(batch);
            take.accept(transformer.hidden());
        }
    }

    /** The right to compute, until it is closed. */
    @FunctionalInterface
    interface Turn extends AutoCloseable {
        @Override
        void close();
    }

    /** Waits for the transformer, behind those who came before; its batch is empty then. */
    Turn takeTurn() {
        turns.lock();
        try {
            ensureOpen();
            if (transformer == null) {
                warmUp.awaitFirstAnswer(WARM_UP_MILLIS_MAX);
                transformer = new Transformer(config, weights, rope, kernels, pool, batchMax());
                batch = new Batch(batchMax());
            }
            batch.clear();
            return endTurn;
        } catch (RuntimeException | Error e) {
            turns.unlock();
            throw e;
        }
    }

    /** Rows of the largest batch. */
    int batchMax() {
        return Math.min(Transformer.BATCH_MAX, context);
    }

    private static final int LOGIT_ROWS_MAX = 32;

    /** Receives a row of logits. */
    @FunctionalInterface
    interface LogitsConsumer {
        /** Logits data[offset .. offset + vocabulary) of tokens[index]; valid during the call. */
        void accept(int index, float[] data, int offset);
    }

    private void ensureOpen() {
        if (closed) {
            throw new IllegalStateException("the model is closed");
        }
    }

    /** Closes a session, behind the batch that may be reading its cache. */
    void close(Session session) {
        turns.lock();
        try {
            forget(session);
        } finally {
            turns.unlock();
        }
    }

    private synchronized void forget(Session session) {
        if (sessions.remove(session)) {
            session.free();
        }
    }

    @Override
    public void close() {
        turns.lock(); // not under the feet of a batch
        try {
            closeAll();
        } finally {
            turns.unlock();
        }
    }

    private synchronized void closeAll() {
        if (closed) {
            return;
        }
        closed = true;
        for (Session session : List.copyOf(sessions)) {
            forget(session);
        }
        warmUp.close();
        pool.close();
        arena.close();
        file.close();
    }
}
