package io.github.medpsy4j.engine.template;

import java.util.Locale;

/** What one rendering may still spend. Every charge comes before the work or the allocation that it pays for. */
final class Budget {
    /** Cells that an element of a list or dict costs: roughly the bytes of a reference, an entry and a small value. */
    static final int ELEMENT_CELLS = 16;

    /** Characters that are scanned or compared for the price of one step. */
    private static final int CHARACTERS_PER_STEP = 16;

    private final RenderOptions limits;
    private long steps;
    private long cells;
    private int depth;

    Budget(RenderOptions limits) {
        this.limits = limits;
    }

    void step() {
        steps(1);
    }

    void steps(long count) {
        steps += count;
        if (steps > limits.maxSteps() || steps < 0) {
            throw exceeded("takes more than %,d steps", limits.maxSteps());
        }
    }

    void scan(long characters) {
        steps(1 + characters / CHARACTERS_PER_STEP);
    }

    /** Arithmetic on, or printing of, an integer of so many bits: up to quadratic in its size. */
    void bigInteger(long bits) {
        long words = bits / 64;
        steps(words * words / 8);
    }

    void characters(long count) {
        cells(count);
    }

    void elements(long count) {
        cells(count > Long.MAX_VALUE / ELEMENT_CELLS ? Long.MAX_VALUE : count * ELEMENT_CELLS);
    }

    private void cells(long count) {
        if (count > limits.maxCells() - cells) {
            throw exceeded(
                    "makes values of more than %,d cells (a character is one, an element 16)", limits.maxCells());
        }
        cells += count;
        steps(count / CHARACTERS_PER_STEP);
    }

    void output(long characters) {
        if (characters > limits.maxOutput()) {
            throw exceeded("renders more than %,d characters", limits.maxOutput());
        }
    }

    void enter() {
        if (++depth > limits.maxDepth()) {
            depth--;
            throw exceeded("nests deeper than %,d levels while running", limits.maxDepth());
        }
    }

    void exit() {
        depth--;
    }

    private static Fault exceeded(String what, long limit) {
        return new Fault("the template " + String.format(Locale.ROOT, what, limit));
    }
}
