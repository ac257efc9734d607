package io.github.medpsy4j.springai;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.test.chat.client.advisor.AbstractToolCallingAdvisorIT;

/** The tests that Spring AI publishes for a chat model whose tools a {@code ChatClient} calls. */
class PublishedToolCallingTest extends AbstractToolCallingAdvisorIT {
    @Override
    protected ChatModel getChatModel() {
        return MedpsyChatModel.builder()
                .scheduler(TestModels.real())
                .sampling(SamplingOptions.greedy())
                .build();
    }
}
