package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RemotePromptsTest {
    @TempDir
    Path home;

    private FakeServer server;

    @BeforeEach
    void start() throws IOException {
        server = new FakeServer();
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private Cli.Result run(String lines, String... more) throws IOException {
        Path prompts = Files.writeString(home.resolve("prompts.jsonl"), lines);
        List<String> args = new ArrayList<>(List.of("run", "--remote", server.url(), "--prompts", prompts.toString()));
        args.addAll(Arrays.asList(more));
        return new Cli(home).run(args.toArray(String[]::new));
    }

    private static List<Map<String, Object>> results(String text) throws IOException {
        List<Map<String, Object>> results = new ArrayList<>();
        for (String line : text.lines().toList()) {
            results.add(JSON.std.mapFrom(line));
        }
        return results;
    }

    private static String promptOf(FakeServer.Asked asked) throws IOException {
        return (String) ((Map<?, ?>) ((List<?>) asked.json().get("messages")).getLast()).get("content");
    }

    @Test
    void linesAreAnsweredWithTheirOwnSettingsInTheirOrder() throws IOException {
        Cli.Result result = run("""
                {"prompt": "a", "id": "x", "temperature": 0.5, "max_tokens": 3, "metadata": [1]}
                {"prompt": "b", "stop": ["END"], "seed": 4, "system": "Be brief."}
                {"nonsense": 1}
                """, "--parallel", "1", "-n", "9", "--top-k", "2");
        List<Map<String, Object>> results = results(result.out());
        assertEquals(1, result.code());
        assertEquals(List.of("x", 2, 3), results.stream().map(r -> r.get("id")).toList());
        assertEquals("Hello there.", results.get(0).get("text"));
        assertEquals("test-model", results.get(0).get("model"));
        assertEquals(List.of(1), results.get(0).get("metadata"));
        assertEquals(4, results.get(1).get("seed"));
        assertEquals(4, ((Map<?, ?>) results.get(1).get("usage")).get("completion_tokens"));
        assertEquals(
                "line 3: nonsense: no such field; what is to be carried along belongs under metadata",
                results.get(2).get("error"));
        for (FakeServer.Asked asked : server.asked()) {
            Map<String, Object> body = asked.json();
            assertEquals(2, body.get("top_k"));
            if (promptOf(asked).equals("a")) {
                assertEquals(0.5, body.get("temperature"));
                assertEquals(3, body.get("max_tokens"));
            } else {
                assertEquals(9, body.get("max_tokens"));
                assertEquals(List.of("END"), body.get("stop"));
                assertEquals(2, ((List<?>) body.get("messages")).size());
            }
        }
        List<String> told = result.err().lines().toList().reversed();
        assertEquals("medpsy: 1 of 3 prompts failed: 'error' in their results says why", told.getFirst());
        assertTrue(
                told.get(1).matches("medpsy: 3 prompts, 8 tokens in .*; of 18 prompt tokens 10 were at hand"),
                told.get(1));
    }

    @Test
    void soManyAreAskedAtTheSameTime() throws IOException {
        // Each answer waits for the other two.
        CountDownLatch three = new CountDownLatch(3);
        server.then(to -> {
            three.countDown();
            try {
                to.answer(three.await(20, TimeUnit.SECONDS) ? "together" : "alone");
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        });
        assertEquals(
                List.of("together", "together", "together"),
                results(run("{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n", "--parallel", "3")
                                .ok())
                        .stream()
                        .map(r -> r.get("text"))
                        .toList());
    }

    @Test
    void aPromptThatIsRefusedFailsAlone() throws IOException {
        server.then(to -> to.json(413, "", "{}"))
                .then(to -> to.json(500, "", "{\"error\": {\"message\": \"oh\"}}"))
                .then(to -> to.answer("Fine."));
        Cli.Result result = run("{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n", "--parallel", "1");
        assertEquals(1, result.code());
        List<Map<String, Object>> results = results(result.out());
        // Which of the waiting threads asks first is open.
        assertEquals(
                Set.of(
                        server.name() + ": does not take a conversation of this size (413)",
                        server.name() + ": failed (500): oh"),
                results.stream()
                        .map(r -> r.get("error"))
                        .filter(Objects::nonNull)
                        .collect(Collectors.toSet()));
        assertEquals(
                List.of("Fine."),
                results.stream().map(r -> r.get("text")).filter("Fine."::equals).toList());
    }

    @Test
    void aServerThatIsGoneEndsTheRunWhichGoesOnLater() throws IOException {
        Path out = home.resolve("out.jsonl");
        String lines = "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n";
        server.then(to -> to.answer("One.")).then(to -> to.begin().piece("Ha"));
        Cli.Result broken = run(lines, "--parallel", "1", "--out", out.toString(), "-q");
        assertEquals(1, broken.code());
        assertEquals(
                "medpsy: " + server.name() + ": closed the connection in the middle of the answer; 1 of 3 prompts are "
                        + "answered; the same command goes on\n",
                broken.err());
        assertEquals(1, results(Files.readString(out)).size());
        server.then(to -> to.answer("Later."));
        run(lines, "--parallel", "1", "--out", out.toString(), "-q").ok();
        assertEquals(
                List.of("One.", "Later.", "Later."),
                results(Files.readString(out)).stream().map(r -> r.get("text")).toList());
    }

    @Test
    void whatTheOtherMachineDoesNotAnswerThisOneDoes() throws IOException {
        Path out = home.resolve("out.jsonl");
        String lines = "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n{\"prompt\": \"d\"}\n";
        server.then(to -> to.answer("One.")).then(to -> to.begin().piece("Ha"));
        Cli.Result result =
                run(lines, "--parallel", "1", "--out", out.toString(), "--fallback", Cli.TINY, "-n", "3", "-c", "256");
        result.ok();
        assertTrue(
                result.err()
                        .contains("medpsy: " + server.name()
                                + ": closed the connection in the middle of the answer; going on on this machine\n"),
                result.err());
        List<Map<String, Object>> results = results(Files.readString(out));
        assertEquals(
                List.of("test-model", "tiny-q4_k_m.gguf", "tiny-q4_k_m.gguf", "tiny-q4_k_m.gguf"),
                results.stream().map(r -> r.get("model")).toList());
        assertEquals(List.of(1, 2, 3, 4), results.stream().map(r -> r.get("id")).toList());
        // Where both may answer, results of both are taken for answered.
        assertTrue(run(lines, "--out", out.toString(), "--fallback", Cli.TINY)
                .err()
                .contains("4 of 4 prompts are answered in " + out + " already"));
    }

    @Test
    void aServerThatIsGoneFromTheStartLeavesAllToThisOne() throws IOException {
        server.models(to -> {});
        Cli.Result result = run("{\"prompt\": \"a\"}\n", "--fallback", Cli.TINY, "-n", "3", "-c", "256");
        assertEquals("tiny-q4_k_m.gguf", results(result.ok()).getFirst().get("model"));
        assertEquals(List.of(), server.asked());
    }

    @Test
    void aFallbackThatCannotBeIsToldInEachResult() throws IOException {
        server.then(to -> {});
        Cli.Result result = run(
                "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n",
                "--fallback",
                home.resolve("no.gguf").toString());
        assertEquals(1, result.code());
        for (Map<String, Object> each : results(result.out())) {
            assertEquals(
                    home.resolve("no.gguf") + ": cannot read; expected a GGUF file, got: no such file",
                    each.get("error"));
        }
    }
}
