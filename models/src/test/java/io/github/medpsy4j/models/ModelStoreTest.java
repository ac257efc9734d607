package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ModelStoreTest {
    private static final int SIZE = 5000;

    @TempDir
    Path home;

    private Fixture fixture;
    private ModelStore store;

    @BeforeEach
    void open() {
        fixture = new Fixture(home, SIZE);
        store = fixture.store;
    }

    private void write(String fileName, byte[] bytes) throws IOException {
        Files.createDirectories(store.folder());
        Files.write(store.folder().resolve(fileName), bytes);
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "the paths are Unix ones")
    void homeIsTheEnvironmentsElseThePlatformsCacheFolder() {
        Path user = Path.of("/home/u");
        assertEquals(Path.of("/data"), ModelStore.home(Map.of("MEDPSY_HOME", "/data/x/.."), "Linux", "/home/u"));
        assertTrue(ModelStore.home(Map.of("MEDPSY_HOME", "here"), "Linux", "/home/u")
                .isAbsolute());
        assertEquals(user.resolve(".cache/medpsy"), ModelStore.home(Map.of("MEDPSY_HOME", " "), "Linux", "/home/u"));
        assertEquals(Path.of("/c/medpsy"), ModelStore.home(Map.of("XDG_CACHE_HOME", "/c"), "Linux", "/home/u"));
        assertEquals(user.resolve(".cache/medpsy"), ModelStore.home(Map.of("XDG_CACHE_HOME", "c"), "Linux", "/home/u"));
        assertEquals(
                user.resolve("Library/Caches/medpsy"),
                ModelStore.home(Map.of("XDG_CACHE_HOME", "/c"), "Mac OS X", "/home/u"));
        assertEquals(Path.of("/l/medpsy"), ModelStore.home(Map.of("LOCALAPPDATA", "/l"), "Windows 11", "/home/u"));
        assertEquals(user.resolve("AppData/Local/medpsy"), ModelStore.home(Map.of(), "Windows 11", "/home/u"));
    }

    @Test
    void listsKnownFilesTheUsersOwnAndUnfinishedOnes() throws IOException {
        assertEquals(List.of(), store.installed());
        write("packed-q8_0.gguf", fixture.content);
        write("mine.GGUF", new byte[7]);
        write("remote-q8_0.gguf.part", new byte[100]);
        write("remote-q8_0.gguf.part.notes", new byte[3]);
        write("notes.txt", new byte[1]);
        Files.createDirectories(store.folder().resolve("folder.gguf"));
        assertEquals(
                List.of(
                        new InstalledModel(
                                "mine.GGUF", store.folder().resolve("mine.GGUF"), 7, Optional.empty(), 0, Place.OWN),
                        new InstalledModel(
                                "packed:q8_0",
                                store.pathOf(fixture.packed),
                                SIZE,
                                Optional.of(fixture.packed),
                                0,
                                Place.OWN),
                        new InstalledModel(
                                "remote:q8_0",
                                store.pathOf(fixture.remote),
                                0,
                                Optional.of(fixture.remote),
                                100,
                                Place.OWN)),
                store.installed());
        assertEquals(
                List.of(true, true, false),
                store.installed().stream().map(InstalledModel::isComplete).toList());
    }

    @Test
    void aFileOfAnotherSizeIsNotInstalled() throws IOException {
        assertFalse(store.isInstalled(fixture.remote));
        write("remote-q8_0.gguf", new byte[SIZE - 1]);
        assertFalse(store.isInstalled(fixture.remote));
        assertFalse(store.installed().getFirst().isComplete());
        write("remote-q8_0.gguf", fixture.content);
        assertTrue(store.isInstalled(fixture.remote));
    }

    @Test
    void verifiesSizeAndHash() throws IOException {
        String path = store.pathOf(fixture.remote).toString();
        assertEquals("remote:q8_0: not installed", verifyFails(NotInstalledException.class));
        write("remote-q8_0.gguf", new byte[3]);
        assertEquals(path + ": wrong size; expected 5000 bytes, got 3", verifyFails(WrongContentException.class));
        write("remote-q8_0.gguf", new byte[SIZE]);
        String message = verifyFails(WrongContentException.class);
        assertTrue(
                message.startsWith(path + ": wrong sha256; expected " + fixture.remote.sha256() + ", got "), message);
        assertTrue(Files.exists(store.pathOf(fixture.remote)), "a check deletes nothing");
        write("remote-q8_0.gguf", fixture.content);
        store.verify(fixture.remote, fixture.events);
        assertEquals(SIZE, fixture.events.verifiedBytes);
    }

    private String verifyFails(Class<? extends IOException> type) {
        return assertThrows(type, () -> store.verify(fixture.remote, fixture.events))
                .getMessage();
    }

    @Test
    void removesAModelWithWhatAPullLeft() throws IOException {
        write("remote-q8_0.gguf", fixture.content);
        write("remote-q8_0.gguf.part", new byte[10]);
        write("remote-q8_0.gguf.part.notes", new byte[1]);
        write("mine.gguf", new byte[7]);
        assertEquals(SIZE + 11, store.remove("Remote:Q8_0"));
        assertEquals(1, store.installed().size());
        assertEquals(7, store.remove("mine"));
        assertEquals(List.of(), store.installed());
        assertEquals(
                "remote:q8_0: not installed",
                assertThrows(NotInstalledException.class, () -> store.remove(fixture.remote))
                        .getMessage());
    }

    @Test
    void removingFromAStoreThatIsNotThereMakesNone() {
        ModelStore absent = new ModelStore(home.resolve("absent"), fixture.catalogue);
        assertThrows(NotInstalledException.class, () -> absent.remove("remote"));
        assertFalse(Files.exists(home.resolve("absent")));
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "symbolic links need a privilege")
    void removesALinkAndNotItsTarget() throws IOException {
        Path target = Files.write(home.resolve("target.gguf"), new byte[9]);
        Files.createDirectories(store.folder());
        Files.createSymbolicLink(store.folder().resolve("linked.gguf"), target);
        assertEquals(0, store.remove("linked"));
        assertTrue(Files.exists(target));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../outside",
                "..",
                "",
                "a/../../outside",
                "/outside",
                "a\\..\\outside",
                "c:outside",
                ".hidden",
                "nul\u0000byte",
                "x..gguf"
            })
    void namesNeverLeaveTheFolder(String name) throws IOException {
        Files.createDirectories(store.folder());
        Path outside = Files.write(home.resolve("outside.gguf"), new byte[9]);
        Files.write(store.folder().resolve(".hidden.gguf"), new byte[9]);
        assertEquals(Optional.empty(), store.findFile(name));
        assertThrows(UnknownModelException.class, () -> store.remove(name));
        assertTrue(Files.exists(outside));
    }

    @Test
    void theLockHoldsAgainstAnotherProcess() throws IOException, InterruptedException, URISyntaxException {
        Path lock = home.resolve("locks/remote-q8_0.gguf.lock");
        Path classes = Path.of(FileLocks.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Path testClasses = Path.of(LockHolder.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        classes + System.getProperty("path.separator") + testClasses,
                        LockHolder.class.getName(),
                        lock.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader output = other.inputReader()) {
            assertEquals("held", output.readLine());
            assertEquals(
                    "remote:q8_0: being pulled or removed by another process; wait for it (lock: " + lock + ")",
                    assertThrows(
                                    ModelBusyException.class,
                                    () -> fixture.puller(Map.of()).pull(fixture.remote, fixture.events))
                            .getMessage());
        } finally {
            other.destroyForcibly().waitFor();
        }
        // A killed holder holds no longer.
        assertThrows(NotInstalledException.class, () -> store.remove(fixture.remote));
    }
}
