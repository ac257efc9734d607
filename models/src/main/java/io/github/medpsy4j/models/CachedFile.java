package io.github.medpsy4j.models;

import java.nio.file.Path;

/**
 * A GGUF file among another program's models.
 *
 * @param name a name that finds it again: {@code hf:…}, {@code ollama:…} or {@code lmstudio:…}
 * @param sizeBytes its size on disk
 * @param sha256 what its bytes should hash to, as the other program noted; an empty text where it noted nothing
 */
record CachedFile(String name, Path path, Place place, long sizeBytes, String sha256) {}
