package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.Catalogue;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.ModelNames;
import io.github.medpsy4j.models.UnknownModelException;
import java.util.Iterator;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that choose a model. */
final class ModelFlags {
    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            completionCandidates = Names.class,
            description = "The model, instead of the first argument.")
    String model;

    @Option(
            names = "--quant",
            paramLabel = "QUANT",
            description = "The quantization; --quant q8_0 makes NAME mean NAME:q8_0.")
    String quant;

    @Option(names = "--offline", description = "Open no connection, pull nothing (also: MEDPSY_OFFLINE=1).")
    boolean offline;

    @Option(names = "--force", description = "Pull and load also what memory or disk seem too small for.")
    boolean force;

    /** Whether no connection may be opened. */
    boolean isOffline(Terminal terminal) {
        return Models.isOffline(terminal, offline);
    }

    /** The model's name or path: the option's or the positional; null for the default. */
    String choose(String positional) {
        if (model != null && positional != null) {
            throw new ParameterException(
                    commandLine(), "two models given: --model " + model + " and the argument " + positional);
        }
        String chosen = model == null ? positional : model;
        if (chosen != null && chosen.isBlank()) {
            throw new ParameterException(commandLine(), "MODEL: expected a name or a path, got an empty text");
        }
        if (quant == null) {
            return chosen;
        }
        if (chosen != null && Models.asPath(chosen).isPresent()) {
            throw new ParameterException(
                    commandLine(), "--quant: " + chosen + " is a file, whose quantization is what it is");
        }
        BaseCommand command = (BaseCommand) spec.userObject();
        return withQuant(command, chosen == null ? new Models(command.terminal).defaultName() : chosen, quant);
    }

    /** A name with the quantization of {@code --quant}. */
    static String withQuant(BaseCommand command, String name, String quant) {
        try {
            return ModelNames.withQuant(name, quant);
        } catch (UnknownModelException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw command.usage("--quant " + quant + ": " + e.getMessage());
        }
    }

    private CommandLine commandLine() {
        return spec.commandLine();
    }

    /** The catalogue's names, for the shell's completion. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Catalogue.builtIn().files().stream()
                    .flatMap(f -> f.isDefaultQuant() ? Stream.of(f.model(), f.name()) : Stream.of(f.name()))
                    .iterator();
        }
    }

    /** The name that stands for a file in messages. */
    static String nameOf(ModelFile file) {
        return file.isDefaultQuant() ? file.model() : file.name();
    }
}
