package io.github.medpsy4j.cli;

import java.io.IOException;
import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The script by which a shell completes the command line. */
@Command(
        name = "completion",
        header = "Print a script for a shell's completion.",
        description = "It completes medpsy's commands, options and the names of models.",
        footer = {
            "  eval \"$(medpsy completion bash)\"       for this shell; in ~/.bashrc for every one",
            "  eval \"$(medpsy completion zsh)\"        likewise, in ~/.zshrc"
        })
final class CompletionCommand extends BaseCommand {
    @Parameters(paramLabel = "bash|zsh", description = "The shell.")
    String shell;

    CompletionCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException {
        switch (shell.toLowerCase(Locale.ROOT)) {
            // One script serves both: it turns on zsh's support for bash's completions where it finds itself in zsh.
            case "bash", "zsh" ->
                terminal.print(AutoComplete.bash("medpsy", spec.root().commandLine()));
            default -> throw usage("expected bash or zsh, got " + shell);
        }
        return OK;
    }
}
