package io.github.medpsy4j.cli.screen;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Shows Markdown on a terminal while it is being written: headings, lists, quotes, tables, code, rules and the marks
 * inside lines. What is shown is never taken back, and what it looks like does not depend on the pieces in which the text
 * arrives. A line break in the text is one on the screen.
 *
 * <p>The text cannot drive the terminal: of control characters only line breaks and tabs are obeyed, and every other one
 * becomes U+FFFD, as do those that reverse the direction of writing.
 */
public final class MarkdownStream {
    private static final String REPLACEMENT = "\uFFFD";
    private static final int QUOTES_MAX = 8;
    /** A line that must end before it can be shown is not longer; else it is text. */
    private static final int LINE_CHARS_MAX = 4096;

    private static final int RULE_CHARS_MAX = 200;
    private static final int CODE_INDENT = 4;
    private static final String[] BULLETS = {"•", "◦", "▪"};
    private static final Pattern HEADING = Pattern.compile("(#{1,6})([ \\t]+|$)");
    private static final Pattern ITEM = Pattern.compile("([-*+]|\\d{1,9}[.)])( {1,4}|$)");
    private static final Pattern MAY_BE_ITEM = Pattern.compile("[-*+] ?|\\d{1,9}[.)]? ?");
    private static final Pattern FENCE = Pattern.compile("(`{3,})([^`]*)|(~{3,})(.*)");
    private static final Pattern MAY_BE_HEADING = Pattern.compile("#{1,6}[ \\t]*");
    private static final Pattern MAY_BE_TASK = Pattern.compile("\\[(?:[ xX]\\]?)?");
    private static final Pattern TASK = Pattern.compile("\\[([ xX])] ");

    private enum Mode {
        /** At the beginning of a line: what kind of line it is remains to be seen. */
        UNDECIDED,
        /** In a line whose marks are rendered. */
        TEXT,
        /** In a line of code or of a formula, shown as it is. */
        VERBATIM
    }

    /** A list that is open: where its marker stands and where its text begins, in columns of the source; its depth. */
    private record OpenList(int marker, int content, String hang) {}

    private final WrappedText out;
    private final Inline inline;
    private final boolean isStyled;
    private final int style;
    private final StringBuilder line = new StringBuilder();
    private final Deque<OpenList> lists = new ArrayDeque<>();
    private Mode mode = Mode.UNDECIDED;
    private Table table;
    private String fence = "";
    private int fenceIndent;
    private String formulaEnd = "";
    private boolean isBlankPending;
    private boolean isAnythingShown;
    private char highSurrogate;
    private int verbatimStyle;
    private char verbatimHigh;

    /**
     * @param out receives text and escape sequences
     * @param columns the terminal's width, asked at the beginning of each line; 0 or less is unknown
     * @param isStyled whether the terminal shows styles; otherwise the marks that would make them stay
     * @param style of all the text
     */
    public MarkdownStream(Consumer<String> out, IntSupplier columns, boolean isStyled, int style) {
        this.out = new WrappedText(out, columns, isStyled);
        this.inline = new Inline(this.out, isStyled);
        this.isStyled = isStyled;
        this.style = style;
    }

    /** Adds a piece of the text. */
    public void accept(String piece) {
        for (int i = 0; i < piece.length(); i++) {
            char c = piece.charAt(i);
            if (highSurrogate != 0) {
                char high = highSurrogate;
                highSurrogate = 0;
                if (Character.isLowSurrogate(c)) {
                    one(high);
                    one(c);
                    continue;
                }
                one(REPLACEMENT.charAt(0));
            }
            if (Character.isHighSurrogate(c)) {
                highSurrogate = c;
            } else if (c != '\r') {
                one(harmless(c));
            }
        }
    }

    /** Ends the text, and its last line if it has begun. */
    public void end() {
        if (highSurrogate != 0) {
            highSurrogate = 0;
            one(REPLACEMENT.charAt(0));
        }
        if (mode != Mode.UNDECIDED || !line.isEmpty()) {
            one('\n');
        }
        endTable();
        isBlankPending = false;
    }

    /** Whether anything can be seen so far. */
    public boolean isAnythingShown() {
        return isAnythingShown;
    }

    /** The text with all that could steer a terminal replaced; line breaks and tabs stay. */
    public static String harmless(String text) {
        StringBuilder safe = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (c <= Character.MAX_VALUE) {
                safe.append(harmless((char) c));
            } else {
                safe.appendCodePoint(c);
            }
        });
        return safe.toString();
    }

    private static char harmless(char c) {
        boolean steers = (Character.isISOControl(c) && c != '\n' && c != '\t')
                || (c >= '\u202A' && c <= '\u202E') // embeddings and overrides of direction
                || (c >= '\u2066' && c <= '\u2069') // isolates
                || Character.isSurrogate(c);
        if (c == '\u2028' || c == '\u2029') {
            return '\n';
        }
        return steers ? REPLACEMENT.charAt(0) : c;
    }

    private void one(char c) {
        switch (mode) {
            case TEXT -> {
                if (c == '\n') {
                    inline.end();
                    endLine();
                } else {
                    inline.put(c);
                }
            }
            case VERBATIM -> {
                if (c == '\n') {
                    endLine();
                } else {
                    verbatim(c);
                }
            }
            case UNDECIDED -> {
                if (c == '\n') {
                    wholeLine(line.toString());
                } else {
                    line.append(c);
                    decide();
                }
            }
        }
    }

    private void verbatim(char c) {
        if (Character.isHighSurrogate(c)) {
            verbatimHigh = c;
        } else if (Character.isLowSurrogate(c)) {
            out.putVerbatim(Character.toCodePoint(verbatimHigh, c), verbatimStyle);
        } else {
            out.putVerbatim(c, verbatimStyle);
        }
    }

    private void verbatim(String text) {
        text.chars().forEach(c -> verbatim((char) c));
    }

    /** Looks whether the line's first characters tell what it is; if so, shows them and what follows goes on. */
    private void decide() {
        if (!fence.isEmpty()) {
            if (!mayCloseFence(line)) {
                beginCodeLine();
            }
            return;
        }
        if (!formulaEnd.isEmpty()) {
            return; // short lines: each is shown when it ends
        }
        int[] at = {0};
        int quotes = quotes(line, at);
        int indent = indent(line, at);
        String rest = line.substring(at[0]);
        if (rest.isEmpty() || (table != null && rest.charAt(0) == '|')) {
            return;
        }
        if (rest.length() < LINE_CHARS_MAX && isOpen(rest)) {
            return;
        }
        line.setLength(0);
        beginText(quotes, indent, rest);
    }

    /** Whether more characters may still make something else of the line. */
    private static boolean isOpen(String rest) {
        boolean isMarkOpen = switch (rest.charAt(0)) {
            case '-', '*', '_' -> MAY_BE_ITEM.matcher(rest).matches() || isRule(rest, 1);
            case '+', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' ->
                MAY_BE_ITEM.matcher(rest).matches();
            case '|' -> true;
            default -> false;
        };
        if (isMarkOpen) {
            return true;
        }
        Matcher item = ITEM.matcher(rest);
        String body = item.lookingAt() ? rest.substring(item.end()) : rest;
        if (body.isEmpty()) {
            return false;
        }
        return switch (body.charAt(0)) {
            case '#' -> MAY_BE_HEADING.matcher(body).matches();
            case '`' ->
                (body.length() < 3 && body.chars().allMatch(c -> c == '`'))
                        || FENCE.matcher(body).matches();
            case '~' ->
                (body.length() < 3 && body.chars().allMatch(c -> c == '~'))
                        || FENCE.matcher(body).matches();
            case '[' -> item.lookingAt() && MAY_BE_TASK.matcher(body).matches();
            case '$' -> body.equals("$") || body.startsWith("$$");
            case '\\' -> body.equals("\\") || body.startsWith("\\[");
            default -> false;
        };
    }

    /** At least {@code marksMin} of one mark and spaces: a rule, or the beginning of one. */
    private static boolean isRule(String text, int marksMin) {
        char mark = text.charAt(0);
        long marks = text.chars().filter(c -> c == mark).count();
        return "-*_".indexOf(mark) >= 0
                && marks >= marksMin
                && text.length() <= RULE_CHARS_MAX
                && text.chars().allMatch(c -> c == mark || c == ' ');
    }

    /** A line that ended before it was clear what it is, or that must be whole to be shown. */
    private void wholeLine(String text) {
        line.setLength(0);
        if (!fence.isEmpty()) {
            if (closesFence(text)) {
                closeFence();
            } else {
                line.append(text);
                beginCodeLine();
                endLine();
            }
            return;
        }
        if (!formulaEnd.isEmpty()) {
            verbatimLine(text);
            if (text.contains(formulaEnd)) {
                formulaEnd = "";
            }
            return;
        }
        int[] at = {0};
        int quotes = quotes(text, at);
        int indent = indent(text, at);
        String rest = text.substring(at[0]).stripTrailing();
        if (rest.isEmpty()) {
            endTable();
            isBlankPending = isAnythingShown;
            return;
        }
        if (rest.startsWith("|") && rest.length() < LINE_CHARS_MAX) {
            tableLine(quotes, indent, rest);
            return;
        }
        beginText(quotes, indent, rest);
        if (mode == Mode.TEXT) {
            inline.end();
        }
        if (mode != Mode.UNDECIDED) {
            endLine();
        }
    }

    /** How many marks of quotes stand at the front; moves {@code at} behind them. */
    private static int quotes(CharSequence text, int[] at) {
        int count = 0;
        while (count < QUOTES_MAX) {
            int i = at[0];
            while (i < text.length() && text.charAt(i) == ' ' && i - at[0] < CODE_INDENT) {
                i++;
            }
            if (i == text.length() || text.charAt(i) != '>') {
                return count;
            }
            count++;
            at[0] = i + 1 < text.length() && text.charAt(i + 1) == ' ' ? i + 2 : i + 1;
        }
        return count;
    }

    /** How many columns of white space stand at {@code at}; moves it behind them. */
    private static int indent(CharSequence text, int[] at) {
        int columns = 0;
        while (at[0] < text.length() && (text.charAt(at[0]) == ' ' || text.charAt(at[0]) == '\t')) {
            columns += text.charAt(at[0]++) == '\t' ? CODE_INDENT - columns % CODE_INDENT : 1;
        }
        return columns;
    }

    /** Begins a line of which {@code rest}, at least a character, stands behind quotes and white space. */
    private void beginText(int quotes, int indent, String rest) {
        endTable();
        blankLine();
        String bars = "│ ".repeat(quotes);
        Matcher item = ITEM.matcher(rest);
        boolean isRule = isRule(rest, 3);
        if (!isRule && item.lookingAt()) {
            beginItem(bars, indent, item.group(1), item.end() - item.start(2), rest.substring(item.end()));
            return;
        }
        leaveLists(indent);
        String hang = bars + (lists.isEmpty() ? "" : lists.peek().hang());
        if (isRule) {
            setPrefix(bars, bars);
            begin(Mode.TEXT);
            out.put("─".repeat(Math.min(40, out.room(bars))), style | Style.FAINT);
            endLine();
            return;
        }
        boolean isCode = lists.isEmpty() && quotes == 0 && indent >= CODE_INDENT;
        if (isCode) {
            setPrefix("", "");
            begin(Mode.VERBATIM);
            verbatimStyle = style;
            verbatim(" ".repeat(indent) + rest);
            return;
        }
        setPrefix(hang, hang);
        content(indent, rest);
    }

    private void beginItem(String bars, int indent, String marker, int gap, String rest) {
        while (!lists.isEmpty()
                && indent < lists.peek().content()
                && indent <= lists.peek().marker() + 1) {
            lists.pop();
        }
        String outer = lists.isEmpty() ? "" : lists.peek().hang();
        boolean isBullet = !Character.isDigit(marker.charAt(0));
        String shown = isBullet ? BULLETS[Math.min(lists.size(), BULLETS.length - 1)] : marker;
        Matcher task = TASK.matcher(rest);
        if (isBullet && task.lookingAt()) {
            shown = task.group(1).equals(" ") ? "☐" : "☑";
            rest = rest.substring(task.end());
        }
        String hang = outer + " ".repeat(Cells.of(shown) + 1);
        int content = indent + marker.length() + Math.max(1, Math.min(gap, CODE_INDENT));
        lists.push(new OpenList(indent, content, hang));
        setPrefix(bars + outer + shown + " ", bars + hang);
        content(content, rest);
    }

    /** Text behind the prefix: a heading, a fence, a formula or a paragraph's line. */
    private void content(int indent, String rest) {
        Matcher heading = HEADING.matcher(rest);
        Matcher opens = FENCE.matcher(rest);
        if (opens.matches()) {
            fence = opens.group(1) == null ? opens.group(3) : opens.group(1);
            fenceIndent = indent;
            begin(Mode.TEXT);
            out.put(rest, style | Style.FAINT);
            endLine();
            return;
        }
        if (rest.startsWith("$$") || rest.startsWith("\\[")) {
            String end = rest.startsWith("$$") ? "$$" : "\\]";
            verbatimLine(rest);
            if (rest.indexOf(end, 2) < 0) {
                formulaEnd = end;
            }
            return;
        }
        if (heading.lookingAt()) {
            begin(Mode.TEXT);
            int itsStyle = style | Style.BOLD | (heading.group(1).length() == 1 ? Style.UNDERLINE : 0);
            inline.begin(itsStyle);
            if (!isStyled) {
                out.put(heading.group(), itsStyle);
            }
            inlineText(rest.substring(heading.end()));
            return;
        }
        begin(Mode.TEXT);
        inline.begin(style);
        inlineText(rest);
    }

    private void inlineText(String text) {
        for (int i = 0; i < text.length(); i++) {
            inline.put(text.charAt(i));
        }
    }

    private void verbatimLine(String text) {
        begin(Mode.VERBATIM);
        verbatimStyle = style;
        verbatim(text);
        endLine();
    }

    private void begin(Mode next) {
        isAnythingShown = true;
        mode = next;
    }

    private void endLine() {
        out.newline();
        mode = Mode.UNDECIDED;
        line.setLength(0);
    }

    private void setPrefix(String first, String rest) {
        out.prefix(first, rest, style | (first.startsWith("│") ? Style.FAINT : 0));
    }

    /** A line that belongs to no list's text any more, by its indentation, ends the list. */
    private void leaveLists(int indent) {
        while (!lists.isEmpty()
                && indent < lists.peek().content()
                && indent <= lists.peek().marker()) {
            lists.pop();
        }
    }

    private void blankLine() {
        if (isBlankPending) {
            isBlankPending = false;
            out.prefix("", "", style);
            out.newline();
        }
    }

    // Fenced code

    private void beginCodeLine() {
        int skipped = 0;
        while (skipped < line.length() && skipped < fenceIndent && line.charAt(skipped) == ' ') {
            skipped++;
        }
        String text = line.substring(skipped);
        line.setLength(0);
        begin(Mode.VERBATIM);
        verbatimStyle = style | Style.CODE;
        verbatim(text);
    }

    private boolean mayCloseFence(CharSequence text) {
        String stripped = text.toString().strip();
        return stripped.chars().allMatch(c -> c == fence.charAt(0))
                && text.length() <= LINE_CHARS_MAX
                && (text.toString().isBlank() ? text.length() < fenceIndent + CODE_INDENT : true);
    }

    private boolean closesFence(String text) {
        String stripped = text.strip();
        return stripped.length() >= fence.length() && stripped.chars().allMatch(c -> c == fence.charAt(0));
    }

    private void closeFence() {
        begin(Mode.TEXT);
        out.put(fence, style | Style.FAINT);
        endLine();
        fence = "";
    }

    // Tables

    private void tableLine(int quotes, int indent, String rest) {
        if (table == null) {
            blankLine();
            leaveLists(indent);
            String prefix =
                    "│ ".repeat(quotes) + (lists.isEmpty() ? "" : lists.peek().hang());
            setPrefix(prefix, prefix);
            table = new Table(out, out.room(prefix), isStyled, style);
        }
        isAnythingShown = true;
        table.line(rest);
    }

    private void endTable() {
        if (table != null) {
            table.end();
            table = null;
        }
    }
}
