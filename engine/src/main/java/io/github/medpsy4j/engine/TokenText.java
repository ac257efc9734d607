package io.github.medpsy4j.engine;

import java.util.List;

/** The text of a generation as its tokens are drawn. */
interface TokenText extends Generator.TokenListener {
    /** Hands out what still waits. No token may follow. */
    void end();

    /** The answer proper, up to a stop text. */
    String answer();

    /** What was thought before it. */
    String thoughts();

    /** The calls of tools in it. */
    default List<ToolCall> toolCalls() {
        return List.of();
    }

    /** What is wrong with them; empty if nothing is. */
    default String toolCallFault() {
        return "";
    }

    /** Whether a stop text has appeared. */
    boolean isStopped();
}
