package io.github.medpsy4j.models;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) into maps, lists, strings, numbers, booleans and null. Small and strict; what it reads comes
 * from servers and from other programs' folders.
 */
final class Json {
    private static final int DEPTH_MAX = 64;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /**
     * Reads one value.
     *
     * @throws IllegalArgumentException if the text is no JSON, or nested too deeply
     */
    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.space();
        if (json.at < text.length()) {
            throw json.fault("more behind the value");
        }
        return value;
    }

    /** Returns a map's text of that key, or an empty text. */
    static String text(Object map, String key) {
        return get(map, key) instanceof String text ? text : "";
    }

    /** Returns a map's whole number of that key, or -1. */
    static long number(Object map, String key) {
        return get(map, key) instanceof Long number ? number : -1;
    }

    /** Returns a map's list of that key, or an empty list. */
    static List<?> list(Object map, String key) {
        return get(map, key) instanceof List<?> list ? list : List.of();
    }

    /** Returns a map's value of that key, or null. */
    static Object get(Object map, String key) {
        return map instanceof Map<?, ?> values ? values.get(key) : null;
    }

    private Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw fault("nested more than " + DEPTH_MAX + " deep");
        }
        space();
        char c = peek();
        return switch (c) {
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
        Map<String, Object> map = new LinkedHashMap<>();
        at++;
        space();
        if (peek() == '}') {
            at++;
            return map;
        }
        while (true) {
            space();
            if (peek() != '"') {
                throw fault("expected a key");
            }
            String key = string();
            space();
            expect(':');
            map.put(key, value(depth + 1));
            space();
            if (peek() == '}') {
                at++;
                return map;
            }
            expect(',');
        }
    }

    private List<Object> array(int depth) {
        List<Object> list = new ArrayList<>();
        at++;
        space();
        if (peek() == ']') {
            at++;
            return list;
        }
        while (true) {
            list.add(value(depth + 1));
            space();
            if (peek() == ']') {
                at++;
                return list;
            }
            expect(',');
        }
    }

    private String string() {
        StringBuilder s = new StringBuilder();
        at++;
        while (true) {
            char c = peek();
            at++;
            if (c == '"') {
                return s.toString();
            }
            if (c < ' ') {
                throw fault("a control character in a text");
            }
            s.append(c == '\\' ? escaped() : c);
        }
    }

    private char escaped() {
        char c = peek();
        at++;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                if (at + 4 > text.length()) {
                    throw fault("ends too early");
                }
                try {
                    yield (char) Integer.parseUnsignedInt(text, at, at += 4, 16);
                } catch (NumberFormatException e) {
                    throw fault("no four digits behind \\u");
                }
            }
            default -> throw fault("an unknown escape");
        };
    }

    private Object number() {
        int start = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String digits = text.substring(start, at);
        try {
            if (digits.matches("-?(0|[1-9]\\d{0,17})")) {
                return Long.valueOf(digits);
            }
            if (digits.length() <= 64 && digits.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?")) {
                return Double.valueOf(digits);
            }
        } catch (NumberFormatException e) {
            throw fault("not a number");
        }
        at = start;
        throw fault("expected a value");
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw fault("expected a value");
        }
        at += word.length();
        return value;
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private void expect(char c) {
        if (peek() != c) {
            throw fault("expected '" + c + "'");
        }
        at++;
    }

    private char peek() {
        if (at >= text.length()) {
            throw fault("ends too early");
        }
        return text.charAt(at);
    }

    private IllegalArgumentException fault(String what) {
        return new IllegalArgumentException("not JSON: offset " + at + ": " + what);
    }
}
