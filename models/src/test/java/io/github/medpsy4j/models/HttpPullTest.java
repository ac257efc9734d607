package io.github.medpsy4j.models;

import static io.github.medpsy4j.models.LyingServer.head;
import static io.github.medpsy4j.models.LyingServer.honest;
import static io.github.medpsy4j.models.LyingServer.status;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
final class HttpPullTest {
    private static final int SIZE = 300_000;
    private static final String FILE_PATH = "/owner/repo/resolve/c0ffee/remote-q8_0.gguf";

    @TempDir
    Path home;

    private Fixture fixture;
    private byte[] content;
    private LyingServer server;
    private Timing timing = Fixture.PATIENT;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void serveHonestly() throws IOException {
        fixture = new Fixture(home, SIZE);
        content = fixture.content;
        server = new LyingServer(honest(content));
        environment.put("HF_ENDPOINT", server.url());
    }

    @AfterEach
    void stopServing() throws IOException {
        server.close();
    }

    private Path pull() throws IOException {
        return fixture.puller(environment, timing).pull(fixture.remote, fixture.events);
    }

    private <E extends IOException> String refusal(Class<E> type) {
        String message = assertThrows(type, this::pull).getMessage();
        assertFalse(Files.exists(fixture.store.pathOf(fixture.remote)), "nothing under the final name");
        return message;
    }

    private Path part() {
        return PartFile.partOf(fixture.store.pathOf(fixture.remote));
    }

    private void leavePart(int bytes, String... notes) throws IOException {
        Files.createDirectories(fixture.store.folder());
        Files.write(part(), Arrays.copyOf(content, bytes));
        Files.write(PartFile.notesOf(fixture.store.pathOf(fixture.remote)), List.of(notes));
    }

    private void assertWhole() throws IOException {
        assertArrayEquals(content, Files.readAllBytes(fixture.store.pathOf(fixture.remote)));
        try (Stream<Path> files = Files.list(fixture.store.folder())) {
            assertEquals(List.of(fixture.store.pathOf(fixture.remote)), files.toList(), "nothing beside the file");
        }
    }

    // Going on.

    @Test
    void pullsAFileAndTellsOfIt() throws IOException {
        assertEquals(fixture.store.pathOf(fixture.remote), pull());
        assertWhole();
        assertEquals(
                "GET " + FILE_PATH + " HTTP/1.1", server.requests.getFirst().line());
        assertNull(server.requests.getFirst().headers().get("range"));
        assertEquals(
                List.of("started remote:q8_0 from Hugging Face", "finished remote-q8_0.gguf"), fixture.events.lines);
        assertEquals(SIZE, fixture.events.progress.getLast());
        assertEquals(0, fixture.events.resumedFromBytes);
    }

    @Test
    void leavesAnInstalledFileAlone() throws IOException {
        pull();
        pull();
        assertEquals(1, server.requests.size());
    }

    @Test
    void goesOnWhereAConnectionBroke() throws IOException {
        server.nowDo((request, out) -> {
            if (request.number() == 0) {
                head(out, "200 OK", "Content-Length: " + SIZE, "ETag: \"v1\"");
                out.write(content, 0, 100_000);
            } else {
                honest(content).answer(request, out);
            }
        });
        pull();
        assertWhole();
        // How many of the last bytes before a break the JDK's client hands on is its own affair.
        int from = server.requests.get(1).rangeStart();
        assertTrue(0 < from && from <= 100_000, "bytes from " + from);
        assertEquals("\"v1\"", server.requests.get(1).headers().get("if-range"));
        assertTrue(fixture.events.lines.get(1).startsWith("retrying 2/3: " + server.url() + FILE_PATH + ": "));
        assertTrue(
                fixture.events.lines.get(1).endsWith(" at byte " + from + " of 300000"), fixture.events.lines.get(1));
    }

    @Test
    void goesOnInTheNextPullWhereTheLastWasGivenUp() throws IOException {
        server.nowDo((request, out) -> {
            int start = request.rangeStart();
            head(
                    out,
                    start == 0 ? "200 OK" : "206 Partial Content",
                    "Content-Length: " + (SIZE - start),
                    "Content-Range: bytes " + start + "-" + (SIZE - 1) + "/" + SIZE,
                    "ETag: \"v1\"");
            out.write(content, start, 1000);
        });
        String message = refusal(TransferInterruptedException.class);
        long kept = Files.size(part());
        assertTrue(0 < kept && kept <= 3000, "kept " + kept);
        assertTrue(
                message.endsWith("given up after 3 attempts with " + kept
                        + " of 300000 bytes, which are kept: pull again to go on"),
                message);

        server.nowDo(honest(content));
        pull();
        assertWhole();
        assertEquals("bytes=" + kept + "-", server.requests.getLast().headers().get("range"));
        assertEquals("\"v1\"", server.requests.getLast().headers().get("if-range"));
        assertEquals(kept, fixture.events.resumedFromBytes);
        assertEquals(kept, fixture.events.verifiedBytes);
    }

    @Test
    void aLineThatBreaksOftenIsNotGivenUpWhileItBringsMuch() throws IOException {
        int size = 6 << 20;
        fixture = new Fixture(home, size);
        byte[] big = fixture.content;
        server.nowDo((request, out) -> {
            int start = request.rangeStart();
            head(
                    out,
                    start == 0 ? "200 OK" : "206 Partial Content",
                    "Content-Length: " + (size - start),
                    "Content-Range: bytes " + start + "-" + (size - 1) + "/" + size);
            out.write(big, start, Math.min(size - start, 1_200_000));
        });
        pull();
        assertArrayEquals(big, Files.readAllBytes(fixture.store.pathOf(fixture.remote)));
        assertTrue(server.requests.size() > 3, "more breaks than attempts");
    }

    @Test
    void startsOverWhereTheServerIgnoresTheRange() throws IOException {
        leavePart(50_000, "etag \"v1\"");
        server.nowDo((request, out) -> {
            head(out, "200 OK", "Content-Length: " + SIZE);
            out.write(content);
        });
        pull();
        assertWhole();
        assertEquals("bytes=50000-", server.requests.getFirst().headers().get("range"));
        assertEquals(1, server.requests.size());
    }

    @Test
    void startsOverWhereTheRangeCannotBeSatisfied() throws IOException {
        leavePart(50_000);
        server.nowDo((request, out) ->
                (request.number() == 0 ? status("416 Range Not Satisfiable") : honest(content)).answer(request, out));
        pull();
        assertWhole();
        assertNull(server.requests.get(1).headers().get("range"));
    }

    @Test
    void sendsNoWeakEntityTagBack() throws IOException {
        leavePart(50_000, "etag W/\"v1\"");
        pull();
        assertWhole();
        assertNull(server.requests.getFirst().headers().get("if-range"));
    }

    @Test
    void aFullPartNeedsNoServer() throws IOException {
        leavePart(SIZE);
        pull();
        assertWhole();
        assertEquals(List.of(), server.requests);
    }

    @Test
    void aPartLongerThanTheFileIsThrownAway() throws IOException {
        leavePart(SIZE + 5);
        pull();
        assertWhole();
        assertNull(server.requests.getFirst().headers().get("range"));
    }

    @Test
    void goesOnAfterAStall() throws IOException {
        timing = Fixture.IMPATIENT;
        server.nowDo((request, out) -> {
            if (request.number() == 0) {
                head(out, "200 OK", "Content-Length: " + SIZE);
                out.write(content, 0, 1234);
                out.flush();
                Thread.sleep(20_000);
            } else {
                honest(content).answer(request, out);
            }
        });
        pull();
        assertWhole();
        assertTrue(fixture.events.lines.get(1).endsWith("brought nothing for 0.600 s at byte 1234 of 300000"));
        assertEquals("bytes=1234-", server.requests.get(1).headers().get("range"));
    }

    // Lies.

    @Test
    void refusesWrongBytesAndDeletesThem() throws IOException {
        byte[] wrong = content.clone();
        wrong[SIZE / 2] ^= 1;
        server.nowDo(honest(wrong));
        String message = refusal(WrongContentException.class);
        assertTrue(
                message.startsWith(part() + ": wrong sha256; expected " + fixture.remote.sha256() + ", got "), message);
        assertTrue(message.endsWith("; the file was deleted, pull again to start anew"), message);
        assertFalse(Files.exists(part()));

        server.nowDo(honest(content));
        pull();
        assertWhole();
    }

    @Test
    void refusesAPartWithWrongBytesAfterGoingOn() throws IOException {
        leavePart(1000);
        Files.write(part(), new byte[1000]);
        refusal(WrongContentException.class);
        assertFalse(Files.exists(part()));
    }

    @ParameterizedTest
    @ValueSource(ints = {10, SIZE - 1, SIZE + 1})
    void refusesAnAnnouncedLengthOtherThanTheFiles(int announced) {
        server.nowDo((request, out) -> {
            head(out, "200 OK", "Content-Length: " + announced);
            out.write(content, 0, 10);
        });
        assertEquals(
                "remote:q8_0: Hugging Face: " + server.url() + FILE_PATH + ": wrong length; expected 300000 bytes, "
                        + "announced " + announced,
                refusal(SourceUnavailableException.class));
        assertFalse(Files.exists(part()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bytes 0-299999/300000",
                "bytes 50000-300000/300000",
                "bytes 50000-299999/300001",
                "bytes 99999999999999999999-1/2",
                "nonsense"
            })
    void refusesAWrongContentRange(String range) throws IOException {
        leavePart(50_000);
        server.nowDo((request, out) -> {
            head(out, "206 Partial Content", "Content-Length: 250000", "Content-Range: " + range);
            out.write(content, 50_000, 250_000);
        });
        assertEquals(
                "remote:q8_0: Hugging Face: " + server.url() + FILE_PATH + ": wrong Content-Range; expected bytes "
                        + "50000-299999/300000, got " + range,
                refusal(SourceUnavailableException.class));
        assertEquals(50_000, Files.size(part()), "what was there stays");
    }

    @Test
    void cutsAnEndlessBodyOffAtTheFilesSize() throws Exception {
        CountDownLatch hungUp = new CountDownLatch(1);
        server.nowDo((request, out) -> {
            head(out, "200 OK");
            out.write(content);
            byte[] more = new byte[1 << 16];
            try {
                while (true) {
                    out.write(more);
                }
            } finally {
                hungUp.countDown();
            }
        });
        pull();
        assertWhole();
        assertTrue(hungUp.await(10, TimeUnit.SECONDS), "the connection was closed");
    }

    // Refusals.

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "401 Unauthorized| |HTTP 401, access refused; if the file needs a token, set HF_TOKEN",
                "403 Forbidden| |HTTP 403, access refused; if the file needs a token, set HF_TOKEN",
                "403 Forbidden|hf_x|HTTP 403, access refused with the token in HF_TOKEN",
                "404 Not Found| |HTTP 404, not found; does the host in HF_ENDPOINT have owner/repo?",
                "416 No| |HTTP 416, unexpected",
                "302 Found| |HTTP 302, unexpected",
                "500 Oops| |HTTP 500, the server has a fault",
                "429 Too Many| |HTTP 429, too many requests"
            })
    void saysWhatAStatusMeans(String status, String token, String expected) {
        server.nowDo(status(status, "Content-Length: 0"));
        if (token != null) {
            environment.put("HF_TOKEN", token);
        }
        assertEquals(
                "remote:q8_0: Hugging Face: " + server.url() + FILE_PATH + ": " + expected,
                refusal(SourceUnavailableException.class));
        boolean mayPass = status.startsWith("5") || status.startsWith("429");
        assertEquals(mayPass ? 3 : 1, server.requests.size(), "attempts");
        assertFalse(Files.exists(part()), "no empty part is left");
    }

    @Test
    void triesAgainAfterAPassingFault() throws IOException {
        server.nowDo((request, out) ->
                (request.number() == 0 ? status("503 Busy", "Retry-After: 0") : honest(content)).answer(request, out));
        pull();
        assertWhole();
    }

    @Test
    void aRefusedConnectionIsDecidedAtOnce() throws IOException {
        server.close();
        long start = System.nanoTime();
        assertEquals(
                "remote:q8_0: Hugging Face: " + server.url() + FILE_PATH + ": connection refused",
                refusal(SourceUnavailableException.class));
        assertTrue(System.nanoTime() - start < 5_000_000_000L);
        assertEquals(
                List.of("failed Hugging Face: " + server.url() + FILE_PATH + ": connection refused"),
                fixture.events.lines.subList(1, fixture.events.lines.size()));
    }

    @Test
    void aHostThatAcceptsAndIsSilentIsDecidedInTheTimeForAnAnswer() throws IOException {
        timing = Fixture.IMPATIENT;
        server.nowDo((request, out) -> Thread.sleep(20_000));
        assertEquals(
                "remote:q8_0: Hugging Face: " + server.url() + FILE_PATH + ": no answer within 0.700 s",
                refusal(SourceUnavailableException.class));
        assertEquals(1, server.requests.size());
    }

    @Test
    void namesTheReasonOfAFailedConnection() {
        Throwable unresolved = new ConnectException().initCause(new UnresolvedAddressException());
        assertEquals("the host's name is not known", Hub.reason(unresolved));
        assertEquals("no connection in time", Hub.reason(new HttpConnectTimeoutException("x")));
        assertEquals("connection refused", Hub.reason(new ConnectException()));
        assertEquals("no connection: No route to host", Hub.reason(new ConnectException("No route to host")));
        assertEquals("Tunnel failed, got: 403", Hub.reason(new IOException("Tunnel failed, got: 403")));
        assertEquals("EOFException", Hub.reason(new EOFException()));
    }

    @Test
    void theOrdinaryPatienceWithAnAbsentHostIsSeconds() {
        assertTrue(Timing.DEFAULT.answer().compareTo(Duration.ofSeconds(5)) <= 0);
    }

    @Test
    void refusesAnEndpointThatIsNoAddress() {
        for (String endpoint : List.of("ftp://host", "host", "http://a b", "http://user:pw@host", "http://")) {
            environment.put("HF_ENDPOINT", endpoint);
            assertEquals(
                    "remote:q8_0: Hugging Face: HF_ENDPOINT: not an http or https address",
                    refusal(SourceUnavailableException.class));
        }
    }

    @Test
    void refusesNotEnoughSpaceBeforeAnyRequest() throws IOException {
        leavePart(100_000);
        Puller puller = new Puller(fixture.store, environment, Fixture.PATIENT, folder -> 199_999);
        NotEnoughSpaceException e =
                assertThrows(NotEnoughSpaceException.class, () -> puller.pull(fixture.remote, fixture.events));
        assertEquals(
                fixture.store.folder() + ": not enough space for remote:q8_0; needs 200000 bytes (200 kB), available "
                        + "199999 (199 kB)",
                e.getMessage());
        assertEquals(200_000, e.neededBytes());
        assertEquals(199_999, e.availableBytes());
        assertEquals(List.of(), server.requests);
    }

    // The token and where it goes.

    @Test
    void sendsTheTokenToTheEndpointButNotWhereItRedirects() throws IOException {
        environment.put("HF_TOKEN", " hf_secret\n");
        try (LyingServer other = new LyingServer(honest(content))) {
            server.nowDo(status("302 Found", "Location: " + other.url() + "/blob?signature=s", "Content-Length: 0"));
            leavePart(1000);
            pull();
            assertWhole();
            assertEquals(
                    "Bearer hf_secret", server.requests.getFirst().headers().get("authorization"));
            assertNull(other.requests.getFirst().headers().get("authorization"));
            assertEquals(
                    "GET /blob?signature=s HTTP/1.1", other.requests.getFirst().line());
            assertEquals("bytes=1000-", other.requests.getFirst().headers().get("range"));
        }
    }

    @Test
    void keepsTheTokenOnARelativeRedirect() throws IOException {
        environment.put("HF_TOKEN", "hf_secret");
        server.nowDo((request, out) -> (request.number() == 0
                        ? status("307 Temporary Redirect", "Location: /elsewhere", "Content-Length: 0")
                        : honest(content))
                .answer(request, out));
        pull();
        assertWhole();
        assertEquals("Bearer hf_secret", server.requests.get(1).headers().get("authorization"));
    }

    @Test
    void messagesHoldNoQuery() throws IOException {
        try (LyingServer other = new LyingServer(status("403 No", "Content-Length: 0"))) {
            server.nowDo(status("302 Found", "Location: " + other.url() + "/blob?signature=s", "Content-Length: 0"));
            assertTrue(refusal(SourceUnavailableException.class).contains(other.url() + "/blob: HTTP 403"));
        }
    }

    @Test
    void refusesATokenThatWouldBreakTheHeaderWithoutShowingIt() {
        environment.put("HF_TOKEN", "hf_se\r\ncret");
        assertEquals(
                "remote:q8_0: Hugging Face: HF_TOKEN: holds a character that no token has",
                refusal(SourceUnavailableException.class));
    }

    @Test
    void endsARingOfRedirects() {
        server.nowDo(status("302 Found", "Location: /round", "Content-Length: 0"));
        assertTrue(refusal(SourceUnavailableException.class).endsWith(": more than 10 redirects"));
        assertEquals(11, server.requests.size());
    }

    @Test
    void refusesRedirectsToOtherThanTheWeb() {
        URI from = URI.create("https://host/a");
        for (String[] each : new String[][] {
            {"http://host/a", "https://host/a: redirects from https to http; refused"},
            {"file:///etc/passwd", "https://host/a: redirects to what is no http or https address"},
            {"https://user@host/a", "https://host/a: redirects to what is no http or https address"},
            {"http:// host", "https://host/a: redirects to what is no address"},
        }) {
            assertEquals(
                    each[1],
                    assertThrows(SourceUnavailableException.class, () -> Hub.redirected(from, each[0]))
                            .getMessage());
        }
    }

    // Proxies.

    @Test
    void goesThroughTheProxyOfTheEnvironment() throws IOException {
        environment.put("HF_ENDPOINT", "http://models.invalid");
        environment.put("http_proxy", server.url().replace("http://", "http://user:word@"));
        pull();
        assertWhole();
        assertEquals(
                "GET http://models.invalid" + FILE_PATH + " HTTP/1.1",
                server.requests.getFirst().line());
        assertEquals("Basic dXNlcjp3b3Jk", server.requests.getFirst().headers().get("proxy-authorization"));
    }

    @Test
    void goesAroundTheProxyWhereTheEnvironmentSaysSo() throws IOException {
        environment.put("HTTP_PROXY", "http://127.0.0.1:1");
        environment.put("NO_PROXY", "example.org, 127.0.0.1");
        pull();
        assertWhole();
    }

    @Test
    void saysWhichProxyItCannotUse() {
        environment.put("HTTP_PROXY", "socks5://u:secret@127.0.0.1:1");
        assertEquals(
                "remote:q8_0: Hugging Face: http_proxy: not an http:// proxy; other kinds are not supported",
                refusal(SourceUnavailableException.class));
    }

    // Company.

    @Test
    void aSecondPullOfTheSameFileIsRefusedWhileTheFirstRuns() throws Exception {
        CountDownLatch halfway = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        server.nowDo((request, out) -> {
            head(out, "200 OK", "Content-Length: " + SIZE);
            out.write(content, 0, 1000);
            out.flush();
            halfway.countDown();
            goOn.await();
            out.write(content, 1000, SIZE - 1000);
        });
        Fixture patient = new Fixture(home, SIZE);
        Timing slow = new Timing(
                Duration.ofSeconds(5),
                Duration.ofSeconds(5),
                Duration.ofSeconds(20),
                1,
                Duration.ZERO,
                Duration.ofSeconds(1));
        Thread first = Thread.ofVirtual().start(() -> {
            try {
                new Puller(patient.store, environment, slow, Fixture.ROOM).pull(patient.remote, patient.events);
            } catch (IOException e) {
                patient.events.lines.add(e.toString());
            }
        });
        assertTrue(halfway.await(10, TimeUnit.SECONDS));
        String message = refusal(ModelBusyException.class);
        assertTrue(message.startsWith("remote:q8_0: being pulled or removed by another process; wait for it"), message);
        assertThrows(ModelBusyException.class, () -> fixture.store.remove("remote"));
        goOn.countDown();
        first.join();
        assertWhole();
        assertEquals("finished remote-q8_0.gguf", patient.events.lines.getLast());
    }

    @Test
    void anInterruptEndsThePullAndKeepsWhatCame() throws Exception {
        server.nowDo((request, out) -> {
            head(out, "200 OK", "Content-Length: " + SIZE);
            out.write(content, 0, 1000);
            out.flush();
            Thread.sleep(20_000);
        });
        Thread self = Thread.currentThread();
        PullListener interrupter = new PullListener() {
            @Override
            public void progress(long bytes, long totalBytes) {
                self.interrupt();
            }
        };
        assertThrows(
                InterruptedIOException.class, () -> fixture.puller(environment).pull(fixture.remote, interrupter));
        assertTrue(Thread.interrupted(), "the thread still knows");
        assertTrue(Files.size(part()) > 0);
    }

    @Test
    void anAbsentRouteIsNotWaitedForTwice() throws IOException {
        timing = Fixture.IMPATIENT;
        // Connections are completed by the system, and nobody ever reads or answers them.
        try (ServerSocket wall = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            environment.put("HF_ENDPOINT", "http://127.0.0.1:" + wall.getLocalPort());
            long start = System.nanoTime();
            refusal(SourceUnavailableException.class);
            assertTrue(System.nanoTime() - start < 10_000_000_000L);
        }
    }
}
