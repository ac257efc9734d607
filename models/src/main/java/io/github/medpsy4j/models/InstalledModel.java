package io.github.medpsy4j.models;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A GGUF file on this machine.
 *
 * @param name a name that finds it: {@code model:quant} where the catalogue knows the file, {@code hf:…},
 *     {@code ollama:…} or {@code lmstudio:…}, else its file name
 * @param path the file
 * @param sizeBytes its size on disk
 * @param known the catalogue's entry of that file, or what the hub told of it
 * @param unfinishedBytes bytes of a pull that has not ended; the file itself is not there then. Else 0
 * @param place whose it is
 */
public record InstalledModel(
        String name, Path path, long sizeBytes, Optional<ModelFile> known, long unfinishedBytes, Place place) {

    /** Tells whether the whole file is here, as far as its size can tell. */
    public boolean isComplete() {
        return unfinishedBytes == 0
                && known.map(f -> f.sizeBytes() == sizeBytes).orElse(true);
    }
}
