package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.at;
import static io.github.medpsy4j.server.TestServer.said;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CompletionsTest {
    private static TestServer host;

    @BeforeAll
    static void start() {
        host = TestServer.start();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    private static TestServer.Response complete(Object... fields) {
        Map<String, Object> body = new LinkedHashMap<>();
        for (int i = 0; i < fields.length; i += 2) {
            body.put((String) fields[i], fields[i + 1]);
        }
        return host.post("/v1/completions", body);
    }

    @Test
    void aTextGoesOn() {
        Map<String, Object> answer = complete("prompt", "Once upon").ok();
        String text = (String) at(answer, "choices", 0, "text");
        assertEquals("text_completion", answer.get("object"));
        assertEquals(16, at(answer, "usage", "completion_tokens"), "OpenAI's default");
        assertEquals(text, said(complete("prompt", "Once upon", "stream", true).events(), 0, "text"));
    }

    @Test
    void promptsMayBeSeveralAndTokens() {
        List<?> ids = (List<?>)
                at(host.post("/tokenize", Map.of("content", "Once upon")).ok(), "tokens");
        Map<String, Object> answer =
                complete("prompt", List.of(ids, ids), "n", 2, "max_tokens", 4).ok();
        List<?> choices = (List<?>) answer.get("choices");
        assertEquals(4, choices.size());
        Object alone = at(complete("prompt", "Once upon", "max_tokens", 4).ok(), "choices", 0, "text");
        choices.forEach(choice -> assertEquals(alone, at(choice, "text")));
    }

    @Test
    void logprobsHaveTheOldForm() {
        Map<String, Object> answer =
                complete("prompt", "Once upon", "max_tokens", 5, "logprobs", 2).ok();
        Object logprobs = at(answer, "choices", 0, "logprobs");
        List<?> tokens = (List<?>) at(logprobs, "tokens");
        assertEquals(5, tokens.size());
        assertEquals(
                at(answer, "choices", 0, "text"),
                String.join("", tokens.stream().map(String::valueOf).toList()));
        assertEquals(0, at(logprobs, "text_offset", 0));
        assertEquals(((String) tokens.getFirst()).length(), at(logprobs, "text_offset", 1));
        assertTrue(((Map<?, ?>) at(logprobs, "top_logprobs", 0)).size() <= 2);
        assertEquals(5, ((List<?>) at(logprobs, "token_logprobs")).size());
    }

    @Test
    void tokensAreTextAndBack() {
        Map<String, Object> tokens =
                host.post("/tokenize", Map.of("content", "Hello <|im_end|>")).ok();
        assertEquals(TestServer.END_OF_MESSAGE, ((List<?>) tokens.get("tokens")).getLast());
        assertEquals("Hello <|im_end|>", host.post("/detokenize", tokens).ok().get("content"));
        List<?> plain = (List<?>) host.post("/tokenize", Map.of("content", "<|im_end|>", "parse_special", false))
                .ok()
                .get("tokens");
        assertTrue(plain.size() > 1, plain.toString());
        List<?> pieces = (List<?>) host.post("/tokenize", Map.of("content", "Hi é", "with_pieces", true))
                .ok()
                .get("tokens");
        assertEquals("H", at(pieces, 0, "piece").toString().substring(0, 1));
    }

    @Test
    void theModelIsListed() {
        Map<String, Object> models = host.get("/v1/models").ok();
        assertEquals("tiny", at(models, "data", 0, "id"));
        assertEquals(at(models, "data", 0), host.get("/v1/models/tiny").ok());
        assertEquals(at(models, "data", 0), host.get("/v1/models/tiny:q4").ok());
        assertEquals(404, host.get("/v1/models/huge").status());
    }
}
