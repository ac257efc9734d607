package io.github.medpsy4j.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.server.Server;
import io.github.medpsy4j.server.ServerOptions;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** LangChain4j's client of OpenAI, asking this project's server. */
class OpenAiClientTest {
    private static Model model;
    private static Server server;

    @BeforeAll
    static void serve() throws IOException {
        model = TestModels.tiny();
        server = Server.start(
                ServerOptions.builder().port(0).apiKeys(List.of("secret")).build());
        server.serve(
                model,
                List.of("tiny"),
                ChatOptions.builder()
                        .sampling(SamplingOptions.greedy())
                        .think(ChatOptions.Think.OFF)
                        .maxTokens(200)
                        .build(),
                SchedulerOptions.defaults().withSlots(2));
    }

    @AfterAll
    static void close() {
        server.close();
        model.close();
    }

    private static OpenAiChatModel.OpenAiChatModelBuilder client() {
        return OpenAiChatModel.builder()
                .baseUrl("http://127.0.0.1:" + server.port() + "/v1")
                .apiKey("secret")
                .modelName("tiny")
                .maxRetries(0);
    }

    @Test
    void chats() {
        ChatResponse response =
                client().maxTokens(5).seed(7).temperature(0.5).build().chat(UserMessage.from("Hello"));
        assertFalse(response.aiMessage().text().isEmpty());
        assertEquals("tiny", response.modelName());
        assertEquals(FinishReason.LENGTH, response.finishReason());
        assertEquals(5, response.tokenUsage().outputTokenCount());
    }

    @Test
    void streams() throws Exception {
        String whole = client().maxTokens(20).build().chat("Hello");
        StringBuilder text = new StringBuilder();
        CompletableFuture<ChatResponse> end = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder()
                .baseUrl("http://127.0.0.1:" + server.port() + "/v1")
                .apiKey("secret")
                .modelName("tiny")
                .maxTokens(20)
                .build()
                .chat("Hello", new StreamingChatResponseHandler() {
                    @Override
                    public void onPartialResponse(String piece) {
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
                });
        ChatResponse response = end.get(60, TimeUnit.SECONDS);
        assertEquals(whole, text.toString());
        assertEquals(whole, response.aiMessage().text());
        assertEquals(20, response.tokenUsage().outputTokenCount());
    }

    @Test
    void asksForJson() {
        ChatRequest request = ChatRequest.builder()
                .messages(UserMessage.from("Hello"))
                .responseFormat(ResponseFormat.builder()
                        .type(ResponseFormatType.JSON)
                        .jsonSchema(JsonSchema.builder()
                                .name("answer")
                                .rootElement(JsonObjectSchema.builder()
                                        .addBooleanProperty("yes")
                                        .required("yes")
                                        .additionalProperties(false)
                                        .build())
                                .build())
                        .build())
                .build();
        String text = client().strictJsonSchema(true)
                .build()
                .chat(request)
                .aiMessage()
                .text();
        assertTrue(text.replaceAll("\\s", "").matches("\\{\"yes\":(true|false)}"), text);
    }

    @Test
    void understandsARefusal() {
        InvalidRequestException refusal = assertThrows(
                InvalidRequestException.class,
                () -> client().temperature(-1.0).build().chat("Hello"));
        assertTrue(refusal.getMessage().contains("temperature"), refusal.getMessage());
        assertThrows(
                dev.langchain4j.exception.AuthenticationException.class,
                () -> client().apiKey("wrong").build().chat("Hello"));
    }
}
