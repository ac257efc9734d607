package io.github.medpsy4j.engine.template;

import java.time.Clock;
import java.time.ZoneId;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * What a rendering may rely on and how much it may spend. The limits hold for one call of {@code render}; a template
 * that passes one of them ends in a {@link TemplateException} that names it.
 *
 * @param clock the time and zone that {@code strftime_now} tells
 * @param trusted whether the string variable of this name is the model's own, as {@code bos_token} is, and so counts as
 *     the template's text
 * @param maxSteps nodes evaluated, items visited and characters scanned (at 16 to the step)
 * @param maxCells characters made (one cell each) and elements of lists and dicts made (16 cells each), all
 *     intermediate values together; at most 2<sup>30</sup>
 * @param maxOutput characters in the rendered prompt
 * @param maxDepth how deep expressions, blocks and calls may nest while they run; 400 levels take less than 512 KiB of stack
 */
public record RenderOptions(
        Clock clock, Predicate<String> trusted, long maxSteps, long maxCells, int maxOutput, int maxDepth) {
    private static final RenderOptions DEFAULTS = new RenderOptions(
            Clock.system(ZoneId.systemDefault()),
            name -> name.endsWith("_token"),
            20_000_000,
            64L << 20,
            16 << 20,
            400);

    /** Checks that the limits are positive and within what a Java array can hold. */
    public RenderOptions {
        Objects.requireNonNull(clock, "clock");
        Objects.requireNonNull(trusted, "trusted");
        if (maxSteps <= 0 || maxCells <= 0 || maxCells > 1 << 30 || maxOutput <= 0 || maxDepth <= 0) {
            throw new IllegalArgumentException("limits must be positive and maxCells at most 2^30; got maxSteps "
                    + maxSteps + ", maxCells " + maxCells + ", maxOutput " + maxOutput + ", maxDepth " + maxDepth);
        }
    }

    /** The system's clock, every variable named {@code …_token} trusted, and limits that real prompts stay far below. */
    public static RenderOptions defaults() {
        return DEFAULTS;
    }

    /** These options with another clock. */
    public RenderOptions withClock(Clock other) {
        return new RenderOptions(other, trusted, maxSteps, maxCells, maxOutput, maxDepth);
    }

    /** These options with another choice of trusted variables. */
    public RenderOptions withTrusted(Predicate<String> other) {
        return new RenderOptions(clock, other, maxSteps, maxCells, maxOutput, maxDepth);
    }

    /** These options with other limits. */
    public RenderOptions withLimits(long steps, long cells, int output, int depth) {
        return new RenderOptions(clock, trusted, steps, cells, output, depth);
    }
}
