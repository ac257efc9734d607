package io.github.medpsy4j.models;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A model that is on this machine now.
 *
 * @param name {@code model:quant}, or the name by which a file that the catalogue does not know was found
 * @param path the file
 * @param file the catalogue's entry, if it has one
 * @param place whose file it is
 * @param insteadBecause why this is the demo model and not the one asked for; empty where it is that one
 */
public record Obtained(
        String name, Path path, Optional<ModelFile> file, Place place, Optional<String> insteadBecause) {}
