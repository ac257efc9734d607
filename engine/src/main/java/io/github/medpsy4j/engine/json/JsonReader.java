package io.github.medpsy4j.engine.json;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) into maps in their order, lists, strings, {@link BigDecimal}s, booleans and null. A name that an
 * object has twice is refused.
 */
public final class JsonReader {
    private static final int NESTING_MAX = 200;
    private static final int NUMBER_CHARS_MAX = 1_000;

    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    /** @throws JsonException if it is not JSON, with line and column */
    public static Object read(String text) {
        JsonReader r = new JsonReader(text);
        Object value = r.value(0);
        r.space();
        if (r.at < text.length()) {
            throw r.error("expected the end");
        }
        return value;
    }

    private Object value(int depth) {
        space();
        if (depth > NESTING_MAX) {
            throw error("values nest deeper than " + NESTING_MAX);
        }
        return switch (peek()) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        space();
        while (peek() != '}') {
            int start = at;
            if (peek() != '"') {
                throw error("expected a name in quotes");
            }
            String name = string();
            if (members.containsKey(name)) {
                at = start;
                throw error("the name \"" + name + "\" is there already");
            }
            space();
            expect(':');
            members.put(name, value(depth + 1));
            separate('}');
        }
        at++;
        return members;
    }

    private List<Object> array(int depth) {
        List<Object> elements = new ArrayList<>();
        at++;
        space();
        while (peek() != ']') {
            elements.add(value(depth + 1));
            separate(']');
        }
        at++;
        return elements;
    }

    /** After an element: a comma that another one follows, or the end. */
    private void separate(char end) {
        space();
        if (peek() == end) {
            return;
        }
        expect(',');
        space();
        if (peek() == end) {
            throw error("expected another one after the comma");
        }
    }

    private String string() {
        int start = at++;
        StringBuilder value = new StringBuilder();
        while (true) {
            if (at == text.length()) {
                at = start;
                throw error("the string has no end");
            }
            char c = text.charAt(at++);
            if (c == '"') {
                return value.toString();
            }
            if (c < ' ') {
                at--;
                throw error("a control character in a string; expected an escape");
            }
            value.append(c == '\\' ? escape() : c);
        }
    }

    private char escape() {
        int start = at - 1;
        char c = at < text.length() ? text.charAt(at++) : 0;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> hex(start);
            default -> {
                at = start;
                throw error("an unknown escape");
            }
        };
    }

    private char hex(int start) {
        int value = 0;
        for (int i = 0; i < 4; i++) {
            int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
            if (digit < 0) {
                at = start;
                throw error("expected four hexadecimal digits after \\u");
            }
            value = value * 16 + digit;
            at++;
        }
        return (char) value;
    }

    private BigDecimal number() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String number = text.substring(start, at);
        at = start;
        if (!number.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d{1,4})?")) {
            throw error("expected a JSON value");
        }
        if (number.length() > NUMBER_CHARS_MAX) {
            throw error("expected a number of at most " + NUMBER_CHARS_MAX + " characters");
        }
        at += number.length();
        return new BigDecimal(number);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw error("expected a JSON value");
        }
        at += word.length();
        return value;
    }

    private char peek() {
        if (at == text.length()) {
            throw error("expected more, got the end");
        }
        return text.charAt(at);
    }

    private void expect(char c) {
        if (peek() != c) {
            throw error("expected '" + c + "'");
        }
        at++;
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private JsonException error(String what) {
        String before = text.substring(0, at);
        int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
        return new JsonException(
                "line " + line + ", column " + (at - before.lastIndexOf('\n')) + ": not JSON: " + what);
    }
}
