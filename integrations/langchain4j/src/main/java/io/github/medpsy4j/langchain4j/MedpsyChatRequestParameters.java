package io.github.medpsy4j.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import io.github.medpsy4j.engine.ChatOptions.Think;
import java.util.Objects;

/** LangChain4j's parameters of a request and some that only this engine knows. Null means not set. */
public final class MedpsyChatRequestParameters extends DefaultChatRequestParameters {
    private final Long seed;
    private final Double minP;
    private final Double repeatPenalty;
    private final Think think;

    private MedpsyChatRequestParameters(Builder builder) {
        super(builder);
        seed = builder.seed;
        minP = builder.minP;
        repeatPenalty = builder.repeatPenalty;
        think = builder.think;
    }

    /** A builder with nothing set. */
    public static Builder builder() {
        return new Builder();
    }

    /** What the drawing of tokens starts from: the same request with the same seed has the same answer. */
    public Long seed() {
        return seed;
    }

    /** The least probability of a token to be drawn, as a part of the most probable one's. */
    public Double minP() {
        return minP;
    }

    /** What logits of tokens that occurred lately are divided by; 1 for nothing. */
    public Double repeatPenalty() {
        return repeatPenalty;
    }

    /** Whether the model thinks before it answers. */
    public Think think() {
        return think;
    }

    @Override
    public ChatRequestParameters overrideWith(ChatRequestParameters that) {
        return builder().overrideWith(this).overrideWith(that).build();
    }

    @Override
    public ChatRequestParameters defaultedBy(ChatRequestParameters that) {
        return builder().overrideWith(that).overrideWith(this).build();
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other)
                && other instanceof MedpsyChatRequestParameters that
                && Objects.equals(seed, that.seed)
                && Objects.equals(minP, that.minP)
                && Objects.equals(repeatPenalty, that.repeatPenalty)
                && think == that.think;
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), seed, minP, repeatPenalty, think);
    }

    @Override
    public String toString() {
        return super.toString() + " and {seed=" + seed + ", minP=" + minP + ", repeatPenalty=" + repeatPenalty
                + ", think=" + think + "}";
    }

    /** Collects the parameters. */
    public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
        private Long seed;
        private Double minP;
        private Double repeatPenalty;
        private Think think;

        private Builder() {}

        @Override
        public Builder overrideWith(ChatRequestParameters parameters) {
            super.overrideWith(parameters);
            if (parameters instanceof MedpsyChatRequestParameters own) {
                seed = own.seed != null ? own.seed : seed;
                minP = own.minP != null ? own.minP : minP;
                repeatPenalty = own.repeatPenalty != null ? own.repeatPenalty : repeatPenalty;
                think = own.think != null ? own.think : think;
            }
            return this;
        }

        public Builder seed(Long value) {
            seed = value;
            return this;
        }

        public Builder minP(Double value) {
            minP = value;
            return this;
        }

        public Builder repeatPenalty(Double value) {
            repeatPenalty = value;
            return this;
        }

        public Builder think(Think value) {
            think = value;
            return this;
        }

        @Override
        public MedpsyChatRequestParameters build() {
            return new MedpsyChatRequestParameters(this);
        }
    }
}
