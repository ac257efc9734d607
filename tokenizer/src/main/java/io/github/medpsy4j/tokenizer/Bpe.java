package io.github.medpsy4j.tokenizer;

/** One of the two ways from text to ids. Immutable. */
interface Bpe {
    /** What every token stands for in text. */
    Pieces pieces();

    /** What one call of {@code encode} needs; not shared. */
    Run run();

    /** Turns stretches of one text into ids, and keeps its buffers between them. */
    interface Run {
        /** Adds the ids of the chars from {@code from} to {@code to}; {@code from < to}. */
        void encode(String text, int from, int to, IntList ids);
    }
}
