package io.github.medpsy4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Runs each example on a model of two layers and random weights, whose answers are gibberish. */
class ExamplesTest {
    private static final Path FOLDER = Path.of(System.getProperty("basedir", "."));
    private static final String TINY = FOLDER.resolve("../cli/src/test/resources/tiny-q4_k_m.gguf")
            .normalize()
            .toString();
    private static final int LINES_MAX = 60;

    /** A program's entrance. */
    @FunctionalInterface
    private interface Main {
        void run(String[] args) throws Exception;
    }

    private static String out(Main main, String... args) throws Exception {
        PrintStream out = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            main.run(args);
        } finally {
            System.setOut(out);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static void assertMatches(String regex, String text) {
        assertTrue(text.matches("(?s)" + regex), text);
    }

    @Test
    void generates() throws Exception {
        assertMatches(".*\\R\\[(END|LENGTH), \\d+ tokens, [\\d.,]+ tokens/s]\\R", out(Generate::main, TINY, "Hello"));
    }

    @Test
    void streams() throws Exception {
        assertMatches(".+\\R\\[(END|LENGTH|INTERRUPTED)]\\R", out(Stream::main, TINY, "Hello"));
    }

    @Test
    void converses() throws Exception {
        String text = out(Conversation::main, TINY, "Hello", "And now?");
        assertMatches("\\(0 tokens reused.*\\R\\([1-9]\\d* tokens reused.*", text);
        assertMatches(".*system: You are a pharmacist.\\Ruser: Hello\\Rassistant: .*", text);
        assertTrue(!text.contains("user: And now?"), text);
    }

    @Test
    void answersInJson() throws Exception {
        String text = out(JsonAnswer::main, TINY, "Hello").replaceAll("\\s", "");
        assertMatches(
                "\\{'drug':'.{0,20}','prescription':(true|false),'taken':'(orally|topically|byinjection)'}"
                        .replace("'", "\""),
                text);
    }

    @Test
    void tellsProbabilities() throws Exception {
        String text = out(LogProbabilities::main, TINY, "Hello");
        List<String> lines = text.lines().toList();
        assertTrue(!lines.isEmpty() && lines.size() <= 8, text);
        for (String line : lines) {
            assertEquals(4, line.split("%", -1).length - 1, line);
        }
    }

    @Test
    void answersSeveral() throws Exception {
        String text = out(SeveralAtOnce::main, TINY, "Hello", "Goodbye");
        assertMatches("Hello\\R  .*\\RGoodbye\\R  .*\\R\\[\\d+ tokens in \\d+ batches]\\R", text);
    }

    @Test
    void comparesTexts() throws Exception {
        assertMatches(
                "1[.,]000  Hello\\R-?[01][.,]\\d{3}  Goodbye\\R",
                out(Embeddings::main, TINY, "Hello", "Hello", "Goodbye"));
    }

    @Test
    void servesInItsOwnProcess() throws Exception {
        assertMatches(
                "http://127\\.0\\.0\\.1:\\d+/v1/chat/completions\\R200 +\\{.*\"choices\".*}\\s*",
                out(ServeInProcess::main, TINY));
    }

    @Test
    void everyExampleIsShort() throws IOException {
        try (java.util.stream.Stream<Path> files =
                Files.list(FOLDER.resolve("src/main/java/io/github/medpsy4j/examples"))) {
            for (Path file : files.toList()) {
                int lines = Files.readAllLines(file).size();
                assertTrue(lines <= LINES_MAX, file + ": " + lines + " lines");
            }
        }
    }
}
