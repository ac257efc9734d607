package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.ModelException;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.engine.template.TemplateException;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
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
    private record Done(int index, Answer answer, long queuedNanos, String problem) {}

    /** Where results go. */
    @FunctionalInterface
    interface Results {
        void write(String json) throws IOException;
    }

    private final Terminal terminal;
    private final boolean isQuiet;
    private final Model model;
    private final String modelName;
    private final SamplingOptions sampling;
    private final AnswerFlags flags;
    private final boolean isRaw;

    private final BlockingQueue<Done> finished = new LinkedBlockingQueue<>();
    private final AtomicBoolean isInterrupted = new AtomicBoolean();
    private final Map<Integer, Long> seeds = new HashMap<>();
    private long shownAt = System.nanoTime();
    private boolean isLineShown;

    PromptsRun(
            Terminal terminal,
            boolean isQuiet,
            Model model,
            String modelName,
            SamplingOptions sampling,
            AnswerFlags flags,
            boolean isRaw) {
        this.terminal = terminal;
        this.isQuiet = isQuiet;
        this.model = model;
        this.modelName = modelName;
        this.sampling = sampling;
        this.flags = flags;
        this.isRaw = isRaw;
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
        SchedulerOptions options =
                SchedulerOptions.defaults().withSlots(parallel).withQueueMax(AHEAD * parallel);
        if (flags.context != null) {
            options = options.withContext(flags.context);
        }
        if (flags.draft != null) {
            options = options.withDraft(flags.draft);
        }
        long start = System.nanoTime();
        int submitted = 0;
        int running = 0;
        int written = 0;
        int failed = 0;
        Map<Integer, Done> held = new HashMap<>();
        try (Scheduler scheduler = start(options)) {
            while (written < lines.size() && !isInterrupted.get()) {
                while (submitted < lines.size()
                        && running < AHEAD * parallel
                        && (!isInOrder || submitted - written < HELD * parallel)) {
                    submit(scheduler, lines.get(submitted), submitted);
                    submitted++;
                    running++;
                }
                Done done = poll();
                if (done != null) {
                    running--;
                    held.put(done.index(), done);
                }
                Done next;
                while ((next = isInOrder ? held.remove(written) : done == null ? null : held.remove(done.index()))
                        != null) {
                    results.write(Json.text(describe(lines.get(next.index()), next)));
                    failed += next.problem() == null ? 0 : 1;
                    written++;
                }
                progress(scheduler, written, lines.size(), start);
            }
            endLine();
            if (isInterrupted.get()) {
                terminal.say("interrupted: " + written + " of " + lines.size() + " prompts are answered; "
                        + (isResumable
                                ? "the same command goes on"
                                : "with --out FILE a run goes on where it stopped"));
                return INTERRUPTED;
            }
            return tell(scheduler, lines.size(), failed, start);
        }
    }

    private Scheduler start(SchedulerOptions options) throws Failure {
        try {
            return Scheduler.start(model, options);
        } catch (IllegalArgumentException e) {
            throw new Failure("--parallel: " + e.getMessage(), e);
        }
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

    private void submit(Scheduler scheduler, PromptsFile.Line line, int index) {
        Completion completion;
        try {
            if (line.problem() != null) {
                throw new Failure(line.problem());
            }
            completion = scheduler.submit(request(line, index));
        } catch (Failure | ModelException | TemplateException | IllegalArgumentException e) {
            finished.add(new Done(index, null, 0, Failure.line(e)));
            return;
        } catch (ContextFullException e) {
            finished.add(new Done(
                    index,
                    null,
                    0,
                    "the prompt has " + e.tokens() + " tokens, the context of each answer holds " + e.context()
                            + " (--context N sets it; fewer --parallel leave more to each)"));
            return;
        }
        Thread.ofVirtual().start(() -> finished.add(await(completion, index)));
    }

    private static Done await(Completion completion, int index) {
        try {
            Answer answer = completion.await();
            return new Done(index, answer, completion.queuedNanos(), null);
        } catch (ExecutionException e) {
            return new Done(index, null, 0, Failure.line(e.getCause()));
        } catch (InterruptedException e) {
            return new Done(index, null, 0, "interrupted"); // nobody interrupts it; a result must come in any case
        }
    }

    private Request request(PromptsFile.Line line, int index) throws Failure, ModelException {
        PromptsFile.Overrides own = line.overrides();
        SamplingOptions options = sampling;
        for (Map.Entry<String, List<String>> setting : own.sampling().entrySet()) {
            for (String value : setting.getValue()) {
                try {
                    options = SamplingSettings.with(
                            options,
                            setting.getKey(),
                            value,
                            model.tokenizer().vocabulary().size());
                } catch (IllegalArgumentException e) {
                    throw new Failure("line " + line.number() + ": " + e.getMessage(), e);
                }
            }
        }
        if (!flags.hasSeed() && !own.sampling().containsKey("seed")) {
            options = options.withSeed(System.nanoTime() + index);
        }
        seeds.put(index, options.seed());
        ChatOptions.Builder chat = flags.chatOptions(options).toBuilder();
        if (own.maxTokens() != null) {
            chat.maxTokens(own.maxTokens());
        }
        if (own.think() != null) {
            chat.think(own.think());
        }
        if (own.thinkBudget() != null) {
            chat.thinkBudget(own.thinkBudget());
        }
        if (own.stops() != null) {
            chat.stops(own.stops());
        }
        ChatOptions answer = chat.build();
        if (!isRaw) {
            return Request.chat(model, line.messages(), answer).build();
        }
        int[] ids = model.tokenizer().encodeRaw(line.messages().getLast().content());
        return Request.continuation(ids, options, answer.maxTokens(), answer.stops())
                .build();
    }

    private Map<String, Object> describe(PromptsFile.Line line, Done done) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("id", line.id());
        all.put("line", line.number());
        all.put("input", line.input());
        all.put("model", modelName);
        if (done.problem() != null) {
            all.put("error", done.problem());
        } else {
            Generation g = done.answer().generation();
            Map<String, Object> timings = new LinkedHashMap<>();
            timings.put("queue_s", RunCommand.round(done.queuedNanos() / 1e9));
            RunCommand.putTimings(timings, g);
            all.put("text", done.answer().text());
            all.put("thinking", done.answer().thinking());
            all.put("finish_reason", RunCommand.nameOf(g.finishReason()));
            all.put("seed", seeds.remove(done.index()));
            all.put("usage", RunCommand.usage(g));
            all.put("timings", timings);
        }
        if (line.metadata() != null) {
            all.put("metadata", line.metadata());
        }
        return all;
    }

    private void progress(Scheduler scheduler, int written, int all, long start) {
        long now = System.nanoTime();
        if (isQuiet || (!terminal.errIsTerminal() && now - shownAt < LINE_NANOS)) {
            return;
        }
        shownAt = now;
        Scheduler.Stats stats = scheduler.stats();
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

    private int tell(Scheduler scheduler, int all, int failed, long start) {
        Scheduler.Stats stats = scheduler.stats();
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
