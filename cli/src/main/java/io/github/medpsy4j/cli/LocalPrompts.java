package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.ModelException;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.engine.template.TemplateException;
import java.util.concurrent.ExecutionException;

/** Prompts that this machine answers, in one batch. */
final class LocalPrompts implements PromptAnswerer {
    private final Model model;
    private final String modelName;
    private final SamplingOptions sampling;
    private final AnswerFlags flags;
    private final boolean isRaw;
    private final Scheduler scheduler;

    /**
     * @param model is not closed with this
     * @param parallel answers that are computed at the same time
     * @param queued prompts that may wait for those
     */
    LocalPrompts(
            Model model,
            String modelName,
            SamplingOptions sampling,
            AnswerFlags flags,
            boolean isRaw,
            int parallel,
            int queued)
            throws Failure {
        this.model = model;
        this.modelName = modelName;
        this.sampling = sampling;
        this.flags = flags;
        this.isRaw = isRaw;
        SchedulerOptions options =
                SchedulerOptions.defaults().withSlots(parallel).withQueueMax(queued);
        if (flags.context != null) {
            options = options.withContext(flags.context);
        }
        if (flags.draft != null) {
            options = options.withDraft(flags.draft);
        }
        try {
            scheduler = Scheduler.start(model, options);
        } catch (IllegalArgumentException e) {
            throw new Failure("--parallel: " + e.getMessage(), e);
        }
    }

    @Override
    public Pending submit(PromptsFile.Line line, int index) throws Failure {
        try {
            SamplingOptions options = PromptOptions.sampling(
                    line, sampling, model.tokenizer().vocabulary().size());
            if (!flags.hasSeed() && !line.overrides().sampling().containsKey("seed")) {
                options = options.withSeed(System.nanoTime() + index);
            }
            long seed = options.seed();
            Completion completion = scheduler.submit(request(line, PromptOptions.of(line, flags, options)));
            return to -> to.accept(await(completion, seed));
        } catch (ModelException | TemplateException | IllegalArgumentException e) {
            throw new Failure(Failure.line(e), e);
        } catch (ContextFullException e) {
            throw new Failure(
                    "the prompt has " + e.tokens() + " tokens, the context of each answer holds " + e.context()
                            + " (--context N sets it; fewer --parallel leave more to each)",
                    e);
        }
    }

    private Request request(PromptsFile.Line line, ChatOptions options) throws ModelException {
        if (!isRaw) {
            return Request.chat(model, line.messages(), options).build();
        }
        int[] ids = model.tokenizer().encodeRaw(line.messages().getLast().content());
        return Request.continuation(ids, options.sampling(), options.maxTokens(), options.stops())
                .build();
    }

    private Answered await(Completion completion, long seed) throws Failure, InterruptedException {
        try {
            return new Answered(completion.await(), completion.queuedNanos(), seed, modelName);
        } catch (ExecutionException e) {
            throw new Failure(Failure.line(e.getCause()), e);
        }
    }

    @Override
    public Stats stats() {
        Scheduler.Stats stats = scheduler.stats();
        return new Stats(stats.running(), stats.generatedTokens(), stats.promptTokens(), stats.reusedTokens());
    }

    @Override
    public void close() {
        scheduler.close();
    }
}
