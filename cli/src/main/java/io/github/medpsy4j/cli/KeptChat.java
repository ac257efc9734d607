package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.SavedChat;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A conversation that outlives the process, or, without a name, does not. The conversation is written after each answer,
 * its KV cache, which may be hundreds of megabytes, at the end.
 */
final class KeptChat implements AutoCloseable {
    private final Terminal terminal;
    private final boolean isQuiet;
    private final SessionStore.Held held;
    private final Optional<SavedChat> saved;
    private Talk talk;
    private String modelName;

    private KeptChat(Terminal terminal, boolean isQuiet, SessionStore.Held held, Optional<SavedChat> saved) {
        this.terminal = terminal;
        this.isQuiet = isQuiet;
        this.held = held;
        this.saved = saved;
        modelName = saved.map(SavedChat::modelName).orElse("");
    }

    /** @param name of the session; null for none */
    static KeptChat open(Terminal terminal, boolean isQuiet, String name) throws IOException, Failure {
        if (name == null) {
            return new KeptChat(terminal, isQuiet, null, Optional.empty());
        }
        SessionStore.Held held = new SessionStore(terminal.environment()).hold(name);
        boolean opened = false;
        try {
            KeptChat kept = new KeptChat(terminal, isQuiet, held, held.read());
            opened = true;
            return kept;
        } finally {
            if (!opened) {
                held.close();
            }
        }
    }

    /** The model: the one that was asked for, else that of the session, else null for the default. */
    String model(String asked) {
        return asked == null
                ? saved.map(SavedChat::modelName)
                        .filter(name -> !name.isEmpty())
                        .orElse(null)
                : asked;
    }

    /** From now on this chat is the one to be kept. */
    void follow(Talk other, Optional<Models.Found> found) {
        talk = other;
        // Another machine's name for a model means nothing here: the session keeps the one that it had.
        modelName = found.map(f -> Models.asPath(f.name()).isPresent()
                        ? f.path().toAbsolutePath().toString()
                        : f.name())
                .orElse(modelName);
    }

    /** Puts what is kept into a new chat, and follows it; what the command line says goes first. */
    void restore(Talk into, Optional<Models.Found> found, AnswerFlags flags) throws IOException {
        follow(into, found);
        if (!isQuiet) {
            talk.notices(terminal::say);
        }
        if (saved.isEmpty()) {
            return;
        }
        talk.restore(saved.get());
        if (flags.system != null) {
            talk.system(flags.system);
        }
        if (flags.think != null || flags.thinkBudget != null) {
            talk.options(talk.options().toBuilder()
                    .think(flags.think == null ? saved.get().think() : flags.think)
                    .thinkBudget(flags.thinkBudget == null ? saved.get().thinkBudget() : flags.thinkBudget)
                    .build());
        }
        OptionalInt cached = talk.restoreCache(held.cacheFile());
        if (!isQuiet) {
            int turns = saved.get().turns();
            terminal.say("session " + held.name() + ": " + turns + (turns == 1 ? " turn" : " turns")
                    + (cached.isPresent() ? ", " + cached.getAsInt() + " tokens at hand" : ""));
        }
    }

    /** Writes the conversation as it is now. */
    void save() throws Failure {
        if (held == null || talk == null) {
            return;
        }
        try {
            talk.saved(modelName).write(held.chatFile());
        } catch (IOException e) {
            throw new Failure("session " + held.name() + " could not be kept: " + Failure.line(e), e);
        }
    }

    /** Writes the KV cache too; where that fails, nothing is lost but time. */
    void saveAll() throws Failure {
        save();
        if (held == null || talk == null) {
            return;
        }
        try {
            talk.saveCache(held.cacheFile());
        } catch (IOException e) {
            terminal.say("the KV cache of session " + held.name() + " could not be kept (" + Failure.line(e)
                    + "); the conversation was, and is computed anew next time");
        }
    }

    @Override
    public void close() throws IOException {
        if (held != null) {
            held.close();
        }
    }
}
