package io.github.medpsy4j.engine;

import io.github.medpsy4j.tokenizer.Decoder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;

/**
 * A conversation: messages, and a session that computes only what is new in each rendered prompt. Belongs to one thread
 * at a time.
 */
public final class Chat implements AutoCloseable {
    private final Model model;
    private final Session session;
    private final List<ChatMessage> messages = new ArrayList<>();
    private ChatOptions options;

    Chat(Model model, ChatOptions options) {
        this.model = model;
        this.session = model.session();
        options(options);
    }

    /** Replaces the options; a changed system message takes effect with the next message. */
    public void options(ChatOptions value) {
        options = value;
        if (!messages.isEmpty() && messages.getFirst().role().equals("system")) {
            messages.removeFirst();
        }
        if (!value.system().isEmpty()) {
            messages.addFirst(ChatMessage.system(value.system()));
        }
    }

    /** The messages so far. */
    public List<ChatMessage> messages() {
        return Collections.unmodifiableList(messages);
    }

    /** The session that holds the conversation's tokens. */
    public Session session() {
        return session;
    }

    /** Forgets the conversation, but for the system message. */
    public void clear() {
        messages.removeIf(m -> !m.role().equals("system"));
    }

    /**
     * Sends a user's message and streams the answer.
     *
     * @param listener receives each piece and returns whether to go on; what was said until it refuses is kept
     * @throws ModelException if the model has no chat template
     * @throws ContextFullException if the conversation no longer fits the context; the message is not kept then
     */
    public Answer send(String text, Predicate<ChatToken> listener) throws ModelException {
        messages.add(ChatMessage.user(text));
        try {
            Answer answer = answer(listener);
            messages.add(ChatMessage.assistant(answer.text(), answer.thinking()));
            return answer;
        } catch (ModelException | RuntimeException e) {
            messages.removeLast();
            throw e;
        }
    }

    private Answer answer(Predicate<ChatToken> listener) throws ModelException {
        Prompt prompt = Prompt.of(model, messages, options.think());
        StringBuilder answer = new StringBuilder();
        StringBuilder thoughts = new StringBuilder();
        boolean[] goOn = {true};
        Thinking thinking = new Thinking(prompt.opensThinking(), (piece, isThinking) -> {
            (isThinking ? thoughts : answer).append(piece);
            goOn[0] &= listener.test(new ChatToken(piece, isThinking));
        });
        Decoder decoder = model.tokenizer().decoder(false, true);
        Generator generator = new Generator(session, options.sampling());
        int[] close = model.tokenizer().encodeWithSpecials("\n" + Thinking.CLOSE + "\n\n");
        int[] thoughtTokens = {0};
        Generation generation = generator.generate(prompt.tokens(), options.maxTokens(), token -> {
            thinking.accept(decoder.accept(token));
            if (thinking.isThinking() && ++thoughtTokens[0] == options.thinkBudget()) {
                generator.force(close);
            }
            return goOn[0];
        });
        thinking.accept(decoder.flush());
        thinking.end();
        return new Answer(answer.toString(), thoughts.toString(), generation);
    }

    @Override
    public void close() {
        session.close();
    }
}
