package io.github.medpsy4j.engine;

/** Why a generation ended. */
public enum FinishReason {
    /** The model ended its answer. */
    END,
    /** The most tokens that were asked for have been generated. */
    LENGTH,
    /** The context holds no more tokens. */
    CONTEXT_FULL,
    /** A stop text appeared. */
    STOP_TEXT,
    /** The listener asked to stop. */
    INTERRUPTED
}
