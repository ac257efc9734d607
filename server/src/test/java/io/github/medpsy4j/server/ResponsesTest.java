package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.ask;
import static io.github.medpsy4j.server.TestServer.at;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResponsesTest {
    private static final Map<String, Object> DOSE = Map.of(
            "type",
            "function",
            "name",
            "dose",
            "description",
            "Looks a dose up",
            "strict",
            true,
            "parameters",
            Map.of(
                    "type",
                    "object",
                    "properties",
                    Map.of("kg", Map.of("type", "integer", "minimum", 1, "maximum", 99)),
                    "required",
                    List.of("kg"),
                    "additionalProperties",
                    false));
    private static final Map<String, Object> STOP = Map.of("type", "function", "name", "stop");
    private static final Map<String, Object> NAMED = Map.of("type", "function", "name", "dose");
    private static final Map<String, Object> NO_THINKING = Map.of("effort", "none");

    private static TestServer host;

    @BeforeAll
    static void start() {
        host = TestServer.start();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    private static Map<String, Object> body(Object... fields) {
        Map<String, Object> body = new LinkedHashMap<>();
        for (int i = 0; i < fields.length; i += 2) {
            body.put((String) fields[i], fields[i + 1]);
        }
        return body;
    }

    private static Map<String, Object> respond(Object... fields) {
        return host.post("/v1/responses", body(fields)).ok();
    }

    private static String text(Map<String, Object> response) {
        Object message = ((List<?>) response.get("output")).getLast();
        assertEquals("message", at(message, "type"));
        assertEquals("output_text", at(message, "content", 0, "type"));
        return (String) at(message, "content", 0, "text");
    }

    /** The events of a stream: each has a name, which is its type, and they are numbered. */
    private static List<Map<String, Object>> events(TestServer server, Map<String, Object> body) {
        body.put("stream", true);
        TestServer.Response response = server.post("/v1/responses", body);
        assertEquals(200, response.status(), response.text());
        List<Map<String, Object>> events = new ArrayList<>();
        String name = null;
        for (String line : response.text().split("\n")) {
            if (line.startsWith("event: ")) {
                name = line.substring(7);
            } else if (line.startsWith("data: ")) {
                Map<String, Object> event = new TestServer.Response(200, line.substring(6), Map.of()).json();
                assertEquals(name, event.get("type"));
                assertEquals(events.size(), event.get("sequence_number"));
                events.add(event);
            }
        }
        return events;
    }

    private static String deltas(List<Map<String, Object>> events, String type) {
        StringBuilder all = new StringBuilder();
        events.stream().filter(e -> type.equals(e.get("type"))).forEach(e -> all.append(e.get("delta")));
        return all.toString();
    }

    @Test
    void aTextIsAnsweredAsAMessageIs() {
        Map<String, Object> response =
                respond("input", "Hello", "instructions", "Be brief.", "max_output_tokens", 20, "model", "tiny");
        Map<String, Object> chat = host.chat(Map.of(
                        "max_tokens",
                        20,
                        "messages",
                        List.of(
                                Map.of("role", "system", "content", "Be brief."),
                                Map.of("role", "user", "content", "Hello"))))
                .ok();
        assertEquals(at(chat, "choices", 0, "message", "content"), text(response));
        assertEquals("response", response.get("object"));
        assertEquals("incomplete", response.get("status"));
        assertEquals("max_output_tokens", at(response, "incomplete_details", "reason"));
        assertEquals(at(chat, "usage", "prompt_tokens"), at(response, "usage", "input_tokens"));
        assertEquals(20, at(response, "usage", "output_tokens"));
        assertEquals("Be brief.", response.get("instructions"));
    }

    @Test
    void aConversationIsAListOfItems() {
        Map<String, Object> first = respond("input", "Hello", "max_output_tokens", 5);
        Map<String, Object> items = body(
                "max_output_tokens",
                10,
                "input",
                List.of(
                        Map.of("role", "user", "content", "Hello"),
                        at(first, "output", 0),
                        Map.of(
                                "type",
                                "message",
                                "role",
                                "user",
                                "content",
                                List.of(Map.of("type", "input_text", "text", "And?")))));
        Map<String, Object> chat = host.chat(Map.of(
                        "max_tokens",
                        10,
                        "messages",
                        List.of(
                                Map.of("role", "user", "content", "Hello"),
                                Map.of("role", "assistant", "content", text(first)),
                                Map.of("role", "user", "content", "And?"))))
                .ok();
        assertEquals(
                at(chat, "choices", 0, "message", "content"),
                text(host.post("/v1/responses", items).ok()));
    }

    @Test
    void itEndsAsTheModelDoes() {
        Map<String, Object> response =
                respond("input", "Hi", "logit_bias", Map.of(String.valueOf(TestServer.END_OF_MESSAGE), 100));
        assertEquals("completed", response.get("status"));
        assertNull(response.get("incomplete_details"));
        assertEquals("", text(response));
    }

    @Test
    void theFormatIsKept() throws IOException {
        Map<String, Object> schema = Map.of(
                "type", "object",
                "properties", Map.of("dose", Map.of("enum", List.of("low", "high"))),
                "required", List.of("dose"));
        Map<String, Object> format = Map.of("type", "json_schema", "name", "x", "strict", true, "schema", schema);
        Map<String, Object> response =
                respond("input", "Hi", "reasoning", Map.of("effort", "none"), "text", Map.of("format", format));
        assertTrue(
                List.of("low", "high").contains(JSON.std.mapFrom(text(response)).get("dose")), text(response));
        assertEquals(format, at(response, "text", "format"));
    }

    @Test
    void aStreamTellsEachStep() {
        List<Map<String, Object>> events = events(host, body("input", "Hello", "max_output_tokens", 20));
        assertEquals(
                List.of(
                        "response.created",
                        "response.in_progress",
                        "response.output_item.added",
                        "response.content_part.added",
                        "response.output_text.delta",
                        "response.output_text.done",
                        "response.content_part.done",
                        "response.output_item.done",
                        "response.incomplete"),
                events.stream().map(e -> e.get("type")).distinct().toList());
        Object last = events.getLast().get("response");
        String whole = text(respond("input", "Hello", "max_output_tokens", 20));
        assertEquals(whole, deltas(events, "response.output_text.delta"));
        assertEquals(whole, at(last, "output", 0, "content", 0, "text"));
        assertEquals(20, at(last, "usage", "output_tokens"));
        assertEquals("in_progress", at(events.getFirst(), "response", "status"));
        List<Object> ids = events.stream()
                .map(e -> e.get("item_id"))
                .filter(Objects::nonNull)
                .distinct()
                .toList();
        assertEquals(List.of(at(last, "output", 0, "id")), ids);
    }

    @Test
    void aThoughtIsAnItemOfItsOwn(@TempDir Path folder) throws IOException {
        try (TestServer thinking =
                TestServer.start(ServerOptions.builder(), TestServer.sharing(), TestServer.thinkingModel(folder))) {
            Map<String, Object> body = body(
                    "input", "Hello", "thinking_budget", 8, "max_output_tokens", 30, "logit_bias", TestServer.NO_END);
            Map<String, Object> response = thinking.post("/v1/responses", body).ok();
            assertEquals("reasoning", at(response, "output", 0, "type"));
            String thought = (String) at(response, "output", 0, "content", 0, "text");
            assertFalse(thought.isBlank());
            assertFalse(text(response).isBlank());
            assertTrue((Integer) at(response, "usage", "output_tokens_details", "reasoning_tokens") >= 8);
            List<Map<String, Object>> events = events(thinking, body);
            assertEquals(thought, deltas(events, "response.reasoning_text.delta"));
            assertEquals(text(response), deltas(events, "response.output_text.delta"));
            assertEquals(
                    List.of(0, 1),
                    IntStream.range(0, 2)
                            .mapToObj(i -> events.stream()
                                    .filter(e -> "response.output_item.done".equals(e.get("type")))
                                    .toList()
                                    .get(i)
                                    .get("output_index"))
                            .toList());
            // A client sends both back with its next question.
            body.put("stream", false);
            body.put(
                    "input",
                    List.of(
                            Map.of("role", "user", "content", "Hello"),
                            at(response, "output", 0),
                            at(response, "output", 1),
                            Map.of("role", "user", "content", "And?")));
            thinking.post("/v1/responses", body).ok();
        }
    }

    private static void assertDose(Object arguments) throws IOException {
        Map<String, Object> read = JSON.std.mapFrom((String) arguments);
        assertEquals(List.of("kg"), List.copyOf(read.keySet()));
        int kg = (Integer) read.get("kg");
        assertTrue(kg >= 1 && kg <= 99, read.toString());
    }

    @Test
    void aNamedToolIsCalled() throws IOException {
        List<?> tools = List.of(DOSE, STOP);
        Map<String, Object> response =
                respond("input", "Hello", "tools", tools, "tool_choice", NAMED, "reasoning", NO_THINKING);
        assertEquals("completed", response.get("status"));
        assertEquals(1, ((List<?>) response.get("output")).size());
        Object call = at(response, "output", 0);
        assertEquals("function_call", at(call, "type"));
        assertEquals("completed", at(call, "status"));
        assertEquals("dose", at(call, "name"));
        assertTrue(((String) at(call, "id")).startsWith("fc_"));
        assertTrue(((String) at(call, "call_id")).startsWith("call_"));
        assertDose(at(call, "arguments"));
        assertEquals(tools, response.get("tools"));
        assertEquals(NAMED, response.get("tool_choice"));
        assertEquals(true, response.get("parallel_tool_calls"));
    }

    @Test
    void aCallStreamsInParts() throws IOException {
        List<Map<String, Object>> events = events(
                host,
                body(
                        "input",
                        "Hello",
                        "tools",
                        List.of(DOSE),
                        "tool_choice",
                        "required",
                        "parallel_tool_calls",
                        false,
                        "reasoning",
                        NO_THINKING));
        assertEquals(
                List.of(
                        "response.created",
                        "response.in_progress",
                        "response.output_item.added",
                        "response.function_call_arguments.delta",
                        "response.function_call_arguments.done",
                        "response.output_item.done",
                        "response.completed"),
                events.stream().map(e -> e.get("type")).distinct().toList());
        Object added = events.get(2).get("item");
        assertEquals("dose", at(added, "name"));
        assertEquals("", at(added, "arguments"));
        assertEquals("in_progress", at(added, "status"));
        Object call = at(events.getLast(), "response", "output", 0);
        String arguments = (String) at(call, "arguments");
        assertDose(arguments);
        assertEquals(arguments, deltas(events, "response.function_call_arguments.delta"));
        Map<String, Object> done = events.get(events.size() - 3);
        assertEquals(arguments, done.get("arguments"));
        assertEquals(at(call, "id"), done.get("item_id"));
        assertEquals("dose", done.get("name"));
        assertEquals(call, events.get(events.size() - 2).get("item"));
        assertEquals(at(added, "call_id"), at(call, "call_id"));
    }

    @Test
    void aCutCallIsIncomplete() {
        Map<String, Object> response = respond(
                "input",
                "Hello",
                "tools",
                List.of(DOSE),
                "tool_choice",
                NAMED,
                "reasoning",
                NO_THINKING,
                "max_output_tokens",
                14);
        assertEquals("incomplete", response.get("status"));
        assertEquals("incomplete", at(response, "output", 0, "status"));
    }

    /** What the model said and called is one message of the conversation, as chats have it. */
    @Test
    void callsAndTheirResultsGoBack() {
        Map<String, Object> call = Map.of(
                "type",
                "function_call",
                "id",
                "fc_1",
                "status",
                "completed",
                "call_id",
                "call_1",
                "name",
                "dose",
                "arguments",
                "{\"kg\": 20}");
        Map<String, Object> result = Map.of("type", "function_call_output", "call_id", "call_1", "output", "200 mg");
        Map<String, Object> inParts = Map.of(
                "type",
                "function_call_output",
                "call_id",
                "call_1",
                "output",
                List.of(Map.of("type", "input_text", "text", "200 "), Map.of("type", "input_text", "text", "mg")));
        Map<String, Object> nested = new LinkedHashMap<>(DOSE);
        nested.remove("type");
        Map<String, Object> assistant = Map.of(
                "role",
                "assistant",
                "content",
                "I look it up.",
                "tool_calls",
                List.of(Map.of(
                        "id",
                        "call_1",
                        "type",
                        "function",
                        "function",
                        Map.of("name", "dose", "arguments", "{\"kg\": 20}"))));
        Map<String, Object> chat = host.chat(Map.of(
                        "max_tokens",
                        8,
                        "tools",
                        List.of(Map.of("type", "function", "function", nested)),
                        "messages",
                        List.of(
                                Map.of("role", "user", "content", "Hello"),
                                assistant,
                                Map.of("role", "tool", "tool_call_id", "call_1", "content", "200 mg"))))
                .ok();
        for (Map<String, Object> output : List.of(result, inParts)) {
            Map<String, Object> response = respond(
                    "max_output_tokens",
                    8,
                    "tools",
                    List.of(DOSE),
                    "input",
                    List.of(
                            Map.of("role", "user", "content", "Hello"),
                            Map.of("role", "assistant", "content", "I look it up."),
                            call,
                            output));
            assertEquals(at(chat, "usage", "prompt_tokens"), at(response, "usage", "input_tokens"));
            assertEquals(at(chat, "choices", 0, "message", "content"), text(response));
        }
    }

    @Test
    void logProbabilitiesAreThoseOfChats() {
        Map<String, Object> chat = host.chat(ask("Hello", "max_tokens", 6, "logprobs", true, "top_logprobs", 2))
                .ok();
        Object expected = at(chat, "choices", 0, "logprobs", "content");
        assertEquals(6, ((List<?>) expected).size());
        Map<String, Object> body = body(
                "input",
                "Hello",
                "max_output_tokens",
                6,
                "top_logprobs",
                2,
                "include",
                List.of("message.output_text.logprobs"));
        assertEquals(expected, at(host.post("/v1/responses", body).ok(), "output", 0, "content", 0, "logprobs"));
        List<Map<String, Object>> events = events(host, body);
        List<Object> streamed = new ArrayList<>();
        for (Map<String, Object> event : events) {
            if ("response.output_text.delta".equals(event.get("type"))) {
                streamed.addAll((List<?>) event.get("logprobs"));
            } else if ("response.output_text.done".equals(event.get("type"))) {
                assertEquals(expected, event.get("logprobs"));
            }
        }
        assertEquals(((List<?>) expected).subList(0, streamed.size()), streamed);
        assertFalse(streamed.isEmpty());
        assertEquals(expected, at(events.getLast(), "response", "output", 0, "content", 0, "logprobs"));
        Map<String, Object> without = respond("input", "Hello", "max_output_tokens", 6);
        assertEquals(List.of(), at(without, "output", 0, "content", 0, "logprobs"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{}|input: is missing",
                "{\"input\":[]}|input: is empty",
                "{\"input\":7}|input: expected a string or an array of items, got 7",
                "{\"input\":[{\"role\":\"user\"}]}|input[0].content: is missing",
                "{\"input\":[{\"type\":\"file\"}]}"
                        + "|input[0].type: expected message, reasoning, function_call or function_call_output",
                "{\"input\":[{\"type\":\"function_call\"}]}|input[0].call_id: is missing",
                "{\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"a\",\"output\":\"x\"}]}"
                        + "|input[0].call_id: there is no such function_call before it",
                "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"b\",\"arguments\":\"{}\"},"
                        + "{\"type\":\"function_call_output\",\"call_id\":\"a\"}]}|input[1].output: is missing",
                "{\"input\":\"x\",\"tools\":[{\"type\":\"web_search\"}]}|tools[0].type: expected function",
                "{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}]}"
                        + "|tools[0].name: is missing",
                "{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"a\"}],"
                        + "\"tool_choice\":{\"type\":\"function\",\"name\":\"b\"}}"
                        + "|tool_choice.name: there is no such tool",
                "{\"input\":\"x\",\"include\":[\"file_search_call.results\"]}"
                        + "|include[0]: expected one of message.output_text.logprobs, reasoning.encrypted_content",
                "{\"input\":\"x\",\"top_logprobs\":21}|top_logprobs: expected a whole number from 0 to 20, got 21",
                "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]}"
                        + "|input[0].content[0].type: expected a kind of text: the model reads nothing else",
                "{\"input\":\"x\",\"previous_response_id\":\"resp_1\"}|previous_response_id: is not supported",
                "{\"input\":\"x\",\"max_output_tokens\":0}"
                        + "|max_output_tokens: expected a whole number of at least 1, got 0",
                "{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\"}}}|text.format.schema: is missing",
                "{\"input\":\"x\",\"reasoning\":{\"effort\":\"huge\"}}"
                        + "|reasoning.effort: expected none, minimal, low, medium, high or xhigh",
            })
    void aMistakeIsToldWithItsPlace(String body, String message) {
        TestServer.Response response = host.post("/v1/responses", body);
        assertEquals(message, response.error("message"));
        assertEquals(message.substring(0, message.indexOf(": ")), response.error("param"));
        assertEquals(400, response.status());
    }

    @Test
    void otherFieldsOfChatsAreNotFieldsHere() {
        Map<String, Object> body = ask("Hi");
        body.put("input", "Hi");
        assertEquals(
                "messages: is not supported", host.post("/v1/responses", body).error("message"));
    }
}
