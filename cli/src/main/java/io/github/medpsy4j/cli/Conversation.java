package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.ModelFile;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** A chat with the model that holds it, which may be another one from one message to the next. */
final class Conversation implements AutoCloseable {
    private final Terminal terminal;
    private final Models models;
    private final LoadOptions loadOptions;
    private final AnswerFlags answerFlags;
    private final boolean isOffline;
    private final boolean isQuiet;
    private final boolean isVerbose;
    private Consumer<String> notices;
    private Models.Found found;
    private Model model;
    private Chat chat;
    private SamplingOptions ownSampling;

    Conversation(
            Terminal terminal,
            Models models,
            LoadOptions loadOptions,
            AnswerFlags answerFlags,
            boolean isOffline,
            boolean isQuiet,
            boolean isVerbose) {
        this.terminal = terminal;
        this.models = models;
        this.loadOptions = loadOptions;
        this.answerFlags = answerFlags;
        this.isOffline = isOffline;
        this.isQuiet = isQuiet;
        this.isVerbose = isVerbose;
        this.notices = terminal::say;
    }

    Chat chat() {
        return chat;
    }

    Model model() {
        return model;
    }

    Models.Found found() {
        return found;
    }

    /** What messages call the model. */
    String modelName() {
        return found.name();
    }

    /** Receives what the conversation has to tell from now on. */
    void notices(Consumer<String> listener) {
        notices = listener;
        chat.notices(isQuiet ? line -> {} : listener);
    }

    /** Loads the first model; null for the default. */
    void begin(String name) throws IOException, Failure {
        open(models.obtain(name, isOffline));
    }

    /**
     * Goes on with another model. The one before is closed first, because memory may not hold both; if the other cannot
     * be had, it is loaded again.
     */
    void continueWith(String name) throws IOException, Failure {
        Models.Found next = models.obtain(name, isOffline);
        Models.Found before = found;
        List<ChatMessage> messages = List.copyOf(chat.messages());
        ChatOptions options = chat.options();
        boolean isOwnSampling = options.sampling().equals(ownSampling);
        close();
        boolean isOpen = false;
        try {
            open(next);
            isOpen = true;
        } finally {
            if (!isOpen) {
                close();
                open(before);
                isOwnSampling = false;
                carryOver(messages, options, isOwnSampling);
            }
        }
        carryOver(messages, options, isOwnSampling);
    }

    private void carryOver(List<ChatMessage> messages, ChatOptions options, boolean isOwnSampling) {
        chat.options(isOwnSampling ? options.toBuilder().sampling(ownSampling).build() : options);
        chat.messages(messages);
        notices(notices);
    }

    private void open(Models.Found next) throws IOException, Failure {
        model = models.load(next, loadOptions, isQuiet, isVerbose);
        ChatCommand.requireTemplate(model);
        FirstUse.tell(terminal, next, isQuiet);
        ownSampling = answerFlags.sampling(next.known().flatMap(ModelFile::sampling));
        AnswerFlags.present(ownSampling, model, terminal, isVerbose);
        chat = model.chat(answerFlags.chatOptions(ownSampling));
        found = next;
    }

    @Override
    public void close() {
        if (chat != null) {
            chat.close();
            chat = null;
        }
        if (model != null) {
            model.close();
            model = null;
        }
    }
}
