package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.ModelException;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Tools;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.grammar.GrammarException;
import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.engine.template.TemplateException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** From the JSON of the paths that generate to requests of the engine. */
final class RequestReader {
    private static final int CHOICES_MAX = 16;
    private static final int STOPS_MAX = 16;
    private static final int LEGACY_LOGPROBS_MAX = 5;

    /** The most tokens of a text's continuation where nothing is said, as OpenAI has it. */
    private static final int LEGACY_MAX_TOKENS = 16;

    private static final String LOGPROBS = "message.output_text.logprobs";

    /** What clients of {@code /v1/responses} ask for; thinking is there unencrypted in any case. */
    private static final List<String> INCLUDES = List.of(LOGPROBS, "reasoning.encrypted_content");

    /** Fields that clients send and that change no answer here. */
    private static final Set<String> HARMLESS = Set.of(
            "user",
            "store",
            "metadata",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention",
            "cache_prompt");

    private final Served served;
    private final ServerOptions options;

    RequestReader(Served served, ServerOptions options) {
        this.served = served;
        this.options = options;
    }

    /** What both kinds of request have. */
    private record Common(
            int choices, boolean streams, boolean includesUsage, SamplingOptions sampling, boolean hasSeed) {}

    Asked chat(Fields fields) throws ApiError {
        served.checkName(fields.text("model"));
        Common common = common(fields);
        ChatOptions.Builder chat = served.defaults().toBuilder().stops(stops(fields));
        Integer maxTokens = fields.whole("max_completion_tokens", 1, Integer.MAX_VALUE);
        Integer older = fields.whole("max_tokens", 1, Integer.MAX_VALUE);
        chat.maxTokens(maxTokens(
                maxTokens == null ? "max_tokens" : "max_completion_tokens",
                maxTokens == null ? older : maxTokens,
                served.defaults().maxTokens()));
        think(fields, chat);
        boolean hasLogprobs = fields.flag("logprobs", false);
        Integer top = fields.whole("top_logprobs", 0, Request.TOP_LOGPROBS_MAX);
        if (top != null && !hasLogprobs) {
            throw ApiError.badRequest(fields.path("top_logprobs"), "is for logprobs, which is not true");
        }
        Grammar format = responseFormat(fields);
        if (format != null && common.sampling().grammar().isPresent()) {
            throw ApiError.badRequest(fields.path("response_format"), "is one constraint too many");
        }
        SamplingOptions sampling = format == null
                ? common.sampling()
                : common.sampling().toBuilder().grammar(format).build();
        Tools tools = tools(fields, ToolFields.Form.NESTED, sampling);
        chat.tools(tools);
        fields.accept("functions", List.of());
        fields.accept("modalities", List.of("text"));
        List<ChatMessage> messages = messages(fields);
        fields.ignore(HARMLESS);
        fields.refuseOthers();

        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < common.choices(); i++) {
            ChatOptions options = chat.sampling(withSeed(sampling, common, i)).build();
            Request.Builder request = chatRequest("messages", messages, options);
            requests.add((hasLogprobs ? request.logprobs(top == null ? 0 : top) : request).build());
        }
        return new Asked(true, requests, common.streams(), common.includesUsage(), hasLogprobs);
    }

    Tools tools(Fields fields, ToolFields.Form form, SamplingOptions sampling) throws ApiError {
        Tools tools = ToolFields.tools(fields, form);
        if (tools.list().isEmpty() || tools.choice() == Tools.Choice.NONE) {
            return tools;
        }
        String path = fields.path("tools");
        if (sampling.grammar().isPresent()) {
            throw ApiError.badRequest(path, "is not supported beside a format, grammar or schema of the answer");
        }
        try {
            if (!served.model().supportsTools()) {
                throw ApiError.badRequest(path, "is not supported: the model's chat template knows no tools");
            }
        } catch (TemplateException e) {
            throw ApiError.badRequest(path, "the model's chat template cannot be read: " + e.getMessage());
        }
        return tools;
    }

    /** @param path where the messages stand */
    Request.Builder chatRequest(String path, List<ChatMessage> messages, ChatOptions options) throws ApiError {
        try {
            return Request.chat(served.model(), messages, options);
        } catch (ModelException e) {
            throw ApiError.badRequest(path, "the model has no chat template; /v1/completions continues texts");
        } catch (TemplateException e) {
            throw ApiError.badRequest(path, "the model's chat template refuses them: " + e.getMessage());
        } catch (GrammarException e) {
            throw ApiError.badRequest("tools", e.getMessage());
        } catch (IllegalArgumentException e) {
            throw ApiError.badRequest(path, e.getMessage());
        }
    }

    /** What {@code /v1/responses} asks, {@code input} and {@code instructions} left out. */
    Asked response(Fields fields, List<ChatMessage> messages) throws ApiError {
        served.checkName(fields.text("model"));
        Common common = common(fields);
        if (common.choices() > 1) {
            throw ApiError.badRequest(fields.path("n"), "is not supported");
        }
        ChatOptions.Builder chat = served.defaults().toBuilder().stops(stops(fields));
        String limit = "max_output_tokens";
        chat.maxTokens(maxTokens(
                limit,
                fields.whole(limit, 1, Integer.MAX_VALUE),
                served.defaults().maxTokens()));
        think(fields, chat);
        Fields reasoning = fields.object("reasoning");
        if (reasoning != null) {
            effort(reasoning, "effort", chat);
            reasoning.ignore(Set.of("summary", "generate_summary"));
            reasoning.refuseOthers();
        }
        SamplingOptions sampling = common.sampling();
        Fields text = fields.object("text");
        if (text != null) {
            Fields format = text.object("format");
            text.ignore(Set.of("verbosity"));
            text.refuseOthers();
            Grammar grammar = format == null ? null : flatFormat(format);
            if (grammar != null) {
                sampling = sampling.toBuilder().grammar(grammar).build();
            }
        }
        chat.tools(tools(fields, ToolFields.Form.FLAT, sampling));
        Integer top = fields.whole("top_logprobs", 0, Request.TOP_LOGPROBS_MAX);
        boolean hasLogprobs = includes(fields).contains(LOGPROBS) || (top != null && top > 0);
        fields.accept("background", false);
        fields.accept("previous_response_id", "");
        fields.accept("conversation", "");
        fields.accept("truncation", "disabled");
        fields.ignore(Set.of("max_tool_calls")); // of OpenAI's own tools, which are not here
        fields.ignore(HARMLESS);
        fields.refuseOthers();
        ChatOptions options = chat.sampling(withSeed(sampling, common, 0)).build();
        Request.Builder request = chatRequest("input", messages, options);
        if (hasLogprobs) {
            request.logprobs(top == null ? 0 : top);
        }
        return new Asked(true, List.of(request.build()), common.streams(), false, hasLogprobs);
    }

    /** What a response is to have beside what it has anyway. */
    private static Set<String> includes(Fields fields) throws ApiError {
        Set<String> includes = new HashSet<>();
        List<?> list = fields.list("include");
        for (int i = 0; list != null && i < list.size(); i++) {
            if (!(list.get(i) instanceof String name) || !INCLUDES.contains(name)) {
                throw ApiError.badRequest(
                        fields.path("include") + "[" + i + "]", "expected one of " + String.join(", ", INCLUDES));
            }
            includes.add(name);
        }
        return includes;
    }

    /** A format as {@code /v1/responses} has it: what {@code json_schema} names stands beside the type. */
    private static Grammar flatFormat(Fields format) throws ApiError {
        String type = format.requiredText("type");
        Grammar grammar = switch (type) {
            case "text" -> null;
            case "json_object" -> ofSchema(format.path("type"), Map.of());
            case "json_schema" -> schema(format);
            default -> throw ApiError.badRequest(format.path("type"), "expected text, json_object or json_schema");
        };
        format.refuseOthers();
        return grammar;
    }

    Asked completion(Fields fields) throws ApiError {
        served.checkName(fields.text("model"));
        Common common = common(fields);
        List<String> stops = stops(fields);
        int maxTokens = maxTokens("max_tokens", fields.whole("max_tokens", 1, Integer.MAX_VALUE), LEGACY_MAX_TOKENS);
        Integer top = fields.whole("logprobs", 0, LEGACY_LOGPROBS_MAX);
        List<int[]> prompts = prompts(fields);
        if (prompts.size() * common.choices() > CHOICES_MAX) {
            throw ApiError.badRequest(
                    fields.path("prompt"), "expected at most " + CHOICES_MAX + " choices of all prompts together");
        }
        fields.accept("echo", false);
        fields.accept("suffix", "");
        fields.accept("best_of", common.choices());
        fields.ignore(HARMLESS);
        fields.refuseOthers();

        List<Request> requests = new ArrayList<>();
        for (int[] prompt : prompts) {
            for (int i = 0; i < common.choices(); i++) {
                Request.Builder request =
                        Request.continuation(prompt, withSeed(common.sampling(), common, i), maxTokens, stops);
                requests.add((top == null ? request : request.logprobs(top)).build());
            }
        }
        return new Asked(false, requests, common.streams(), common.includesUsage(), top != null);
    }

    /** Several choices with one seed would be the same answer. */
    private static SamplingOptions withSeed(SamplingOptions sampling, Common common, int choice) {
        return sampling.withSeed((common.hasSeed() ? sampling.seed() : System.nanoTime()) + choice);
    }

    private Common common(Fields fields) throws ApiError {
        int room = served.sharing().slots() + served.sharing().queueMax();
        Integer n = fields.whole("n", 1, Math.min(CHOICES_MAX, room));
        boolean streams = fields.flag("stream", false);
        Fields streamOptions = fields.object("stream_options");
        boolean includesUsage = false;
        if (streamOptions != null) {
            includesUsage = streamOptions.flag("include_usage", false);
            streamOptions.ignore(Set.of("include_obfuscation"));
            streamOptions.refuseOthers();
        }
        SamplingOptions.Builder sampling = served.defaults().sampling().toBuilder();
        Float value;
        if ((value = fields.number("temperature", 0, 2)) != null) {
            sampling.temperature(value);
        }
        if ((value = fields.number("top_p", 0, 1)) != null) {
            sampling.topP(value);
        }
        if ((value = fields.number("min_p", 0, 1)) != null) {
            sampling.minP(value);
        }
        if ((value = fields.number("presence_penalty", -2, 2)) != null) {
            sampling.presencePenalty(value);
        }
        if ((value = fields.number("frequency_penalty", -2, 2)) != null) {
            sampling.frequencyPenalty(value);
        }
        if ((value = fields.number("repeat_penalty", 0.01, 100)) != null) {
            sampling.repeatPenalty(value);
        }
        Integer topK = fields.whole("top_k", 0, Integer.MAX_VALUE);
        if (topK != null) {
            sampling.topK(topK);
        }
        Long seed = fields.seed("seed");
        if (seed != null) {
            sampling.seed(seed);
        }
        Object bias = fields.value("logit_bias");
        if (bias != null) {
            sampling.logitBias(logitBias(fields.path("logit_bias"), bias));
        }
        Grammar grammar = grammar(fields);
        if (grammar != null) {
            sampling.grammar(grammar);
        }
        return new Common(n == null ? 1 : n, streams, includesUsage, sampling.build(), seed != null);
    }

    private List<LogitBias> logitBias(String path, Object value) throws ApiError {
        List<LogitBias> biases = new ArrayList<>();
        for (Map.Entry<?, ?> entry : Fields.of(path, value).map().entrySet()) {
            String key = String.valueOf(entry.getKey());
            int vocabulary = served.model().tokenizer().vocabulary().size();
            int token = key.matches("\\d{1,9}") ? Integer.parseInt(key) : Integer.MAX_VALUE;
            if (token >= vocabulary) {
                throw ApiError.badRequest(path, "expected token ids below " + vocabulary + " as names");
            }
            float bias = Fields.number(path + "." + token, entry.getValue(), -100, 100);
            // OpenAI's way of banning a token.
            biases.add(new LogitBias(token, "", bias == -100 ? Float.NEGATIVE_INFINITY : bias));
        }
        return biases;
    }

    int maxTokens(String name, Integer asked, int absent) throws ApiError {
        int most = options.maxTokens();
        if (asked == null) {
            return most == 0 ? absent : absent == 0 ? most : Math.min(absent, most);
        }
        if (most > 0 && asked > most) {
            throw ApiError.badRequest(name, "expected at most the server's " + most + ", got " + asked);
        }
        return asked;
    }

    static List<String> stops(Fields fields) throws ApiError {
        Object value = fields.value("stop");
        if (value == null) {
            return List.of();
        }
        boolean isSeveral = value instanceof List<?>;
        List<?> list = isSeveral ? (List<?>) value : List.of(value);
        if (list.size() > STOPS_MAX) {
            throw ApiError.badRequest(fields.path("stop"), "expected at most " + STOPS_MAX + ", got " + list.size());
        }
        List<String> stops = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            if (!(list.get(i) instanceof String stop) || stop.isEmpty()) {
                String path = fields.path("stop") + (isSeveral ? "[" + i + "]" : "");
                throw ApiError.badRequest(path, "expected a text that is not empty");
            }
            stops.add(stop);
        }
        return stops;
    }

    /** Qwen's names for its switch, on top or as a variable of the template; and OpenAI's for the effort. */
    private static void think(Fields fields, ChatOptions.Builder chat) throws ApiError {
        Fields variables = fields.object("chat_template_kwargs");
        if (variables != null) {
            if (variables.has("enable_thinking")) {
                chat.think(variables.flag("enable_thinking", true) ? Think.ON : Think.OFF);
            }
            variables.refuseOthers();
        }
        effort(fields, "reasoning_effort", chat);
        if (fields.has("enable_thinking")) {
            chat.think(fields.flag("enable_thinking", true) ? Think.ON : Think.OFF);
        }
        Integer budget = fields.whole("thinking_budget", 1, Integer.MAX_VALUE);
        if (budget != null) {
            chat.thinkBudget(budget);
        }
    }

    private static void effort(Fields fields, String name, ChatOptions.Builder chat) throws ApiError {
        switch (fields.text(name)) {
            case null -> {}
            case "none" -> chat.think(Think.OFF);
            case "minimal", "low", "medium", "high", "xhigh" -> chat.think(Think.ON);
            default ->
                throw ApiError.badRequest(fields.path(name), "expected none, minimal, low, medium, high or xhigh");
        }
    }

    /** What llama.cpp's server has beside {@code response_format}; null for any text. */
    private static Grammar grammar(Fields fields) throws ApiError {
        String text = fields.text("grammar");
        Object schema = fields.value("json_schema");
        if (text != null && schema != null) {
            throw ApiError.badRequest(fields.path("grammar"), "is one constraint too many beside json_schema");
        }
        if (schema != null) {
            return ofSchema(fields.path("json_schema"), schema);
        }
        if (text == null || text.isEmpty()) {
            return null;
        }
        try {
            return Grammar.ofGbnf(text);
        } catch (GrammarException e) {
            throw ApiError.badRequest(fields.path("grammar"), e.getMessage());
        }
    }

    static Grammar ofSchema(String path, Object schema) throws ApiError {
        try {
            return Grammar.ofJsonSchema(schema);
        } catch (GrammarException e) {
            throw ApiError.badRequest(path, e.getMessage());
        }
    }

    /** Null for any text. */
    private static Grammar responseFormat(Fields fields) throws ApiError {
        Fields format = fields.object("response_format");
        if (format == null) {
            return null;
        }
        String type = format.requiredText("type");
        Grammar grammar = switch (type) {
            case "text" -> null;
            case "json_object" -> {
                // llama.cpp's servers take a schema here too.
                Object schema = format.value("schema");
                yield ofSchema(format.path("schema"), schema == null ? Map.of() : schema);
            }
            case "json_schema" -> jsonSchema(format);
            default -> throw ApiError.badRequest(format.path("type"), "expected text, json_object or json_schema");
        };
        format.refuseOthers();
        return grammar;
    }

    private static Grammar jsonSchema(Fields format) throws ApiError {
        Fields named = format.object("json_schema");
        if (named == null) {
            throw ApiError.badRequest(format.path("json_schema"), "is missing");
        }
        Grammar grammar = schema(named);
        named.refuseOthers();
        return grammar;
    }

    private static Grammar schema(Fields named) throws ApiError {
        named.ignore(Set.of("name", "description", "strict")); // it always keeps to the schema
        Object schema = named.value("schema");
        if (schema == null) {
            throw ApiError.badRequest(named.path("schema"), "is missing");
        }
        return ofSchema(named.path("schema"), schema);
    }

    private static List<ChatMessage> messages(Fields fields) throws ApiError {
        List<?> list = fields.list("messages");
        if (list == null || list.isEmpty()) {
            throw ApiError.badRequest(fields.path("messages"), list == null ? "is missing" : "is empty");
        }
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            messages.add(message(Fields.of(fields.path("messages") + "[" + i + "]", list.get(i))));
        }
        return messages;
    }

    private static ChatMessage message(Fields message) throws ApiError {
        String role = message.requiredText("role");
        String content = content(message, role.equals("assistant"));
        // What clients send back with an answer.
        message.ignore(Set.of("name", "refusal", "annotations"));
        if (!role.equals("assistant")) {
            message.accept("tool_calls", List.of());
        }
        ChatMessage read = switch (role) {
            case "system", "developer" -> ChatMessage.system(content);
            case "user" -> ChatMessage.user(content);
            case "assistant" -> {
                String thinking = message.text("reasoning_content");
                yield ChatMessage.assistant(content, thinking == null ? "" : thinking, ToolFields.calls(message));
            }
            case "tool" -> ChatMessage.tool(message.requiredText("tool_call_id"), content);
            default ->
                throw ApiError.badRequest(message.path("role"), "expected system, developer, user, assistant or tool");
        };
        message.refuseOthers();
        return read;
    }

    /** A text, or the texts of parts one after the other. */
    private static String content(Fields message, boolean mayMiss) throws ApiError {
        Object value = message.value("content");
        if (value == null && mayMiss) {
            return "";
        }
        if (value instanceof String text) {
            return text;
        }
        if (!(value instanceof List<?> parts)) {
            throw value == null
                    ? ApiError.badRequest(message.path("content"), "is missing")
                    : Fields.wrong(message.path("content"), "a string or an array of parts", value);
        }
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            Fields part = Fields.of(message.path("content") + "[" + i + "]", parts.get(i));
            if (!part.requiredText("type").equals("text")) {
                throw ApiError.badRequest(part.path("type"), "expected text: the model reads nothing else");
            }
            all.append(part.requiredText("text"));
            part.refuseOthers();
        }
        return all.toString();
    }

    /** A text, ids, or an array of texts or ids. */
    private List<int[]> prompts(Fields fields) throws ApiError {
        Object value = fields.value("prompt");
        String path = fields.path("prompt");
        if (value == null) {
            throw ApiError.badRequest(path, "is missing");
        }
        boolean isSeveral = value instanceof List<?> list
                && !list.isEmpty()
                && (list.getFirst() instanceof String || list.getFirst() instanceof List<?>);
        List<?> values = isSeveral ? (List<?>) value : List.of(value);
        if (values.size() > CHOICES_MAX) {
            throw ApiError.badRequest(path, "expected at most " + CHOICES_MAX + " prompts, got " + values.size());
        }
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            String place = isSeveral ? path + "[" + i + "]" : path;
            int[] ids = switch (values.get(i)) {
                case String text -> served.model().tokenizer().encodeRaw(text);
                case List<?> list -> ids(served, place, list);
                case null -> throw Fields.wrong(place, "a string or an array of token ids", null);
                case Object other -> throw Fields.wrong(place, "a string or an array of token ids", other);
            };
            if (ids.length == 0) {
                throw ApiError.badRequest(place, "has no tokens");
            }
            prompts.add(ids);
        }
        return prompts;
    }

    static int[] ids(Served served, String path, List<?> list) throws ApiError {
        int vocabulary = served.model().tokenizer().vocabulary().size();
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Fields.whole(path + "[" + i + "]", list.get(i), 0, vocabulary - 1);
        }
        return ids;
    }
}
