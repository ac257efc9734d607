package io.github.medpsy4j.models;

import java.util.List;

/** A name that nothing has, that several files share, or that is of no form that names have. The message tells. */
public final class UnknownModelException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final transient List<String> suggestions;
    private final boolean isOfCatalogue;

    /** Of a name that the catalogue has nothing to do with. */
    UnknownModelException(String message) {
        super(message);
        this.suggestions = List.of();
        this.isOfCatalogue = false;
    }

    UnknownModelException(String message, List<String> suggestions) {
        super(message);
        this.suggestions = List.copyOf(suggestions);
        this.isOfCatalogue = true;
    }

    /** Tells whether the catalogue was looked at, so that its list helps. */
    public boolean isOfCatalogue() {
        return isOfCatalogue;
    }

    /** Returns known names near the one asked for, nearest first; may be empty. */
    public List<String> suggestions() {
        return suggestions == null ? List.of() : suggestions;
    }
}
