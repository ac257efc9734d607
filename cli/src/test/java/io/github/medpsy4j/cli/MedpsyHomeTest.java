package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MedpsyHomeTest {
    private static final Map<String, String> LINUX = Map.of("os.name", "Linux", "user.home", "/home/ada");

    @Test
    void medpsyHomeWins() {
        assertEquals(
                Path.of("/data/m").toAbsolutePath(),
                MedpsyHome.directory(Map.of("MEDPSY_HOME", "/data/m", "XDG_CACHE_HOME", "/c")::get, LINUX::get));
    }

    @Test
    void linuxUsesTheCacheFolder() {
        assertEquals(
                Path.of("/home/ada/.cache/medpsy"), MedpsyHome.directory(Map.of("MEDPSY_HOME", "")::get, LINUX::get));
        assertEquals(
                Path.of("/c").toAbsolutePath().resolve("medpsy"),
                MedpsyHome.directory(
                        Map.of("XDG_CACHE_HOME", Path.of("/c").toAbsolutePath().toString())::get, LINUX::get));
    }

    @Test
    void aRelativeXdgFolderIsIgnored() {
        assertEquals(
                Path.of("/home/ada/.cache/medpsy"),
                MedpsyHome.directory(Map.of("XDG_CACHE_HOME", "cache")::get, LINUX::get));
    }

    @Test
    void macUsesLibraryCaches() {
        assertEquals(
                Path.of("/Users/ada/Library/Caches/medpsy"),
                MedpsyHome.directory(
                        Map.<String, String>of()::get, Map.of("os.name", "Mac OS X", "user.home", "/Users/ada")::get));
    }

    @Test
    void windowsUsesLocalAppData() {
        Map<String, String> windows = Map.of("os.name", "Windows 11", "user.home", "/u");
        assertEquals(
                Path.of("/local/medpsy"), MedpsyHome.directory(Map.of("LOCALAPPDATA", "/local")::get, windows::get));
        assertEquals(
                Path.of("/u/AppData/Local/medpsy"), MedpsyHome.directory(Map.<String, String>of()::get, windows::get));
    }
}
