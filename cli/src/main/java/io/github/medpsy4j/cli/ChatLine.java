package io.github.medpsy4j.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What somebody typed in a chat. */
sealed interface ChatLine {
    /** Opens and closes a message of several lines. */
    String BLOCK = "\"\"\"";

    /** A path such as {@code /etc/passwd} is no command. */
    Pattern COMMAND = Pattern.compile("/([a-zA-Z?]+)(?:\\s+(.*))?", Pattern.DOTALL);

    /** To be sent to the model. */
    record Message(String text) implements ChatLine {}

    /**
     * To be obeyed.
     *
     * @param name without its slash, in small letters
     * @param argument what stands behind it, without white space around it; empty if nothing
     */
    record Command(String name, String argument) implements ChatLine {}

    /** Tells commands and messages apart: two slashes at the front are a message that begins with one. */
    static ChatLine parse(String typed) {
        String text = typed.strip();
        if (text.startsWith("//")) {
            return new Message(text.substring(1));
        }
        Matcher command = COMMAND.matcher(text);
        if (command.matches()) {
            String argument = command.group(2) == null ? "" : command.group(2).strip();
            return new Command(command.group(1).toLowerCase(Locale.ROOT), argument);
        }
        if (text.startsWith(BLOCK)) {
            boolean isClosed = text.length() >= 2 * BLOCK.length() && text.endsWith(BLOCK);
            return new Message(text.substring(BLOCK.length(), isClosed ? text.length() - BLOCK.length() : text.length())
                    .strip());
        }
        return new Message(typed);
    }

    /** Whether the text opens a block and does not close it, so that more lines belong to it. */
    static boolean isOpenBlock(String typed) {
        String text = typed.strip();
        return text.startsWith(BLOCK) && (text.length() < 2 * BLOCK.length() || !text.endsWith(BLOCK));
    }
}
