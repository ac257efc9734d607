package io.github.medpsy4j.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorsTest {
    private static TestServer host;

    @BeforeAll
    static void start() {
        host = TestServer.start();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    private static final String HI = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{}|messages: is missing",
                "{\"messages\":[]}|messages: is empty",
                "{\"messages\":\"Hi\"}|messages: expected an array, got a string",
                "{\"messages\":[7]}|messages[0]: expected an object, got 7",
                "{\"messages\":[{\"content\":\"x\"}]}|messages[0].role: is missing",
                "{\"messages\":[{\"role\":\"user\"}]}|messages[0].content: is missing",
                "{\"messages\":[{\"role\":\"user\",\"content\":5}]}"
                        + "|messages[0].content: expected a string or an array of parts, got 5",
                "{\"messages\":[{\"role\":\"nurse\",\"content\":\"x\"}]}"
                        + "|messages[0].role: expected system, developer, user, assistant or tool",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}"
                        + "|messages[0].content[0].type: expected text: the model reads nothing else",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"colour\":1}]}|messages[0].colour: is not supported",
                "HI\"temperature\":3}|temperature: expected a number from 0 to 2, got 3",
                "HI\"temperature\":\"hot\"}|temperature: expected a number from 0 to 2, got a string",
                "HI\"top_p\":-1}|top_p: expected a number from 0 to 1, got -1",
                "HI\"max_tokens\":0}|max_tokens: expected a whole number of at least 1, got 0",
                "HI\"max_completion_tokens\":1.5}|max_completion_tokens: expected a whole number of at least 1, got 1.5",
                "HI\"n\":17}|n: expected a whole number from 1 to 16, got 17",
                "HI\"stream\":\"yes\"}|stream: expected true or false, got a string",
                "HI\"stream_options\":{\"x\":1}}|stream_options.x: is not supported",
                "HI\"stop\":[\"a\",\"\"]}|stop[1]: expected a text that is not empty",
                "HI\"stop\":7}|stop: expected a text that is not empty",
                "HI\"seed\":1.5}|seed: expected a whole number, got 1.5",
                "HI\"top_logprobs\":3}|top_logprobs: is for logprobs, which is not true",
                "HI\"logprobs\":true,\"top_logprobs\":21}"
                        + "|top_logprobs: expected a whole number from 0 to 20, got 21",
                "HI\"logit_bias\":{\"1024\":1}}|logit_bias: expected token ids below 1024 as names",
                "HI\"logit_bias\":{\"7\":101}}|logit_bias.7: expected a number from -100 to 100, got 101",
                "HI\"response_format\":{}}|response_format.type: is missing",
                "HI\"response_format\":{\"type\":\"xml\"}}"
                        + "|response_format.type: expected text, json_object or json_schema",
                "HI\"response_format\":{\"type\":\"json_schema\"}}|response_format.json_schema: is missing",
                "HI\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}}"
                        + "|response_format.json_schema.schema: is missing",
                "HI\"grammar\":\"root = x\"}|grammar: line 1, column 6: expected ::= after the rule's name",
                "HI\"functions\":[{}]}|functions: is not supported",
                "HI\"reasoning_effort\":\"huge\"}"
                        + "|reasoning_effort: expected none, minimal, low, medium, high or xhigh",
                "HI\"colour\":1}|colour: is not supported",
            })
    void aMistakeIsToldWithItsPlace(String body, String message) {
        TestServer.Response response = host.chat(body.replace("HI", HI));
        String told = (String) response.error("message");
        assertTrue(told.startsWith(message), told);
        assertEquals(message.substring(0, message.indexOf(": ")), response.error("param"));
        assertEquals("invalid_request_error", response.error("type"));
        assertEquals(400, response.status());
    }

    @Test
    void anUnsupportedSchemaKeywordIsNamed() {
        TestServer.Response response = host.chat(
                HI.replace("[{", "[{")
                        + "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":"
                        + "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"contentEncoding\":\"base64\"}}}}}}");
        assertEquals(400, response.status());
        assertEquals("response_format.json_schema.schema", response.error("param"));
        assertTrue(((String) response.error("message")).contains("contentEncoding"), response.text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{}|prompt: is missing",
                "{\"prompt\":\"\"}|prompt: has no tokens",
                "{\"prompt\":[1,2000]}|prompt[1]: expected a whole number from 0 to 1023, got 2000",
                "{\"prompt\":[\"a\",7]}|prompt[1]: expected a string or an array of token ids, got 7",
                "{\"prompt\":\"a\",\"echo\":true}|echo: is not supported",
                "{\"prompt\":\"a\",\"best_of\":2}|best_of: is not supported",
                "{\"prompt\":\"a\",\"logprobs\":6}|logprobs: expected a whole number from 0 to 5, got 6",
                "{\"prompt\":[\"a\",\"b\"],\"n\":9}|prompt: expected at most 16 choices of all prompts together",
            })
    void soAreThoseInATextsContinuation(String body, String message) {
        TestServer.Response response = host.post("/v1/completions", body);
        assertEquals(message, response.error("message"));
        assertEquals(400, response.status());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``|body: expected a JSON object, got nothing",
                "[]|body: expected a JSON object, got an array",
                "{\"messages\":|body: not JSON at line 1, column ",
                "{} {}|body: expected one JSON object, got something behind it",
            })
    void aBodyThatIsNoObjectIsRefused(String body, String message) {
        TestServer.Response response = host.chat(body);
        assertTrue(((String) response.error("message")).startsWith(message), response.text());
        assertEquals(400, response.status());
    }

    @Test
    void aBodyThatIsNoUtf8IsRefused() {
        HttpRequest request = host.request("/v1/chat/completions")
                .POST(BodyPublishers.ofByteArray(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'}))
                .build();
        assertEquals("body: expected UTF-8", TestServer.send(request).error("message"));
    }

    @Test
    void aDeepBodyIsRefused() {
        TestServer.Response response = host.chat("{\"messages\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}");
        assertEquals(400, response.status());
        assertTrue(((String) response.error("message")).startsWith("body: not JSON"), response.text());
    }

    @Test
    void aPromptBeyondTheContextIsRefused() {
        TestServer.Response response = host.chat(TestServer.ask("word ".repeat(5000)));
        assertEquals(400, response.status());
        assertEquals("context_length_exceeded", response.error("code"));
        assertEquals("messages", response.error("param"));
    }

    @Test
    void anotherModelIsNotFound() {
        TestServer.Response response = host.chat(TestServer.ask("Hi", "model", "gpt-9"));
        assertEquals(404, response.status());
        assertEquals("model_not_found", response.error("code"));
        assertEquals("model: this server has 'tiny'", response.error("message"));
    }

    @Test
    void anotherPathOrMethodIsNotThere() {
        assertEquals(404, host.get("/v2/chat").status());
        TestServer.Response response = host.get("/v1/chat/completions");
        assertEquals(405, response.status());
        assertEquals("POST", response.header("allow"));
        assertEquals("expected POST", response.error("message"));
        assertEquals(405, host.post("/health", "{}").status());
    }

    @Test
    void thePageLoadsNothingFromElsewhere() {
        TestServer.Response page = host.get("/");
        assertEquals(200, page.status());
        assertEquals("text/html; charset=utf-8", page.header("content-type"));
        assertTrue(page.header("content-security-policy").startsWith("default-src 'none'"));
        HttpRequest again = host.request("/index.html")
                .header("If-None-Match", page.header("etag"))
                .build();
        assertEquals(304, TestServer.send(again).status());
        for (String path : List.of("/web/index.html", "/Server.class", "/..%2fServer.class")) {
            assertEquals(404, host.get(path).status(), path);
        }
    }

    @Test
    void aHeadIsAnsweredWithoutABody() {
        HttpRequest head =
                host.request("/health").method("HEAD", BodyPublishers.noBody()).build();
        TestServer.Response response = TestServer.send(head);
        assertEquals(200, response.status());
        assertEquals("", response.text());
    }

    @Test
    void metricsCountByPath() {
        host.get("/nonsense/one");
        host.get("/v1/models/tiny");
        String metrics = host.get("/metrics").text();
        assertTrue(metrics.contains("medpsy_requests_total{path=\"/v1/models/*\",status=\"200\"} "), metrics);
        assertTrue(metrics.contains("\nmedpsy_model_loaded 1\n"), metrics);
        assertFalse(metrics.contains("nonsense"), metrics);
    }
}
