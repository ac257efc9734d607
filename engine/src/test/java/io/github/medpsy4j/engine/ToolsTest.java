package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.grammar.GrammarException;
import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tools with a model of random weights, whose template is Qwen2.5's. */
class ToolsTest {
    private static final Tool DOSE = new Tool("dose", "Look a drug's dose up", """
            {"type": "object", "required": ["drug", "kg"], "additionalProperties": false, "properties": {
              "drug": {"$ref": "#/$defs/drug"}, "kg": {"type": "integer", "minimum": 1, "maximum": 150}},
             "$defs": {"drug": {"enum": ["ibuprofen", "paracetamol"]}}}""");
    private static final Tool STOP = new Tool("stop", "", "");
    private static final List<Tool> BOTH = List.of(DOSE, STOP);

    private static Model model;

    @BeforeAll
    static void load() throws IOException {
        model = TinyModels.load("q8_0", LoadOptions.defaults().withThreads(2));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static SamplingOptions sampling(int seed) {
        return SamplingOptions.builder().temperature(1).topK(0).seed(seed).build();
    }

    /** Begins a call wherever it may. */
    private static SamplingOptions eager(int seed) {
        return sampling(seed).toBuilder()
                .logitBias(List.of(LogitBias.ofText("<tool_call>", 50)))
                .build();
    }

    private static ChatOptions options(SamplingOptions sampling, Tools tools) {
        return ChatOptions.builder()
                .sampling(sampling)
                .tools(tools)
                .think(ChatOptions.Think.OFF) // or such a model thinks without an end
                .maxTokens(120)
                .build();
    }

    private static void assertValid(ToolCall call) throws IOException {
        Map<String, Object> arguments = JSON.std.mapFrom(call.arguments());
        if (call.name().equals("stop")) {
            assertEquals(Map.of(), arguments);
        } else {
            assertEquals("dose", call.name());
            assertTrue(List.of("ibuprofen", "paracetamol").contains(arguments.get("drug")), call.arguments());
            int kg = (int) arguments.get("kg");
            assertTrue(kg >= 1 && kg <= 150, call.arguments());
            assertEquals(2, arguments.size());
        }
    }

    @Test
    void aRequiredCallIsMadeAndItsArgumentsFit() throws Exception {
        Tools one = Tools.of(BOTH).withChoice(Tools.Choice.REQUIRED).withParallel(false);
        for (int seed = 0; seed < 6; seed++) {
            try (Chat chat = model.chat(options(sampling(seed), one))) {
                List<ToolCall.Delta> deltas = new ArrayList<>();
                StringBuilder text = new StringBuilder();
                Answer answer = chat.send("Dose of ibuprofen?", piece -> {
                    text.append(piece.text());
                    if (piece.toolCall() != null) {
                        deltas.add(piece.toolCall());
                    }
                    return true;
                });
                assertEquals(FinishReason.END, answer.generation().finishReason());
                assertEquals(1, answer.toolCalls().size());
                assertEquals("", answer.text());
                assertEquals("", text.toString());
                assertEquals("", answer.toolCallFault());
                ToolCall call = answer.toolCalls().getFirst();
                assertValid(call);
                assertEquals(
                        call.arguments(),
                        String.join(
                                "",
                                deltas.stream().map(ToolCall.Delta::arguments).toList()));
            }
        }
    }

    @Test
    void aNamedToolIsCalled() throws Exception {
        for (Tool tool : BOTH) {
            Tools named = Tools.of(BOTH).withNamed(tool.name());
            try (Chat chat = model.chat(options(sampling(1), named))) {
                Answer answer = chat.send("Hm.", piece -> true);
                assertEquals(
                        List.of(tool.name()),
                        answer.toolCalls().stream().map(ToolCall::name).toList());
                assertValid(answer.toolCalls().getFirst());
            }
        }
    }

    @Test
    void aCallThatHasBegunByItselfIsHeldToTheSchema() throws Exception {
        int ended = 0;
        for (int seed = 0; seed < 6; seed++) {
            try (Chat chat = model.chat(options(eager(seed), Tools.of(BOTH).withParallel(false)))) {
                Answer answer = chat.send("Dose of ibuprofen?", piece -> true);
                if (answer.generation().finishReason() == FinishReason.CONTEXT_FULL) {
                    continue; // what random weights write into a string may be endless
                }
                ended++;
                assertEquals(1, answer.toolCalls().size());
                assertEquals(FinishReason.END, answer.generation().finishReason());
                assertValid(answer.toolCalls().getFirst());
            }
        }
        assertTrue(ended >= 3, ended + " of 6 calls ended");
    }

    @Test
    void severalCallsMayComeUntilTheLimitCutsOne() throws Exception {
        SamplingOptions endless = eager(2).toBuilder()
                .logitBias(List.of(
                        LogitBias.ofText("<tool_call>", 50),
                        LogitBias.ofText("<|im_end|>", Float.NEGATIVE_INFINITY),
                        LogitBias.ofText("<|endoftext|>", Float.NEGATIVE_INFINITY)))
                .build();
        try (Chat chat = model.chat(options(endless, Tools.of(List.of(STOP))))) {
            Answer answer = chat.send("Stop it.", piece -> true);
            assertEquals(FinishReason.LENGTH, answer.generation().finishReason(), answer.toString());
            assertTrue(answer.toolCalls().size() > 2, answer.toString());
            boolean isCut = answer.toolCallFault().contains("of tool");
            for (int i = 0; i < answer.toolCalls().size() - (isCut ? 1 : 0); i++) {
                assertValid(answer.toolCalls().get(i));
            }
            assertEquals(
                    answer.toolCalls().size(),
                    answer.toolCalls().stream().map(ToolCall::id).distinct().count());
        }
    }

    @Test
    void wordsComeAsEver() throws Exception {
        // This model's greedy words begin no call, so a constraint that waits changes nothing but the prompt.
        Tools tools = Tools.of(BOTH);
        ChatOptions options = ChatOptions.builder()
                .sampling(SamplingOptions.greedy())
                .maxTokens(40)
                .tools(tools)
                .build();
        int[] prompt = Prompt.of(model, List.of(ChatMessage.user("Hm.")), options.think(), tools)
                .tokens();
        List<Integer> free = new ArrayList<>();
        try (Session session = model.session()) {
            new Generator(session, SamplingOptions.greedy()).generate(prompt, 40, free::add);
        }
        List<Integer> waiting = new ArrayList<>();
        try (Session session = model.session()) {
            new Generator(session, options.answerSampling()).generate(prompt, 40, waiting::add);
        }
        assertEquals(free, waiting);
    }

    @Test
    void theSchedulerAnswersAsAChatDoes() throws Exception {
        ChatOptions options = options(eager(3), Tools.of(BOTH).withParallel(false));
        Answer expected;
        try (Chat chat = model.chat(options)) {
            expected = chat.send("Dose?", piece -> true);
        }
        try (Scheduler scheduler =
                Scheduler.start(model, SchedulerOptions.defaults().withSlots(2))) {
            Completion completion = scheduler.submit(Request.chat(model, List.of(ChatMessage.user("Dose?")), options)
                    .build());
            StringBuilder arguments = new StringBuilder();
            int tokens = 0;
            for (Completion.Piece piece; (piece = completion.next()) != null; ) {
                tokens += piece.tokens().size();
                assertEquals("", piece.text());
                arguments.append(
                        piece.toolCall() == null ? "" : piece.toolCall().arguments());
            }
            Answer answer = completion.await();
            assertEquals(
                    expected.toolCalls().getFirst().arguments(),
                    answer.toolCalls().getFirst().arguments());
            assertEquals(answer.toolCalls().getFirst().arguments(), arguments.toString());
            assertEquals(answer.generation().generatedTokens() - 1, tokens); // all but the end
        }
    }

    @Test
    void resultsGoBackAndTheCallStandsInTheNextPrompt() throws Exception {
        Tools named = Tools.of(BOTH).withNamed("dose");
        try (Chat chat = model.chat(options(sampling(5), named))) {
            ToolCall call = chat.send("Dose?", piece -> true).toolCalls().getFirst();
            assertEquals(List.of(call), chat.messages().getLast().toolCalls());
            assertThrows(IllegalArgumentException.class, () -> chat.sendToolResults(List.of(), piece -> true));
            List<ChatMessage> results = List.of(ChatMessage.tool(call.id(), "20 mg/kg"));
            Generation next = chat.sendToolResults(results, piece -> true).generation();
            String prompt = Prompt.render(model, chat.messages().subList(0, 3), ChatOptions.Think.AUTO, named, true)
                    .text();
            assertTrue(
                    prompt.contains("<tool_call>\n{\"name\": \"dose\", \"arguments\": {\"drug\": "
                            + (call.arguments().contains("ibuprofen") ? "\"ibuprofen\"" : "\"paracetamol\"")),
                    prompt);
            assertTrue(prompt.endsWith("""
                            <|im_start|>user
                            <tool_response>
                            20 mg/kg
                            </tool_response><|im_end|>
                            <|im_start|>assistant
                            """), prompt);
            assertTrue(next.reusedTokens() > 100, "the conversation before is not computed again");
            assertEquals(
                    List.of("user", "assistant", "tool", "assistant"),
                    chat.messages().stream().map(ChatMessage::role).toList());
            chat.clear();
            assertEquals(
                    "the last answer asked for no calls",
                    assertThrows(IllegalStateException.class, () -> chat.sendToolResults(results, piece -> true))
                            .getMessage());
        }
    }

    @Test
    void aSavedConversationHasItsCalls(@TempDir Path folder) throws Exception {
        List<ChatMessage> messages = List.of(
                ChatMessage.user("Dose?"),
                ChatMessage.assistant("", "hm", List.of(new ToolCall("call_1", "dose", "{\"kg\": 1}"))),
                ChatMessage.tool("call_1", "20 mg"),
                ChatMessage.assistant("20 mg.", ""));
        try (Chat chat = model.chat(ChatOptions.builder().build())) {
            chat.messages(messages);
            Path file = folder.resolve("kept");
            chat.saved("tiny").write(file);
            assertEquals(messages, SavedChat.read(file).messages());
        }
    }

    @Test
    void noneIsAsIfThereWereNoTools() throws Exception {
        List<ChatMessage> messages = List.of(ChatMessage.user("Hm."));
        Tools none = Tools.of(BOTH).withChoice(Tools.Choice.NONE);
        assertEquals(
                Prompt.of(model, messages, ChatOptions.Think.AUTO).rendered().text(),
                Prompt.of(model, messages, ChatOptions.Think.AUTO, none)
                        .rendered()
                        .text());
        assertTrue(none.grammar().isEmpty());
    }

    @Test
    void toolDefinitionsAreContentAndSpecialTokensInThemStayText() throws Exception {
        Tools tools = Tools.of(List.of(new Tool("x", "<|im_end|>", "")));
        int[] ids = Prompt.of(model, List.of(ChatMessage.user("Hm.")), ChatOptions.Think.AUTO, tools)
                .tokens();
        int ends = 0;
        for (int id : ids) {
            ends += id == TinyModels.END_OF_MESSAGE ? 1 : 0;
        }
        assertEquals(2, ends, "of the system's and the user's message");
    }

    @Test
    void aTemplateThatKnowsNoToolsRefusesThem(@TempDir Path folder) throws Exception {
        ChatOptions options = options(sampling(1), Tools.of(BOTH));
        String plain = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}";
        String bare = plain + "{% for t in tools %}{{ t | tojson }}{% endfor %}";
        String angry = "{% if tools %}{{ raise_exception('no tools') }}{% endif %}" + plain;
        String[][] cases = {
            {plain, "knows no tools"},
            {bare, "has the model call tools in a form that is not read; expected <tool_call>{…}</tool_call>"},
            {angry, "does not take tools: chat_template:1:33: no tools"}
        };
        for (int i = 0; i < cases.length; i++) {
            Path file = TinyModels.copyWithTemplate("q8_0", cases[i][0], folder.resolve(i + ".gguf"));
            try (Model other = Model.load(file)) {
                assertFalse(other.supportsTools());
                ModelException refused = assertThrows(
                        ModelException.class, () -> Request.chat(other, List.of(ChatMessage.user("x")), options));
                assertEquals(file + ": tools: the chat template " + cases[i][1], refused.getMessage());
            }
        }
        assertTrue(model.supportsTools());
    }

    @Test
    void whatCannotBeCalledIsRefused() {
        assertEquals(
                "tool: expected a name of 1 to 64 letters, digits, _, - and ., got \"a b\"",
                assertThrows(IllegalArgumentException.class, () -> new Tool("a b", "", ""))
                        .getMessage());
        assertEquals(
                "tool x: parameters: expected a JSON object",
                assertThrows(IllegalArgumentException.class, () -> new Tool("x", "", "[]"))
                        .getMessage());
        assertEquals(
                "tool x: parameters: expected the type object, got [string, null]",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new Tool("x", "", "{\"type\":[\"string\",\"null\"]}"))
                        .getMessage());
        assertEquals(
                "tool x: parameters: line 1, column 2: not JSON: expected more, got the end",
                assertThrows(IllegalArgumentException.class, () -> new Tool("x", "", "{"))
                        .getMessage());
        assertEquals(
                "tools: two have the name stop",
                assertThrows(IllegalArgumentException.class, () -> Tools.of(List.of(STOP, STOP)))
                        .getMessage());
        assertEquals(
                "tool choice: there is no tool cure",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> Tools.of(BOTH).withNamed("cure"))
                        .getMessage());
        assertEquals(
                "tool choice: a call is required, but there is no tool",
                assertThrows(IllegalArgumentException.class, () -> Tools.none().withChoice(Tools.Choice.REQUIRED))
                        .getMessage());
        SamplingOptions constrained =
                sampling(1).toBuilder().grammar(Grammar.ofJsonSchema("{}")).build();
        assertEquals(
                "grammar: is not supported beside tools",
                assertThrows(IllegalArgumentException.class, () -> options(constrained, Tools.of(BOTH)))
                        .getMessage());
    }

    @Test
    void aSchemaThatIsNotSupportedIsRefusedWhereACallIsRequired() throws Exception {
        Tool odd = new Tool("odd", "", "{\"type\": \"object\", \"properties\": {\"a\": {\"not\": {}}}}");
        List<ChatMessage> messages = List.of(ChatMessage.user("x"));
        assertEquals(
                "tool odd: #/properties/a/not: is not supported",
                assertThrows(
                                GrammarException.class,
                                () -> Request.chat(
                                        model,
                                        messages,
                                        options(
                                                sampling(1),
                                                Tools.of(List.of(odd)).withNamed("odd"))))
                        .getMessage());
        try (Chat chat = model.chat(options(eager(1), Tools.of(List.of(odd)).withParallel(false)))) {
            Answer answer = chat.send("x", piece -> true);
            if (answer.generation().finishReason() == FinishReason.END) {
                JSON.std.mapFrom(answer.toolCalls().getFirst().arguments());
            }
            assertEquals("odd", answer.toolCalls().getFirst().name());
        }
    }
}
