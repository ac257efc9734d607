package io.github.medpsy4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tests that LangChain4j asks every chat model to pass, on a model that knows what they ask. */
class PublishedChatModelTest extends AbstractChatModelIT {
    private static final String NO_CALLS = "a model of 0.5B parameters calls tools only where it must";

    @Override
    protected List<ChatModel> models() {
        return List.of(createModelWith(ChatRequestParameters.builder().build()));
    }

    @Override
    protected ChatModel createModelWith(ChatRequestParameters parameters) {
        return MedpsyChatModel.builder()
                .scheduler(TestModels.real())
                .sampling(SamplingOptions.greedy())
                .defaultRequestParameters(parameters)
                .build();
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return MedpsyChatRequestParameters.builder()
                .maxOutputTokens(maxOutputTokens)
                .build();
    }

    @Override
    protected boolean supportsModelNameParameter() {
        return false; // a scheduler has one model
    }

    @Override
    @Disabled(NO_CALLS)
    @ParameterizedTest
    @MethodSource("modelsSupportingTools")
    protected void should_execute_a_tool_then_answer(ChatModel model) {}

    @Override
    @Disabled(NO_CALLS)
    @ParameterizedTest
    @MethodSource("modelsSupportingTools")
    protected void should_execute_a_tool_without_arguments_then_answer(ChatModel model) {}

    @Override
    @Disabled(NO_CALLS)
    @ParameterizedTest
    @MethodSource("modelsSupportingTools")
    protected void should_execute_multiple_tools_in_parallel_then_answer(ChatModel model) {}

    @Override
    protected boolean supportsToolsAndJsonResponseFormatWithSchema() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }
}
