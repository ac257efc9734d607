package io.github.medpsy4j.cli;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The root command {@code medpsy}. Results go to stdout and everything else to stderr; the exit code is 0 for success,
 * 1 for a failure and 2 for a command line that cannot be understood.
 */
@Command(
        name = "medpsy",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "[COMMAND]",
        description = "MedPsy and other Qwen-style GGUF models in pure Java. Without a command: chat.",
        commandListHeading = "%nCommands:%n",
        footer = {
            "",
            "MODEL is a name from 'medpsy list --all', NAME:QUANT, the path of a GGUF file,",
            "hf:OWNER/REPO:QUANT or hf:OWNER/REPO/FILE on Hugging Face, ollama:NAME:TAG.",
            "A named model that is missing is pulled first.",
            "",
            "Examples:",
            "  medpsy                            converse with the default model",
            "  medpsy run -p 'What is metformin for?'",
            "  medpsy show model.gguf",
            "",
            "Environment:",
            "  MEDPSY_HOME          where models and the history are kept",
            "                       (default: medpsy in the platform's cache folder)",
            "  MEDPSY_MODEL         the default model (default: medpsy-1.7b)",
            "  MEDPSY_API_KEY       the key that medpsy serve asks for, and --remote sends",
            "  MEDPSY_OFFLINE       1 opens no connection, as --offline does",
            "  HF_ENDPOINT, HF_TOKEN, HTTPS_PROXY, NO_PROXY",
            "                       how models are pulled",
            "  HF_HOME, OLLAMA_MODELS",
            "                       where those programs keep models, which are used in place",
            "  MEDPSY_JAVA_HOME     the JDK to run on, 25 or newer",
            "  MEDPSY_JAVA_OPTS     more options for the JVM, separated by spaces",
            "",
            "Exit codes: 0 success, 1 failure, 2 a command line that cannot be understood."
        })
final class Main {
    @Option(
            names = "--verbose",
            scope = ScopeType.INHERIT,
            description = "Say more: how a model is loaded and sampled, where a failure comes from.")
    boolean verbose;

    /** The command that is about all others. */
    private static final String COMPLETION = "completion";

    /** In the order in which they are listed. */
    private static final Map<String, Function<Terminal, BaseCommand>> COMMANDS = commands();

    private Main() {}

    private static Map<String, Function<Terminal, BaseCommand>> commands() {
        Map<String, Function<Terminal, BaseCommand>> commands = new LinkedHashMap<>();
        commands.put("chat", ChatCommand::new);
        commands.put("run", RunCommand::new);
        commands.put("serve", ServeCommand::new);
        commands.put("pull", PullCommand::new);
        commands.put("list", ListCommand::new);
        commands.put("show", ShowCommand::new);
        commands.put("rm", RmCommand::new);
        commands.put("bench", BenchCommand::new);
        commands.put("tokenize", TokenizeCommand::new);
        commands.put("template", TemplateCommand::new);
        commands.put("logits", LogitsCommand::new);
        commands.put(COMPLETION, CompletionCommand::new);
        return commands;
    }

    /** Runs the command and ends the process with its exit code. */
    public static void main(String[] args) throws IOException, ClassNotFoundException {
        if (Boolean.getBoolean("medpsy.rehearse")) {
            System.exit(Rehearse.run() ? 0 : 1);
        }
        System.exit(run(Terminal.ofProcess(), args));
    }

    /** Runs the command; returns the exit code. */
    static int run(Terminal terminal, String... args) {
        Main main = new Main();
        int code;
        try {
            String[] all = withCommand(args);
            code = commandLine(main, terminal, named(all)).execute(all);
            if (code == CommandLine.ExitCode.OK) { // else the first failure has been told
                terminal.out().flush();
            }
        } catch (IOException | OutOfMemoryError e) {
            code = main.report(terminal, e);
        }
        terminal.err().flush();
        return code;
    }

    /** The whole command tree, for those who only read it. */
    static CommandLine commandLine() {
        return commandLine(new Main(), Terminal.ofProcess(), COMMANDS.keySet());
    }

    private static CommandLine commandLine(Main main, Terminal terminal, Set<String> names) {
        CommandLine commandLine = new CommandLine(main);
        COMMANDS.forEach((name, command) -> {
            if (names.contains(name)) {
                commandLine.addSubcommand(name, command.apply(terminal));
            }
        });
        for (CommandLine command : commandLine.getSubcommands().values()) {
            for (CommandSpec mixin : command.getCommandSpec().mixins().values()) {
                if (mixin.userObject() instanceof AnswerFlags flags) {
                    flags.addSamplingTo(command.getCommandSpec());
                }
            }
            if (command.getCommandSpec().userObject() instanceof ServeCommand) {
                ServeCommand.NOT_HERE.forEach(name ->
                        command.getCommandSpec().remove(command.getCommandSpec().findOption(name)));
            }
        }
        // A prompt may begin with '@' or stand in quotes of its own.
        commandLine.setExpandAtFiles(false);
        commandLine.setTrimQuotes(false);
        commandLine.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
        commandLine.setOut(new PrintWriter(new OutputStreamWriter(terminal.out(), StandardCharsets.UTF_8)));
        commandLine.setErr(terminal.err());
        commandLine.setExecutionExceptionHandler((failure, failed, parsed) -> main.report(terminal, failure));
        commandLine.setParameterExceptionHandler((failure, args) -> main.reportUsage(terminal, failure));
        return commandLine;
    }

    /**
     * The command that is named, or all where others matter too: for a list of them, or for what an unknown one may have meant.
     * To read all twelve commands' options takes 0.1 s more.
     */
    private static Set<String> named(String[] args) {
        int first = commandAt(args);
        return first < args.length && !args[first].equals(COMPLETION) && COMMANDS.containsKey(args[first])
                ? Set.of(args[first])
                : COMMANDS.keySet();
    }

    private static int commandAt(String[] args) {
        int first = 0;
        while (first < args.length && args[first].equals("--verbose")) {
            first++;
        }
        return first;
    }

    /** Puts {@code chat} where the command's name is left out. */
    private static String[] withCommand(String[] args) {
        int first = commandAt(args);
        if (first < args.length
                && (!args[first].startsWith("-")
                        || List.of("-h", "--help", "-V", "--version").contains(args[first]))) {
            return args;
        }
        List<String> all = new ArrayList<>(List.of(args));
        all.add(first, "chat");
        return all.toArray(String[]::new);
    }

    private int report(Terminal terminal, Throwable failure) {
        if (failure instanceof StdoutStream.ReaderGoneException
                || failure.getCause() instanceof StdoutStream.ReaderGoneException) {
            return CommandLine.ExitCode.OK;
        }
        if (verbose) {
            failure.printStackTrace(terminal.err());
        }
        terminal.say(Failure.line(failure));
        return CommandLine.ExitCode.SOFTWARE;
    }

    private int reportUsage(Terminal terminal, ParameterException failure) {
        if (verbose) {
            failure.printStackTrace(terminal.err());
        }
        CommandLine command = failure.getCommandLine();
        String message = failure instanceof UnmatchedArgumentException unmatched
                ? unmatched(command, unmatched)
                : failure.getMessage().replaceAll("\\R", " ");
        terminal.say(message + " (see " + command.getCommandSpec().qualifiedName() + " --help)");
        return CommandLine.ExitCode.USAGE;
    }

    private static String unmatched(CommandLine command, UnmatchedArgumentException failure) {
        String word = failure.getUnmatched().getFirst();
        String shown = "'" + Terminal.harmless(word) + "'";
        Set<String> known;
        if (failure.isUnknownOption()) {
            shown += ": no such option";
            known = command.getCommandSpec().optionsMap().keySet();
        } else if (command.getParent() == null) {
            shown += ": no such command";
            known = command.getSubcommands().keySet();
            if (Models.known(word).isPresent() || Models.asPath(word).isPresent()) {
                return shown + "; did you mean medpsy chat " + word + "?";
            }
        } else {
            return shown + ": one argument too many";
        }
        List<String> near = Near.of(word, known);
        return near.isEmpty() ? shown : shown + "; did you mean " + String.join(" or ", near) + "?";
    }
}
