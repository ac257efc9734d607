package io.github.medpsy4j.engine.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads the regular expressions of JSON Schema's {@code pattern} (ECMA-262 with the flag {@code u}) that a grammar can
 * follow: characters, escapes, classes, groups, alternatives and repetitions, greedy or not, and anchors around an
 * alternative of the whole. Assertions, back references, properties ({@code \p}) and flags are refused.
 */
final class PatternParser {
    private static final int NESTING_MAX = 100;
    private static final int REPETITIONS_MAX = 10_000;
    private static final CodePoints DIGITS = CodePoints.range('0', '9');
    private static final CodePoints WORD =
            DIGITS.or(CodePoints.range('a', 'z')).or(CodePoints.range('A', 'Z')).or(CodePoints.one('_'));
    /** WhiteSpace and LineTerminator of ECMA-262. */
    private static final CodePoints SPACE = CodePoints.of(
                    "\t\u000B\f \u00A0\u1680\u202F\u205F\u3000\uFEFF\n\r\u2028\u2029")
            .or(CodePoints.range(0x2000, 0x200A));

    private static final CodePoints NEWLINES = CodePoints.of("\n\r\u2028\u2029");
    private static final Expr ANYTHING = new Expr.Repeat(JsonText.CHARACTER, 0, -1);

    private final String path;
    private final String pattern;
    private int at;

    private PatternParser(String path, String pattern) {
        this.path = path;
        this.pattern = pattern;
    }

    /** The characters of a JSON string in which the pattern matches somewhere. */
    static Expr parse(String path, String pattern) {
        PatternParser p = new PatternParser(path, pattern);
        List<Expr> choices = new ArrayList<>();
        do {
            boolean fromStart = p.eat('^');
            Expr middle = p.sequence(0);
            boolean toEnd = p.eat('$');
            List<Expr> parts = new ArrayList<>();
            if (!fromStart) {
                parts.add(ANYTHING);
            }
            parts.add(middle);
            if (!toEnd) {
                parts.add(ANYTHING);
            }
            choices.add(Expr.seq(parts));
        } while (p.eat('|'));
        if (p.at < pattern.length()) {
            throw p.error("'" + p.pattern.charAt(p.at) + "' is not supported here");
        }
        return Expr.alt(choices);
    }

    private Expr alternatives(int depth) {
        List<Expr> choices = new ArrayList<>();
        do {
            choices.add(sequence(depth));
        } while (eat('|'));
        return Expr.alt(choices);
    }

    private Expr sequence(int depth) {
        if (depth > NESTING_MAX) {
            throw error("groups nest deeper than " + NESTING_MAX);
        }
        List<Expr> parts = new ArrayList<>();
        while (at < pattern.length() && "|)$".indexOf(pattern.charAt(at)) < 0) {
            parts.add(repeated(atom(depth)));
        }
        return Expr.seq(parts);
    }

    private Expr atom(int depth) {
        int start = at;
        int c = pattern.codePointAt(at);
        at += Character.charCount(c);
        return switch (c) {
            case '(' -> group(start, depth);
            case '[' -> JsonText.spelled(characterClass(start));
            case '.' -> JsonText.spelled(NEWLINES.not());
            case '\\' -> JsonText.spelled(escape(start, false));
            case '^' -> {
                at = start;
                throw error("'^' is supported at the start of the pattern only");
            }
            case '*', '+', '?', '{', '}', ']' -> {
                at = start;
                throw error("'" + (char) c + "' stands for nothing here");
            }
            default -> JsonText.spelled(literal(start, c));
        };
    }

    private Expr group(int start, int depth) {
        if (eat('?') && !eat(':')) {
            at = start;
            throw error("groups (?…) other than (?:…) are not supported");
        }
        Expr inside = alternatives(depth + 1);
        if (at < pattern.length() && pattern.charAt(at) == '$') {
            throw error("'$' is supported at the end of the pattern only");
        }
        if (!eat(')')) {
            at = start;
            throw error("the group has no end");
        }
        return inside;
    }

    private CodePoints literal(int start, int c) {
        if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
            at = start;
            throw error("half a surrogate pair is no character");
        }
        return CodePoints.one(c);
    }

    private Expr repeated(Expr part) {
        if (at == pattern.length()) {
            return part;
        }
        int start = at;
        int min;
        int max;
        switch (pattern.charAt(at++)) {
            case '*' -> {
                min = 0;
                max = -1;
            }
            case '+' -> {
                min = 1;
                max = -1;
            }
            case '?' -> {
                min = 0;
                max = 1;
            }
            case '{' -> {
                min = number(start);
                max = min;
                if (eat(',')) {
                    max = at < pattern.length() && pattern.charAt(at) == '}' ? -1 : number(start);
                }
                if (!eat('}') || (max >= 0 && max < min)) {
                    at = start;
                    throw error("expected {m}, {m,} or {m,n} with m at most n");
                }
            }
            default -> {
                at = start;
                return part;
            }
        }
        eat('?'); // the laziness of a repetition does not change what matches
        if (at < pattern.length() && "*+?{".indexOf(pattern.charAt(at)) >= 0) {
            throw error("a repetition cannot be repeated");
        }
        return Expr.repeat(part, min, max);
    }

    private int number(int start) {
        int first = at;
        while (at < pattern.length() && DIGITS.contains(pattern.charAt(at))) {
            at++;
        }
        String digits = pattern.substring(first, at);
        if (digits.isEmpty() || digits.length() > 5 || Integer.parseInt(digits) > REPETITIONS_MAX) {
            at = start;
            throw error("expected a number of repetitions of at most " + REPETITIONS_MAX);
        }
        return Integer.parseInt(digits);
    }

    private CodePoints characterClass(int start) {
        boolean isNegated = eat('^');
        CodePoints set = CodePoints.NONE;
        while (!eat(']')) {
            CodePoints first = classAtom(start);
            if (at + 1 < pattern.length() && pattern.charAt(at) == '-' && pattern.charAt(at + 1) != ']') {
                at++;
                CodePoints last = classAtom(start);
                if (!isOne(first) || !isOne(last) || last.first(0) < first.first(0)) {
                    at = start;
                    throw error("a range of the class has no characters");
                }
                set = set.or(CodePoints.range(first.first(0), last.first(0)));
            } else {
                set = set.or(first);
            }
        }
        CodePoints all = isNegated ? set.not() : set;
        if (all.isEmpty()) {
            at = start;
            throw error("the class is empty");
        }
        return all;
    }

    private static boolean isOne(CodePoints set) {
        return set.count() == 1 && set.first(0) == set.last(0);
    }

    private CodePoints classAtom(int start) {
        if (at == pattern.length()) {
            at = start;
            throw error("the class has no end");
        }
        int c = pattern.codePointAt(at);
        at += Character.charCount(c);
        return c == '\\' ? escape(at - 1, true) : literal(at - Character.charCount(c), c);
    }

    private CodePoints escape(int start, boolean isInClass) {
        char c = at < pattern.length() ? pattern.charAt(at++) : 0;
        return switch (c) {
            case 'd' -> DIGITS;
            case 'D' -> DIGITS.not();
            case 'w' -> WORD;
            case 'W' -> WORD.not();
            case 's' -> SPACE;
            case 'S' -> SPACE.not();
            case 't' -> CodePoints.one('\t');
            case 'n' -> CodePoints.one('\n');
            case 'r' -> CodePoints.one('\r');
            case 'f' -> CodePoints.one('\f');
            case 'v' -> CodePoints.one(0x0B);
            case 'x' -> literal(start, hex(start, 2));
            case 'u' -> literal(start, hex(start, 4));
            case '^',
                    '$',
                    '\\',
                    '.',
                    '*',
                    '+',
                    '?',
                    '(',
                    ')',
                    '[',
                    ']',
                    '{',
                    '}',
                    '|',
                    '/',
                    '-',
                    '"',
                    '\'',
                    '@',
                    '#',
                    '%',
                    '&',
                    ':',
                    ';',
                    '<',
                    '>',
                    '=',
                    '!',
                    ',',
                    '~',
                    '`',
                    '_',
                    ' ' -> CodePoints.one(c);
            default -> {
                at = start;
                throw error(
                        "the escape \\" + (c == 0 ? "" : c) + (isInClass ? " in a class" : "") + " is not supported");
            }
        };
    }

    private int hex(int start, int digits) {
        int value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = at < pattern.length() ? Character.digit(pattern.charAt(at), 16) : -1;
            if (digit < 0) {
                at = start;
                throw error("expected " + digits + " hexadecimal digits");
            }
            value = value * 16 + digit;
            at++;
        }
        return value;
    }

    private boolean eat(char c) {
        if (at < pattern.length() && pattern.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private GrammarException error(String what) {
        return new GrammarException(path + ": " + what + " (at character " + (at + 1) + " of " + pattern + ")");
    }
}
