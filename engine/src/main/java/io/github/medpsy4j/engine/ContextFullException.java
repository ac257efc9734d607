package io.github.medpsy4j.engine;

/** More tokens were given than a session's context holds; nothing was computed. */
public final class ContextFullException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int tokens;
    private final int context;

    ContextFullException(int tokens, int context) {
        this("the prompt", tokens, context);
    }

    /** @param what needs so many tokens */
    ContextFullException(String what, int tokens, int context) {
        super(what + " needs " + tokens + " tokens, the context holds " + context);
        this.tokens = tokens;
        this.context = context;
    }

    /** Tokens that would have been in the context. */
    public int tokens() {
        return tokens;
    }

    /** Tokens that the context holds. */
    public int context() {
        return context;
    }
}
