package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.ContextUse;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.template.TemplateException;
import io.github.medpsy4j.models.UnknownModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Reads what is typed, answers messages and obeys commands until the end. */
final class ChatLoop {
    private static final int SHOWN_CHARS_MAX = 60;
    private static final int BAR_CELLS = 30;

    private final Conversation conversation;
    private final ChatConsole console;
    private final KeptChat kept;
    private final SessionStore sessions;
    private final String fallback;
    private boolean showsThinking;

    /** Texts of files that go in front of the next message. */
    private final StringBuilder attached = new StringBuilder();

    /** The last message as it was sent, and the part in front of it that files made. */
    private String lastSent = "";

    private String lastAttached = "";

    private Path ownFile;
    private Generation last; // null before the first answer
    private int answers;
    private long reusedTokens;
    private long computedTokens;
    private long generatedTokens;

    /**
     * @param kept where the conversation is written to after each answer
     * @param fallback the local model to go on with where another machine is gone; null for the default
     */
    ChatLoop(
            Conversation conversation,
            ChatConsole console,
            KeptChat kept,
            SessionStore sessions,
            String fallback,
            boolean showsThinking) {
        this.conversation = conversation;
        this.console = console;
        this.kept = kept;
        this.sessions = sessions;
        this.fallback = fallback;
        this.showsThinking = showsThinking;
    }

    /** Goes on until the input ends or somebody leaves; without a person, the first failure ends it too. */
    void run() throws IOException, Failure {
        while (true) {
            try {
                String typed = console.read();
                if (typed == null) {
                    return;
                }
                if (!typed.isBlank() && !take(typed)) {
                    return;
                }
            } catch (Failure
                    | TemplateException
                    | ContextFullException
                    | UnknownModelException
                    | InvalidPathException
                    | IOException e) {
                if (!console.isInteractive()
                        || e instanceof StdoutStream.ReaderGoneException
                        || conversation.talk() == null) {
                    throw e;
                }
                console.say(Failure.line(e));
            }
        }
    }

    /** Takes a line; false to leave. */
    private boolean take(String typed) throws IOException, Failure {
        switch (ChatLine.parse(typed)) {
            case ChatLine.Message message -> {
                if (!message.text().isBlank()) {
                    send(message.text());
                }
                return true;
            }
            case ChatLine.Command command -> {
                Optional<ChatCommandName> name = ChatCommandName.of(command.name());
                if (name.isEmpty()) {
                    List<String> near = Near.of(command.name(), ChatCommandName.words());
                    console.say("/" + command.name() + ": no such command; "
                            + (near.isEmpty() ? "" : "did you mean /" + String.join(" or /", near) + "? ")
                            + "/help lists them");
                    return true;
                }
                try {
                    return obey(name.get(), command.argument());
                } catch (IllegalArgumentException e) {
                    throw new Failure(e.getMessage(), e);
                }
            }
        }
    }

    private boolean obey(ChatCommandName command, String argument) throws IOException, Failure {
        Talk talk = conversation.talk();
        switch (command) {
            case BYE -> {
                return false;
            }
            case HELP -> console.print(ChatCommandName.helpText());
            case CLEAR -> {
                talk.clear();
                attached.setLength(0);
                kept.save();
                console.say("the conversation is forgotten");
            }
            case SYSTEM -> system(argument);
            case MODEL -> model(argument);
            case THINK -> think(argument);
            case THINKING -> thinking(argument);
            case SET -> set(argument);
            case RETRY -> retry();
            case UNDO -> undo();
            case EDIT -> edit(argument);
            case FILE -> attach(argument);
            case SAVE -> save(argument);
            case LOAD -> load(argument);
            case EXPORT -> export(argument);
            case STATS -> stats();
            case CONTEXT -> context();
        }
        return true;
    }

    // Answers

    private interface Turn {
        Answer with(Talk talk, Talk.Listener listener) throws IOException, Failure;
    }

    private void send(String text) throws IOException, Failure {
        String files = attached.toString();
        answer((talk, listener) -> talk.send(files + text, listener));
        attached.setLength(0);
        lastSent = files + text;
        lastAttached = files;
    }

    private void answer(Turn turn) throws IOException, Failure {
        try {
            answerOnce(turn);
        } catch (RemoteException e) {
            if (!conversation.isFallback(e)) {
                throw e;
            }
            conversation.fallBack(e, fallback);
            kept.follow(conversation.talk(), conversation.found());
            answerOnce(turn);
        }
        kept.save();
    }

    private void answerOnce(Turn turn) throws IOException, Failure {
        Talk talk = conversation.talk();
        ChatConsole.AnswerView view = console.answer(showsThinking);
        boolean isAnswered = false;
        try {
            Answer answer = turn.with(talk, view);
            isAnswered = true;
            view.end(answer.generation(), talk.place());
            Generation g = answer.generation();
            last = g;
            answers++;
            reusedTokens += g.reusedTokens();
            computedTokens += g.computedTokens();
            generatedTokens += g.generatedTokens();
        } catch (ContextFullException e) {
            throw new Failure(
                    "the conversation needs " + e.tokens() + " tokens, the context holds " + e.context()
                            + "; /clear forgets the conversation, --context N gives more",
                    e);
        } finally {
            if (!isAnswered) {
                view.abandon();
            }
        }
    }

    private Optional<String> lastMessage() {
        List<ChatMessage> messages = conversation.talk().messages();
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).role().equals("user")) {
                return Optional.of(messages.get(i).content());
            }
        }
        return Optional.empty();
    }

    private String existingMessage() throws Failure {
        return lastMessage().orElseThrow(() -> new Failure("there is no message yet"));
    }

    private void retry() throws IOException, Failure {
        existingMessage();
        answer(Talk::retry);
    }

    private void undo() throws IOException, Failure {
        existingMessage();
        String text = conversation.talk().undo().orElseThrow();
        kept.save();
        console.say("taken back: " + shortened(text));
    }

    private void edit(String argument) throws IOException, Failure {
        String whole = existingMessage();
        String files = whole.equals(lastSent) ? lastAttached : "";
        String text = argument;
        if (text.isEmpty()) {
            Optional<String> edited = console.edit(whole.substring(files.length()));
            if (edited.isEmpty() && !console.isInteractive()) {
                throw new Failure("/edit needs the new text here: /edit TEXT");
            }
            text = edited.orElse("");
            if (text.isBlank()) {
                console.say(
                        edited.isEmpty()
                                ? "nothing is changed (/edit TEXT replaces the last message)"
                                : "nothing is changed");
                return;
            }
        }
        String changed = files + text;
        answer((talk, listener) -> talk.edit(changed, listener));
        lastSent = changed;
        lastAttached = files;
    }

    // Settings

    private void system(String argument) throws IOException, Failure {
        Talk talk = conversation.talk();
        if (argument.isEmpty()) {
            String system = talk.options().system();
            console.say(system.isEmpty() ? "there is no system message" : "system message: " + system);
            return;
        }
        boolean isNone = argument.equals("none");
        talk.system(isNone ? "" : argument);
        kept.save();
        console.say(
                isNone ? "the system message is gone" : "the system message is set; it counts from the next answer");
    }

    private void model(String argument) throws IOException, Failure {
        if (!argument.isEmpty()) {
            try {
                conversation.continueWith(argument);
            } finally {
                if (conversation.talk() != null) {
                    kept.follow(conversation.talk(), conversation.found());
                }
            }
            kept.save();
            console.say("the conversation goes on with " + conversation.modelName());
            return;
        }
        console.say(conversation.whereabouts());
    }

    private void think(String argument) {
        Talk talk = conversation.talk();
        if (!argument.isEmpty()) {
            talk.options(talk.options().toBuilder()
                    .think(ChatSettings.think(argument))
                    .build());
        }
        console.say(
                switch (talk.options().think()) {
                    case ON -> "the model is told to think first";
                    case OFF -> "the model is told not to think first";
                    case AUTO -> "the model's template decides whether it thinks first";
                });
    }

    private void thinking(String argument) throws Failure {
        showsThinking = switch (argument.toLowerCase(Locale.ROOT)) {
            case "show" -> true;
            case "hide" -> false;
            case "" -> showsThinking;
            default -> throw new Failure("/thinking: expected show or hide, got '" + argument + "'");
        };
        console.say("thinking is " + (showsThinking ? "shown" : "hidden"));
    }

    private void set(String argument) {
        Talk talk = conversation.talk();
        Map<String, String> values = talk.settings();
        if (argument.isEmpty()) {
            int width = values.keySet().stream().mapToInt(String::length).max().orElse(0);
            StringBuilder text = new StringBuilder();
            values.forEach((name, value) -> text.append(String.format("%-" + width + "s  %s%n", name, value)));
            console.print(text.toString());
            return;
        }
        // Also as they stand in a file of parameters: temp=0.6.
        String[] words = argument.split("(\\s*=\\s*|\\s+)", 2);
        String name = ChatSettings.plainName(words[0]);
        if (words.length == 1 && values.containsKey(name)) {
            console.say(name + " " + values.get(name));
            return;
        }
        talk.set(name, words.length == 1 ? "" : words[1].strip());
        Map<String, String> after = talk.settings();
        after.forEach((key, value) -> {
            if (!value.equals(values.get(key))) {
                console.say(key + " " + value + " (was " + values.get(key) + ")");
            }
        });
        if (after.equals(values)) {
            console.say(name + " is as it was");
        }
    }

    // Files

    private static void require(String argument, String usage) throws Failure {
        if (argument.isEmpty()) {
            throw new Failure("expected " + usage);
        }
    }

    private void attach(String argument) throws IOException, Failure {
        require(argument, "/file PATH");
        Path path = ChatFiles.path(argument);
        String text = ChatFiles.readText(path);
        String part = ChatFiles.attached(path, text);
        OptionalInt tokens = conversation.talk().tokens(part);
        OptionalInt context = conversation.talk().contextSize();
        if (tokens.isPresent() && context.isPresent() && tokens.getAsInt() >= context.getAsInt()) {
            throw new Failure(path + ": has " + tokens.getAsInt() + " tokens, the context holds " + context.getAsInt()
                    + " (--context N gives more)");
        }
        attached.append(part);
        console.say(String.format(
                Locale.ROOT,
                "%s: %s%s; it goes with your next message",
                path.getFileName(),
                Sizes.readable(Files.size(path)),
                tokens.isPresent() ? String.format(Locale.ROOT, ", %,d tokens", tokens.getAsInt()) : ""));
    }

    private void save(String argument) throws IOException, Failure {
        if (argument.isEmpty() && ownFile == null) {
            throw new Failure("expected /save PATH");
        }
        Path path = argument.isEmpty() ? ownFile : ChatFiles.path(argument);
        if (write(
                path,
                ChatFiles.toSaved(conversation.modelName(), conversation.talk().messages()))) {
            ownFile = path;
        }
    }

    private void export(String argument) throws IOException, Failure {
        require(argument, "/export PATH");
        Path path = ChatFiles.path(argument);
        boolean isJson = path.toString().toLowerCase(Locale.ROOT).endsWith(".json");
        List<ChatMessage> messages = conversation.talk().messages();
        write(
                path,
                isJson
                        ? ChatFiles.toJson(conversation.modelName(), messages)
                        : ChatFiles.toMarkdown(conversation.modelName(), messages));
    }

    private boolean write(Path path, String text) throws IOException, Failure {
        if (Files.exists(path) && !Files.isDirectory(path) && !path.equals(ownFile)) {
            if (!console.isInteractive()) {
                throw new Failure(path + ": is there already");
            }
            if (!console.confirm(path + " is there already; overwrite it?")) {
                console.say("nothing is written");
                return false;
            }
        }
        ChatFiles.write(path, text);
        console.say("written: " + path + ", " + Sizes.readable(Files.size(path)));
        return true;
    }

    private void load(String argument) throws IOException, Failure {
        require(argument, "/load PATH, or the name of a session");
        Path path = ChatFiles.path(argument);
        List<ChatMessage> messages;
        if (!Files.exists(path) && SessionStore.isName(argument) && hasSession(argument)) {
            messages = sessions.messages(argument);
        } else {
            messages = ChatFiles.load(path);
            ownFile = path;
        }
        conversation.talk().messages(messages);
        kept.save();
        long turns = messages.stream().filter(m -> m.role().equals("user")).count();
        console.say("the conversation has " + turns + (turns == 1 ? " turn" : " turns") + " now"
                + lastMessage().map(m -> ", the last: " + shortened(m)).orElse(""));
    }

    private boolean hasSession(String name) throws IOException {
        return sessions.list().stream().anyMatch(e -> e.name().equals(name));
    }

    private static String shortened(String text) {
        String line = text.strip().replaceAll("\\s+", " ");
        int length = line.codePointCount(0, line.length());
        return length <= SHOWN_CHARS_MAX
                ? line
                : line.substring(0, line.offsetByCodePoints(0, SHOWN_CHARS_MAX - 1)) + "…";
    }

    // Reports

    private void stats() {
        if (last == null) {
            console.say("there is no answer yet");
            return;
        }
        Generation g = last;
        console.print(String.format(
                Locale.ROOT,
                """
                last answer
                  prompt     %,d tokens: %,d reused, %,d computed in %.2f s (%.1f tokens/s)
                  answer     %,d tokens in %.2f s (%.1f tokens/s)
                  guessed    %,d tokens, %,d of them right
                  ended by   %s
                since the start
                  answers    %,d
                  prompts    %,d tokens reused, %,d computed
                  answers    %,d tokens
                """,
                g.promptTokens(),
                g.reusedTokens(),
                g.computedTokens(),
                g.promptNanos() / 1e9,
                AnswerPrinter.perSecond(g.computedTokens(), g.promptNanos()),
                g.generatedTokens(),
                g.generateNanos() / 1e9,
                AnswerPrinter.perSecond(g.generatedTokens(), g.generateNanos()),
                g.draftedTokens(),
                g.acceptedTokens(),
                switch (g.finishReason()) {
                    case END -> "the model";
                    case LENGTH -> "max-tokens";
                    case STOP_TEXT -> "a stop text";
                    case CONTEXT_FULL -> "the end of the context";
                    case INTERRUPTED -> "Ctrl-C";
                },
                answers,
                reusedTokens,
                computedTokens,
                generatedTokens));
    }

    private void context() throws IOException, Failure {
        ContextUse use = conversation.talk().contextUse();
        StringBuilder text = new StringBuilder();
        int filled = use.context() == 0 ? 0 : (int) Math.min(BAR_CELLS, (long) BAR_CELLS * use.used() / use.context());
        text.append(String.format(
                Locale.ROOT,
                "%s%s %,d of %,d tokens (%.0f %%)%n",
                "█".repeat(filled),
                "░".repeat(BAR_CELLS - filled),
                use.used(),
                use.context(),
                100.0 * use.used() / Math.max(1, use.context())));
        row(text, "template", use.template());
        if (use.system() > 0) {
            row(text, "system message", use.system());
        }
        for (int i = 0; i < use.turns().size(); i++) {
            ContextUse.Turn turn = use.turns().get(i);
            text.append(String.format(
                    Locale.ROOT,
                    "  %-16s %,8d  (you %,d, model %,d)%n",
                    "turn " + (use.forgottenTurns() + i + 1),
                    turn.tokens(),
                    turn.user(),
                    turn.assistant()));
        }
        row(text, "free", use.free());
        if (use.forgottenTurns() > 0) {
            text.append("  ").append(use.forgottenTurns()).append(" older turns have left the context\n");
        }
        console.print(text.toString());
    }

    private static void row(StringBuilder text, String name, int tokens) {
        text.append(String.format(Locale.ROOT, "  %-16s %,8d%n", name, tokens));
    }
}
