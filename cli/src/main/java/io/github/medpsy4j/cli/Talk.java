package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatToken;
import io.github.medpsy4j.engine.ContextUse;
import io.github.medpsy4j.engine.SavedChat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A conversation, whoever computes its answers: this machine ({@link LocalTalk}) or another ({@link RemoteTalk}). An
 * answer that fails leaves it as it was.
 */
interface Talk extends AutoCloseable {
    /** Who listens to an answer. */
    interface Listener extends Predicate<ChatToken> {
        /** Whether to end at once, also before a piece has come. */
        boolean isInterrupted();

        static Listener of(Predicate<ChatToken> pieces, BooleanSupplier isInterrupted) {
            return new Listener() {
                @Override
                public boolean test(ChatToken token) {
                    return pieces.test(token);
                }

                @Override
                public boolean isInterrupted() {
                    return isInterrupted.getAsBoolean();
                }
            };
        }
    }

    /** The messages so far. */
    List<ChatMessage> messages();

    /** Replaces the whole conversation. */
    void messages(List<ChatMessage> value);

    /** Forgets the conversation, but for the system message. */
    void clear();

    /** Takes the last user's message and all after it back; empty if there is none. */
    Optional<String> undo();

    Answer send(String text, Listener listener) throws IOException, Failure;

    /** Answers the last user's message, which must be there, again. */
    Answer retry(Listener listener) throws IOException, Failure;

    /** Replaces the last user's message, which must be there, and answers it. */
    Answer edit(String text, Listener listener) throws IOException, Failure;

    ChatOptions options();

    /** Replaces the options, the system message among them. */
    void options(ChatOptions value);

    /** Replaces the system message; empty for none. */
    default void system(String text) {
        options(options().toBuilder().system(text).build());
    }

    /** Each of {@link ChatSettings} and its value, for people. */
    Map<String, String> settings();

    /** Changes one of them; an IllegalArgumentException says why not. */
    void set(String name, String value);

    /** For the line under an answer: what is filled, or who answered. */
    Place place();

    /**
     * Where an answer came from.
     *
     * @param text for the line under the answer: {@code context 51 of 16,384}
     * @param isElsewhere whether bounds that nobody set here may have ended it
     */
    record Place(String text, boolean isElsewhere) {}

    /** Tokens of a text; empty where they cannot be counted. */
    OptionalInt tokens(String text);

    /** Tokens that the context holds; empty where that is not known. */
    OptionalInt contextSize();

    /** What fills the context now. */
    ContextUse contextUse() throws IOException, Failure;

    /** Receives a line for people for what the conversation does by itself. */
    void notices(Consumer<String> listener);

    /** The conversation as it can be kept. */
    SavedChat saved(String modelName);

    /** Takes up a conversation that was kept. */
    void restore(SavedChat saved);

    /** Takes up what was computed of it, which speeds the next answer up; the tokens at hand, empty for none. */
    OptionalInt restoreCache(Path path) throws IOException;

    /** Writes what was computed of it, if there is anything of that kind. */
    void saveCache(Path path) throws IOException;

    @Override
    void close();
}
