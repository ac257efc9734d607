package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** From the JSON of Ollama's {@code /api/chat} and {@code /api/generate} to requests of the engine. */
final class OllamaReader {
    /** Options about how it is computed, which change no answer here. */
    private static final Set<String> HARMLESS_OPTIONS = Set.of(
            "f16_kv",
            "logits_all",
            "low_vram",
            "main_gpu",
            "num_batch",
            "num_gpu",
            "num_keep",
            "num_thread",
            "numa",
            "penalize_newline",
            "use_mlock",
            "use_mmap",
            "vocab_only");

    /** What an option may be at most where Ollama knows no bound. */
    private static final double OPTION_MAX = 100;

    private final Served served;
    private final RequestReader reader;

    OllamaReader(Served served, ServerOptions options) {
        this.served = served;
        this.reader = new RequestReader(served, options);
    }

    /**
     * What a request asks for.
     *
     * @param request null where the model is only to be loaded, which it is
     * @param promptPath the field that is to blame for a prompt that does not fit
     */
    record Wanted(Request request, String promptPath, boolean streams) {}

    /** Refuses a request without a model, or for another one; Ollama's own tag may stand behind the name. */
    static void checkModel(Served served, Fields fields) throws ApiError {
        String older = fields.text("name");
        String name = fields.has("model") ? fields.text("model") : older;
        if (name == null || name.isEmpty()) {
            throw ApiError.badRequest(fields.path("model"), "is missing");
        }
        String plain = name.endsWith(":latest") ? name.substring(0, name.length() - ":latest".length()) : name;
        if (!served.names().contains(name) && !served.names().contains(plain)) {
            String shown = name.length() > 100 ? name.substring(0, 100) : name;
            throw ApiError.notFound(
                    "model",
                    "model_not_found",
                    "model '" + shown + "' not found: this server has '" + served.name() + "'");
        }
    }

    Wanted chat(Fields fields) throws ApiError {
        checkModel(served, fields);
        boolean streams = fields.flag("stream", true);
        List<?> list = fields.list("messages");
        ChatOptions options = options(fields);
        options = options.toBuilder()
                .tools(reader.tools(fields, ToolFields.Form.NESTED, options.sampling()))
                .build();
        fields.ignore(Set.of("keep_alive"));
        fields.refuseOthers();
        if (list == null || list.isEmpty()) {
            return new Wanted(null, "messages", streams);
        }
        List<ChatMessage> messages = new ArrayList<>();
        OllamaTools tools = new OllamaTools();
        for (int i = 0; i < list.size(); i++) {
            messages.add(message(Fields.of(fields.path("messages") + "[" + i + "]", list.get(i)), tools));
        }
        return new Wanted(reader.chatRequest("messages", messages, options).build(), "messages", streams);
    }

    private static ChatMessage message(Fields message, OllamaTools tools) throws ApiError {
        String role = message.requiredText("role");
        String content = message.text("content");
        String thinking = message.text("thinking");
        String text = content == null ? "" : content;
        refuseImages(message);
        ChatMessage read = switch (role) {
            case "system" -> ChatMessage.system(text);
            case "user" -> ChatMessage.user(text);
            case "assistant" -> ChatMessage.assistant(text, thinking == null ? "" : thinking, tools.read(message));
            case "tool" -> ChatMessage.tool(tools.answered(message), text);
            default -> throw ApiError.badRequest(message.path("role"), "expected system, user, assistant or tool");
        };
        if (!role.equals("assistant")) {
            message.accept("tool_calls", List.of());
        }
        message.ignore(Set.of("tool_name", "tool_call_id"));
        message.refuseOthers();
        return read;
    }

    Wanted generation(Fields fields) throws ApiError {
        checkModel(served, fields);
        boolean streams = fields.flag("stream", true);
        String prompt = fields.text("prompt");
        String system = fields.text("system");
        boolean isRaw = fields.flag("raw", false);
        refuseImages(fields);
        fields.accept("suffix", "");
        fields.accept("template", "");
        fields.accept("context", List.of()); // a conversation has /api/chat
        ChatOptions options = options(fields);
        fields.ignore(Set.of("keep_alive"));
        fields.refuseOthers();
        if (prompt == null || prompt.isEmpty()) {
            return new Wanted(null, "prompt", streams);
        }
        if (isRaw) {
            int[] ids = served.model().tokenizer().encodeRaw(prompt);
            Request request = Request.continuation(ids, options.sampling(), options.maxTokens(), options.stops())
                    .build();
            return new Wanted(request, "prompt", streams);
        }
        List<ChatMessage> messages = new ArrayList<>();
        if (system != null && !system.isEmpty()) {
            messages.add(ChatMessage.system(system));
        }
        messages.add(ChatMessage.user(prompt));
        return new Wanted(reader.chatRequest("prompt", messages, options).build(), "prompt", streams);
    }

    private static void refuseImages(Fields fields) throws ApiError {
        List<?> images = fields.list("images");
        if (images != null && !images.isEmpty()) {
            throw ApiError.badRequest(fields.path("images"), "are not supported: the model reads text");
        }
    }

    /** {@code options}, {@code format} and {@code think}. */
    private ChatOptions options(Fields fields) throws ApiError {
        ChatOptions.Builder chat = served.defaults().toBuilder();
        think(fields, chat);
        SamplingOptions.Builder sampling = served.defaults().sampling().toBuilder();
        Grammar grammar = format(fields);
        if (grammar != null) {
            sampling.grammar(grammar);
        }
        Fields options = fields.object("options");
        Long seed = null;
        Integer maxTokens = null;
        if (options != null) {
            sampling(options, sampling);
            chat.stops(RequestReader.stops(options));
            seed = options.seed("seed");
            Integer limit = options.whole("num_predict", -2, Integer.MAX_VALUE);
            // 0 says nothing to Ollama; -1 is no bound, and -2 as much as the context holds, which is the same here.
            maxTokens = limit == null || limit <= 0 ? null : limit;
            Integer context = options.whole("num_ctx", 1, Integer.MAX_VALUE);
            if (context != null && context > served.scheduler().context()) {
                throw ApiError.badRequest(
                        options.path("num_ctx"),
                        "expected at most the server's " + served.scheduler().context() + ", got " + context);
            }
            options.ignore(HARMLESS_OPTIONS);
            options.refuseOthers();
        }
        sampling.seed(seed == null ? System.nanoTime() : seed);
        chat.maxTokens(reader.maxTokens(
                "options.num_predict", maxTokens, served.defaults().maxTokens()));
        return chat.sampling(sampling.build()).build();
    }

    private static void sampling(Fields options, SamplingOptions.Builder sampling) throws ApiError {
        Float value;
        if ((value = options.number("temperature", 0, OPTION_MAX)) != null) {
            sampling.temperature(value);
        }
        if ((value = options.number("top_p", 0, 1)) != null) {
            sampling.topP(value);
        }
        if ((value = options.number("min_p", 0, 1)) != null) {
            sampling.minP(value);
        }
        if ((value = options.number("typical_p", 0, 1)) != null) {
            sampling.typicalP(value);
        }
        if ((value = options.number("repeat_penalty", 0.01, OPTION_MAX)) != null) {
            sampling.repeatPenalty(value);
        }
        if ((value = options.number("presence_penalty", -2, 2)) != null) {
            sampling.presencePenalty(value);
        }
        if ((value = options.number("frequency_penalty", -2, 2)) != null) {
            sampling.frequencyPenalty(value);
        }
        Integer whole;
        if ((whole = options.whole("top_k", 0, Integer.MAX_VALUE)) != null) {
            sampling.topK(whole);
        }
        if ((whole = options.whole("repeat_last_n", -1, Integer.MAX_VALUE)) != null) {
            sampling.repeatLastN(whole);
        }
        if ((whole = options.whole("mirostat", 0, 2)) != null) {
            if (whole == 1) {
                throw ApiError.badRequest(options.path("mirostat"), "expected 0 or 2, got 1");
            }
            sampling.mirostat(whole);
        }
        if ((value = options.number("mirostat_tau", 0.01, OPTION_MAX)) != null) {
            sampling.mirostatTau(value);
        }
        if ((value = options.number("mirostat_eta", 0, 10)) != null) {
            sampling.mirostatEta(value);
        }
    }

    private void think(Fields fields, ChatOptions.Builder chat) throws ApiError {
        boolean isWanted = switch (fields.value("think")) {
            case null -> false;
            case Boolean flag -> {
                chat.think(flag ? Think.ON : Think.OFF);
                yield flag;
            }
            case String level
            when Set.of("low", "medium", "high", "max").contains(level) -> {
                chat.think(Think.ON);
                yield true;
            }
            default ->
                throw ApiError.badRequest(fields.path("think"), "expected true, false, low, medium, high or max");
        };
        if (isWanted && !OllamaModel.thinks(served.model())) {
            throw ApiError.badRequest(fields.path("think"), "\"" + served.name() + "\" does not support thinking");
        }
    }

    /** Null for any text. */
    private static Grammar format(Fields fields) throws ApiError {
        return switch (fields.value("format")) {
            case null -> null;
            case String text when text.isEmpty() -> null;
            case String text when text.equals("json") -> RequestReader.ofSchema(fields.path("format"), Map.of());
            case Map<?, ?> schema -> RequestReader.ofSchema(fields.path("format"), schema);
            default -> throw ApiError.badRequest(fields.path("format"), "expected json or a JSON Schema");
        };
    }
}
