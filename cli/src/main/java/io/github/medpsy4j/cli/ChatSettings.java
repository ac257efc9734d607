package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.ChatOptions.Overflow;
import io.github.medpsy4j.engine.ChatOptions.Think;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** What {@code /set} can change: all of {@link SamplingSettings}, and how the conversation goes. */
final class ChatSettings {
    private static final String MAX_TOKENS = "max-tokens";
    private static final String THINK = "think";
    private static final String THINK_BUDGET = "think-budget";
    private static final String OVERFLOW = "overflow";
    private static final String STOP = "stop";
    private static final String NONE = "none";
    private static final List<String> OWN = List.of(MAX_TOKENS, THINK, THINK_BUDGET, OVERFLOW, STOP);

    private ChatSettings() {}

    static List<String> names() {
        List<String> names = new ArrayList<>();
        SamplingSettings.all().forEach(s -> names.add(s.name()));
        names.addAll(OWN);
        return names;
    }

    /** The name without what people put around it: {@code --top_k} is {@code top-k}. */
    static String plainName(String typed) {
        return typed.toLowerCase(Locale.ROOT).replaceFirst("^--", "").replace('_', '-');
    }

    /** Each setting's name and value. */
    static Map<String, String> values(ChatOptions options) {
        Map<String, String> values = new LinkedHashMap<>(SamplingSettings.values(options.sampling()));
        values.put(MAX_TOKENS, boundOf(options.maxTokens()));
        values.put(THINK, options.think().name().toLowerCase(Locale.ROOT));
        values.put(THINK_BUDGET, boundOf(options.thinkBudget()));
        values.put(OVERFLOW, options.overflow().name().toLowerCase(Locale.ROOT));
        values.put(
                STOP,
                options.stops().isEmpty()
                        ? NONE
                        : options.stops().stream()
                                .map(s -> "'" + s.replace("\n", "\\n") + "'")
                                .collect(Collectors.joining(" ")));
        return values;
    }

    private static String boundOf(int value) {
        return value == 0 ? NONE : String.valueOf(value);
    }

    /**
     * The options with one setting changed.
     *
     * @throws IllegalArgumentException if there is no such setting or the value is none for it
     */
    static ChatOptions with(ChatOptions options, String name, String value, int vocabularySize) {
        ChatOptions.Builder b = options.toBuilder();
        switch (name) {
            case MAX_TOKENS -> b.maxTokens(bound(name, value));
            case THINK_BUDGET -> b.thinkBudget(bound(name, value));
            case THINK -> b.think(think(value));
            case OVERFLOW ->
                b.overflow(
                        switch (value.toLowerCase(Locale.ROOT)) {
                            case "stop" -> Overflow.STOP;
                            case "trim" -> Overflow.TRIM;
                            default ->
                                throw new IllegalArgumentException(
                                        name + ": expected stop or trim, got '" + value + "'");
                        });
            case STOP -> {
                List<String> stops = new ArrayList<>(options.stops());
                if (value.equals(NONE)) {
                    stops.clear();
                } else {
                    stops.add(value.replace("\\n", "\n"));
                }
                b.stops(stops);
            }
            default -> {
                if (!names().contains(name)) {
                    List<String> near = Near.of(name, names());
                    boolean isAlias = near.isEmpty() || isKnown(options, name, value, vocabularySize);
                    if (!isAlias) {
                        throw new IllegalArgumentException(
                                name + ": no such setting; did you mean " + String.join(" or ", near) + "?");
                    }
                }
                b.sampling(SamplingSettings.with(options.sampling(), name, value, vocabularySize));
            }
        }
        return b.build();
    }

    /** Whether the sampling has another name for it. */
    private static boolean isKnown(ChatOptions options, String name, String value, int vocabularySize) {
        try {
            SamplingSettings.with(options.sampling(), name, value, vocabularySize);
            return true;
        } catch (IllegalArgumentException e) {
            return !e.getMessage().contains("no such setting");
        }
    }

    static Think think(String value) {
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "on" -> Think.ON;
            case "off" -> Think.OFF;
            case "auto" -> Think.AUTO;
            default -> throw new IllegalArgumentException(THINK + ": expected on, off or auto, got '" + value + "'");
        };
    }

    private static int bound(String name, String value) {
        if (value.equals(NONE)) {
            return 0;
        }
        try {
            int number = Integer.parseInt(value);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + ": expected a whole number or none, got '" + value + "'", e);
        }
        throw new IllegalArgumentException(name + ": expected at least 0, got " + value);
    }
}
