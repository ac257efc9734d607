package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.ask;
import static io.github.medpsy4j.server.TestServer.at;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.EmbeddingOptions;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OllamaTest {
    private static TestServer host;

    @BeforeAll
    static void start() {
        host = TestServer.start();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    /** A body for the model, with fields by name and value. */
    private static Map<String, Object> body(Object... fields) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("model", "tiny");
        for (int i = 0; i < fields.length; i += 2) {
            body.put((String) fields[i], fields[i + 1]);
        }
        return body;
    }

    private static Map<String, Object> chatBody(Object... fields) {
        Map<String, Object> body = body("messages", List.of(Map.of("role", "user", "content", "Hello")));
        body.putAll(body(fields));
        return body;
    }

    private static Map<String, Object> options(Object... fields) {
        Map<String, Object> options = body(fields);
        options.remove("model");
        return options;
    }

    private static List<Map<String, Object>> lines(TestServer.Response response) {
        assertEquals(200, response.status(), response.text());
        assertEquals("application/x-ndjson", response.header("content-type"));
        assertTrue(response.text().endsWith("\n"));
        List<Map<String, Object>> lines = new ArrayList<>();
        for (String line : response.text().split("\n")) {
            lines.add(new TestServer.Response(200, line, Map.of()).json());
        }
        return lines;
    }

    /** What OpenAI's API says, with the same sampling. */
    private static String expected(int tokens) {
        return (String) at(host.chat(ask("Hello", "max_tokens", tokens)).ok(), "choices", 0, "message", "content");
    }

    @Test
    void aChatIsAnswered() {
        Map<String, Object> answer = host.post(
                        "/api/chat", chatBody("stream", false, "options", options("num_predict", 12)))
                .ok();
        assertEquals(expected(12), at(answer, "message", "content"));
        assertEquals("assistant", at(answer, "message", "role"));
        assertEquals("tiny", answer.get("model"));
        assertEquals(true, answer.get("done"));
        assertEquals("length", answer.get("done_reason"));
        assertEquals(12, answer.get("eval_count"));
        assertTrue((Integer) answer.get("prompt_eval_count") > 0);
        for (String duration : List.of("total_duration", "prompt_eval_duration", "eval_duration")) {
            assertTrue(((Number) answer.get(duration)).longValue() > 0, duration);
        }
        assertNotNull(Instant.parse((String) answer.get("created_at")));
    }

    @Test
    void aChatStreamsLinesUnlessItIsTold() {
        List<Map<String, Object>> lines =
                lines(host.post("/api/chat", chatBody("options", options("num_predict", 12))));
        StringBuilder said = new StringBuilder();
        lines.forEach(line -> said.append(at(line, "message", "content")));
        assertEquals(expected(12), said.toString());
        for (int i = 0; i < lines.size(); i++) {
            boolean isLast = i == lines.size() - 1;
            assertEquals(isLast, lines.get(i).get("done"));
            assertEquals(isLast, lines.get(i).containsKey("eval_count"));
        }
        assertTrue(lines.size() > 2);
        assertEquals("length", lines.getLast().get("done_reason"));
    }

    @Test
    void aPromptIsAnswered() {
        Map<String, Object> short12 = options("num_predict", 12);
        Map<String, Object> answer = host.post(
                        "/api/generate", body("prompt", "Hello", "stream", false, "options", short12))
                .ok();
        assertEquals(expected(12), answer.get("response"));
        assertFalse(answer.containsKey("message"));
        StringBuilder said = new StringBuilder();
        lines(host.post("/api/generate", body("prompt", "Hello", "options", short12)))
                .forEach(line -> said.append(line.get("response")));
        assertEquals(expected(12), said.toString());
    }

    @Test
    void aRawPromptIsContinued() {
        Map<String, Object> expected = host.post("/v1/completions", Map.of("prompt", "Once upon", "max_tokens", 8))
                .ok();
        Map<String, Object> answer = host.post(
                        "/api/generate",
                        body("prompt", "Once upon", "raw", true, "stream", false, "options", options("num_predict", 8)))
                .ok();
        assertEquals(at(expected, "choices", 0, "text"), answer.get("response"));
    }

    @Test
    void aSystemMessageOfAPromptCounts() {
        Map<String, Object> one = options("num_predict", 1);
        List<Object> messages =
                List.of(Map.of("role", "system", "content", "Be brief."), Map.of("role", "user", "content", "Hello"));
        Object expected = host.post("/api/chat", body("messages", messages, "stream", false, "options", one))
                .ok()
                .get("prompt_eval_count");
        Map<String, Object> body = body("prompt", "Hello", "stream", false, "options", one);
        assertFalse(expected.equals(host.post("/api/generate", body).ok().get("prompt_eval_count")));
        body.put("system", "Be brief.");
        assertEquals(expected, host.post("/api/generate", body).ok().get("prompt_eval_count"));
    }

    @Test
    void optionsAreHeeded() {
        Map<String, Object> hot =
                options("num_predict", 12, "temperature", 5, "seed", 7, "top_k", 0, "top_p", 1, "min_p", 0);
        Map<String, Object> body = chatBody("stream", false, "options", hot);
        Object first = at(host.post("/api/chat", body).ok(), "message", "content");
        assertEquals(first, at(host.post("/api/chat", body).ok(), "message", "content"));
        hot.put("seed", 8);
        assertFalse(first.equals(at(host.post("/api/chat", body).ok(), "message", "content")));
        hot.put("top_k", 1);
        assertEquals(expected(12), at(host.post("/api/chat", body).ok(), "message", "content"));
        String stop = expected(12).substring(4, 6);
        Map<String, Object> stopped = host.post(
                        "/api/chat",
                        chatBody("stream", false, "options", options("num_predict", 12, "stop", List.of(stop))))
                .ok();
        assertEquals(expected(12).substring(0, expected(12).indexOf(stop)), at(stopped, "message", "content"));
        assertEquals("stop", stopped.get("done_reason"));
    }

    @Test
    void performancesOptionsAreNoOnesBusiness() {
        Map<String, Object> many = options(
                "num_predict", 2, "num_ctx", 2048, "num_gpu", 99, "num_thread", 4, "use_mmap", true, "num_keep", 4);
        host.post("/api/chat", chatBody("stream", false, "keep_alive", "5m", "options", many))
                .ok();
    }

    @Test
    void aFormatIsKept() throws IOException {
        Map<String, Object> schema = Map.of(
                "type", "object", "properties", Map.of("a", Map.of("type", "boolean")), "required", List.of("a"));
        Map<String, Object> answer = host.post("/api/chat", chatBody("stream", false, "think", false, "format", schema))
                .ok();
        assertTrue(JSON.std.mapFrom((String) at(answer, "message", "content")).get("a") instanceof Boolean);
        Map<String, Object> any = host.post(
                        "/api/generate",
                        body(
                                "prompt",
                                "Hi",
                                "stream",
                                false,
                                "think",
                                false,
                                "format",
                                "json",
                                "options",
                                options("num_predict", 200)))
                .ok();
        if (any.get("done_reason").equals("stop")) {
            assertNotNull(JSON.std.anyFrom((String) any.get("response")));
        }
    }

    @Test
    void thinkingStandsByItself(@TempDir Path folder) throws IOException {
        try (TestServer thinker =
                TestServer.start(ServerOptions.builder(), TestServer.sharing(), TestServer.thinkingModel(folder))) {
            Map<String, Object> body = chatBody("think", true, "options", options("num_predict", 6));
            List<Map<String, Object>> lines = lines(thinker.post("/api/chat", body));
            StringBuilder thought = new StringBuilder();
            lines.forEach(line -> {
                Object part = at(line, "message", "thinking");
                thought.append(part == null ? "" : part);
            });
            body.put("stream", false);
            Map<String, Object> whole = thinker.post("/api/chat", body).ok();
            assertFalse(thought.isEmpty());
            assertEquals(at(whole, "message", "thinking"), thought.toString());
            assertEquals("", at(whole, "message", "content"));
            Map<String, Object> prompt = body("prompt", "Hello", "stream", false, "options", options("num_predict", 6));
            assertEquals(
                    thought.toString(),
                    thinker.post("/api/generate", prompt).ok().get("thinking"));
            Map<String, Object> shown = thinker.post("/api/show", body()).ok();
            assertEquals(List.of("completion", "thinking", "tools"), shown.get("capabilities"));
        }
    }

    private static final Map<String, Object> DOSE = Map.of(
            "type",
            "function",
            "function",
            Map.of(
                    "name",
                    "dose",
                    "description",
                    "A dose",
                    "parameters",
                    Map.of(
                            "type",
                            "object",
                            "properties",
                            Map.of("kg", Map.of("type", "integer", "minimum", 1, "maximum", 99)),
                            "required",
                            List.of("kg"))));

    @Test
    void aToolIsCalledWithAnObject() {
        Map<String, Object> body =
                chatBody("think", false, "tools", List.of(DOSE), "tool_choice", "required", "stream", false);
        Map<String, Object> answer = host.post("/api/chat", body).ok();
        Object call = at(answer, "message", "tool_calls", 0);
        assertEquals("dose", at(call, "function", "name"));
        assertTrue(at(call, "function", "arguments", "kg") instanceof Integer);
        body.put("stream", true);
        List<Map<String, Object>> lines = lines(host.post("/api/chat", body));
        Object streamed = at(lines.get(lines.size() - 2), "message", "tool_calls", 0);
        assertEquals(at(call, "function"), at(streamed, "function"));
    }

    @Test
    void whatAToolSaidIsRead() {
        Map<String, Object> call = Map.of("function", Map.of("name", "dose", "arguments", Map.of("kg", 70)));
        List<Object> messages = List.of(
                Map.of("role", "user", "content", "How much?"),
                Map.of("role", "assistant", "content", "", "tool_calls", List.of(call)),
                Map.of("role", "tool", "tool_name", "dose", "content", "5 mg"));
        Map<String, Object> answer = host.post(
                        "/api/chat",
                        body(
                                "messages",
                                messages,
                                "tools",
                                List.of(DOSE),
                                "stream",
                                false,
                                "options",
                                options("num_predict", 2)))
                .ok();
        List<Object> openAis = List.of(
                Map.of("role", "user", "content", "How much?"),
                Map.of(
                        "role",
                        "assistant",
                        "content",
                        "",
                        "tool_calls",
                        List.of(Map.of(
                                "id",
                                "a",
                                "type",
                                "function",
                                "function",
                                Map.of("name", "dose", "arguments", "{\"kg\":70}")))),
                Map.of("role", "tool", "tool_call_id", "a", "content", "5 mg"));
        Map<String, Object> same = host.chat(Map.of("messages", openAis, "tools", List.of(DOSE), "max_tokens", 2))
                .ok();
        assertEquals(at(same, "usage", "prompt_tokens"), answer.get("prompt_eval_count"));
        assertEquals(at(same, "choices", 0, "message", "content"), at(answer, "message", "content"));
    }

    @Test
    void nothingToSayMeansThatTheModelIsThere() {
        for (String path : List.of("/api/chat", "/api/generate")) {
            Map<String, Object> answer = host.post(path, body()).ok();
            assertEquals(true, answer.get("done"));
            assertEquals("load", answer.get("done_reason"));
        }
    }

    @Test
    void theModelIsListedAndShown() {
        Map<String, Object> tags = host.get("/api/tags").ok();
        Map<?, ?> tag = (Map<?, ?>) at(tags, "models", 0);
        assertEquals("tiny", tag.get("name"));
        assertEquals("tiny", tag.get("model"));
        assertTrue(((String) tag.get("digest")).matches("[0-9a-f]{64}"));
        assertEquals((int) host.model().file().byteSize(), tag.get("size"));
        assertNotNull(Instant.parse((String) tag.get("modified_at")));
        assertEquals("gguf", at(tag, "details", "format"));
        assertEquals(host.model().architecture(), at(tag, "details", "family"));
        assertTrue(((String) at(tag, "details", "parameter_size")).matches("[\\d.]+[KMB]"));
        Map<String, Object> running = host.get("/api/ps").ok();
        assertEquals("tiny", at(running, "models", 0, "name"));
        assertEquals(TestServer.CONTEXT, at(running, "models", 0, "context_length"));
        Map<String, Object> shown =
                host.post("/api/show", body("verbose", true)).ok();
        assertEquals(host.model().architecture(), at(shown, "model_info", "general.architecture"));
        assertNull(at(shown, "model_info", "tokenizer.ggml.tokens"));
        assertTrue(((String) shown.get("template")).contains("im_start"));
        assertEquals("completion", at(shown, "capabilities", 0));
        assertTrue(((String) host.get("/api/version").ok().get("version")).matches("\\d+\\.\\d+\\.\\d+"));
    }

    @Test
    void textsBecomeVectors() {
        List<float[]> expected = host.model()
                .embed(
                        List.of("one", "two words"),
                        EmbeddingOptions.defaults().withPooling(host.model().pooling()));
        Map<String, Object> answer = host.post("/api/embed", body("input", List.of("one", "two words")))
                .ok();
        for (int i = 0; i < 2; i++) {
            List<?> vector = (List<?>) at(answer, "embeddings", i);
            assertEquals(expected.get(i).length, vector.size());
            for (int j = 0; j < vector.size(); j++) {
                assertEquals(expected.get(i)[j], ((Number) vector.get(j)).floatValue());
            }
        }
        assertEquals(
                host.model().embeddingTokens("one").length + host.model().embeddingTokens("two words").length,
                answer.get("prompt_eval_count"));
        List<?> one = (List<?>) at(host.post("/api/embed", body("input", "one")).ok(), "embeddings", 0);
        assertEquals(at(answer, "embeddings", 0), one);
        List<?> first = (List<?>) at(
                host.post("/api/embed", body("input", "one", "dimensions", 3)).ok(), "embeddings", 0);
        assertEquals(3, first.size());
        assertEquals(
                1,
                first.stream()
                        .mapToDouble(each -> Math.pow(((Number) each).doubleValue(), 2))
                        .sum(),
                1e-5);
        List<?> older = (List<?>)
                host.post("/api/embeddings", body("prompt", "one")).ok().get("embedding");
        double ratio = ((Number) older.get(0)).doubleValue() / ((Number) one.get(0)).doubleValue();
        assertEquals(
                ((Number) one.get(1)).doubleValue() * ratio,
                ((Number) older.get(1)).doubleValue(),
                Math.abs(ratio) * 1e-5);
        assertEquals(
                List.of(),
                host.post("/api/embed", body("input", List.of())).ok().get("embeddings"));
    }

    @Test
    void aTextThatIsTooLongIsCutUnlessItMayNotBe() {
        String text = "word ".repeat(TestServer.CONTEXT + 10);
        Map<String, Object> cut = host.post("/api/embed", body("input", text)).ok();
        assertEquals(TestServer.CONTEXT, cut.get("prompt_eval_count"));
        TestServer.Response refused = host.post("/api/embed", body("input", text, "truncate", false));
        assertEquals(400, refused.status());
        assertTrue(
                refused.json().get("error").toString().startsWith("input: expected at most the context's 4096 tokens"));
    }

    @Test
    void aClientThatLeavesFreesItsPlace() throws Exception {
        Map<String, Object> body =
                chatBody("options", options("num_predict", 4000, "temperature", 0, "stop", List.of()));
        try (Socket socket = host.open("/api/chat", body)) {
            assertEquals('H', socket.getInputStream().read());
        }
        TestServer.await("the slot to be free", () -> host.metric("slots_busy") == 0);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            /api/chat     | {"messages": []}                                           | 400 | model: is missing
            /api/chat     | {"model": "other", "messages": []}                         | 404 | model 'other' not found: this server has 'tiny'
            /api/show     | {"model": "other"}                                         | 404 | model 'other' not found: this server has 'tiny'
            /api/embed    | {"model": "other", "input": "a"}                           | 404 | model 'other' not found: this server has 'tiny'
            /api/chat     | {"model": "tiny", "messages": 5}                           | 400 | messages: expected an array, got 5
            /api/chat     | {"model": "tiny", "messages": [{"role": "king"}]}          | 400 | messages[0].role: expected system, user, assistant or tool
            /api/chat     | {"model": "tiny", "messages": [{"role": "tool", "content": "5"}]} | 400 | messages[0].role: no call of a tool is open that this could answer
            /api/chat     | {"model": "tiny", "messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]} | 400 | messages[0].tool_calls[0].function.name: is missing
            /api/chat     | {"model": "tiny", "messages": [{"role": "assistant", "tool_calls": [{}]}]} | 400 | messages[0].tool_calls[0].function: is missing
            /api/chat     | {"model": "tiny", "messages": [], "tools": [{"type": "function"}]} | 400 | tools[0].function: is missing
            /api/chat     | {"model": "tiny", "messages": [{"content": "a"}]}          | 400 | messages[0].role: is missing
            /api/chat     | {"model": "tiny", "messages": [{"role": "user", "images": ["a"]}]} | 400 | messages[0].images: are not supported: the model reads text
            /api/chat     | {"model": "tiny", "messages": [], "stream": 1}             | 400 | stream: expected true or false, got 1
            /api/chat     | {"model": "tiny", "messages": [], "colour": 1}             | 400 | colour: is not supported
            /api/chat     | {"model": "tiny", "messages": [], "format": "xml"}         | 400 | format: expected json or a JSON Schema
            /api/chat     | {"model": "tiny", "messages": [], "think": "hard"}         | 400 | think: expected true, false, low, medium, high or max
            /api/chat     | {"model": "tiny", "messages": [], "options": {"temperature": -1}} | 400 | options.temperature: expected a number from 0 to 100, got -1
            /api/chat     | {"model": "tiny", "messages": [], "options": {"top_p": "a"}} | 400 | options.top_p: expected a number from 0 to 1, got a string
            /api/chat     | {"model": "tiny", "messages": [], "options": {"num_ctx": 5000}} | 400 | options.num_ctx: expected at most the server's 4096, got 5000
            /api/chat     | {"model": "tiny", "messages": [], "options": {"num_predict": -3}} | 400 | options.num_predict: expected a whole number of at least -2, got -3
            /api/chat     | {"model": "tiny", "messages": [], "options": {"mirostat": 1}} | 400 | options.mirostat: expected 0 or 2, got 1
            /api/chat     | {"model": "tiny", "messages": [], "options": {"tfs_z": 0.5}} | 400 | options.tfs_z: is not supported
            /api/chat     | {"model": "tiny", "messages": [], "options": {"stop": [""]}} | 400 | options.stop[0]: expected a text that is not empty
            /api/generate | {"model": "tiny", "prompt": "a", "images": ["a"]}          | 400 | images: are not supported: the model reads text
            /api/generate | {"model": "tiny", "prompt": "a", "suffix": "b"}            | 400 | suffix: is not supported
            /api/generate | {"model": "tiny", "prompt": "a", "template": "b"}          | 400 | template: is not supported
            /api/generate | {"model": "tiny", "prompt": "a", "context": [1]}           | 400 | context: is not supported
            /api/embed    | {"model": "tiny"}                                          | 400 | input: is missing
            /api/embed    | {"model": "tiny", "input": ["a", 5]}                       | 400 | input[1]: expected a string, got 5
            /api/embed    | {"model": "tiny", "input": [""]}                           | 400 | input[0]: has no tokens
            /api/embeddings | {"model": "tiny"}                                        | 400 | prompt: is missing
            /api/show     | {"model": 5}                                               | 400 | model: expected a string, got 5
            /api/chat     | {                                                          | 400 | body: not JSON at line 1, column 2
            """)
    void mistakesAreToldAsOllamaTells(String path, String body, int status, String message) {
        TestServer.Response response = host.post(path, body);
        assertEquals(status, response.status(), response.text());
        assertEquals(Map.of("error", message), response.json());
    }

    @Test
    void aModelThatDoesNotThinkSaysSo() {
        TestServer.Response response = host.post("/api/chat", chatBody("think", true));
        assertEquals(400, response.status());
        assertEquals(Map.of("error", "think: \"tiny\" does not support thinking"), response.json());
        assertEquals(
                List.of("completion", "tools"),
                host.post("/api/show", body()).ok().get("capabilities"));
        host.post("/api/chat", chatBody("think", false, "stream", false, "options", options("num_predict", 1)))
                .ok();
    }

    @Test
    void ollamasOwnTagMayBeThere() {
        assertEquals(
                "load",
                host.post("/api/chat", body("model", "tiny:latest")).ok().get("done_reason"));
    }

    @Test
    void aKeyIsAskedForInOllamasWay() {
        try (TestServer locked =
                TestServer.start(ServerOptions.builder().apiKeys(List.of("k")), TestServer.sharing())) {
            TestServer.Response response = locked.get("/api/tags");
            assertEquals(401, response.status());
            assertTrue(response.json().get("error") instanceof String);
        }
    }
}
