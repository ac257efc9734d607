package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much may be written to the file system of an existing folder. */
@FunctionalInterface
interface SpaceProbe {
    long usableBytes(Path folder) throws IOException;

    /** Asks the operating system. A class and no lambda, for the reason given at {@link Catalogue}. */
    final class OfFileStore implements SpaceProbe {
        @Override
        public long usableBytes(Path folder) throws IOException {
            return Files.getFileStore(folder).getUsableSpace();
        }
    }
}
