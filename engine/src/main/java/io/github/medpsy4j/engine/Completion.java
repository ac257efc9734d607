package io.github.medpsy4j.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;

/**
 * A request that a {@link Scheduler} was given: its text as it is generated, and what came of it. Any thread may read
 * it, virtual ones too; the pieces go to whoever asks for the next one.
 *
 * <p>Nothing of the reader's runs on the scheduler's thread: pieces wait here until they are asked for, so a slow reader
 * delays nobody. They are at most as many as the slot's context has tokens.
 */
public final class Completion {
    /**
     * A stretch of text.
     *
     * @param text the characters; empty only in a last piece that brings tokens without text, and where {@code toolCall}
     *     is there
     * @param thinking whether it belongs to the thinking before the answer
     * @param tokens what was drawn since the piece before, end tokens and what a stop text cut off left out; their
     *     characters may lie in the next piece where a stop text or a mark seemed to begin
     * @param toolCall a part of a call of a tool, in place of text; mostly null
     */
    public record Piece(String text, boolean thinking, List<TokenLogprob> tokens, ToolCall.Delta toolCall) {
        /** Copies the list. */
        public Piece {
            tokens = List.copyOf(tokens);
        }

        /** A stretch of text. */
        public Piece(String text, boolean thinking, List<TokenLogprob> tokens) {
            this(text, thinking, tokens, null);
        }
    }

    private final Scheduler scheduler;
    private final Request request;
    private final long submittedNanos = System.nanoTime();
    private final ArrayDeque<Piece> pieces = new ArrayDeque<>();
    private List<TokenLogprob> tokens = new ArrayList<>();
    private boolean cancelled;
    private Answer answer;
    private Throwable failure;
    private long startedNanos;

    Completion(Scheduler scheduler, Request request) {
        this.scheduler = scheduler;
        this.request = request;
    }

    Request request() {
        return request;
    }

    /**
     * Waits for the next piece.
     *
     * @return null at the end, whatever it came to: {@link #await} tells
     */
    public synchronized Piece next() throws InterruptedException {
        while (pieces.isEmpty() && !isDone()) {
            wait();
        }
        return pieces.poll();
    }

    /**
     * Waits for the end. A request that was cancelled ends with {@link FinishReason#INTERRUPTED} and what it had said.
     *
     * @throws ExecutionException if this request failed, with the reason as its cause
     */
    public synchronized Answer await() throws InterruptedException, ExecutionException {
        while (!isDone()) {
            wait();
        }
        if (failure != null) {
            throw new ExecutionException(failure);
        }
        return answer;
    }

    /** Whether it has ended. */
    public synchronized boolean isDone() {
        return answer != null || failure != null;
    }

    /**
     * Ends the request: at once if it still waits for a slot, else with the step that is being computed, which frees its
     * slot. Does nothing to one that has ended.
     */
    public void cancel() {
        synchronized (this) {
            cancelled = true;
        }
        scheduler.cancelWaiting(this);
    }

    /** Time that it waited, or has waited, for a slot. */
    public synchronized long queuedNanos() {
        return (startedNanos == 0 ? System.nanoTime() : startedNanos) - submittedNanos;
    }

    synchronized boolean isCancelled() {
        return cancelled;
    }

    synchronized void started() {
        startedNanos = System.nanoTime();
    }

    /** A token was drawn; its text follows, or does not. */
    synchronized void drawn(TokenLogprob token) {
        tokens.add(token);
    }

    synchronized void say(ChatToken text) {
        pieces.add(new Piece(text.text(), text.thinking(), tokens, text.toolCall()));
        tokens = new ArrayList<>();
        notifyAll();
    }

    synchronized void end(Answer result) {
        if (!isDone()) {
            if (!tokens.isEmpty() && result.generation().finishReason() != FinishReason.STOP_TEXT) {
                pieces.add(new Piece("", false, tokens));
            }
            if (startedNanos == 0) {
                startedNanos = System.nanoTime();
            }
            answer = Objects.requireNonNull(result);
            notifyAll();
        }
    }

    synchronized void fail(Throwable reason) {
        if (!isDone()) {
            failure = Objects.requireNonNull(reason);
            notifyAll();
        }
    }
}
