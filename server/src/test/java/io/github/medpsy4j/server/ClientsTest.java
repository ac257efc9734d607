package io.github.medpsy4j.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real clients, where {@code ./test --all} has put them, run scripts that say what is wrong. */
class ClientsTest {
    private static final String KEY = "key-of-the-tests";
    private static final Path CLIENTS =
            Path.of("..", "target", "clients").toAbsolutePath().normalize();

    private static TestServer host;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() {
        host = TestServer.start(ServerOptions.builder().apiKeys(List.of(KEY)), TestServer.sharing());
    }

    @AfterAll
    static void close() {
        host.close();
    }

    @Test
    void openAisClientForPythonIsServed() throws Exception {
        Path packages = CLIENTS.resolve("python");
        assumeIsThere(packages.resolve("openai"), "OpenAI's client for Python");
        run(Map.of("PYTHONPATH", packages.toString()), "python3", script("openai_client.py"));
    }

    @Test
    void ollamasClientForPythonIsServed() throws Exception {
        Path packages = CLIENTS.resolve("ollama");
        assumeIsThere(packages.resolve("ollama"), "Ollama's client for Python");
        run(Map.of("PYTHONPATH", packages.toString()), "python3", script("ollama_client.py"));
    }

    @Test
    void openAisClientForJavaScriptIsServed() throws Exception {
        Path packages = CLIENTS.resolve("node");
        assumeIsThere(packages.resolve("node_modules").resolve("openai"), "OpenAI's client for JavaScript");
        run(Map.of("CLIENT_FOLDER", packages.toString()), "node", script("openai_client.mjs"));
    }

    @Test
    void curlIsServed() throws Exception {
        run(Map.of(), "sh", script("curl_client.sh"));
    }

    private static void assumeIsThere(Path path, String what) {
        if (!Files.isDirectory(path)) {
            abort(what + " is not here; ./test --all fetches it");
        }
    }

    private static String script(String name) throws URISyntaxException {
        return Path.of(ClientsTest.class.getResource("/clients/" + name).toURI())
                .toString();
    }

    private void run(Map<String, String> environment, String program, String script)
            throws IOException, InterruptedException {
        for (String needed : program.equals("sh") ? List.of("sh", "curl") : List.of(program)) {
            try {
                new ProcessBuilder(needed, "--version")
                        .redirectErrorStream(true)
                        .start()
                        .destroy();
            } catch (IOException e) {
                abort(needed + " is not here");
            }
        }
        Path said = folder.resolve("said");
        List<String> command = new ArrayList<>(List.of(program, script, host.url(""), KEY));
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
        builder.environment().putAll(environment);
        // A proxy is none of the business of a client on the same machine.
        builder.environment()
                .keySet()
                .removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
        Process process = builder.start();
        boolean isDone = process.waitFor(5, TimeUnit.MINUTES);
        process.destroyForcibly();
        String text = Files.readString(said, StandardCharsets.UTF_8);
        assertTrue(isDone, text);
        assertEquals("all is well", text.strip().lines().reduce((a, b) -> b).orElse(""), text);
        assertEquals(0, process.exitValue());
    }
}
