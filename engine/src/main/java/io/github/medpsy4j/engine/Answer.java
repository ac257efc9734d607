package io.github.medpsy4j.engine;

/**
 * What the model said to one message.
 *
 * @param text the answer, without thinking
 * @param thinking what it thought first; empty if nothing
 * @param generation what it cost and why it ended
 */
public record Answer(String text, String thinking, Generation generation) {}
