package io.github.medpsy4j.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessTest {
    private static TestServer withKeys() {
        return TestServer.start(ServerOptions.builder().apiKeys(List.of("first", "second")), TestServer.sharing());
    }

    private static TestServer.Response get(TestServer host, String path, String header, String value) {
        return TestServer.send(host.request(path).header(header, value).build());
    }

    @Test
    void withKeysARequestBringsOneOfThem() {
        try (TestServer host = withKeys()) {
            for (String path : List.of("/v1/models", "/metrics", "/no/such/path")) {
                TestServer.Response refused = host.get(path);
                assertEquals(401, refused.status(), path);
                assertEquals("invalid_api_key", refused.error("code"));
                assertEquals("Bearer", refused.header("www-authenticate"));
            }
            assertEquals(401, host.chat(TestServer.ask("Hi")).status());
            for (String wrong : List.of("Bearer firs", "Bearer firstfirst", "Bearer ", "first", "Basic first", "")) {
                assertEquals(
                        401, get(host, "/v1/models", "Authorization", wrong).status(), wrong);
            }
            for (String right : List.of("Bearer first", "bearer second")) {
                assertEquals(
                        200, get(host, "/v1/models", "Authorization", right).status(), right);
            }
            assertEquals(200, host.get("/health").status());
            assertEquals(200, host.get("/").status());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "::", "192.0.2.1"})
    void beyondTheLoopbackAKeyIsNeeded(String address) {
        ServerOptions options = ServerOptions.builder().host(address).port(0).build();
        IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class, () -> Server.start(options));
        assertEquals(
                "host: " + address + " is reached from other machines, so an API key is needed", refusal.getMessage());
    }

    @Test
    void beyondTheLoopbackItListensWithAKeyOrIfToldTo() throws IOException {
        for (ServerOptions.Builder options : List.of(
                ServerOptions.builder().apiKeys(List.of("key")),
                ServerOptions.builder().isOpen(true))) {
            try (Server server = Server.start(options.host("0.0.0.0").port(0).build())) {
                assertTrue(server.port() > 0);
            }
        }
    }

    @Test
    void anAddressInUseIsAFailure() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            ServerOptions options =
                    ServerOptions.builder().port(taken.getLocalPort()).build();
            IOException failure = assertThrows(IOException.class, () -> Server.start(options));
            assertTrue(
                    failure.getMessage().startsWith("cannot listen at 127.0.0.1:" + taken.getLocalPort() + ": "),
                    failure.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "localhost, 200",
        "LOCALHOST:8080, 200",
        "127.0.0.1, 200",
        "[::1]:8080, 200",
        "desk.example, 200",
        "evil.example, 403",
        "localhost.evil.example, 403",
        "127.0.0.1.evil.example, 403",
    })
    void withoutAKeyOnlyKnownHostsAreAnswered(String name, int status) throws IOException {
        try (TestServer host =
                TestServer.start(ServerOptions.builder().hostNames(Set.of("Desk.example")), TestServer.sharing())) {
            assertEquals(status, raw(host, "GET /health HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n"));
        }
    }

    @Test
    void pagesOfOtherOriginsAreNotAnswered() throws IOException {
        try (TestServer host = TestServer.start()) {
            String own = "127.0.0.1:" + host.server.port();
            String head = "GET /health HTTP/1.1\r\nConnection: close\r\nHost: " + own + "\r\nOrigin: ";
            assertEquals(200, raw(host, head + "http://" + own + "\r\n\r\n"));
            for (String other : List.of("http://evil.example", "null", "http://127.0.0.1:1", "https://" + own + ".x")) {
                assertEquals(403, raw(host, head + other + "\r\n\r\n"), other);
            }
        }
    }

    @Test
    void pagesOfAllowedOriginsAre() throws IOException {
        String page = "https://App.example";
        ServerOptions.Builder options =
                ServerOptions.builder().apiKeys(List.of("key")).allowedOrigins(Set.of(page, "http://localhost:3000"));
        try (TestServer host = TestServer.start(options, TestServer.sharing())) {
            String name = "\r\nConnection: close\r\nHost: 127.0.0.1:" + host.server.port() + "\r\nOrigin: ";
            String head = "OPTIONS /v1/chat/completions HTTP/1.1" + name + page
                    + "\r\nAccess-Control-Request-Headers: authorization, content-type";
            String asked = answer(host, head + "\r\nAccess-Control-Request-Method: POST\r\n\r\n");
            assertTrue(asked.startsWith("HTTP/1.1 204 "), asked);
            for (String header : List.of(
                    "access-control-allow-origin: https://app.example",
                    "access-control-allow-methods: get, post",
                    "access-control-allow-headers: authorization, content-type",
                    "vary: origin")) {
                assertTrue(asked.toLowerCase(Locale.ROOT).contains("\r\n" + header + "\r\n"), asked);
            }
            assertEquals(401, raw(host, head + "\r\n\r\n")); // no preflight: an OPTIONS like any other
            String get = "GET /v1/models HTTP/1.1" + name + page;
            String refused = answer(host, get + "\r\n\r\n");
            assertTrue(refused.startsWith("HTTP/1.1 401 "), refused);
            assertTrue(refused.contains("Access-Control-Allow-Origin: " + page + "\r\n"), refused);
            String models = answer(host, get + "\r\nAuthorization: Bearer key\r\n\r\n");
            assertTrue(models.startsWith("HTTP/1.1 200 "), models);
            assertTrue(models.contains("Access-Control-Allow-Origin: " + page + "\r\n"), models);
            String other = answer(host, "GET /health HTTP/1.1" + name + "https://app.example.evil\r\n\r\n");
            assertTrue(other.startsWith("HTTP/1.1 403 "), other);
            assertFalse(other.contains("Access-Control"), other);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", "app.example", "https://app.example/", "https://*.example", "null"})
    void whatIsNoOriginIsRefused(String origin) {
        ServerOptions.Builder options = ServerOptions.builder().allowedOrigins(Set.of(origin));
        IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class, options::build);
        assertEquals(
                "allow-origin: expected one as https://app.example or http://localhost:3000, got " + origin,
                refusal.getMessage());
    }

    private static int raw(TestServer host, String request) throws IOException {
        String answer = answer(host, request);
        assertTrue(answer.startsWith("HTTP/1.1 "), answer);
        return Integer.parseInt(answer.substring(9, 12));
    }

    private static String answer(TestServer host, String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
