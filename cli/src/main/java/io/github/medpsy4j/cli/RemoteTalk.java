package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.cli.remote.RemoteReply;
import io.github.medpsy4j.cli.remote.RemoteServer;
import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Overflow;
import io.github.medpsy4j.engine.ContextUse;
import io.github.medpsy4j.engine.SavedChat;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;

/** A conversation that another machine answers, which gets all of it with each message. */
final class RemoteTalk implements Talk {
    private static final String SYSTEM = "system";
    private static final String USER = "user";
    private static final String SERVERS = "the server's";

    /** Where the server's context is full, this part of the turns leaves it at a time. */
    private static final int TRIM_DIVISOR = 4;

    private final RemoteServer server;
    private final Map<String, Object> constraint;
    private final Set<String> set;
    private final List<ChatMessage> messages = new ArrayList<>();
    private ChatOptions options;
    private String model;
    private String answeredBy = "";
    private Consumer<String> notices = line -> {};

    /** How many of the messages after the system message the server no longer gets: whole turns. */
    private int forgotten;

    /**
     * @param model the server's name of it; null to leave it to the server
     * @param set which sampling settings of the options the user set; the others are left to the server
     * @param constraint fields that say what an answer must keep to; empty for anything
     */
    RemoteTalk(
            RemoteServer server, String model, ChatOptions options, Set<String> set, Map<String, Object> constraint) {
        this.server = server;
        this.model = model;
        this.constraint = constraint;
        this.set = new LinkedHashSet<>(set);
        options(options);
    }

    /** What answers, as the server calls it; empty where it does not say. */
    String model() {
        return !answeredBy.isEmpty() ? answeredBy : model == null ? "" : model;
    }

    /** Goes on with another model of the server's. */
    void model(String name) {
        model = name;
        answeredBy = "";
    }

    /** Which sampling settings the user set. */
    Set<String> set() {
        return Collections.unmodifiableSet(set);
    }

    @Override
    public List<ChatMessage> messages() {
        return Collections.unmodifiableList(messages);
    }

    @Override
    public void messages(List<ChatMessage> value) {
        List<ChatMessage> copy = List.copyOf(value);
        messages.clear();
        messages.addAll(copy);
        forgotten = 0;
        options = options.toBuilder()
                .system(hasSystem() ? messages.getFirst().content() : "")
                .build();
    }

    @Override
    public void clear() {
        messages.subList(firstTurn(), messages.size()).clear();
        forgotten = 0;
    }

    @Override
    public Optional<String> undo() {
        int at = lastUser();
        if (at < 0) {
            return Optional.empty();
        }
        String text = messages.get(at).content();
        messages.subList(at, messages.size()).clear();
        if (firstTurn() + forgotten >= messages.size()) {
            forgotten = 0;
        }
        return Optional.of(text);
    }

    @Override
    public Answer send(String text, Listener listener) throws RemoteException {
        return answerTo(messages.size(), text, listener);
    }

    @Override
    public Answer retry(Listener listener) throws RemoteException {
        int at = lastUser();
        return answerTo(at, messages.get(at).content(), listener);
    }

    @Override
    public Answer edit(String text, Listener listener) throws RemoteException {
        return answerTo(lastUser(), text, listener);
    }

    /** Puts a user's message in place of messages[at..] and has it answered; a failure leaves all as it was. */
    private Answer answerTo(int at, String text, Listener listener) throws RemoteException {
        List<ChatMessage> before = List.copyOf(messages.subList(at, messages.size()));
        int forgottenBefore = forgotten;
        messages.subList(at, messages.size()).clear();
        messages.add(ChatMessage.user(text));
        boolean isAnswered = false;
        try {
            Answer answer = answer(listener);
            messages.add(ChatMessage.assistant(answer.text(), answer.thinking()));
            isAnswered = true;
            return answer;
        } finally {
            if (!isAnswered) {
                messages.subList(at, messages.size()).clear();
                messages.addAll(before);
                forgotten = forgottenBefore;
            }
        }
    }

    private Answer answer(Listener listener) throws RemoteException {
        int turnsBefore = turnsIn(forgotten);
        while (true) {
            try {
                RemoteReply reply = server.complete(request(), listener, listener::isInterrupted);
                answeredBy = reply.model();
                return new Answer(
                        reply.answer().text(),
                        reply.answer().thinking(),
                        reply.answer().generation(),
                        turnsIn(forgotten) - turnsBefore);
            } catch (RemoteException e) {
                int more = e.kind() == RemoteException.Kind.CONTEXT_FULL && options.overflow() == Overflow.TRIM
                        ? oldestTurns()
                        : forgotten;
                if (more == forgotten) {
                    throw e;
                }
                int turns = turnsIn(more) - turnsIn(forgotten);
                forgotten = more;
                notices.accept("the context of " + server.name() + " is full: the oldest "
                        + (turns == 1 ? "turn leaves" : turns + " turns leave") + " it");
            }
        }
    }

    /** The request for the next answer. */
    Map<String, Object> request() {
        List<ChatMessage> seen = new ArrayList<>(messages);
        seen.subList(firstTurn(), firstTurn() + forgotten).clear();
        return RemoteRequest.of(model, seen, options, set, constraint);
    }

    /** How many messages would be forgotten with a part more of the turns; as many as now if only one is left. */
    private int oldestTurns() {
        List<Integer> beginnings = new ArrayList<>();
        for (int i = forgotten + 1; firstTurn() + i < messages.size(); i++) {
            if (messages.get(firstTurn() + i).role().equals(USER)) {
                beginnings.add(i);
            }
        }
        return beginnings.isEmpty() ? forgotten : beginnings.get(beginnings.size() / TRIM_DIVISOR);
    }

    private int turnsIn(int forgottenMessages) {
        return (int) messages.subList(firstTurn(), Math.min(firstTurn() + forgottenMessages, messages.size())).stream()
                .filter(m -> m.role().equals(USER))
                .count();
    }

    @Override
    public ChatOptions options() {
        return options;
    }

    @Override
    public void options(ChatOptions value) {
        options = value;
        if (hasSystem()) {
            messages.removeFirst();
        }
        if (!value.system().isEmpty()) {
            messages.addFirst(ChatMessage.system(value.system()));
        }
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> values = new LinkedHashMap<>(ChatSettings.values(options));
        SamplingSettings.all().stream()
                .map(SamplingSettings.Setting::name)
                .filter(name -> !set.contains(name))
                .forEach(name -> values.put(name, SERVERS));
        return values;
    }

    @Override
    public void set(String name, String value) {
        // What a vocabulary rules out, the server will.
        ChatOptions changed = ChatSettings.with(options, name, value, Integer.MAX_VALUE);
        options(changed);
        boolean isAnySeed = value.strip().equals("-1");
        SamplingSettings.nameOf(name).ifPresent(n -> {
            if (n.equals("seed") && isAnySeed) {
                set.remove(n);
            } else {
                set.add(n);
            }
        });
    }

    @Override
    public Place place() {
        return new Place("by " + (model().isEmpty() ? "" : model() + " at ") + server.name(), true);
    }

    @Override
    public OptionalInt tokens(String text) {
        return OptionalInt.empty();
    }

    @Override
    public OptionalInt contextSize() {
        return OptionalInt.empty();
    }

    @Override
    public ContextUse contextUse() throws Failure {
        throw new Failure("what fills the context is known to " + server.name() + " alone");
    }

    @Override
    public void notices(Consumer<String> listener) {
        notices = listener;
    }

    @Override
    public SavedChat saved(String modelName) {
        return new SavedChat("", modelName, Instant.now(), options.think(), options.thinkBudget(), forgotten, messages);
    }

    @Override
    public void restore(SavedChat saved) {
        messages(saved.messages()); // also those that had left a smaller context
        options(options.toBuilder()
                .think(saved.think())
                .thinkBudget(saved.thinkBudget())
                .build());
    }

    @Override
    public OptionalInt restoreCache(Path path) {
        return OptionalInt.empty();
    }

    @Override
    public void saveCache(Path path) {
        // What was computed is elsewhere. A cache of an earlier answer of this machine stays good for its part.
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

    @Override
    public void close() {
        // A request has a connection of its own, and none goes on.
    }
}
