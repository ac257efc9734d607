package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RemoteRunTest {
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

    private Cli.Result run(String... more) {
        return run(new Cli(home), more);
    }

    private Cli.Result run(Cli cli, String... more) {
        List<String> args = new ArrayList<>(List.of("run", "--remote", server.url()));
        args.addAll(Arrays.asList(more));
        return cli.run(args.toArray(String[]::new));
    }

    /** Runs with a prompt and without a word but the failure. */
    private void fails(String message) {
        run("-q", "-p", "Hi").failed(1, server.name() + ": " + message);
    }

    @Test
    void theAnswerIsOnStdoutAndWhereItCameFromOnStderr() throws IOException {
        Cli.Result result = run("-p", "Hi");
        assertEquals("Hello there.\n", result.ok());
        String[] told = result.err().split("\n");
        assertEquals(2, told.length, result.err());
        assertEquals("medpsy: what you type goes to " + server.name() + ", on this machine", told[0]);
        assertTrue(
                told[1].matches("\\[4 tokens, [0-9.]+ tokens/s, first after [0-9.]+ s, by served-model at "
                        + server.name() + "]"),
                told[1]);
        assertEquals(
                Map.of(
                        "model",
                        "test-model",
                        "messages",
                        List.of(Map.of("role", "user", "content", "Hi")),
                        "stream",
                        true,
                        "stream_options",
                        Map.of("include_usage", true)),
                server.body());
        assertEquals("/v1/chat/completions", server.asked().getLast().path());
        assertEquals("application/json", server.asked().getLast().headers().get("content-type"));
    }

    @Test
    void nothingIsObtainedOrLoaded() {
        run("-p", "Hi").ok();
        assertFalse(Files.exists(home.resolve("models")));
    }

    @ParameterizedTest
    @CsvSource({
        "'',/v1",
        "/,/v1",
        "/v1,/v1",
        "/v1/,/v1",
        "/openai/v1,/openai/v1",
        "/v1/chat/completions,/v1",
        "/v1beta/x,/v1beta/x"
    })
    void theAddressMayBeWrittenInManyWays(String path, String expected) {
        new Cli(home).run("run", "--remote", server.url() + path, "-p", "Hi").ok();
        assertEquals(expected + "/chat/completions", server.asked().getLast().path());
        assertEquals(expected + "/models", server.allAsked().getFirst().path());
        new Cli(home).run("run", "--remote", server.name() + path, "-p", "Hi").ok();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ftp://desktop|expected http:// or https://, got ftp://",
                "http://me:secret@desktop|expected an address without a user or key in it; --api-key-file FILE or "
                        + "MEDPSY_API_KEY has the key",
                "http://|expected an address such as http://desktop:8080, got one that is none",
                "http://a b|expected an address such as http://desktop:8080, got one that is none",
                "http://my_desktop|expected an address such as http://desktop:8080, got http://my_desktop (a host's name "
                        + "has letters, digits, '-' and '.')",
                "http://desktop:99999|expected an address such as http://desktop:8080, got http://desktop:99999",
                "http://desktop/?key=x|expected an address without '?' and '#', got http://desktop/?key=x",
            })
    void anAddressThatIsNoneIsAUsageError(String url, String message) {
        new Cli(home)
                .run("run", "--remote", url, "-p", "Hi")
                .failed(2, "--remote: " + message + " (see medpsy run --help)");
    }

    @Test
    void whatWasSetGoesAlongUnderTheServersNames() throws IOException {
        run(
                        "-p",
                        "Hi",
                        "-n",
                        "7",
                        "--temp",
                        "0.5",
                        "--top-k",
                        "3",
                        "--top-p",
                        "0.9",
                        "--min-p",
                        "0.1",
                        "--typical",
                        "0.8",
                        "--repeat-penalty",
                        "1.1",
                        "--presence-penalty",
                        "0.25",
                        "--frequency-penalty",
                        "0.75",
                        "--dry-multiplier",
                        "0.5",
                        "--dry-sequence-breaker",
                        "\\n",
                        "--samplers",
                        "top_k;temperature",
                        "--logit-bias",
                        "7-inf",
                        "--logit-bias",
                        "8+2",
                        "--seed",
                        "-9",
                        "--stop",
                        "END",
                        "--stop",
                        "\n\n",
                        "--think",
                        "off",
                        "--think-budget",
                        "50",
                        "--system",
                        "Be brief.")
                .ok();
        Map<String, Object> body = server.body();
        assertEquals(
                List.of(Map.of("role", "system", "content", "Be brief."), Map.of("role", "user", "content", "Hi")),
                body.get("messages"));
        body.keySet().removeAll(List.of("model", "messages", "stream", "stream_options"));
        assertEquals(JSON.std.mapFrom("""
                        {"max_tokens": 7, "temperature": 0.5, "top_k": 3, "top_p": 0.9, "min_p": 0.1, "typical_p": 0.8,
                        "repeat_penalty": 1.1, "presence_penalty": 0.25, "frequency_penalty": 0.75,
                        "dry_multiplier": 0.5, "dry_sequence_breakers": ["\\n"], "samplers": ["top_k", "temperature"],
                        "logit_bias": {"7": -100.0, "8": 2.0}, "seed": -9, "stop": ["END", "\\n\\n"],
                        "chat_template_kwargs": {"enable_thinking": false}, "thinking_budget": 50}"""), body);
    }

    @Test
    void aSeedOfMinusOneIsTheServersToChoose() throws IOException {
        run("-p", "Hi", "--seed", "-1").ok();
        assertNull(server.body().get("seed"));
    }

    @Test
    void aBiasedTextTakesTheOtherForm() throws IOException {
        run("-p", "Hi", "--logit-bias", "hello-2", "--logit-bias", "5-inf").ok();
        assertEquals(
                List.of(List.of("hello", -2.0), List.of(5, false)),
                server.body().get("logit_bias"));
    }

    @Test
    void aSchemaBecomesAResponseFormatAndAGrammarAGrammar() throws IOException {
        Path schema = Files.writeString(home.resolve("s.json"), "{\"type\": \"object\"}");
        run("-p", "Hi", "--json-schema", schema.toString()).ok();
        assertEquals(
                Map.of(
                        "type",
                        "json_schema",
                        "json_schema",
                        Map.of("name", "answer", "strict", true, "schema", Map.of("type", "object"))),
                server.body().get("response_format"));
        Path grammar = Files.writeString(home.resolve("g.gbnf"), "root ::= \"yes\"");
        run("-p", "Hi", "--grammar", grammar.toString()).ok();
        assertEquals("root ::= \"yes\"", server.body().get("grammar"));
        Path broken = Files.writeString(home.resolve("b.json"), "{\"type\":");
        run("-q", "-p", "Hi", "--json-schema", broken.toString())
                .failed(
                        1,
                        broken + ": line 1, column 9: not JSON: Unexpected end-of-input within/between Object entries");
    }

    @Test
    void jsonTellsEverything() throws IOException {
        server.then(to -> to.begin()
                .delta(Map.of("reasoning_content", "Let me see."))
                .piece("Yes.")
                .finish("length")
                .done());
        Map<String, Object> json =
                JSON.std.mapFrom(run("-p", "Hi", "--json", "--seed", "5").ok());
        assertEquals("served-model", json.get("model"));
        assertEquals("Yes.", json.get("text"));
        assertEquals("Let me see.", json.get("thinking"));
        assertEquals("length", json.get("finish_reason"));
        assertEquals(5, json.get("seed"));
        assertEquals(server.name(), json.get("remote"));
        Map<?, ?> usage = (Map<?, ?>) json.get("usage");
        assertEquals(9, usage.get("prompt_tokens"));
        assertEquals(5, usage.get("cached_tokens"));
        assertEquals(4, usage.get("completion_tokens"));
        assertFalse(((Map<?, ?>) json.get("timings")).containsKey("load_s"));
    }

    @Test
    void timingsAreTheServersWhereItTellsThem() throws IOException {
        server.then(to -> to.begin()
                .piece("Yes.")
                .event("{\"choices\": [{\"delta\": {}, \"finish_reason\": \"stop\"}], \"timings\": "
                        + "{\"cache_n\": 3, \"prompt_ms\": 1500.0, \"predicted_ms\": 2000.0}}")
                .event("{\"choices\": [], \"usage\": {\"prompt_tokens\": 6, \"completion_tokens\": 8}}"));
        Map<String, Object> json = JSON.std.mapFrom(run("-p", "Hi", "--json").ok());
        Map<?, ?> timings = (Map<?, ?>) json.get("timings");
        assertEquals(1.5, timings.get("prompt_s"));
        assertEquals(2.0, timings.get("generate_s"));
        assertEquals(4.0, timings.get("tokens_per_s"));
        assertEquals(3, ((Map<?, ?>) json.get("usage")).get("cached_tokens"));
    }

    @Test
    void timesBelowAMillisecondAreNotLost() throws IOException {
        server.then(to -> to.begin()
                .piece("Yes.")
                .event("{\"choices\": [{\"delta\": {}, \"finish_reason\": \"stop\"}], \"timings\": "
                        + "{\"cache_n\": 0, \"prompt_ms\": 0.25, \"predicted_ms\": 0.5}}")
                .event("{\"choices\": [], \"usage\": {\"prompt_tokens\": 6, \"completion_tokens\": 8}}"));
        Map<?, ?> timings =
                (Map<?, ?>) JSON.std.mapFrom(run("-p", "Hi", "--json").ok()).get("timings");
        assertEquals(0.00025, timings.get("prompt_s"));
        assertEquals(0.0005, timings.get("generate_s"));
        assertEquals(16000.0, timings.get("tokens_per_s"));
    }

    @ParameterizedTest
    @CsvSource({"reasoning_content", "reasoning", "tags"})
    void thinkingIsNotOnStdout(String form) {
        server.then(to -> {
            to.begin();
            if (form.equals("tags")) {
                to.piece("<thi").piece("nk>\nHm.").piece("\n</think>\n").piece("\nYes.");
            } else {
                to.delta(Map.of(form, "Hm.")).piece("Yes.");
            }
            to.finish("stop").done();
        });
        Cli.Result result = run("-p", "Hi");
        assertEquals("Yes.\n", result.ok());
        assertTrue(result.err().contains("\nthinking:\nHm.\n\n"), result.err());
    }

    @Test
    void aServerThatDoesNotStreamIsUnderstood() {
        server.then(to -> to.json(
                200,
                "",
                "{\"choices\": [{\"message\": {\"role\": \"assistant\", \"content\": \"Whole.\"}, "
                        + "\"finish_reason\": \"stop\"}]}"));
        assertEquals("Whole.\n", run("-p", "Hi").ok());
    }

    @Test
    void eventsMayHaveAnyFormThatTheStandardAllows() {
        server.then(to -> to.begin()
                .write(": comment\r\n\r\nid: 1\revent: message\rdata:{\"choices\": [{\"delta\":\r"
                        + "data: {\"content\": \"a€\"}}]}\r\r\n")
                .write("data: {\"choices\": [{\"delta\": {\"content\": null}, \"finish_reason\": \"stop\"}]}\n"));
        assertEquals("a€\n", run("-p", "Hi").ok());
    }

    @Test
    void theKeyGoesAlongAndIsNowhereElse() throws IOException {
        Path keys = Files.writeString(home.resolve("keys"), "\n  sk-of-file  \nsk-second\n");
        Cli.Result result = run("--verbose", "-p", "Hi", "--api-key-file", keys.toString());
        result.ok();
        assertTrue(
                result.err()
                        .startsWith("medpsy: what you type goes to " + server.name()
                                + ", on this machine, with your key\n"),
                result.err());
        for (FakeServer.Asked asked : server.allAsked()) {
            assertEquals("Bearer sk-of-file", asked.headers().get("authorization"));
        }
        server.then(to -> to.json(401, "", "{\"error\": {\"message\": \"Bad key sk-of-env given\"}}"));
        Cli.Result refused = run(new Cli(home).with("MEDPSY_API_KEY", "sk-of-env"), "--verbose", "-p", "Hi");
        assertEquals("Bearer sk-of-env", server.asked().getLast().headers().get("authorization"));
        assertEquals(1, refused.code());
        assertTrue(refused.err()
                .endsWith("medpsy: " + server.name() + ": does not take the key (401): Bad key … given\n"));
        assertFalse(result.err().contains("sk-of") || refused.err().contains("sk-of"), refused.err());
        run(new Cli(home).with("MEDPSY_API_KEY", "two words"), "-q", "-p", "Hi")
                .failed(1, "MEDPSY_API_KEY: the key holds a character that no key has");
        run(
                        "-q",
                        "-p",
                        "Hi",
                        "--api-key-file",
                        Files.writeString(home.resolve("none"), "\n").toString())
                .failed(1, home.resolve("none") + ": expected a key, got none");
    }

    @ParameterizedTest
    @CsvSource({"301", "302", "307", "308"})
    void aRedirectIsNotFollowed(int status) throws IOException {
        try (FakeServer other = new FakeServer()) {
            server.then(to -> to.response(status, "Location: " + other.url() + "/v1/chat/completions?token=x\r\n", ""));
            run(new Cli(home).with("MEDPSY_API_KEY", "sk"), "-q", "-p", "Hi")
                    .failed(
                            1,
                            server.name() + ": redirects to " + other.url() + "/v1/chat/completions; nothing was sent "
                                    + "there (name that address if it is the right one)");
            assertEquals(List.of(), other.allAsked());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400|{\"error\": {\"message\": \"top_k: is not supported\"}}|refuses the request (400): top_k: is not supported",
                "400|{\"error\": {\"message\": \"too long\", \"code\": \"context_length_exceeded\"}}|has a context that the conversation does not fit: too long",
                "400|{\"error\": \"plain\"}|refuses the request (400): plain",
                "401|{}|asks for a key, which --api-key-file FILE or MEDPSY_API_KEY gives (401)",
                "403|{\"error\": {\"message\": \"no\"}}|does not allow it (403): no",
                "404|<html>|has nothing at /v1/chat/completions (404)",
                "404|{\"error\": {\"message\": \"m: unknown\", \"code\": \"model_not_found\"}}|has no model of that name (404): m: unknown; it has test-model",
                "404|{\"error\": {\"message\": \"model 'm' not found\"}}|has no model of that name (404): model 'm' not found; it has test-model",
                "405|x|does not offer /v1/chat/completions",
                "413|x|does not take a conversation of this size (413)",
                "500|{\"error\": {\"message\": \"oh\\u001b[2Jno\"}}|failed (500): oh?[2Jno",
                "502|<html>bad gateway|failed (502)",
            })
    void aRefusalIsToldInALine(int status, String body, String message) {
        server.then(to -> to.json(status, "", body));
        fails(message);
    }

    @Test
    void aBusyServerIsWaitedForAndThatIsSaid() {
        server.then(to -> to.json(429, "Retry-After: 1\r\n", "{\"error\": {\"message\": \"4 are waiting\"}}"))
                .then(to -> to.answer("At last."));
        Cli.Result result = run("-p", "Hi");
        assertEquals("At last.\n", result.ok());
        assertTrue(
                result.err()
                        .contains("medpsy: " + server.name() + ": is busy (429): 4 are waiting; asking again in 1 s\n"),
                result.err());
    }

    @Test
    void aServerThatLoadsItsModelIsWaitedForAndThatIsSaidOnce() {
        FakeServer.Plan loading =
                to -> to.json(503, "Retry-After: 1\r\n", "{\"error\": {\"message\": \"Loading model\"}}");
        server.then(loading).then(loading).then(to -> to.answer("At last."));
        Cli.Result result = run("-p", "Hi");
        assertEquals("At last.\n", result.ok());
        String line = "medpsy: " + server.name() + ": is not ready (503): Loading model; asking again in 1 s\n";
        assertEquals(result.err().indexOf(line), result.err().lastIndexOf(line));
        assertTrue(result.err().contains(line), result.err());
    }

    @Test
    void patienceEnds() {
        server.then(to -> to.json(503, "Retry-After: 999999999\r\n", ""));
        fails("is not ready (503); it was waited for long enough (--remote-timeout N waits longer)");
        server.then(to -> to.json(429, "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n", ""));
        fails("is busy (429); it was waited for long enough (--remote-timeout N waits longer)");
    }

    @Test
    void silenceEnds() {
        server.then(FakeServer.Connection::awaitEnd);
        run("-q", "-p", "Hi", "--remote-timeout", "1")
                .failed(1, server.name() + ": nothing has come for 1 s (--remote-timeout N waits longer)");
        server.then(to -> to.begin().piece("Wait").awaitEnd());
        Cli.Result result = run("-q", "-p", "Hi", "--remote-timeout", "1");
        assertEquals(1, result.code());
        assertEquals("Wait\n", result.out());
        assertEquals(
                "medpsy: " + server.name() + ": nothing has come for 1 s (--remote-timeout N waits longer)\n",
                result.err());
    }

    @Test
    void nobodyThereIsToldInALine() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        new Cli(home)
                .run("run", "-q", "--remote", "http://127.0.0.1:" + port, "-p", "Hi")
                .failed(1, "127.0.0.1:" + port + ": cannot be reached: nothing listens there");
        new Cli(home)
                .run("run", "-q", "--remote", "https://no-such-host.invalid", "-p", "Hi")
                .failed(1, "no-such-host.invalid: no such host");
    }

    @Test
    void aConnectionThatBreaksIsToldInALine() {
        server.then(to -> {});
        fails("closed the connection without an answer (does it expect https://?)");
        server.then(FakeServer.Connection::begin);
        fails("closed the connection without an answer");
        server.then(
                to -> to.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\n\r\n"));
        fails("the connection broke in the middle of the answer");
        server.then(to -> to.write("SSH-2.0-OpenSSH_9.9\r\n\r\n"));
        fails("does not speak HTTP (does it expect https://?)");
        server.then(to -> to.begin().piece("Half"));
        Cli.Result result = run("-q", "-p", "Hi");
        assertEquals("Half\n", result.out());
        assertEquals(
                "medpsy: " + server.name() + ": closed the connection in the middle of the answer\n", result.err());
        assertEquals(1, result.code());
    }

    @Test
    void anAnswerIsWholeOnceItsEndWasSaid() {
        server.then(to -> to.begin().piece("Whole").finish("stop"));
        assertEquals("Whole\n", run("-p", "Hi").ok());
        server.then(to -> to.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                .piece("Whole")
                .finish("stop"));
        assertEquals("Whole\n", run("-p", "Hi").ok());
    }

    @Test
    void whatIsNoStreamOfEventsIsToldInALine() {
        server.then(to -> to.response(200, "Content-Type: text/html\r\n", "<html>Welcome</html>"));
        fails("answers with text/html; expected a stream of events. Is " + server.url()
                + "/v1/chat/completions the address of an OpenAI-compatible server?");
        server.then(to -> to.response(200, "", "<html>Welcome</html>"));
        fails("its answer is no stream of events that says how it ended");
        server.then(to -> to.begin().event("<html>"));
        fails("sends an event that is no JSON: <html>");
        server.then(to -> to.begin().event("[1]"));
        fails("sends an event that is no JSON object");
        server.then(to -> to.json(200, "", "[1]"));
        fails("its answer is no JSON object");
        server.then(to -> to.json(200, "", "{\"choices\": []}"));
        fails("its answer has no choice with a finish_reason");
        server.then(to -> to.begin().event("{\"choices\": 7, \"usage\": [], \"timings\": \"x\", \"model\": 1}"));
        fails("its answer is no stream of events that says how it ended");
        server.then(to -> to.begin().event("{\"error\": {\"message\": \"out of memory\"}}"));
        fails("failed while it answered: out of memory");
    }

    @Test
    void aLineThatNeverEndsIsNotCollected() {
        String long64k = "x".repeat(1 << 16);
        server.then(to -> {
            to.begin().write("data: ");
            for (int i = 0; i < 100; i++) {
                to.write(long64k);
            }
        });
        fails("sends an event of more than 1048576 bytes");
        server.then(to -> {
            to.begin();
            for (int i = 0; i < 100; i++) {
                to.write("data: " + long64k + "\n");
            }
        });
        fails("sends an event of more than 1048576 bytes");
        server.then(to -> {
            to.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
            for (int i = 0; i < 300; i++) {
                to.write(long64k);
            }
        });
        fails("answers with more than 16777216 bytes at once");
    }

    @Test
    void figuresThatCannotBeAreLeftOut() throws IOException {
        server.then(to -> to.begin()
                .piece("a")
                .piece("b")
                .finish("stop")
                .event("{\"usage\": {\"prompt_tokens\": -5, \"completion_tokens\": 1e300, "
                        + "\"prompt_tokens_details\": 3}, \"timings\": {\"prompt_ms\": \"x\"}}"));
        Map<String, Object> json = JSON.std.mapFrom(run("-p", "Hi", "--json").ok());
        assertEquals(0, ((Map<?, ?>) json.get("usage")).get("prompt_tokens"));
        assertEquals(2, ((Map<?, ?>) json.get("usage")).get("completion_tokens"));
    }

    @Test
    void severalModelsMustBeChosenFrom() throws IOException {
        server.models(to -> to.json(200, "", "{\"data\": [{\"id\": \"small\"}, {\"id\": \"large\"}]}"));
        fails("has several models; MODEL names one; it has small, large");
        run("large", "Hi").ok();
        assertEquals("large", server.body().get("model"));
        run("-m", "small", "-p", "Hi").ok();
        assertEquals("small", server.body().get("model"));
    }

    @Test
    void aServerWithoutAListOfModelsMayAnswer() throws IOException {
        server.models(to -> to.json(404, "", "{}"));
        run("-p", "Hi").ok();
        assertNull(server.body().get("model"));
        server.models(to -> to.json(200, "", "{\"data\": [{\"name\": 7}, {\"id\": \"\"}]}"));
        run("-p", "Hi").ok();
        assertNull(server.body().get("model"));
        server.models(to -> to.response(200, "Content-Type: text/html\r\n", "<html>"));
        fails("/v1/models tells no list of models; is that the address of an OpenAI-compatible server?");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--threads|2|--threads: is about computing on this machine, which --remote does not",
                "--weights|mapped|--weights: is about computing on this machine, which --remote does not",
                "--context|100|--context: is about computing on this machine, which --remote does not",
                "--draft|3|--draft: is about computing on this machine, which --remote does not",
                "--quant|q8_0|--quant: goes not with --remote, whose server has its own names for models",
                "--remote-timeout|0|--remote-timeout: expected 1 to 1000000, got 0",
                "--fallback| |--fallback: expected local or a MODEL, got an empty text",
                "--ca-file|x.pem|--ca-file: is for an https:// address, which --remote does not name",
            })
    void whatCannotBeHadElsewhereIsRefused(String option, String value, String message) {
        run("-q", "-p", "Hi", option, value == null ? " " : value).failed(2, message + " (see medpsy run --help)");
    }

    @Test
    void flagsThatContradictAreRefused() {
        String see = " (see medpsy run --help)";
        run("-q", "-p", "Hi", "--raw").failed(2, "--raw: goes not with --remote, whose server has the template" + see);
        run("-q", "-p", "Hi", "--offline")
                .failed(2, "--remote: opens a connection, which --offline or MEDPSY_OFFLINE forbids" + see);
        run(new Cli(home).with("MEDPSY_OFFLINE", "1"), "-q", "-p", "Hi")
                .failed(2, "--remote: opens a connection, which --offline or MEDPSY_OFFLINE forbids" + see);
        for (String option : List.of("--api-key-file", "--ca-file", "--fallback", "--remote-timeout")) {
            new Cli(home)
                    .run("run", "-p", "Hi", option, "7")
                    .failed(2, option + ": is for --remote, which is not given" + see);
        }
    }

    @Test
    void aSessionGoesOnElsewhereAndKeepsItsModel() throws IOException {
        run("-q", "-p", "One", "--session", "s").ok();
        run("-q", "-p", "Two", "--session", "s").ok();
        assertEquals(
                List.of(
                        Map.of("role", "user", "content", "One"),
                        Map.of("role", "assistant", "content", "Hello there."),
                        Map.of("role", "user", "content", "Two")),
                server.body().get("messages"));
        assertTrue(new Cli(home).run("list", "--sessions").ok().contains("2 turns"));
        new Cli(home)
                .run("run", "-q", Cli.TINY, "-p", "Three", "--session", "s", "-n", "2")
                .ok();
        run("-q", "-p", "Four", "--session", "s").ok();
        // Without --remote the model that this machine had goes on.
        new Cli(home)
                .run("run", "-q", "-p", "Five", "--session", "s", "-n", "2")
                .ok();
    }

    @Test
    void aFullContextLosesItsOldestTurns() throws IOException {
        run("-q", "-p", "One", "--session", "s").ok();
        run("-q", "-p", "Two", "--session", "s").ok();
        server.then(to ->
                        to.json(400, "", "{\"error\": {\"type\": \"exceed_context_size_error\", \"message\": \"x\"}}"))
                .then(to -> to.answer("Short."));
        Cli.Result result = run("-p", "Three", "--session", "s", "--system", "Be brief.");
        assertEquals("Short.\n", result.ok());
        assertTrue(
                result.err().contains("the context of " + server.name() + " is full: the oldest turn leaves it\n"),
                result.err());
        assertEquals(
                List.of("Be brief.", "Two", "Hello there.", "Three"),
                ((List<?>) server.body().get("messages"))
                        .stream().map(m -> ((Map<?, ?>) m).get("content")).toList());
        server.then(
                to -> to.json(400, "", "{\"error\": {\"type\": \"exceed_context_size_error\", \"message\": \"x\"}}"));
        run("-q", "-p", "Four", "--session", "s", "--overflow", "stop")
                .failed(1, server.name() + ": has a context that the conversation does not fit: x");
    }
}
