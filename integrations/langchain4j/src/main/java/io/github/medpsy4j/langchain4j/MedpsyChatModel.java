package io.github.medpsy4j.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;

/**
 * A chat model of LangChain4j, computed in this process. Shared by threads: requests made at the same time are computed in
 * one batch.
 *
 * <p>What LangChain4j can ask for and this cannot do is refused with
 * {@link dev.langchain4j.exception.UnsupportedFeatureException}: images, another model's name, a JSON response format
 * beside tools, a keyword of a JSON Schema that the engine does not know. A prompt that the context has no room for is an
 * {@link dev.langchain4j.exception.InvalidRequestException}, a full queue a
 * {@link dev.langchain4j.exception.RateLimitException}. An interrupted caller leaves with the interrupt still set.
 */
public final class MedpsyChatModel implements ChatModel {
    private final ChatRequests requests;

    private MedpsyChatModel(ChatRequests requests) {
        this.requests = requests;
    }

    /** A builder; it needs a scheduler, everything else has defaults. */
    public static MedpsyChatModelBuilder<MedpsyChatModel> builder() {
        return new MedpsyChatModelBuilder<>(MedpsyChatModel::new);
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
        Completion completion = requests.submit(request);
        try {
            Answer answer = completion.await();
            return requests.response(answer);
        } catch (ExecutionException e) {
            throw ChatRequests.mapped(e.getCause());
        } catch (InterruptedException e) {
            completion.cancel();
            Thread.currentThread().interrupt();
            throw ChatRequests.mapped(e);
        }
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return requests.defaults();
    }

    @Override
    public List<ChatModelListener> listeners() {
        return requests.listeners();
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return ChatRequests.CAPABILITIES;
    }
}
