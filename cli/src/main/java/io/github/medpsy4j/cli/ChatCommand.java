package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.engine.template.TemplateException;
import io.github.medpsy4j.models.ModelFile;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A conversation: a line in, an answer out. */
@Command(
        name = "chat",
        header = "Converse with a model (also: no command).",
        customSynopsis = "medpsy chat [OPTIONS] [MODEL]",
        description = {
            "Without a terminal it answers each line of its input and ends with it: answers on stdout, thinking "
                    + "and all else on stderr."
        },
        footer = {
            "  medpsy chat",
            "  medpsy chat medpsy-4b --think off --system 'Answer in two sentences.'",
            "  medpsy chat ./model.gguf --temp 0",
            "  medpsy chat --session asthma",
            "  printf 'What is a stroke?\\nAnd a TIA?\\n' | medpsy chat"
        })
final class ChatCommand extends BaseCommand {
    private static final Pattern COMMAND = Pattern.compile("/[a-zA-Z?]+");
    private static final String HELP = """
            /help   this list
            /clear  forget the conversation
            /bye    leave, as Ctrl-D does
            Ctrl-C  end the answer
            """;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Name, NAME:QUANT or path (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    String positional;

    @Mixin
    ModelFlags modelFlags;

    @Mixin
    AnswerFlags answerFlags;

    @Mixin
    LoadFlags loadFlags;

    @Mixin
    SessionFlags sessionFlags;

    @Option(
            names = {"-q", "--quiet"},
            description = "Nothing on stderr but errors: no thinking, no figures.")
    boolean quiet;

    /** Ctrl-C since the current answer began; below 0 while nothing is being answered. */
    private final AtomicInteger interrupts = new AtomicInteger(-1);

    ChatCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        Ranges ranges = new Ranges(spec);
        answerFlags.check(ranges);
        loadFlags.check(ranges);
        sessionFlags.check(ranges);
        String name = modelFlags.choose(positional);
        Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
        try (KeptChat kept = KeptChat.open(terminal, quiet, sessionFlags.name)) {
            Models.Found found = models.obtain(kept.model(name), modelFlags.offline);
            try (Model model = models.load(found, loadFlags.options(answerFlags.context), quiet, isVerbose())) {
                requireTemplate(model);
                SamplingOptions sampling = answerFlags.sampling(found.known().flatMap(ModelFile::sampling));
                AnswerFlags.present(sampling, model, terminal, isVerbose());
                try (Chat chat = model.chat(answerFlags.chatOptions(sampling))) {
                    kept.restore(chat, found, answerFlags);
                    int code = terminal.inIsTerminal() ? converse(chat, kept) : answerLines(chat, kept);
                    kept.saveAll();
                    return code;
                }
            }
        }
    }

    static void requireTemplate(Model model) throws Failure {
        if (model.chatTemplate().isEmpty()) {
            throw new Failure(model.file().path()
                    + ": the file carries no chat template, so there is no conversation with it; "
                    + "medpsy run --raw lets it continue a text");
        }
    }

    private int answerLines(Chat chat, KeptChat kept) throws IOException, Failure {
        LineReader lines = new LineReader(terminal.in());
        for (String line; (line = lines.next()) != null; ) {
            if (line.isBlank()) {
                continue;
            }
            if (COMMAND.matcher(line.strip()).matches()) {
                if (!obey(chat, line.strip())) {
                    break;
                }
                continue;
            }
            answer(chat, line);
            kept.save();
        }
        return OK;
    }

    private int converse(Chat chat, KeptChat kept) throws IOException, Failure {
        boolean survivesInterrupts = Interrupts.handle(this::interrupted);
        if (!quiet) {
            terminal.say("/help lists what else you can type; "
                    + (survivesInterrupts ? "Ctrl-C ends an answer, " : "")
                    + "Ctrl-D leaves");
        }
        LineReader lines = new LineReader(terminal.in());
        while (true) {
            terminal.err().print("> ");
            terminal.err().flush();
            try {
                String line = lines.next();
                if (line == null) {
                    terminal.err().println();
                    return OK;
                }
                if (line.isBlank()) {
                    continue;
                }
                if (COMMAND.matcher(line.strip()).matches()) {
                    if (!obey(chat, line.strip())) {
                        return OK;
                    }
                    continue;
                }
                answer(chat, line);
                kept.save();
            } catch (Failure | TemplateException | ContextFullException e) {
                terminal.say(Failure.line(e));
            }
        }
    }

    /** Does what a line with a slash says; false to leave. */
    private boolean obey(Chat chat, String command) {
        switch (command) {
            case "/bye", "/exit", "/quit" -> {
                return false;
            }
            case "/clear" -> {
                chat.clear();
                terminal.say("the conversation is forgotten");
            }
            case "/help", "/?" -> {
                terminal.err().print(HELP);
                terminal.err().flush();
            }
            default -> terminal.say(command + ": no such command; /help lists them");
        }
        return true;
    }

    private void answer(Chat chat, String message) throws IOException, Failure {
        AnswerPrinter printer = new AnswerPrinter(terminal, quiet, List.of(), () -> interrupts.get() > 0);
        interrupts.set(0);
        try {
            Answer answer = chat.send(message, printer);
            printer.end(
                    answer.generation(), chat.session().length(), chat.session().context());
        } catch (ContextFullException e) {
            throw new Failure(
                    "the conversation needs " + e.tokens() + " tokens, the context holds " + e.context()
                            + "; /clear forgets the conversation, --context N gives more",
                    e);
        } finally {
            interrupts.set(-1);
        }
    }

    private void interrupted() {
        int before = interrupts.getAndUpdate(n -> n < 0 ? n : n + 1);
        if (before < 0) {
            terminal.err().println();
            terminal.say("Ctrl-D or /bye leaves");
            terminal.err().print("> ");
            terminal.err().flush();
        } else if (before > 0) {
            // A long prompt is being read, which only the end of the process interrupts.
            terminal.err().println();
            terminal.err().flush();
            Runtime.getRuntime().halt(130);
        }
    }
}
