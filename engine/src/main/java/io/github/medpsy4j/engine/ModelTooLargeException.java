package io.github.medpsy4j.engine;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/** A model that memory has no room for now; see {@link LoadOptions#withMemoryCheck}. Nothing was loaded. */
public final class ModelTooLargeException extends IOException {
    private static final long serialVersionUID = 1;

    private final long availableBytes;
    private final int context;

    ModelTooLargeException(Path path, long weightBytes, int context, long contextBytes, long available) {
        super(String.format(
                Locale.ROOT,
                "%s: not enough memory; needs about %.2f GB (%.2f GB of weights, %.2f GB for a context of %,d tokens), "
                        + "available %.2f GB",
                path,
                (weightBytes + contextBytes + Model.PROGRAM_BYTES) / 1e9,
                weightBytes / 1e9,
                contextBytes / 1e9,
                context,
                available / 1e9));
        this.availableBytes = available;
        this.context = context;
    }

    /** The memory that was to be had. */
    public long availableBytes() {
        return availableBytes;
    }

    /** The context, in tokens, that was reckoned with. */
    public int context() {
        return context;
    }
}
