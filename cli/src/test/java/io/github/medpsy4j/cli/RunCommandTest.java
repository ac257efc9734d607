package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class RunCommandTest {
    @TempDir
    Path home;

    private Cli cli() {
        return new Cli(home);
    }

    private String greedy(String... more) {
        String[] args = new String[more.length + 5];
        System.arraycopy(new String[] {"run", "--temp", "0", "-n", "12"}, 0, args, 0, 5);
        System.arraycopy(more, 0, args, 5, more.length);
        return cli().run(args).ok();
    }

    @Test
    void onlyTheAnswerIsOnStdout() {
        Cli.Result result = cli().run("run", Cli.TINY, "-p", "Hello", "--temp", "0", "-n", "12");
        assertTrue(result.ok().endsWith("\n"), result.out());
        String[] told = result.err().split("\n");
        assertEquals(2, told.length, result.err());
        assertTrue(
                told[0].matches("medpsy: .*tiny-q4_k_m.gguf: qwen3, context 4,096 of 4,096 tokens, .+, \\d+ threads?, "
                        + "loaded in [0-9.]+ s"),
                told[0]);
        assertTrue(
                told[1].matches("\\[12 tokens, [0-9.]+ tokens/s, first after [0-9.]+ s, context \\d+ of 4,096; "
                        + "ended by --max-tokens]"),
                told[1]);
    }

    @Test
    void quietLeavesStderrEmpty() {
        assertEquals(
                "", cli().run("run", Cli.TINY, "-p", "Hello", "-n", "2", "-q").err());
    }

    @Test
    void thePromptComesFromAnywhere() throws IOException {
        Path file = Files.writeString(home.resolve("prompt.txt"), "Hello");
        String expected = greedy(Cli.TINY, "-p", "Hello");
        assertEquals(expected, greedy(Cli.TINY, "Hello"));
        assertEquals(expected, greedy("-m", Cli.TINY, "Hello"));
        assertEquals(expected, greedy("--model", Cli.TINY, "--prompt", "Hello"));
        assertEquals(expected, greedy(Cli.TINY, "--file", file.toString()));
        assertEquals(
                expected,
                cli().in("Hello")
                        .run("run", Cli.TINY, "-p", "-", "--temp", "0", "-n", "12")
                        .ok());
        assertEquals(
                expected,
                cli().with("MEDPSY_MODEL", Cli.TINY)
                        .run("run", "-p", "Hello", "--temp", "0", "-n", "12")
                        .ok());
        assertNotEquals(expected, greedy(Cli.TINY, "-p", "Goodbye"));
    }

    @Test
    void severalTextsMakeOnePrompt() throws IOException {
        Path file = Files.writeString(home.resolve("letter.txt"), "the letter\n");
        String expected = greedy(Cli.TINY, "-p", "Explain:\n\nthe letter");
        assertEquals(expected, greedy(Cli.TINY, "-p", "Explain:", "--file", file.toString()));
        assertEquals(expected, greedy(Cli.TINY, "-p", "Explain:", "-p", "the letter"));
        assertEquals(
                expected,
                cli().in("the letter\n")
                        .run("run", Cli.TINY, "-p", "Explain:", "-p", "-", "--temp", "0", "-n", "12")
                        .ok());
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "a file that is mapped cannot be cut there")
    void anAnswerThatBreaksOffEndsWithItsLine() throws IOException {
        Path model = Files.copy(Path.of(Cli.TINY), home.resolve("shrinking.gguf"));
        ByteArrayOutputStream out = new ByteArrayOutputStream() {
            @Override
            public void flush() throws IOException {
                if (size() > 0) { // the rows of embeddings that follow are gone
                    try (FileChannel file = FileChannel.open(model, StandardOpenOption.WRITE)) {
                        file.truncate(1);
                    }
                }
            }
        };
        StringWriter err = new StringWriter();
        int code = cli().run(
                        InputStream.nullInputStream(),
                        out,
                        err,
                        "run",
                        model.toString(),
                        "-p",
                        "Hello",
                        "--temp",
                        "0",
                        "-n",
                        "12",
                        "-q");
        assertEquals(1, code, err.toString());
        assertTrue(err.toString().endsWith("got the file's end; it has become shorter\n"), err.toString());
        String printed = out.toString(StandardCharsets.UTF_8);
        assertTrue(printed.endsWith("\n") && printed.length() > 1, printed);
    }

    @Test
    void guessingChangesNoAnswer() throws IOException {
        String[] args = {"run", Cli.TINY, "-p", "Hello", "-n", "200", "--temp", "0", "--json", "--draft", "0"};
        Map<String, Object> plain = JSON.std.mapFrom(cli().run(args).ok());
        args[args.length - 1] = "31";
        Map<String, Object> guessed = JSON.std.mapFrom(cli().run(args).ok());
        assertEquals(plain.get("text"), guessed.get("text"));
        assertEquals(0, ((Map<?, ?>) plain.get("usage")).get("drafted_tokens"));
    }

    @Test
    void greedyAnswersDoNotDependOnTheNumberOfThreads() {
        assertEquals(greedy(Cli.TINY, "-p", "Hello", "-t", "1"), greedy(Cli.TINY, "-p", "Hello", "-t", "2"));
    }

    @Test
    void aSeedRepeatsAndAnotherOneDiffers() {
        String[] one = {"run", Cli.TINY, "-p", "Hello", "-n", "16", "--temp", "2", "--seed", "7", "-q"};
        String[] other = {"run", Cli.TINY, "-p", "Hello", "-n", "16", "--temp", "2", "--seed", "-8", "-q"};
        assertEquals(cli().run(one).ok(), cli().run(one).ok());
        assertNotEquals(cli().run(one).ok(), cli().run(other).ok());
    }

    @Test
    void aPromptMayLookLikeAnOptionOrAFileOfOptions() {
        assertNotEquals("", greedy(Cli.TINY, "-p", "--warm?"));
        assertNotEquals("", greedy(Cli.TINY, "-p", "@file"));
    }

    @Test
    void jsonTellsEverything() throws IOException {
        Cli.Result result = cli().run("run", Cli.TINY, "-p", "Hello", "--temp", "0", "-n", "12", "--json");
        Map<String, Object> json = JSON.std.mapFrom(result.ok());
        assertEquals(greedy(Cli.TINY, "-p", "Hello").strip(), ((String) json.get("text")).strip());
        assertEquals("", json.get("thinking"));
        assertEquals("length", json.get("finish_reason"));
        Map<?, ?> usage = (Map<?, ?>) json.get("usage");
        assertEquals(12, usage.get("completion_tokens"));
        assertEquals(12 + (int) usage.get("prompt_tokens"), usage.get("total_tokens"));
        Map<?, ?> timings = (Map<?, ?>) json.get("timings");
        assertTrue((double) timings.get("generate_s") > 0);
        assertTrue((double) timings.get("load_s") > 0);
    }

    @Test
    void anAnswerEndsBeforeAStopText() throws IOException {
        String whole = greedy(Cli.TINY, "-p", "Hello").strip();
        String stop = whole.substring(4, 7);
        Map<String, Object> json = JSON.std.mapFrom(greedy(Cli.TINY, "-p", "Hello", "--stop", stop, "--json"));
        assertEquals(whole.substring(0, whole.indexOf(stop)), json.get("text"));
        assertEquals("stop_text", json.get("finish_reason"));
    }

    @Test
    void aRawPromptHasNoTemplate() throws IOException {
        Map<String, Object> json = JSON.std.mapFrom(greedy(Cli.TINY, "-p", "Hello <|im_end|>", "--raw", "--json"));
        // 39 301 385 220 1019: the special token counts, and nothing is put around it.
        assertEquals(5, ((Map<?, ?>) json.get("usage")).get("prompt_tokens"));
    }

    @Test
    void aFullContextEndsTheAnswerAndSaysSo() throws IOException {
        Cli.Result result = cli().run("run", Cli.TINY, "-p", "Hello", "--temp", "0", "--raw", "-c", "16");
        result.ok();
        assertTrue(
                result.err().endsWith("context 16 of 16; ended as the context is full (--context N gives more)]\n"),
                result.err());
        Map<String, Object> json =
                JSON.std.mapFrom(cli().run("run", Cli.TINY, "-p", "Hello", "--temp", "0", "--raw", "-c", "16", "--json")
                        .ok());
        assertEquals("context_full", json.get("finish_reason"));
    }

    @Test
    void aPromptLongerThanTheContextSaysBothNumbers() {
        cli().run("run", Cli.TINY, "-p", "Hello <|im_end|>", "--raw", "-c", "4")
                .failedAtLast(
                        1, "the prompt has 5 tokens, the context holds 4 (--context N sets it, up to the model's own)");
    }

    @Test
    void missingAndDoublePromptsAreUsageErrors() {
        cli().run("run", Cli.TINY)
                .failed(2, "no prompt given; -p PROMPT gives one, -p - reads it from stdin (see medpsy run --help)");
        cli().run("run", Cli.TINY, "-p", "a", "b").failed(2, "unexpected argument 'b' (see medpsy run --help)");
        cli().run("run", Cli.TINY, "-p", "-", "--file", "-")
                .failed(2, "stdin is named twice; it can be read once (see medpsy run --help)");
        cli().run("run", Cli.TINY, "-p", "a", "-p", "").failed(2, "the prompt is empty (see medpsy run --help)");
        cli().run("run", Cli.TINY, "-p", "").failed(2, "the prompt is empty (see medpsy run --help)");
        cli().in("\n").run("run", Cli.TINY, "-p", "-").failed(2, "the prompt is empty (see medpsy run --help)");
        cli().run("run", Cli.TINY, "-m", "x", "-p", "a")
                .failed(2, "unexpected argument '" + Cli.TINY + "' (see medpsy run --help)");
        cli().run("run", "-m", "", "-p", "a")
                .failed(2, "MODEL: expected a name or a path, got an empty text (see medpsy run --help)");
    }

    @Test
    void whatATemplateWouldNeedIsRefusedWithARawPrompt() {
        cli().run("run", Cli.TINY, "-p", "a", "--raw", "--system", "b")
                .failed(
                        2,
                        "--raw: there is no template that --system, --think or --think-budget could act on "
                                + "(see medpsy run --help)");
    }

    @Test
    void stdinAndFilesMustBeUtf8() throws IOException {
        byte[] bytes = {'a', (byte) 0xff, 'b'};
        cli().in(bytes)
                .run("run", Cli.TINY, "-p", "-")
                .failed(1, "stdin: offset 1: not UTF-8; expected text in UTF-8, got byte 0xff");
        Path file = Files.write(home.resolve("latin1.txt"), bytes);
        cli().run("run", Cli.TINY, "--file", file.toString())
                .failed(1, file + ": offset 1: not UTF-8; expected text in UTF-8, got byte 0xff");
        cli().run("run", Cli.TINY, "--file", home.resolve("none").toString())
                .failed(1, home.resolve("none") + ": no such file");
        cli().run("run", Cli.TINY, "--file", home.toString()).failed(1, home + ": is a directory; expected a file");
    }

    @Test
    void aModelWithoutATemplateSaysWhatIsPossible() throws IOException {
        Path changed = Cli.tinyWith(home, "tokenizer.chat_template", "tokenizer.chat_templatX");
        cli().run("run", changed.toString(), "-p", "x")
                .failedAtLast(
                        1,
                        changed + ": the file carries no chat template, so there is no conversation with it; "
                                + "medpsy run --raw lets it continue a text");
        cli().run("run", changed.toString(), "-p", "x", "--raw", "-n", "2").ok();
    }

    @Test
    void aSchemaMakesTheAnswerJsonOfItsKind() throws IOException {
        Path schema = Files.writeString(home.resolve("schema.json"), """
                {"type": "object", "properties": {"dose": {"type": "integer", "minimum": 1, "maximum": 500},
                 "unit": {"enum": ["mg", "ml"]}}, "required": ["dose", "unit"], "additionalProperties": false}
                """);
        // A random model may think until its context is full.
        for (String kind : new String[] {"--think=off", "--raw", "--think-budget=20"}) {
            Cli.Result result =
                    cli().run("run", Cli.TINY, "-p", "Hello", "--seed", "7", kind, "--json-schema", schema.toString());
            Map<String, Object> answer = JSON.std.mapFrom(result.ok());
            assertEquals(Set.of("dose", "unit"), answer.keySet(), result.out());
            assertTrue(!result.err().contains("ended by"), result.err());
        }
        Map<String, Object> cut = JSON.std.mapFrom(
                cli().run("run", Cli.TINY, "-p", "x", "-n", "3", "--json", "--raw", "--json-schema", schema.toString())
                        .ok());
        assertEquals("length", cut.get("finish_reason"));
    }

    @Test
    void aGrammarMakesTheAnswerATextOfIt() throws IOException {
        Path grammar = Files.writeString(home.resolve("g.gbnf"), "root ::= \"yes\" | \"no\"\n");
        String out = cli().run("run", Cli.TINY, "-p", "Hello", "--think", "off", "--grammar", grammar.toString())
                .ok();
        assertTrue(out.equals("yes\n") || out.equals("no\n"), out);
    }

    @Test
    void aGrammarThatCannotBeUsedIsRefusedBeforeAModelIsLookedFor() throws IOException {
        Path grammar = Files.writeString(home.resolve("g.gbnf"), "root ::= x\n");
        cli().run("run", "medpsy-4b", "-p", "Hello", "--grammar", grammar.toString())
                .failed(1, grammar + ": line 1, column 10: there is no rule x");
        Path schema = Files.writeString(home.resolve("s.json"), "{\"type\": \"object\", \"minProperties\": 1}");
        cli().run("run", "medpsy-4b", "-p", "Hello", "--json-schema", schema.toString())
                .failed(1, schema + ": #/minProperties: is not supported");
        cli().run("run", "-p", "x", "--json-schema", "a", "--grammar", "b")
                .failed(2, "--json-schema, --grammar: expected one of them (see medpsy run --help)");
    }
}
