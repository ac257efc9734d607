package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * How a conversation goes.
 *
 * @param system the system message; empty for none
 * @param sampling how tokens are drawn
 * @param maxTokens the most tokens of one answer; 0 leaves it to the model and the context
 * @param think what the template is told of thinking
 * @param thinkBudget the most tokens of thinking before it is closed and the answer must follow; 0 for no bound
 * @param stops texts that end an answer before them; none is empty
 * @param overflow what happens when the context fills
 * @param draft the most tokens that are guessed at a time, see {@link Generator}; 0 for none. Changes no token
 * @param tools what the model may ask to be called
 */
public record ChatOptions(
        String system,
        SamplingOptions sampling,
        int maxTokens,
        Think think,
        int thinkBudget,
        List<String> stops,
        Overflow overflow,
        int draft,
        Tools tools) {
    /** The template's switch {@code enable_thinking}. */
    public enum Think {
        ON,
        OFF,
        /** Not set: the template's own default. */
        AUTO
    }

    /** What happens to a conversation that outgrows the context. */
    public enum Overflow {
        /** {@link Chat#send} throws {@link ContextFullException}. */
        STOP,
        /** The oldest turns leave the model's sight, whole turns at a time; the system message stays. */
        TRIM
    }

    public ChatOptions {
        Objects.requireNonNull(system);
        Objects.requireNonNull(sampling);
        Objects.requireNonNull(think);
        Objects.requireNonNull(overflow);
        if (maxTokens < 0) {
            throw new IllegalArgumentException("max-tokens: expected at least 0, got " + maxTokens);
        }
        if (thinkBudget < 0) {
            throw new IllegalArgumentException("think-budget: expected at least 0, got " + thinkBudget);
        }
        Generator.checkDraft(draft);
        stops = StopTexts.checked(stops);
        if (tools.areOffered() && sampling.grammar().isPresent()) {
            throw new IllegalArgumentException("grammar: is not supported beside tools");
        }
    }

    /** No system message, llama.cpp's sampling with a seed from the clock, no bounds, trimming. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * How the tokens of an answer are drawn: a grammar is about what follows the thinking, if that may be.
     *
     * @throws io.github.medpsy4j.engine.grammar.GrammarException if the call of a tool is required whose schema is not
     *     supported
     */
    SamplingOptions answerSampling() {
        Optional<Grammar> grammar = tools.grammar().or(sampling::grammar);
        return grammar.isEmpty()
                ? sampling
                : sampling.toBuilder()
                        .grammar(
                                think == Think.OFF
                                        ? grammar.get()
                                        : grammar.get().afterThinking())
                        .build();
    }

    /** A builder that starts from these options. */
    public Builder toBuilder() {
        Builder b = new Builder();
        b.system = system;
        b.sampling = sampling;
        b.maxTokens = maxTokens;
        b.think = think;
        b.thinkBudget = thinkBudget;
        b.stops = stops;
        b.overflow = overflow;
        b.draft = draft;
        b.tools = tools;
        return b;
    }

    /** Collects the options. */
    public static final class Builder {
        private String system = "";
        private SamplingOptions sampling = SamplingOptions.defaults(System.nanoTime());
        private int maxTokens;
        private Think think = Think.AUTO;
        private int thinkBudget;
        private List<String> stops = List.of();
        private Overflow overflow = Overflow.TRIM;
        private int draft = Generator.DRAFT_DEFAULT;
        private Tools tools = Tools.none();

        private Builder() {}

        public Builder system(String value) {
            system = value;
            return this;
        }

        public Builder sampling(SamplingOptions value) {
            sampling = value;
            return this;
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
            return this;
        }

        public Builder think(Think value) {
            think = value;
            return this;
        }

        public Builder thinkBudget(int value) {
            thinkBudget = value;
            return this;
        }

        public Builder stops(List<String> value) {
            stops = value;
            return this;
        }

        public Builder overflow(Overflow value) {
            overflow = value;
            return this;
        }

        public Builder draft(int value) {
            draft = value;
            return this;
        }

        public Builder tools(Tools value) {
            tools = value;
            return this;
        }

        /** @throws IllegalArgumentException if a value is out of range, or a grammar stands beside tools */
        public ChatOptions build() {
            return new ChatOptions(system, sampling, maxTokens, think, thinkBudget, stops, overflow, draft, tools);
        }
    }
}
