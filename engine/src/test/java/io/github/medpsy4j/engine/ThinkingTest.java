package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThinkingTest {
    private final StringBuilder thoughts = new StringBuilder();
    private final StringBuilder answer = new StringBuilder();

    private Thinking thinking(boolean opened) {
        thoughts.setLength(0);
        answer.setLength(0);
        return new Thinking(opened, (text, isThinking) -> {
            assertFalse(text.isEmpty());
            (isThinking ? thoughts : answer).append(text);
        });
    }

    /** Texts cut at every place, into pieces of every length up to their own. */
    @ParameterizedTest
    @CsvSource(ignoreLeadingAndTrailingWhitespace = false, textBlock = """
            false,<think>why</think>because,why,because
            false,<think>\\nwhy not\\n</think>\\n\\nbecause \\n,why not,because \\n
            false,\\n <think>why</think>because,why,because
            false,plain answer,,plain answer
            false,  spaced answer,,  spaced answer
            false,<thin ice,,<thin ice
            false,<,,<
            false,,,
            false,<think></think>because,,because
            false,<think>\\n\\n</think>\\n\\nbecause,,because
            false,<think>never closed,never closed,
            false,<think>never closed </thi,never closed </thi,
            false,<think>a </b> </think>c,a </b>,c
            false,<think>a <think> b</think>c</think>d,a <think> b,c</think>d
            false,x <think>y</think>,,x <think>y</think>
            false,<think>a</think>,a,
            true,why</think>because,why,because
            true,\\nwhy\\n</think>\\n\\nbecause,why,because
            true,never closed,never closed,
            true,</think>because,,because
            """)
    void marksAreFoundHoweverTheTextIsCut(boolean opened, String text, String thought, String said) {
        String whole = text == null ? "" : text.replace("\\n", "\n");
        for (int length = 1; length <= Math.max(1, whole.length()); length++) {
            Thinking t = thinking(opened);
            for (int from = 0; from < whole.length(); from += length) {
                t.accept(whole.substring(from, Math.min(whole.length(), from + length)));
            }
            t.end();
            assertEquals(
                    thought == null ? "" : thought.replace("\\n", "\n"), thoughts.toString(), "pieces of " + length);
            assertEquals(said == null ? "" : said.replace("\\n", "\n"), answer.toString(), "pieces of " + length);
        }
    }

    @Test
    void textStreamsAsSoonAsItCanBeNoMark() {
        Thinking t = thinking(false);
        t.accept("<th");
        assertEquals("", thoughts.toString() + answer);
        t.accept("ink>a b");
        assertEquals("a b", thoughts.toString());
        assertTrue(t.isThinking());
        t.accept(" </thin");
        assertEquals("a b", thoughts.toString());
        t.accept("g");
        assertEquals("a b </thing", thoughts.toString());
        t.accept("</think>");
        assertFalse(t.isThinking());
        t.accept(" c");
        assertEquals("c", answer.toString());
        t.accept(" ");
        assertEquals("c ", answer.toString());
    }
}
