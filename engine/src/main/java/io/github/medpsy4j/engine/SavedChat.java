package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.SessionFile.Part;
import io.github.medpsy4j.engine.SessionFile.Reader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A conversation as it is kept on disk, without its KV cache, so that it can be read without its model.
 *
 * @param modelIdentity the {@link Model#identity} of the model that it was held with
 * @param modelName what the application calls that model
 * @param savedAt when
 * @param think what the template was told of thinking
 * @param thinkBudget the bound of the thinking; 0 for none
 * @param forgottenMessages how many of the messages after the system message had left the context
 * @param messages an optional system message, then those of {@code user}, {@code assistant} and {@code tool}
 */
public record SavedChat(
        String modelIdentity,
        String modelName,
        Instant savedAt,
        Think think,
        int thinkBudget,
        int forgottenMessages,
        List<ChatMessage> messages) {
    private static final String MAGIC = "MEDPSYCV";
    private static final int VERSION = 1;
    // The indices are what the file has.
    private static final List<Think> THINKS = List.of(Think.AUTO, Think.ON, Think.OFF);
    private static final List<String> ROLES = List.of("system", "user", "assistant", "tool");

    /** Stands for the role of an assistant that asked for calls, which follow. */
    private static final int ROLE_WITH_CALLS = ROLES.size();

    private static final String CONVERSATION = "the conversation";

    /** Copies the messages. */
    public SavedChat {
        Objects.requireNonNull(modelIdentity);
        Objects.requireNonNull(modelName);
        Objects.requireNonNull(savedAt);
        Objects.requireNonNull(think);
        messages = List.copyOf(messages);
    }

    /** Messages of the user. */
    public int turns() {
        return (int) messages.stream().filter(m -> m.role().equals("user")).count();
    }

    /** Writes it to a file, which is replaced as one step: whatever happens, the old one or the new one is there. */
    public void write(Path path) throws IOException {
        Part part = new Part()
                .string(modelIdentity)
                .string(modelName)
                .int64(savedAt.toEpochMilli())
                .int32(THINKS.indexOf(think))
                .int32(thinkBudget)
                .int32(forgottenMessages)
                .int32(messages.size());
        for (ChatMessage message : messages) {
            boolean hasCalls = !message.toolCalls().isEmpty();
            boolean isTool = message.role().equals("tool"); // which does not think: the call's id has the place
            part.int32(hasCalls ? ROLE_WITH_CALLS : ROLES.indexOf(message.role()))
                    .string(message.content())
                    .string(isTool ? message.toolCallId() : message.thinking());
            if (hasCalls) {
                part.int32(message.toolCalls().size());
                for (ToolCall call : message.toolCalls()) {
                    part.string(call.id()).string(call.name()).string(call.arguments());
                }
            }
        }
        SessionFile.write(path, MAGIC, VERSION, writer -> writer.part(part));
    }

    /**
     * Reads a file.
     *
     * @throws SessionFileException if it is damaged or of another format; the file is left as it is
     */
    public static SavedChat read(Path path) throws IOException {
        try (Reader in = new Reader(path, MAGIC, VERSION)) {
            in.begin(CONVERSATION);
            String identity = in.string("the model's identity");
            String name = in.string("the model's name");
            Instant savedAt = Instant.ofEpochMilli(in.int64("the time"));
            Think think = THINKS.get(in.index("thinking", THINKS.size()));
            int thinkBudget = in.index("the thinking budget", Integer.MAX_VALUE);
            int forgotten = in.index("the number of forgotten messages", Integer.MAX_VALUE);
            int count = in.count("the number of messages", 3 * Integer.BYTES);
            List<ChatMessage> messages = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                int role = in.index("the role of message " + i, ROLE_WITH_CALLS + 1);
                if (role == 0 && i > 0) {
                    throw in.fail("the role of message " + i, "user or assistant", "system");
                }
                messages.add(message(in, role));
            }
            int turnMessages = count - (count > 0 && messages.getFirst().role().equals("system") ? 1 : 0);
            if (forgotten > turnMessages) {
                throw in.fail("the number of forgotten messages", "at most " + turnMessages, forgotten);
            }
            in.end(CONVERSATION);
            in.endOfFile();
            return new SavedChat(identity, name, savedAt, think, thinkBudget, forgotten, messages);
        }
    }

    private static ChatMessage message(Reader in, int role) throws IOException {
        String content = in.string("a message");
        String thinking = in.string("a thinking");
        if (role == ROLE_WITH_CALLS) {
            int count = in.count("the number of calls", 3 * Integer.BYTES);
            List<ToolCall> calls = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                calls.add(new ToolCall(
                        in.string("a call's id"), in.string("a call's tool"), in.string("a call's arguments")));
            }
            return ChatMessage.assistant(content, thinking, calls);
        }
        return ROLES.get(role).equals("tool")
                ? ChatMessage.tool(thinking, content)
                : new ChatMessage(ROLES.get(role), content, thinking);
    }
}
