package io.github.medpsy4j.engine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A message of a conversation.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content the text, without thinking
 * @param thinking what an assistant thought before it answered; empty if nothing
 * @param toolCalls what an assistant asked to be called; mostly empty
 * @param toolCallId which of the calls a tool's message answers; empty elsewhere
 */
public record ChatMessage(String role, String content, String thinking, List<ToolCall> toolCalls, String toolCallId) {
    /** Copies the list. */
    public ChatMessage {
        toolCalls = List.copyOf(toolCalls);
        Objects.requireNonNull(toolCallId);
        Objects.requireNonNull(role);
        Objects.requireNonNull(content);
        Objects.requireNonNull(thinking);
    }

    /** A message that has nothing to do with tools. */
    public ChatMessage(String role, String content, String thinking) {
        this(role, content, thinking, List.of(), "");
    }

    public static ChatMessage system(String content) {
        return new ChatMessage("system", content, "");
    }

    public static ChatMessage user(String content) {
        return new ChatMessage("user", content, "");
    }

    public static ChatMessage assistant(String content, String thinking) {
        return new ChatMessage("assistant", content, thinking);
    }

    public static ChatMessage assistant(String content, String thinking, List<ToolCall> toolCalls) {
        return new ChatMessage("assistant", content, thinking, toolCalls, "");
    }

    /** What came of a call. */
    public static ChatMessage tool(String toolCallId, String content) {
        return new ChatMessage("tool", content, "", List.of(), toolCallId);
    }

    /** The message as chat templates read it. */
    Map<String, Object> variables() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("role", role);
        map.put("content", content);
        if (!thinking.isEmpty()) {
            map.put("reasoning_content", thinking);
        }
        if (!toolCalls.isEmpty()) {
            map.put("tool_calls", toolCalls.stream().map(ToolCall::variables).toList());
        }
        if (!toolCallId.isEmpty()) {
            map.put("tool_call_id", toolCallId);
        }
        return map;
    }
}
