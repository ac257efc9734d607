package io.github.medpsy4j.engine;

import java.util.List;
import java.util.Objects;

/**
 * What the model said to one message.
 *
 * @param text the answer, without thinking
 * @param thinking what it thought first; empty if nothing
 * @param generation what it cost and why it ended
 * @param forgottenTurns the oldest turns that left the context for this answer to have room; mostly 0
 * @param toolCalls what the model asks to be called, in its order; mostly empty
 * @param toolCallFault what is wrong with a call that was cut off, or that was none and stands in the text; empty if
 *     nothing is
 */
public record Answer(
        String text,
        String thinking,
        Generation generation,
        int forgottenTurns,
        List<ToolCall> toolCalls,
        String toolCallFault) {
    /** Copies the list. */
    public Answer {
        toolCalls = List.copyOf(toolCalls);
        Objects.requireNonNull(toolCallFault);
    }

    /** An answer without calls. */
    public Answer(String text, String thinking, Generation generation, int forgottenTurns) {
        this(text, thinking, generation, forgottenTurns, List.of(), "");
    }
}
