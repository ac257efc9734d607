package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.file.Path;

/** How much may be written to the file system of an existing folder. */
@FunctionalInterface
interface SpaceProbe {
    long usableBytes(Path folder) throws IOException;
}
