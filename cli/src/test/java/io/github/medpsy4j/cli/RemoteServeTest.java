package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.server.Server;
import io.github.medpsy4j.server.ServerOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --remote} with this project's own server at the other end. */
class RemoteServeTest {
    private static final String KEY = "sk-test";

    private static Model model;
    private static Server server;

    @TempDir
    Path home;

    @BeforeAll
    static void serve() throws IOException {
        model = Model.load(Path.of(Cli.TINY));
        server = Server.start(
                ServerOptions.builder().port(0).apiKeys(List.of(KEY)).build());
        server.serve(
                model,
                List.of("tiny", "tiny:latest"),
                ChatOptions.builder().build(),
                SchedulerOptions.defaults().withContext(512));
    }

    @AfterAll
    static void end() {
        server.close();
        model.close();
    }

    private static String name() {
        return "127.0.0.1:" + server.port();
    }

    private Cli cli() {
        return new Cli(home).with("MEDPSY_API_KEY", KEY);
    }

    private static String[] there(String command, String... more) {
        List<String> args = new ArrayList<>(List.of(command, "--remote", "http://" + name(), "--temp", "0"));
        args.addAll(Arrays.asList(more));
        return args.toArray(String[]::new);
    }

    private String here(String in, String... args) {
        List<String> all = new ArrayList<>(Arrays.asList(args));
        all.addAll(List.of("-m", Cli.TINY, "--temp", "0", "-c", "512"));
        return cli().in(in).run(all.toArray(String[]::new)).ok();
    }

    @Test
    void anAnswerIsTheSameAsOnThisMachine() throws IOException {
        Cli.Result result = cli().run(there("run", "-p", "Hello", "-n", "12"));
        assertEquals(here("", "run", "-p", "Hello", "-n", "12"), result.ok());
        assertTrue(
                result.err()
                        .matches("(?s).*\\[12 tokens, [0-9.]+ tokens/s, first after [0-9.]+ s, by tiny at " + name()
                                + "; ended by --max-tokens or a bound of the server's]\n"),
                result.err());
        Map<String, Object> there = JSON.std.mapFrom(
                cli().run(there("run", "-p", "Hello", "-n", "12", "--json")).ok());
        Map<String, Object> here = JSON.std.mapFrom(here("", "run", "-p", "Hello", "-n", "12", "--json"));
        assertEquals(here.get("text"), there.get("text"));
        assertEquals("length", there.get("finish_reason"));
        for (String count : List.of("prompt_tokens", "completion_tokens", "total_tokens")) {
            assertEquals(((Map<?, ?>) here.get("usage")).get(count), ((Map<?, ?>) there.get("usage")).get(count));
        }
    }

    @Test
    void aConversationIsTheSameAsOnThisMachine() {
        String in = "Hello\nAnd you?\n/retry\n/undo\n/edit Goodbye\n";
        assertEquals(
                here(in, "chat", "-n", "6"),
                cli().in(in).run(there("chat", "-n", "6")).ok());
    }

    @Test
    void promptsAreAnsweredSeveralAtATime() throws IOException {
        Path prompts = Files.writeString(home.resolve("p.txt"), "Hello\nGoodbye\nOne\nTwo\nThree\n");
        String[] flags = {"run", "--prompts", prompts.toString(), "-n", "6", "--parallel", "3"};
        assertEquals(
                texts(here("", flags)),
                texts(cli().run(there("run", Arrays.copyOfRange(flags, 1, flags.length)))
                        .ok()));
    }

    private static List<Object> texts(String results) throws IOException {
        List<Object> texts = new ArrayList<>();
        for (String line : results.lines().toList()) {
            texts.add(JSON.std.mapFrom(line).get("text"));
        }
        return texts;
    }

    @Test
    void aSchemaIsKeptTo() throws IOException {
        Path schema =
                Files.writeString(home.resolve("s.json"), "{\"type\": \"integer\", \"minimum\": 3, \"maximum\": 7}");
        String text = cli().run(there("run", "-p", "Hello", "--think", "off", "--json-schema", schema.toString()))
                .ok();
        assertTrue(text.matches("[3-7]\n"), text);
    }

    @Test
    void refusalsSayWhatTheServerSays() {
        new Cli(home)
                .run(there("run", "-q", "-p", "Hello"))
                .failed(
                        1,
                        name() + ": asks for a key, which --api-key-file FILE or MEDPSY_API_KEY gives (401): expected "
                                + "one of the server's API keys in 'Authorization: Bearer KEY'");
        cli().with("MEDPSY_API_KEY", "sk-other")
                .run(there("run", "-q", "-p", "Hello"))
                .failed(
                        1,
                        name() + ": does not take the key (401): expected one of the server's API keys in "
                                + "'Authorization: Bearer KEY'");
        cli().run(there("run", "-q", "other", "Hello"))
                .failed(1, name() + ": has no model of that name (404): model: this server has 'tiny'; it has tiny");
        cli().run(there("run", "-q", "-p", "Hello", "--mirostat", "2"))
                .failed(1, name() + ": refuses the request (400): mirostat: is not supported");
        Cli.Result full = cli().run(there("run", "-q", "-p", "word ".repeat(600)));
        assertEquals(1, full.code());
        assertTrue(
                full.err()
                        .startsWith(
                                "medpsy: " + name() + ": has a context that the conversation does not fit: messages: "
                                        + "expected at most the context's 512 tokens, got "),
                full.err());
    }

    @Test
    void aLongConversationLosesItsOldestTurns() {
        StringBuilder in = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            in.append("word ".repeat(60)).append(i).append('\n');
        }
        Cli.Result result = cli().in(in.toString()).run(there("chat", "-n", "4"));
        result.ok();
        assertTrue(
                result.err().contains("medpsy: the context of " + name() + " is full: the oldest turn leaves it\n"),
                result.err());
    }

    @Test
    void aServerThatStillLoadsItsModelIsWaitedFor() throws IOException {
        try (Server loading = Server.start(ServerOptions.builder().port(0).build())) {
            Cli.Result result =
                    cli().run("run", "--remote", "127.0.0.1:" + loading.port(), "-p", "Hi", "--remote-timeout", "1");
            assertEquals(1, result.code());
            assertTrue(result.err().contains(": is not ready (503): "), result.err());
        }
    }
}
