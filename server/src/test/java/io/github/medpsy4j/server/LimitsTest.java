package io.github.medpsy4j.server;

import static io.github.medpsy4j.server.TestServer.ask;
import static io.github.medpsy4j.server.TestServer.askAtLength;
import static io.github.medpsy4j.server.TestServer.at;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LimitsTest {
    @Test
    void aBodyThatIsTooLargeIsRefused() {
        try (TestServer host = TestServer.start(ServerOptions.builder().bodyBytesMax(2000), TestServer.sharing())) {
            TestServer.Response response = host.chat(ask("x".repeat(2000)));
            assertEquals(413, response.status());
            assertEquals("body: expected at most 2000 bytes", response.error("message"));
            assertEquals(200, host.chat(ask("x".repeat(1000), "max_tokens", 1)).status());
        }
    }

    @Test
    void aBodyOfUnknownLengthIsBoundedToo() throws IOException {
        try (TestServer host = TestServer.start(ServerOptions.builder().bodyBytesMax(2000), TestServer.sharing());
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
            StringBuilder request = new StringBuilder(
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 30; i++) {
                request.append("64\r\n").append(" ".repeat(100)).append("\r\n");
            }
            request.append("0\r\n\r\n");
            socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.US_ASCII));
            assertTrue(head(socket).startsWith("HTTP/1.1 413 "));
        }
    }

    @Test
    void aBodyThatNobodyReadsIsBoundedToo() throws IOException {
        try (TestServer host = TestServer.start(ServerOptions.builder().apiKeys(List.of("key")), TestServer.sharing());
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
            String request = "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            String head = head(socket);
            assertTrue(head.startsWith("HTTP/1.1 413 "), head);
        }
    }

    @Test
    void headersThatAreTooLongAreRefused() throws IOException {
        try (TestServer host = TestServer.start();
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
            String request = "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + "x".repeat(20_000) + "\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            String head = head(socket);
            assertTrue(head.matches("HTTP/1.1 4\\d\\d (?s).*"), head);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /hea",
                "GET /health HTTP/1.1\r\nHost: loc",
                "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
            })
    void aRequestThatNeverEndsIsCutOff(String beginning) throws IOException {
        try (TestServer host = TestServer.start(
                        ServerOptions.builder().clientTimeMax(Duration.ofMillis(50)), TestServer.sharing());
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
            socket.getOutputStream().write(beginning.getBytes(StandardCharsets.US_ASCII));
            socket.setSoTimeout(30_000);
            byte[] told = readAll(socket);
            assertEquals("", new String(told, StandardCharsets.UTF_8));
        }
    }

    private static byte[] readAll(Socket socket) throws IOException {
        try {
            return socket.getInputStream().readAllBytes();
        } catch (SocketException reset) {
            return new byte[0];
        }
    }

    @Test
    void aClientThatTakesNothingIsCutOff() throws IOException, InterruptedException {
        try (TestServer host = TestServer.start(
                        ServerOptions.builder().clientTimeMax(Duration.ofMillis(200)),
                        TestServer.sharing().withSlots(1));
                Socket socket = host.open(
                        "/v1/chat/completions",
                        ask(
                                "Hello",
                                "stream",
                                true,
                                "logit_bias",
                                TestServer.NO_END,
                                "logprobs",
                                true,
                                "top_logprobs",
                                20))) {
            // Megabytes of log-probabilities fill what the system buffers.
            TestServer.await("it is cut off", () -> host.metric("client_disconnects_total") == 1);
            TestServer.await("the slot is free", () -> host.metric("slots_busy") == 0);
            assertTrue(socket.isConnected());
        }
    }

    @Test
    void aFullQueueSaysWhenToComeAgain() throws IOException, InterruptedException {
        try (TestServer host = TestServer.start(
                ServerOptions.builder(), TestServer.sharing().withSlots(1).withQueueMax(1))) {
            try (Socket running = host.open("/v1/chat/completions", askAtLength(true))) {
                // Else the one that waits might be this one.
                TestServer.await("one runs", () -> host.metric("slots_busy") == 1);
                try (Socket waiting = host.open("/v1/chat/completions", askAtLength(true))) {
                    TestServer.await("another waits", () -> host.metric("queue_length") == 1);
                    TestServer.Response response = host.chat(ask("Hi"));
                    assertEquals(429, response.status());
                    assertEquals("queue_full", response.error("code"));
                    int seconds = Integer.parseInt(response.header("retry-after"));
                    assertTrue(seconds >= 1 && seconds <= 60, "seconds: " + seconds);
                    assertTrue(running.isConnected() && waiting.isConnected());
                }
            }
            TestServer.await("both are gone", () -> host.metric("slots_busy") + host.metric("queue_length") == 0);
            assertEquals(200, host.chat(ask("Hi", "max_tokens", 1)).status());
        }
    }

    @Test
    void moreTokensThanTheServerAllowsAreRefused() {
        try (TestServer host = TestServer.start(ServerOptions.builder().maxTokens(5), TestServer.sharing())) {
            TestServer.Response response = host.chat(ask("Hi", "max_completion_tokens", 6));
            assertEquals(400, response.status());
            assertEquals("max_completion_tokens: expected at most the server's 5, got 6", response.error("message"));
            Map<String, Object> answer =
                    host.chat(ask("Hi", "logit_bias", TestServer.NO_END)).ok();
            assertEquals(5, at(answer, "usage", "completion_tokens"));
        }
    }

    @Test
    void anAnswerThatTakesTooLongEndsAsItIs() {
        try (TestServer host =
                TestServer.start(ServerOptions.builder().timeMax(Duration.ofMillis(300)), TestServer.sharing())) {
            Map<String, Object> answer = host.chat(askAtLength(false)).ok();
            assertEquals("length", at(answer, "choices", 0, "finish_reason"));
            assertTrue((Integer) at(answer, "usage", "total_tokens") < TestServer.CONTEXT, answer.toString());
        }
    }

    @Test
    void theLogHasNothingOfWhatIsSaid() {
        List<String> log = Collections.synchronizedList(new ArrayList<>());
        try (TestServer host = TestServer.start(ServerOptions.builder().log(log::add), TestServer.sharing())) {
            host.chat(ask("Secret", "max_tokens", 3)).ok();
            host.chat("{\"Secret\": true}");
            host.get("/Secret?Secret=1");
        }
        assertEquals(3, log.size());
        assertTrue(log.getFirst().matches("POST /v1/chat/completions 200 in [\\d.]+ s"), log.toString());
        assertTrue(log.stream().noneMatch(line -> line.contains("Secret")), log.toString());
    }

    private static String head(Socket socket) throws IOException {
        byte[] buffer = new byte[4096];
        int count = socket.getInputStream().read(buffer);
        return new String(buffer, 0, Math.max(0, count), StandardCharsets.UTF_8);
    }
}
