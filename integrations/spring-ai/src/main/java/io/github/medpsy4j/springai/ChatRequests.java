package io.github.medpsy4j.springai;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.FinishReason;
import io.github.medpsy4j.engine.ModelException;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.Tool;
import io.github.medpsy4j.engine.ToolCall;
import io.github.medpsy4j.engine.Tools;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.gguf.GgufException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.definition.ToolDefinition;

/** Spring AI's prompts as the engine's requests, and the engine's answers as Spring AI's. */
final class ChatRequests {
    /** Where messages and chunks have what the model thought, as Spring AI's model for Ollama has it. */
    static final String THINKING = "thinking";

    private final Scheduler scheduler;
    private final String modelName;
    private final SamplingOptions sampling;
    private final MedpsyChatOptions defaults;

    /**
     * @param modelName null for the file's own
     * @param sampling null for llama.cpp's with a seed for each request
     */
    ChatRequests(Scheduler scheduler, String modelName, SamplingOptions sampling, MedpsyChatOptions defaults) {
        this.scheduler = scheduler;
        this.modelName = modelName != null ? modelName : nameOf(scheduler);
        this.sampling = sampling;
        MedpsyChatOptions.Builder named = defaults.mutate();
        this.defaults =
                defaults.getModel() == null ? named.model(this.modelName).build() : defaults;
        options(this.defaults); // what cannot be done is told now
    }

    /** @throws IllegalStateException if the file's name of it is no text */
    static String nameOf(Scheduler scheduler) {
        try {
            return scheduler.model().name();
        } catch (GgufException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    String modelName() {
        return modelName;
    }

    MedpsyChatOptions defaults() {
        return defaults;
    }

    /** The prompt with options of this model: the defaults where it has none, over them where it has another model's. */
    Prompt complete(Prompt prompt) {
        MedpsyChatOptions options = switch (prompt.getOptions()) {
            case null -> defaults;
            case MedpsyChatOptions own -> own;
            case org.springframework.ai.chat.prompt.ChatOptions portable ->
                defaults.mutate().combineWith(portable.mutate()).build();
        };
        return prompt.mutate().chatOptions(options).build();
    }

    /** Hands a complete prompt to the scheduler, or says why not. */
    Completion submit(Prompt prompt) {
        ChatOptions options = options((MedpsyChatOptions) prompt.getOptions());
        List<ChatMessage> messages = new ArrayList<>();
        for (Message message : prompt.getInstructions()) {
            add(message, messages);
        }
        try {
            return scheduler.submit(
                    Request.chat(scheduler.model(), messages, options).build());
        } catch (ModelException e) {
            throw new UnsupportedOperationException(e.getMessage(), e);
        }
    }

    private static void add(Message message, List<ChatMessage> messages) {
        if (message instanceof MediaContent content && !content.getMedia().isEmpty()) {
            throw new UnsupportedOperationException("media are not supported: the model reads texts");
        }
        String text = message.getText() == null ? "" : message.getText();
        switch (message) {
            case SystemMessage system -> messages.add(ChatMessage.system(text));
            case UserMessage user -> messages.add(ChatMessage.user(text));
            case AssistantMessage said ->
                messages.add(ChatMessage.assistant(
                        text,
                        said.getMetadata().get(THINKING) instanceof String thinking ? thinking : "",
                        said.getToolCalls().stream()
                                .map(call -> new ToolCall(call.id(), call.name(), call.arguments()))
                                .toList()));
            case ToolResponseMessage results ->
                results.getResponses()
                        .forEach(result -> messages.add(ChatMessage.tool(result.id(), result.responseData())));
            default ->
                throw new UnsupportedOperationException(
                        "messages of type " + message.getMessageType() + " are not supported");
        }
    }

    private ChatOptions options(MedpsyChatOptions asked) {
        if (asked.getModel() != null && !asked.getModel().equals(modelName)) {
            throw new IllegalArgumentException(
                    "model: expected '" + modelName + "', which is this one, got '" + asked.getModel() + "'");
        }
        Tools tools = tools(asked);
        boolean isFormed =
                asked.getOutputSchema() != null && !asked.getOutputSchema().isBlank();
        if (isFormed && !tools.list().isEmpty() && tools.choice() != Tools.Choice.NONE) {
            throw new UnsupportedOperationException("an output schema beside tools is not supported");
        }
        SamplingOptions.Builder drawn = sampling(asked);
        if (isFormed) {
            drawn.grammar(Grammar.ofJsonSchema(asked.getOutputSchema()));
        }
        ChatOptions.Builder options =
                ChatOptions.builder().sampling(drawn.build()).tools(tools);
        if (asked.getThink() != null) {
            options.think(asked.getThink());
        }
        if (asked.getMaxTokens() != null) {
            options.maxTokens(asked.getMaxTokens());
        }
        if (asked.getStopSequences() != null) {
            options.stops(asked.getStopSequences());
        }
        return options.build();
    }

    private static Tools tools(MedpsyChatOptions asked) {
        List<Tool> list = new ArrayList<>();
        if (asked.getToolCallbacks() != null) {
            for (ToolCallback callback : asked.getToolCallbacks()) {
                ToolDefinition tool = callback.getToolDefinition();
                list.add(new Tool(tool.name(), tool.description(), tool.inputSchema()));
            }
        }
        boolean isParallel = !Boolean.FALSE.equals(asked.getParallelToolCalls());
        Tools tools = Tools.of(list).withParallel(isParallel);
        return asked.getToolChoice() == null ? tools : tools.withChoice(asked.getToolChoice());
    }

    private SamplingOptions.Builder sampling(MedpsyChatOptions asked) {
        SamplingOptions.Builder builder = sampling != null
                ? sampling.toBuilder()
                : SamplingOptions.defaults(ThreadLocalRandom.current().nextLong()).toBuilder();
        if (asked.getTemperature() != null) {
            builder.temperature(asked.getTemperature().floatValue());
        }
        if (asked.getTopP() != null) {
            builder.topP(asked.getTopP().floatValue());
        }
        if (asked.getTopK() != null) {
            builder.topK(asked.getTopK());
        }
        if (asked.getFrequencyPenalty() != null) {
            builder.frequencyPenalty(asked.getFrequencyPenalty().floatValue());
        }
        if (asked.getPresencePenalty() != null) {
            builder.presencePenalty(asked.getPresencePenalty().floatValue());
        }
        if (asked.getSeed() != null) {
            builder.seed(asked.getSeed());
        }
        if (asked.getMinP() != null) {
            builder.minP(asked.getMinP().floatValue());
        }
        if (asked.getRepeatPenalty() != null) {
            builder.repeatPenalty(asked.getRepeatPenalty().floatValue());
        }
        return builder;
    }

    // ---- Answers ----

    static String newId() {
        return UUID.randomUUID().toString();
    }

    /** A piece of an answer as it comes. */
    ChatResponse chunk(String id, Completion.Piece piece) {
        Generation generation = piece.thinking()
                ? new Generation(
                        new AssistantMessage(""),
                        ChatGenerationMetadata.builder()
                                .metadata(THINKING, piece.text())
                                .build())
                : new Generation(new AssistantMessage(piece.text()));
        return new ChatResponse(
                List.of(generation),
                ChatResponseMetadata.builder().id(id).model(modelName).build());
    }

    /** The whole answer, or the last chunk of one, which brings all but its text. */
    ChatResponse response(String id, Answer answer, boolean isLastChunk) {
        List<AssistantMessage.ToolCall> calls = wholeCalls(answer).stream()
                .map(call -> new AssistantMessage.ToolCall(call.id(), "function", call.name(), call.arguments()))
                .toList();
        Map<String, Object> properties = answer.thinking().isEmpty() ? Map.of() : Map.of(THINKING, answer.thinking());
        AssistantMessage message = AssistantMessage.builder()
                .content(isLastChunk ? "" : answer.text())
                .properties(properties)
                .toolCalls(calls)
                .build();
        String reason = switch (answer.generation().finishReason()) {
            case END, STOP_TEXT -> calls.isEmpty() ? "stop" : "tool_calls";
            case LENGTH, CONTEXT_FULL -> "length";
            case INTERRUPTED -> "interrupted";
        };
        return new ChatResponse(
                List.of(new Generation(
                        message,
                        ChatGenerationMetadata.builder().finishReason(reason).build())),
                ChatResponseMetadata.builder()
                        .id(id)
                        .model(modelName)
                        .usage(new DefaultUsage(
                                answer.generation().promptTokens(),
                                answer.generation().generatedTokens()))
                        .build());
    }

    /** The calls without one that was cut off, which nobody could make. */
    private static List<ToolCall> wholeCalls(Answer answer) {
        List<ToolCall> calls = answer.toolCalls();
        boolean isCut = answer.generation().finishReason() != FinishReason.END
                && !answer.toolCallFault().isEmpty();
        return isCut && !calls.isEmpty() ? calls.subList(0, calls.size() - 1) : calls;
    }
}
