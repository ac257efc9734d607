package io.github.medpsy4j.models;

import java.nio.file.Path;
import java.util.Optional;

/** The file system of the store has less room than the pull needs. Found before anything is transferred. */
public final class NotEnoughSpaceException extends ModelsException {
    private static final long serialVersionUID = 1L;

    private final long neededBytes;
    private final long availableBytes;

    NotEnoughSpaceException(
            Path folder, String name, long neededBytes, long availableBytes, Optional<ModelFile> instead) {
        super(folder + ": not enough space for " + name + "; needs " + neededBytes + " bytes ("
                + Sizes.readable(neededBytes) + "), available " + availableBytes + " ("
                + Sizes.readable(availableBytes) + ")" + NotEnoughMemoryException.suggestion(instead));
        this.neededBytes = neededBytes;
        this.availableBytes = availableBytes;
    }

    /** Returns the bytes still to be written. */
    public long neededBytes() {
        return neededBytes;
    }

    /** Returns the bytes that the file system had left. */
    public long availableBytes() {
        return availableBytes;
    }
}
