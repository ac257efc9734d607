package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ContextUse;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.SavedChat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/** A conversation that this machine answers. */
final class LocalTalk implements Talk {
    private final Model model;
    private final Chat chat;

    /** @param model is not closed with this */
    LocalTalk(Model model, ChatOptions options) {
        this.model = model;
        this.chat = model.chat(options);
    }

    @Override
    public List<ChatMessage> messages() {
        return chat.messages();
    }

    @Override
    public void messages(List<ChatMessage> value) {
        chat.messages(value);
    }

    @Override
    public void clear() {
        chat.clear();
    }

    @Override
    public Optional<String> undo() {
        return chat.undo();
    }

    @Override
    public Answer send(String text, Listener listener) throws IOException {
        return chat.send(text, listener);
    }

    @Override
    public Answer retry(Listener listener) throws IOException {
        return chat.retry(listener);
    }

    @Override
    public Answer edit(String text, Listener listener) throws IOException {
        return chat.edit(text, listener);
    }

    @Override
    public ChatOptions options() {
        return chat.options();
    }

    @Override
    public void options(ChatOptions value) {
        chat.options(value);
    }

    @Override
    public Map<String, String> settings() {
        return ChatSettings.values(chat.options());
    }

    @Override
    public void set(String name, String value) {
        chat.options(ChatSettings.with(chat.options(), name, value, model.vocabularySize()));
    }

    @Override
    public Place place() {
        return place(chat.session().length(), chat.session().context());
    }

    /** An answer's that left so much of the context filled. */
    static Place place(int used, int context) {
        return new Place(String.format(Locale.ROOT, "context %,d of %,d", used, context), false);
    }

    @Override
    public OptionalInt tokens(String text) {
        return OptionalInt.of(model.tokenizer().encode(text).length);
    }

    @Override
    public OptionalInt contextSize() {
        return OptionalInt.of(chat.session().context());
    }

    @Override
    public ContextUse contextUse() throws IOException {
        return chat.context();
    }

    @Override
    public void notices(Consumer<String> listener) {
        chat.notices(listener);
    }

    @Override
    public SavedChat saved(String modelName) {
        return chat.saved(modelName);
    }

    @Override
    public void restore(SavedChat saved) {
        chat.restore(saved);
    }

    @Override
    public OptionalInt restoreCache(Path path) throws IOException {
        return Files.exists(path) && chat.restoreCache(path)
                ? OptionalInt.of(chat.session().length())
                : OptionalInt.empty();
    }

    @Override
    public void saveCache(Path path) throws IOException {
        chat.saveCache(path);
    }

    @Override
    public void close() {
        chat.close();
    }
}
