package io.github.medpsy4j.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the commands have in common: where they run, {@code --help} and {@code --version}. */
@Command(
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        synopsisHeading = "%nUsage: ",
        descriptionHeading = "%n",
        usageHelpAutoWidth = false,
        optionListHeading = "%nOptions:%n",
        parameterListHeading = "%n",
        footerHeading = "%nExamples:%n")
abstract class BaseCommand implements Callable<Integer> {
    static final int OK = 0;
    static final int FAILED = 1;

    final Terminal terminal;

    @Spec
    CommandSpec spec;

    BaseCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    /** A command line that cannot be understood: exit code 2. */
    ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** Whether {@code --verbose} was given, before or after the command's name. */
    boolean isVerbose() {
        return ((Main) spec.root().userObject()).verbose;
    }
}
