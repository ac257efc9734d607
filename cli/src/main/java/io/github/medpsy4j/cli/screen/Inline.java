package io.github.medpsy4j.cli.screen;

/**
 * The marks inside a line of Markdown: emphasis, code, links, strikethrough, escapes; LaTeX stays as it is. A mark that
 * opens something is held back with what follows until its end has come, or it is clear that none comes, so nothing that
 * was shown is ever taken back. Where styles are not shown the marks stay, for they are all there is to see.
 */
final class Inline {
    /** What is longer is no emphasis, link or code, but an asterisk, bracket or backtick that somebody forgot. */
    private static final int HELD_CHARS_MAX = 400;

    private static final int FORMULA_CHARS_MAX = 200;
    private static final int DEPTH_MAX = 6;
    private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /** No end yet, but more text may bring it. */
    private static final int NOT_YET = -1;

    /** No end. */
    private static final int NEVER = -2;

    private final Sink sink;
    private final boolean isStyled;
    private final StringBuilder held = new StringBuilder();
    private int baseStyle;
    private char previous = '\n';

    Inline(Sink sink, boolean isStyled) {
        this.sink = sink;
        this.isStyled = isStyled;
    }

    /** Begins a line whose text has a style. */
    void begin(int style) {
        baseStyle = style;
        previous = '\n';
    }

    /** Adds a character of the line. */
    void put(char c) {
        held.append(c);
        boolean endsNothing = Character.isLetterOrDigit(c) && held.length() < HELD_CHARS_MAX;
        if (endsNothing && isHeldBy(held.charAt(0))) {
            return;
        }
        drain(false);
    }

    /** Ends the line: whatever has no end now gets none. */
    void end() {
        drain(true);
    }

    private boolean isHeldBy(char first) {
        return (first == '*' && held.length() > 4) || (first == '[' && held.indexOf("]") < 0);
    }

    private void drain(boolean isAll) {
        int at = 0;
        while (at < held.length()) {
            int taken = step(held, at, baseStyle, isAll || held.length() - at > HELD_CHARS_MAX, 0);
            if (taken == 0) {
                break;
            }
            at += taken;
            previous = held.charAt(at - 1);
        }
        held.delete(0, at);
    }

    /** Renders a whole text. */
    private void all(CharSequence text, int style, int depth) {
        for (int at = 0; at < text.length(); ) {
            at += step(text, at, style, true, depth);
        }
    }

    /** Renders what stands at {@code at}; returns how many characters that took, 0 if it must wait for more. */
    private int step(CharSequence text, int at, int style, boolean isAll, int depth) {
        char c = text.charAt(at);
        return switch (c) {
            case '\\' -> escape(text, at, style, isAll);
            case '`' -> code(text, at, style, isAll);
            case '$' -> formula(text, at, style, isAll);
            case '*', '_', '~' -> emphasis(text, at, style, isAll, depth);
            case '[' -> link(text, at, style, isAll, depth);
            case '<' -> angle(text, at, style, isAll);
            default -> {
                if (Character.isHighSurrogate(c) && at + 1 == text.length() && !isAll) {
                    yield 0;
                }
                int codePoint = Character.codePointAt(text, at);
                sink.put(codePoint, style);
                yield Character.charCount(codePoint);
            }
        };
    }

    private int literally(CharSequence text, int at, int length, int style) {
        sink.put(text.subSequence(at, at + length).toString(), style);
        return length;
    }

    private int escape(CharSequence text, int at, int style, boolean isAll) {
        if (at + 1 == text.length()) {
            return isAll ? literally(text, at, 1, style) : 0;
        }
        char next = text.charAt(at + 1);
        if (next == '(' || next == '[') {
            int end = find(text, at + 2, next == '(' ? "\\)" : "\\]", isAll, FORMULA_CHARS_MAX);
            return end == NOT_YET ? 0 : literally(text, at, end == NEVER ? 2 : end + 2 - at, style);
        }
        if (PUNCTUATION.indexOf(next) >= 0 && next != '{' && next != '}' && next != ',' && next != ';') {
            sink.put(next, style);
            return 2;
        }
        return literally(text, at, 1, style);
    }

    private int code(CharSequence text, int at, int style, boolean isAll) {
        int marks = run(text, at);
        if (at + marks == text.length() && !isAll) {
            return 0;
        }
        int end = codeEnd(text, at, isAll);
        if (end == NOT_YET) {
            return 0;
        }
        if (end == NEVER) {
            return literally(text, at, marks, style);
        }
        if (!isStyled) {
            return literally(text, at, end - at, style);
        }
        String inside = text.subSequence(at + marks, end - marks).toString();
        boolean isPadded = inside.length() > 2 && inside.startsWith(" ") && inside.endsWith(" ") && !inside.isBlank();
        sink.put(isPadded ? inside.substring(1, inside.length() - 1) : inside, style | Style.CODE);
        return end - at;
    }

    /** Where the code that opens at {@code at} ends, its closing marks included. */
    private static int codeEnd(CharSequence text, int at, boolean isAll) {
        int marks = run(text, at);
        for (int i = at + marks; i < text.length(); ) {
            if (text.charAt(i) != '`') {
                i++;
                continue;
            }
            int closing = run(text, i);
            i += closing;
            if (i == text.length() && !isAll) {
                return NOT_YET;
            }
            if (closing == marks) {
                return i;
            }
        }
        return isAll || text.length() - at > HELD_CHARS_MAX ? NEVER : NOT_YET;
    }

    /** A formula between dollars, which sums of money are not. */
    private int formula(CharSequence text, int at, int style, boolean isAll) {
        int marks = run(text, at);
        if (at + marks == text.length()) {
            return isAll ? literally(text, at, marks, style) : 0;
        }
        char first = text.charAt(at + marks);
        if (marks > 2 || Character.isWhitespace(first)) {
            return literally(text, at, marks, style);
        }
        int i = at + marks;
        while (i < text.length() && (Character.isDigit(text.charAt(i)) || ",.".indexOf(text.charAt(i)) >= 0)) {
            i++;
        }
        boolean beginsWithNumber = i > at + marks;
        if (beginsWithNumber && (i < text.length() ? Character.isWhitespace(text.charAt(i)) : isAll)) {
            return literally(text, at, marks, style);
        }
        String mark = text.subSequence(at, at + marks).toString();
        int end = find(text, at + marks + 1, mark, isAll, FORMULA_CHARS_MAX);
        if (end == NOT_YET) {
            return 0;
        }
        boolean isFormula = end != NEVER && (marks == 2 || !Character.isWhitespace(text.charAt(end - 1)));
        return literally(text, at, isFormula ? end + marks - at : marks, style);
    }

    private int emphasis(CharSequence text, int at, int style, boolean isAll, int depth) {
        char mark = text.charAt(at);
        int marks = run(text, at);
        if (at + marks == text.length()) {
            return isAll ? literally(text, at, marks, style) : 0;
        }
        char before = at > 0 ? text.charAt(at - 1) : previous;
        boolean opens = marks <= (mark == '~' ? 2 : 3)
                && (mark != '~' || marks == 2)
                && !Character.isWhitespace(text.charAt(at + marks))
                && (mark != '_' || !Character.isLetterOrDigit(before))
                && depth < DEPTH_MAX;
        if (!opens) {
            return literally(text, at, marks, style);
        }
        int end = emphasisEnd(text, at + marks, mark, marks, isAll);
        if (end == NOT_YET) {
            return 0;
        }
        if (end == NEVER) {
            return literally(text, at, marks, style);
        }
        String marksText = text.subSequence(at, at + marks).toString();
        int itsStyle = style | (mark == '~' ? Style.STRIKE : marks == 1 ? Style.ITALIC : Style.BOLD);
        if (marks == 3) {
            itsStyle |= Style.ITALIC;
        }
        if (!isStyled) {
            sink.put(marksText, style);
        }
        all(text.subSequence(at + marks, end), itsStyle, depth + 1);
        if (!isStyled) {
            sink.put(marksText, style);
        }
        return end + marks - at;
    }

    /** Where the closing marks of an emphasis stand whose text begins at {@code from}. */
    private static int emphasisEnd(CharSequence text, int from, char mark, int marks, boolean isAll) {
        for (int i = from; i < text.length(); ) {
            char c = text.charAt(i);
            if (c == '\\') {
                i += 2;
            } else if (c == '`') {
                int end = codeEnd(text, i, isAll);
                if (end == NOT_YET) {
                    return NOT_YET;
                }
                i = end == NEVER ? i + run(text, i) : end;
            } else if (c != mark) {
                i++;
            } else {
                int closing = run(text, i);
                int after = i + closing;
                if (after == text.length() && !isAll) {
                    return NOT_YET;
                }
                boolean closes = i > from
                        && !Character.isWhitespace(text.charAt(i - 1))
                        && (mark != '_' || after == text.length() || !Character.isLetterOrDigit(text.charAt(after)));
                // "*a **b***": the inner end comes first; "**a *b***": likewise.
                if (closes && closing >= marks && !(marks == 1 && closing == 2)) {
                    return i + closing - marks;
                }
                boolean opensInner =
                        marks != closing && after < text.length() && !Character.isWhitespace(text.charAt(after));
                int inner = opensInner && closing < 3 ? innerEnd(text, after, mark, closing) : NEVER;
                i = inner >= 0 ? inner : after;
            }
        }
        return isAll ? NEVER : NOT_YET;
    }

    /** Behind the closing marks of an emphasis inside another; negative if it has none. */
    private static int innerEnd(CharSequence text, int from, char mark, int marks) {
        for (int i = from; i < text.length(); i++) {
            if (text.charAt(i) == mark) {
                int closing = run(text, i);
                if (closing >= marks && !Character.isWhitespace(text.charAt(i - 1))) {
                    return i + marks;
                }
                i += closing - 1;
            }
        }
        return NEVER;
    }

    private int link(CharSequence text, int at, int style, boolean isAll, int depth) {
        int close = linkTextEnd(text, at, isAll);
        if (close == NOT_YET || (close >= 0 && close + 1 == text.length() && !isAll)) {
            return 0;
        }
        if (close == NEVER || close + 1 == text.length() || text.charAt(close + 1) != '(' || depth >= DEPTH_MAX) {
            return literally(text, at, 1, style);
        }
        int open = close + 1;
        int nesting = 0;
        for (int i = open; i < text.length(); i++) {
            char c = text.charAt(i);
            nesting += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (nesting == 0) {
                String label = text.subSequence(at + 1, close).toString();
                String target = text.subSequence(open + 1, i).toString().strip().replaceFirst("\\s+[\"'(].*", "");
                if (!isStyled) {
                    return literally(text, at, i + 1 - at, style);
                }
                all(label.isBlank() ? target : label, style | Style.UNDERLINE, depth + 1);
                if (!label.isBlank() && !label.equals(target) && !target.isEmpty()) {
                    sink.put(" (" + target + ")", style | Style.FAINT);
                }
                return i + 1 - at;
            }
        }
        return isAll ? literally(text, at, 1, style) : 0;
    }

    private static int linkTextEnd(CharSequence text, int at, boolean isAll) {
        int nesting = 0;
        for (int i = at; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                i++;
            } else if (c == '[') {
                nesting++;
            } else if (c == ']' && --nesting == 0) {
                return i;
            }
        }
        return isAll ? NEVER : NOT_YET;
    }

    /** An address in angle brackets, or a line break of HTML; other HTML stays as it is. */
    private int angle(CharSequence text, int at, int style, boolean isAll) {
        int i = at + 1;
        while (i < text.length() && text.charAt(i) != '>' && text.charAt(i) != '<' && !isSpace(text.charAt(i))) {
            i++;
        }
        if (i == text.length()) {
            return isAll ? literally(text, at, 1, style) : 0;
        }
        String inside = text.subSequence(at + 1, i).toString();
        if (text.charAt(i) == '>' && isStyled) {
            if (inside.matches("(?i)(https?://|mailto:).+")) {
                sink.put(inside, style | Style.UNDERLINE);
                return i + 1 - at;
            }
            if (inside.matches("(?i)br/?")) {
                sink.put(' ', style);
                return i + 1 - at;
            }
        }
        return literally(text, at, 1, style);
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t';
    }

    /** Where {@code what} stands at or behind {@code from}. */
    private static int find(CharSequence text, int from, String what, boolean isAll, int charsMax) {
        for (int i = from; i + what.length() <= text.length(); i++) {
            if (what.contentEquals(text.subSequence(i, i + what.length()))) {
                return i;
            }
        }
        return isAll || text.length() - from > charsMax ? NEVER : NOT_YET;
    }

    /** How often the character at {@code at} is repeated there. */
    private static int run(CharSequence text, int at) {
        char c = text.charAt(at);
        int end = at;
        while (end < text.length() && text.charAt(end) == c) {
            end++;
        }
        return end - at;
    }
}
