package io.github.medpsy4j.models;

import java.util.Locale;
import java.util.Optional;

/** The model would not fit this machine's memory. Found before anything is transferred. */
public final class NotEnoughMemoryException extends ModelsException {
    private static final long serialVersionUID = 1L;

    NotEnoughMemoryException(ModelFile file, int contextTokens, long memoryBytes, Optional<ModelFile> instead) {
        super(String.format(
                Locale.ROOT,
                "%s: needs about %s of memory (%s of weights, the rest for a context of %,d tokens and the program), "
                        + "this machine has %s%s",
                file.name(),
                Sizes.readable(file.memoryBytes(contextTokens)),
                Sizes.readable(file.sizeBytes()),
                contextTokens,
                Sizes.readable(memoryBytes),
                suggestion(instead)));
    }

    static String suggestion(Optional<ModelFile> instead) {
        return instead.map(f -> "; " + f.name() + " (" + Sizes.readable(f.sizeBytes()) + ") would fit")
                .orElse("");
    }
}
