package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteServer;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.ModelStore;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What MedPsy is and is not, told once: a file in the home folder remembers that it was. */
final class FirstUse {
    private static final String WARNING =
            "MedPsy answers medical questions. It is a language model, not a physician: it can be "
                    + "wrong, and it sounds sure when it is. Have what matters checked by a professional; in an emergency, call "
                    + "your local emergency number.";

    static final String NOTICE = WARNING + " Nothing you type leaves this machine.";

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
        tell(terminal, NOTICE, isQuiet || !concerns(found));
    }

    /** The same of another machine's model. */
    static void tell(Terminal terminal, RemoteServer server, String model, boolean isQuiet) {
        tell(
                terminal,
                WARNING + " What you type goes to " + server.name() + ".",
                isQuiet || !model.toLowerCase(Locale.ROOT).contains("medpsy"));
    }

    private static void tell(Terminal terminal, String notice, boolean isSilent) {
        if (isSilent) {
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
            terminal.say(notice);
            return;
        }
        terminal.say(notice + " (medpsy show repeats this.)");
    }
}
