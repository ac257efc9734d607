package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.Objects;

/**
 * How a conversation goes.
 *
 * @param system the system message; empty for none
 * @param sampling how tokens are drawn
 * @param maxTokens the most tokens of one answer; 0 leaves it to the model and the context
 * @param think what the template is told of thinking
 * @param thinkBudget the most tokens of thinking before it is closed and the answer must follow; 0 for no bound
 */
public record ChatOptions(String system, SamplingOptions sampling, int maxTokens, Think think, int thinkBudget) {
    /** The template's switch {@code enable_thinking}. */
    public enum Think {
        ON,
        OFF,
        /** Not set: the template's own default. */
        AUTO
    }

    public ChatOptions {
        Objects.requireNonNull(system);
        Objects.requireNonNull(sampling);
        Objects.requireNonNull(think);
        if (maxTokens < 0) {
            throw new IllegalArgumentException("max-tokens: expected at least 0, got " + maxTokens);
        }
        if (thinkBudget < 0) {
            throw new IllegalArgumentException("think-budget: expected at least 0, got " + thinkBudget);
        }
    }

    /** No system message, llama.cpp's sampling with a seed from the clock, no bounds. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the options. */
    public static final class Builder {
        private String system = "";
        private SamplingOptions sampling = SamplingOptions.defaults(System.nanoTime());
        private int maxTokens;
        private Think think = Think.AUTO;
        private int thinkBudget;

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

        public ChatOptions build() {
            return new ChatOptions(system, sampling, maxTokens, think, thinkBudget);
        }
    }
}
