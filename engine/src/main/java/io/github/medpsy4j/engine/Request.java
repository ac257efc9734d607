package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import java.util.Objects;

/** What a {@link Scheduler} is asked to generate: a prompt of tokens and how to go on after it. Immutable. */
public final class Request {
    /** Alternatives per token that can be asked for, at most. */
    public static final int TOP_LOGPROBS_MAX = 20;

    private final int[] prompt;
    private final ChatOptions options;
    private final SamplingOptions sampling;
    private final boolean isChat;
    private final boolean opensThinking;
    private final boolean logprobs;
    private final int topLogprobs;

    private Request(Builder b) {
        prompt = b.prompt;
        options = b.options;
        sampling = b.sampling;
        isChat = b.isChat;
        opensThinking = b.opensThinking;
        logprobs = b.logprobs;
        topLogprobs = b.topLogprobs;
    }

    /**
     * The answer to a conversation; thinking is divided from it.
     *
     * @param messages what was said; a system message in front of them, none is taken from the options
     * @param options sampling, limits, thinking and stop texts. {@code overflow} does not count: a conversation that does
     *     not fit is refused; nor does {@code draft}: {@link SchedulerOptions} have it
     * @throws ModelException if the model has no chat template, or one that knows no tools where there are some
     * @throws io.github.medpsy4j.engine.grammar.GrammarException if the call of a tool is required whose schema is not
     *     supported
     */
    public static Builder chat(Model model, List<ChatMessage> messages, ChatOptions options) throws ModelException {
        Prompt prompt = Prompt.of(model, messages, options.think(), options.tools());
        Builder builder = new Builder(prompt.tokens(), options, options.answerSampling());
        builder.isChat = true;
        builder.opensThinking = prompt.opensThinking();
        return builder;
    }

    /**
     * The continuation of a prompt without a template.
     *
     * @param maxTokens the most tokens to draw; 0 leaves it to the model and the context
     * @param stops texts that end it before them
     */
    public static Builder continuation(int[] prompt, SamplingOptions sampling, int maxTokens, List<String> stops) {
        ChatOptions options = ChatOptions.builder()
                .sampling(sampling)
                .maxTokens(maxTokens)
                .stops(stops)
                .build();
        return new Builder(prompt.clone(), options, sampling);
    }

    int[] promptView() {
        return prompt;
    }

    /** Tokens of the prompt. */
    public int promptTokens() {
        return prompt.length;
    }

    ChatOptions options() {
        return options;
    }

    /** How tokens are drawn, the grammar of the options' tools with it. */
    SamplingOptions sampling() {
        return sampling;
    }

    boolean isChat() {
        return isChat;
    }

    boolean opensThinking() {
        return opensThinking;
    }

    boolean logprobs() {
        return logprobs;
    }

    int topLogprobs() {
        return topLogprobs;
    }

    /** Collects what is asked for. */
    public static final class Builder {
        private final int[] prompt;
        private final ChatOptions options;
        private final SamplingOptions sampling;
        private boolean isChat;
        private boolean opensThinking;
        private boolean logprobs;
        private int topLogprobs;

        private Builder(int[] prompt, ChatOptions options, SamplingOptions sampling) {
            this.prompt = prompt;
            this.options = Objects.requireNonNull(options);
            this.sampling = sampling;
            if (prompt.length == 0) {
                throw new IllegalArgumentException("the prompt has no tokens");
            }
        }

        /**
         * Asks for the log-probability of each token, and of the {@code top} most probable ones in its place: those of
         * the model itself, before penalties, temperature and the like.
         */
        public Builder logprobs(int top) {
            if (top < 0 || top > TOP_LOGPROBS_MAX) {
                throw new IllegalArgumentException("top logprobs: expected 0 to " + TOP_LOGPROBS_MAX + ", got " + top);
            }
            logprobs = true;
            topLogprobs = top;
            return this;
        }

        public Request build() {
            return new Request(this);
        }
    }
}
