package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.KvCache;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Serves several requests with one model at a time: continuous batching. Requests join and leave the running batch at
 * any token, so that the weights are read once for all of them. What is generated for a request does not depend on the
 * others: its logits are the same bit for bit as alone.
 *
 * <p>Each request has a slot, a {@link Session} that keeps its KV cache for the next request; one waits in a bounded
 * queue while none is free. A prompt is computed only as far as no slot holds its beginning: a system prompt that all
 * share is computed once, also by requests that come at the same time. Prompts are read in pieces, so that nobody's words
 * stall for longer than {@link SchedulerOptions#stallMillisMax}.
 *
 * <p>All is computed on a thread of the scheduler's own; requests are handed in and read from any thread. A request that
 * fails ends alone. The scheduler may share its model with sessions and other schedulers: their steps then take turns.
 * Close it before its model.
 */
public final class Scheduler implements AutoCloseable {
    /** A prefix shorter than this is computed again rather than copied from another slot. */
    private static final int COPY_MIN = 16;

    /** A step in company takes at least this much of a prompt. */
    private static final int PIECE_MIN = 16;

    private static final int CONTEXT_MIN = 512;

    /** Memory that the default context leaves to everything else. */
    private static final long MEMORY_MARGIN_BYTES = 1L << 30;

    /** How often a call that waits for others is asked whether it still wants its vectors. */
    private static final long TURN_MILLIS = 100;

    /** How much of a new measurement is believed. */
    private static final double TRUST = 0.3;

    /**
     * What a scheduler is doing and has done.
     *
     * @param slots requests that can be computed at the same time
     * @param running requests that have a slot
     * @param waiting requests that wait for one
     * @param finished requests that have ended, whatever they came to
     * @param promptTokens tokens of the prompts of requests that got a slot
     * @param reusedTokens how many of those were in a KV cache already
     * @param generatedTokens tokens drawn
     * @param steps batches computed
     */
    public record Stats(
            int slots,
            int running,
            int waiting,
            long finished,
            long promptTokens,
            long reusedTokens,
            long generatedTokens,
            long steps) {}

    /** A place in the batch. Used by the scheduler's thread alone. */
    private static final class Slot {
        final Session session;
        Completion completion; // null while free
        Decoding decoding;
        TokenText text;
        long order; // of admission
        long startNanos;
        long promptDoneNanos; // 0 while the prompt is being read
        int reused;
        int drawnBefore; // of the tokens drawn, those that are in the statistics

        Slot(Session session) {
            this.session = session;
        }

        /** The smaller, the less is lost with what the slot holds. */
        long age() {
            return session.length() == 0 ? -1 : order;
        }

        boolean isFree() {
            return completion == null;
        }

        boolean readsPrompt() {
            return completion != null && promptDoneNanos == 0;
        }

        int[] prompt() {
            return completion.request().promptView();
        }

        int promptLeft() {
            return prompt().length - session.length();
        }
    }

    private final Model model;
    private final SchedulerOptions options;
    private final List<Slot> slots = new ArrayList<>();
    private final Session[] staged; // the sessions of the current step
    private final BatchCosts costs = new BatchCosts();
    private final Thread thread;
    private final int context;

    // Guarded by this.
    private final ArrayDeque<Completion> waiting = new ArrayDeque<>();
    private int running;
    private boolean isClosing;
    private boolean isAborting;
    private Stats stats;
    /** Rows that may be computed while others wait for their words. */
    private int stallRows = PIECE_MIN;

    /** Calls that make vectors, in their order; the first one computes, so that a step waits for one batch at most. */
    private final ArrayDeque<Object> embedding = new ArrayDeque<>(); // guarded by itself

    // Of the scheduler's thread.
    private long admissions;
    private double rowNanos; // of a row of a larger batch; 0 while unknown
    private long finished;
    private long promptTokens;
    private long reusedTokens;
    private long generatedTokens;
    private long steps;

    private Scheduler(Model model, SchedulerOptions options) {
        this.model = model;
        this.options = options;
        if (options.context() > model.context()) {
            throw new IllegalArgumentException(
                    "context: expected at most the model's " + model.context() + ", got " + options.context());
        }
        context = options.context() == 0 ? affordableContext() : options.context();
        int most = model.batchMax() / (1 + options.draft());
        if (options.slots() > most) {
            throw new IllegalArgumentException("slots: expected at most " + most + " with " + options.draft()
                    + " guesses and a context of " + model.context() + ", got " + options.slots());
        }
        for (int i = 0; i < options.slots(); i++) {
            slots.add(new Slot(model.session(context)));
        }
        staged = new Session[options.slots()];
        stats = new Stats(options.slots(), 0, 0, 0, 0, 0, 0, 0);
        thread = Thread.ofPlatform().daemon().name("medpsy-scheduler").unstarted(this::run);
    }

    private int affordableContext() {
        long positions = Math.max(0, Memory.availableBytes() - MEMORY_MARGIN_BYTES)
                / model.kvBytesPerToken()
                / options.slots()
                / KvCache.BLOCK_POSITIONS
                * KvCache.BLOCK_POSITIONS;
        return (int) Math.min(model.context(), Math.max(CONTEXT_MIN, positions));
    }

    /**
     * Starts a scheduler.
     *
     * @throws IllegalArgumentException if the options do not fit the model
     */
    public static Scheduler start(Model model, SchedulerOptions options) {
        Scheduler scheduler = new Scheduler(model, options);
        scheduler.thread.start();
        return scheduler;
    }

    /**
     * Hands a request in and returns at once.
     *
     * @throws RejectedExecutionException if as many wait already as may
     * @throws ContextFullException if the prompt does not fit a slot
     * @throws IllegalStateException if the scheduler is closed
     */
    public Completion submit(Request request) {
        if (request.promptTokens() > context) {
            throw new ContextFullException(request.promptTokens(), context);
        }
        Completion completion = new Completion(this, request);
        synchronized (this) {
            if (isClosing) {
                throw new IllegalStateException("the scheduler is closed");
            }
            if (waiting.size() >= options.slots() - running + options.queueMax()) {
                throw new RejectedExecutionException(
                        "the queue is full: " + options.queueMax() + " requests wait already");
            }
            waiting.add(completion);
            notifyAll();
        }
        return completion;
    }

    /**
     * Makes a vector of each text, on the calling thread; {@link Model#embedTokens} has the rest. Batches take turns with
     * the scheduler's steps, and are small while requests are served, so that nobody's words stall; calls wait for each
     * other.
     *
     * @throws IllegalStateException if the scheduler is closed
     */
    public List<float[]> embedTokens(List<int[]> texts, EmbeddingOptions embeddingOptions) {
        return embedTokens(texts, embeddingOptions, () -> true);
    }

    /**
     * The same as long as somebody wants it.
     *
     * @param goesOn asked on the calling thread before each batch, several times in a long text, and now and then while
     *     other calls are computed
     * @throws IllegalStateException if the scheduler is closed
     * @throws CancellationException if {@code goesOn} says no, or the thread is interrupted
     */
    public List<float[]> embedTokens(List<int[]> texts, EmbeddingOptions embeddingOptions, BooleanSupplier goesOn) {
        Object turn = new Object();
        synchronized (embedding) {
            embedding.add(turn);
        }
        try {
            while (!isFirst(turn)) {
                if (!goesOn.getAsBoolean()) {
                    throw new CancellationException("nobody wants the vectors any more");
                }
            }
            return model.embedTokens(texts, embeddingOptions, this::embeddingRows, goesOn);
        } finally {
            synchronized (embedding) {
                embedding.remove(turn);
                embedding.notifyAll();
            }
        }
    }

    /** Waits a while for the turn to come. */
    private boolean isFirst(Object turn) {
        synchronized (embedding) {
            if (!turn.equals(embedding.peek())) {
                try {
                    embedding.wait(TURN_MILLIS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new CancellationException("interrupted");
                }
            }
            return turn.equals(embedding.peek());
        }
    }

    private synchronized int embeddingRows() {
        if (isClosing) {
            throw new IllegalStateException("the scheduler is closed");
        }
        return running == 0 ? model.batchMax() : stallRows;
    }

    /** The model that computes. */
    public Model model() {
        return model;
    }

    /** Tokens that a slot holds: the longest prompt and answer together. */
    public int context() {
        return context;
    }

    /** Bytes that the slots take at most: their KV caches when full, and the logits that they keep. */
    public long memoryBytesMax() {
        long positions = Math.ceilDiv(context, KvCache.BLOCK_POSITIONS) * (long) KvCache.BLOCK_POSITIONS;
        long logits = (2L + options.draft()) * model.vocabularySize() * Float.BYTES;
        return options.slots() * (positions * model.kvBytesPerToken() + logits);
    }

    /** What it is doing, as of the latest step. */
    public synchronized Stats stats() {
        return new Stats(
                stats.slots,
                running,
                waiting.size(),
                stats.finished,
                stats.promptTokens,
                stats.reusedTokens,
                stats.generatedTokens,
                stats.steps);
    }

    void cancelWaiting(Completion completion) {
        boolean wasWaiting;
        synchronized (this) {
            wasWaiting = waiting.remove(completion);
        }
        if (wasWaiting) {
            completion.end(nothing(completion, FinishReason.INTERRUPTED));
        }
    }

    private static Answer nothing(Completion completion, FinishReason reason) {
        int tokens = completion.request().promptTokens();
        return new Answer("", "", new Generation(tokens, 0, 0, 0, 0, 0, 0, reason), 0);
    }

    // ---- The scheduler's thread ----

    private void run() {
        Throwable broken = null;
        try {
            while (admit()) {
                step();
            }
        } catch (RuntimeException | Error e) {
            broken = e; // whoever has a request here is told
        }
        List<Completion> left;
        synchronized (this) {
            isClosing = true;
            left = List.copyOf(waiting);
            waiting.clear();
        }
        for (Slot slot : slots) {
            if (broken != null) {
                fail(slot, broken);
            } else if (!slot.isFree()) {
                end(slot, FinishReason.INTERRUPTED);
            }
            slot.session.close();
        }
        for (Completion completion : left) {
            if (broken == null) {
                completion.end(nothing(completion, FinishReason.INTERRUPTED));
            } else {
                completion.fail(broken);
            }
        }
    }

    /** Gives free slots to those who wait, once there is something to do. False when all is over. */
    private boolean admit() {
        List<Completion> admitted = new ArrayList<>();
        synchronized (this) {
            stats = new Stats(
                    options.slots(),
                    running,
                    waiting.size(),
                    finished,
                    promptTokens,
                    reusedTokens,
                    generatedTokens,
                    steps);
            while (running == 0 && waiting.isEmpty() && !isClosing) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    isClosing = true; // nobody but the owner of the threads does that, to end them
                    isAborting = true;
                }
            }
            if (isAborting || (isClosing && running == 0 && waiting.isEmpty())) {
                return false;
            }
            while (running < options.slots() && !waiting.isEmpty()) {
                admitted.add(waiting.poll());
                running++;
            }
        }
        admitted.forEach(this::start);
        return true;
    }

    private void start(Completion completion) {
        int[] prompt = completion.request().promptView();
        Slot slot = slotFor(prompt);
        slot.completion = completion;
        slot.order = admissions++;
        slot.startNanos = System.nanoTime();
        slot.promptDoneNanos = 0;
        slot.drawnBefore = 0;
        slot.decoding = null;
        slot.text = null;
        completion.started();
        try {
            // The last token is computed in any case: its logits are wanted.
            int common = Math.min(slot.session.commonPrefix(prompt), prompt.length - 1);
            slot.session.truncate(common);
            slot.reused = common;
            promptTokens += prompt.length;
            reusedTokens += common;
            slot.decoding = new Decoding(slot.session, completion.request().sampling(), options.draft());
            slot.text = text(slot, completion);
        } catch (RuntimeException | Error e) {
            fail(slot, e);
        }
    }

    private TokenText text(Slot slot, Completion completion) {
        Request request = completion.request();
        if (!request.isChat()) {
            return new ContinuationText(model.tokenizer(), request.options().stops(), completion::say);
        }
        return new AnswerStream(
                model.tokenizer(), request.opensThinking(), request.options(), slot.decoding::force, piece -> {
                    completion.say(piece);
                    return true;
                });
    }

    /**
     * The free slot whose tokens begin as the prompt does, if most of what it holds is of use; else the one that was used
     * longest ago, so that a conversation is not lost for the sake of a system prompt, which can be copied.
     */
    private Slot slotFor(int[] prompt) {
        Slot best = null;
        int bestCommon = 0;
        Slot oldest = null;
        for (Slot slot : slots) {
            if (!slot.isFree()) {
                continue;
            }
            int common = slot.session.commonPrefix(prompt);
            if (common > bestCommon && 2 * common >= slot.session.length()) {
                best = slot;
                bestCommon = common;
            }
            if (oldest == null || slot.age() < oldest.age()) {
                oldest = slot;
            }
        }
        return best == null ? oldest : best;
    }

    /** One batch: a token, with guesses, of each request that generates, and pieces of the prompts that are read. */
    private void step() {
        List<Slot> generating = new ArrayList<>();
        List<Slot> reading = new ArrayList<>();
        for (Slot slot : slots) {
            if (slot.isFree()) {
                continue;
            }
            if (slot.completion.isCancelled()) {
                end(slot, FinishReason.INTERRUPTED);
            } else if (!slot.readsPrompt()) {
                generating.add(slot);
            } else if (!takesFromOthers(slot)) {
                reading.add(slot);
            }
        }
        List<Slot> computed = new ArrayList<>();
        int rows = 0;
        for (int i = 0; i < generating.size(); i++) {
            Slot slot = generating.get(i);
            // Beside a prompt a guess costs as much as a token of it, so none are made.
            int others = reading.isEmpty() ? rows + generating.size() - 1 - i : BatchCosts.ROWS_MAX;
            slot.decoding.plan(others, costs);
            if (stage(slot, computed, slot.decoding::stage)) {
                rows += slot.decoding.rows();
            }
        }
        int generatingRows = rows;
        rows += stagePrompts(reading, computed, rows);
        if (computed.isEmpty()) {
            return;
        }
        long start = System.nanoTime();
        try {
            for (int i = 0; i < computed.size(); i++) {
                staged[i] = computed.get(i).session;
            }
            model.forward(staged, computed.size());
        } catch (RuntimeException | Error e) {
            computed.forEach(slot -> fail(slot, e));
            return;
        }
        steps++;
        learn(rows, generatingRows, System.nanoTime() - start);
        computed.forEach(this::draw);
    }

    private void learn(int rows, int generatingRows, long nanos) {
        if (rows == generatingRows) {
            costs.measured(rows, nanos);
        }
        if (rows >= PIECE_MIN) {
            double each = (double) nanos / rows;
            rowNanos = rowNanos == 0 ? each : rowNanos + TRUST * (each - rowNanos);
            double stallNanos = TimeUnit.MILLISECONDS.toNanos(options.stallMillisMax());
            synchronized (this) {
                stallRows = (int) Math.clamp(stallNanos / rowNanos, PIECE_MIN, model.batchMax());
            }
        }
    }

    /** Pieces of prompts, the same for each but for those that have less left. Returns how many rows they are. */
    private int stagePrompts(List<Slot> reading, List<Slot> computed, int otherRows) {
        int room = model.batchMax() - otherRows;
        if (otherRows > 0) {
            double affordable = rowNanos == 0
                    ? PIECE_MIN
                    : TimeUnit.MILLISECONDS.toNanos(options.stallMillisMax()) / rowNanos - otherRows;
            room = Math.min(room, Math.max(PIECE_MIN, (int) affordable));
        }
        reading.sort(Comparator.comparingInt(Slot::promptLeft));
        int rows = 0;
        for (int i = 0; i < reading.size() && rows < room; i++) {
            Slot slot = reading.get(i);
            int share = Math.ceilDiv(room - rows, reading.size() - i);
            int left = slot.promptLeft();
            int count = Math.min(share, left);
            int from = slot.session.length();
            if (stage(slot, computed, () -> slot.session.stage(slot.prompt(), from, count, count == left ? 1 : 0))) {
                rows += count;
            }
        }
        return rows;
    }

    private boolean stage(Slot slot, List<Slot> computed, Runnable action) {
        try {
            action.run();
            computed.add(slot);
            return true;
        } catch (RuntimeException | Error e) {
            fail(slot, e);
            return false;
        }
    }

    /**
     * Copies what another slot holds of the prompt's beginning. True if the slot had better wait, because one that came
     * before it is reading the same.
     */
    private boolean takesFromOthers(Slot slot) {
        int[] prompt = slot.prompt();
        Slot best = null;
        int bestCommon = slot.session.length() + COPY_MIN - 1;
        boolean waits = false;
        for (Slot other : slots) {
            if (other == slot) {
                continue;
            }
            int held = Math.min(other.session.commonPrefix(prompt), prompt.length - 1);
            if (held > bestCommon) {
                bestCommon = held;
                best = other;
            }
        }
        try {
            if (best != null) {
                int before = slot.session.length();
                slot.session.copyPrefix(best.session, bestCommon);
                slot.reused += bestCommon - before;
                reusedTokens += bestCommon - before;
            }
        } catch (RuntimeException | Error e) {
            fail(slot, e);
            return true;
        }
        for (Slot other : slots) {
            if (other != slot && other.readsPrompt() && other.order < slot.order) {
                int coming = commonPrefix(other.prompt(), prompt);
                waits |= coming - slot.session.length() >= COPY_MIN && other.session.length() < coming;
            }
        }
        return waits;
    }

    private static int commonPrefix(int[] a, int[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }

    private void draw(Slot slot) {
        try {
            if (slot.readsPrompt()) {
                if (slot.promptLeft() > 0) {
                    return;
                }
                slot.promptDoneNanos = System.nanoTime();
                slot.decoding.begin(slot.completion.request().options().maxTokens(), token -> report(slot, token));
            }
            FinishReason reason = slot.decoding.draw();
            generatedTokens += slot.decoding.drawn() - slot.drawnBefore;
            slot.drawnBefore = slot.decoding.drawn();
            if (reason != null) {
                end(slot, reason);
            }
        } catch (RuntimeException | Error e) {
            fail(slot, e);
        }
    }

    private boolean report(Slot slot, int token) {
        Completion completion = slot.completion;
        Request request = completion.request();
        completion.drawn(
                request.logprobs()
                        ? slot.decoding.logprob(token, request.topLogprobs())
                        : new TokenLogprob(token, Float.NaN, List.of()));
        return slot.text.accept(token) && !completion.isCancelled();
    }

    private void end(Slot slot, FinishReason reason) {
        Completion completion = slot.completion;
        try {
            boolean began = slot.promptDoneNanos != 0;
            long now = System.nanoTime();
            long promptDone = began ? slot.promptDoneNanos : now;
            slot.text.end();
            if (began) {
                slot.decoding.end();
            }
            FinishReason told = slot.text.isStopped() ? FinishReason.STOP_TEXT : reason;
            Generation generation = new Generation(
                    slot.prompt().length,
                    slot.reused,
                    began ? slot.decoding.drawn() : 0,
                    began ? slot.decoding.drafted() : 0,
                    began ? slot.decoding.accepted() : 0,
                    promptDone - slot.startNanos,
                    now - promptDone,
                    told);
            release(slot);
            completion.end(new Answer(
                    slot.text.answer(),
                    slot.text.thoughts(),
                    generation,
                    0,
                    slot.text.toolCalls(),
                    slot.text.toolCallFault()));
        } catch (RuntimeException | Error e) {
            fail(slot, e);
        }
    }

    private void fail(Slot slot, Throwable reason) {
        Completion completion = slot.completion;
        if (completion == null) {
            return;
        }
        release(slot);
        try {
            slot.session.truncate(0); // what it holds may be half computed
        } catch (IllegalStateException closed) {
            reason.addSuppressed(closed);
        }
        completion.fail(reason);
    }

    private void release(Slot slot) {
        finished++;
        slot.completion = null;
        slot.order = admissions++;
        synchronized (this) {
            running--;
            stats = new Stats(
                    options.slots(),
                    running,
                    waiting.size(),
                    finished,
                    promptTokens,
                    reusedTokens,
                    generatedTokens,
                    steps);
            notifyAll();
        }
    }

    // ---- The end ----

    /**
     * Takes no more requests, finishes those that it has for as long as the bound allows, and closes.
     *
     * @return whether all were finished; others end with {@link FinishReason#INTERRUPTED} and what they had said
     */
    public boolean shutdown(Duration bound) throws InterruptedException {
        long deadline = System.nanoTime() + bound.toNanos();
        boolean isDone;
        synchronized (this) {
            isClosing = true;
            notifyAll();
            long left;
            while ((running > 0 || !waiting.isEmpty()) && (left = deadline - System.nanoTime()) > 0) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
            isDone = running == 0 && waiting.isEmpty();
        }
        close();
        return isDone;
    }

    /** Ends all requests with what they have said so far, within the step that is being computed, and frees the slots. */
    @Override
    public void close() {
        synchronized (this) {
            isClosing = true;
            isAborting = true;
            notifyAll();
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
