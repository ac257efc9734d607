package io.github.medpsy4j.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page's scripts that need no page: Markdown, conversations and their files, events of a stream. */
class PageScriptsTest {
    private static final int NODE_MIN = 20;

    @TempDir
    Path folder;

    @Test
    void theyDoWhatTheirTestsSay() throws Exception {
        String version = run("--version").strip();
        if (!version.matches("v\\d+\\..*") || Integer.parseInt(version.substring(1, version.indexOf('.'))) < NODE_MIN) {
            abort("node " + NODE_MIN + " or newer is not here");
        }
        String test = file("/web/page_scripts_test.mjs");
        String page = Path.of(file("/io/github/medpsy4j/server/web/markdown.js"))
                .getParent()
                .toString();
        assertEquals("all is well", run(test, page).strip());
    }

    private static String file(String resource) throws URISyntaxException {
        return Path.of(PageScriptsTest.class.getResource(resource).toURI()).toString();
    }

    /** What node says; empty if it is not here. */
    private String run(String... arguments) throws InterruptedException, IOException {
        Path said = folder.resolve("said");
        String[] command = new String[arguments.length + 1];
        command[0] = "node";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(said.toFile())
                    .start();
        } catch (IOException e) {
            return "";
        }
        boolean isDone = process.waitFor(2, TimeUnit.MINUTES);
        process.destroyForcibly();
        String text = Files.readString(said, StandardCharsets.UTF_8);
        assertTrue(isDone, text);
        return text;
    }
}
