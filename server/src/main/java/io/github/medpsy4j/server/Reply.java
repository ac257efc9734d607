package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.FinishReason;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.TokenLogprob;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** The JSON of an answer, whole or in chunks, as OpenAI has it. Collects what its choices say. */
final class Reply {
    /** What a token has that cannot be drawn; JSON has no infinity. OpenAI's documentation names the number. */
    private static final double LOGPROB_MIN = -9999;

    private static final class Choice {
        final List<TokenLogprob> tokens = new ArrayList<>();
        int textOffset;
        int thoughts;
        Answer answer;
    }

    private final Asked asked;
    private final String model;
    private final Tokenizer tokenizer;
    private final List<Choice> choices = new ArrayList<>();
    private final String id;
    private final long createdSeconds = System.currentTimeMillis() / 1000;

    Reply(Asked asked, Served served) {
        this.asked = asked;
        this.model = served.name();
        this.tokenizer = served.model().tokenizer();
        this.id = (asked.isChat() ? "chatcmpl-" : "cmpl-")
                + UUID.randomUUID().toString().replace("-", "");
        for (int i = 0; i < asked.requests().size(); i++) {
            choices.add(new Choice());
        }
    }

    void add(int choice, Completion.Piece piece) {
        Choice to = choices.get(choice);
        if (piece.thinking()) {
            to.thoughts += piece.tokens().size();
        } else if (asked.hasLogprobs() && !asked.streams()) {
            to.tokens.addAll(piece.tokens());
        }
    }

    void end(int choice, Answer answer) {
        choices.get(choice).answer = answer;
    }

    Map<String, Object> whole() {
        Map<String, Object> all = head(asked.isChat() ? "chat.completion" : "text_completion");
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < choices.size(); i++) {
            Choice choice = choices.get(i);
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("index", i);
            if (asked.isChat()) {
                Map<String, Object> message = new LinkedHashMap<>();
                message.put("role", "assistant");
                if (!choice.answer.thinking().isEmpty()) {
                    message.put("reasoning_content", choice.answer.thinking());
                }
                boolean calls = !choice.answer.toolCalls().isEmpty();
                message.put("content", calls && choice.answer.text().isEmpty() ? null : choice.answer.text());
                message.put("refusal", null);
                if (calls) {
                    message.put("tool_calls", ToolFields.whole(choice.answer.toolCalls()));
                }
                one.put("message", message);
            } else {
                one.put("text", choice.answer.text());
            }
            one.put("logprobs", asked.hasLogprobs() ? logprobs(choice, choice.tokens) : null);
            one.put("finish_reason", reasonOf(choice.answer));
            list.add(one);
        }
        all.put("choices", list);
        all.put("usage", usage());
        all.put(
                "timings",
                timings(choices.stream().map(each -> each.answer.generation()).toList()));
        return all;
    }

    /** The chunk that says who speaks. */
    Map<String, Object> opening(int choice) {
        Map<String, Object> delta = new LinkedHashMap<>();
        delta.put("role", "assistant");
        delta.put("content", "");
        return chunk(choice, "delta", delta, null, null);
    }

    Map<String, Object> chunk(int choice, Completion.Piece piece) {
        Object logprobs =
                asked.hasLogprobs() && !piece.thinking() && !piece.tokens().isEmpty()
                        ? logprobs(choices.get(choice), piece.tokens())
                        : null;
        return asked.isChat()
                ? chunk(choice, "delta", delta(piece), logprobs, null)
                : chunk(choice, "text", piece.text(), logprobs, null);
    }

    private static Map<String, Object> delta(Completion.Piece piece) {
        return piece.toolCall() == null
                ? Map.of(piece.thinking() ? "reasoning_content" : "content", piece.text())
                : Map.of("tool_calls", ToolFields.part(piece.toolCall()));
    }

    Map<String, Object> closing(int choice, Answer answer) {
        String reason = reasonOf(answer);
        Map<String, Object> chunk = asked.isChat()
                ? chunk(choice, "delta", Map.of(), null, reason)
                : chunk(choice, "text", "", null, reason);
        chunk.put("timings", timings(List.of(answer.generation())));
        return chunk;
    }

    /** What answers cost, together, by the names of llama.cpp's server. */
    static Map<String, Object> timings(List<Generation> generations) {
        int computed = 0;
        int reused = 0;
        int generated = 0;
        double promptMillis = 0;
        double generateMillis = 0;
        for (Generation each : generations) {
            computed += each.computedTokens();
            reused += each.reusedTokens();
            generated += each.generatedTokens();
            promptMillis += each.promptNanos() / 1e6;
            generateMillis += each.generateNanos() / 1e6;
        }
        Map<String, Object> timings = new LinkedHashMap<>();
        timings.put("cache_n", reused);
        timings.put("prompt_n", computed);
        timings.put("prompt_ms", rounded(promptMillis));
        timings.put("prompt_per_second", perSecond(computed, promptMillis));
        timings.put("predicted_n", generated);
        timings.put("predicted_ms", rounded(generateMillis));
        timings.put("predicted_per_second", perSecond(generated, generateMillis));
        return timings;
    }

    private static double perSecond(int count, double millis) {
        return millis == 0 ? 0 : rounded(count / (millis / 1000));
    }

    private static double rounded(double value) {
        return Math.rint(value * 1000) / 1000;
    }

    /** The last chunk, where it was asked for. */
    Map<String, Object> usageChunk() {
        Map<String, Object> all = chunkHead();
        all.put("choices", List.of());
        all.put("usage", usage());
        return all;
    }

    private Map<String, Object> chunk(int choice, String key, Object value, Object logprobs, String reason) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("index", choice);
        one.put(key, value);
        one.put("logprobs", logprobs);
        one.put("finish_reason", reason);
        Map<String, Object> all = chunkHead();
        all.put("choices", List.of(one));
        if (asked.includesUsage()) {
            all.put("usage", null);
        }
        return all;
    }

    private Map<String, Object> chunkHead() {
        return head(asked.isChat() ? "chat.completion.chunk" : "text_completion");
    }

    private Map<String, Object> head(String object) {
        Map<String, Object> head = new LinkedHashMap<>();
        head.put("id", id);
        head.put("object", object);
        head.put("created", createdSeconds);
        head.put("model", model);
        return head;
    }

    private Map<String, Object> usage() {
        int prompt = 0;
        int reused = 0;
        int generated = 0;
        int thoughts = 0;
        for (Choice choice : choices) {
            prompt += choice.answer.generation().promptTokens();
            reused += choice.answer.generation().reusedTokens();
            generated += choice.answer.generation().generatedTokens();
            thoughts += choice.thoughts;
        }
        Map<String, Object> usage = new LinkedHashMap<>();
        usage.put("prompt_tokens", prompt);
        usage.put("completion_tokens", generated);
        usage.put("total_tokens", prompt + generated);
        usage.put("prompt_tokens_details", Map.of("cached_tokens", reused));
        usage.put("completion_tokens_details", Map.of("reasoning_tokens", thoughts));
        return usage;
    }

    private static String reasonOf(Answer answer) {
        String name = nameOf(answer.generation().finishReason());
        return name.equals("stop") && !answer.toolCalls().isEmpty() ? "tool_calls" : name;
    }

    /** An answer that the server cut, at its end or for its time, was cut by a limit too. */
    static String nameOf(FinishReason reason) {
        return switch (reason) {
            case END, STOP_TEXT -> "stop";
            case LENGTH, CONTEXT_FULL, INTERRUPTED -> "length";
        };
    }

    private Map<String, Object> logprobs(Choice choice, List<TokenLogprob> tokens) {
        return asked.isChat() ? chatLogprobs(tokens) : textLogprobs(choice, tokens);
    }

    private Map<String, Object> chatLogprobs(List<TokenLogprob> tokens) {
        Map<String, Object> logprobs = new LinkedHashMap<>();
        logprobs.put("content", described(tokenizer, tokens));
        logprobs.put("refusal", null);
        return logprobs;
    }

    /** Tokens with their log-probabilities, as chats and {@code /v1/responses} have them. */
    static List<Map<String, Object>> described(Tokenizer tokenizer, List<TokenLogprob> tokens) {
        List<Map<String, Object>> all = new ArrayList<>();
        for (TokenLogprob token : tokens) {
            Map<String, Object> one = described(tokenizer, token);
            one.put(
                    "top_logprobs",
                    token.top().stream().map(top -> described(tokenizer, top)).toList());
            all.add(one);
        }
        return all;
    }

    private static Map<String, Object> described(Tokenizer tokenizer, TokenLogprob token) {
        byte[] bytes = tokenizer.bytesOf(token.id());
        List<Integer> unsigned = new ArrayList<>();
        for (byte each : bytes) {
            unsigned.add(each & 0xff);
        }
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("token", new String(bytes, StandardCharsets.UTF_8));
        one.put("logprob", finite(token.logprob()));
        one.put("bytes", unsigned);
        return one;
    }

    private Map<String, Object> textLogprobs(Choice choice, List<TokenLogprob> tokens) {
        List<String> texts = new ArrayList<>();
        List<Double> values = new ArrayList<>();
        List<Map<String, Double>> tops = new ArrayList<>();
        List<Integer> offsets = new ArrayList<>();
        for (TokenLogprob token : tokens) {
            String text = text(token);
            texts.add(text);
            values.add(finite(token.logprob()));
            Map<String, Double> top = new LinkedHashMap<>();
            token.top().forEach(each -> top.putIfAbsent(text(each), finite(each.logprob())));
            tops.add(top);
            offsets.add(choice.textOffset);
            choice.textOffset += text.length();
        }
        Map<String, Object> logprobs = new LinkedHashMap<>();
        logprobs.put("tokens", texts);
        logprobs.put("token_logprobs", values);
        logprobs.put("top_logprobs", tops);
        logprobs.put("text_offset", offsets);
        return logprobs;
    }

    private String text(TokenLogprob token) {
        return new String(tokenizer.bytesOf(token.id()), StandardCharsets.UTF_8);
    }

    private static double finite(float logprob) {
        return Float.isFinite(logprob) ? logprob : LOGPROB_MIN;
    }
}
