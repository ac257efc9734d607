package io.github.medpsy4j.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.Tools;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.test.options.AbstractChatOptionsTests;

/** The tests that Spring AI publishes for options, and what they do not ask. */
class MedpsyChatOptionsTest extends AbstractChatOptionsTests<MedpsyChatOptions, MedpsyChatOptions.Builder> {
    @Override
    protected Class<MedpsyChatOptions> getConcreteOptionsClass() {
        return MedpsyChatOptions.class;
    }

    @Override
    protected MedpsyChatOptions.Builder readyToBuildBuilder() {
        return MedpsyChatOptions.builder()
                .model("tiny")
                .temperature(0.5)
                .outputSchema("{}")
                .toolChoice(Tools.Choice.AUTO)
                .parallelToolCalls(false)
                .think(Think.OFF)
                .seed(7L)
                .minP(0.1)
                .repeatPenalty(1.1);
    }

    @Test
    void eachOptionCounts() {
        MedpsyChatOptions all = readyToBuildBuilder().build();
        List<UnaryOperator<MedpsyChatOptions.Builder>> changes = List.of(
                options -> options.model("other"),
                options -> options.outputSchema(null),
                options -> options.toolChoice(Tools.Choice.NONE),
                options -> options.parallelToolCalls(true),
                options -> options.think(Think.ON),
                options -> options.seed(8L),
                options -> options.minP(null),
                options -> options.repeatPenalty(1.2));
        for (UnaryOperator<MedpsyChatOptions.Builder> change : changes) {
            assertNotEquals(all, change.apply(all.mutate()).build());
        }
        assertEquals(all.hashCode(), all.mutate().build().hashCode());
    }

    @Test
    void whatIsSetInTheOtherCounts() {
        MedpsyChatOptions.Builder own = readyToBuildBuilder();
        own.combineWith(MedpsyChatOptions.builder().seed(9L).maxTokens(5));
        assertEquals(9L, own.build().getSeed());
        assertEquals(5, own.build().getMaxTokens());
        assertEquals(0.1, own.build().getMinP());
        own.combineWith(ChatOptions.builder().temperature(1.0));
        assertEquals(1.0, own.build().getTemperature());
        assertEquals(9L, own.build().getSeed());
        own.combineWith(StructuredOutputChatOptions.builder().outputSchema("{\"type\":\"array\"}"));
        assertEquals("{\"type\":\"array\"}", own.build().getOutputSchema());
    }
}
