package io.github.medpsy4j.springai;

import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.Tools;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.tool.ToolCallback;

/**
 * What a prompt may ask of a {@link MedpsyChatModel}: all that Spring AI's portable options have, tools and an output
 * schema among them, and what is this engine's own. Null, of any option, is what the model does otherwise.
 */
public final class MedpsyChatOptions extends DefaultToolCallingChatOptions implements StructuredOutputChatOptions {
    private final String outputSchema;
    private final Tools.Choice toolChoice;
    private final Boolean parallelToolCalls;
    private final Think think;
    private final Long seed;
    private final Double minP;
    private final Double repeatPenalty;

    private MedpsyChatOptions(Builder from, ChatOptions portable) {
        super(
                from.toolCallbacks(),
                from.toolContext(),
                portable.getModel(),
                portable.getFrequencyPenalty(),
                portable.getMaxTokens(),
                portable.getPresencePenalty(),
                portable.getStopSequences(),
                portable.getTemperature(),
                portable.getTopK(),
                portable.getTopP());
        outputSchema = from.outputSchema;
        toolChoice = from.toolChoice;
        parallelToolCalls = from.parallelToolCalls;
        think = from.think;
        seed = from.seed;
        minP = from.minP;
        repeatPenalty = from.repeatPenalty;
    }

    /** A builder in which nothing is set. */
    public static Builder builder() {
        return new Builder();
    }

    /** The JSON Schema that the answer is held to while it is generated. */
    @Override
    public String getOutputSchema() {
        return outputSchema;
    }

    /** Whether the model decides about the tools, or must call one. */
    public Tools.Choice getToolChoice() {
        return toolChoice;
    }

    /** Whether an answer may have several calls. */
    public Boolean getParallelToolCalls() {
        return parallelToolCalls;
    }

    /** Whether the model thinks before it answers, where its template knows that switch. */
    public Think getThink() {
        return think;
    }

    /** What the random draws begin with. */
    public Long getSeed() {
        return seed;
    }

    /** The least probability of a token, as a part of the likeliest one's. */
    public Double getMinP() {
        return minP;
    }

    /** How much less likely tokens become that stand in the text already; 1 for not at all. */
    public Double getRepeatPenalty() {
        return repeatPenalty;
    }

    @Override
    public Builder mutate() {
        Builder builder = builder()
                .model(getModel())
                .frequencyPenalty(getFrequencyPenalty())
                .maxTokens(getMaxTokens())
                .presencePenalty(getPresencePenalty())
                .stopSequences(getStopSequences())
                .temperature(getTemperature())
                .topK(getTopK())
                .topP(getTopP())
                .toolCallbacks(getToolCallbacks())
                .toolContext(getToolContext());
        return builder.outputSchema(outputSchema)
                .toolChoice(toolChoice)
                .parallelToolCalls(parallelToolCalls)
                .think(think)
                .seed(seed)
                .minP(minP)
                .repeatPenalty(repeatPenalty);
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other)
                && other instanceof MedpsyChatOptions that
                && Objects.equals(outputSchema, that.outputSchema)
                && toolChoice == that.toolChoice
                && Objects.equals(parallelToolCalls, that.parallelToolCalls)
                && think == that.think
                && Objects.equals(seed, that.seed)
                && Objects.equals(minP, that.minP)
                && Objects.equals(repeatPenalty, that.repeatPenalty);
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                super.hashCode(), outputSchema, toolChoice, parallelToolCalls, think, seed, minP, repeatPenalty);
    }

    /** Collects options; null unsets one. */
    public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder>
            implements StructuredOutputChatOptions.Builder<Builder> {
        private String outputSchema;
        private Tools.Choice toolChoice;
        private Boolean parallelToolCalls;
        private Think think;
        private Long seed;
        private Double minP;
        private Double repeatPenalty;

        private Builder() {}

        private List<ToolCallback> toolCallbacks() {
            return toolCallbacks;
        }

        private Map<String, Object> toolContext() {
            return toolContext;
        }

        /** A JSON Schema (2020-12) that the answer is held to; not beside tools. */
        @Override
        public Builder outputSchema(String value) {
            outputSchema = value;
            return this;
        }

        /**
         * Whether the model decides about the tools. {@link Tools.Choice#REQUIRED} asks for a call in each answer: a
         * {@code ChatClient} that sends results back would never end. {@link Tools.Choice#NAMED} is not supported: give
         * the one tool alone.
         */
        public Builder toolChoice(Tools.Choice value) {
            toolChoice = value;
            return this;
        }

        /** Whether an answer may have several calls; by default it may. */
        public Builder parallelToolCalls(Boolean value) {
            parallelToolCalls = value;
            return this;
        }

        /** Whether the model thinks before it answers, where its template knows that switch. */
        public Builder think(Think value) {
            think = value;
            return this;
        }

        /** What the random draws begin with: the same prompt with the same seed has the same answer. */
        public Builder seed(Long value) {
            seed = value;
            return this;
        }

        /** The least probability of a token, as a part of the likeliest one's: 0 to 1. */
        public Builder minP(Double value) {
            minP = value;
            return this;
        }

        /** How much less likely tokens become that stand in the text already; 1 for not at all. */
        public Builder repeatPenalty(Double value) {
            repeatPenalty = value;
            return this;
        }

        /** Takes over what is set in the other one; its tools are added to these. */
        @Override
        public Builder combineWith(ChatOptions.Builder<?> other) {
            super.combineWith(other);
            if (other instanceof Builder that) {
                outputSchema = other(that.outputSchema, outputSchema);
                toolChoice = other(that.toolChoice, toolChoice);
                parallelToolCalls = other(that.parallelToolCalls, parallelToolCalls);
                think = other(that.think, think);
                seed = other(that.seed, seed);
                minP = other(that.minP, minP);
                repeatPenalty = other(that.repeatPenalty, repeatPenalty);
            } else if (other instanceof StructuredOutputChatOptions.Builder<?> structured
                    && structured.build() instanceof StructuredOutputChatOptions that) {
                outputSchema = other(that.getOutputSchema(), outputSchema);
            }
            return this;
        }

        private static <T> T other(T theirs, T own) {
            return theirs != null ? theirs : own;
        }

        @Override
        public MedpsyChatOptions build() {
            return new MedpsyChatOptions(this, super.build());
        }
    }
}
