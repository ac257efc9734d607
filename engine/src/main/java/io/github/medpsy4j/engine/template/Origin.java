package io.github.medpsy4j.engine.template;

/**
 * Where a character of a rendered prompt came from, from the most to the least trusted. Special tokens are meant to be
 * recognised in {@link #TEMPLATE} and {@link #ASSISTANT} text, never in {@link #CONTENT}.
 */
public enum Origin {
    /** The template's own text, a number it counted, a trusted variable such as {@code bos_token}, or a role's name. */
    TEMPLATE,
    /** A message whose role is {@code assistant}: what the model itself said. */
    ASSISTANT,
    /** Any other variable: messages of user, system and tools, tool definitions; also whatever is in doubt. */
    CONTENT;

    /** The less trusted of the two: the origin of what both had a part in. */
    Origin with(Origin other) {
        return compareTo(other) >= 0 ? this : other;
    }
}
