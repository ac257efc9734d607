package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatMessage;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The files of a chat: texts to attach, and conversations as JSON and Markdown. */
final class ChatFiles {
    /** No model's context holds more. */
    private static final long ATTACHED_BYTES_MAX = 4 << 20;

    private static final long SAVED_BYTES_MAX = 64 << 20;
    private static final String FORMAT = "medpsy-conversation";
    private static final int VERSION = 1;

    /** The first bytes of files that people would like to attach and that are no text. */
    private static final Map<String, String> BINARIES = Map.of(
            "%PDF", "a PDF; save it as text first (pdftotext does)",
            "PK\u0003\u0004", "a ZIP archive or an Office document; save it as text first",
            "\u0089PNG", "an image; the model reads text alone",
            "\u00ff\u00d8\u00ff", "an image; the model reads text alone",
            "GGUF", "a model");

    private ChatFiles() {}

    /** A conversation from a file. */
    record Saved(List<ChatMessage> messages) {}

    /**
     * The path that somebody typed: in quotes or not, spaces behind backslashes or not, {@code ~} for the home folder.
     */
    static Path path(String typed) {
        String text = typed.strip();
        boolean isQuoted = text.length() > 1
                && (text.charAt(0) == '"' || text.charAt(0) == '\'')
                && text.charAt(text.length() - 1) == text.charAt(0);
        if (isQuoted) {
            text = text.substring(1, text.length() - 1);
        }
        if (text.equals("~") || text.startsWith("~/") || text.startsWith("~\\")) {
            text = System.getProperty("user.home") + text.substring(1);
        }
        if (!isQuoted && text.contains("\\ ") && !Files.exists(Path.of(text))) {
            text = text.replace("\\ ", " ");
        }
        return Path.of(text);
    }

    /** A file's text, to be attached to a message. */
    static String readText(Path path) throws IOException, Failure {
        byte[] bytes = read(path, ATTACHED_BYTES_MAX);
        String text;
        int zero = -1;
        for (int i = 0; i < bytes.length && zero < 0; i++) {
            zero = bytes[i] == 0 ? i : -1;
        }
        String start = new String(bytes, 0, Math.min(8, bytes.length), java.nio.charset.StandardCharsets.ISO_8859_1);
        for (Map.Entry<String, String> binary : BINARIES.entrySet()) {
            if (start.startsWith(binary.getKey())) {
                throw new Failure(path + ": is " + binary.getValue());
            }
        }
        if (zero >= 0) {
            throw new Failure(path + ": offset " + zero + ": not a text; expected no byte 0");
        }
        text = Utf8.decode(path.toString(), bytes);
        text = text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (text.isBlank()) {
            throw new Failure(path + ": is empty");
        }
        return text;
    }

    /** A text as part of a message: its name, and fences that do not occur in it. */
    static String attached(Path path, String text) {
        String fence = "```";
        while (text.contains(fence)) {
            fence += "`";
        }
        return "File " + path.getFileName() + ":\n" + fence + "\n" + text + (text.endsWith("\n") ? "" : "\n") + fence
                + "\n\n";
    }

    private static byte[] read(Path path, long bytesMax) throws IOException, Failure {
        if (Files.isDirectory(path)) {
            throw new Failure(path + ": is a directory; expected a file");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new Failure(path + ": is no regular file");
        }
        long size = Files.size(path);
        if (size > bytesMax) {
            throw new Failure(path + ": too large; expected at most " + Sizes.readable(bytesMax) + ", got "
                    + Sizes.readable(size));
        }
        return Files.readAllBytes(path);
    }

    /** A conversation as {@link #load} reads it. */
    static String toSaved(String modelName, List<ChatMessage> messages) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("format", FORMAT);
        all.put("version", VERSION);
        all.put("model", modelName);
        all.put("messages", describe(messages));
        return Json.pretty(all);
    }

    /** The messages as the OpenAI API has them. */
    static String toJson(String modelName, List<ChatMessage> messages) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", modelName);
        all.put("messages", describe(messages));
        return Json.pretty(all);
    }

    private static List<Object> describe(List<ChatMessage> messages) {
        List<Object> list = new ArrayList<>();
        for (ChatMessage message : messages) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("role", message.role());
            map.put("content", message.content());
            if (!message.thinking().isEmpty()) {
                map.put("reasoning_content", message.thinking());
            }
            list.add(map);
        }
        return list;
    }

    static String toMarkdown(String modelName, List<ChatMessage> messages) {
        StringBuilder text =
                new StringBuilder("# Conversation with ").append(modelName).append("\n");
        for (ChatMessage message : messages) {
            text.append("\n## ")
                    .append(
                            switch (message.role()) {
                                case "user" -> "You";
                                case "assistant" -> "Model";
                                default -> "System";
                            })
                    .append("\n\n");
            if (!message.thinking().isBlank()) {
                message.thinking()
                        .strip()
                        .lines()
                        .forEach(l -> text.append("> ").append(l).append('\n'));
                text.append('\n');
            }
            text.append(message.content().strip()).append('\n');
        }
        return text.toString();
    }

    /** Reads what {@link #toSaved} or {@link #toJson} wrote, or an array of messages. */
    static List<ChatMessage> load(Path path) throws IOException, Failure {
        Object json = Json.parse(path.toString(), Utf8.decode(path.toString(), read(path, SAVED_BYTES_MAX)));
        if (json instanceof Map<?, ?> map) {
            if (map.containsKey("format") && !FORMAT.equals(map.get("format"))) {
                throw new Failure(path + ": expected the format " + FORMAT + ", got " + map.get("format"));
            }
            if (map.get("version") instanceof Integer version && version > VERSION) {
                throw new Failure(path + ": expected version " + VERSION + ", got " + version);
            }
            json = map.get("messages");
        }
        if (!(json instanceof List<?> list)) {
            throw new Failure(path + ": expected an array of messages, got " + Json.kindOf(json));
        }
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            String where = path + ": message " + i + ": ";
            if (!(list.get(i) instanceof Map<?, ?> map)) {
                throw new Failure(where + "expected an object, got " + Json.kindOf(list.get(i)));
            }
            messages.add(new ChatMessage(
                    text(where, map, "role", null),
                    text(where, map, "content", null),
                    text(where, map, "reasoning_content", "")));
        }
        return messages;
    }

    private static String text(String where, Map<?, ?> map, String key, String otherwise) throws Failure {
        Object value = map.get(key);
        if (value == null && otherwise != null) {
            return otherwise;
        }
        if (!(value instanceof String text)) {
            throw new Failure(where + key + ": expected a string, got " + Json.kindOf(value));
        }
        return text;
    }

    /** Writes a file that its owner alone can read, whole or not at all. */
    static void write(Path path, String text) throws IOException, Failure {
        if (Files.isDirectory(path)) {
            throw new Failure(path + ": is a directory; expected a file");
        }
        Path folder = path.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new Failure(folder + ": no such directory");
        }
        Path whole = Files.createTempFile(folder, ".medpsy-", ".part"); // for its owner alone, where systems know that
        try {
            Files.writeString(whole, text);
            try {
                Files.move(whole, path, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(whole, path, StandardCopyOption.REPLACE_EXISTING);
            }
        } finally {
            Files.deleteIfExists(whole);
        }
    }
}
