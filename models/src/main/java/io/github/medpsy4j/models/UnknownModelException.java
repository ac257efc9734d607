package io.github.medpsy4j.models;

import java.util.List;

/** A name that neither the catalogue nor the store knows. The message names what is near. */
public final class UnknownModelException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final transient List<String> suggestions;

    UnknownModelException(String message, List<String> suggestions) {
        super(message);
        this.suggestions = List.copyOf(suggestions);
    }

    /** Returns known names near the one asked for, nearest first; may be empty. */
    public List<String> suggestions() {
        return suggestions == null ? List.of() : suggestions;
    }
}
