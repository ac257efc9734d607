package io.github.medpsy4j.engine;

/**
 * A piece of an answer as it is generated.
 *
 * @param text the characters that the token completed; never empty
 * @param thinking whether it belongs to the thinking before the answer
 */
public record ChatToken(String text, boolean thinking) {}
