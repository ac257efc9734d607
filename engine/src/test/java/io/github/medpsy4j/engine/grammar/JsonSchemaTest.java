package io.github.medpsy4j.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.sampling.Sampler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.tokenizer.Decoder;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** JSON Schema: a suite of schemas with texts, random texts under each of them, and what is refused. */
class JsonSchemaTest {
    private static final int RANDOM_TEXTS = 12;
    private static final int TOKENS_MAX = 600;

    static List<Object> suite() throws IOException {
        try (InputStream in = JsonSchemaTest.class.getResourceAsStream("/grammar/schemas.json")) {
            return JSON.std.listFrom(in);
        }
    }

    private static Grammar grammar(Object schema) throws IOException {
        return Grammar.ofJsonSchema(
                JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES).asString(schema));
    }

    /** Each schema of the suite has texts that its grammar matches and texts that it does not. */
    @ParameterizedTest
    @MethodSource("suite")
    void matchesWhatTheSchemaAccepts(Map<String, Object> test) throws IOException {
        Object schema = test.get("schema");
        Grammar grammar = grammar(schema);
        Grammar fromValues = Grammar.ofJsonSchema(schema);
        for (Object text : (List<?>) test.get("match")) {
            assertTrue(Texts.matches(grammar, (String) text), schema + " on " + text);
            assertTrue(Texts.matches(fromValues, (String) text), schema + " on " + text);
            assertTrue(SchemaChecker.isValid(schema, JSON.std.anyFrom((String) text)), schema + " checks " + text);
        }
        for (Object text : (List<?>) test.get("no")) {
            assertFalse(Texts.matches(grammar, (String) text), schema + " on " + text);
        }
    }

    /** Whatever a model says, what comes out parses and is valid; it ends by itself unless it is cut. */
    @ParameterizedTest
    @MethodSource("suite")
    void randomTextsParseAndAreValid(Map<String, Object> test) throws IOException {
        Object schema = test.get("schema");
        Grammar grammar = grammar(schema);
        Random random = new Random(3);
        int ended = 0;
        for (int i = 0; i < RANDOM_TEXTS; i++) {
            String text = randomText(grammar, random, i);
            if (text == null) {
                continue;
            }
            ended++;
            Object value =
                    JSON.std.without(JSON.Feature.FAIL_ON_DUPLICATE_MAP_KEYS).anyFrom(text);
            assertTrue(SchemaChecker.isValid(schema, value), schema + " on " + text);
            assertEquals(text.strip(), text);
        }
        assertTrue(ended > RANDOM_TEXTS / 2, "only " + ended + " texts ended");
    }

    /** What a sampler draws from noise, or null if that did not end. */
    private static String randomText(Grammar grammar, Random random, int seed) {
        SamplingOptions options = SamplingOptions.builder()
                .temperature(seed % 3 == 0 ? 0 : 1.5f)
                .seed(seed)
                .grammar(grammar)
                .build();
        Sampler sampler = new Sampler(options, Texts.TINY);
        Decoder decoder = Texts.TINY.decoder(false, true);
        StringBuilder text = new StringBuilder();
        int[] history = new int[TOKENS_MAX + 1];
        float[] logits = new float[Texts.TINY.vocabulary().size()];
        int quote = Texts.TINY.encode("\"")[0];
        for (int n = 1; n <= TOKENS_MAX; n++) {
            for (int id = 0; id < logits.length; id++) {
                logits[id] = (float) random.nextGaussian();
            }
            // Noise would hardly ever end a string, an object or a list.
            for (String end : List.of("}", "]", "\"}", "\"]")) {
                logits[Texts.TINY.encode(end)[0]] += 4;
            }
            logits[quote] += 3;
            logits[random.nextInt(logits.length)] = Float.NaN;
            int token = sampler.sample(logits, 0, history, n);
            if (Texts.TINY.isEndOfGeneration(token)) {
                return text.append(decoder.flush()).toString();
            }
            history[n] = token;
            text.append(decoder.accept(token));
        }
        return null;
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "0, 9",
        "5, 5",
        "1, 100",
        "0, 255",
        "-5, 5",
        "-100, -1",
        "99, 1001",
        "-1000, 37",
        "123, 98765",
        "-1, 0",
        "1000, 1999",
        "10, 99"
    })
    void integersInARangeAreExactlyThose(int min, int max) {
        Grammar grammar = Grammar.ofJsonSchema(Map.of("type", "integer", "minimum", min, "exclusiveMaximum", max + 1));
        for (int n = -1200; n < 100_000; n += n < 2100 ? 1 : 97) {
            assertEquals(
                    n >= min && n <= max, Texts.matches(grammar, String.valueOf(n)), n + " in " + min + " to " + max);
        }
        for (String odd : List.of("-0", "00", "01", "+1", "1.0", "1e1", "", "-")) {
            assertFalse(Texts.matches(grammar, odd), odd);
        }
    }

    @ParameterizedTest
    @CsvSource({"int32, -2147483648, 2147483647", "int64, -9223372036854775808, 9223372036854775807"})
    void formatsOfIntegersAreTheRangesOfJavasTypes(String format, BigInteger min, BigInteger max) {
        Grammar grammar = Grammar.ofJsonSchema(Map.of("type", "integer", "format", format));
        for (BigInteger n : List.of(min, max, BigInteger.ZERO, BigInteger.TEN.negate())) {
            assertTrue(Texts.matches(grammar, n.toString()), n.toString());
        }
        assertFalse(Texts.matches(grammar, min.subtract(BigInteger.ONE).toString()));
        assertFalse(Texts.matches(grammar, max.add(BigInteger.ONE).toString()));
        Grammar narrower = Grammar.ofJsonSchema(Map.of("type", "integer", "format", format, "minimum", 0));
        assertTrue(Texts.matches(narrower, max.toString()));
        assertFalse(Texts.matches(narrower, "-1"));
    }

    @Test
    void integersWithOneBoundGoOnToSixteenDigits() {
        Grammar above = Grammar.ofJsonSchema("{\"type\":\"integer\",\"minimum\":17}");
        Grammar below = Grammar.ofJsonSchema("{\"type\":\"integer\",\"maximum\":-3.5}");
        for (long n : new long[] {17, 18, 99, 100, 12345, 9_999_999_999_999_999L}) {
            assertTrue(Texts.matches(above, String.valueOf(n)));
            assertTrue(Texts.matches(below, String.valueOf(-n)));
        }
        for (long n : new long[] {16, 1, 0, -17, 99_999_999_999_999_999L}) {
            assertFalse(Texts.matches(above, String.valueOf(n)));
        }
        assertFalse(Texts.matches(below, "-3"));
        assertTrue(Texts.matches(below, "-4"));
    }

    @Test
    void theEmptySchemaIsAnyObject() throws IOException {
        for (Object schema : List.of(Map.of(), Map.of("title", "x"), Map.of("type", "object"))) {
            Grammar grammar = grammar(schema);
            assertTrue(Texts.matches(grammar, "{\"a\": [1, {\"b\": null}], \"c\": \"\\u00e9\\n\"}"));
            assertTrue(Texts.matches(grammar, "{}"));
            assertFalse(Texts.matches(grammar, "[]"));
            assertFalse(Texts.matches(grammar, "1"));
        }
        assertTrue(Texts.matches(Grammar.ofJsonSchema("true"), "[1.5e-3, true]"));
    }

    private static void assertRefused(String schema, String message) {
        assertEquals(
                message,
                assertThrows(GrammarException.class, () -> Grammar.ofJsonSchema(schema))
                        .getMessage(),
                schema);
    }

    @Test
    void unsupportedKeywordsAreRefusedByPath() {
        for (String keyword : List.of(
                "not",
                "if",
                "patternProperties",
                "propertyNames",
                "minProperties",
                "maxProperties",
                "dependentRequired",
                "unevaluatedProperties",
                "contains",
                "multipleOf",
                "nullable",
                "$dynamicRef",
                "whatever")) {
            assertRefused(
                    "{\"type\":\"object\",\"properties\":{\"a/b\":{\"type\":\"array\",\"items\":{\"" + keyword
                            + "\":1}}}}",
                    "#/properties/a~1b/items/" + keyword + ": is not supported");
        }
        assertRefused("{\"type\":\"array\",\"uniqueItems\":true}", "#/uniqueItems: is not supported");
        assertRefused("{\"type\":\"number\",\"minimum\":1}", "#/minimum: is supported for integers only");
    }

    @Test
    void refusalsSayWhatWasExpected() {
        assertRefused("", "line 1, column 1: not JSON: expected more, got the end");
        assertRefused("{\"a\":1,}", "line 1, column 8: not JSON: expected another one after the comma");
        assertRefused("{\n \"type\": string}", "line 2, column 10: not JSON: expected a JSON value");
        assertRefused("{} {}", "line 1, column 4: not JSON: expected the end");
        assertRefused("{\"type\":1,\"type\":2}", "line 1, column 11: not JSON: the name \"type\" is there already");
        assertRefused("[".repeat(500), "line 1, column 202: not JSON: values nest deeper than 200");
        assertRefused("false", "#: false accepts nothing");
        assertRefused("1", "#: expected a schema, got 1");
        assertRefused(
                "{\"type\":\"text\"}",
                "#/type: expected object, array, string, number, integer, boolean or null, got \"text\"");
        assertRefused("{\"type\":[]}", "#/type: expected at least one type");
        assertRefused("{\"enum\":[]}", "#/enum: no value is of the type, or there is none");
        assertRefused("{\"type\":\"string\",\"enum\":[1]}", "#/enum: no value is of the type, or there is none");
        assertRefused("{\"enum\":[1],\"minimum\":2}", "#/minimum: is not supported beside enum");
        assertRefused("{\"enum\":3}", "#/enum: expected a list, got 3");
        assertRefused("{\"anyOf\":[]}", "#/anyOf: expected at least one schema");
        assertRefused("{\"anyOf\":[true],\"type\":\"object\"}", "#/type: is not supported beside anyOf");
        assertRefused(
                "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}",
                "#/oneOf: a value may match both 0 and 1; expected schemas that differ in type, or in a required "
                        + "property's const or enum (anyOf allows both)");
        assertRefused(
                "{\"type\":\"string\",\"minLength\":-1}",
                "#/minLength: expected a whole number from 0 to 10000, got -1");
        assertRefused(
                "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}", "#/minLength: expected at most 2, got 3");
        assertRefused("{\"type\":\"array\",\"minItems\":3,\"maxItems\":2}", "#/minItems: expected at most 2, got 3");
        assertRefused(
                "{\"prefixItems\":[true],\"items\":false,\"minItems\":2}", "#/minItems: expected at most 1, got 2");
        assertRefused("{\"items\":[true]}", "#/items: expected a schema, got a list (prefixItems holds one)");
        assertRefused(
                "{\"type\":\"integer\",\"minimum\":5,\"maximum\":4}", "#: no integer is at least 5 and at most 4");
        assertRefused(
                "{\"type\":\"integer\",\"minimum\":1e99}",
                "#/minimum: expected a number of at most 30 digits, got 1E+99");
        assertRefused(
                "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false}",
                "#/required: \"a\" is not among the properties");
        assertRefused("{\"properties\":{\"a\":false},\"required\":[\"a\"]}", "#/required: \"a\" may not be there");
        assertRefused(
                "{\"type\":\"string\",\"pattern\":\"a\",\"maxLength\":3}",
                "#/maxLength: is not supported beside pattern");
        assertRefused(
                "{\"type\":\"string\",\"format\":\"color\"}",
                "#/format: expected one of date, date-time, email, hostname, ipv4, time, uri, uuid, got \"color\"");
        assertRefused(
                "{\"$ref\":\"other.json\"}",
                "#/$ref: expected a pointer into this schema (#/$defs/name), got \"other.json\"");
        assertRefused("{\"$ref\":\"#/$defs/a\"}", "#/$ref: there is nothing at \"#/$defs/a\"");
        assertRefused("{\"$ref\":\"#\",\"type\":\"object\"}", "#/type: is not supported beside $ref");
        assertRefused(
                "{\"allOf\":[{\"type\":\"string\"},{\"type\":\"object\"}]}",
                "#/allOf: two values of type cannot be put together");
        assertRefused(
                "{\"allOf\":[{\"properties\":{\"a\":true},\"additionalProperties\":false},{\"required\":[\"b\"]}]}",
                "#/allOf: additionalProperties of one schema is about the properties of another");
    }

    @Test
    void schemasThatNeverEndAreRefused() {
        assertRefused(
                "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}",
                "the rule # never ends");
        assertThrows(GrammarException.class, () -> Grammar.ofJsonSchema("{\"$ref\":\"#\"}"));
        assertThrows(
                GrammarException.class,
                () -> Grammar.ofJsonSchema(
                        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"}]}}}"));
        assertThrows(
                GrammarException.class,
                () -> Grammar.ofJsonSchema(
                        "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"minItems\":9999,\"items\":"
                                + "{\"type\":\"array\",\"minItems\":9999,\"prefixItems\":["
                                + "{\"enum\":[1,2]},".repeat(9999) + "true]}}}"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "(?=a)|#/pattern: groups (?…) other than (?:…) are not supported (at character 1 of (?=a))",
                "a\\b|#/pattern: the escape \\b is not supported (at character 2 of a\\b)",
                "(a)\\1|#/pattern: the escape \\1 is not supported (at character 4 of (a)\\1)",
                "\\p{L}|#/pattern: the escape \\p is not supported (at character 1 of \\p{L})",
                "a^|#/pattern: '^' is supported at the start of the pattern only (at character 2 of a^)",
                "a$b|#/pattern: 'b' is not supported here (at character 3 of a$b)",
                "(a$)|#/pattern: '$' is supported at the end of the pattern only (at character 3 of (a$))",
                "*|#/pattern: '*' stands for nothing here (at character 1 of *)",
                "[a|#/pattern: the class has no end (at character 1 of [a)",
                "[]|#/pattern: the class is empty (at character 1 of [])",
                "(a|#/pattern: the group has no end (at character 1 of (a)",
                "a)|#/pattern: ')' is not supported here (at character 2 of a))",
                "a{3,2}|#/pattern: expected {m}, {m,} or {m,n} with m at most n (at character 2 of a{3,2})",
                "a**|#/pattern: a repetition cannot be repeated (at character 3 of a**)",
                "a{99999}|#/pattern: expected a number of repetitions of at most 10000 (at character 2 of a{99999})",
            })
    void patternsThatCannotBeFollowedAreRefused(String pattern, String message) {
        assertEquals(
                message,
                assertThrows(
                                GrammarException.class,
                                () -> Grammar.ofJsonSchema(Map.of("type", "string", "pattern", pattern)))
                        .getMessage());
    }

    /** A pattern matches what Java's regular expressions find, on strings that are spelled in the usual way. */
    @Test
    void patternsMatchWhatRegularExpressionsFind() throws IOException {
        Random random = new Random(2);
        List<String> patterns = List.of(
                "a",
                "^a",
                "a$",
                "^a$",
                "^(a|b)*c?$",
                "^a|b$",
                "[^a-b]",
                "^\\w+$",
                "\\d{2,3}",
                "^[\\s\\d\"]*$",
                "^.$",
                "^a.?b$",
                "^(?:ab){2}?$",
                "^\\x61\\u0062",
                "\\.",
                "^[\\]\\-\\\\]+$",
                "^$",
                "");
        for (String pattern : patterns) {
            Grammar grammar = Grammar.ofJsonSchema(Map.of("type", "string", "pattern", pattern));
            java.util.regex.Pattern expected = java.util.regex.Pattern.compile(pattern);
            for (int i = 0; i < 300; i++) {
                StringBuilder text = new StringBuilder();
                random.ints(random.nextInt(5), 0, 12).forEach(c -> text.append("aabbc1.\"\\-é\n".charAt(c)));
                // Java's $ matches before a last line terminator too; ECMAScript's does not.
                boolean isOdd = text.toString().endsWith("\n") && pattern.contains("$");
                if (!isOdd) {
                    assertEquals(
                            expected.matcher(text).find(),
                            Texts.matches(grammar, JSON.std.asString(text.toString())),
                            pattern + " on " + text);
                }
            }
        }
    }

    @Test
    void wordsOfOtherJsonLibrariesAreRead() {
        Grammar grammar = Grammar.ofJsonSchema(
                Map.of("type", "array", "items", Map.of("enum", Arrays.asList(1, 2.5, 3L, null)), "maxItems", 2));
        assertTrue(Texts.matches(grammar, "[1, 2.5]"));
        assertTrue(Texts.matches(grammar, "[null,3]"));
        assertThrows(GrammarException.class, () -> Grammar.ofJsonSchema(Map.of("const", new StringBuilder())));
    }
}
