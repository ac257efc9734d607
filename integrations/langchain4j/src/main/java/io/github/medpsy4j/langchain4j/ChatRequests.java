package io.github.medpsy4j.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.Json;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.ModelException;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.Tool;
import io.github.medpsy4j.engine.ToolCall;
import io.github.medpsy4j.engine.Tools;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.grammar.GrammarException;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.engine.template.TemplateException;
import io.github.medpsy4j.gguf.GgufException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;

/** LangChain4j's requests as the engine's, and the engine's answers as LangChain4j's. Both chat models use it. */
final class ChatRequests {
    static final Set<Capability> CAPABILITIES = Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);

    private final Scheduler scheduler;
    private final Model model;
    private final String modelName;
    private final SamplingOptions sampling;
    private final Think think;
    private final ChatRequestParameters defaults;
    private final List<ChatModelListener> listeners;

    /**
     * @param modelName null for the file's own
     * @param sampling null for llama.cpp's with a seed for each request
     */
    ChatRequests(
            Scheduler scheduler,
            String modelName,
            SamplingOptions sampling,
            Think think,
            ChatRequestParameters defaults,
            List<ChatModelListener> listeners) {
        this.scheduler = scheduler;
        this.model = scheduler.model();
        this.modelName = modelName != null ? modelName : nameOf(model);
        this.sampling = sampling;
        this.think = think;
        this.defaults = defaults;
        this.listeners = listeners;
        options(defaults); // what cannot be done is told now
    }

    static String nameOf(Model model) {
        try {
            return model.name();
        } catch (GgufException e) {
            throw mapped(e);
        }
    }

    ChatRequestParameters defaults() {
        return defaults;
    }

    List<ChatModelListener> listeners() {
        return listeners;
    }

    /** Hands the request to the scheduler, or says why not. */
    Completion submit(ChatRequest request) {
        ChatOptions options = options(request.parameters());
        List<ChatMessage> messages = new ArrayList<>();
        for (dev.langchain4j.data.message.ChatMessage message : request.messages()) {
            messages.add(message(message));
        }
        try {
            return scheduler.submit(Request.chat(model, messages, options).build());
        } catch (ModelException | RuntimeException e) {
            throw mapped(e);
        }
    }

    private static ChatMessage message(dev.langchain4j.data.message.ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> ChatMessage.system(system.text());
            case UserMessage user -> ChatMessage.user(text(user.contents()));
            case AiMessage ai ->
                ChatMessage.assistant(
                        ai.text() == null ? "" : ai.text(),
                        ai.thinking() == null ? "" : ai.thinking(),
                        ai.toolExecutionRequests().stream()
                                .map(call ->
                                        new ToolCall(call.id() == null ? "" : call.id(), call.name(), call.arguments()))
                                .toList());
            case ToolExecutionResultMessage result ->
                ChatMessage.tool(result.id() == null ? "" : result.id(), text(result.contents()));
            default ->
                throw new UnsupportedFeatureException("messages of type " + message.type() + " are not supported");
        };
    }

    private static String text(List<Content> contents) {
        List<String> texts = new ArrayList<>();
        for (Content content : contents) {
            if (!(content instanceof TextContent text)) {
                throw new UnsupportedFeatureException(
                        content.type().toString().toLowerCase(Locale.ROOT) + " content is not supported");
            }
            texts.add(text.text());
        }
        return String.join("\n", texts);
    }

    private ChatOptions options(ChatRequestParameters parameters) {
        if (parameters.modelName() != null && !parameters.modelName().equals(modelName)) {
            throw new UnsupportedFeatureException("modelName '" + parameters.modelName()
                    + "' is not supported: this chat model is '" + modelName + "'");
        }
        if (isJson(parameters.responseFormat())
                && !parameters.toolSpecifications().isEmpty()) {
            throw new UnsupportedFeatureException("a JSON response format beside tools is not supported");
        }
        try {
            ChatOptions.Builder options = ChatOptions.builder()
                    .think(think)
                    .sampling(sampling(parameters))
                    .tools(tools(parameters));
            if (parameters.maxOutputTokens() != null) {
                options.maxTokens(parameters.maxOutputTokens());
            }
            if (parameters.stopSequences() != null) {
                options.stops(parameters.stopSequences());
            }
            if (parameters instanceof MedpsyChatRequestParameters own && own.think() != null) {
                options.think(own.think());
            }
            return options.build();
        } catch (IllegalArgumentException e) {
            throw mapped(e);
        }
    }

    private SamplingOptions sampling(ChatRequestParameters parameters) {
        SamplingOptions.Builder builder = sampling != null
                ? sampling.toBuilder()
                : SamplingOptions.defaults(ThreadLocalRandom.current().nextLong()).toBuilder();
        if (parameters.temperature() != null) {
            builder.temperature(parameters.temperature().floatValue());
        }
        if (parameters.topP() != null) {
            builder.topP(parameters.topP().floatValue());
        }
        if (parameters.topK() != null) {
            builder.topK(parameters.topK());
        }
        if (parameters.frequencyPenalty() != null) {
            builder.frequencyPenalty(parameters.frequencyPenalty().floatValue());
        }
        if (parameters.presencePenalty() != null) {
            builder.presencePenalty(parameters.presencePenalty().floatValue());
        }
        if (parameters instanceof MedpsyChatRequestParameters own) {
            if (own.seed() != null) {
                builder.seed(own.seed());
            }
            if (own.minP() != null) {
                builder.minP(own.minP().floatValue());
            }
            if (own.repeatPenalty() != null) {
                builder.repeatPenalty(own.repeatPenalty().floatValue());
            }
        }
        if (isJson(parameters.responseFormat())) {
            builder.grammar(grammar(parameters.responseFormat()));
        }
        return builder.build();
    }

    private static boolean isJson(ResponseFormat format) {
        return format != null && format.type() == ResponseFormatType.JSON;
    }

    private static Tools tools(ChatRequestParameters parameters) {
        List<Tool> list = new ArrayList<>();
        for (ToolSpecification tool : parameters.toolSpecifications()) {
            list.add(new Tool(
                    tool.name(),
                    tool.description() == null ? "" : tool.description(),
                    tool.parameters() == null ? "" : Json.toJson(JsonSchemaElementUtils.toMap(tool.parameters()))));
        }
        Tools tools = Tools.of(list);
        return switch (parameters.toolChoice()) {
            case null -> tools;
            case AUTO -> tools;
            case REQUIRED -> tools.withChoice(Tools.Choice.REQUIRED);
            case NONE -> tools.withChoice(Tools.Choice.NONE);
        };
    }

    private static Grammar grammar(ResponseFormat format) {
        if (format.jsonSchema() == null) {
            return Grammar.ofJsonSchema("{}");
        }
        return format.jsonSchema().rootElement() instanceof JsonRawSchema raw
                ? Grammar.ofJsonSchema(raw.schema())
                : Grammar.ofJsonSchema(
                        JsonSchemaElementUtils.toMap(format.jsonSchema().rootElement()));
    }

    /** The answer as LangChain4j has it. */
    ChatResponse response(Answer answer) {
        List<ToolExecutionRequest> calls =
                wholeCalls(answer).stream().map(ChatRequests::request).toList();
        boolean isEmpty = answer.text().isEmpty() && !calls.isEmpty();
        return ChatResponse.builder()
                .aiMessage(AiMessage.builder()
                        .text(isEmpty ? null : answer.text())
                        .thinking(answer.thinking().isEmpty() ? null : answer.thinking())
                        .toolExecutionRequests(calls)
                        .build())
                .id(UUID.randomUUID().toString())
                .modelName(modelName)
                .tokenUsage(new TokenUsage(
                        answer.generation().promptTokens(), answer.generation().generatedTokens()))
                .finishReason(
                        switch (answer.generation().finishReason()) {
                            case END, STOP_TEXT -> calls.isEmpty() ? FinishReason.STOP : FinishReason.TOOL_EXECUTION;
                            case LENGTH, CONTEXT_FULL -> FinishReason.LENGTH;
                            case INTERRUPTED -> FinishReason.OTHER;
                        })
                .build();
    }

    /** The calls without one that was cut off, which nobody could make. */
    private static List<ToolCall> wholeCalls(Answer answer) {
        List<ToolCall> calls = answer.toolCalls();
        boolean isCut = answer.generation().finishReason() != io.github.medpsy4j.engine.FinishReason.END
                && !answer.toolCallFault().isEmpty();
        return isCut && !calls.isEmpty() ? calls.subList(0, calls.size() - 1) : calls;
    }

    private static ToolExecutionRequest request(ToolCall call) {
        return ToolExecutionRequest.builder()
                .id(call.id())
                .name(call.name())
                .arguments(call.arguments())
                .build();
    }

    /** What went wrong, as one of LangChain4j's exceptions. */
    static LangChain4jException mapped(Throwable cause) {
        return switch (cause) {
            case LangChain4jException known -> known;
            case GrammarException e -> unsupported("this JSON Schema is not supported: " + e.getMessage(), e);
            case ModelException e -> unsupported(e.getMessage(), e);
            case ContextFullException e -> new InvalidRequestException(e.getMessage(), e);
            case TemplateException e -> new InvalidRequestException(e.getMessage(), e);
            case IllegalArgumentException e -> new InvalidRequestException(e.getMessage(), e);
            case RejectedExecutionException e -> new RateLimitException(e.getMessage(), e);
            case InterruptedException e -> new LangChain4jException("interrupted while waiting for the answer", e);
            default -> new InternalServerException(cause.getMessage(), cause);
        };
    }

    private static UnsupportedFeatureException unsupported(String message, Exception cause) {
        UnsupportedFeatureException refusal = new UnsupportedFeatureException(message);
        refusal.initCause(cause);
        return refusal;
    }
}
