package io.github.medpsy4j.models;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A GGUF file in the store.
 *
 * @param name {@code model:quant} where the catalogue knows the file, else its file name
 * @param path the file
 * @param sizeBytes its size on disk
 * @param known the catalogue's entry of that file name
 * @param unfinishedBytes bytes of a pull that has not ended; the file itself is not there then. Else 0
 */
public record InstalledModel(String name, Path path, long sizeBytes, Optional<ModelFile> known, long unfinishedBytes) {

    /** Tells whether the whole file is here, as far as its size can tell. */
    public boolean isComplete() {
        return unfinishedBytes == 0
                && known.map(f -> f.sizeBytes() == sizeBytes).orElse(true);
    }
}
