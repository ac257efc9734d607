package io.github.medpsy4j.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.service.AiServices;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Both chat models on a model of random weights. */
class MedpsyChatModelTest {
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

    private static MedpsyChatModelBuilder<MedpsyChatModel> greedy() {
        return MedpsyChatModel.builder()
                .scheduler(scheduler)
                .sampling(SamplingOptions.greedy())
                .think(Think.OFF) // gibberish might begin to think and never end
                .defaultRequestParameters(
                        ChatRequestParameters.builder().maxOutputTokens(20).build());
    }

    private static ChatRequest request(ChatRequestParameters parameters) {
        return ChatRequest.builder()
                .messages(SystemMessage.from("Be brief."), UserMessage.from("Hello"))
                .parameters(parameters)
                .build();
    }

    /** What a streamed answer came to. */
    private static class Collected implements StreamingChatResponseHandler {
        final StringBuilder text = new StringBuilder();
        final AtomicInteger pieces = new AtomicInteger();
        final CompletableFuture<ChatResponse> end = new CompletableFuture<>();

        @Override
        public void onPartialResponse(String piece) {
            pieces.incrementAndGet();
            text.append(piece);
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            end.complete(response);
        }

        @Override
        public void onError(Throwable error) {
            end.completeExceptionally(error);
        }
    }

    @Test
    void answersAndTellsWhatItCost() {
        ChatResponse response = greedy().modelName("tiny")
                .build()
                .chat(request(ChatRequestParameters.builder().maxOutputTokens(5).build()));
        assertFalse(response.aiMessage().text().isEmpty());
        assertEquals("tiny", response.modelName());
        assertNotNull(response.id());
        assertEquals(FinishReason.LENGTH, response.finishReason());
        assertEquals(5, response.tokenUsage().outputTokenCount());
        assertTrue(response.tokenUsage().inputTokenCount() > 5);
        assertEquals(
                response.tokenUsage().inputTokenCount() + 5,
                response.tokenUsage().totalTokenCount());
    }

    @Test
    void streamsTheSameAnswer() throws Exception {
        ChatRequest request = request(ChatRequestParameters.builder().build());
        String whole = greedy().build().chat(request).aiMessage().text();
        Collected collected = new Collected();
        MedpsyStreamingChatModel streaming = MedpsyStreamingChatModel.builder()
                .scheduler(scheduler)
                .sampling(SamplingOptions.greedy())
                .think(Think.OFF)
                .defaultRequestParameters(
                        ChatRequestParameters.builder().maxOutputTokens(20).build())
                .build();
        streaming.chat(request, collected);
        ChatResponse response = collected.end.get(60, TimeUnit.SECONDS);
        assertEquals(whole, response.aiMessage().text());
        assertEquals(whole, collected.text.toString());
        assertTrue(collected.pieces.get() > 1);
        assertEquals(20, response.tokenUsage().outputTokenCount());
    }

    @Test
    void cancellingEndsTheAnswerAndFreesTheSlot() throws Exception {
        AtomicInteger pieces = new AtomicInteger();
        Collected collected = new Collected();
        StreamingChatResponseHandler handler = new StreamingChatResponseHandler() {
            @Override
            public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
                if (pieces.incrementAndGet() == 2) {
                    context.streamingHandle().cancel();
                }
            }

            @Override
            public void onCompleteResponse(ChatResponse response) {
                collected.onCompleteResponse(response);
            }

            @Override
            public void onError(Throwable error) {
                collected.onError(error);
            }
        };
        MedpsyStreamingChatModel.builder()
                .scheduler(scheduler)
                .sampling(SamplingOptions.greedy())
                .build()
                .chat("Hello", handler);
        for (int i = 0; i < 600 && (pieces.get() < 2 || scheduler.stats().running() > 0); i++) {
            Thread.sleep(100);
        }
        assertEquals(0, scheduler.stats().running());
        assertEquals(2, pieces.get());
        assertThrows(TimeoutException.class, () -> collected.end.get(200, TimeUnit.MILLISECONDS));
    }

    @Test
    void aStopTextEndsTheAnswerBeforeIt() {
        String whole = greedy().build().chat("Hello");
        String stop = whole.substring(3, 6);
        ChatResponse response = greedy().build().chat(request("Hello", stop));
        assertEquals(FinishReason.STOP, response.finishReason());
        assertEquals(
                whole.substring(0, whole.indexOf(stop)), response.aiMessage().text());
    }

    private static ChatRequest request(String text, String stop) {
        return ChatRequest.builder()
                .messages(UserMessage.from(text))
                .stopSequences(List.of(stop))
                .build();
    }

    @Test
    void theSameSeedGivesTheSameAnswerAndNoneAnother() {
        MedpsyChatModel chat = MedpsyChatModel.builder().scheduler(scheduler).build();
        MedpsyChatRequestParameters seeded = MedpsyChatRequestParameters.builder()
                .seed(7L)
                .maxOutputTokens(20)
                .build();
        ChatRequest unseeded =
                request(ChatRequestParameters.builder().maxOutputTokens(20).build());
        assertEquals(
                chat.chat(request(seeded)).aiMessage().text(),
                chat.chat(request(seeded)).aiMessage().text());
        assertNotEquals(
                chat.chat(unseeded).aiMessage().text(),
                chat.chat(unseeded).aiMessage().text());
    }

    @Test
    void ownParametersSurviveBeingOverridden() {
        MedpsyChatRequestParameters own = MedpsyChatRequestParameters.builder()
                .seed(7L)
                .minP(0.1)
                .repeatPenalty(1.1)
                .build();
        ChatRequestParameters both =
                own.overrideWith(ChatRequestParameters.builder().topK(3).build());
        MedpsyChatRequestParameters merged = assertInstanceOf(MedpsyChatRequestParameters.class, both);
        assertEquals(7L, merged.seed());
        assertEquals(0.1, merged.minP());
        assertEquals(1.1, merged.repeatPenalty());
        assertEquals(3, merged.topK());
        assertNotEquals(own, merged);
        assertEquals(own, own.overrideWith(ChatRequestParameters.builder().build()));
    }

    @Test
    void jsonKeepsToTheSchema() {
        JsonSchema schema = JsonSchema.builder()
                .name("drug")
                .rootElement(JsonObjectSchema.builder()
                        .addBooleanProperty("prescription")
                        .addProperty(
                                "taken",
                                JsonEnumSchema.builder()
                                        .enumValues("orally", "topically")
                                        .build())
                        .required("prescription", "taken")
                        .additionalProperties(false)
                        .build())
                .build();
        ChatRequestParameters parameters = ChatRequestParameters.builder()
                .maxOutputTokens(200)
                .responseFormat(ResponseFormat.builder()
                        .type(ResponseFormatType.JSON)
                        .jsonSchema(schema)
                        .build())
                .build();
        ChatResponse response = greedy().build().chat(request(parameters));
        assertEquals(FinishReason.STOP, response.finishReason());
        String text = response.aiMessage().text().replaceAll("\\s", "");
        assertTrue(
                text.matches("\\{\"prescription\":(true|false),\"taken\":\"(orally|topically)\"}"),
                response.aiMessage().text());
    }

    /** What an AI service is to read from an answer. */
    record Reading(boolean elevated, Arm arm) {}

    /** A side. */
    enum Arm {
        LEFT,
        RIGHT
    }

    /** An AI service. */
    interface Readings {
        Reading of(String text);
    }

    @Test
    void anAiServiceGetsItsRecord() {
        MedpsyChatModel chat = greedy().defaultRequestParameters(
                        ChatRequestParameters.builder().maxOutputTokens(200).build())
                .build();
        assertNotNull(AiServices.create(Readings.class, chat).of("150 over 95, measured on the left."));
    }

    private static final ToolSpecification DOSE = ToolSpecification.builder()
            .name("dose")
            .description("Looks a dose up.")
            .parameters(JsonObjectSchema.builder()
                    .addEnumProperty("drug", List.of("aspirin", "metformin"))
                    .required("drug")
                    .build())
            .build();

    private static ChatRequest call() {
        return ChatRequest.builder()
                .messages(UserMessage.from("How much metformin?"))
                .toolSpecifications(DOSE)
                .toolChoice(ToolChoice.REQUIRED)
                .maxOutputTokens(200)
                .build();
    }

    private static boolean wasCutOff(ChatResponse response) {
        return response.finishReason() == FinishReason.LENGTH;
    }

    @Test
    void aRequiredToolIsCalledAndItsResultHeard() {
        // Gibberish might call the tool again and again: it is to end where it may, which is where a token ends with
        // the call.
        Tokenizer tokenizer = scheduler.model().tokenizer();
        List<LogitBias> ends = IntStream.range(0, tokenizer.vocabulary().size())
                .filter(tokenizer::isEndOfGeneration)
                .mapToObj(id -> LogitBias.ofToken(id, 100))
                .toList();
        MedpsyChatModel chat = null;
        ChatResponse response = null;
        for (int seed = 1; seed <= 20 && (response == null || wasCutOff(response)); seed++) {
            SamplingOptions brief = SamplingOptions.greedy().toBuilder()
                    .temperature(1)
                    .seed(seed)
                    .logitBias(ends)
                    .build();
            chat = greedy().sampling(brief).build();
            response = chat.chat(call());
        }
        assertEquals(FinishReason.TOOL_EXECUTION, response.finishReason());
        AiMessage message = response.aiMessage();
        ToolExecutionRequest request = message.toolExecutionRequests().getFirst();
        assertEquals("dose", request.name());
        String arguments = request.arguments().replaceAll("\\s", "");
        assertTrue(arguments.matches("\\{\"drug\":\"(aspirin|metformin)\"}"), request.arguments());
        ChatResponse next = chat.chat(ChatRequest.builder()
                .messages(
                        UserMessage.from("How much metformin?"),
                        message,
                        ToolExecutionResultMessage.from(request, "500 mg"))
                .toolSpecifications(DOSE)
                .build());
        assertTrue(next.tokenUsage().inputTokenCount() > response.tokenUsage().inputTokenCount());
        ChatResponse none =
                chat.chat(call().toBuilder().toolChoice(ToolChoice.NONE).build());
        assertTrue(none.aiMessage().toolExecutionRequests().isEmpty());
        assertTrue(none.tokenUsage().inputTokenCount() < response.tokenUsage().inputTokenCount());
    }

    @Test
    void callsAreStreamedInPartsThatMakeTheWhole() throws Exception {
        StringBuilder parts = new StringBuilder();
        List<CompleteToolCall> whole = new ArrayList<>();
        Collected collected = new Collected() {
            @Override
            public void onPartialToolCall(PartialToolCall part) {
                if (part.index() == 0) {
                    parts.append(part.partialArguments());
                }
            }

            @Override
            public void onCompleteToolCall(CompleteToolCall call) {
                whole.add(call);
            }
        };
        MedpsyStreamingChatModel.builder()
                .scheduler(scheduler)
                .sampling(SamplingOptions.greedy())
                .think(Think.OFF)
                .build()
                .chat(call(), collected);
        List<ToolExecutionRequest> calls =
                collected.end.get(60, TimeUnit.SECONDS).aiMessage().toolExecutionRequests();
        assertEquals(
                calls,
                whole.stream().map(CompleteToolCall::toolExecutionRequest).toList());
        assertEquals(calls.getFirst().arguments(), parts.toString());
    }

    @Test
    void aCallThatIsCutOffIsNone() {
        ChatResponse response =
                greedy().build().chat(call().toBuilder().maxOutputTokens(3).build());
        assertEquals(FinishReason.LENGTH, response.finishReason());
        assertTrue(response.aiMessage().toolExecutionRequests().isEmpty());
    }

    private static void refused(Class<? extends LangChain4jException> type, String message, Runnable call) {
        LangChain4jException refusal = assertThrows(type, call::run);
        assertEquals(message, refusal.getMessage());
    }

    @Test
    void whatCannotBeDoneIsRefused() {
        MedpsyChatModel chat = greedy().modelName("tiny").build();
        refused(
                UnsupportedFeatureException.class,
                "modelName 'gpt' is not supported: this chat model is 'tiny'",
                () -> chat.chat(
                        request(ChatRequestParameters.builder().modelName("gpt").build())));
        refused(
                UnsupportedFeatureException.class,
                "modelName 'gpt' is not supported: this chat model is 'tiny'",
                () -> greedy().modelName("tiny")
                        .defaultRequestParameters(
                                ChatRequestParameters.builder().modelName("gpt").build())
                        .build());
        refused(
                UnsupportedFeatureException.class,
                "image content is not supported",
                () -> chat.chat(UserMessage.from(ImageContent.from("AAAA", "image/png"))));
        refused(
                UnsupportedFeatureException.class,
                "a JSON response format beside tools is not supported",
                () -> chat.chat(request(ChatRequestParameters.builder()
                        .toolSpecifications(DOSE)
                        .responseFormat(ResponseFormat.JSON)
                        .build())));
        refused(
                InvalidRequestException.class,
                "temp: expected 0 to 100, got -1",
                () -> chat.chat(request(
                        ChatRequestParameters.builder().temperature(-1.0).build())));
        assertThrows(
                IllegalStateException.class,
                () -> MedpsyChatModel.builder().build(),
                "scheduler: expected one, got none");
    }

    @Test
    void aSchemaOfUnknownKeywordsIsRefusedByName() {
        ChatRequestParameters parameters = ChatRequestParameters.builder()
                .responseFormat(JsonSchema.builder()
                        .name("x")
                        .rootElement(JsonRawSchema.from("{\"type\":\"object\",\"dependentSchemas\":{}}"))
                        .build())
                .build();
        UnsupportedFeatureException refusal = assertThrows(
                UnsupportedFeatureException.class, () -> greedy().build().chat(request(parameters)));
        assertTrue(refusal.getMessage().contains("dependentSchemas"), refusal.getMessage());
    }

    @Test
    void aPromptThatDoesNotFitIsAnInvalidRequest() {
        String text = "many words ".repeat(600);
        MedpsyChatModel chat = greedy().build();
        assertThrows(InvalidRequestException.class, () -> chat.chat(text));
        Collected collected = new Collected();
        assertThrows(
                InvalidRequestException.class,
                () -> MedpsyStreamingChatModel.builder()
                        .scheduler(scheduler)
                        .build()
                        .chat(text, collected));
    }

    @Test
    void anInterruptedCallerLeavesAndTheAnswerEnds() throws Exception {
        MedpsyChatModel chat = MedpsyChatModel.builder()
                .scheduler(scheduler)
                .sampling(SamplingOptions.greedy())
                .build();
        CompletableFuture<Boolean> stillInterrupted = new CompletableFuture<>();
        Thread caller = Thread.ofVirtual().start(() -> {
            assertThrows(LangChain4jException.class, () -> chat.chat("Hello"));
            stillInterrupted.complete(Thread.currentThread().isInterrupted());
        });
        caller.interrupt();
        assertTrue(stillInterrupted.get(60, TimeUnit.SECONDS));
    }

    @Test
    void anErrorOfTheHandlerIsTold() throws Exception {
        CompletableFuture<Throwable> told = new CompletableFuture<>();
        IllegalStateException mistake = new IllegalStateException("a mistake in the handler");
        MedpsyStreamingChatModel.builder()
                .scheduler(scheduler)
                .sampling(SamplingOptions.greedy())
                .defaultRequestParameters(
                        ChatRequestParameters.builder().maxOutputTokens(5).build())
                .build()
                .chat("Hello", new StreamingChatResponseHandler() {
                    @Override
                    public void onCompleteResponse(ChatResponse response) {
                        throw mistake;
                    }

                    @Override
                    public void onError(Throwable error) {
                        told.complete(error);
                    }
                });
        assertEquals(mistake, told.get(60, TimeUnit.SECONDS));
    }

    @Test
    void aClosedSchedulerFailsTheCall() {
        MedpsyChatModel chat;
        try (Scheduler closing =
                Scheduler.start(model, SchedulerOptions.defaults().withSlots(1))) {
            chat = MedpsyChatModel.builder().scheduler(closing).build();
        }
        assertThrows(LangChain4jException.class, () -> chat.chat("Hello"));
    }

    @Test
    void severalCallersAreAnsweredAtOnce() throws Exception {
        MedpsyChatModel chat = greedy().build();
        String alone = chat.chat("Hello");
        List<CompletableFuture<String>> answers = java.util.stream.Stream.generate(
                        () -> CompletableFuture.supplyAsync(() -> chat.chat("Hello")))
                .limit(4)
                .toList();
        for (CompletableFuture<String> answer : answers) {
            assertEquals(alone, answer.get(60, TimeUnit.SECONDS));
        }
    }
}
