package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.at;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.server.TestServer.Response;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddingsTest {
    /** Takes seconds. */
    private static final Map<String, Object> LARGE =
            Map.of("input", Collections.nCopies(60, Collections.nCopies(4000, 5)));

    private static final Map<String, Object> LARGE_TEXTS =
            Map.of("model", TestServer.NAME, "input", Collections.nCopies(60, "the cat sat on the mat ".repeat(600)));

    private static final List<String> TEXTS = List.of("the cat sat", "a dog", "on the mat, it was said");

    private static TestServer host;

    @BeforeAll
    static void start() {
        host = TestServer.start();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    private static Response embed(Object... fields) {
        Map<String, Object> body = TestServer.ask("", fields);
        body.remove("messages");
        return host.post("/v1/embeddings", body);
    }

    private static void assertVector(float[] expected, Object got) {
        List<?> numbers = (List<?>) got;
        assertEquals(expected.length, numbers.size());
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], ((Number) numbers.get(i)).floatValue(), 1e-7f);
        }
    }

    @Test
    void vectorsAreTheLibrarys() {
        List<float[]> expected = host.model().embed(TEXTS, EmbeddingOptions.defaults());
        Map<String, Object> all = embed("input", TEXTS, "model", "tiny").ok();
        assertEquals("list", all.get("object"));
        assertEquals("tiny", all.get("model"));
        int tokens = 0;
        for (int i = 0; i < TEXTS.size(); i++) {
            assertEquals("embedding", at(all, "data", i, "object"));
            assertEquals(i, at(all, "data", i, "index"));
            assertVector(expected.get(i), at(all, "data", i, "embedding"));
            tokens += host.model().embeddingTokens(TEXTS.get(i)).length;
        }
        assertEquals(tokens, at(all, "usage", "prompt_tokens"));
        assertEquals(tokens, at(all, "usage", "total_tokens"));
    }

    @Test
    void aTextAloneAndTokensAreTheSame() {
        float[] expected = host.model()
                .embed(TEXTS.subList(0, 1), EmbeddingOptions.defaults())
                .getFirst();
        int[] ids = host.model().embeddingTokens(TEXTS.getFirst());
        for (Object input : List.of(TEXTS.getFirst(), ids, List.of(ids))) {
            Map<String, Object> all =
                    embed("input", input, "encoding_format", "float").ok();
            assertEquals(1, ((List<?>) all.get("data")).size());
            assertVector(expected, at(all, "data", 0, "embedding"));
        }
    }

    @Test
    void base64HoldsLittleEndianFloats() {
        List<float[]> expected = host.model().embed(TEXTS, EmbeddingOptions.defaults());
        Map<String, Object> all =
                embed("input", TEXTS, "encoding_format", "base64").ok();
        for (int i = 0; i < TEXTS.size(); i++) {
            byte[] bytes = Base64.getDecoder().decode((String) at(all, "data", i, "embedding"));
            float[] got = new float[bytes.length / Float.BYTES];
            ByteBuffer.wrap(bytes)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(got);
            assertTrue(Arrays.equals(expected.get(i), got));
        }
    }

    private static void assertRefused(String message, Object... fields) {
        Response response = embed(fields);
        assertEquals(400, response.status(), response.text());
        assertEquals(message, response.error("message"));
    }

    @Test
    void mistakesAreToldByTheirPlace() {
        assertRefused("input: is missing");
        assertRefused("input: has no tokens", "input", "");
        assertRefused("input: has no tokens", "input", List.of());
        assertRefused("input[1]: has no tokens", "input", List.of("a", ""));
        assertRefused("input[1]: expected a string or an array of token ids, got 7", "input", List.of("a", 7));
        assertRefused("input[0]: expected a whole number from 0 to 1023, got 1024", "input", List.of(1024));
        assertRefused("input: expected a string or an array of token ids, got a boolean", "input", true);
        assertRefused(
                "dimensions: is not supported: the model's vectors have "
                        + host.model().embeddingLength(),
                "input",
                "a",
                "dimensions",
                8);
        assertRefused("encoding_format: expected float or base64", "input", "a", "encoding_format", "hex");
        assertRefused("input: expected at most 2048 texts, got 2049", "input", Collections.nCopies(2049, "a"));
        Response tooLong = embed("input", List.of(Collections.nCopies(4097, 5)));
        assertEquals("input[0]: expected at most the context's 4096 tokens, got 4097", tooLong.error("message"));
        assertEquals("context_length_exceeded", tooLong.error("code"));
        assertEquals(404, embed("input", "a", "model", "other").status());
        assertEquals(400, embed("input", "a", "colour", "red").status());
    }

    @Test
    void whatTakesTooLongIsStopped() {
        try (TestServer late =
                TestServer.start(ServerOptions.builder().timeMax(Duration.ofMillis(1)), TestServer.sharing())) {
            Map<String, Object> many = Map.of("input", Collections.nCopies(200, "a cat sat"));
            Response response = late.post("/v1/embeddings", many);
            assertEquals(503, response.status(), response.text());
            assertEquals("timeout", response.error("code"));
            Response ollamas = late.post("/api/embed", with(many, "model", TestServer.NAME));
            assertEquals(503, ollamas.status(), ollamas.text());
            assertEquals("the embeddings were not ready in time", ollamas.json().get("error"));
        }
    }

    private static Map<String, Object> with(Map<String, Object> body, String name, Object value) {
        Map<String, Object> all = new LinkedHashMap<>(body);
        all.put(name, value);
        return all;
    }

    @Test
    void whatIsLateAfterItsFirstSpaceIsBrokenOff() throws Exception {
        try (TestServer late = TestServer.start(
                        ServerOptions.builder().timeMax(Duration.ofMillis(600)), TestServer.sharing());
                Socket socket = late.open("/v1/embeddings", LARGE)) {
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            assertTrue(all.startsWith("HTTP/1.1 200 "), all);
            assertFalse(all.endsWith("0\r\n\r\n"), "a whole response: " + all);
        }
    }

    /** Both APIs share one queue, and its bound. */
    @ParameterizedTest
    @ValueSource(strings = {"/v1/embeddings", "/api/embed"})
    void whatWaitsIsBounded(String path) throws Exception {
        Map<String, Object> large = path.startsWith("/v1") ? LARGE : LARGE_TEXTS;
        Map<String, Object> small = Map.of("model", TestServer.NAME, "input", "a");
        try (TestServer server =
                TestServer.start(ServerOptions.builder(), TestServer.sharing().withQueueMax(0))) {
            try (Socket first = server.open(path, large)) {
                // The answer's head comes with its first waiting space: from then on it is known to be computed.
                assertEquals('H', first.getInputStream().read());
                assertEquals(429, server.post(path, small).status());
                assertEquals(429, server.post("/v1/embeddings", small).status());
            }
            // Who has left is not waited for.
            TestServer.await("a free place", () -> server.post(path, small).status() == 200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/embeddings", "/api/embed"})
    void whoLeavesWhileOthersAreComputedFreesAPlaceAtOnce(String path) throws Exception {
        Map<String, Object> large = path.startsWith("/v1") ? LARGE : LARGE_TEXTS;
        try (TestServer server =
                TestServer.start(ServerOptions.builder(), TestServer.sharing().withQueueMax(1))) {
            try (Socket first = server.open(path, large)) {
                assertEquals('H', first.getInputStream().read());
                try (Socket second = server.open(path, large)) {
                    assertEquals('H', second.getInputStream().read()); // it waits, and is told so
                    assertEquals(429, server.post(path, large).status());
                }
                TestServer.await("a client that left", () -> server.metric("client_disconnects_total") == 1);
                String ended = "medpsy_requests_total{path=\"" + path + "\",status=\"200\"} 1\n";
                assertTrue(server.get("/metrics").text().contains(ended), "the first has ended too");
            }
        }
    }
}
