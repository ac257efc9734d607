package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Files of other programs, laid out as those programs do, are used in place. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "symbolic links need a privilege")
final class OtherCachesTest {
    private static final int SIZE = 5000;
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    Path folder;

    private Path user;
    private Fixture fixture;
    private String sha256;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void nothingAnswers() throws IOException {
        fixture = new Fixture(folder.resolve("home"), SIZE);
        sha256 = HexFormat.of().formatHex(PartFile.sha256().digest(fixture.content));
        user = Files.createDirectories(folder.resolve("user"));
        environment.put("HOME", user.toString());
        environment.put("OLLAMA_MODELS", user.resolve("ollama").toString());
        environment.put("HF_ENDPOINT", "http://127.0.0.1:1");
    }

    private Path write(String path, byte[] bytes) throws IOException {
        Path file = user.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.write(file, bytes);
    }

    /** As huggingface_hub lays out a file: a blob, a snapshot that links to it, a ref. */
    private Path hubFile(String repo, String commit, String path, byte[] bytes) throws IOException {
        String hash = HexFormat.of().formatHex(PartFile.sha256().digest(bytes));
        String at = ".cache/huggingface/hub/models--" + repo.replace("/", "--");
        write(at + "/blobs/" + hash, bytes);
        write(at + "/refs/main", commit.getBytes(StandardCharsets.UTF_8));
        Path link = user.resolve(at + "/snapshots/" + commit + "/" + path);
        Files.createDirectories(link.getParent());
        return Files.createSymbolicLink(link, link.getParent().relativize(user.resolve(at + "/blobs/" + hash)));
    }

    /** As Ollama lays out a model: a manifest and blobs. */
    private Path ollamaModel(String manifest, byte[] bytes) throws IOException {
        String hash = HexFormat.of().formatHex(PartFile.sha256().digest(bytes));
        write("ollama/manifests/" + manifest, """
                {"schemaVersion":2,"config":{"digest":"sha256:%s","size":3},"layers":[
                {"mediaType":"application/vnd.ollama.image.template","digest":"sha256:%s","size":3},
                {"mediaType":"application/vnd.ollama.image.model","digest":"sha256:%s","size":%d}]}
                """.formatted("0".repeat(64), "1".repeat(64), hash, bytes.length)
                .getBytes(StandardCharsets.UTF_8));
        return write("ollama/blobs/sha256-" + hash, bytes);
    }

    private Obtained obtain(String name) throws IOException {
        return new Obtainer(
                        fixture.store,
                        fixture.puller(environment),
                        environment,
                        ObtainOptions.defaults().withOffline(true))
                .obtain(name, fixture.events);
    }

    private String refusal(String name, Class<? extends Exception> type) {
        return assertThrows(type, () -> obtain(name)).getMessage();
    }

    private void assertNothingChanged(Path file) throws IOException {
        assertEquals(SIZE, Files.size(file));
        assertThrows(NotInstalledException.class, () -> fixture.store.owned("remote", environment));
        assertEquals(List.of(), fixture.store.installed());
    }

    @Test
    void usesACatalogueFileOfHuggingFacesCache() throws IOException {
        Path link = hubFile("owner/repo", "c0ffee", "remote-q8_0.gguf", fixture.content);
        Obtained obtained = obtain("remote");
        assertEquals(Place.HUGGING_FACE, obtained.place());
        assertEquals(link.toRealPath(), obtained.path().toRealPath());
        assertEquals(Optional.of(fixture.remote), obtained.file());
        assertNothingChanged(link);
    }

    @Test
    void usesACopyWhereThereAreNoLinks() throws IOException {
        Path copy = write(".cache/huggingface/hub/models--owner--repo/snapshots/abc/remote-q8_0.gguf", fixture.content);
        assertEquals(copy, obtain("remote").path());
    }

    @Test
    void usesACatalogueFileOfOllamaAndOfLmStudio() throws IOException {
        Path lmStudio = write(".lmstudio/models/owner/repo/Remote-Q8_0.gguf", fixture.content);
        assertEquals(Place.LM_STUDIO, obtain("remote").place());
        assertEquals(lmStudio, obtain("remote").path());
        Path blob = ollamaModel("registry.example.ollama/library/m/latest", fixture.content);
        assertEquals(blob, obtain("remote").path());
        Files.delete(blob);
        Files.delete(lmStudio);
        Path old = write(".cache/lm-studio/models/o/r/remote-q8_0.gguf", fixture.content);
        assertEquals(old, obtain("remote").path());
    }

    @Test
    void hashesOnceAndAgainWhenTheFileHasChanged() throws IOException {
        Path file = write(".lmstudio/models/o/r/remote-q8_0.gguf", fixture.content);
        obtain("remote");
        assertEquals(SIZE, fixture.events.verifiedBytes);
        fixture.events.verifiedBytes = 0;
        obtain("remote");
        assertEquals(0, fixture.events.verifiedBytes, "remembered");
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
        obtain("remote");
        assertEquals(SIZE, fixture.events.verifiedBytes);
        assertEquals(
                1,
                Files.readAllLines(fixture.store.home().resolve("hashes.txt")).size());
    }

    @Test
    void bytesThatAreOthersAreNotUsed() throws IOException {
        write(".lmstudio/models/o/r/remote-q8_0.gguf", new byte[SIZE]);
        write(".lmstudio/models/o/r2/remote-q8_0.gguf", new byte[SIZE - 1]);
        assertTrue(refusal("remote", NotInstalledException.class).startsWith("remote:q8_0: not installed"));
        fixture.events.verifiedBytes = 0;
        refusal("remote", NotInstalledException.class);
        assertEquals(0, fixture.events.verifiedBytes, "the wrong hash is remembered too");
    }

    @Test
    void findsFilesOfTheHubInItsCache() throws IOException {
        Path link = hubFile("o/r", COMMIT, "sub/m-Q4_K_M.gguf", fixture.content);
        hubFile("o/r", COMMIT, "m-Q8_0.gguf", new byte[100]);
        for (String name :
                List.of("hf:o/r", "hf:o/r:Q4_K_M", "hf:o/r/sub/m-Q4_K_M.gguf", "hf:o/r@" + COMMIT + ":q4_k_m")) {
            assertEquals(link, obtain(name).path(), name);
        }
        assertEquals("hf:o/r/sub/m-Q4_K_M.gguf", obtain("hf:o/r").name());
        refusal("hf:o/r@v2", NotInstalledException.class);
        Files.write(link.toRealPath(), new byte[SIZE]);
        Files.setLastModifiedTime(link.toRealPath(), FileTime.fromMillis(1));
        assertTrue(refusal("hf:o/r", WrongContentException.class).contains("expected " + sha256));
    }

    @Test
    void findsModelsByTheirNamesInOllama() throws IOException {
        Path blob = ollamaModel("registry.example.ollama/library/qwen3/1.7b", fixture.content);
        Path latest = ollamaModel("registry.example.ollama/someone/tiny/latest", new byte[10]);
        Path hub = ollamaModel("hf.co/o/r/Q8_0", new byte[20]);
        assertEquals(blob, obtain("ollama:qwen3:1.7b").path());
        assertEquals(blob, obtain("OLLAMA:Qwen3:1.7B").path());
        assertEquals(latest, obtain("ollama:someone/tiny").path());
        assertEquals(hub, obtain("ollama:hf.co/o/r:Q8_0").path());
        assertEquals(Place.OLLAMA, obtain("ollama:qwen3:1.7b").place());
        assertEquals(
                "'ollama:qwen3': not among the models of Ollama on this machine, and only those can be used; there are "
                        + "ollama:hf.co/o/r:Q8_0, ollama:qwen3:1.7b, ollama:someone/tiny:latest",
                refusal("ollama:qwen3", NotInstalledException.class));
    }

    @Test
    void aDamagedManifestOrMissingBlobIsPassedOver() throws IOException {
        Path blob = ollamaModel("registry.example.ollama/library/a/latest", fixture.content);
        write("ollama/manifests/registry.example.ollama/library/b/latest", "{".getBytes(StandardCharsets.UTF_8));
        write("ollama/manifests/registry.example.ollama/library/c/latest", new byte[0]);
        assertEquals(blob, obtain("ollama:a").path());
        Files.write(blob, new byte[3]); // still being pulled
        assertTrue(refusal("ollama:a", NotInstalledException.class).endsWith("; none are there"));
    }

    @Test
    void findsFilesOfLmStudioByPath() throws IOException {
        Path file = write(".lmstudio/models/pub/repo/m.gguf", new byte[7]);
        write(".lmstudio/models/pub/repo/mmproj-m.gguf", new byte[7]);
        assertEquals(file, obtain("lmstudio:pub/repo/m.gguf").path());
        assertTrue(refusal("lmstudio:pub/repo/n.gguf", NotInstalledException.class)
                .endsWith("there are lmstudio:pub/repo/m.gguf"));
        Path moved = folder.resolve("moved/models/p/r/x.gguf");
        Files.createDirectories(moved.getParent());
        Files.write(moved, new byte[5]);
        Files.writeString(user.resolve(".lmstudio-home-pointer"), folder.resolve("moved") + "\n");
        assertEquals(moved, obtain("lmstudio:p/r/x.gguf").path());
    }

    @Test
    void theVariablesOfTheHubsToolsAreHeeded() throws IOException {
        Path link = hubFile("o/r", COMMIT, "m.gguf", fixture.content);
        Path elsewhere = folder.resolve("elsewhere");
        Files.move(user.resolve(".cache/huggingface"), elsewhere);
        refusal("hf:o/r", NotInstalledException.class);
        environment.put("HF_HOME", elsewhere.toString());
        assertEquals(link.getFileName(), obtain("hf:o/r").path().getFileName());
        environment.put("HF_HOME", "/nowhere");
        environment.put("HF_HUB_CACHE", elsewhere.resolve("hub").toString());
        obtain("hf:o/r");
    }

    @Test
    void listsEverythingOnceWithItsPlaceAndUnderNamesThatFindIt() throws IOException {
        hubFile("owner/repo", "c0ffee", "remote-q8_0.gguf", fixture.content);
        hubFile("o/r", COMMIT, "m.gguf", new byte[1]);
        ollamaModel("registry.example.ollama/library/a/latest", new byte[2]);
        write(".lmstudio/models/p/r/x.gguf", new byte[3]);
        List<InstalledModel> all = fixture.store.everywhere(environment);
        assertEquals(
                List.of("hf:o/r/m.gguf", "remote:q8_0", "ollama:a:latest", "lmstudio:p/r/x.gguf"),
                all.stream().map(InstalledModel::name).toList());
        for (InstalledModel model : all) {
            assertEquals(model.path().toRealPath(), obtain(model.name()).path().toRealPath());
        }
        Files.createDirectories(fixture.store.folder());
        Files.write(fixture.store.pathOf(fixture.remote), fixture.content);
        assertEquals(
                Place.OWN,
                fixture.store.everywhere(environment).stream()
                        .filter(m -> m.name().equals("remote:q8_0"))
                        .findFirst()
                        .orElseThrow()
                        .place());
        assertEquals(4, fixture.store.everywhere(environment).size());
    }

    @Test
    void whatIsNotOursIsNotRemoved() throws IOException {
        Path link = hubFile("owner/repo", "c0ffee", "remote-q8_0.gguf", fixture.content);
        Path blob = ollamaModel("registry.example.ollama/library/a/latest", new byte[2]);
        String message = assertThrows(NotInstalledException.class, () -> fixture.store.owned("remote", environment))
                .getMessage();
        assertTrue(message.startsWith("remote:q8_0: belongs to another program (Hugging Face cache: "), message);
        assertEquals(
                "ollama:a:latest: belongs to another program (Ollama: " + blob
                        + "), which removes it; nothing was deleted",
                assertThrows(NotInstalledException.class, () -> fixture.store.owned("ollama:a:latest", environment))
                        .getMessage());
        assertTrue(Files.exists(link) && Files.exists(blob));
    }
}
