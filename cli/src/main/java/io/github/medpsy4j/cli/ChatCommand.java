package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.models.ModelStore;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
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
            "  medpsy chat --remote http://desktop:8080 --fallback local",
            "  printf 'What is a stroke?\\nAnd a TIA?\\n' | medpsy chat"
        })
final class ChatCommand extends BaseCommand {
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

    @Mixin
    RemoteFlags remoteFlags;

    @Option(
            names = {"-q", "--quiet"},
            description = "Nothing on stderr but errors: no thinking, no figures.")
    boolean quiet;

    @Option(names = "--hide-thinking", description = "Show only that the model thinks; /thinking show shows it.")
    boolean hideThinking;

    @Option(names = "--show-thinking", description = "Show the thinking, dimmed (the default).")
    boolean showThinking;

    @Option(names = "--incognito", description = "Keep nothing that is typed in the history.")
    boolean incognito;

    ChatCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        Ranges ranges = new Ranges(spec);
        answerFlags.check(ranges);
        loadFlags.check(ranges);
        sessionFlags.check(ranges);
        remoteFlags.check(this, ranges, modelFlags, answerFlags, loadFlags);
        if (hideThinking && showThinking) {
            throw usage("--show-thinking and --hide-thinking contradict each other");
        }
        String name = modelFlags.choose(positional);
        Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
        try (KeptChat kept = KeptChat.open(terminal, quiet, sessionFlags.name);
                Conversation conversation = new Conversation(
                        terminal,
                        models,
                        loadFlags.options(answerFlags.context),
                        answerFlags,
                        remoteFlags,
                        modelFlags.offline,
                        quiet,
                        isVerbose())) {
            String fallback = kept.model(remoteFlags.fallbackModel());
            if (remoteFlags.isGiven()) {
                conversation.begin(remoteFlags.connect(this, conversation::tell), name, fallback);
            } else {
                conversation.begin(kept.model(name));
            }
            kept.restore(conversation.talk(), conversation.found(), answerFlags);
            SessionStore sessions = new SessionStore(terminal.environment());
            try (ChatConsole console = console(models, sessions)) {
                conversation.notices(console::say);
                new ChatLoop(conversation, console, kept, sessions, fallback, !hideThinking).run();
            }
            kept.saveAll();
            return OK;
        }
    }

    private ChatConsole console(Models models, SessionStore sessions) {
        if (!terminal.isScreen()) {
            return new PlainConsole(terminal, quiet, remoteFlags.hasFallback() && !terminal.outIsTerminal());
        }
        ChatCompleter completer = new ChatCompleter(() -> namesOf(models), () -> namesOf(sessions));
        return EditorConsole.open(terminal, ModelStore.home(terminal.environment()), incognito, quiet, completer)
                .orElseGet(() -> new PlainConsole(terminal, quiet, false));
    }

    private static List<String> namesOf(Models models) {
        Set<String> names = new TreeSet<>();
        new ModelFlags.Names().forEach(names::add);
        try {
            models.store().installed().forEach(m -> names.add(m.name()));
        } catch (IOException unreadable) {
            return List.copyOf(names); // the catalogue's will do
        }
        return List.copyOf(names);
    }

    private static List<String> namesOf(SessionStore sessions) {
        try {
            return sessions.list().stream().map(SessionStore.Entry::name).toList();
        } catch (IOException unreadable) {
            return List.of(); // nothing to choose from
        }
    }

    static void requireTemplate(Model model) throws Failure {
        if (model.chatTemplate().isEmpty()) {
            throw new Failure(model.file().path()
                    + ": the file carries no chat template, so there is no conversation with it; "
                    + "medpsy run --raw lets it continue a text");
        }
    }
}
