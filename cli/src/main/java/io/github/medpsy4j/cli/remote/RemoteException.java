package io.github.medpsy4j.cli.remote;

import java.io.IOException;

/** Another machine gave no answer; the message is for people and begins with the machine's name. */
public final class RemoteException extends IOException {
    private static final long serialVersionUID = 1;

    /** What follows from it. */
    public enum Kind {
        /** It cannot be reached, has fallen silent or has no time: somebody else may answer. */
        GONE,
        /** It failed at this request, and may not at the next: somebody else may answer this one. */
        FAILED,
        /** The conversation has more tokens than it takes. */
        CONTEXT_FULL,
        /** It has no model of that name. */
        NO_MODEL,
        /** It has nothing at that address. */
        NOT_THERE,
        /** It does not do what is asked, and asking again would not help. */
        REFUSED
    }

    private final Kind kind;

    RemoteException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    RemoteException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    /** Whether somebody else may answer instead. */
    public boolean isGone() {
        return kind == Kind.GONE || kind == Kind.FAILED;
    }
}
