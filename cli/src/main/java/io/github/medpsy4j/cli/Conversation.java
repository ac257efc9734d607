package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.cli.remote.RemoteServer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.ModelFile;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A conversation with whoever answers it, which may change from one message to the next: another model, or this machine
 * where the other is gone.
 */
final class Conversation implements AutoCloseable {
    private final Terminal terminal;
    private final Models models;
    private final LoadOptions loadOptions;
    private final AnswerFlags answerFlags;
    private final RemoteFlags remoteFlags;
    private final boolean isOffline;
    private final boolean isQuiet;
    private final boolean isVerbose;
    private Consumer<String> notices;
    private Talk talk;
    private Models.Found found; // null where another machine answers, as are model and ownSampling
    private Model model;
    private SamplingOptions ownSampling;
    private RemoteTalk remote; // is talk where another machine answers, else null

    Conversation(
            Terminal terminal,
            Models models,
            LoadOptions loadOptions,
            AnswerFlags answerFlags,
            RemoteFlags remoteFlags,
            boolean isOffline,
            boolean isQuiet,
            boolean isVerbose) {
        this.terminal = terminal;
        this.models = models;
        this.loadOptions = loadOptions;
        this.answerFlags = answerFlags;
        this.remoteFlags = remoteFlags;
        this.isOffline = isOffline;
        this.isQuiet = isQuiet;
        this.isVerbose = isVerbose;
        this.notices = terminal::say;
    }

    /** Null if nobody answers any more, because no model could be loaded. */
    Talk talk() {
        return talk;
    }

    /** What messages call the model. */
    String modelName() {
        return remote == null ? found.name() : remote.place().text().replaceFirst("^by ", "");
    }

    /** The model and where it is. */
    String whereabouts() {
        return remote == null ? found.name() + " (" + found.path() + ")" : modelName();
    }

    /** The local model; empty where another machine answers. */
    Optional<Models.Found> found() {
        return Optional.ofNullable(found);
    }

    /** Tells something that goes on by itself, unless nothing is to be told. */
    void tell(String line) {
        if (!isQuiet) {
            notices.accept(line);
        }
    }

    /** Receives what the conversation has to tell from now on. */
    void notices(Consumer<String> listener) {
        notices = listener;
        talk.notices(this::tell);
    }

    /** Loads the first model; null for the default. */
    void begin(String name) throws IOException, Failure {
        open(models.obtain(name, isOffline));
    }

    /**
     * Has another machine answer; where it is gone already, this one.
     *
     * @param name the server's name of the model; null if it has only one
     * @param fallback the local model to fall back to; null for the default
     */
    void begin(RemoteServer other, String name, String fallback) throws IOException, Failure {
        if (remoteFlags.hasFallback() && !models.isHere(fallback)) {
            tell("the model to fall back to, " + (fallback == null ? models.defaultName() : fallback)
                    + ", is not on this machine; it would be pulled first (medpsy pull does so now)");
        }
        try {
            SamplingOptions sampling = answerFlags.sampling(Optional.empty());
            remote = new RemoteTalk(
                    other,
                    remoteFlags.model(other, name),
                    answerFlags.chatOptions(sampling),
                    answerFlags.setNames(),
                    Map.of());
            talk = remote;
            talk.notices(this::tell);
            FirstUse.tell(terminal, other, remote.model(), isQuiet);
            tell(modelName() + " answers");
        } catch (RemoteException e) {
            if (!isFallback(e)) {
                throw e;
            }
            tellFallback(e);
            begin(fallback);
        }
    }

    /** Whether this machine is to answer instead. */
    boolean isFallback(RemoteException e) {
        return e.isGone() && remoteFlags.hasFallback();
    }

    private void tellFallback(RemoteException e) {
        notices.accept(RemoteFlags.fallingBack(e));
    }

    /**
     * Goes on on this machine, with the messages so far and what the user set.
     *
     * @param fallback the local model; null for the default
     */
    void fallBack(RemoteException because, String fallback) throws IOException, Failure {
        tellFallback(because);
        RemoteTalk before = remote;
        boolean isOpen = false;
        try {
            open(models.obtain(fallback, isOffline));
            isOpen = true;
        } finally {
            if (!isOpen) {
                close();
                talk = before;
                remote = before;
            }
        }
        remote = null;
        talk.options(before.options().toBuilder()
                .sampling(SamplingSettings.copied(before.set(), before.options().sampling(), ownSampling))
                .build());
        talk.messages(before.messages());
        talk.notices(this::tell);
    }

    /**
     * Goes on with another model. The one before is closed first, because memory may not hold both; if the other cannot
     * be had, it is loaded again.
     */
    void continueWith(String name) throws IOException, Failure {
        if (remote != null) {
            remote.model(name);
            return;
        }
        Models.Found next = models.obtain(name, isOffline);
        Models.Found before = found;
        List<ChatMessage> messages = List.copyOf(talk.messages());
        ChatOptions options = talk.options();
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
        talk.options(isOwnSampling ? options.toBuilder().sampling(ownSampling).build() : options);
        talk.messages(messages);
        notices(notices);
    }

    private void open(Models.Found next) throws IOException, Failure {
        model = models.load(next, loadOptions, isQuiet, isVerbose);
        ChatCommand.requireTemplate(model);
        FirstUse.tell(terminal, next, isQuiet);
        ownSampling = answerFlags.sampling(next.known().flatMap(ModelFile::sampling));
        AnswerFlags.present(ownSampling, model, terminal, isVerbose);
        talk = new LocalTalk(model, answerFlags.chatOptions(ownSampling));
        found = next;
    }

    @Override
    public void close() {
        if (talk != null) {
            talk.close();
            talk = null;
        }
        if (model != null) {
            model.close();
            model = null;
        }
    }
}
