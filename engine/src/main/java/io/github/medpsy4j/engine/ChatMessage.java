package io.github.medpsy4j.engine;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A message of a conversation.
 *
 * @param role {@code system}, {@code user} or {@code assistant}
 * @param content the text, without thinking
 * @param thinking what an assistant thought before it answered; empty if nothing
 */
public record ChatMessage(String role, String content, String thinking) {
    public ChatMessage {
        Objects.requireNonNull(role);
        Objects.requireNonNull(content);
        Objects.requireNonNull(thinking);
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

    /** The message as chat templates read it. */
    Map<String, Object> variables() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("role", role);
        map.put("content", content);
        if (!thinking.isEmpty()) {
            map.put("reasoning_content", thinking);
        }
        return map;
    }
}
