package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.ask;
import static io.github.medpsy4j.server.TestServer.at;
import static io.github.medpsy4j.server.TestServer.said;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.server.TestServer.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ToolsTest {
    private static final Map<String, Object> DOSE = function(
            "dose",
            Map.of(
                    "type",
                    "object",
                    "properties",
                    Map.of("kg", Map.of("type", "integer", "minimum", 1, "maximum", 99)),
                    "required",
                    List.of("kg"),
                    "additionalProperties",
                    false));
    private static final Map<String, Object> STOP = Map.of("type", "function", "function", Map.of("name", "stop"));
    private static final List<?> BOTH = List.of(DOSE, STOP);
    private static final Map<String, Object> NAMED = Map.of("type", "function", "function", Map.of("name", "dose"));

    /** The token of {@code <tool_call>}, so that the model begins with one. */
    private static final Map<String, Object> EAGER = Map.of("1022", 100);

    private static TestServer host;

    @BeforeAll
    static void start() {
        host = TestServer.start();
    }

    @AfterAll
    static void close() {
        host.close();
    }

    private static Map<String, Object> function(String name, Object parameters) {
        return Map.of(
                "type",
                "function",
                "function",
                Map.of("name", name, "description", "Does it", "parameters", parameters, "strict", true));
    }

    private static void assertDose(Object arguments) throws IOException {
        Map<String, Object> read = JSON.std.mapFrom((String) arguments);
        assertEquals(List.of("kg"), List.copyOf(read.keySet()));
        int kg = (Integer) read.get("kg");
        assertTrue(kg >= 1 && kg <= 99, read.toString());
    }

    @Test
    void aNamedToolIsCalled() throws IOException {
        Map<String, Object> answer = host.chat(
                        ask("Hello", "tools", BOTH, "tool_choice", NAMED, "enable_thinking", false, "max_tokens", 100))
                .ok();
        Object message = at(answer, "choices", 0, "message");
        assertNull(at(message, "content"));
        assertEquals("tool_calls", at(answer, "choices", 0, "finish_reason"));
        assertEquals(1, ((List<?>) at(message, "tool_calls")).size());
        Object call = at(message, "tool_calls", 0);
        assertEquals("function", at(call, "type"));
        assertTrue(((String) at(call, "id")).startsWith("call_"));
        assertEquals("dose", at(call, "function", "name"));
        assertDose(at(call, "function", "arguments"));
    }

    @Test
    void aCallStreamsInParts() throws IOException {
        Map<String, Object> body = ask(
                "Hello",
                "tools",
                BOTH,
                "tool_choice",
                NAMED,
                "enable_thinking",
                false,
                "max_tokens",
                100,
                "stream",
                true);
        List<Map<String, Object>> events = host.chat(body).events();
        assertEquals("", said(events, 0, "content"));
        assertEquals("tool_calls", at(events.getLast(), "choices", 0, "finish_reason"));
        List<Object> parts = new ArrayList<>();
        for (Map<String, Object> event : events) {
            if (at(event, "choices", 0, "delta", "tool_calls") instanceof List<?> calls) {
                parts.addAll(calls);
            }
        }
        assertEquals("dose", at(parts.getFirst(), "function", "name"));
        assertEquals("", at(parts.getFirst(), "function", "arguments"));
        assertEquals("function", at(parts.getFirst(), "type"));
        assertTrue(((String) at(parts.getFirst(), "id")).startsWith("call_"));
        StringBuilder arguments = new StringBuilder();
        for (Object part : parts.subList(1, parts.size())) {
            assertEquals(0, at(part, "index"));
            assertFalse(((Map<?, ?>) part).containsKey("id"));
            arguments.append(at(part, "function", "arguments"));
        }
        assertDose(arguments.toString());
    }

    @Test
    void aModelThatBeginsACallByItselfIsHeldToTheSchema() throws IOException {
        Map<String, Object> answer = host.chat(ask(
                        "Hello",
                        "tools",
                        List.of(DOSE),
                        "parallel_tool_calls",
                        false,
                        "logit_bias",
                        EAGER,
                        "enable_thinking",
                        false,
                        "max_tokens",
                        100))
                .ok();
        Object message = at(answer, "choices", 0, "message");
        assertEquals(1, ((List<?>) at(message, "tool_calls")).size());
        assertDose(at(message, "tool_calls", 0, "function", "arguments"));
    }

    @Test
    void withoutAChoiceOrWithNoneTheModelTalks() {
        String plain = (String) at(host.chat(ask("Hello", "max_tokens", 10)).ok(), "choices", 0, "message", "content");
        Map<String, Object> none = host.chat(ask("Hello", "tools", BOTH, "tool_choice", "none", "max_tokens", 10))
                .ok();
        assertEquals(plain, at(none, "choices", 0, "message", "content"));
        Map<String, Object> auto = host.chat(ask("Hello", "tools", BOTH, "tool_choice", "auto", "max_tokens", 10))
                .ok();
        assertEquals("length", at(auto, "choices", 0, "finish_reason"));
        assertFalse(((Map<?, ?>) at(auto, "choices", 0, "message")).containsKey("tool_calls"));
        assertTrue((Integer) at(auto, "usage", "prompt_tokens") > (Integer) at(none, "usage", "prompt_tokens") + 50);
    }

    @Test
    void aCutCallHasTheReasonLength() {
        Map<String, Object> answer = host.chat(
                        ask("Hello", "tools", BOTH, "tool_choice", NAMED, "enable_thinking", false, "max_tokens", 14))
                .ok();
        assertEquals("length", at(answer, "choices", 0, "finish_reason"));
    }

    @Test
    void resultsGoBack() {
        Map<String, Object> call = Map.of(
                "id", "call_1", "type", "function", "function", Map.of("name", "dose", "arguments", "{\"kg\": 20}"));
        Map<String, Object> assistant = new LinkedHashMap<>();
        assistant.put("role", "assistant");
        assistant.put("content", null);
        assistant.put("tool_calls", List.of(call));
        List<Object> messages = List.of(
                Map.of("role", "user", "content", "Hello"),
                assistant,
                Map.of("role", "tool", "tool_call_id", "call_1", "content", "200 mg"));
        Map<String, Object> body = ask("", "tools", BOTH, "max_tokens", 5);
        body.put("messages", messages);
        int withResult = (Integer) at(host.chat(body).ok(), "usage", "prompt_tokens");
        body.put("messages", messages.subList(0, 1));
        int without = (Integer) at(host.chat(body).ok(), "usage", "prompt_tokens");
        assertTrue(withResult > without + 20, withResult + " and " + without);
    }

    private static void assertRefused(String message, Object... fields) {
        Response response = host.chat(ask("Hello", fields));
        assertEquals(400, response.status(), response.text());
        assertEquals(message, response.error("message"));
    }

    @Test
    void mistakesAreToldByTheirPlace() {
        assertRefused("tools[0].function: is missing", "tools", List.of(Map.of("type", "function")));
        assertRefused("tools[0].type: expected function", "tools", List.of(Map.of("type", "retrieval")));
        assertRefused(
                "tools[0].function.name: tool: expected a name of 1 to 64 letters, digits, _, - and ., got \"a b\"",
                "tools",
                List.of(function("a b", Map.of())));
        assertRefused(
                "tools[0].function.parameters: expected an object, got a string",
                "tools",
                List.of(function("a", "string")));
        assertRefused(
                "tools[0].function.parameters: tool a: parameters: expected the type object, got string",
                "tools",
                List.of(function("a", Map.of("type", "string"))));
        assertRefused("tools: tools: two have the name stop", "tools", List.of(STOP, STOP));
        assertRefused("tool_choice.function.name: there is no such tool", "tools", List.of(STOP), "tool_choice", NAMED);
        assertRefused("tool_choice: a call is required, but there are no tools", "tool_choice", "required");
        assertRefused(
                "tool_choice: expected none, auto, required or a function's name, got a string",
                "tools",
                BOTH,
                "tool_choice",
                "maybe");
        assertRefused(
                "tools: is not supported beside a format, grammar or schema of the answer",
                "tools",
                BOTH,
                "response_format",
                Map.of("type", "json_object"));
        assertRefused(
                "tools: tool odd: #/properties/a/not: is not supported",
                "tools",
                List.of(function("odd", Map.of("type", "object", "properties", Map.of("a", Map.of("not", Map.of()))))),
                "tool_choice",
                "required");
        Map<String, Object> body = ask("");
        body.put("messages", List.of(Map.of("role", "tool", "content", "x")));
        assertEquals("messages[0].tool_call_id: is missing", host.chat(body).error("message"));
        body.put(
                "messages",
                List.of(Map.of("role", "assistant", "tool_calls", List.of(Map.of("id", "x", "type", "function")))));
        assertEquals(
                "messages[0].tool_calls[0].function: is missing",
                host.chat(body).error("message"));
    }

    @Test
    void aTemplateWithoutToolsRefusesThem(@TempDir Path folder) throws IOException {
        String all = Files.readString(TestServer.modelFile(), StandardCharsets.ISO_8859_1);
        String asked = "{%- if tools %}";
        assertTrue(all.contains(asked));
        Path file = folder.resolve("plain.gguf");
        Files.writeString(file, all.replace(asked, "{%- if false %}"), StandardCharsets.ISO_8859_1);
        try (TestServer plain = TestServer.start(
                ServerOptions.builder(),
                SchedulerOptions.defaults().withSlots(1).withContext(512),
                file)) {
            Response refused = plain.chat(ask("Hello", "tools", BOTH));
            assertEquals(400, refused.status());
            assertEquals("tools: is not supported: the model's chat template knows no tools", refused.error("message"));
            plain.chat(ask("Hello", "tools", BOTH, "tool_choice", "none", "max_tokens", 2))
                    .ok();
        }
    }
}
