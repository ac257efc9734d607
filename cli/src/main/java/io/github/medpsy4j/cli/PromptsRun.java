package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.engine.Generation;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Answers many prompts, several at a time, each with a line of JSON. */
final class PromptsRun {
    /** Requests handed in, for each that is computed: a slot that becomes free never waits for this thread. */
    private static final int AHEAD = 2;

    /** Answers that may wait for an earlier one, for each that is computed, where they keep the order of the prompts. */
    private static final int HELD = 8;

    private static final long POLL_MILLIS = 200;
    private static final long LINE_NANOS = 30_000_000_000L;
    private static final int INTERRUPTED = 130; // as the JVM itself ends at Ctrl-C

    /** What became of a prompt: an answer or a problem. */
    private record Done(int index, PromptAnswerer.Answered answered, Exception problem) {}

    /** Where results go. */
    @FunctionalInterface
    interface Results {
        void write(String json) throws IOException;
    }

    private final Terminal terminal;
    private final boolean isQuiet;
    private final String modelName;
    private final PromptAnswerer answerer;

    private final BlockingQueue<Done> finished = new LinkedBlockingQueue<>();
    private final AtomicBoolean isInterrupted = new AtomicBoolean();
    private long shownAt = System.nanoTime();
    private boolean isLineShown;

    /**
     * @param modelName the model of results that are errors
     * @param answerer is not closed with this
     */
    PromptsRun(Terminal terminal, boolean isQuiet, String modelName, PromptAnswerer answerer) {
        this.terminal = terminal;
        this.isQuiet = isQuiet;
        this.modelName = modelName;
        this.answerer = answerer;
    }

    /** Prompts that wait, where so many answers are computed at the same time. */
    static int queued(int parallel) {
        return AHEAD * parallel;
    }

    /**
     * Answers the lines.
     *
     * @param parallel answers that are computed at the same time
     * @param isInOrder whether results keep the order of the lines
     * @param isResumable whether another run would go on where this one is ended
     * @return the exit code
     */
    int run(List<PromptsFile.Line> lines, Results results, int parallel, boolean isInOrder, boolean isResumable)
            throws IOException, Failure {
        Interrupts.handle(this::interrupted);
        long start = System.nanoTime();
        int submitted = 0;
        int running = 0;
        int written = 0;
        int failed = 0;
        Map<Integer, Done> held = new HashMap<>();
        while (written < lines.size() && !isInterrupted.get()) {
            while (submitted < lines.size()
                    && running < queued(parallel)
                    && (!isInOrder || submitted - written < HELD * parallel)) {
                submit(lines.get(submitted), submitted);
                submitted++;
                running++;
            }
            Done done = poll();
            if (done != null) {
                running--;
                if (concernsAll(done)) {
                    endLine();
                    throw new Failure(
                            Failure.line(done.problem()) + "; " + answered(written, lines.size(), isResumable),
                            done.problem());
                }
                held.put(done.index(), done);
            }
            Done next;
            while ((next = isInOrder ? held.remove(written) : done == null ? null : held.remove(done.index()))
                    != null) {
                results.write(Json.text(describe(lines.get(next.index()), next)));
                failed += next.problem() == null ? 0 : 1;
                written++;
            }
            progress(written, lines.size(), start);
        }
        endLine();
        if (isInterrupted.get()) {
            terminal.say("interrupted: " + answered(written, lines.size(), isResumable));
            return INTERRUPTED;
        }
        return tell(lines.size(), failed, start);
    }

    private static String answered(int written, int all, boolean isResumable) {
        return written + " of " + all + " prompts are answered; "
                + (isResumable ? "the same command goes on" : "with --out FILE a run goes on where it stopped");
    }

    private void interrupted() {
        if (isInterrupted.getAndSet(true)) {
            Runtime.getRuntime().halt(INTERRUPTED); // the step that is being computed takes too long for this user
        }
    }

    private Done poll() {
        try {
            return finished.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            isInterrupted.set(true);
            return null;
        }
    }

    private void submit(PromptsFile.Line line, int index) {
        PromptAnswerer.Pending pending;
        try {
            if (line.problem() != null) {
                throw new Failure(line.problem());
            }
            pending = answerer.submit(line, index);
        } catch (Failure e) {
            finished.add(new Done(index, null, e));
            return;
        }
        Thread.ofVirtual().start(() -> await(pending, index));
    }

    private void await(PromptAnswerer.Pending pending, int index) {
        try {
            pending.await(answered -> finished.add(new Done(index, answered, null)));
        } catch (Failure | RemoteException e) {
            finished.add(new Done(index, null, e));
        } catch (InterruptedException e) {
            // Nobody interrupts it; a result must come.
            finished.add(new Done(index, null, new Failure("interrupted", e)));
        } catch (RuntimeException e) {
            finished.add(new Done(index, null, new Failure(Failure.line(e), e)));
        }
    }

    /** Whether no other prompt would be answered either. */
    private static boolean concernsAll(Done done) {
        return done.problem() instanceof RemoteException e
                && switch (e.kind()) {
                    case GONE, NO_MODEL, NOT_THERE -> true;
                    case FAILED, CONTEXT_FULL, REFUSED -> false;
                };
    }

    private Map<String, Object> describe(PromptsFile.Line line, Done done) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("id", line.id());
        all.put("line", line.number());
        all.put("input", line.input());
        PromptAnswerer.Answered answered = done.answered();
        all.put("model", answered == null ? modelName : answered.model());
        if (answered == null) {
            all.put("error", Failure.line(done.problem()));
        } else {
            Generation g = answered.answer().generation();
            Map<String, Object> timings = new LinkedHashMap<>();
            timings.put("queue_s", RunCommand.roundSeconds(answered.queuedNanos() / 1e9));
            RunCommand.putTimings(timings, g);
            all.put("text", answered.answer().text());
            all.put("thinking", answered.answer().thinking());
            all.put("finish_reason", RunCommand.nameOf(g.finishReason()));
            if (answered.seed() != null) {
                all.put("seed", answered.seed());
            }
            all.put("usage", RunCommand.usage(g));
            all.put("timings", timings);
        }
        if (line.metadata() != null) {
            all.put("metadata", line.metadata());
        }
        return all;
    }

    private void progress(int written, int all, long start) {
        long now = System.nanoTime();
        if (isQuiet || (!terminal.errIsTerminal() && now - shownAt < LINE_NANOS)) {
            return;
        }
        shownAt = now;
        PromptAnswerer.Stats stats = answerer.stats();
        double seconds = (now - start) / 1e9;
        String line = String.format(
                Locale.ROOT,
                "%,d of %,d prompts answered, %d at work, %.1f tokens/s%s",
                written,
                all,
                stats.running(),
                stats.generatedTokens() / seconds,
                written == 0 ? "" : ", about " + time((long) Math.ceil(seconds / written * (all - written))) + " left");
        if (terminal.errIsTerminal()) {
            isLineShown = true;
            // The line is padded to cover the one before it.
            terminal.err().print("\r" + String.format("%-78s", line));
            terminal.err().flush();
        } else {
            terminal.say(line);
        }
    }

    private static String time(long seconds) {
        return seconds >= 3600
                ? String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60);
    }

    private void endLine() {
        if (isLineShown) {
            terminal.err().println();
            terminal.err().flush();
            isLineShown = false;
        }
    }

    private int tell(int all, int failed, long start) {
        PromptAnswerer.Stats stats = answerer.stats();
        double seconds = (System.nanoTime() - start) / 1e9;
        if (!isQuiet) {
            terminal.say(String.format(
                    Locale.ROOT,
                    "%,d prompt%s, %,d tokens in %.1f s, %.1f tokens/s; of %,d prompt tokens %,d were at hand",
                    all,
                    all == 1 ? "" : "s",
                    stats.generatedTokens(),
                    seconds,
                    stats.generatedTokens() / seconds,
                    stats.promptTokens(),
                    stats.reusedTokens()));
        }
        if (failed > 0) {
            terminal.say(failed + " of " + all + " prompts failed: 'error' in their results says why");
            return BaseCommand.FAILED;
        }
        return BaseCommand.OK;
    }
}
