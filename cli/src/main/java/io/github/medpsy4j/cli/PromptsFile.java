package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions.Think;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** A file of prompts: one a line, or a JSON object a line. A line that cannot be understood fails alone. */
final class PromptsFile {
    private static final Set<String> FIELDS = Set.of(
            "prompt", "messages", "id", "system", "max_tokens", "think", "think_budget", "stop", "seed", "metadata");
    private static final int INPUT_DIGITS = 16;

    /**
     * One line.
     *
     * @param number from 1
     * @param id the line's own, a text or a number, else its number
     * @param input a hash of the line, which tells whether a result is that of this line
     * @param problem why it cannot be answered; null if it can
     * @param messages what to answer; with {@code --raw} one message with the prompt
     * @param overrides what the line says instead of the command line
     * @param metadata to be carried along; null if there is none
     */
    record Line(
            int number,
            Object id,
            String input,
            String problem,
            List<ChatMessage> messages,
            Overrides overrides,
            Object metadata) {
        /** Lines are the same if both are. */
        String key() {
            return keyOf(id, input);
        }
    }

    /**
     * What a line says of its own answer; null or empty for what it does not say.
     *
     * @param sampling values by name, as {@link SamplingSettings} reads them
     */
    record Overrides(
            Integer maxTokens,
            Think think,
            Integer thinkBudget,
            List<String> stops,
            Map<String, List<String>> sampling) {
        static final Overrides NONE = new Overrides(null, null, null, null, Map.of());
    }

    private final String name;
    private final byte[] bytes;
    private final String system;
    private final boolean isRaw;
    private final Map<Object, Integer> idLines = new HashMap<>();

    private PromptsFile(String name, byte[] bytes, String system, boolean isRaw) {
        this.name = name;
        this.bytes = bytes;
        this.system = system;
        this.isRaw = isRaw;
    }

    static String keyOf(Object id, String input) {
        return Json.kindOf(id) + " " + id + " " + input;
    }

    /**
     * Reads a file or stdin. It holds JSON objects if its name ends in {@code .jsonl} or {@code .ndjson}, or, where it does
     * not end in {@code .txt}, if its first line with something on it begins with a brace.
     *
     * @param system the system message of lines that have none of their own; null for none
     */
    static List<Line> read(Terminal terminal, String dashOrPath, String system, boolean isRaw)
            throws IOException, Failure {
        byte[] bytes =
                dashOrPath.equals("-") ? terminal.in().readAllBytes() : Files.readAllBytes(Inputs.path(dashOrPath));
        return new PromptsFile(Inputs.nameOf(dashOrPath), bytes, system, isRaw).lines();
    }

    private List<Line> lines() {
        List<Line> lines = new ArrayList<>();
        String lower = name.toLowerCase(Locale.ROOT);
        boolean isJson = lower.endsWith(".jsonl") || lower.endsWith(".ndjson");
        boolean isDecided = isJson || lower.endsWith(".txt");
        int number = 0;
        for (int from = 0; from < bytes.length; ) {
            int to = from;
            while (to < bytes.length && bytes[to] != '\n') {
                to++;
            }
            number++;
            byte[] line = Arrays.copyOfRange(bytes, from, to > from && bytes[to - 1] == '\r' ? to - 1 : to);
            from = to + 1;
            if (!isBlank(line)) {
                if (!isDecided) {
                    isJson = new String(line, StandardCharsets.ISO_8859_1)
                            .stripLeading()
                            .startsWith("{");
                    isDecided = true;
                }
                lines.add(line(number, line, isJson));
            }
        }
        return lines;
    }

    private static boolean isBlank(byte[] line) {
        for (byte b : line) {
            if (b != ' ' && b != '\t') {
                return false;
            }
        }
        return true;
    }

    private Line line(int number, byte[] line, boolean isJson) {
        String input = hash(line);
        Object id = number;
        try {
            String text = Utf8.decode("line " + number, line);
            if (!isJson) {
                return new Line(number, id, input, null, messages(text, null), Overrides.NONE, null);
            }
            if (!(Json.parse("line " + number, text) instanceof Map<?, ?> fields)) {
                throw new Failure("line " + number + ": expected a JSON object");
            }
            Map<String, Object> named = new LinkedHashMap<>();
            fields.forEach((key, value) -> named.put((String) key, value));
            id = id(number, named.get("id"));
            Overrides overrides = overrides(named);
            return new Line(number, id, input, null, messages(named), overrides, named.get("metadata"));
        } catch (Failure e) {
            return new Line(number, id, input, e.getMessage(), List.of(), Overrides.NONE, null);
        } catch (IllegalArgumentException e) {
            return new Line(
                    number, id, input, "line " + number + ": " + e.getMessage(), List.of(), Overrides.NONE, null);
        }
    }

    private Object id(int number, Object given) {
        if (given == null) {
            return number;
        }
        if (!(given instanceof String || given instanceof Integer || given instanceof Long)) {
            throw new IllegalArgumentException("id: expected a string or a whole number, got " + Json.shown(given));
        }
        Integer before = idLines.putIfAbsent(given, number);
        if (before != null) {
            throw new IllegalArgumentException("id: expected another than that of line " + before + ", got " + given);
        }
        return given;
    }

    private List<ChatMessage> messages(String prompt, String ownSystem) {
        if (prompt.isEmpty() || (!isRaw && prompt.isBlank())) {
            throw new IllegalArgumentException("prompt: expected a text, got an empty one");
        }
        String said = ownSystem == null ? system : ownSystem;
        return said == null || said.isEmpty()
                ? List.of(ChatMessage.user(prompt))
                : List.of(ChatMessage.system(said), ChatMessage.user(prompt));
    }

    private List<ChatMessage> messages(Map<String, Object> fields) {
        boolean hasPrompt = fields.containsKey("prompt");
        if (hasPrompt == fields.containsKey("messages")) {
            throw new IllegalArgumentException(
                    hasPrompt ? "expected one of prompt and messages, got both" : "expected prompt or messages");
        }
        if (hasPrompt) {
            return messages(text(fields, "prompt"), fields.containsKey("system") ? text(fields, "system") : null);
        }
        if (isRaw) {
            throw new IllegalArgumentException("messages: expected prompt with --raw, which uses no template");
        }
        if (fields.containsKey("system")) {
            throw new IllegalArgumentException("system: expected it among the messages");
        }
        if (!(fields.get("messages") instanceof List<?> list) || list.isEmpty()) {
            throw new IllegalArgumentException(
                    "messages: expected an array of messages, got " + Json.shown(fields.get("messages")));
        }
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            messages.add(message("messages[" + i + "]", list.get(i), i == 0));
        }
        if (system != null && !messages.getFirst().role().equals("system")) {
            messages.addFirst(ChatMessage.system(system));
        }
        if (!messages.getLast().role().equals("user")) {
            throw new IllegalArgumentException("messages: expected the last to be the user's, got "
                    + messages.getLast().role());
        }
        return messages;
    }

    private static ChatMessage message(String place, Object value, boolean isFirst) {
        if (!(value instanceof Map<?, ?> fields)
                || !(fields.get("role") instanceof String role)
                || !(fields.get("content") instanceof String content)) {
            throw new IllegalArgumentException(place + ": expected an object with the texts role and content");
        }
        return switch (role) {
            case "user" -> ChatMessage.user(content);
            case "assistant" -> ChatMessage.assistant(content, "");
            case "system" -> {
                if (!isFirst) {
                    throw new IllegalArgumentException(place + ": expected the system message in front");
                }
                yield ChatMessage.system(content);
            }
            default ->
                throw new IllegalArgumentException(place + ".role: expected system, user or assistant, got " + role);
        };
    }

    private static Overrides overrides(Map<String, Object> fields) {
        Map<String, List<String>> sampling = new LinkedHashMap<>();
        for (Map.Entry<String, Object> field : fields.entrySet()) {
            String setting = field.getKey().replace('_', '-');
            boolean isOwn = FIELDS.contains(field.getKey());
            if (!isOwn && !SamplingSettings.isSetting(setting)) {
                throw new IllegalArgumentException(
                        field.getKey() + ": no such field; what is to be carried along belongs under metadata");
            }
            if (!isOwn || setting.equals("seed")) {
                sampling.put(setting, values(field.getKey(), field.getValue()));
            }
        }
        List<String> stops = fields.containsKey("stop") ? values("stop", fields.get("stop")) : null;
        if (stops != null && stops.contains("")) {
            throw new IllegalArgumentException("stop: expected a text, got an empty one");
        }
        return new Overrides(
                count(fields, "max_tokens"), think(fields), count(fields, "think_budget"), stops, sampling);
    }

    private static List<String> values(String field, Object value) {
        List<String> values = new ArrayList<>();
        for (Object each : value instanceof List<?> list ? list : Arrays.asList(value)) {
            if (!(each instanceof String || each instanceof Number)) {
                throw new IllegalArgumentException(
                        field + ": expected a text, a number or an array of them, got " + Json.kindOf(each));
            }
            values.add(each.toString());
        }
        return values;
    }

    private static Think think(Map<String, Object> fields) {
        return switch (fields.get("think")) {
            case null -> null;
            case Boolean on -> on ? Think.ON : Think.OFF;
            case String word when word.equals("on") -> Think.ON;
            case String word when word.equals("off") -> Think.OFF;
            case String word when word.equals("auto") -> Think.AUTO;
            default -> throw new IllegalArgumentException("think: expected on, off, auto or a boolean");
        };
    }

    private static Integer count(Map<String, Object> fields, String field) {
        Object value = fields.get(field);
        if (value == null) {
            return null;
        }
        if (!(value instanceof Integer count) || count < 1) {
            throw new IllegalArgumentException(
                    field + ": expected a whole number of at least 1, got " + Json.shown(value));
        }
        return count;
    }

    private static String text(Map<String, Object> fields, String field) {
        if (!(fields.get(field) instanceof String text)) {
            throw new IllegalArgumentException(field + ": expected a text, got " + Json.shown(fields.get(field)));
        }
        return text;
    }

    private static String hash(byte[] line) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(line);
            return HexFormat.of().formatHex(digest).substring(0, INPUT_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }
}
