package io.github.medpsy4j.engine;

/** The text of a generation as its tokens are drawn. */
interface TokenText extends Generator.TokenListener {
    /** Hands out what still waits. No token may follow. */
    void end();

    /** The answer proper, up to a stop text. */
    String answer();

    /** What was thought before it. */
    String thoughts();

    /** Whether a stop text has appeared. */
    boolean isStopped();
}
