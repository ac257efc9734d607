package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ToolCallStreamTest {
    private static final Set<String> NAMES = Set.of("dose", "stop");

    /** What came of a text: {@code words|name(arguments)…|fault}. */
    private static final class Reading {
        final StringBuilder text = new StringBuilder();
        final List<ToolCall.Delta> deltas = new ArrayList<>();
        final ToolCallStream stream = new ToolCallStream(NAMES, text::append, deltas::add);

        String shown() {
            StringBuilder all = new StringBuilder(text).append('|');
            for (ToolCall call : stream.calls()) {
                all.append(call.name()).append('(').append(call.arguments()).append(')');
            }
            return all.append('|').append(stream.fault()).toString();
        }

        /** The parts say what the calls say. */
        void check() {
            StringBuilder[] arguments = new StringBuilder[stream.calls().size()];
            for (ToolCall.Delta delta : deltas) {
                ToolCall call = stream.calls().get(delta.index());
                assertEquals(call.id(), delta.id());
                assertEquals(call.name(), delta.name());
                if (arguments[delta.index()] == null) {
                    assertEquals("", delta.arguments(), "the first part has the name alone");
                    arguments[delta.index()] = new StringBuilder();
                } else {
                    assertFalse(delta.arguments().isEmpty());
                    arguments[delta.index()].append(delta.arguments());
                }
            }
            for (int i = 0; i < arguments.length; i++) {
                assertEquals(stream.calls().get(i).arguments(), arguments[i].toString());
            }
        }
    }

    /** The same whole, by characters, and cut anywhere. */
    private static String read(String text) {
        Reading whole = new Reading();
        whole.stream.accept(text);
        whole.stream.end();
        whole.check();
        Random random = new Random(4);
        for (int round = 0; round < 20; round++) {
            Reading cut = new Reading();
            for (int i = 0; i < text.length(); ) {
                int end = Math.min(text.length(), i + (round == 0 ? 1 : 1 + random.nextInt(9)));
                cut.stream.accept(text.substring(i, end));
                i = end;
                if (!text.contains("<tool_call>\nx")) {
                    assertFalse(cut.text.toString().contains("<tool_call"), "a mark leaked: " + cut.text);
                }
            }
            cut.stream.end();
            cut.check();
            assertEquals(whole.shown(), cut.shown());
        }
        return whole.shown();
    }

    private static String call(String json) {
        return "<tool_call>\n" + json + "\n</tool_call>";
    }

    @Test
    void wordsAndCallsAreDivided() {
        assertEquals("Just words, a < b and <tool box> too.||", read("Just words, a < b and <tool box> too."));
        assertEquals(
                "Let me see.|dose({\"kg\": 20})|",
                read("Let me see.\n" + call("{\"name\": \"dose\", \"arguments\": {\"kg\": 20}}")));
        assertEquals(
                "|dose({\"kg\": 20})stop({})|",
                read(call("{\"name\": \"dose\", \"arguments\": {\"kg\": 20}}") + "\n"
                        + call("{\"name\": \"stop\", \"arguments\": {}}") + "\n"));
        assertEquals(
                "Before.\nAfter.|stop({})|",
                read("Before." + call("{\"name\": \"stop\", \"arguments\": {}}") + "\nAfter."));
    }

    @Test
    void argumentsMayHoldAnything() {
        String arguments =
                "{\"text\": \"</tool_call> \\\"}{ \\u00e9 é\", \"deep\": [{\"a\": [1.5e3, null, true]}, \"\"], \"n\": -0}";
        assertEquals("|dose(" + arguments + ")|", read(call("{\"name\": \"dose\", \"arguments\": " + arguments + "}")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"arguments\": {\"kg\": 1}, \"name\": \"dose\"}",
                "{ \"name\" :\"dose\" , \"arguments\" : {\"kg\": 1} }",
                "{\"id\": 7, \"name\": \"dose\", \"more\": {\"x\": [1]}, \"arguments\": {\"kg\": 1}, \"z\": 2}",
                "{\"n\\u0061me\": \"d\\u006fse\", \"arguments\": {\"kg\": 1}}"
            })
    void membersMayComeInAnyOrderAndSpelling(String json) {
        assertEquals("|dose({\"kg\": 1})|", read(call(json)));
        assertEquals("|dose({\"kg\": 1})|", read("<tool_call>" + json + "</tool_call>"));
    }

    @Test
    void aCallWithoutArgumentsHasNone() {
        assertEquals("|stop({})|", read(call("{\"name\": \"stop\"}")));
    }

    @Test
    void theClosingMarkMayMiss() {
        assertEquals("|stop({})|", read("<tool_call>\n{\"name\": \"stop\", \"arguments\": {}}"));
        assertEquals("|stop({})|", read("<tool_call>\n{\"name\": \"stop\", \"arguments\": {}}\n</tool_"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            value = {
                "x = 1#it is no JSON object",
                "[1]#it is no JSON object",
                "{\"name\"; \"dose\"}#it is not JSON",
                "{\"name\": 7}#its name is no text, or there twice",
                "{\"name\": \"cure\", \"arguments\": {}}#there is no tool cure",
                "{\"arguments\": \"{}\", \"name\": \"dose\"}#its arguments are no JSON object, or there twice",
                "{\"arguments\": {}}#it has no name"
            })
    void whatIsNoCallStaysText(String body, String what) {
        assertEquals(
                "Well." + body + " Then.||a call is malformed: " + what + "; its text stands in the answer",
                read("Well." + call(body) + " Then."));
    }

    @Test
    void aCallWithTwoNamesKeepsTheFirst() {
        assertEquals(
                "\"stop\"}|dose({})|call 0 of tool dose is malformed: its name is no text, or there twice",
                read(call("{\"name\": \"dose\", \"arguments\": {}, \"name\": \"stop\"}")));
    }

    @Test
    void aCallThatBreaksAfterItsNameIsKeptAndSaid() {
        assertEquals(
                "|dose({\"kg\": )|call 0 of tool dose is malformed: it is not JSON",
                read(call("{\"name\": \"dose\", \"arguments\": {\"kg\": }}")).replaceAll("^[^|]*", ""));
    }

    @Test
    void whatIsCutOffIsSaid() {
        assertEquals(
                "|dose({\"kg\": 2)|call 0 of tool dose was cut off",
                read("<tool_call>\n{\"name\": \"dose\", \"arguments\": {\"kg\": 2"));
        assertEquals(
                "\n{\"name\": \"do||a call is malformed: it was cut off; its text stands in the answer",
                read("<tool_call>\n{\"name\": \"do"));
    }

    @Test
    void whatMayBecomeAMarkWaitsAndNothingElse() {
        Reading reading = new Reading();
        reading.stream.accept("Ready. <tool_");
        assertEquals("Ready.", reading.text.toString());
        reading.stream.accept("box> ");
        assertEquals("Ready. <tool_box>", reading.text.toString());
        reading.stream.end();
        assertEquals("Ready. <tool_box> ", reading.text.toString());
    }

    @Test
    void argumentsAreReportedAsTheyCome() {
        Reading reading = new Reading();
        reading.stream.accept("<tool_call>\n{\"name\": \"dose\"");
        assertEquals(1, reading.deltas.size());
        reading.stream.accept(", \"arguments\": {\"kg\"");
        assertEquals("{\"kg\"", reading.deltas.get(1).arguments());
        reading.stream.accept(": 2}");
        assertEquals(": 2}", reading.deltas.get(2).arguments());
        reading.stream.accept("}\n</tool_call>");
        assertEquals(3, reading.deltas.size());
        assertTrue(reading.deltas.getFirst().id().matches("call_[0-9a-f]{32}"));
    }

    @Test
    void depthIsBounded() {
        String deep = "[".repeat(10_000);
        assertTrue(read(call("{\"arguments\": {\"a\": " + deep + "}}"))
                .endsWith("it is not JSON; its text stands in the answer"));
    }
}
