package io.github.medpsy4j.engine;

/**
 * How a {@link Scheduler} shares a model.
 *
 * @param slots requests that are computed at the same time; each has a KV cache
 * @param context positions of each slot, at most the model's; 0 for as many as the model has, or fewer where free memory
 *     would not hold the KV caches of all slots
 * @param queueMax requests that may wait for a slot
 * @param stallMillisMax how long a step may last in which prompts are read while others generate: prompts are taken in
 *     pieces of about that time, 0 for the smallest pieces. The smaller, the more evenly words come, and the more often
 *     weights are read for a prompt
 * @param draft the most tokens that are guessed at a time, see {@link Generator}; 0 for none
 */
public record SchedulerOptions(int slots, int context, int queueMax, int stallMillisMax, int draft) {
    /** The most slots. */
    public static final int SLOTS_MAX = 256;

    /** Refuses values out of range, by name. */
    public SchedulerOptions {
        check("slots", slots, 1, SLOTS_MAX);
        check("context", context, 0, Integer.MAX_VALUE);
        check("queue", queueMax, 0, Integer.MAX_VALUE - SLOTS_MAX);
        check("stall", stallMillisMax, 0, 60_000);
        Generator.checkDraft(draft);
    }

    private static void check(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + ": expected " + min + " to " + max + ", got " + value);
        }
    }

    /** Four slots of as much context as fits, 64 waiting requests, steps of a quarter of a second, seven guesses. */
    public static SchedulerOptions defaults() {
        return new SchedulerOptions(4, 0, 64, 250, 7);
    }

    public SchedulerOptions withSlots(int value) {
        return new SchedulerOptions(value, context, queueMax, stallMillisMax, draft);
    }

    public SchedulerOptions withContext(int value) {
        return new SchedulerOptions(slots, value, queueMax, stallMillisMax, draft);
    }

    public SchedulerOptions withQueueMax(int value) {
        return new SchedulerOptions(slots, context, value, stallMillisMax, draft);
    }

    public SchedulerOptions withStallMillisMax(int value) {
        return new SchedulerOptions(slots, context, queueMax, value, draft);
    }

    public SchedulerOptions withDraft(int value) {
        return new SchedulerOptions(slots, context, queueMax, stallMillisMax, value);
    }
}
