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
 * @param messages an optional system message, then those of {@code user} and {@code assistant}
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
    private static final List<String> ROLES = List.of("system", "user", "assistant");
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
            part.int32(ROLES.indexOf(message.role())).string(message.content()).string(message.thinking());
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
                int role = in.index("the role of message " + i, ROLES.size());
                if (role == 0 && i > 0) {
                    throw in.fail("the role of message " + i, "user or assistant", "system");
                }
                messages.add(new ChatMessage(ROLES.get(role), in.string("a message"), in.string("a thinking")));
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
}
