package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.InstalledModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Removes models from the store. */
@Command(
        name = "rm",
        header = "Remove models and kept conversations.",
        description = "What an unfinished pull left goes with it. Files of other programs are left alone.",
        footer = {
            "  medpsy rm medpsy-4b:q8_0",
            "  medpsy rm qwen2.5-coder-0.5b smollm2-135m --yes",
            "  medpsy rm hf:owner/repo:q4_k_m",
            "  medpsy rm --session asthma"
        })
final class RmCommand extends BaseCommand {
    @Parameters(
            arity = "0..*",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Names from 'medpsy list'.")
    List<String> names = new ArrayList<>();

    @Option(
            names = "--session",
            paramLabel = "NAME",
            description = "Remove a kept conversation; may be given several times.")
    List<String> sessions = new ArrayList<>();

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask. Without a terminal, where nobody can be asked, nothing is removed without it.")
    boolean yes;

    RmCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        if (names.isEmpty() && sessions.isEmpty()) {
            throw usage("expected the name of a model, or --session NAME");
        }
        Models models = new Models(terminal);
        Set<InstalledModel> found = new LinkedHashSet<>(); // a name may be given twice
        for (String name : names) {
            found.add(models.store().owned(name, terminal.environment())); // a wrong name removes nothing at all
        }
        SessionStore kept = new SessionStore(terminal.environment());
        if (!yes && !isConfirmed(found, kept.list())) {
            terminal.say("nothing was removed");
            return FAILED;
        }
        for (InstalledModel model : found) {
            long bytes = models.store().remove(model);
            terminal.say("removed " + model.name() + ", " + Sizes.readable(bytes));
        }
        for (String name : sessions) {
            long bytes = kept.remove(name);
            terminal.say("removed session " + name + ", " + Sizes.readable(bytes));
        }
        return OK;
    }

    private boolean isConfirmed(Set<InstalledModel> found, List<SessionStore.Entry> kept) throws IOException, Failure {
        if (!Questions.canAsk(terminal)) {
            throw new Failure(
                    "rm: there is no terminal to ask on, so nothing was removed; --yes removes without asking");
        }
        long bytes = 0;
        List<String> shown = new ArrayList<>();
        for (InstalledModel model : found) {
            shown.add(model.name());
            bytes += model.sizeBytes() + model.unfinishedBytes();
        }
        for (String name : sessions) {
            shown.add("session " + Terminal.harmless(name));
            bytes += kept.stream()
                    .filter(e -> e.name().equals(name))
                    .mapToLong(SessionStore.Entry::sizeBytes)
                    .sum();
        }
        String answer = Questions.ask(
                terminal, "remove " + String.join(", ", shown) + " (" + Sizes.readable(bytes) + ")? [y/N]");
        return answer.equalsIgnoreCase("y") || answer.equalsIgnoreCase("yes");
    }
}
