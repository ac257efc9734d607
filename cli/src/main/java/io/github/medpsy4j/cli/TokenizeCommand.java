package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Vocabularies;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Text to ids. */
@Command(
        name = "tokenize",
        header = "Turn a text into token ids.",
        customSynopsis = {"medpsy tokenize [OPTIONS] MODEL TEXT", "       medpsy tokenize [OPTIONS] -m MODEL TEXT"},
        description = {
            "The ids go on one line. Special tokens in the text count; none is added. Works with every file that has a "
                    + "vocabulary, whatever its architecture."
        },
        footer = {
            "  medpsy tokenize medpsy-1.7b 'Blood pressure 120/80'",
            "  medpsy tokenize model.gguf - --json <letter.txt",
            "  medpsy tokenize model.gguf -- '-5 °C'"
        })
final class TokenizeCommand extends BaseCommand {
    @Parameters(
            arity = "0..2",
            paramLabel = "MODEL TEXT",
            hideParamSyntax = true,
            completionCandidates = ModelFlags.Names.class,
            description = "A name, NAME:QUANT or path; and the text, - for all of stdin. "
                    + "A text that begins with a dash stands behind --.")
    List<String> words = new ArrayList<>();

    @Option(names = "--json", description = "Print a JSON array.")
    boolean json;

    @Mixin
    ModelFlags modelFlags;

    TokenizeCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        int expected = modelFlags.model == null ? 2 : 1;
        if (words.size() != expected) {
            throw usage("expected " + (expected == 2 ? "MODEL and TEXT" : "TEXT beside --model") + ", got "
                    + words.size() + (words.size() == 1 ? " argument" : " arguments"));
        }
        String model = modelFlags.choose(expected == 2 ? words.getFirst() : null);
        String text = words.getLast().equals("-") ? terminal.readAll() : words.getLast();
        int[] ids;
        Models.Found found = new Models(terminal).forced(modelFlags.force).obtain(model, modelFlags.offline);
        try (GgufFile file = GgufFile.open(found.path())) {
            Tokenizer tokenizer = Vocabularies.tokenizer(file);
            ids = tokenizer.encodeWithSpecials(text);
        }
        StringBuilder line = new StringBuilder();
        for (int id : ids) {
            line.append(line.isEmpty() ? "" : json ? "," : " ").append(id);
        }
        terminal.print(json ? "[" + line + "]\n" : line + "\n");
        return OK;
    }
}
