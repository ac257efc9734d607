package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.ModelNames;
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
                    + "interrupted goes on where it was. What the caches of Hugging Face, Ollama or LM Studio hold is "
                    + "used in place. Prints each file's path."
        },
        footer = {
            "  medpsy pull",
            "  medpsy pull medpsy-4b --quant q8_0",
            "  medpsy pull hf:owner/repo:Q4_K_M",
            "  medpsy pull hf:owner/repo@main/folder/file.gguf",
            "  medpsy pull --verify medpsy-1.7b",
            "  HF_ENDPOINT=https://mirror.example medpsy pull medpsy-4b"
        })
final class PullCommand extends BaseCommand {
    @Parameters(
            arity = "0..*",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Names from 'medpsy list --all', or hf:OWNER/REPO/FILE, hf:OWNER/REPO:QUANT, hf:OWNER/REPO "
                    + "(default: $MEDPSY_MODEL, else medpsy-1.7b).")
    List<String> names = new ArrayList<>();

    @Option(names = "--quant", paramLabel = "QUANT", description = "The quantization; as NAME:QUANT.")
    String quant;

    @Option(names = "--verify", description = "Check the sha256 of what is here already, too.")
    boolean verify;

    @Option(names = "--offline", description = "Open no connection; tell what would be needed.")
    boolean offline;

    @Option(names = "--force", description = "Also what memory or disk seem too small for.")
    boolean force;

    PullCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        Models models = new Models(terminal).forced(force).askingAlways();
        List<String> wanted = new ArrayList<>();
        if (names.isEmpty()) {
            wanted.add(quant == null ? null : ModelFlags.withQuant(this, models.defaultName(), quant));
        }
        for (String name : names) {
            String full = quant == null ? name : ModelFlags.withQuant(this, name, quant);
            if (!ModelNames.hasPrefix(full)) {
                models.store().catalogue().find(full); // a wrong name is told before anything is pulled
            }
            wanted.add(full);
        }
        for (String name : wanted) {
            boolean wasHere = verify && models.isHere(name);
            Models.Found found = models.obtain(name, offline);
            if (wasHere) {
                models.verify(found);
            }
            terminal.print(found.path() + "\n");
            terminal.out().flush();
        }
        return OK;
    }
}
