package io.github.medpsy4j.engine;

/**
 * What the model said to one message.
 *
 * @param text the answer, without thinking
 * @param thinking what it thought first; empty if nothing
 * @param generation what it cost and why it ended
 * @param forgottenTurns the oldest turns that left the context for this answer to have room; mostly 0
 */
public record Answer(String text, String thinking, Generation generation, int forgottenTurns) {}
