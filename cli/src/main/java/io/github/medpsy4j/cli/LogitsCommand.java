package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Session;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Ids to logits. */
@Command(
        name = "logits",
        header = "Compute logits of token ids.",
        customSynopsis = "medpsy logits [OPTIONS] [MODEL] --ids FILE --out FILE",
        description = {
            "Writes rows of float32, little-endian: as many rows as ids, each as long as the model's output, for the "
                    + "token that would come next."
        },
        footer = {
            "  medpsy logits model.gguf --ids ids.json --out logits.f32",
            "  medpsy tokenize model.gguf 'Hello' --json | medpsy logits model.gguf --ids - --out logits.f32"
        })
final class LogitsCommand extends BaseCommand {
    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Name, NAME:QUANT or path (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    String positional;

    @Option(names = "--ids", required = true, paramLabel = "FILE", description = "A JSON array of ids; - reads stdin.")
    String ids;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "Where the rows go.")
    Path out;

    @Option(
            names = {"-c", "--context"},
            paramLabel = "N",
            description = "Tokens of context (default: as many as there are ids).")
    Integer context;

    @Option(
            names = {"-q", "--quiet"},
            description = "Nothing on stderr but errors.")
    boolean quiet;

    @Mixin
    ModelFlags modelFlags;

    @Mixin
    LoadFlags loadFlags;

    LogitsCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        Ranges ranges = new Ranges(spec);
        ranges.check("--context", context, 1, Integer.MAX_VALUE);
        loadFlags.check(ranges);
        String name = modelFlags.choose(positional);
        int[] tokens = readIds();
        Models models = new Models(terminal).forced(modelFlags.force);
        Models.Found found = models.obtain(name, modelFlags.offline);
        int contextUsed = context == null ? tokens.length : context;
        boolean isInPlace = Files.exists(out) && !Files.isRegularFile(out);
        if (Files.isDirectory(out)) {
            throw new Failure(out + ": is a directory; expected a file");
        }
        // A device or a pipe is written to as it is. A file appears when it is whole.
        Path target = isInPlace ? out : temporary();
        try (Model model = models.load(found, loadFlags.options(contextUsed), quiet, isVerbose())) {
            check(tokens, model.vocabularySize());
            try (OutputStream stream = Files.newOutputStream(target)) {
                write(model, tokens, stream);
            }
            if (!isInPlace) {
                Files.move(target, out, StandardCopyOption.REPLACE_EXISTING);
            }
            if (!quiet) {
                terminal.say(String.format(
                        Locale.ROOT, "%,d rows of %,d float32 in %s", tokens.length, model.vocabularySize(), out));
            }
        } finally {
            if (!isInPlace) {
                Files.deleteIfExists(target);
            }
        }
        return OK;
    }

    private Path temporary() throws IOException, Failure {
        Path folder = out.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new Failure(out + ": its folder does not exist");
        }
        return folder.resolve(
                "." + out.getFileName() + "." + ProcessHandle.current().pid() + ".part");
    }

    private int[] readIds() throws IOException, Failure {
        String source = Inputs.nameOf(ids);
        Object parsed = Json.parse(source, Inputs.read(terminal, ids));
        if (!(parsed instanceof List<?> list)) {
            throw new Failure(source + ": expected a JSON array of ids, got " + Json.kindOf(parsed));
        }
        if (list.isEmpty()) {
            throw new Failure(source + ": expected at least one id, got none");
        }
        int[] tokens = new int[list.size()];
        for (int i = 0; i < tokens.length; i++) {
            if (!(list.get(i) instanceof Integer id)) {
                throw new Failure(source + ": element " + i + ": expected an id, got " + Json.shown(list.get(i)));
            }
            tokens[i] = id;
        }
        return tokens;
    }

    private void check(int[] tokens, int vocabulary) throws Failure {
        for (int i = 0; i < tokens.length; i++) {
            if (tokens[i] < 0 || tokens[i] >= vocabulary) {
                throw new Failure(Inputs.nameOf(ids) + ": element " + i + ": expected an id from 0 to "
                        + (vocabulary - 1) + ", got " + tokens[i]);
            }
        }
    }

    private static void write(Model model, int[] tokens, OutputStream stream) throws IOException {
        ByteBuffer row = ByteBuffer.allocate(Math.multiplyExact(model.vocabularySize(), Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        try (Session session = model.session()) {
            session.append(tokens, (index, logits, offset) -> {
                row.clear().asFloatBuffer().put(logits, offset, model.vocabularySize());
                try {
                    stream.write(row.array());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
