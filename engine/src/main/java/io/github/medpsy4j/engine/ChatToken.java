package io.github.medpsy4j.engine;

/**
 * A piece of an answer as it is generated.
 *
 * @param text the characters that the token completed; empty only where {@code toolCall} is there
 * @param thinking whether it belongs to the thinking before the answer
 * @param toolCall a part of a call of a tool, in place of text; mostly null
 */
public record ChatToken(String text, boolean thinking, ToolCall.Delta toolCall) {
    /** A piece of text. */
    public ChatToken(String text, boolean thinking) {
        this(text, thinking, null);
    }
}
