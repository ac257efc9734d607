package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.grammar.GrammarException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The tools of a conversation and which of them are to be called. Calls are held to the tools' names and schemas while
 * they are generated.
 *
 * @param list the tools; empty for none
 * @param choice whether the model decides
 * @param name of the tool that must be called; empty unless {@code choice} is {@link Choice#NAMED}
 * @param parallel whether an answer may have several calls
 */
public record Tools(List<Tool> list, Choice choice, String name, boolean parallel) {
    /** What OpenAI's API calls {@code tool_choice}. */
    public enum Choice {
        /** No tool: the model is not told of them. */
        NONE,
        /** The model answers or calls. The arguments of a tool whose schema is not supported are any JSON object. */
        AUTO,
        /** The answer is a call, or several. */
        REQUIRED,
        /** The answer is a call of one tool. */
        NAMED
    }

    /** @throws IllegalArgumentException if two tools have one name, or a tool must be called that is not there */
    public Tools {
        list = List.copyOf(list);
        Objects.requireNonNull(choice);
        Set<String> names = new HashSet<>();
        for (Tool tool : list) {
            if (!names.add(tool.name())) {
                throw new IllegalArgumentException("tools: two have the name " + tool.name());
            }
        }
        if (choice == Choice.NAMED && !names.contains(name)) {
            throw new IllegalArgumentException("tool choice: there is no tool " + name);
        }
        if (choice == Choice.REQUIRED && list.isEmpty()) {
            throw new IllegalArgumentException("tool choice: a call is required, but there is no tool");
        }
    }

    private static final Tools NONE = new Tools(List.of(), Choice.AUTO, "", true);

    /** No tools. */
    public static Tools none() {
        return NONE;
    }

    /** Tools that the model may call, several at a time. */
    public static Tools of(List<Tool> list) {
        return new Tools(list, Choice.AUTO, "", true);
    }

    /** Another choice than by name. */
    public Tools withChoice(Choice value) {
        return new Tools(list, value, "", parallel);
    }

    /** The answer shall be a call of this tool. */
    public Tools withNamed(String value) {
        return new Tools(list, Choice.NAMED, value, parallel);
    }

    public Tools withParallel(boolean value) {
        return new Tools(list, choice, name, value);
    }

    /** Whether a call may come. */
    boolean areOffered() {
        return choice != Choice.NONE && !list.isEmpty();
    }

    Set<String> names() {
        Set<String> names = new HashSet<>();
        list.forEach(tool -> names.add(tool.name()));
        return names;
    }

    /**
     * What the text of an answer with these tools may be; empty where none is offered.
     *
     * @throws GrammarException if a call is required and a schema not supported
     */
    Optional<Grammar> grammar() {
        if (!areOffered()) {
            return Optional.empty();
        }
        Map<String, Object> parameters = new LinkedHashMap<>();
        for (Tool tool : list) {
            if (choice != Choice.NAMED || tool.name().equals(name)) {
                parameters.put(tool.name(), tool.schema());
            }
        }
        return Optional.of(
                choice == Choice.AUTO
                        ? Grammar.ofTextWithToolCalls(parameters, parallel)
                        : Grammar.ofToolCalls(parameters, parallel && choice == Choice.REQUIRED));
    }
}
