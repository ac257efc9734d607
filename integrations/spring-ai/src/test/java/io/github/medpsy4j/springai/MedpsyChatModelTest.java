package io.github.medpsy4j.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.Tools;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.function.FunctionToolCallback;
import org.springframework.ai.tool.metadata.ToolMetadata;
import org.springframework.util.MimeTypeUtils;
import reactor.core.publisher.Flux;

/** The chat model on one of random weights, by itself and behind a {@code ChatClient}. */
class MedpsyChatModelTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    private static Model model;
    private static Scheduler scheduler;

    @BeforeAll
    static void load() throws IOException {
        model = TestModels.tiny();
        scheduler =
                Scheduler.start(model, SchedulerOptions.defaults().withSlots(2).withQueueMax(8));
    }

    @AfterAll
    static void close() {
        scheduler.close();
        model.close();
    }

    /** Gibberish might begin to think and never end. */
    private static MedpsyChatOptions.Builder brief() {
        return MedpsyChatOptions.builder().think(Think.OFF).maxTokens(20);
    }

    private static MedpsyChatModel.Builder greedy() {
        return MedpsyChatModel.builder()
                .scheduler(scheduler)
                .modelName("tiny")
                .sampling(SamplingOptions.greedy())
                .options(brief().build());
    }

    private static Prompt prompt(ChatOptions options) {
        return new Prompt(List.of(new SystemMessage("Be brief."), new UserMessage("Hello")), options);
    }

    private static Prompt prompt() {
        return prompt(null);
    }

    private static AssistantMessage said(ChatResponse response) {
        return Objects.requireNonNull(response.getResult()).getOutput();
    }

    private static String reason(ChatResponse response) {
        return Objects.requireNonNull(response.getResult()).getMetadata().getFinishReason();
    }

    private static List<ChatResponse> chunks(Flux<ChatResponse> stream) {
        return Objects.requireNonNull(stream.collectList().block(SOON));
    }

    private static String text(List<ChatResponse> chunks) {
        return chunks.stream().map(chunk -> said(chunk).getText()).collect(Collectors.joining());
    }

    @Test
    void answersAndTellsWhatItCost() {
        ChatResponse response =
                greedy().build().call(prompt(brief().maxTokens(5).build()));
        assertFalse(said(response).getText().isEmpty());
        assertEquals("length", reason(response));
        assertEquals("tiny", response.getMetadata().getModel());
        assertFalse(response.getMetadata().getId().isEmpty());
        assertEquals(5, response.getMetadata().getUsage().getCompletionTokens());
        assertTrue(response.getMetadata().getUsage().getPromptTokens() > 5);
    }

    @Test
    void streamsTheSameAnswer() {
        MedpsyChatModel chat = greedy().build();
        ChatResponse whole = chat.call(prompt());
        List<ChatResponse> chunks = chunks(chat.stream(prompt()));
        assertTrue(chunks.size() > 2);
        assertEquals(said(whole).getText(), text(chunks));
        ChatResponse last = chunks.getLast();
        assertEquals("length", reason(last));
        assertEquals(20, last.getMetadata().getUsage().getCompletionTokens());
        assertEquals(
                1,
                chunks.stream()
                        .map(chunk -> chunk.getMetadata().getId())
                        .distinct()
                        .count());
    }

    @Test
    void whoCancelsTheStreamFreesTheSlot() throws Exception {
        MedpsyChatModel chat = greedy().options(
                        MedpsyChatOptions.builder().think(Think.OFF).build())
                .build();
        assertEquals(2, chunks(chat.stream(prompt()).take(2)).size());
        for (int i = 0; i < 600 && scheduler.stats().running() > 0; i++) {
            Thread.sleep(100);
        }
        assertEquals(0, scheduler.stats().running());
    }

    @Test
    void portableOptionsLieOverTheDefaults() {
        MedpsyChatModel chat = greedy().build();
        String whole = said(chat.call(prompt())).getText();
        String stop = whole.substring(3, 6);
        ChatResponse response = chat.call(
                prompt(ChatOptions.builder().stopSequences(List.of(stop)).build()));
        assertEquals("stop", reason(response));
        assertEquals(whole.substring(0, whole.indexOf(stop)), said(response).getText());
        assertEquals("tiny", chat.getOptions().getModel());
    }

    @Test
    void theSameSeedGivesTheSameAnswerAndNoneAnother() {
        MedpsyChatModel chat = MedpsyChatModel.builder().scheduler(scheduler).build();
        Prompt seeded = prompt(brief().seed(7L).minP(0.0).repeatPenalty(1.0).build());
        Prompt unseeded = prompt(brief().temperature(1.5).topK(0).topP(1.0).build());
        assertEquals(said(chat.call(seeded)).getText(), said(chat.call(seeded)).getText());
        assertNotEquals(
                said(chat.call(unseeded)).getText(), said(chat.call(unseeded)).getText());
    }

    @Test
    void aThoughtIsAPropertyOfTheMessage(@TempDir Path folder) throws IOException {
        String all = Files.readString(TestModels.tinyFile(), StandardCharsets.ISO_8859_1);
        String opening = "<|im_start|>assistant\\n' }}";
        assertTrue(all.contains(opening));
        Path file = folder.resolve("thinking.gguf");
        Files.writeString(file, all.replace(opening, "<|im_start|>ai<think>\\n' }}"), StandardCharsets.ISO_8859_1);
        try (Model thinker = Model.load(file);
                Scheduler own =
                        Scheduler.start(thinker, SchedulerOptions.defaults().withSlots(1))) {
            MedpsyChatModel chat = MedpsyChatModel.builder()
                    .scheduler(own)
                    .sampling(SamplingOptions.greedy())
                    .options(MedpsyChatOptions.builder().maxTokens(8).build())
                    .build();
            AssistantMessage whole = said(chat.call(prompt()));
            assertEquals("", whole.getText());
            String thought = (String) whole.getMetadata().get("thinking");
            assertFalse(thought.isBlank());
            AtomicReference<ChatResponse> aggregated = new AtomicReference<>();
            List<ChatResponse> chunks =
                    chunks(new MessageAggregator().aggregate(chat.stream(prompt()), aggregated::set));
            assertEquals(
                    thought,
                    chunks.stream()
                            .map(chunk -> Objects.requireNonNull(chunk.getResult())
                                    .getMetadata()
                                    .<String>get("thinking"))
                            .filter(Objects::nonNull)
                            .collect(Collectors.joining()));
            assertEquals("", text(chunks));
            assertEquals(thought, said(aggregated.get()).getMetadata().get("thinking"));
        }
    }

    // ---- Forms ----

    /** What is to be read from an answer. */
    record Reading(boolean elevated, Arm arm) {}

    /** A side. */
    enum Arm {
        LEFT,
        RIGHT
    }

    @Test
    void anEntityIsHeldToItsSchema() {
        MedpsyChatModel chat = greedy().options(brief().maxTokens(200).build()).build();
        Reading reading = ChatClient.create(chat)
                .prompt("150 over 95, measured on the left.")
                .call()
                .entity(Reading.class, form -> form.useProviderStructuredOutput());
        assertNotNull(Objects.requireNonNull(reading).arm());
    }

    @Test
    void anOutputSchemaIsKept() {
        String schema = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"format\":\"int32\"}},"
                + "\"required\":[\"n\"],\"additionalProperties\":false}";
        ChatResponse response = greedy().build()
                .call(prompt(brief().maxTokens(200).outputSchema(schema).build()));
        assertEquals("stop", reason(response));
        String text = said(response).getText().replaceAll("\\s", "");
        assertTrue(text.matches("\\{\"n\":-?\\d{1,10}}"), text);
    }

    // ---- Tools ----

    /** A drug. */
    enum Drug {
        ASPIRIN,
        METFORMIN
    }

    /** What a dose is asked of. */
    record Dosage(Drug drug) {}

    /** A tool whose result is the answer: a model that must call would call again and again. */
    private static ToolCallback dose(List<Drug> asked) {
        return FunctionToolCallback.builder("dose", (Dosage dosage) -> {
                    asked.add(dosage.drug());
                    return "500 mg of " + dosage.drug();
                })
                .description("Looks a dose up.")
                .inputType(Dosage.class)
                .toolMetadata(ToolMetadata.builder().returnDirect(true).build())
                .build();
    }

    private static MedpsyChatOptions.Builder calling() {
        return brief().maxTokens(400).toolChoice(Tools.Choice.REQUIRED).parallelToolCalls(false);
    }

    @Test
    void aClientCallsTheToolThatTheModelAsksFor() {
        List<Drug> asked = new CopyOnWriteArrayList<>();
        ChatClient client = ChatClient.create(greedy().build());
        String answer = client.prompt("How much?")
                .options(calling())
                .tools(dose(asked))
                .call()
                .content();
        assertEquals(1, asked.size(), answer);
        assertEquals("500 mg of " + asked.getFirst(), answer.replace("\"", ""));
        String streamed = client.prompt("How much?").options(calling()).tools(dose(asked)).stream()
                .content()
                .collect(Collectors.joining())
                .block(SOON);
        assertEquals(2, asked.size(), streamed);
        assertEquals(answer, streamed);
    }

    @Test
    void callsStandInTheAnswerAndResultsGoBack() {
        MedpsyChatModel chat = greedy().build();
        List<Drug> asked = new CopyOnWriteArrayList<>();
        Prompt prompt = prompt(calling().toolCallbacks(dose(asked)).build());
        ChatResponse response = chat.call(prompt);
        assertEquals("tool_calls", reason(response));
        AssistantMessage.ToolCall call = said(response).getToolCalls().getFirst();
        assertEquals("dose", call.name());
        String arguments = call.arguments().replaceAll("\\s", "");
        assertTrue(arguments.matches("\\{\"drug\":\"(ASPIRIN|METFORMIN)\"}"), arguments);
        assertTrue(asked.isEmpty(), "the model itself calls nothing");
        List<ChatResponse> chunks = chunks(chat.stream(prompt));
        assertEquals(
                call.arguments(),
                said(chunks.getLast()).getToolCalls().getFirst().arguments());
        ToolResponseMessage result = ToolResponseMessage.builder()
                .responses(List.of(new ToolResponseMessage.ToolResponse(call.id(), call.name(), "500 mg")))
                .build();
        ChatResponse next = chat.call(new Prompt(
                List.of(new SystemMessage("Be brief."), new UserMessage("Hello"), said(response), result),
                calling()
                        .toolCallbacks(dose(asked))
                        .toolChoice(Tools.Choice.AUTO)
                        .maxTokens(5)
                        .build()));
        assertTrue(next.getMetadata().getUsage().getPromptTokens()
                > response.getMetadata().getUsage().getPromptTokens());
        ChatResponse none = chat.call(prompt(
                brief().toolCallbacks(dose(asked)).toolChoice(Tools.Choice.NONE).build()));
        assertFalse(none.hasToolCalls());
    }

    @Test
    void aCallThatIsCutOffIsNone() {
        ChatResponse response = greedy().build()
                .call(prompt(
                        calling().toolCallbacks(dose(List.of())).maxTokens(3).build()));
        assertEquals("length", reason(response));
        assertFalse(response.hasToolCalls());
    }

    // ---- Care ----

    private static void refused(Class<? extends RuntimeException> type, String message, Runnable call) {
        assertEquals(message, assertThrows(type, call::run).getMessage());
    }

    @Test
    void whatCannotBeDoneIsRefused() {
        MedpsyChatModel chat = greedy().build();
        String other = "model: expected 'tiny', which is this one, got 'gpt'";
        refused(
                IllegalArgumentException.class,
                other,
                () -> chat.call(prompt(brief().model("gpt").build())));
        refused(
                IllegalArgumentException.class,
                other,
                () -> greedy().options(brief().model("gpt").build()).build());
        refused(
                IllegalArgumentException.class,
                "temp: expected 0 to 100, got -1",
                () -> chat.call(prompt(brief().temperature(-1.0).build())));
        refused(
                IllegalArgumentException.class,
                "#/dependentSchemas: is not supported",
                () -> chat.call(
                        prompt(brief().outputSchema("{\"dependentSchemas\":{}}").build())));
        refused(
                UnsupportedOperationException.class,
                "an output schema beside tools is not supported",
                () -> chat.call(prompt(calling()
                        .toolCallbacks(dose(List.of()))
                        .outputSchema("{}")
                        .build())));
        UserMessage picture = UserMessage.builder()
                .text("What is it?")
                .media(new Media(MimeTypeUtils.IMAGE_PNG, URI.create("https://example.com/a.png")))
                .build();
        refused(
                UnsupportedOperationException.class,
                "media are not supported: the model reads texts",
                () -> chat.call(new Prompt(picture)));
        refused(
                IllegalStateException.class,
                "scheduler: expected one, got none",
                () -> MedpsyChatModel.builder().build());
        assertThrows(ContextFullException.class, () -> chat.call("many words ".repeat(1200)));
        assertThrows(
                ContextFullException.class,
                () -> chat.stream("many words ".repeat(1200)).blockLast(SOON));
    }

    @Test
    void aClosedSchedulerFailsTheCall() {
        MedpsyChatModel chat;
        try (Scheduler closing =
                Scheduler.start(model, SchedulerOptions.defaults().withSlots(1))) {
            chat = MedpsyChatModel.builder().scheduler(closing).build();
        }
        assertThrows(IllegalStateException.class, () -> chat.call("Hello"));
        assertThrows(IllegalStateException.class, () -> chat.stream("Hello").blockLast(SOON));
    }

    @Test
    void anInterruptedCallerLeaves() throws Exception {
        MedpsyChatModel chat = greedy().options(
                        MedpsyChatOptions.builder().think(Think.OFF).build())
                .build();
        CompletableFuture<Boolean> stillInterrupted = new CompletableFuture<>();
        Thread caller = Thread.ofVirtual().start(() -> {
            assertThrows(CancellationException.class, () -> chat.call("Hello"));
            stillInterrupted.complete(Thread.currentThread().isInterrupted());
        });
        caller.interrupt();
        assertTrue(stillInterrupted.get(60, TimeUnit.SECONDS));
    }

    @Test
    void severalCallersAreAnsweredAtOnce() throws Exception {
        MedpsyChatModel chat = greedy().build();
        String alone = chat.call("Hello");
        List<CompletableFuture<String>> answers = Stream.generate(
                        () -> CompletableFuture.supplyAsync(() -> chat.call("Hello")))
                .limit(4)
                .toList();
        for (CompletableFuture<String> answer : answers) {
            assertEquals(alone, answer.get(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void promptsAreObserved() throws InterruptedException {
        List<ChatModelObservationContext> stopped = new CopyOnWriteArrayList<>();
        ObservationRegistry registry = ObservationRegistry.create();
        registry.observationConfig().observationHandler(new ObservationHandler<ChatModelObservationContext>() {
            @Override
            public void onStop(ChatModelObservationContext context) {
                stopped.add(context);
            }

            @Override
            public boolean supportsContext(Observation.Context context) {
                return context instanceof ChatModelObservationContext;
            }
        });
        MedpsyChatModel chat = greedy().observationRegistry(registry).build();
        chat.call(prompt());
        chat.stream(prompt()).blockLast(SOON);
        for (int i = 0; i < 600 && stopped.size() < 2; i++) {
            Thread.sleep(100); // an observation of a stream ends behind the stream
        }
        assertEquals(2, stopped.size());
        for (ChatModelObservationContext context : stopped) {
            assertEquals("medpsy4j", context.getOperationMetadata().provider());
            assertEquals(
                    20,
                    Objects.requireNonNull(context.getResponse())
                            .getMetadata()
                            .getUsage()
                            .getCompletionTokens());
        }
    }
}
