package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class JsonTest {
    @Test
    void readsEveryKindOfValue() {
        assertEquals(
                Map.of("a", Arrays.asList(1L, -2.5e3, true, false, null, "x\"\\/\b\f\n\r\té", Map.of(), List.of())),
                Json.parse(
                        " {\"a\" : [1, -2.5E3,true,false,null, \"x\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\", {}, [ ]]}\n"));
        assertEquals(1e30, Json.parse("1000000000000000000000000000000"));
    }

    @Test
    void givesWhatIsThereAndHarmlessValuesElse() {
        Object map = Json.parse("{\"t\":\"x\",\"n\":7,\"l\":[1]}");
        assertEquals("x", Json.text(map, "t"));
        assertEquals("", Json.text(map, "n"));
        assertEquals(7, Json.number(map, "n"));
        assertEquals(-1, Json.number(map, "t"));
        assertEquals(List.of(1L), Json.list(map, "l"));
        assertEquals(List.of(), Json.list(List.of(), "l"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{|offset 1: ends too early",
                "{1:2}|offset 1: expected a key",
                "{\"a\" 1}|offset 5: expected ':'",
                "[1 2]|offset 3: expected ','",
                "[1]]|offset 3: more behind the value",
                "nul|offset 0: expected a value",
                "01|offset 0: expected a value",
                "\"\\x\"|offset 3: an unknown escape",
                "\"\\u12|offset 3: ends too early",
                "\"\\u12g4\"|offset 7: no four digits behind \\u",
                "<html>|offset 0: expected a value"
            })
    void refusesWhatIsNoJson(String text, String message) {
        assertEquals(
                "not JSON: " + message,
                assertThrows(IllegalArgumentException.class, () -> Json.parse(text))
                        .getMessage());
    }

    @Test
    void refusesWhatWouldExhaustTheStack() {
        assertEquals(
                "not JSON: offset 65: nested more than 64 deep",
                assertThrows(IllegalArgumentException.class, () -> Json.parse("[".repeat(100_000)))
                        .getMessage());
        assertEquals(
                "not JSON: offset 1: a control character in a text".replace("1:", "2:"),
                assertThrows(IllegalArgumentException.class, () -> Json.parse("\"\n\""))
                        .getMessage());
    }
}
