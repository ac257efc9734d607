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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Pulls from two servers that behave as the hub does: one redirects a file's address to the other with
 * {@code X-Linked-Etag}, {@code X-Linked-Size} and {@code X-Repo-Commit}, and lists repositories; the other has the bytes.
 */
@Timeout(120)
final class HubPullTest {
    private static final int SIZE = 200_000;
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    Path home;

    private Fixture fixture;
    private String sha256;
    private LyingServer hub;
    private LyingServer bytes;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void serve() throws IOException {
        fixture = new Fixture(home, SIZE);
        sha256 = HexFormat.of().formatHex(PartFile.sha256().digest(fixture.content));
        bytes = new LyingServer(honest(fixture.content));
        hub = new LyingServer(likeTheHub());
        environment.put("HF_ENDPOINT", hub.url());
        environment.put("HF_TOKEN", "hf_secret");
        environment.put("HOME", home.resolve("user").toString());
        environment.put("OLLAMA_MODELS", home.resolve("ollama").toString());
    }

    @AfterEach
    void stop() throws IOException {
        hub.close();
        bytes.close();
    }

    private LyingServer.Script likeTheHub() {
        String listing = """
                {"id":"o/r","sha":"%s","gated":false,"siblings":[
                {"rfilename":"README.md","size":10,"blobId":"b"},
                {"rfilename":"m-Q8_0.gguf","size":%d,"lfs":{"sha256":"%s","size":%d,"pointerSize":134}},
                {"rfilename":"m-Q4_K_M.gguf","size":%d,"lfs":{"sha256":"%s","size":%d,"pointerSize":134}},
                {"rfilename":"big-Q6_K-00001-of-00002.gguf","size":5,"lfs":{"sha256":"%s","size":5}}]}
                """.formatted(COMMIT, SIZE, sha256, SIZE, SIZE, sha256, SIZE, sha256);
        return (request, out) -> {
            String path = request.line().split(" ")[1];
            if (path.startsWith("/api/models/o/r/revision/")) {
                byte[] body = listing.getBytes(StandardCharsets.UTF_8);
                head(out, "200 OK", "Content-Type: application/json", "Content-Length: " + body.length);
                out.write(body);
            } else if (path.startsWith("/o/r/resolve/")) {
                head(
                        out,
                        "302 Found",
                        "Location: " + bytes.url() + "/cas/abc?X-Amz-Signature=s",
                        "X-Repo-Commit: " + COMMIT,
                        "X-Linked-Size: " + SIZE,
                        "X-Linked-Etag: \"" + sha256 + "\"",
                        "X-Xet-Hash: " + "0".repeat(64),
                        "Content-Length: 0");
            } else {
                head(out, "404 Not Found", "X-Error-Code: EntryNotFound", "Content-Length: 0");
            }
        };
    }

    private Obtainer obtainer(ObtainOptions options) {
        return new Obtainer(fixture.store, fixture.puller(environment), environment, options);
    }

    private Obtained obtain(String name) throws IOException {
        return obtainer(ObtainOptions.defaults()).obtain(name, fixture.events);
    }

    private String refusal(String name, Class<? extends Exception> type) {
        return assertThrows(type, () -> obtain(name)).getMessage();
    }

    @Test
    void pullsAFileByItsPathAndChecksTheHashOfTheHeaders() throws IOException {
        Obtained obtained = obtain("hf:o/r/m-Q4_K_M.gguf");
        assertEquals("hf:o/r/m-Q4_K_M.gguf", obtained.name());
        assertArrayEquals(fixture.content, Files.readAllBytes(obtained.path()));
        assertEquals(
                "HEAD /o/r/resolve/main/m-Q4_K_M.gguf HTTP/1.1",
                hub.requests.getFirst().line());
        assertEquals(
                "GET /o/r/resolve/" + COMMIT + "/m-Q4_K_M.gguf HTTP/1.1",
                hub.requests.getLast().line());
        assertEquals(2, hub.requests.size());
        assertTrue(fixture.events.lines.getFirst().startsWith("started hf:o/r/m-Q4_K_M.gguf from Hugging Face"));
    }

    @Test
    void theTokenGoesToTheHubAndNowhereElse() throws IOException {
        obtain("hf:o/r/m-Q4_K_M.gguf");
        assertTrue(hub.requests.stream()
                .allMatch(r -> "Bearer hf_secret".equals(r.headers().get("authorization"))));
        assertFalse(bytes.requests.isEmpty());
        assertTrue(bytes.requests.stream().noneMatch(r -> r.headers().containsKey("authorization")));
    }

    @Test
    void aListingThatIsRedirectedToAnotherHostIsAskedForWithoutTheToken() throws IOException {
        LyingServer.Script listing = likeTheHub();
        hub.nowDo(status("307 Temporary Redirect", "Location: " + bytes.url() + "/api/models/o/r/revision/main"));
        bytes.nowDo(listing);
        refusal("hf:o/r:q2_k", UnknownModelException.class);
        assertNull(bytes.requests.getFirst().headers().get("authorization"));
    }

    @Test
    void findsItAgainWithoutAskingAndByEachOfItsNames() throws IOException {
        Obtained first = obtain("hf:o/r:Q4_K_M");
        int asked = hub.requests.size();
        for (String name : List.of("hf:o/r", "hf:o/r:q4_k_m", "hf:o/r/m-Q4_K_M.gguf", "hf.co/o/r:Q4_K_M")) {
            assertEquals(first.path(), obtain(name).path());
        }
        assertEquals(asked, hub.requests.size());
        assertEquals(
                "hf:o/r/m-Q4_K_M.gguf", fixture.store.installed().getFirst().name());
        assertTrue(fixture.store.installed().getFirst().isComplete());
        obtain("hf:o/r@v1:Q4_K_M");
        assertTrue(hub.requests.get(asked).line().contains("/revision/v1?"), "another revision is another file");
    }

    @Test
    void takesTheUsualFileOrWhatTheChooserChooses() throws IOException {
        assertEquals("hf:o/r/m-Q4_K_M.gguf", obtain("hf:o/r").name());
        fixture.store.remove(fixture.store.owned("hf:o/r", environment));
        assertEquals(List.of(), fixture.store.installed());
        ObtainOptions other = ObtainOptions.defaults().withChooser((name, files, usual) -> {
            assertEquals(
                    List.of("m-Q8_0.gguf", "m-Q4_K_M.gguf"),
                    files.stream().map(HubFile::path).toList());
            return files.getFirst();
        });
        assertEquals(
                "hf:o/r/m-Q8_0.gguf",
                obtainer(other).obtain("hf:o/r", fixture.events).name());
    }

    @Test
    void anUnknownQuantizationNamesTheFilesThatAreThere() {
        assertEquals(
                "hf:o/r:q2_k: no such GGUF file; there are m-Q8_0.gguf, m-Q4_K_M.gguf (and models in several parts, "
                        + "which cannot be pulled)",
                refusal("hf:o/r:Q2_K", UnknownModelException.class));
    }

    @Test
    void wrongBytesAreRefusedAndDeleted() throws IOException {
        byte[] wrong = fixture.content.clone();
        wrong[7]++;
        bytes.nowDo(honest(wrong));
        assertTrue(refusal("hf:o/r:Q8_0", WrongContentException.class).contains(": wrong sha256; expected " + sha256));
        assertEquals(List.of(), fixture.store.installed());
    }

    @Test
    void goesOnWithAPartAndForgetsThatOfAnotherVersion() throws IOException {
        bytes.nowDo((request, out) -> {
            head(out, "200 OK", "Content-Length: " + SIZE);
            out.write(fixture.content, 0, 100_000);
        });
        refusal("hf:o/r:Q8_0", TransferInterruptedException.class);
        Path part = PartFile.partOf(fixture.store.folder().resolve("hf--o--r--m-Q8_0.gguf"));
        long kept = Files.size(part);
        assertTrue(kept > 0);
        InstalledModel unfinished = fixture.store.installed().getFirst();
        assertEquals("hf:o/r/m-Q8_0.gguf", unfinished.name());
        assertEquals(kept, unfinished.unfinishedBytes());

        bytes.nowDo(honest(fixture.content));
        obtain("hf:o/r:Q8_0");
        assertEquals("bytes=" + kept + "-", bytes.requests.getLast().headers().get("range"));
        fixture.store.remove(unfinished);

        // The same name now means other bytes: what came of the earlier ones is of no use.
        Files.write(part, Arrays.copyOf(fixture.content, 5000));
        Files.writeString(
                fixture.store.folder().resolve("hf--o--r--m-Q8_0.gguf.origin"),
                "name hf:o/r/m-Q8_0.gguf\ncommit x\nsize " + SIZE + "\nsha256 " + "a".repeat(64) + "\n");
        obtain("hf:o/r:Q8_0");
        assertNull(bytes.requests.getLast().headers().get("range"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "401 Unauthorized | GatedRepo | access refused: its terms must be accepted on the hub by the owner of "
                        + "the token in HF_TOKEN",
                "403 Forbidden | GatedRepo | access refused: its terms must be accepted on the hub by the owner of the "
                        + "token in HF_TOKEN",
                "401 Unauthorized | RepoNotFound | no repository o/r that the token in HF_TOKEN may see",
                "404 Not Found | RevisionNotFound | no such revision in o/r",
                "404 Not Found | EntryNotFound | no such file in o/r",
                "403 Forbidden | - | access refused with the token in HF_TOKEN",
                "404 Not Found | - | not found; does the host in HF_ENDPOINT have o/r?"
            })
    void saysWhatTheHubsRefusalsMean(String status, String code, String meaning) {
        hub.nowDo(status(status, "X-Error-Code: " + code, "Content-Length: 0"));
        assertEquals(
                hub.url() + "/o/r/resolve/main/m-Q8_0.gguf: HTTP " + status.substring(0, 3) + ", " + meaning,
                refusal("hf:o/r/m-Q8_0.gguf", SourceUnavailableException.class));
    }

    @Test
    void withoutATokenSaysThatOneIsNeeded() {
        environment.remove("HF_TOKEN");
        hub.nowDo(status("401 Unauthorized", "X-Error-Code: GatedRepo", "Content-Length: 0"));
        assertTrue(refusal("hf:o/r/m-Q8_0.gguf", SourceUnavailableException.class)
                .endsWith("access refused: its terms must be accepted on the hub, and HF_TOKEN set to a token"));
        hub.nowDo(status("401 Unauthorized", "X-Error-Code: RepoNotFound", "Content-Length: 0"));
        assertTrue(refusal("hf:o/r/m-Q8_0.gguf", SourceUnavailableException.class)
                .endsWith("no repository o/r; if it is private, set HF_TOKEN"));
    }

    @Test
    void waitsAsLongAsTheHubAsksAndGivesUpInTheEnd() throws IOException {
        LyingServer.Script later = likeTheHub();
        hub.nowDo((request, out) -> {
            if (request.number() == 0) {
                head(out, "429 Too Many Requests", "Retry-After: 1", "Content-Length: 0");
            } else {
                later.answer(request, out);
            }
        });
        long start = System.nanoTime();
        obtain("hf:o/r:Q8_0");
        assertTrue(System.nanoTime() - start >= 1_000_000_000L);
        assertTrue(fixture.events.lines.getFirst().endsWith(": HTTP 429, too many requests"));
        hub.nowDo(status("503 Service Unavailable", "Content-Length: 0"));
        assertTrue(
                refusal("hf:o/r2:Q8_0", SourceUnavailableException.class).endsWith("HTTP 503, the server has a fault"));
    }

    @Test
    void aMirrorWithoutTheHeadersIsAskedForItsListing() throws IOException {
        LyingServer.Script listing = likeTheHub();
        hub.nowDo((request, out) -> {
            if (request.line().startsWith("HEAD")) {
                head(out, "200 OK", "Content-Length: " + SIZE, "ETag: \"v1\"");
            } else if (request.line().contains("/api/")) {
                listing.answer(request, out);
            } else {
                honest(fixture.content).answer(request, out);
            }
        });
        assertEquals("hf:o/r/m-Q8_0.gguf", obtain("hf:o/r/m-Q8_0.gguf").name());
    }

    @Test
    void withoutAnyHashNothingIsPulled() {
        hub.nowDo((request, out) -> {
            byte[] body =
                    "{\"siblings\":[{\"rfilename\":\"m-Q8_0.gguf\",\"size\":5}]}".getBytes(StandardCharsets.UTF_8);
            head(out, "200 OK", "Content-Length: " + body.length);
            if (!request.line().startsWith("HEAD")) {
                out.write(body);
            }
        });
        assertEquals(
                "hf:o/r/m-Q8_0.gguf: the hub tells no sha256 of it, so that its bytes could not be checked",
                refusal("hf:o/r:Q8_0", SourceUnavailableException.class));
    }

    @Test
    void anAnswerThatIsNoListingIsRefused() {
        hub.nowDo((request, out) -> {
            head(out, "200 OK", "Content-Length: 6");
            out.write("<html>".getBytes(StandardCharsets.UTF_8));
        });
        assertEquals(
                hub.url() + "/api/models/o/r/revision/main: not JSON: offset 0: expected a value",
                refusal("hf:o/r", SourceUnavailableException.class));
        hub.nowDo(status("302 Found", "Location: /again", "Content-Length: 0"));
        assertEquals(
                hub.url() + "/api/models/o/r/revision/main: more than 10 redirects",
                refusal("hf:o/r", SourceUnavailableException.class));
    }

    @Test
    void offlineNothingIsAsked() {
        Obtainer offline = obtainer(ObtainOptions.defaults().withOffline(true));
        assertEquals(
                "hf:o/r:q8_0: not installed, and offline nothing is asked or pulled; needed: the list of the "
                        + "repository's files, and the file, from Hugging Face",
                assertThrows(NotInstalledException.class, () -> offline.obtain("hf:o/r:Q8_0", fixture.events))
                        .getMessage());
        assertEquals(
                "hf:o/r/m-Q8_0.gguf: not installed, and offline nothing is asked or pulled; needed: the file's size and "
                        + "hash, and the file, from Hugging Face",
                assertThrows(NotInstalledException.class, () -> offline.obtain("hf:o/r/m-Q8_0.gguf", fixture.events))
                        .getMessage());
        assertEquals(0, hub.requests.size());
    }

    @Test
    void aRepositoryOfTheCatalogueIsKnownWithoutAsking() throws IOException {
        hub.nowDo(honest(fixture.content));
        assertEquals("remote:q8_0", obtain("hf:owner/repo").name());
        assertEquals("remote:q8_0", obtain("hf:Owner/Repo:Q8_0").name());
        assertEquals(1, hub.requests.size(), "the file itself");
    }

    @Test
    void spacesAndSignsInPathsAreEncoded() throws IOException {
        obtain("hf:o/r/a folder/m+ü-Q8_0.gguf");
        assertEquals(
                "HEAD /o/r/resolve/main/a%20folder/m+%C3%BC-Q8_0.gguf HTTP/1.1",
                hub.requests.getFirst().line());
    }
}
