package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServeCommandTest {
    private static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:\\d+");

    @TempDir
    Path home;

    private Process process;

    @AfterEach
    void end() {
        if (process != null) {
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "--port|65536|--port: expected 0 to 65535, got 65536",
                "--parallel|0|--parallel: expected 1 to 256, got 0",
                "--queue|-1|--queue: expected 0 to 100000, got -1",
                "--request-time|0|--request-time: expected 1 to 1000000, got 0",
                "--shutdown-time|-1|--shutdown-time: expected 0 to 1000000, got -1",
                "--host|0.0.0.0|--host: 0.0.0.0 is reached from other machines, so an API key is needed",
                "--host|` `|--host: expected a name or an address, got an empty text",
                "--tls-key|x|--tls-cert and --tls-key: expected both or none",
                "--system|x|'--system': no such option",
                "--temp|-1|--temp: expected 0 to 100, got -1",
            })
    void aMistakeInTheCommandLineIsTold(String option, String value, String message) {
        Cli.Result result = new Cli(home).run("serve", Cli.TINY, option, value);
        assertTrue(result.err().startsWith("medpsy: " + message), result.err());
        assertTrue(result.err().endsWith(" (see medpsy serve --help)\n"), result.err());
        assertEquals(2, result.code());
    }

    @Test
    void keysThatAreNoneAreRefused() throws IOException {
        Path empty = Files.writeString(home.resolve("keys"), "\n \n");
        new Cli(home)
                .run("serve", Cli.TINY, "--api-key-file", empty.toString())
                .failed(2, "--api-key-file " + empty + ": expected a key, got none (see medpsy serve --help)");
        new Cli(home)
                .with("MEDPSY_API_KEY", "key")
                .run("serve", Cli.TINY, "--no-api-key")
                .failed(2, "--no-api-key: there is a key (see medpsy serve --help)");
    }

    @Test
    void aModelThatCannotBeLoadedEndsIt() {
        new Cli(home)
                .run("serve", "nowhere/x.gguf", "--port", "0", "-q")
                .failed(1, "nowhere/x.gguf: cannot read; expected a GGUF file, got: no such file");
        new Cli(home)
                .run("serve", Cli.TINY, "--port", "0", "-q", "-c", "4097")
                .failed(1, Cli.TINY + ": context: expected at most the model's 4096, got 4097");
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "there are no signals")
    void aSignalEndsItAfterWhatItIsAnswering() throws Exception {
        Path keys = Files.writeString(home.resolve("keys"), "secret\n");
        String url = start("--api-key-file", keys.toString(), "--alias", "gpt-4o", "-n", "3000");
        assertEquals(401, Response.of(url + "/v1/models", null, "wrong").status());
        Map<String, Object> body = Map.of(
                "model",
                "gpt-4o",
                "messages",
                List.of(Map.of("role", "user", "content", "Hello")),
                "logit_bias",
                Map.of("1017", -100, "1018", -100, "1019", -100, "1020", -100, "1021", -100));
        CompletableFuture<Response> running =
                CompletableFuture.supplyAsync(() -> Response.of(url + "/v1/chat/completions", body, "secret"));
        while (!Response.of(url + "/metrics", null, "secret").text().contains("medpsy_slots_busy 1\n")) {
            Thread.sleep(5);
        }
        process.destroy(); // SIGTERM
        Response response = running.get(60, TimeUnit.SECONDS);
        assertEquals(200, response.status(), response.text());
        Map<String, Object> answer = JSON.std.mapFrom(response.text());
        assertEquals(3000, ((Map<?, ?>) answer.get("usage")).get("completion_tokens"));
        assertEquals("tiny-q4_k_m", answer.get("model"));
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue());
    }

    /** Starts it in a process of its own; returns its address once it is ready. */
    private String start(String... options) throws IOException {
        String path = System.getProperty("jdk.module.path", "")
                + System.getProperty("path.separator")
                + System.getProperty("java.class.path");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                path,
                "io.github.medpsy4j.cli.Main",
                "serve",
                Cli.TINY,
                "--port",
                "0",
                "-t",
                "1"));
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("MEDPSY_HOME", home.toString());
        builder.environment().remove("MEDPSY_API_KEY");
        process = builder.start();
        BufferedReader err = process.errorReader();
        StringBuilder said = new StringBuilder();
        for (String line; (line = err.readLine()) != null; ) {
            said.append(line).append('\n');
            if (line.startsWith("medpsy: ready: ")) {
                Thread.ofPlatform().daemon().start(() -> err.lines().forEach(rest -> {}));
                Matcher address = ADDRESS.matcher(line);
                assertTrue(address.find(), line);
                return address.group();
            }
        }
        throw new AssertionError("it ended: " + said);
    }

    /** A response; posts the body, if there is one. */
    private record Response(int status, String text) {
        static Response of(String url, Object body, String key) {
            try {
                HttpURLConnection connection =
                        (HttpURLConnection) URI.create(url).toURL().openConnection();
                connection.setRequestProperty("Authorization", "Bearer " + key);
                if (body != null) {
                    connection.setDoOutput(true);
                    connection.getOutputStream().write(JSON.std.asBytes(body));
                }
                int status = connection.getResponseCode();
                try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
                    return new Response(status, new String(in.readAllBytes(), StandardCharsets.UTF_8));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
