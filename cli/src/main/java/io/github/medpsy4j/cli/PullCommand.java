package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.ModelStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Brings models here. */
@Command(
        name = "pull",
        header = "Bring models here.",
        description = {
            "Each comes from the first of its sources that answers, and its sha256 is checked. A pull that was "
                    + "interrupted goes on where it was. Prints each file's path."
        },
        footer = {
            "  medpsy pull",
            "  medpsy pull medpsy-4b:q8_0",
            "  medpsy pull --verify medpsy-1.7b",
            "  HF_ENDPOINT=https://mirror.example medpsy pull medpsy-4b"
        })
final class PullCommand extends BaseCommand {
    @Parameters(
            arity = "0..*",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Names from 'medpsy list --all' (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    List<String> names = new ArrayList<>();

    @Option(names = "--verify", description = "Check the sha256 of what is here already, too.")
    boolean verify;

    PullCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        Models models = new Models(terminal);
        ModelStore store = models.store();
        if (names.isEmpty()) {
            names.add(null);
        } else {
            names.forEach(store.catalogue()::find); // a wrong name is told before anything is pulled
        }
        for (String name : names) {
            boolean wasHere =
                    name != null && store.isInstalled(store.catalogue().find(name));
            Models.Found found = models.obtain(name, false);
            if (verify && wasHere) {
                ModelFile file = store.catalogue().find(name);
                PullProgress progress = new PullProgress(terminal);
                store.verify(file, progress);
                progress.finished(file, found.path());
            }
            terminal.print(found.path() + "\n");
            terminal.out().flush();
        }
        return OK;
    }
}
