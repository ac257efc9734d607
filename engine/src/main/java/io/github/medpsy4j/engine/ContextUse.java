package io.github.medpsy4j.engine;

import java.util.List;

/**
 * What fills a conversation's context, in tokens. Each message is counted by itself; the template's share is the rest of
 * the rendered conversation, such as marks, roles and a persona.
 *
 * @param context positions that there are
 * @param system the system message; 0 without one
 * @param turns the turns that the model sees, oldest first
 * @param template what the template adds
 * @param forgottenTurns turns of the conversation that the model no longer sees
 */
public record ContextUse(int context, int system, List<Turn> turns, int template, int forgottenTurns) {
    /** Copies the list. */
    public ContextUse {
        turns = List.copyOf(turns);
    }

    /**
     * A user's message and what was answered.
     *
     * @param user tokens of the user's message
     * @param assistant tokens of the answer, and of the thinking where the template keeps it
     */
    public record Turn(int user, int assistant) {
        /** Both together. */
        public int tokens() {
            return user + assistant;
        }
    }

    /** Tokens in all. */
    public int used() {
        return system + template + turns.stream().mapToInt(Turn::tokens).sum();
    }

    /** Positions left; negative where the next turn will not fit without trimming. */
    public int free() {
        return context - used();
    }
}
