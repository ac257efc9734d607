package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.StopTexts;
import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The small parts that commands are made of. */
class PiecesTest {
    private static String streamed(String text, String... stops) {
        StopTexts s = new StopTexts(List.of(stops));
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            out.append(s.accept(text.substring(i, i + 1)));
        }
        return out.append(s.isFound() ? "!" : s.flush()).toString();
    }

    @Test
    void aStopTextIsFoundAcrossPieces() {
        assertEquals("one !", streamed("one STOP two", "STOP"));
        assertEquals("one SSS", streamed("one SSS", "STOP"));
        assertEquals("one SSTO", streamed("one SSTO", "STOP"));
        assertEquals("S!", streamed("SSTOP", "STOP"));
        assertEquals("a!", streamed("aab", "b", "ab"));
        assertEquals("plain", streamed("plain"));
    }

    @Test
    void theFirstOfSeveralStopTextsCounts() {
        StopTexts stops = new StopTexts(List.of("late", "early"));
        assertEquals("x ", stops.accept("x early late"));
        assertTrue(stops.isFound());
        assertEquals("", stops.accept("more"));
    }

    @Test
    void whatCannotBecomeAStopTextDoesNotWait() {
        StopTexts stops = new StopTexts(List.of("STOP"));
        assertEquals("abc", stops.accept("abc"));
        assertEquals("d ", stops.accept("d ST"));
        assertEquals("STx", stops.accept("x"));
        assertFalse(stops.isFound());
    }

    @Test
    void linesComeWithoutTheirEnds() throws Exception {
        LineReader lines =
                new LineReader(new ByteArrayInputStream("a\r\n\nb \u00e9\nlast".getBytes(StandardCharsets.UTF_8)));
        assertEquals("a", lines.next());
        assertEquals("", lines.next());
        assertEquals("b \u00e9", lines.next());
        assertEquals("last", lines.next());
        assertNull(lines.next());
    }

    @Test
    void nearWordsAreSlipsOfTheHand() {
        List<String> known = List.of("run", "rm", "chat", "tokenize");
        assertEquals(List.of("run"), Near.of("rnu", known));
        assertEquals(List.of("chat"), Near.of("caht", known));
        assertEquals(List.of("tokenize"), Near.of("tokenise", known));
        assertEquals(List.of(), Near.of("frobnicate", known));
        assertEquals(List.of(), Near.of("x".repeat(100_000), known));
        assertEquals(3, Near.distance("kitten", "sitting"));
    }

    @Test
    void controlCharactersDoNotReachATerminal() {
        assertEquals("a\nb\tc\uFFFD[2J\uFFFD", Terminal.harmless("a\nb\tc\u001b[2J\u009b"));
        StringWriter said = new StringWriter();
        new Terminal(null, null, new PrintWriter(said), Map.of(), false, false, true).say("\u001b[2Jmodel answers");
        assertEquals("medpsy: \uFFFD[2Jmodel answers" + System.lineSeparator(), said.toString());
    }

    @Test
    void sizesAreReadable() {
        assertEquals("999 B", Sizes.readable(999));
        assertEquals("1.0 kB", Sizes.readable(1000));
        assertEquals("491.4 MB", Sizes.readable(491_400_064));
        assertEquals("2.72 GB", Sizes.readable(2_716_068_640L));
    }
}
