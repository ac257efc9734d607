package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.template.RenderedPrompt;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A conversation: messages, and a session that computes only what is new in each rendered prompt, whatever was edited,
 * taken back or dropped by the template in between. Belongs to one thread at a time.
 */
public final class Chat implements AutoCloseable {
    private static final String SYSTEM = "system";
    private static final String USER = "user";
    private static final String ASSISTANT = "assistant";
    private static final String TOOL = "tool";

    /** Trimming leaves this part of the context in use, so that it does not happen at every turn. */
    private static final double TRIMMED_FILL = 0.75;

    /** A turn is trimmed for if less than this part of the context would be left to its answer. */
    private static final int ANSWER_ROOM_DIVISOR = 8;

    private final Model model;
    private final Session session;
    private final List<ChatMessage> messages = new ArrayList<>();
    private ChatOptions options;
    private Transcript transcript = new Transcript();
    private Consumer<String> notices = line -> {};
    private Generation lastGeneration;

    /** How many of the messages after the system message the model no longer sees: whole turns. */
    private int forgotten;

    Chat(Model model, ChatOptions options) {
        this.model = model;
        this.session = model.session();
        options(options);
    }

    /** The options, with the system message as it is now. */
    public ChatOptions options() {
        return options;
    }

    /** Replaces the options, the system message among them; they take effect with the next answer. */
    public void options(ChatOptions value) {
        options = value;
        if (hasSystem()) {
            messages.removeFirst();
        }
        if (!value.system().isEmpty()) {
            messages.addFirst(ChatMessage.system(value.system()));
        }
    }

    /** Replaces the system message; empty for none. */
    public void system(String text) {
        options(options.toBuilder().system(text).build());
    }

    /**
     * Receives a line for people for what the conversation does by itself: turns that leave a full context, a saved
     * cache that cannot be used, a call of a tool that is none.
     */
    public void notices(Consumer<String> listener) {
        notices = Objects.requireNonNull(listener);
    }

    /** The messages so far, those included that the model no longer sees. */
    public List<ChatMessage> messages() {
        return Collections.unmodifiableList(messages);
    }

    /**
     * Replaces the whole conversation.
     *
     * @param value an optional system message, then messages of {@code user}, {@code assistant} and {@code tool}
     * @throws IllegalArgumentException if another role is among them, or a system message not in front
     */
    public void messages(List<ChatMessage> value) {
        for (int i = 0; i < value.size(); i++) {
            String role = value.get(i).role();
            if (!List.of(USER, ASSISTANT, TOOL).contains(role) && !(i == 0 && role.equals(SYSTEM))) {
                throw new IllegalArgumentException("message " + i + ": expected the role user, assistant"
                        + (i == 0 ? ", tool or system" : " or tool") + ", got " + role);
            }
        }
        List<ChatMessage> copy = List.copyOf(value);
        messages.clear();
        messages.addAll(copy);
        forgotten = 0;
        options = options.toBuilder()
                .system(hasSystem() ? messages.getFirst().content() : "")
                .build();
    }

    /** The session that holds the conversation's tokens. */
    public Session session() {
        return session;
    }

    /** What the last answer cost; empty before the first. */
    public Optional<Generation> lastGeneration() {
        return Optional.ofNullable(lastGeneration);
    }

    /** The oldest turns that the model no longer sees, because the context was full. */
    public int forgottenTurns() {
        return turnsIn(messages.subList(firstTurn(), firstTurn() + forgotten));
    }

    /** Forgets the conversation, but for the system message. */
    public void clear() {
        messages.subList(firstTurn(), messages.size()).clear();
        forgotten = 0;
    }

    /**
     * Takes the last user's message and all after it back.
     *
     * @return its text; empty if there is none
     */
    public Optional<String> undo() {
        int at = lastUser();
        if (at < 0) {
            return Optional.empty();
        }
        String text = messages.get(at).content();
        messages.subList(at, messages.size()).clear();
        if (firstTurn() + forgotten >= messages.size()) {
            forgotten = 0; // nothing of it would be seen: the next answer tries with all again
        }
        return Optional.of(text);
    }

    /**
     * Sends a user's message and streams the answer.
     *
     * @param listener receives each piece and returns whether to go on; what was said until it refuses is kept
     * @throws ModelException if the model has no chat template, or one that knows no tools where there are some
     * @throws ContextFullException if the conversation no longer fits the context; the message is not kept then
     */
    public Answer send(String text, Predicate<ChatToken> listener) throws ModelException {
        return answerTo(messages.size(), List.of(ChatMessage.user(text)), listener);
    }

    /**
     * Sends a user's message and waits for the whole answer.
     *
     * @throws ModelException if the model has no chat template, or one that knows no tools where there are some
     * @throws ContextFullException if the conversation no longer fits the context; the message is not kept then
     */
    public Answer send(String text) throws ModelException {
        return send(text, piece -> true);
    }

    /**
     * Sends what came of the calls that the last answer asked for, and streams the next one, which may ask for calls in
     * turn.
     *
     * @param results {@link ChatMessage#tool} for each call, in their order
     * @throws IllegalStateException if the last answer asked for none
     * @throws IllegalArgumentException if the results are not those of its calls
     */
    public Answer sendToolResults(List<ChatMessage> results, Predicate<ChatToken> listener) throws ModelException {
        List<String> asked = messages.isEmpty()
                ? List.of()
                : messages.getLast().toolCalls().stream().map(ToolCall::id).toList();
        if (asked.isEmpty()) {
            throw new IllegalStateException("the last answer asked for no calls");
        }
        List<String> got = results.stream().map(ChatMessage::toolCallId).toList();
        if (!asked.equals(got)
                || !results.stream().allMatch(result -> result.role().equals(TOOL))) {
            throw new IllegalArgumentException("results: expected tools' messages for " + asked + ", got " + got);
        }
        return answerTo(messages.size(), results, listener);
    }

    /**
     * Answers the last user's message again; the answer before is lost, unless this one fails.
     *
     * @throws IllegalStateException if there is no user's message
     */
    public Answer retry(Predicate<ChatToken> listener) throws ModelException {
        int at = existingUser();
        return answerTo(at, List.of(messages.get(at)), listener);
    }

    /**
     * Replaces the last user's message and answers it; what was there before is lost, unless this fails.
     *
     * @throws IllegalStateException if there is no user's message
     */
    public Answer edit(String text, Predicate<ChatToken> listener) throws ModelException {
        return answerTo(existingUser(), List.of(ChatMessage.user(text)), listener);
    }

    private int existingUser() {
        int at = lastUser();
        if (at < 0) {
            throw new IllegalStateException("there is no user's message yet");
        }
        return at;
    }

    /** Puts what was said in place of messages[at..] and answers it; a failure leaves all as it was. */
    private Answer answerTo(int at, List<ChatMessage> said, Predicate<ChatToken> listener) throws ModelException {
        List<ChatMessage> tail = messages.subList(at, messages.size());
        List<ChatMessage> before = List.copyOf(tail);
        int forgottenBefore = forgotten;
        tail.clear();
        messages.addAll(said);
        boolean answered = false;
        try {
            Answer answer = answer(listener);
            messages.add(ChatMessage.assistant(answer.text(), answer.thinking(), answer.toolCalls()));
            answered = true;
            return answer;
        } finally {
            if (!answered) {
                messages.subList(at, messages.size()).clear();
                messages.addAll(before);
                forgotten = forgottenBefore;
            }
        }
    }

    private Answer answer(Predicate<ChatToken> listener) throws ModelException {
        int turnsBefore = forgottenTurns();
        Fitting fitting = promptThatFits();
        Prompt prompt = fitting.prompt;
        forgotten = fitting.forgotten;
        int turnsLeft = forgottenTurns() - turnsBefore;
        if (turnsLeft > 0) {
            notices.accept("the context of " + session.context() + " tokens is full: the oldest "
                    + (turnsLeft == 1 ? "turn leaves" : turnsLeft + " turns leave") + " it");
        }
        transcript.prompt(prompt);
        Generator generator = new Generator(session, options.answerSampling(), options.draft());
        AnswerStream stream =
                new AnswerStream(model.tokenizer(), prompt.opensThinking(), options, generator::force, listener);
        Generation generation = generator.generate(prompt.tokens(), options.maxTokens(), stream);
        stream.end();
        transcript.answer(stream.raw(), stream.tokens(), stream.keptChars(), stream.keptTokens());
        lastGeneration = stream.isStopped() ? generation.endedBy(FinishReason.STOP_TEXT) : generation;
        if (!stream.toolCallFault().isEmpty()) {
            notices.accept(stream.toolCallFault());
        }
        return new Answer(
                stream.answer(),
                stream.thoughts(),
                lastGeneration,
                turnsLeft,
                stream.toolCalls(),
                stream.toolCallFault());
    }

    /** A prompt of all messages but the first {@code forgotten} ones. */
    private record Fitting(int forgotten, Prompt prompt) {
        int length() {
            return prompt.length();
        }
    }

    private Fitting promptWithout(int forgottenMessages) throws ModelException {
        return new Fitting(
                forgottenMessages,
                transcript.tokenize(
                        model.tokenizer(),
                        Prompt.render(model, visible(forgottenMessages), options.think(), options.tools(), true)));
    }

    private Fitting promptThatFits() throws ModelException {
        Fitting whole = promptWithout(forgotten);
        int context = session.context();
        int answerRoom = context / ANSWER_ROOM_DIVISOR;
        if (options.maxTokens() > 0) {
            answerRoom = Math.min(answerRoom, options.maxTokens());
        }
        boolean trims = options.overflow() == ChatOptions.Overflow.TRIM && whole.length() > context - answerRoom;
        Fitting fitting = trims ? trimmed(whole) : whole;
        if (fitting.length() > context) {
            throw new ContextFullException(fitting.length(), context);
        }
        return fitting;
    }

    /** The prompt without as many of the oldest turns as it takes, or all but the last. */
    private Fitting trimmed(Fitting whole) throws ModelException {
        List<Integer> beginnings = new ArrayList<>();
        for (int i = forgotten + 1; firstTurn() + i < messages.size(); i++) {
            if (messages.get(firstTurn() + i).role().equals(USER)) {
                beginnings.add(i);
            }
        }
        int target = (int) (session.context() * TRIMMED_FILL);
        Fitting best = whole;
        int low = 0;
        int high = beginnings.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            Fitting tried = promptWithout(beginnings.get(middle));
            if (tried.length() <= target || low == beginnings.size() - 1) {
                best = tried;
                high = middle - 1;
            } else {
                low = middle + 1;
            }
        }
        return best;
    }

    /**
     * What fills the context now.
     *
     * @throws ModelException if the model has no chat template
     */
    public ContextUse context() throws ModelException {
        Tokenizer tokenizer = model.tokenizer();
        if (lastUser() < 0) {
            // Templates may refuse a conversation that nobody has begun.
            int system = hasSystem() ? tokenizer.encode(messages.getFirst().content()).length : 0;
            return new ContextUse(session.context(), system, List.of(), 0, 0);
        }
        List<ChatMessage> seen = visible(forgotten);
        RenderedPrompt rendered = Prompt.render(model, seen, options.think(), options.tools(), false);
        String text = rendered.text();
        int rest = transcript.tokenize(tokenizer, rendered).length();
        int at = 0;
        int system = 0;
        List<ContextUse.Turn> turns = new ArrayList<>();
        for (ChatMessage message : seen) {
            int count = 0;
            // A template may strip a text, put the thinking in front of it or leave it out.
            for (String part :
                    List.of(message.thinking().strip(), message.content().strip())) {
                int found = part.isEmpty() ? -1 : text.indexOf(part, at);
                if (found >= 0) {
                    at = found + part.length();
                    count += tokenizer.encode(part).length;
                }
            }
            rest -= count;
            switch (message.role()) {
                case SYSTEM -> system = count;
                case USER -> turns.add(new ContextUse.Turn(count, 0));
                default -> {
                    ContextUse.Turn turn = turns.isEmpty() ? new ContextUse.Turn(0, 0) : turns.removeLast();
                    turns.add(new ContextUse.Turn(turn.user(), turn.assistant() + count));
                }
            }
        }
        return new ContextUse(session.context(), system, turns, rest, forgottenTurns());
    }

    /**
     * The conversation as it can be kept.
     *
     * @param modelName what the application calls the model
     */
    public SavedChat saved(String modelName) {
        return new SavedChat(
                model.identity(),
                modelName,
                Instant.now(),
                options.think(),
                options.thinkBudget(),
                forgotten,
                messages);
    }

    /** Takes up a conversation that was kept, its system message and what the model was told of thinking among it. */
    public void restore(SavedChat saved) {
        messages(saved.messages());
        forgotten = saved.forgottenMessages();
        options(options.toBuilder()
                .think(saved.think())
                .thinkBudget(saved.thinkBudget())
                .build());
    }

    /** Writes the KV cache and what its tokens spell to a file, which is replaced as one step; nothing where it is empty. */
    public void saveCache(Path path) throws IOException {
        if (session.length() > 0) {
            session.save(path, transcript);
        }
    }

    /**
     * Takes up a KV cache that was kept. One that does not fit this model, or is damaged, is told in a notice, and the
     * conversation is computed anew with the next answer.
     *
     * @return whether it was taken up
     * @throws IOException if the file cannot be read
     */
    public boolean restoreCache(Path path) throws IOException {
        try {
            transcript = session.restoreWithTranscript(path);
            return true;
        } catch (SessionFileException e) {
            transcript = new Transcript();
            notices.accept(e.getMessage() + "; the conversation is computed anew");
            return false;
        }
    }

    private List<ChatMessage> visible(int forgottenMessages) {
        List<ChatMessage> seen = new ArrayList<>(messages);
        seen.subList(firstTurn(), firstTurn() + forgottenMessages).clear();
        return seen;
    }

    private boolean hasSystem() {
        return !messages.isEmpty() && messages.getFirst().role().equals(SYSTEM);
    }

    private int firstTurn() {
        return hasSystem() ? 1 : 0;
    }

    private int lastUser() {
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).role().equals(USER)) {
                return i;
            }
        }
        return -1;
    }

    private static int turnsIn(List<ChatMessage> some) {
        return (int) some.stream().filter(m -> m.role().equals(USER)).count();
    }

    @Override
    public void close() {
        session.close();
    }
}
