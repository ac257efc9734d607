package io.github.medpsy4j.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** What LangChain4j asks of every chat model that has listeners; any words will do, so that gibberish serves. */
class PublishedListenerTest extends AbstractChatModelListenerIT {
    private Model model;
    private Scheduler scheduler;

    @BeforeEach
    void load() throws IOException {
        model = TestModels.tiny();
        scheduler = Scheduler.start(model, SchedulerOptions.defaults().withSlots(1));
    }

    @AfterEach
    void close() {
        scheduler.close();
        model.close();
    }

    private ChatModel modelWith(ChatModelListener listener) {
        return MedpsyChatModel.builder()
                .scheduler(scheduler)
                .modelName(modelName())
                .defaultRequestParameters(ChatRequestParameters.builder()
                        .modelName(modelName())
                        .temperature(temperature())
                        .topP(topP())
                        .maxOutputTokens(maxTokens())
                        .build())
                .listeners(List.of(listener))
                .build();
    }

    @Override
    protected ChatModel createModel(ChatModelListener listener) {
        return modelWith(listener);
    }

    @Override
    protected String modelName() {
        return "tiny";
    }

    @Override
    protected ChatModel createFailingModel(ChatModelListener listener) {
        scheduler.close();
        return modelWith(listener);
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return InternalServerException.class;
    }
}
