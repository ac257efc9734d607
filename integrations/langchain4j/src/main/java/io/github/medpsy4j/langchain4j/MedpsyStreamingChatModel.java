package io.github.medpsy4j.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.ToolCall;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;

/**
 * A streaming chat model of LangChain4j, computed in this process; like {@link MedpsyChatModel} in everything else.
 *
 * <p>The handler is called on one virtual thread per answer, not on the caller's. An answer that its handle cancels ends
 * with the step that is being computed, and the handler hears nothing more.
 */
public final class MedpsyStreamingChatModel implements StreamingChatModel {
    private final ChatRequests requests;

    private MedpsyStreamingChatModel(ChatRequests requests) {
        this.requests = requests;
    }

    /** A builder; it needs a scheduler, everything else has defaults. */
    public static MedpsyChatModelBuilder<MedpsyStreamingChatModel> builder() {
        return new MedpsyChatModelBuilder<>(MedpsyStreamingChatModel::new);
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        Completion completion = requests.submit(request);
        Thread.ofVirtual().name("medpsy-answer").start(() -> stream(completion, handler));
    }

    private void stream(Completion completion, StreamingChatResponseHandler handler) {
        Handle handle = new Handle(completion);
        Calls calls = new Calls(handler, handle);
        ChatResponse response;
        try {
            for (Completion.Piece piece; (piece = completion.next()) != null && !handle.isCancelled(); ) {
                if (piece.toolCall() != null) {
                    calls.accept(piece.toolCall());
                } else if (piece.thinking() && !piece.text().isEmpty()) {
                    InternalStreamingChatResponseHandlerUtils.onPartialThinking(handler, piece.text(), handle);
                } else if (!piece.text().isEmpty()) {
                    InternalStreamingChatResponseHandlerUtils.onPartialResponse(handler, piece.text(), handle);
                }
            }
            if (handle.isCancelled()) {
                return;
            }
            response = requests.response(completion.await());
        } catch (ExecutionException e) {
            fail(handler, e.getCause());
            return;
        } catch (InterruptedException e) {
            completion.cancel();
            fail(handler, e);
            return;
        }
        calls.end(response.aiMessage().toolExecutionRequests());
        if (!handle.isCancelled()) {
            InternalStreamingChatResponseHandlerUtils.onCompleteResponse(handler, response);
        }
    }

    /** Tells the handler of calls: their parts as they come, and each as a whole once the next begins or the answer ends. */
    private static final class Calls {
        private final StreamingChatResponseHandler handler;
        private final Handle handle;
        private final StringBuilder arguments = new StringBuilder();
        private ToolCall.Delta last;
        private int told;

        Calls(StreamingChatResponseHandler handler, Handle handle) {
            this.handler = handler;
            this.handle = handle;
        }

        void accept(ToolCall.Delta part) {
            if (last != null && last.index() != part.index()) {
                complete(ToolExecutionRequest.builder()
                        .id(last.id())
                        .name(last.name())
                        .arguments(arguments.toString())
                        .build());
                arguments.setLength(0);
            }
            last = part;
            arguments.append(part.arguments());
            if (!part.arguments().isEmpty() && !handle.isCancelled()) {
                InternalStreamingChatResponseHandlerUtils.onPartialToolCall(
                        handler,
                        PartialToolCall.builder()
                                .index(part.index())
                                .id(part.id())
                                .name(part.name())
                                .partialArguments(part.arguments())
                                .build(),
                        handle);
            }
        }

        /** All calls of the answer, of which the last has not been told yet. */
        void end(List<ToolExecutionRequest> all) {
            while (told < all.size() && !handle.isCancelled()) {
                complete(all.get(told));
            }
        }

        private void complete(ToolExecutionRequest call) {
            if (!handle.isCancelled()) {
                InternalStreamingChatResponseHandlerUtils.onCompleteToolCall(handler, new CompleteToolCall(told, call));
            }
            told++;
        }
    }

    private static void fail(StreamingChatResponseHandler handler, Throwable cause) {
        InternalStreamingChatResponseHandlerUtils.withLoggingExceptions(
                () -> handler.onError(ChatRequests.mapped(cause)));
    }

    /** Lets the handler end the answer. */
    private static final class Handle implements StreamingHandle {
        private final Completion completion;
        private volatile boolean cancelled;

        Handle(Completion completion) {
            this.completion = completion;
        }

        @Override
        public void cancel() {
            cancelled = true;
            completion.cancel();
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
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
