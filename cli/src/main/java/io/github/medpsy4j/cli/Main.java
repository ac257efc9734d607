package io.github.medpsy4j.cli;

import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The root command {@code medpsy}. Results go to stdout and everything else to stderr; the exit code is 0 for success,
 * 1 for a failure and 2 for a command line that cannot be understood.
 */
@Command(
        name = "medpsy",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "MedPsy and other Qwen-style GGUF models in pure Java.",
        footer = {
            "",
            "Environment:",
            "  MEDPSY_HOME          where models and the history are kept",
            "                       (default: medpsy in the platform's cache folder)",
            "  MEDPSY_MODEL         the default model (default: medpsy-1.7b)",
            "  MEDPSY_JAVA_HOME     the JDK to run on, 25 or newer",
            "  MEDPSY_JAVA_OPTS     more options for the JVM, separated by spaces"
        })
final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--verbose", scope = ScopeType.INHERIT, description = "Show the stack trace of a failure.")
    boolean verbose;

    /** Whether the Vector API could be loaded; set before a command runs. */
    boolean vector;

    private Main() {}

    /** Runs the command and ends the process with its exit code. */
    public static void main(String[] args) throws IOException, ClassNotFoundException {
        if (Boolean.getBoolean("medpsy.rehearse")) {
            System.exit(Rehearse.run() ? 0 : 1);
        }
        System.exit(commandLine().execute(args));
    }

    /** The whole command tree, ready to parse or execute. */
    static CommandLine commandLine() {
        Main main = new Main();
        CommandLine commandLine = new CommandLine(main);
        commandLine.setExecutionStrategy(parsed -> {
            Integer answered = CommandLine.executeHelpRequest(parsed);
            if (answered != null) {
                return answered;
            }
            // Without it the engine runs, slowly, on scalar kernels, and says so in the line that names its kernels.
            main.vector = VectorModule.load();
            return new CommandLine.RunLast().execute(parsed);
        });
        commandLine.setExecutionExceptionHandler((failure, failed, parsed) -> {
            PrintWriter err = failed.getErr();
            if (main.verbose) {
                failure.printStackTrace(err);
            } else {
                String message = failure.getMessage();
                err.println("medpsy: " + (message == null ? failure.toString() : message));
            }
            err.flush();
            return CommandLine.ExitCode.SOFTWARE;
        });
        return commandLine;
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
