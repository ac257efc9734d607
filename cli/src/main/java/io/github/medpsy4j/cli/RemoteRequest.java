package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplerType;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * The JSON of a request to another machine. Only what the user set is in it: the rest is the server's to decide, and some
 * refuse fields that they do not know. Names are OpenAI's where it has one, else those of llama.cpp's server.
 */
final class RemoteRequest {
    /** What OpenAI's form has for a token that must not come. */
    private static final float BANNED = -100;

    private record Field(String name, Function<SamplingOptions, Object> value) {}

    /** Each of {@link SamplingSettings}, by name. */
    private static final Map<String, Field> FIELDS = Map.ofEntries(
            Map.entry("temp", new Field("temperature", SamplingOptions::temperature)),
            Map.entry("top-k", new Field("top_k", SamplingOptions::topK)),
            Map.entry("top-p", new Field("top_p", SamplingOptions::topP)),
            Map.entry("min-p", new Field("min_p", SamplingOptions::minP)),
            Map.entry("typical-p", new Field("typical_p", SamplingOptions::typicalP)),
            Map.entry("top-n-sigma", new Field("top_n_sigma", SamplingOptions::topNSigma)),
            Map.entry("xtc-probability", new Field("xtc_probability", SamplingOptions::xtcProbability)),
            Map.entry("xtc-threshold", new Field("xtc_threshold", SamplingOptions::xtcThreshold)),
            Map.entry("dynatemp-range", new Field("dynatemp_range", SamplingOptions::dynatempRange)),
            Map.entry("dynatemp-exp", new Field("dynatemp_exponent", SamplingOptions::dynatempExponent)),
            Map.entry("repeat-penalty", new Field("repeat_penalty", SamplingOptions::repeatPenalty)),
            Map.entry("presence-penalty", new Field("presence_penalty", SamplingOptions::presencePenalty)),
            Map.entry("frequency-penalty", new Field("frequency_penalty", SamplingOptions::frequencyPenalty)),
            Map.entry("repeat-last-n", new Field("repeat_last_n", SamplingOptions::repeatLastN)),
            Map.entry("dry-multiplier", new Field("dry_multiplier", SamplingOptions::dryMultiplier)),
            Map.entry("dry-base", new Field("dry_base", SamplingOptions::dryBase)),
            Map.entry("dry-allowed-length", new Field("dry_allowed_length", SamplingOptions::dryAllowedLength)),
            Map.entry("dry-penalty-last-n", new Field("dry_penalty_last_n", SamplingOptions::dryPenaltyLastN)),
            Map.entry("dry-sequence-breaker", new Field("dry_sequence_breakers", SamplingOptions::drySequenceBreakers)),
            Map.entry("mirostat", new Field("mirostat", SamplingOptions::mirostat)),
            Map.entry("mirostat-tau", new Field("mirostat_tau", SamplingOptions::mirostatTau)),
            Map.entry("mirostat-eta", new Field("mirostat_eta", SamplingOptions::mirostatEta)),
            Map.entry("logit-bias", new Field("logit_bias", RemoteRequest::biases)),
            Map.entry(
                    "samplers",
                    new Field(
                            "samplers",
                            o -> o.samplers().stream().map(SamplerType::id).toList())),
            Map.entry("seed", new Field("seed", SamplingOptions::seed)));

    private RemoteRequest() {}

    /**
     * The fields of a request.
     *
     * @param model the server's name of it; null to leave it to the server
     * @param set the names of the sampling settings that were set
     * @param constraint what the answer must keep to, as fields; empty for anything
     */
    static Map<String, Object> of(
            String model,
            List<ChatMessage> messages,
            ChatOptions options,
            Set<String> set,
            Map<String, Object> constraint) {
        Map<String, Object> all = new LinkedHashMap<>();
        if (model != null) {
            all.put("model", model);
        }
        List<Object> said = new ArrayList<>();
        for (ChatMessage message : messages) {
            // Earlier thinking is left out, as templates leave it out.
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("role", message.role());
            one.put("content", message.content());
            said.add(one);
        }
        all.put("messages", said);
        if (options.maxTokens() > 0) {
            all.put("max_tokens", options.maxTokens());
        }
        if (!options.stops().isEmpty()) {
            all.put("stop", options.stops());
        }
        if (options.think() != Think.AUTO) {
            all.put("chat_template_kwargs", Map.of("enable_thinking", options.think() == Think.ON));
        }
        if (options.thinkBudget() > 0) {
            all.put("thinking_budget", options.thinkBudget());
        }
        for (SamplingSettings.Setting setting : SamplingSettings.all()) {
            if (set.contains(setting.name())) {
                Field field = FIELDS.get(setting.name());
                all.put(field.name(), field.value().apply(options.sampling()));
            }
        }
        all.putAll(constraint);
        return all;
    }

    /** The fields for an answer that keeps to a JSON Schema. */
    static Map<String, Object> schema(Object schema) {
        Map<String, Object> named = new LinkedHashMap<>();
        named.put("name", "answer");
        named.put("strict", true);
        named.put("schema", schema);
        return Map.of("response_format", Map.of("type", "json_schema", "json_schema", named));
    }

    /** The fields for an answer that keeps to a grammar, which llama.cpp's server and medpsy's read. */
    static Map<String, Object> grammar(String gbnf) {
        return Map.of("grammar", gbnf);
    }

    /** OpenAI's form where it can say it, else llama.cpp's, which has texts too. */
    private static Object biases(SamplingOptions options) {
        boolean areTokens = options.logitBias().stream().allMatch(b -> b.token() >= 0);
        if (areTokens) {
            Map<String, Object> byToken = new LinkedHashMap<>();
            options.logitBias().forEach(b -> byToken.put(String.valueOf(b.token()), Math.max(BANNED, b.bias())));
            return byToken;
        }
        List<Object> pairs = new ArrayList<>();
        for (LogitBias each : options.logitBias()) {
            pairs.add(List.of(
                    each.token() >= 0 ? each.token() : each.text(),
                    each.bias() == Float.NEGATIVE_INFINITY ? false : each.bias()));
        }
        return pairs;
    }
}
