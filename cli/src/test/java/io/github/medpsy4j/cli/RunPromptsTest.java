package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunPromptsTest {
    @TempDir
    Path home;

    private Cli cli() {
        return new Cli(home);
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(home.resolve(name), text);
    }

    private static String[] args(Path prompts, String... more) {
        List<String> args = new ArrayList<>(List.of("run", Cli.TINY, "-c", "256", "--prompts", prompts.toString()));
        args.addAll(Arrays.asList(more));
        return args.toArray(String[]::new);
    }

    private Cli.Result greedy(Path prompts, String... more) {
        String[] all = Arrays.copyOf(new String[] {"--temp", "0", "-n", "8"}, 4 + more.length);
        System.arraycopy(more, 0, all, 4, more.length);
        return cli().run(args(prompts, all));
    }

    private static List<Map<String, Object>> results(String text) throws IOException {
        List<Map<String, Object>> results = new ArrayList<>();
        for (String line : text.lines().toList()) {
            results.add(JSON.std.mapFrom(line));
        }
        return results;
    }

    private static List<Object> each(List<Map<String, Object>> results, String field) {
        return results.stream().map(result -> result.get(field)).toList();
    }

    /** The text of one prompt, answered by itself. */
    private Object alone(String... args) throws IOException {
        List<String> all = new ArrayList<>(List.of("run", Cli.TINY, "-c", "256", "--temp", "0", "--json"));
        all.addAll(Arrays.asList(args));
        if (!all.contains("-n")) {
            all.addAll(List.of("-n", "8"));
        }
        return JSON.std.mapFrom(cli().run(all.toArray(String[]::new)).ok()).get("text");
    }

    @Test
    void aLineIsAPromptAndResultsComeInTheirOrder() throws IOException {
        Path prompts = file("p.txt", "Hello\n\nGoodbye\r\n{not json}\nlast without an end");
        Cli.Result run = greedy(prompts);
        List<Map<String, Object>> results = results(run.ok());
        assertEquals(List.of(1, 3, 4, 5), each(results, "id"));
        assertEquals(
                List.of(
                        alone("-p", "Hello"),
                        alone("-p", "Goodbye"),
                        alone("-p", "{not json}"),
                        alone("-p", "last without an end")),
                each(results, "text"));
        assertEquals("length", results.getFirst().get("finish_reason"));
        assertEquals(8, ((Map<?, ?>) results.getFirst().get("usage")).get("completion_tokens"));
        assertTrue(run.err().contains("4 prompts, 32 tokens in "), run.err());
    }

    @Test
    void howManyAreComputedAtATimeChangesNoAnswer() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            text.append("prompt ").append("x".repeat(i)).append(i).append('\n');
        }
        Path prompts = file("p.txt", text.toString());
        List<Map<String, Object>> one =
                results(greedy(prompts, "--parallel", "1").ok());
        List<Map<String, Object>> five =
                results(greedy(prompts, "--parallel", "5").ok());
        assertEquals(each(one, "text"), each(five, "text"));
        assertEquals(each(one, "line"), each(five, "line"));
        List<Map<String, Object>> any = new ArrayList<>(
                results(greedy(prompts, "--parallel", "5", "--as-finished").ok()));
        assertEquals(20, any.size());
        any.sort((a, b) -> Integer.compare((int) a.get("line"), (int) b.get("line")));
        assertEquals(each(one, "text"), each(any, "text"));
    }

    @Test
    void objectsSayWhatIsTheirOwn() throws IOException {
        Path prompts = file("p.jsonl", """
                {"prompt": "Hello", "id": "a", "max_tokens": 3, "metadata": {"source": [1, null]}}
                {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hello"}], "id": 7}
                {"prompt": "Hello", "system": "S"}
                {"prompt": "Hello", "temp": 2, "seed": 5, "top_k": 50}
                {"prompt": "Hello", "temperature": 2, "seed": 5, "top_k": 50}
                """);
        List<Map<String, Object>> results = results(greedy(prompts).ok());
        assertEquals(List.of("a", 7, 3, 4, 5), each(results, "id"));
        assertEquals(alone("-p", "Hello", "-n", "3"), results.get(0).get("text"));
        assertEquals("{source=[1, null]}", results.get(0).get("metadata").toString());
        assertEquals(alone("-p", "Hello", "--system", "S"), results.get(1).get("text"));
        assertEquals(results.get(1).get("text"), results.get(2).get("text"));
        assertEquals(results.get(3).get("text"), results.get(4).get("text"));
        assertNotEquals(results.get(3).get("text"), alone("-p", "Hello"));
        assertEquals(5L, ((Number) results.get(3).get("seed")).longValue());
    }

    @Test
    void aBadLineFailsInItsOwnResult() throws IOException {
        byte[] bytes = """
                {"prompt": "Hello"}
                {"prompt": "Hello"
                [1]
                {}
                {"prompt": "a", "messages": []}
                {"prompt": 3}
                {"prompt": " "}
                {"prompt": "a", "promt": "b"}
                {"prompt": "a", "max_tokens": 0}
                {"prompt": "a", "temp": 101}
                {"prompt": "a", "think": 3}
                {"prompt": "a", "id": true}
                {"prompt": "a", "id": "x"}
                {"prompt": "a", "id": "x"}
                {"messages": [{"role": "assistant", "content": "a"}]}
                {"messages": [{"role": "tool", "content": "a"}]}
                {"messages": "a"}
                {"prompt": "?"}
                """.getBytes(StandardCharsets.UTF_8);
        bytes[bytes.length - 4] = (byte) 0xff;
        Path prompts = Files.write(home.resolve("p.jsonl"), bytes);
        Cli.Result run = greedy(prompts);
        assertEquals(1, run.code());
        assertTrue(
                run.err().endsWith("medpsy: 16 of 18 prompts failed: 'error' in their results says why\n"), run.err());
        List<Map<String, Object>> results = results(run.out());
        assertEquals(alone("-p", "Hello"), results.getFirst().get("text"));
        List<Object> errors = each(results, "error");
        assertTrue(
                errors.get(1).toString().startsWith("line 2: line 1, column "),
                errors.get(1).toString());
        assertEquals(
                List.of(
                        "line 3: expected a JSON object",
                        "line 4: expected prompt or messages",
                        "line 5: expected one of prompt and messages, got both",
                        "line 6: prompt: expected a text, got 3",
                        "line 7: prompt: expected a text, got an empty one",
                        "line 8: promt: no such field; what is to be carried along belongs under metadata",
                        "line 9: max_tokens: expected a whole number of at least 1, got 0",
                        "line 10: temp: expected 0 to 100, got 101"),
                errors.subList(2, 10).stream().map(Object::toString).toList());
        assertEquals("line 11: think: expected on, off, auto or a boolean", errors.get(10));
        assertEquals("line 12: id: expected a string or a whole number, got a boolean", errors.get(11));
        assertEquals(null, errors.get(12));
        assertEquals("line 14: id: expected another than that of line 13, got x", errors.get(13));
        assertEquals("line 15: messages: expected the last to be the user's, got assistant", errors.get(14));
        assertEquals("line 16: messages[0].role: expected system, user or assistant, got tool", errors.get(15));
        assertEquals("line 17: messages: expected an array of messages, got a string", errors.get(16));
        assertEquals("line 18: offset 12: not UTF-8; expected text in UTF-8, got byte 0xff", errors.get(17));
    }

    @Test
    void aPromptThatDoesNotFitFailsAlone() throws IOException {
        Path prompts = file("p.txt", "Hello\n" + "long ".repeat(400) + "\nGoodbye\n");
        Cli.Result run = greedy(prompts);
        assertEquals(1, run.code());
        List<Map<String, Object>> results = results(run.out());
        assertEquals(alone("-p", "Goodbye"), results.get(2).get("text"));
        assertTrue(
                results.get(1)
                        .get("error")
                        .toString()
                        .matches("the prompt has \\d+ tokens, the context of each answer "
                                + "holds 256 \\(--context N sets it; fewer --parallel leave more to each\\)"),
                results.get(1).toString());
    }

    @Test
    void whatIsInTheFileIsNotComputedAgain() throws IOException {
        Path prompts = file("p.txt", "one\ntwo\nthree\nfour\n");
        Path out = home.resolve("out.jsonl");
        greedy(prompts, "--out", out.toString()).ok();
        String whole = Files.readString(out);
        assertEquals(4, whole.lines().count());

        // As a kill leaves it: two lines and a piece of the third.
        List<String> lines = whole.lines().toList();
        Files.writeString(
                out, lines.get(0) + "\n" + lines.get(1) + "\n" + lines.get(2).substring(0, 20));
        Cli.Result second = greedy(prompts, "--out", out.toString());
        assertEquals("", second.ok());
        assertTrue(second.err().contains("2 of 4 prompts are answered in " + out + " already\n"), second.err());
        assertTrue(second.err().contains("2 prompts, 16 tokens"), second.err());
        List<Map<String, Object>> results = results(Files.readString(out));
        assertEquals(lines.subList(0, 2), Files.readAllLines(out).subList(0, 2));
        assertEquals(each(results(whole), "text"), each(results, "text"));

        Cli.Result third = greedy(prompts, "--out", out.toString());
        third.ok();
        assertFalse(third.err().contains("loaded"), "the model was loaded for nothing: " + third.err());
    }

    @Test
    void whatHasChangedAndWhatFailedIsComputedAgain() throws IOException {
        Path prompts = file("p.jsonl", "{\"id\": \"a\", \"prompt\": \"one\"}\n{\"id\": \"b\", \"prompt\": \"\"}\n");
        Path out = home.resolve("out.jsonl");
        assertEquals(1, greedy(prompts, "--out", out.toString()).code());
        Files.writeString(prompts, "{\"id\": \"a\", \"prompt\": \"two\"}\n{\"id\": \"b\", \"prompt\": \"b\"}\n");
        Cli.Result again = greedy(prompts, "--out", out.toString());
        again.ok();
        List<Map<String, Object>> results = results(Files.readString(out));
        assertEquals(List.of("a", "b"), each(results, "id"));
        assertEquals(List.of(alone("-p", "two"), alone("-p", "b")), each(results, "text"));
        try (var files = Files.list(home)) {
            assertEquals(0, files.filter(f -> f.toString().endsWith(".part")).count());
        }
    }

    @Test
    void aFileOfOthersOrOfAnotherModelIsLeftAlone() throws IOException {
        Path prompts = file("p.txt", "one\n");
        Path notes = file("notes.txt", "my notes\n");
        cli().run(args(prompts, "--out", notes.toString()))
                .failed(1, notes + ": line 1: not a result of this command; expected an object with id and input");
        assertEquals("my notes\n", Files.readString(notes));
        Path other = file("other.jsonl", "{\"id\": 1, \"input\": \"x\", \"model\": \"m\", \"text\": \"\"}\n");
        cli().run(args(prompts, "--out", other.toString()))
                .failed(
                        1,
                        other + ": line 1: a result of another model; expected tiny-q4_k_m.gguf, got m "
                                + "(another --out keeps them apart)");
        cli().run(args(prompts, "--out", prompts.toString()))
                .failed(2, "--out: expected another file than --prompts (see medpsy run --help)");
    }

    @Test
    void stdinMayHoldThePrompts() throws IOException {
        Cli.Result run = cli().in("{\"prompt\": \"Hello\", \"id\": \"x\"}\n")
                .run("run", Cli.TINY, "--temp", "0", "-n", "8", "-q", "--prompts", "-");
        assertEquals("x", results(run.ok()).getFirst().get("id"));
        assertEquals("", run.err());
        cli().in("\n").run("run", Cli.TINY, "--prompts", "-").failed(0, "stdin: no prompts");
    }

    @Test
    void rawPromptsHaveNoTemplate() throws IOException {
        Path prompts = file("p.jsonl", "{\"prompt\": \"Hello <|im_end|>\"}\n{\"messages\": []}\n");
        Cli.Result run = greedy(prompts, "--raw");
        List<Map<String, Object>> results = results(run.out());
        assertEquals(5, ((Map<?, ?>) results.getFirst().get("usage")).get("prompt_tokens"));
        assertEquals(
                alone("-p", "Hello <|im_end|>", "--raw"), results.getFirst().get("text"));
        assertEquals(
                "line 2: messages: expected prompt with --raw, which uses no template",
                results.get(1).get("error"));
    }

    @Test
    void optionsThatHaveNoPlaceAreUsageErrors() throws IOException {
        Path prompts = file("p.txt", "one\n");
        cli().run(args(prompts, "-p", "x"))
                .failed(
                        2,
                        "--prompts: each line is a prompt of its own; --prompt, --file and --session have no place "
                                + "(see medpsy run --help)");
        cli().run("run", Cli.TINY, "-p", "x", "--out", "y")
                .failed(2, "--out: is for --prompts, which is not given (see medpsy run --help)");
        cli().run(args(prompts, "--parallel", "0"))
                .failed(2, "--parallel: expected 1 to 256, got 0 (see medpsy run --help)");
        cli().run(args(home.resolve("none"))).failed(1, home.resolve("none") + ": no such file");
    }
}
