package io.github.medpsy4j.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The commands inside a chat. */
enum ChatCommandName {
    HELP("", "this list", "?"),
    SYSTEM("[TEXT|none]", "show, set or remove the system message"),
    MODEL("[NAME]", "show the model, or go on with another"),
    THINK("[on|off|auto]", "let the model think first, not, or as its template has it"),
    THINKING("[show|hide]", "show the thinking, or only that it goes on"),
    SET("[NAME [VALUE]]", "list the settings, or change one: /set temp 0.6"),
    RETRY("", "answer the last message again"),
    UNDO("", "take the last message and its answer back"),
    EDIT("[TEXT]", "change the last message and send it again"),
    FILE("PATH", "attach a text file to the next message"),
    SAVE("PATH", "write the conversation to a file that /load reads"),
    LOAD("PATH|SESSION", "go on with a saved conversation"),
    EXPORT("PATH", "write the conversation for others: Markdown, or JSON if PATH ends in .json"),
    STATS("", "what the answers cost"),
    CONTEXT("", "what fills the context"),
    CLEAR("", "forget the conversation"),
    BYE("", "leave, as Ctrl-D does", "exit quit");

    private final String argument;
    private final String help;
    /** Other words for it, separated by spaces. */
    private final String aliases;

    ChatCommandName(String argument, String help, String aliases) {
        this.argument = argument;
        this.help = help;
        this.aliases = aliases;
    }

    ChatCommandName(String argument, String help) {
        this(argument, help, "");
    }

    private List<String> allWords() {
        return Stream.of((word() + " " + aliases).split(" ")).toList();
    }

    /** As it is typed, without the slash. */
    String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    static Optional<ChatCommandName> of(String word) {
        return Arrays.stream(values()).filter(c -> c.allWords().contains(word)).findFirst();
    }

    /** All that can be typed behind a slash. */
    static List<String> words() {
        return Arrays.stream(values()).flatMap(c -> c.allWords().stream()).toList();
    }

    /** The list that {@code /help} shows. */
    static String helpText() {
        StringBuilder text = new StringBuilder();
        for (ChatCommandName c : values()) {
            line(text, "/" + c.word() + (c.argument.isEmpty() ? "" : " " + c.argument), c.help);
        }
        line(text, "//TEXT", "a message that begins with a slash");
        line(text, ChatLine.BLOCK, "begins and ends a message of several lines; Alt-Enter makes one, pasting too");
        line(text, "Ctrl-C", "end the answer; what was said is kept");
        return text.toString();
    }

    private static void line(StringBuilder text, String what, String help) {
        text.append(String.format("%-22s  %s%n", what, help));
    }

    /** What the command does, for a list of completions. */
    String help() {
        return help;
    }
}
