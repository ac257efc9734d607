package io.github.medpsy4j.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.tokenizer.Tokenizer;
import io.github.medpsy4j.tokenizer.Vocabulary.TokenType;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** llama.cpp's notation: what it matches, against regular expressions and llama.cpp, and what is refused. */
class GbnfTest {
    /** A random expression over a and b, as a grammar's right side and as a regular expression. */
    private record Both(String gbnf, String regex) {}

    private static Both random(Random random, int depth) {
        int kind = depth == 0 ? random.nextInt(3) : random.nextInt(8);
        return switch (kind) {
            case 0 -> new Both("\"a\"", "a");
            case 1 -> new Both("\"ba\"", "ba");
            case 2 -> new Both("[^a]", "[^a]");
            case 3, 4 -> {
                Both x = random(random, depth - 1);
                Both y = random(random, depth - 1);
                yield new Both(x.gbnf + " " + y.gbnf, x.regex + y.regex);
            }
            case 5 -> {
                Both x = random(random, depth - 1);
                Both y = random(random, depth - 1);
                yield new Both("(" + x.gbnf + " | " + y.gbnf + ")", "(?:" + x.regex + "|" + y.regex + ")");
            }
            default -> {
                Both x = random(random, depth - 1);
                String times =
                        List.of("*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,2}").get(random.nextInt(7));
                yield new Both("(" + x.gbnf + ")" + times, "(?:" + x.regex + ")" + times);
            }
        };
    }

    @Test
    void matchesWhatTheRegularExpressionMatches() {
        Random random = new Random(4);
        int matches = 0;
        for (int i = 0; i < 500; i++) {
            Both both = random(random, 5);
            Grammar grammar = Grammar.ofGbnf("root ::= " + both.gbnf);
            Pattern pattern = Pattern.compile(both.regex);
            for (int j = 0; j < 30; j++) {
                StringBuilder text = new StringBuilder();
                random.ints(random.nextInt(9), 0, 3).forEach(c -> text.append("abé".charAt(c)));
                boolean expected = pattern.matcher(text).matches();
                matches += expected ? 1 : 0;
                assertEquals(expected, Texts.matches(grammar, text.toString()), both.gbnf + " on " + text);
            }
        }
        assertTrue(matches > 500, "matches: " + matches);
    }

    @Test
    void matchesNestedTexts() {
        Grammar grammar = Grammar.ofGbnf("""
                # arithmetic, right-recursive and nested
                root  ::= term (op root)?
                term  ::= [0-9]+ |
                          ("(" root      # lines may end behind '|' and in parentheses
                          ")")
                op    ::= " "? [-+*/] " "?
                """);
        for (String good : List.of("1", "1+2", "(1)", "((12)*3)-4", "1 + (2)")) {
            assertTrue(Texts.matches(grammar, good), good);
        }
        for (String bad : List.of("", "1+", "(1", "1)", "()", "1  +2")) {
            assertTrue(!Texts.matches(grammar, bad), bad);
        }
        // Deeper than the depth that is followed: refused where it would begin to.
        assertTrue(Texts.matches(grammar, "(".repeat(300) + "1" + ")".repeat(300)));
        assertTrue(!Texts.matches(grammar, "(".repeat(3000) + "1" + ")".repeat(3000)));
        // What only goes on to the right does not nest.
        assertTrue(Texts.matches(grammar, "1" + "+1".repeat(20_000)));
    }

    @Test
    void escapesAndClassesAreReadAsLlamaCppReadsThem() {
        Grammar grammar =
                Grammar.ofGbnf("root ::= \"\\x41\\u00e9\\U0001F600\\t\\r\\n\\\\\\\"\\[\\]\" [\\]\\-a-] [^\\n] .");
        assertTrue(Texts.matches(grammar, "Aé😀\t\r\n\\\"[]-xy"));
        assertTrue(Texts.matches(grammar, "Aé😀\t\r\n\\\"[]]漢\n"));
        assertTrue(!Texts.matches(grammar, "Aé😀\t\r\n\\\"[]a\n\n"));
        assertTrue(!Texts.matches(grammar, "Aé😀\t\r\n\\\"[]bxy"));
    }

    @Test
    void everyCharacterOfAClassMatchesAndNoOther() {
        int[] bounds = {0, 1, 0x7E, 0x80, 0x7FE, 0x801, 0xFFE, 0xD7FD, 0xE000, 0xFFFE, 0x10001, 0x3FFFF, 0x10FFFD};
        Random random = new Random(9);
        for (int i = 0; i < 60; i++) {
            int first = bounds[random.nextInt(bounds.length)];
            int last = Math.min(0x10FFFF, first + 1 + random.nextInt(1 << random.nextInt(20)));
            if ((first & ~0x7FF) == 0xD800 || (last & ~0x7FF) == 0xD800) {
                continue; // no character
            }
            CodePoints set = CodePoints.range(first, last);
            Grammar grammar = Grammar.ofGbnf(String.format("root ::= [\\U%08x-\\U%08x]", first, last));
            Grammar others = Grammar.ofGbnf(String.format("root ::= [^\\U%08x-\\U%08x]", first, last));
            for (int j = 0; j < 200; j++) {
                int c = j == 0
                        ? first
                        : j == 1 ? last : j == 2 ? last + 1 : j == 3 ? first - 1 : random.nextInt(0x110000);
                if (c < 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
                    continue;
                }
                String text = Character.toString(c);
                assertEquals(set.contains(c), Texts.matches(grammar, text), "U+" + Integer.toHexString(c));
                assertEquals(!set.contains(c), Texts.matches(others, text), "not U+" + Integer.toHexString(c));
            }
        }
    }

    /** The same tokens may come next as in llama.cpp, but for those that are no text or no UTF-8. */
    @Test
    void allowsTheTokensThatLlamaCppAllows() throws Exception {
        List<Object> cases;
        try (InputStream in = GbnfTest.class.getResourceAsStream("/grammar/llama-cpp.json")) {
            cases = JSON.std.listFrom(in);
        }
        Tokenizer tokenizer = Texts.TINY;
        int allowed = 0;
        for (Object each : cases) {
            Map<?, ?> map = (Map<?, ?>) each;
            Constraint constraint = Grammar.ofGbnf((String) map.get("grammar")).constraint(tokenizer);
            for (int token : tokenizer.encode((String) map.get("prefix"))) {
                constraint.accept(token);
            }
            String digits = (String) map.get("allowed");
            float[] logits = new float[tokenizer.vocabulary().size()];
            boolean isDone = constraint.mustEnd();
            constraint.mask(logits);
            for (int id = 0; id < logits.length; id++) {
                boolean expected = (Character.digit(digits.charAt(id / 4), 16) >> (id % 4) & 1) == 1;
                String where = map.get("name") + " after '" + map.get("prefix") + "', token " + id;
                assertEquals(logits[id] == 0, constraint.accepts(id), where);
                boolean isText = tokenizer.isEndOfGeneration(id)
                        || (tokenizer.vocabulary().type(id) != TokenType.CONTROL && !isNoUtf8(tokenizer.bytesOf(id)));
                if (isText) {
                    assertEquals(expected, constraint.accepts(id), where);
                    allowed += expected ? 1 : 0;
                    assertTrue(!isDone || !expected || tokenizer.isEndOfGeneration(id), where);
                }
            }
        }
        assertTrue(cases.size() > 60 && allowed > 5_000, cases.size() + " cases, " + allowed + " allowed");
    }

    private static boolean isNoUtf8(byte[] bytes) {
        int first = bytes[0] & 0xFF;
        // llama.cpp leaves NUL out too.
        return first == 0 || first >= 0xF5 || first == 0xC0 || first == 0xC1;
    }

    private static void assertRefused(String grammar, String message) {
        assertEquals(
                message,
                assertThrows(GrammarException.class, () -> Grammar.ofGbnf(grammar))
                        .getMessage(),
                grammar);
    }

    @Test
    void refusalsNameLineAndColumn() {
        assertRefused("", "line 1, column 1: expected a rule named root, got the end");
        assertRefused("root = \"a\"", "line 1, column 6: expected ::= after the rule's name");
        assertRefused("?", "line 1, column 1: expected a rule's name (letters, digits and '-')");
        assertRefused("a ::= \"x\"\n", "line 2, column 1: expected a rule named root, got the end");
        assertRefused("root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: the rule root is there already");
        assertRefused("root ::= \"a\" b", "line 1, column 14: there is no rule b");
        assertRefused("root ::= \"a", "line 1, column 10: the literal has no end; expected '\"'");
        assertRefused("root ::= [a", "line 1, column 10: the character class has no end; expected ']'");
        assertRefused("root ::= []", "line 1, column 10: the character class is empty");
        assertRefused("root ::= [b-a]", "line 1, column 11: the range is empty: its end comes before its start");
        assertRefused("root ::= (\"a\"", "line 1, column 14: expected ')', got the end");
        assertRefused("root ::= \"a\")", "line 1, column 13: expected the end of the line");
        assertRefused("root ::= *", "line 1, column 10: there is nothing to repeat before '*'");
        assertRefused("root ::= \"a\"{2", "line 1, column 15: expected '}', got the end");
        assertRefused("root ::= \"a\"{x}", "line 1, column 14: expected a number");
        assertRefused("root ::= \"a\"{3,2}", "line 1, column 13: expected {m,n} with m at most n, got {3,2}");
        assertRefused("root ::= \"a\"{1000000}", "line 1, column 14: expected at most 100000 repetitions, got 1000000");
        assertRefused(
                "root ::= \"\\q\"",
                "line 1, column 11: unknown escape '\\q'; expected one of \\x \\u \\U \\t \\r \\n \\\\ \\\" \\[ \\] \\-");
        assertRefused("root ::= \"\\x4\"", "line 1, column 11: expected 2 hexadecimal digits");
        assertRefused("root ::= \"\\ud800\"", "line 1, column 11: no character: U+D800");
        assertRefused("root ::= <think>", "line 1, column 10: tokens ('<…') are not supported");
        assertRefused("root ::= " + "(".repeat(300), "line 1, column 211: groups nest deeper than 200");
    }

    @Test
    void refusesRulesThatBeginWithThemselves() {
        assertRefused(
                "root ::= root \"a\" | \"a\"",
                "the rule root begins with itself: root -> root; left recursion is not supported");
        assertRefused(
                "root ::= \"x\" expr\nexpr ::= term \"+\" expr | term\nterm ::= expr? \"*\"",
                "the rule expr begins with itself: expr -> term -> expr; left recursion is not supported");
        assertRefused(
                "root ::= a b root\na ::= \"x\"*\nb ::= a a",
                "the rule root begins with itself: root -> root; left recursion is not supported");
    }

    @Test
    void refusesRulesThatNeverEnd() {
        assertRefused("root ::= \"a\" root", "the rule root never ends");
        assertRefused("root ::= \"a\" | b\nb ::= \"(\" b \")\"", "the rule b never ends");
    }

    @Test
    void hostileGrammarsEndInTimeAndMemory() {
        // Too many states, whichever way repetitions are put together.
        assertThrows(GrammarException.class, () -> Grammar.ofGbnf("root ::= [a-z]{90000} [a-z]{90000} [a-z]{90000}"));
        StringBuilder nested = new StringBuilder("root ::= r0\n");
        for (int i = 0; i < 100; i++) {
            nested.append("r" + i + " ::= r" + (i + 1) + "{100}\n");
        }
        Grammar long1 = Grammar.ofGbnf(nested + "r100 ::= \"a\"\n");
        assertTrue(!Texts.matches(long1, "a".repeat(5_000)));
        // Nothing at all, in more ways than there are atoms.
        Grammar nothing = Grammar.ofGbnf(nested + "r100 ::= \"a\"?\n");
        assertThrows(GrammarException.class, () -> Texts.matches(nothing, ""));
        // Exponentially many readings of the same text.
        Grammar ambiguous = Grammar.ofGbnf("root ::= s\ns ::= \"a\" s s | \"a\"");
        assertTrue(Texts.matches(ambiguous, "a".repeat(19_999)));
        assertTrue(!Texts.matches(ambiguous, "a".repeat(20_000)));
        Grammar rule = Grammar.ofGbnf("root ::= (\"a\"* \"a\"*)* \"b\"");
        assertTrue(Texts.matches(rule, "a".repeat(10_000) + "b"));
        StringBuilder chain = new StringBuilder("root ::= c0\n");
        for (int i = 0; i < 5_000; i++) {
            chain.append("c" + i + " ::= c" + (i + 1) + " | \"" + i + "\"\n");
        }
        assertTrue(Texts.matches(Grammar.ofGbnf(chain + "c5000 ::= \"x\""), "x"));
    }
}
