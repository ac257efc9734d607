package io.github.medpsy4j.langchain4j;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * Collects what a chat model is made of.
 *
 * @param <M> the kind of chat model
 */
public final class MedpsyChatModelBuilder<M> {
    private final Function<ChatRequests, M> constructor;
    private Scheduler scheduler;
    private String modelName;
    private SamplingOptions sampling;
    private Think think = Think.AUTO;
    private ChatRequestParameters defaults = DefaultChatRequestParameters.EMPTY;
    private List<ChatModelListener> listeners = List.of();

    MedpsyChatModelBuilder(Function<ChatRequests, M> constructor) {
        this.constructor = constructor;
    }

    /** What computes; required. It stays the caller's, to share with other chat models and to close. */
    public MedpsyChatModelBuilder<M> scheduler(Scheduler value) {
        scheduler = Objects.requireNonNull(value);
        return this;
    }

    /** What the model is called in responses; by default as its file calls it. A request for any other is refused. */
    public MedpsyChatModelBuilder<M> modelName(String value) {
        modelName = Objects.requireNonNull(value);
        return this;
    }

    /**
     * How tokens are drawn where a request does not say; with its seed for every request, so that the same request has
     * the same answer. By default as llama.cpp does, with another seed for each request.
     */
    public MedpsyChatModelBuilder<M> sampling(SamplingOptions value) {
        sampling = Objects.requireNonNull(value);
        return this;
    }

    /** Whether the model thinks before it answers, where its template knows that switch; by default as the template does. */
    public MedpsyChatModelBuilder<M> think(Think value) {
        think = Objects.requireNonNull(value);
        return this;
    }

    /** What holds where a request does not say otherwise; {@link MedpsyChatRequestParameters} among them. */
    public MedpsyChatModelBuilder<M> defaultRequestParameters(ChatRequestParameters value) {
        defaults = Objects.requireNonNull(value);
        return this;
    }

    /** Who is told of requests, responses and errors. */
    public MedpsyChatModelBuilder<M> listeners(List<ChatModelListener> value) {
        listeners = List.copyOf(value);
        return this;
    }

    /**
     * Makes the chat model.
     *
     * @throws IllegalStateException if there is no scheduler
     * @throws dev.langchain4j.exception.UnsupportedFeatureException if the default parameters ask for what cannot be done
     */
    public M build() {
        if (scheduler == null) {
            throw new IllegalStateException("scheduler: expected one, got none");
        }
        return constructor.apply(new ChatRequests(scheduler, modelName, sampling, think, defaults, listeners));
    }
}
