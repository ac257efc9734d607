package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.ModelStore;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What MedPsy is and is not, told once: a file in the home folder remembers that it was. */
final class FirstUse {
    static final String NOTICE = "MedPsy answers medical questions. It is a language model, not a physician: it can be "
            + "wrong, and it sounds sure when it is. Have what matters checked by a professional; in an emergency, call "
            + "your local emergency number. Nothing you type leaves this machine.";

    private static final String MARKER = "medpsy-notice-shown";

    private FirstUse() {}

    /** Whether this is one of the models that the notice is about. */
    static boolean concerns(ModelFile entry) {
        return entry.model().toLowerCase(Locale.ROOT).contains("medpsy");
    }

    private static boolean concerns(Models.Found found) {
        Path file = found.path().getFileName();
        return found.known()
                .map(FirstUse::concerns)
                .orElse(file != null && file.toString().toLowerCase(Locale.ROOT).contains("medpsy"));
    }

    /** Tells it if it concerns the model and was not told before. */
    static void tell(Terminal terminal, Models.Found found, boolean isQuiet) {
        if (isQuiet || !concerns(found)) {
            return;
        }
        Path marker = ModelStore.home(terminal.environment()).resolve(MARKER);
        try {
            Files.createDirectories(marker.getParent());
            Files.createFile(marker);
        } catch (FileAlreadyExistsException told) {
            return;
        } catch (IOException cannotRemember) {
            // It is told each time then, rather than never.
            terminal.say(NOTICE);
            return;
        }
        terminal.say(NOTICE + " (medpsy show repeats this.)");
    }
}
