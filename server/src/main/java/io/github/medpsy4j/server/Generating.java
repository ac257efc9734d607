package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Scheduler;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * The choices of one request while the scheduler generates them. Their pieces are handed on by the request's own thread;
 * each completion has a virtual thread that waits for its next piece.
 *
 * <p>That a client has left shows only when it is written to, so {@link Listener#beat} is called several times a second
 * to write something that says nothing.
 */
final class Generating implements AutoCloseable {
    private static final long BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    /** Whoever writes the answer. A failure to write ends the generation. */
    interface Listener {
        void piece(int choice, Completion.Piece piece) throws IOException;

        void end(int choice, Answer answer) throws IOException;

        void beat() throws IOException;
    }

    /** Of piece, answer and failure one. */
    private record Event(int choice, Completion.Piece piece, Answer answer, Throwable failure) {}

    private final List<Completion> completions = new ArrayList<>();
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final long deadlineNanos;
    private final Metrics metrics;

    private Generating(long deadlineNanos, Metrics metrics) {
        this.deadlineNanos = deadlineNanos;
        this.metrics = metrics;
    }

    /**
     * Hands the requests to the scheduler: all of them or none.
     *
     * @param deadlineNanos by {@link System#nanoTime}; what has been said by then is the answer
     */
    static Generating start(
            Scheduler scheduler, List<Request> requests, String promptPath, long deadlineNanos, Metrics metrics)
            throws ApiError {
        Generating generating = new Generating(deadlineNanos, metrics);
        try {
            for (Request request : requests) {
                generating.completions.add(scheduler.submit(request));
            }
        } catch (ContextFullException e) {
            generating.close();
            throw ApiError.badRequest(
                    promptPath,
                    "context_length_exceeded",
                    "expected at most the context's " + e.context() + " tokens, got " + e.tokens());
        } catch (RejectedExecutionException e) {
            generating.close();
            throw ApiError.queueFull(
                    e.getMessage(), metrics.retryAfterSeconds(scheduler.stats().slots()));
        } catch (IllegalStateException e) {
            generating.close();
            throw ApiError.unavailable("shutting_down", "the server is being shut down");
        }
        for (int i = 0; i < generating.completions.size(); i++) {
            int choice = i;
            Thread.ofVirtual().start(() -> generating.read(choice));
        }
        return generating;
    }

    private void read(int choice) {
        Completion completion = completions.get(choice);
        try {
            for (Completion.Piece piece; (piece = completion.next()) != null; ) {
                events.add(new Event(choice, piece, null, null));
            }
            events.add(new Event(choice, null, completion.await(), null));
        } catch (ExecutionException e) {
            events.add(new Event(choice, null, null, e.getCause()));
        } catch (InterruptedException e) {
            events.add(new Event(choice, null, null, e)); // nobody interrupts it; an end must come in any case
        }
    }

    /**
     * Hands on what is generated until the end of all choices.
     *
     * @throws IOException if the listener could not write; nothing is generated any more
     * @throws ExecutionException if a choice failed
     */
    void run(Listener listener) throws IOException, ExecutionException, InterruptedException {
        int running = completions.size();
        long beatNanos = System.nanoTime();
        while (running > 0) {
            long now = System.nanoTime();
            if (now - deadlineNanos >= 0) {
                close();
            }
            if (now - beatNanos >= BEAT_NANOS) {
                listener.beat();
                beatNanos = now;
            }
            Event event = events.poll(BEAT_NANOS, TimeUnit.NANOSECONDS);
            if (event == null) {
                continue;
            }
            if (event.failure() != null) {
                throw new ExecutionException(event.failure());
            }
            if (event.piece() != null) {
                listener.piece(event.choice(), event.piece());
            } else {
                running--;
                metrics.answer(
                        event.answer().generation(),
                        completions.get(event.choice()).queuedNanos());
                listener.end(event.choice(), event.answer());
            }
        }
    }

    /** Frees the slots of all that has not ended. */
    @Override
    public void close() {
        completions.forEach(Completion::cancel);
    }
}
