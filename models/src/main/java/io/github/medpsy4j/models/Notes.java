package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** Small files that only save time: what cannot be written is not remembered, and nothing fails for it. */
final class Notes {
    private Notes() {}

    /**
     * Replaces a file's lines.
     *
     * @return whether that was possible: a folder may be read-only, and on Windows a file that another process reads
     *     cannot be replaced
     */
    static boolean replace(Path file, List<String> lines) {
        try {
            Files.createDirectories(file.getParent());
            Path fresh =
                    Files.createTempFile(file.getParent(), file.getFileName().toString(), ".new");
            try {
                Files.write(fresh, lines);
                Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
                return true;
            } finally {
                Files.deleteIfExists(fresh);
            }
        } catch (IOException e) {
            return false;
        }
    }
}
