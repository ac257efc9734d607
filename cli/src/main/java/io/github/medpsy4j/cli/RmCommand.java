package io.github.medpsy4j.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Removes models from the store. */
@Command(
        name = "rm",
        header = "Remove models.",
        description = "What an unfinished pull left goes with it.",
        footer = {"  medpsy rm medpsy-4b:q8_0", "  medpsy rm qwen2.5-coder-0.5b smollm2-135m"})
final class RmCommand extends BaseCommand {
    @Parameters(
            arity = "1..*",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Names from 'medpsy list'.")
    List<String> names = new ArrayList<>();

    RmCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException {
        Models models = new Models(terminal);
        for (String name : names) {
            long bytes = models.store().remove(name);
            terminal.say("removed " + name + ", " + Sizes.readable(bytes));
        }
        return OK;
    }
}
