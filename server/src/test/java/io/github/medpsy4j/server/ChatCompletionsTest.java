package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.ask;
import static io.github.medpsy4j.server.TestServer.at;
import static io.github.medpsy4j.server.TestServer.said;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatCompletionsTest {
    private static TestServer host;

    @BeforeAll
    static void start() {
        host = TestServer.start();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    private static Map<String, Object> answer(Object... fields) {
        return host.chat(ask("Hello", fields)).ok();
    }

    private static List<Map<String, Object>> stream(Object... fields) {
        Map<String, Object> body = ask("Hello", fields);
        body.put("stream", true);
        return host.chat(body).events();
    }

    private static String text(Map<String, Object> answer) {
        return (String) at(answer, "choices", 0, "message", "content");
    }

    @Test
    void theAnswerIsTheLibrarys() throws Exception {
        Answer expected;
        ChatOptions options = ChatOptions.builder()
                .sampling(SamplingOptions.greedy())
                .maxTokens(20)
                .build();
        try (Chat chat = host.model().chat(options)) {
            expected = chat.send("Hello", token -> true);
        }
        Map<String, Object> answer = answer("max_tokens", 20);
        assertEquals(expected.text(), text(answer));
        assertEquals("chat.completion", answer.get("object"));
        assertTrue(((String) answer.get("id")).startsWith("chatcmpl-"), answer.toString());
        assertEquals("tiny", answer.get("model"));
        assertEquals("assistant", at(answer, "choices", 0, "message", "role"));
        assertEquals("length", at(answer, "choices", 0, "finish_reason"));
        assertEquals(20, at(answer, "usage", "completion_tokens"));
        assertEquals(expected.generation().promptTokens(), at(answer, "usage", "prompt_tokens"));
        assertEquals(expected.generation().promptTokens() + 20, at(answer, "usage", "total_tokens"));
        assertEquals(20, at(answer, "timings", "predicted_n"));
        assertTrue((Double) at(answer, "timings", "predicted_per_second") > 0, answer.toString());
    }

    @Test
    void aStreamSaysTheSame() {
        List<Map<String, Object>> events = stream("max_completion_tokens", 20);
        assertEquals(text(answer("max_tokens", 20)), said(events, 0, "content"));
        assertEquals("assistant", at(events.getFirst(), "choices", 0, "delta", "role"));
        assertEquals(Map.of(), at(events.getLast(), "choices", 0, "delta"));
        assertEquals("length", at(events.getLast(), "choices", 0, "finish_reason"));
        assertEquals(20, at(events.getLast(), "timings", "predicted_n"));
        events.forEach(event -> assertEquals("chat.completion.chunk", event.get("object")));
        assertEquals(1, events.stream().map(event -> event.get("id")).distinct().count());
        assertFalse(events.getLast().containsKey("usage"));
    }

    @Test
    void aStreamEndsWithItsUsageIfAsked() {
        List<Map<String, Object>> events = stream("max_tokens", 20, "stream_options", Map.of("include_usage", true));
        assertEquals(List.of(), events.getLast().get("choices"));
        assertEquals(20, at(events.getLast(), "usage", "completion_tokens"));
        assertTrue(events.getFirst().containsKey("usage"));
        assertNull(events.getFirst().get("usage"));
    }

    @Test
    void aPromptThatIsAtHandIsCounted() {
        Map<String, Object> body = ask("What was here before is not computed again", "max_tokens", 1);
        host.chat(body).ok();
        Map<String, Object> again = host.chat(body).ok();
        int prompt = (Integer) at(again, "usage", "prompt_tokens");
        assertEquals(prompt - 1, at(again, "usage", "prompt_tokens_details", "cached_tokens"));
    }

    @Test
    void choicesDifferUnlessTheyAreGreedy() {
        List<?> choices = (List<?>)
                answer("n", 3, "temperature", 2, "seed", 5, "max_tokens", 8).get("choices");
        assertEquals(3, choices.size());
        assertEquals(
                3,
                choices.stream()
                        .map(each -> at(each, "message", "content"))
                        .distinct()
                        .count());
        assertEquals(
                List.of(0, 1, 2),
                choices.stream().map(each -> at(each, "index")).toList());
        List<Map<String, Object>> events = stream("n", 3, "temperature", 2, "seed", 5, "max_tokens", 8);
        for (int i = 0; i < 3; i++) {
            assertEquals(at(choices.get(i), "message", "content"), said(events, i, "content"));
        }
        assertEquals(24, at(answer("n", 3, "max_tokens", 8), "usage", "completion_tokens"));
    }

    @Test
    void aSeedIsRepeatedAndAnotherIsNot() {
        Object[] first = {"temperature", 1.5, "seed", 1, "max_tokens", 12};
        Object[] second = {"temperature", 1.5, "seed", 2, "max_tokens", 12};
        assertEquals(text(answer(first)), text(answer(first)));
        assertNotEquals(text(answer(first)), text(answer(second)));
    }

    @Test
    void aStopTextEndsTheAnswerBeforeIt() {
        String all = text(answer("max_tokens", 20));
        String stop = all.substring(all.length() / 2, all.length() / 2 + 3);
        Map<String, Object> answer = answer("max_tokens", 20, "stop", stop);
        assertEquals(all.substring(0, all.indexOf(stop)), text(answer));
        assertEquals("stop", at(answer, "choices", 0, "finish_reason"));
        assertEquals(text(answer), said(stream("max_tokens", 20, "stop", List.of("never", stop)), 0, "content"));
    }

    @Test
    void theModelsEndIsAStop() {
        Map<String, Object> answer = answer("logit_bias", Map.of(String.valueOf(TestServer.END_OF_MESSAGE), 100));
        assertEquals("", text(answer));
        assertEquals("stop", at(answer, "choices", 0, "finish_reason"));
    }

    @Test
    void penaltiesAndBiasesChangeTheDraw() {
        String plain = text(answer("max_tokens", 30));
        assertNotEquals(plain, text(answer("max_tokens", 30, "repeat_penalty", 100)));
        assertEquals("!!!!", text(answer("max_tokens", 4, "logit_bias", Map.of("0", 100))));
        String penalized = text(answer("max_tokens", 4, "logit_bias", Map.of("0", 60, "1", 59), "presence_penalty", 2));
        assertTrue(penalized.startsWith("!\""), penalized);
    }

    @Test
    void logprobsAreThoseOfTheModel() {
        Map<String, Object> answer = answer("max_tokens", 6, "logprobs", true, "top_logprobs", 3);
        List<?> tokens = (List<?>) at(answer, "choices", 0, "logprobs", "content");
        assertEquals(6, tokens.size());
        StringBuilder said = new StringBuilder();
        for (Object token : tokens) {
            said.append(at(token, "token"));
            List<?> top = (List<?>) at(token, "top_logprobs");
            assertEquals(3, top.size());
            assertEquals(at(top, 0, "token"), at(token, "token")); // greedy
            assertEquals(at(top, 0, "logprob"), at(token, "logprob"));
            assertTrue((Double) at(token, "logprob") <= 0);
            assertFalse(((List<?>) at(token, "bytes")).isEmpty());
        }
        assertEquals(text(answer), said.toString());
        List<Object> streamed = new ArrayList<>();
        for (Map<String, Object> event : stream("max_tokens", 6, "logprobs", true, "top_logprobs", 3)) {
            if (at(event, "choices", 0, "logprobs") instanceof Map<?, ?> logprobs) {
                streamed.addAll((List<?>) logprobs.get("content"));
            }
        }
        assertEquals(tokens, streamed);
    }

    @Test
    void jsonIsWhatASchemaAccepts() throws IOException {
        Map<String, Object> schema = Map.of(
                "type", "object",
                "properties", Map.of("dose", Map.of("enum", List.of("low", "high"))),
                "required", List.of("dose"));
        Map<String, Object> answer = answer(
                "enable_thinking",
                false,
                "response_format",
                Map.of("type", "json_schema", "json_schema", Map.of("name", "x", "strict", true, "schema", schema)));
        assertTrue(
                List.of("low", "high").contains(JSON.std.mapFrom(text(answer)).get("dose")), text(answer));
        assertEquals("stop", at(answer, "choices", 0, "finish_reason"));
        assertEquals(text(answer), text(answer("enable_thinking", false, "json_schema", schema)));
        assertEquals(text(answer), said(stream("enable_thinking", false, "json_schema", schema), 0, "content"));
    }

    @Test
    void anyObjectIsAnObject() throws IOException {
        Map<String, Object> answer =
                answer("enable_thinking", false, "response_format", Map.of("type", "json_object"), "max_tokens", 200);
        assertTrue(text(answer).startsWith("{"), text(answer));
        if (at(answer, "choices", 0, "finish_reason").equals("stop")) {
            JSON.std.mapFrom(text(answer));
        }
    }

    @Test
    void aGrammarIsKept() {
        String grammar = "root ::= (\"yes\" | \"no\") \".\"";
        assertTrue(List.of("yes.", "no.").contains(text(answer("enable_thinking", false, "grammar", grammar))));
    }

    @Test
    void aClientThatWouldRatherSpeakHttp2IsAnswered() throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) { // it asks to change to HTTP/2 in its first request
            HttpRequest request = host.request("/v1/chat/completions")
                    .POST(BodyPublishers.ofString(TestServer.json(ask("Hello", "max_tokens", 5))))
                    .build();
            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
            assertEquals(200, response.statusCode(), response.body());
        }
    }

    @Test
    void messagesMayComeInParts() {
        Map<String, Object> parts = Map.of(
                "max_tokens",
                10,
                "messages",
                List.of(
                        Map.of("role", "developer", "content", "Be brief."),
                        Map.of(
                                "role",
                                "user",
                                "content",
                                List.of(Map.of("type", "text", "text", "Hel"), Map.of("type", "text", "text", "lo")))));
        Map<String, Object> whole = Map.of(
                "max_tokens",
                10,
                "messages",
                List.of(Map.of("role", "system", "content", "Be brief."), Map.of("role", "user", "content", "Hello")));
        assertEquals(text(host.chat(whole).ok()), text(host.chat(parts).ok()));
    }

    @Test
    void aThoughtIsApartFromTheAnswer(@TempDir Path folder) throws IOException {
        try (TestServer thinking =
                TestServer.start(ServerOptions.builder(), TestServer.sharing(), TestServer.thinkingModel(folder))) {
            Map<String, Object> body =
                    ask("Hello", "thinking_budget", 8, "max_tokens", 30, "logit_bias", TestServer.NO_END);
            Map<String, Object> answer = thinking.chat(body).ok();
            String thought = (String) at(answer, "choices", 0, "message", "reasoning_content");
            assertFalse(thought.isBlank());
            assertFalse(text(answer).isBlank());
            assertFalse(text(answer).contains("</think>"), text(answer));
            int thoughts = (Integer) at(answer, "usage", "completion_tokens_details", "reasoning_tokens");
            assertTrue(thoughts >= 8 && thoughts < 30, "thoughts: " + thoughts);
            body.put("stream", true);
            List<Map<String, Object>> events = thinking.chat(body).events();
            assertEquals(thought, said(events, 0, "reasoning_content"));
            assertEquals(text(answer), said(events, 0, "content"));
        }
    }

    @Test
    void inCompanyAnAnswerIsWhatItIsAlone() throws InterruptedException {
        List<Map<String, Object>> bodies = IntStream.range(0, 6)
                .mapToObj(i -> ask("Question " + "of all ".repeat(i), "max_tokens", 20 + 5 * i))
                .toList();
        List<String> alone =
                bodies.stream().map(body -> text(host.chat(body).ok())).toList();
        String[] together = new String[bodies.size()];
        List<Thread> clients = IntStream.range(0, bodies.size())
                .mapToObj(i -> Thread.ofVirtual()
                        .start(() -> together[i] = text(host.chat(bodies.get(i)).ok())))
                .toList();
        for (Thread client : clients) {
            client.join();
        }
        assertEquals(alone, List.of(together));
    }
}
