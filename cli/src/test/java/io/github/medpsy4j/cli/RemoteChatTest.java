package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.cli.remote.RemoteAccess;
import io.github.medpsy4j.cli.remote.RemoteAddress;
import io.github.medpsy4j.cli.remote.RemoteServer;
import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.FinishReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RemoteChatTest {
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

    private Cli.Result chat(String in, String... more) {
        List<String> args = new ArrayList<>(List.of("chat", "--remote", server.url()));
        args.addAll(Arrays.asList(more));
        return new Cli(home).in(in).run(args.toArray(String[]::new));
    }

    /** What was said to the server in its last request. */
    private List<Object> said() throws IOException {
        List<Object> said = new ArrayList<>();
        for (Object each : (List<?>) server.body().get("messages")) {
            said.add(((Map<?, ?>) each).get("content"));
        }
        return said;
    }

    @Test
    void eachMessageIsSentWithThoseBefore() throws IOException {
        server.then(to -> to.answer("One.")).then(to -> to.answer("Two."));
        Cli.Result result = chat("First\nSecond\n", "--system", "Be brief.");
        assertEquals("One.\nTwo.\n", result.ok());
        assertEquals(List.of("Be brief.", "First", "One.", "Second"), said());
        assertTrue(
                result.err()
                        .startsWith("medpsy: what you type goes to " + server.name() + ", on this machine\n"
                                + "medpsy: test-model at " + server.name() + " answers\n"),
                result.err());
    }

    @Test
    void messagesAreTakenBackChangedAndAnsweredAgain() throws IOException {
        chat("First\nSecond\n/undo\n/edit Changed\n").ok();
        assertEquals(List.of("Changed"), said());
        chat("First\nSecond\n/retry\n").ok();
        assertEquals(List.of("First", "Hello there.", "Second"), said());
        chat("First\n/clear\nSecond\n").ok();
        assertEquals(List.of("Second"), said());
        chat("First\n/system Be kind.\n/retry\n").ok();
        assertEquals(List.of("Be kind.", "First"), said());
    }

    @Test
    void settingsAreTheServersUntilTheyAreSet() throws IOException {
        Cli.Result result =
                chat("/set\n/set temp 0.8\n/set seed 3\n/think off\nHi\n/set seed -1\n/set mintp 1\n", "--top-k", "5");
        assertEquals(1, result.code());
        assertTrue(result.err().contains("temp                  the server's\n"), result.err());
        assertTrue(result.err().contains("top-k                 5\n"), result.err());
        assertTrue(result.err().contains("temp 0.8 (was the server's)\n"), result.err());
        assertTrue(result.err().contains("seed the server's (was 3)\n"), result.err());
        assertTrue(result.err().contains("mintp: no such setting; did you mean min-p?"), result.err());
        Map<String, Object> body = server.body();
        assertEquals(0.8, body.get("temperature"));
        assertEquals(5, body.get("top_k"));
        assertEquals(3, body.get("seed"));
        assertEquals(Map.of("enable_thinking", false), body.get("chat_template_kwargs"));
        assertFalse(body.containsKey("top_p"));
    }

    @Test
    void anotherModelOfTheServersIsNamedByCommand() throws IOException {
        Cli.Result result = chat("/model\n/model large\nHi\n");
        result.ok();
        assertTrue(result.err().contains("medpsy: test-model at " + server.name() + "\n"), result.err());
        assertTrue(result.err().contains("the conversation goes on with large at " + server.name() + "\n"));
        assertEquals("large", server.body().get("model"));
    }

    @Test
    void filesFiguresAndConversationsWorkAsTheyDoHere() throws IOException {
        Path letter = Files.writeString(home.resolve("letter.txt"), "the letter");
        Path saved = home.resolve("saved.json");
        Path exported = home.resolve("talk.md");
        Cli.Result result = chat("/file " + letter + "\nExplain.\n/stats\n/save " + saved + "\n/export " + exported
                + "\n/clear\n/load " + saved + "\n/retry\n/context\n");
        assertEquals(1, result.code());
        assertTrue(result.err().contains("letter.txt: 10 B; it goes with your next message\n"), result.err());
        assertTrue(result.err().contains("  prompt     9 tokens: 5 reused, 4 computed in "), result.err());
        assertTrue(
                result.err().endsWith("medpsy: what fills the context is known to " + server.name() + " alone\n"),
                result.err());
        assertEquals(1, said().size());
        assertTrue(((String) said().getFirst()).contains("the letter"));
        assertTrue(Files.readString(exported).startsWith("# Conversation with served-model at " + server.name()));
        assertEquals(
                "served-model at " + server.name(),
                JSON.std.mapFrom(Files.readString(saved)).get("model"));
    }

    @Test
    void aSessionIsKept() throws IOException {
        chat("First\n", "--session", "s").ok();
        Cli.Result result = chat("Second\n", "--session", "s");
        result.ok();
        assertTrue(result.err().contains("medpsy: session s: 1 turn\n"), result.err());
        assertEquals(List.of("First", "Hello there.", "Second"), said());
    }

    @Test
    void aFailureEndsAChatOfLinesAndKeepsWhatWasSaid() throws IOException {
        server.then(to -> to.answer("One.")).then(to -> to.json(500, "", "{}"));
        Cli.Result result = chat("First\nSecond\n", "--session", "s");
        result.failedAtLast(1, server.name() + ": failed (500)");
        assertEquals("One.\n", result.out());
        server.then(to -> to.answer("Two."));
        chat("Again\n", "--session", "s").ok();
        assertEquals(List.of("First", "One.", "Again"), said());
    }

    @Test
    void aPersonIsToldOfAFailureAndGoesOn() throws IOException {
        server.then(to -> to.json(500, "", "{}")).then(to -> to.answer("Two."));
        Cli.Result result = new Cli(home).inTerminal().in("First\nSecond\n").run("chat", "--remote", server.url());
        assertEquals("Two.\n", result.ok());
        assertTrue(result.err().contains("medpsy: " + server.name() + ": failed (500)\n"), result.err());
        assertEquals(List.of("Second"), said());
    }

    @Test
    void whereTheOtherMachineIsGoneThisOneGoesOnWithWhatWasSaid() throws IOException {
        server.then(to -> to.answer("One.")).then(to -> to.begin().piece("Never shown"));
        Cli.Result result = chat(
                "First\nSecond\nThird\n/save " + home.resolve("s.json") + "\n",
                "--fallback",
                Cli.TINY,
                "-n",
                "5",
                "--temp",
                "0",
                "-c",
                "512",
                "--system",
                "Be brief.",
                "--session",
                "s");
        String out = result.ok();
        assertTrue(out.startsWith("One.\n"), out);
        assertFalse(out.contains("Never"), out);
        assertTrue(
                result.err()
                        .contains("medpsy: " + server.name()
                                + ": closed the connection in the middle of the answer; going on on this machine\n"),
                result.err());
        assertEquals(2, server.asked().size());
        Map<String, Object> saved = JSON.std.mapFrom(Files.readString(home.resolve("s.json")));
        List<?> messages = (List<?>) saved.get("messages");
        assertEquals(
                List.of("system", "user", "assistant", "user", "assistant", "user", "assistant"),
                messages.stream().map(m -> ((Map<?, ?>) m).get("role")).toList());
        assertEquals("One.", ((Map<?, ?>) messages.get(2)).get("content"));
        assertEquals("Second", ((Map<?, ?>) messages.get(3)).get("content"));
        // What this machine answers is what it would have answered to the same conversation.
        Cli.Result alone = new Cli(home)
                .in("/load " + shortened(messages) + "\nSecond\nThird\n")
                .run("chat", Cli.TINY, "-n", "5", "--temp", "0", "-c", "512", "-q");
        assertEquals(out.substring("One.\n".length()), alone.ok());
    }

    /** A file with the first turn of a conversation. */
    private Path shortened(List<?> messages) throws IOException {
        return Files.writeString(
                home.resolve("first.json"),
                JSON.std.asString(
                        Map.of("format", "medpsy-conversation", "version", 1, "messages", messages.subList(0, 3))));
    }

    @Test
    void whereTheOtherMachineIsGoneFromTheStartThisOneBegins() {
        server.models(to -> to.json(503, "Retry-After: 1000\r\n", "{}"));
        Cli.Result result = chat("First\n", "--fallback", Cli.TINY, "-n", "3", "-c", "256");
        result.ok();
        assertTrue(
                result.err()
                        .contains(
                                ": is not ready (503); it was waited for long enough (--remote-timeout N waits longer); "
                                        + "going on on this machine\n"),
                result.err());
        assertEquals(List.of(), server.asked());
    }

    @Test
    void aFallbackThatIsNotHereIsToldOfAtTheStart() {
        Cli.Result result = chat("Hi\n", "--fallback", "local");
        assertEquals("Hello there.\n", result.ok());
        assertTrue(
                result.err()
                        .contains("the model to fall back to, medpsy-1.7b, is not on this machine; it would be pulled "
                                + "first (medpsy pull does so now)\n"),
                result.err());
    }

    @Test
    void aRefusalIsNoReasonToFallBack() {
        server.then(to -> to.json(401, "", "{}"));
        Cli.Result result = chat("First\n", "--fallback", Cli.TINY, "-q");
        result.failed(1, server.name() + ": asks for a key, which --api-key-file FILE or MEDPSY_API_KEY gives (401)");
    }

    @Test
    void oneAnswerOfRunFallsBackToo() {
        server.then(to -> to.begin().piece("Never shown"));
        String[] args = {
            "run", "--remote", server.url(), "--fallback", Cli.TINY, "-p", "Hi", "-n", "4", "--temp", "0", "-c", "256"
        };
        Cli.Result result = new Cli(home).run(args);
        assertEquals(
                new Cli(home)
                        .run("run", Cli.TINY, "-p", "Hi", "-n", "4", "--temp", "0", "-c", "256")
                        .ok(),
                result.ok());
        // On a terminal what came is seen, and ends with its line.
        Cli.Result seen = new Cli(home).inTerminal().run(args);
        assertTrue(seen.ok().startsWith("Never shown\n"), seen.out());
    }

    @Test
    void anInterruptionClosesTheConnectionAndKeepsWhatWasSaid() throws Exception {
        CountDownLatch left = new CountDownLatch(1);
        server.then(to -> {
            to.begin().piece("Half");
            to.awaitEnd();
            left.countDown();
        });
        AtomicBoolean isInterrupted = new AtomicBoolean();
        try (RemoteTalk talk = talk()) {
            Answer answer = talk.send(
                    "Hi",
                    Talk.Listener.of(
                            token -> {
                                isInterrupted.set(true);
                                return true;
                            },
                            isInterrupted::get));
            assertEquals("Half", answer.text());
            assertEquals(FinishReason.INTERRUPTED, answer.generation().finishReason());
            assertEquals(List.of(ChatMessage.user("Hi"), ChatMessage.assistant("Half", "")), talk.messages());
        }
        assertTrue(left.await(20, TimeUnit.SECONDS));
    }

    @Test
    void anInterruptionNeedsNoWordOfTheServer() throws Exception {
        CountDownLatch left = new CountDownLatch(2);
        for (FakeServer.Plan silence : List.<FakeServer.Plan>of(to -> {}, FakeServer.Connection::begin)) {
            server.then(to -> {
                silence.answer(to);
                to.awaitEnd();
                left.countDown();
            });
            try (RemoteTalk talk = talk()) {
                Answer answer = talk.send("Hi", Talk.Listener.of(token -> true, () -> true));
                assertEquals("", answer.text());
                assertEquals(FinishReason.INTERRUPTED, answer.generation().finishReason());
            }
        }
        server.then(to -> to.json(503, "Retry-After: 100\r\n", "{}"));
        assertTrue(left.await(20, TimeUnit.SECONDS));
        try (RemoteTalk talk = talk()) {
            assertEquals(
                    FinishReason.INTERRUPTED,
                    talk.send("Hi", Talk.Listener.of(token -> true, () -> true))
                            .generation()
                            .finishReason());
        }
    }

    private RemoteTalk talk() {
        return new RemoteTalk(
                new RemoteServer(
                        RemoteAddress.parse(server.url()),
                        new RemoteAccess("", Optional.empty(), Duration.ofMinutes(10), line -> {})),
                null,
                ChatOptions.builder().build(),
                Set.of(),
                Map.of());
    }
}
