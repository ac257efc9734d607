package io.github.medpsy4j.langchain4j;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.argThat;
import static org.mockito.Mockito.atLeast;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mockito.InOrder;

/** The tests that LangChain4j asks every streaming chat model to pass, on a model that knows what they ask. */
class PublishedStreamingChatModelTest extends AbstractStreamingChatModelIT {
    private static final String NO_CALLS = "a model of 0.5B parameters calls tools only where it must";

    @Override
    protected List<StreamingChatModel> models() {
        return List.of(createModelWith(ChatRequestParameters.builder().build()));
    }

    @Override
    protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
        return MedpsyStreamingChatModel.builder()
                .scheduler(TestModels.real())
                .sampling(SamplingOptions.greedy())
                .defaultRequestParameters(parameters)
                .build();
    }

    @Override
    public StreamingChatModel createModelWith(ChatModelListener listener) {
        return MedpsyStreamingChatModel.builder()
                .scheduler(TestModels.real())
                .sampling(SamplingOptions.greedy())
                .listeners(List.of(listener))
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
    protected void should_execute_a_tool_then_answer(StreamingChatModel model) {}

    @Override
    @Disabled(NO_CALLS)
    @ParameterizedTest
    @MethodSource("modelsSupportingTools")
    protected void should_execute_a_tool_without_arguments_then_answer(StreamingChatModel model) {}

    @Override
    @Disabled(NO_CALLS)
    @ParameterizedTest
    @MethodSource("modelsSupportingTools")
    protected void should_execute_multiple_tools_in_parallel_then_answer(StreamingChatModel model) {}

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

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder order, String id) {
        verifyCall(handler, order, 0, id, "weather");
    }

    @Override
    protected void verifyToolCallbacks(
            StreamingChatResponseHandler handler, InOrder order, String firstId, String secondId) {
        verifyCall(handler, order, 0, firstId, "weather");
        verifyCall(handler, order, 1, secondId, "getTime");
    }

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder order, StreamingChatModel model) {
        order.verify(handler, atLeast(1)).onPartialToolCall(any(), any());
        order.verify(handler).onCompleteToolCall(argThat(call -> call.index() == 0));
    }

    private static void verifyCall(
            StreamingChatResponseHandler handler, InOrder order, int index, String id, String name) {
        order.verify(handler, atLeast(1))
                .onPartialToolCall(
                        argThat(part -> part.index() == index
                                && part.id().equals(id)
                                && part.name().equals(name)),
                        any());
        order.verify(handler)
                .onCompleteToolCall(argThat(call -> call.index() == index
                        && call.toolExecutionRequest().id().equals(id)
                        && call.toolExecutionRequest().name().equals(name)));
    }
}
