package io.github.medpsy4j.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Removes models from the store. */
@Command(
        name = "rm",
        header = "Remove models and kept conversations.",
        description = "What an unfinished pull left goes with it.",
        footer = {
            "  medpsy rm medpsy-4b:q8_0",
            "  medpsy rm qwen2.5-coder-0.5b smollm2-135m",
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

    RmCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        if (names.isEmpty() && sessions.isEmpty()) {
            throw usage("expected the name of a model, or --session NAME");
        }
        Models models = new Models(terminal);
        for (String name : names) {
            long bytes = models.store().remove(name);
            terminal.say("removed " + name + ", " + Sizes.readable(bytes));
        }
        SessionStore kept = new SessionStore(terminal.environment());
        for (String name : sessions) {
            long bytes = kept.remove(name);
            terminal.say("removed session " + name + ", " + Sizes.readable(bytes));
        }
        return OK;
    }
}
