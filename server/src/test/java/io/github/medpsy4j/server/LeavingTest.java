package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.ask;
import static io.github.medpsy4j.server.TestServer.askAtLength;
import static io.github.medpsy4j.server.TestServer.at;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that leave, and a server that does. */
class LeavingTest {
    private static TestServer oneSlot() {
        return TestServer.start(ServerOptions.builder(), TestServer.sharing().withSlots(1));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientThatLeavesFreesItsSlot(boolean streams) throws IOException, InterruptedException {
        try (TestServer host = oneSlot()) {
            Socket socket = host.open("/v1/chat/completions", askAtLength(streams));
            TestServer.await("it is answered", () -> host.metric("slots_busy") == 1);
            socket.close();
            TestServer.await("the slot is free", () -> host.metric("slots_busy") == 0);
            assertEquals(1, host.metric("client_disconnects_total"));
            assertTrue(host.metric("generated_tokens_total") < TestServer.CONTEXT - 100, "it was cut short");
            assertEquals(0, host.metric("answers_total"));
        }
    }

    @Test
    void aClientThatLeavesInTheMiddleOfItsRequestIsNoFailureOfTheServers() throws IOException, InterruptedException {
        try (TestServer host = oneSlot()) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
                socket.getOutputStream()
                        .write("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{\"co"
                                .getBytes(StandardCharsets.US_ASCII));
            }
            TestServer.await("it is noticed", () -> host.metric("client_disconnects_total") == 1);
            assertFalse(host.get("/metrics").text().contains("status=\"500\""));
        }
    }

    /** Its last chunk tells a client that a response in pieces is whole, also where the connection ends behind it. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientThatWantsTheConnectionClosedGetsAWholeResponse(boolean streams) throws IOException {
        // Drawn freely, an answer of so many tokens takes longer than a beat: it comes in pieces, streamed or not.
        byte[] body = TestServer.json(ask("Hello", "stream", streams, "logit_bias", TestServer.NO_END, "n", 2))
                .getBytes(StandardCharsets.UTF_8);
        String head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ";
        try (TestServer host = TestServer.start();
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
            socket.setSoTimeout(120_000);
            socket.getOutputStream().write((head + body.length + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().write(body);
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(all.contains("Transfer-Encoding: chunked\r\n"), all.substring(0, 300));
            assertTrue(all.endsWith("\r\n0\r\n\r\n"), all.substring(all.length() - 100));
        }
    }

    @Test
    void aClientThatLeavesTheQueueIsForgotten() throws IOException, InterruptedException {
        try (TestServer host = oneSlot();
                Socket running = host.open("/v1/chat/completions", askAtLength(true))) {
            TestServer.await("one runs", () -> host.metric("slots_busy") == 1);
            Socket waiting = host.open("/v1/chat/completions", ask("Hi", "max_tokens", 1));
            TestServer.await("one waits", () -> host.metric("queue_length") == 1);
            waiting.close();
            TestServer.await("it is forgotten", () -> host.metric("queue_length") == 0);
            assertEquals(1, host.metric("slots_busy"));
            assertFalse(running.isClosed());
        }
    }

    @Test
    void beforeTheModelIsLoadedItIsUnavailable() {
        try (TestServer host = TestServer.startEmpty(ServerOptions.builder(), TestServer.modelFile())) {
            for (TestServer.Response response :
                    new TestServer.Response[] {host.get("/health"), host.get("/v1/models"), host.chat(ask("Hi"))}) {
                assertEquals(503, response.status());
                assertEquals("loading", response.error("code"));
                assertEquals("2", response.header("retry-after"));
            }
            assertEquals(0, host.metric("model_loaded"));
            assertEquals(200, host.get("/").status());
            host.serve(TestServer.sharing());
            assertEquals(200, host.get("/health").status());
        }
    }

    @Test
    void itsEndFinishesWhatIsAnswered() throws Exception {
        try (TestServer host = oneSlot()) {
            CompletableFuture<TestServer.Response> running =
                    CompletableFuture.supplyAsync(() -> host.chat(askAtLength(true)));
            TestServer.await("it is answered", () -> host.metric("slots_busy") == 1);
            assertTrue(host.server.shutdown(Duration.ofSeconds(60)));
            TestServer.Response response = running.get();
            assertEquals("length", at(response.events().getLast(), "choices", 0, "finish_reason"));
        }
    }

    @Test
    void itsEndCutsOffWhatTakesLonger() throws Exception {
        try (TestServer host = oneSlot()) {
            CompletableFuture<TestServer.Response> running =
                    CompletableFuture.supplyAsync(() -> host.chat(askAtLength(false)));
            TestServer.await("it is answered", () -> host.metric("slots_busy") == 1);
            assertFalse(host.server.shutdown(Duration.ZERO));
            assertEquals(
                    "length",
                    at(running.get().ok(), "choices", 0, "finish_reason"),
                    "what was said by then is the answer");
        }
    }

    @Test
    void whileItEndsItTakesNoMore() throws Exception {
        try (TestServer host = oneSlot();
                Socket running = host.open("/v1/chat/completions", askAtLength(true))) {
            TestServer.await("it is answered", () -> host.metric("slots_busy") == 1);
            Thread ending = Thread.ofVirtual().start(() -> {
                try {
                    host.server.shutdown(Duration.ofSeconds(60));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            TestServer.await("it refuses", () -> host.get("/health").status() == 503);
            assertEquals("shutting_down", host.chat(ask("Hi")).error("code"));
            BufferedReader reader =
                    new BufferedReader(new InputStreamReader(running.getInputStream(), StandardCharsets.UTF_8));
            String line;
            do {
                line = reader.readLine();
                assertTrue(line != null, "the answer ended early");
            } while (!line.equals("data: [DONE]"));
            ending.join();
        }
    }
}
