package io.github.medpsy4j.engine.template;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Source to tokens, with jinja2's rules for whitespace around tags as {@code transformers} sets them: {@code trim_blocks}
 * drops the newline after a block or comment, {@code lstrip_blocks} the blanks before one that stands first on its line,
 * {@code -} strips all whitespace on its side and {@code +} keeps it. Newlines are normalised and the last one is dropped.
 */
final class Lexer {
    /** Characters of a template's source; the longest published ones are below 100 thousand. */
    static final int SOURCE_MAX = 1 << 20;

    /** Digits of a number in the source, Python's limit for converting a string to an integer. */
    private static final int DIGITS_MAX = 4300;

    private static final List<String> LONG_OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=");
    private static final String OPERATORS = "+-/*%~[](){}><=.:|,;";

    private final Source source;
    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int position;

    Lexer(Source source) {
        this.source = source;
        this.text = source.text();
    }

    List<Token> tokens() {
        boolean lineStarts = true;
        while (position < text.length()) {
            int tag = nextTag(position);
            if (tag < 0) {
                data(position, text.length());
                position = text.length();
                break;
            }
            int start = position;
            char opening = text.charAt(tag + 1);
            int raw = opening == '%' ? rawBlock(tag) : -1;
            char sign = signAt(tag + 2);
            data(start, strippedEnd(start, tag, sign, opening == '{', lineStarts));
            position = tag + 2 + (sign == 0 ? 0 : 1);
            if (raw >= 0) {
                rawData(tag, raw);
            } else if (opening == '#') {
                comment(tag);
            } else if (opening == '%') {
                inside(tag, Token.Kind.BLOCK_BEGIN, Token.Kind.BLOCK_END, "%}");
            } else {
                inside(tag, Token.Kind.OUTPUT_BEGIN, Token.Kind.OUTPUT_END, "}}");
            }
            lineStarts = text.charAt(position - 1) == '\n';
        }
        tokens.add(new Token(Token.Kind.EOF, text.length(), "", null));
        return tokens;
    }

    private int nextTag(int from) {
        for (int i = text.indexOf('{', from); i >= 0 && i + 1 < text.length(); i = text.indexOf('{', i + 1)) {
            char next = text.charAt(i + 1);
            if (next == '{' || next == '%' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    /** {@code -} or {@code +} at {@code index}, else 0. */
    private char signAt(int index) {
        char c = index < text.length() ? text.charAt(index) : 0;
        return c == '-' || c == '+' ? c : 0;
    }

    private void data(int start, int end) {
        if (start < end) {
            tokens.add(new Token(Token.Kind.DATA, start, text.substring(start, end), null));
        }
    }

    /** Where the data from {@code start} ends that stands before the tag at {@code tag}. */
    private int strippedEnd(int start, int tag, char sign, boolean output, boolean lineStarts) {
        int end = tag;
        while (end > start
                && Characters.isSpace(text.charAt(end - 1))
                && (sign == '-' || text.charAt(end - 1) != '\n')) {
            end--;
        }
        if (sign == '-') {
            return end;
        }
        boolean firstOnLine = end > start ? text.charAt(end - 1) == '\n' : lineStarts;
        return sign == 0 && !output && firstOnLine ? end : tag;
    }

    /** The end of <code>{% raw %}</code> if one starts at {@code tag}, else -1. */
    private int rawBlock(int tag) {
        int i = skipSpace(tag + 2 + (signAt(tag + 2) == 0 ? 0 : 1));
        if (!text.startsWith("raw", i)) {
            return -1;
        }
        i = skipSpace(i + 3);
        if (text.startsWith("-%}", i)) {
            return skipSpace(i + 3);
        }
        return text.startsWith("%}", i) ? i + 2 : -1;
    }

    private void rawData(int tag, int start) {
        for (int i = text.indexOf("{%", start); i >= 0; i = text.indexOf("{%", i + 1)) {
            char sign = signAt(i + 2);
            int name = skipSpace(i + 2 + (sign == 0 ? 0 : 1));
            if (!text.startsWith("endraw", name)) {
                continue;
            }
            int end = endOfTag(skipSpace(name + 6), "%}");
            if (end >= 0) {
                data(start, strippedEnd(start, i, sign, false, text.charAt(start - 1) == '\n'));
                position = end;
                return;
            }
        }
        throw source.error(tag, "missing end of raw directive");
    }

    private void comment(int tag) {
        int end = text.indexOf("#}", position);
        if (end < 0) {
            throw source.error(tag, "missing end of comment tag");
        }
        boolean signed = end > position && signAt(end - 1) != 0;
        position = endOfTag(signed ? end - 1 : end, "#}");
    }

    /** One past the tag's end that starts at {@code index} and the whitespace that goes with it; -1 if none does. */
    private int endOfTag(int index, String closing) {
        char sign = signAt(index);
        if (sign != 0 && text.startsWith(closing, index + 1) && !(sign == '+' && closing.equals("}}"))) {
            return sign == '-' ? skipSpace(index + 3) : index + 3;
        }
        if (!text.startsWith(closing, index)) {
            return -1;
        }
        boolean newline = !closing.equals("}}") && index + 2 < text.length() && text.charAt(index + 2) == '\n';
        return index + (newline ? 3 : 2);
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < text.length() && Characters.isSpace(text.charAt(i))) {
            i++;
        }
        return i;
    }

    /** The tokens of a tag up to its end. */
    private void inside(int tag, Token.Kind begin, Token.Kind end, String closing) {
        tokens.add(new Token(begin, tag, text.substring(tag, tag + 2), null));
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            position = skipSpace(position);
            if (position >= text.length()) {
                // As in jinja2 the parser says what is missing.
                return;
            }
            int after = open.isEmpty() ? endOfTag(position, closing) : -1;
            if (after >= 0) {
                tokens.add(new Token(end, position, closing, null));
                position = after;
                return;
            }
            char c = text.charAt(position);
            if (Characters.isDigit(c)) {
                number();
            } else if (Characters.isNamePart(text.codePointAt(position))) {
                name();
            } else if (c == '\'' || c == '"') {
                string(c);
            } else {
                operator(open);
            }
        }
    }

    private void operator(Deque<Character> open) {
        int at = position;
        char c = text.charAt(at);
        String found = at + 2 <= text.length() && LONG_OPERATORS.contains(text.substring(at, at + 2))
                ? text.substring(at, at + 2)
                : String.valueOf(c);
        if (found.length() == 1 && OPERATORS.indexOf(c) < 0) {
            throw source.error(at, "unexpected char " + Repr.quote(Character.toString(text.codePointAt(at))));
        }
        switch (c) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> {
                if (open.isEmpty()) {
                    throw source.error(at, "unexpected '" + c + "'");
                }
                char expected = open.pop();
                if (expected != c) {
                    throw source.error(at, "unexpected '" + c + "', expected '" + expected + "'");
                }
            }
            default -> {
                // No other operator opens or closes.
            }
        }
        tokens.add(new Token(Token.Kind.OPERATOR, at, found, null));
        position += found.length();
    }

    private void name() {
        int at = position;
        while (position < text.length() && Characters.isNamePart(text.codePointAt(position))) {
            position += Character.charCount(text.codePointAt(position));
        }
        String name = text.substring(at, position);
        if (!Characters.isIdentifier(name)) {
            throw source.error(at, "invalid character in identifier '" + name + "'");
        }
        tokens.add(new Token(Token.Kind.NAME, at, name, null));
    }

    private void number() {
        int at = position;
        boolean afterDot = at > 0 && text.charAt(at - 1) == '.';
        int floatEnd = afterDot ? -1 : floatEnd(at);
        if (floatEnd > 0) {
            position = floatEnd;
            String digits = digits(at);
            tokens.add(new Token(
                    Token.Kind.FLOAT, at, digits, new Value.Real(Double.parseDouble(digits), Origin.TEMPLATE)));
            return;
        }
        char marker = at + 1 < text.length() ? Character.toLowerCase(text.charAt(at + 1)) : 0;
        int radix = text.charAt(at) != '0' ? 10 : marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 10;
        int end = radix == 10 ? at : digitsEnd(at + 2, radix, true);
        if (end > at) {
            position = end;
            String digits = digits(at + 2);
            tokens.add(integer(at, new BigInteger(digits, radix)));
            return;
        }
        // Decimal: zeros stand alone, as in Python.
        end = digitsEnd(at, text.charAt(at) == '0' ? 1 : 10, false);
        position = end < 0 ? at + 1 : end;
        tokens.add(integer(at, new BigInteger(digits(at))));
    }

    private Token integer(int at, BigInteger value) {
        return new Token(Token.Kind.INTEGER, at, text.substring(at, position), new Value.Int(value, Origin.TEMPLATE));
    }

    /** The digits from {@code start} up to the position, without underscores. */
    private String digits(int start) {
        if (position - start > DIGITS_MAX) {
            throw source.error(start, "a number of more than " + DIGITS_MAX + " digits");
        }
        return text.substring(start, position).replace("_", "");
    }

    /** One past a run of digits, single underscores within (or also before) allowed; -1 if there is none. */
    private int digitsEnd(int start, int radix, boolean underscoreFirst) {
        int end = -1;
        boolean underscore = !underscoreFirst;
        for (int i = start; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 128 && (radix == 1 ? c == '0' : Character.digit(c, radix) >= 0)) {
                end = i + 1;
                underscore = false;
            } else if (c == '_' && !underscore) {
                underscore = true;
            } else {
                break;
            }
        }
        return end;
    }

    /** One past a float that starts at {@code start}, or -1. */
    private int floatEnd(int start) {
        int end = digitsEnd(start, 10, false);
        if (end < 0) {
            return -1;
        }
        boolean fraction = false;
        if (end < text.length() && text.charAt(end) == '.') {
            int after = digitsEnd(end + 1, 10, false);
            if (after > 0) {
                fraction = true;
                end = after;
            }
        }
        if (end < text.length() && Character.toLowerCase(text.charAt(end)) == 'e') {
            int sign = signAt(end + 1) == 0 ? 0 : 1;
            int after = digitsEnd(end + 1 + sign, 10, false);
            if (after > 0) {
                return after;
            }
        }
        return fraction ? end : -1;
    }

    private void string(char quote) {
        int at = position;
        StringBuilder value = new StringBuilder();
        int i = at + 1;
        while (true) {
            if (i >= text.length()) {
                throw source.error(
                        at, "unexpected char " + Repr.quote(String.valueOf(quote)) + ": the string does not end");
            }
            char c = text.charAt(i);
            if (c == quote) {
                break;
            }
            if (c != '\\') {
                value.append(c);
                i++;
            } else if (i + 1 < text.length()) {
                i = escape(i, value);
            } else {
                i++;
            }
        }
        position = i + 1;
        tokens.add(new Token(Token.Kind.STRING, at, text.substring(at, position), Text.of(value.toString())));
    }

    /** Appends what the escape at the backslash {@code at} stands for, as Python reads it; returns one past it. */
    private int escape(int at, StringBuilder value) {
        char c = text.charAt(at + 1);
        switch (c) {
            case '\n' -> {
                return at + 2;
            }
            case '\\', '\'', '"' -> value.append(c);
            case 'a' -> value.append('\u0007');
            case 'b' -> value.append('\b');
            case 'f' -> value.append('\f');
            case 'n' -> value.append('\n');
            case 'r' -> value.append('\r');
            case 't' -> value.append('\t');
            case 'v' -> value.append('\u000b');
            case 'x' -> {
                return hexEscape(at, 2, value);
            }
            case 'u' -> {
                return hexEscape(at, 4, value);
            }
            case 'U' -> {
                return hexEscape(at, 8, value);
            }
            case 'N' -> {
                int end = text.indexOf('}', at);
                if (!text.startsWith("{", at + 2) || end < 0 || end - at > 200) {
                    throw source.error(at, "malformed \\N character escape");
                }
                try {
                    value.appendCodePoint(Character.codePointOf(text.substring(at + 3, end)));
                } catch (IllegalArgumentException unknown) {
                    throw source.error(at, "unknown Unicode character name");
                }
                return end + 1;
            }
            default -> {
                if (c >= '0' && c <= '7') {
                    int end = at + 1;
                    int code = 0;
                    while (end < text.length() && end < at + 4 && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
                        code = code * 8 + text.charAt(end++) - '0';
                    }
                    value.appendCodePoint(code);
                    return end;
                }
                if (c < 128) {
                    value.append('\\').append(c);
                } else {
                    // jinja2 escapes what is not ASCII before it unescapes the whole, so that a backslash before such a
                    // character leaves that escape visible.
                    int code = text.codePointAt(at + 1);
                    value.append(
                            String.format(code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code));
                    return at + 1 + Character.charCount(code);
                }
            }
        }
        return at + 2;
    }

    private int hexEscape(int at, int digits, StringBuilder value) {
        int code = 0;
        for (int i = at + 2; i < at + 2 + digits; i++) {
            int digit = i < text.length() && text.charAt(i) < 128 ? Character.digit(text.charAt(i), 16) : -1;
            if (digit < 0) {
                throw source.error(at, "truncated \\" + text.charAt(at + 1) + "X".repeat(digits) + " escape");
            }
            code = code << 4 | digit;
        }
        if (!Character.isValidCodePoint(code)) {
            throw source.error(at, "illegal Unicode character");
        }
        value.appendCodePoint(code);
        return at + 2 + digits;
    }
}
