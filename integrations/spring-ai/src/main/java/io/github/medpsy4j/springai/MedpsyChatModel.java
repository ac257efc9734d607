package io.github.medpsy4j.springai;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/**
 * A chat model of Spring AI, computed in this process. Shared by threads: prompts that come at the same time are computed
 * in one batch.
 *
 * <p>A prompt's options are {@link MedpsyChatOptions}; portable ones are laid over the defaults, and a prompt without any
 * has the defaults. Tools are told to the model, and its calls stand in the answer; a {@code ChatClient} makes them and
 * sends the results back. What the model thought before it answered is the message's property {@code thinking}.
 *
 * <p>A stream's subscriber is told on one virtual thread per answer; cancelling the subscription ends the answer with the
 * step that is being computed. Pieces of thinking stand in the metadata of a chunk's generation, as {@code thinking};
 * calls, the finish reason and the usage come with the last chunk.
 *
 * <p>What this cannot do is refused with {@link UnsupportedOperationException}: media, an output schema beside tools, tools
 * or chats that the model's template does not know. A wrong option, or a keyword of a JSON Schema that the engine does not
 * know, is an {@link IllegalArgumentException}, a prompt that the context has no room for a
 * {@link io.github.medpsy4j.engine.ContextFullException}, a full queue a
 * {@link java.util.concurrent.RejectedExecutionException}, and a closed scheduler an {@link IllegalStateException}.
 */
public final class MedpsyChatModel implements ChatModel {
    static final String PROVIDER = "medpsy4j";

    private static final DefaultChatModelObservationConvention CONVENTION = new DefaultChatModelObservationConvention();

    private final ChatRequests requests;
    private final ObservationRegistry observations;

    private MedpsyChatModel(Builder builder) {
        requests = new ChatRequests(builder.scheduler, builder.modelName, builder.sampling, builder.options);
        observations = builder.observations;
    }

    /** A builder; it needs a scheduler, everything else has defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** The defaults. */
    @Override
    public MedpsyChatOptions getOptions() {
        return requests.defaults();
    }

    @Override
    public ChatResponse call(Prompt prompt) {
        Prompt complete = requests.complete(prompt);
        ChatModelObservationContext context = context(complete, false);
        return observation(context).observe(() -> {
            ChatResponse response = requests.response(ChatRequests.newId(), answer(complete), false);
            context.setResponse(response);
            return response;
        });
    }

    private Answer answer(Prompt prompt) {
        Completion completion = requests.submit(prompt);
        try {
            return completion.await();
        } catch (ExecutionException e) {
            throw failure(e);
        } catch (InterruptedException e) {
            completion.cancel();
            Thread.currentThread().interrupt();
            CancellationException left = new CancellationException("interrupted while waiting for the answer");
            left.initCause(e);
            throw left;
        }
    }

    private static RuntimeException failure(ExecutionException e) {
        return e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
    }

    @Override
    public Flux<ChatResponse> stream(Prompt prompt) {
        Prompt complete = requests.complete(prompt);
        return Flux.deferContextual(view -> {
            ChatModelObservationContext context = context(complete, true);
            Observation observation = observation(context);
            Observation parent = view.getOrDefault(ObservationThreadLocalAccessor.KEY, null);
            observation.parentObservation(parent).start();
            Flux<ChatResponse> chunks = Flux.<ChatResponse>create(sink -> begin(complete, sink))
                    .doOnError(observation::error)
                    .doFinally(signal -> observation.stop())
                    .contextWrite(written -> written.put(ObservationThreadLocalAccessor.KEY, observation));
            return new MessageAggregator().aggregate(chunks, context::setResponse);
        });
    }

    private void begin(Prompt prompt, FluxSink<ChatResponse> sink) {
        Completion completion = requests.submit(prompt);
        sink.onDispose(completion::cancel);
        Thread.ofVirtual().name("medpsy-answer").start(() -> tell(completion, sink));
    }

    private void tell(Completion completion, FluxSink<ChatResponse> sink) {
        String id = ChatRequests.newId();
        try {
            for (Completion.Piece piece; (piece = completion.next()) != null; ) {
                if (!piece.text().isEmpty()) {
                    sink.next(requests.chunk(id, piece));
                }
            }
            sink.next(requests.response(id, completion.await(), true));
            sink.complete();
        } catch (ExecutionException e) {
            sink.error(failure(e));
        } catch (InterruptedException e) {
            completion.cancel();
            sink.error(e); // nobody interrupts this thread; the subscriber must hear an end in any case
        }
    }

    private static ChatModelObservationContext context(Prompt prompt, boolean streams) {
        return ChatModelObservationContext.builder()
                .prompt(prompt)
                .provider(PROVIDER)
                .streaming(streams)
                .build();
    }

    private Observation observation(ChatModelObservationContext context) {
        return ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(
                null, CONVENTION, () -> context, observations);
    }

    /** Collects what a chat model is made of. */
    public static final class Builder {
        private Scheduler scheduler;
        private String modelName;
        private SamplingOptions sampling;
        private MedpsyChatOptions options = MedpsyChatOptions.builder().build();
        private ObservationRegistry observations = ObservationRegistry.NOOP;

        private Builder() {}

        /** What computes; required. It stays the caller's, to share with other models and to close. */
        public Builder scheduler(Scheduler value) {
            scheduler = Objects.requireNonNull(value);
            return this;
        }

        /** What the model is called; by default as its file calls it. A prompt for any other is refused. */
        public Builder modelName(String value) {
            modelName = Objects.requireNonNull(value);
            return this;
        }

        /**
         * How tokens are drawn where options do not say; with its seed for every prompt, so that the same prompt has the
         * same answer. By default as llama.cpp does, with another seed for each prompt.
         */
        public Builder sampling(SamplingOptions value) {
            sampling = Objects.requireNonNull(value);
            return this;
        }

        /** What holds where a prompt does not say otherwise. */
        public Builder options(MedpsyChatOptions value) {
            options = Objects.requireNonNull(value);
            return this;
        }

        /** Who observes prompts and answers; nobody by default. */
        public Builder observationRegistry(ObservationRegistry value) {
            observations = Objects.requireNonNull(value);
            return this;
        }

        /**
         * Makes the chat model.
         *
         * @throws IllegalStateException if there is no scheduler
         * @throws IllegalArgumentException if the default options ask for what cannot be done
         */
        public MedpsyChatModel build() {
            if (scheduler == null) {
                throw new IllegalStateException("scheduler: expected one, got none");
            }
            return new MedpsyChatModel(this);
        }
    }
}
