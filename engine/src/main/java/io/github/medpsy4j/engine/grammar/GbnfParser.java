package io.github.medpsy4j.engine.grammar;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Reads llama.cpp's grammar notation, GBNF (its {@code grammars/README.md} and {@code src/llama-grammar.cpp}): rules
 * {@code name ::= …}, literals, character classes, groups, alternatives, repetitions and comments. References to tokens
 * ({@code <…>}) are refused: a grammar is about text here.
 */
final class GbnfParser {
    private static final int LENGTH_MAX = 1 << 20;
    private static final int NESTING_MAX = 200;
    private static final int REPETITIONS_MAX = 100_000;
    private static final String NAME = "a rule's name (letters, digits and '-')";

    private final String text;
    private final Map<String, Expr> rules = new LinkedHashMap<>();
    private final Map<String, Integer> references = new LinkedHashMap<>(); // to where they stand first
    private int at;

    private GbnfParser(String text) {
        this.text = text;
    }

    /** The rules by name; every one that is referred to is there, and so is {@code root}. */
    static Map<String, Expr> parse(String text) {
        if (text.length() > LENGTH_MAX) {
            throw new GrammarException("grammar: expected at most " + LENGTH_MAX + " characters, got " + text.length());
        }
        GbnfParser p = new GbnfParser(text);
        p.space(true);
        while (p.at < text.length()) {
            p.rule();
            p.space(true);
        }
        p.references.forEach((name, place) -> {
            if (!p.rules.containsKey(name)) {
                p.at = place;
                throw p.error("there is no rule " + name);
            }
        });
        if (!p.rules.containsKey("root")) {
            throw p.error("expected a rule named root");
        }
        return p.rules;
    }

    private void rule() {
        int start = at;
        String name = name();
        if (rules.containsKey(name)) {
            at = start;
            throw error("the rule " + name + " is there already");
        }
        space(false);
        if (!text.startsWith("::=", at)) {
            throw error("expected ::= after the rule's name");
        }
        at += 3;
        space(true);
        Expr body = alternatives(0, false);
        if (at < text.length() && !isNewline()) {
            throw error("expected the end of the line");
        }
        rules.put(name, body);
    }

    /** @param isNested whether lines may end anywhere inside */
    private Expr alternatives(int depth, boolean isNested) {
        if (depth > NESTING_MAX) {
            throw error("groups nest deeper than " + NESTING_MAX);
        }
        List<Expr> choices = new ArrayList<>();
        choices.add(sequence(depth, isNested));
        while (at < text.length() && text.charAt(at) == '|') {
            at++;
            space(true);
            choices.add(sequence(depth, isNested));
        }
        return Expr.alt(choices);
    }

    private Expr sequence(int depth, boolean isNested) {
        List<Expr> parts = new ArrayList<>();
        while (at < text.length()) {
            char c = text.charAt(at);
            Expr part;
            if (c == '"') {
                part = literal();
            } else if (c == '[') {
                part = characterClass();
            } else if (c == '(') {
                at++;
                space(true);
                part = alternatives(depth + 1, true);
                if (at == text.length() || text.charAt(at) != ')') {
                    throw error("expected ')'");
                }
                at++;
            } else if (c == '.') {
                at++;
                part = new Expr.Chars(CodePoints.ALL);
            } else if (isWord(c)) {
                int start = at;
                String name = name();
                references.putIfAbsent(name, start);
                part = new Expr.Ref(name);
            } else if (c == '*' || c == '+' || c == '?' || c == '{') {
                throw error("there is nothing to repeat before '" + c + "'");
            } else if (c == '<' || c == '!') {
                throw error("tokens ('" + c + "…') are not supported");
            } else {
                break;
            }
            space(isNested);
            parts.add(repetitions(part, isNested));
        }
        return Expr.seq(parts);
    }

    private Expr repetitions(Expr part, boolean isNested) {
        Expr repeated = part;
        while (at < text.length()) {
            switch (text.charAt(at)) {
                case '*' -> repeated = new Expr.Repeat(repeated, 0, -1);
                case '+' -> repeated = new Expr.Repeat(repeated, 1, -1);
                case '?' -> repeated = new Expr.Repeat(repeated, 0, 1);
                case '{' -> repeated = counted(repeated);
                default -> {
                    return repeated;
                }
            }
            at++;
            space(isNested);
        }
        return repeated;
    }

    /** From '{' to just before '}'. */
    private Expr counted(Expr part) {
        int start = at++;
        space(true);
        int min = number();
        int max = min;
        space(true);
        if (at < text.length() && text.charAt(at) == ',') {
            at++;
            space(true);
            boolean isOpen = at < text.length() && text.charAt(at) == '}';
            max = isOpen ? -1 : number();
            space(true);
        }
        if (at == text.length() || text.charAt(at) != '}') {
            throw error("expected '}'");
        }
        if (max >= 0 && max < min) {
            at = start;
            throw error("expected {m,n} with m at most n, got {" + min + "," + max + "}");
        }
        return new Expr.Repeat(part, min, max);
    }

    private int number() {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        String digits = text.substring(start, at);
        if (digits.isEmpty()) {
            throw error("expected a number");
        }
        if (digits.length() > 6 || Integer.parseInt(digits) > REPETITIONS_MAX) {
            at = start;
            throw error("expected at most " + REPETITIONS_MAX + " repetitions, got " + digits);
        }
        return Integer.parseInt(digits);
    }

    private Expr literal() {
        int start = at++;
        StringBuilder characters = new StringBuilder();
        while (true) {
            if (at == text.length()) {
                at = start;
                throw error("the literal has no end; expected '\"'");
            }
            if (text.charAt(at) == '"') {
                at++;
                return new Expr.Text(characters.toString());
            }
            characters.appendCodePoint(character());
        }
    }

    private Expr characterClass() {
        int start = at++;
        boolean isNegated = at < text.length() && text.charAt(at) == '^';
        if (isNegated) {
            at++;
        }
        CodePoints set = CodePoints.NONE;
        while (true) {
            if (at == text.length()) {
                at = start;
                throw error("the character class has no end; expected ']'");
            }
            if (text.charAt(at) == ']') {
                at++;
                break;
            }
            int rangeStart = at;
            int first = character();
            int last = first;
            if (at + 1 < text.length() && text.charAt(at) == '-' && text.charAt(at + 1) != ']') {
                at++;
                last = character();
            }
            if (last < first) {
                at = rangeStart;
                throw error("the range is empty: its end comes before its start");
            }
            set = set.or(CodePoints.range(first, last));
        }
        if (set.isEmpty() && !isNegated) {
            at = start;
            throw error("the character class is empty");
        }
        return new Expr.Chars(isNegated ? set.not() : set);
    }

    /** A code point of a literal or class, written as it is or escaped. */
    private int character() {
        int start = at;
        int c = text.codePointAt(at);
        at += Character.charCount(c);
        if (c == '\\') {
            if (at == text.length()) {
                at = start;
                throw error("an escape without its letter");
            }
            char escape = text.charAt(at++);
            c = switch (escape) {
                case 'x' -> hex(start, 2);
                case 'u' -> hex(start, 4);
                case 'U' -> hex(start, 8);
                case 't' -> '\t';
                case 'r' -> '\r';
                case 'n' -> '\n';
                case '\\', '"', '[', ']', '-' -> escape;
                default -> {
                    at = start;
                    throw error("unknown escape '\\" + escape
                            + "'; expected one of \\x \\u \\U \\t \\r \\n \\\\ \\\" \\[ \\] \\-");
                }
            };
        }
        if (c > Character.MAX_CODE_POINT || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            at = start;
            throw error("no character: U+" + Integer.toHexString(c).toUpperCase(Locale.ROOT));
        }
        return c;
    }

    private int hex(int start, int digits) {
        long value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
            if (digit < 0) {
                at = start;
                throw error("expected " + digits + " hexadecimal digits");
            }
            value = value * 16 + digit;
            at++;
        }
        return (int) Math.min(value, Integer.MAX_VALUE);
    }

    private String name() {
        int start = at;
        while (at < text.length() && isWord(text.charAt(at))) {
            at++;
        }
        if (start == at) {
            throw error("expected " + NAME);
        }
        return text.substring(start, at);
    }

    private static boolean isWord(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }

    private boolean isNewline() {
        return text.charAt(at) == '\n' || text.charAt(at) == '\r';
    }

    private void space(boolean overLines) {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '#') {
                while (at < text.length() && !isNewline()) {
                    at++;
                }
            } else if (c == ' ' || c == '\t' || (overLines && isNewline())) {
                at++;
            } else {
                break;
            }
        }
    }

    private GrammarException error(String what) {
        int line = 1;
        int lineStart = 0;
        for (int i = 0; i < at; i++) {
            if (text.charAt(i) == '\n') {
                line++;
                lineStart = i + 1;
            }
        }
        String got = at < text.length() ? "" : ", got the end";
        return new GrammarException("line " + line + ", column " + (at - lineStart + 1) + ": " + what
                + (what.startsWith("expected") ? got : ""));
    }
}
