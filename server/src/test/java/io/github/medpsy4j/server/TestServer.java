package io.github.medpsy4j.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A server in this process with the tiny model, whose answers are gibberish, and a client. */
final class TestServer implements AutoCloseable {
    static final String NAME = "tiny";
    static final int CONTEXT = 4096;
    static final int END_OF_MESSAGE = 1019;

    /** Tokens that a random model draws and that would end an answer, or begin a thought. */
    static final Map<String, Object> NO_END =
            Map.of("1017", -100, "1018", -100, "1019", -100, "1020", -100, "1021", -100);

    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    final Server server;
    private final Model model;

    /** A response. */
    record Response(int status, String text, Map<String, List<String>> headers) {
        Map<String, Object> json() {
            try {
                return JSON.std.mapFrom(text);
            } catch (IOException e) {
                return fail("no JSON: " + text, e);
            }
        }

        /** Checks that all went well. */
        Map<String, Object> ok() {
            assertEquals(200, status, text);
            return json();
        }

        String header(String name) {
            return String.join(", ", headers.getOrDefault(name, List.of()));
        }

        /** Something of the error. */
        Object error(String field) {
            return at(json(), "error", field);
        }

        /** The JSON of a stream's events; {@code [DONE]} must be the last. */
        List<Map<String, Object>> events() {
            assertEquals(200, status, text);
            assertTrue(header("content-type").startsWith("text/event-stream"), header("content-type"));
            List<Map<String, Object>> events = new ArrayList<>();
            boolean isDone = false;
            for (String line : text.split("\n")) {
                if (line.startsWith("data: ")) {
                    assertTrue(!isDone, text);
                    isDone = line.equals("data: [DONE]");
                    if (!isDone) {
                        events.add(new Response(200, line.substring(6), Map.of()).json());
                    }
                } else {
                    assertTrue(line.isEmpty() || line.startsWith(":"), text);
                }
            }
            assertTrue(isDone, text);
            return events;
        }
    }

    private TestServer(Server server, Model model) {
        this.server = server;
        this.model = model;
    }

    /** With the model, and two slots. */
    static TestServer start() {
        return start(ServerOptions.builder(), sharing());
    }

    static SchedulerOptions sharing() {
        return SchedulerOptions.defaults().withSlots(2).withContext(CONTEXT);
    }

    static TestServer start(ServerOptions.Builder options, SchedulerOptions sharing) {
        return start(options, sharing, modelFile());
    }

    static TestServer start(ServerOptions.Builder options, SchedulerOptions sharing, Path file) {
        TestServer started = startEmpty(options, file);
        started.serve(sharing);
        return started;
    }

    /** Without its model as yet. */
    static TestServer startEmpty(ServerOptions.Builder options, Path file) {
        try {
            Model model = Model.load(file, LoadOptions.defaults().withThreads(1).withContext(CONTEXT));
            return new TestServer(Server.start(options.port(0).build()), model);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void serve(SchedulerOptions sharing) {
        ChatOptions defaults =
                ChatOptions.builder().sampling(SamplingOptions.greedy()).build();
        server.serve(model, List.of(NAME, "tiny:q4"), defaults, sharing);
    }

    static Path modelFile() {
        try {
            return Path.of(TestServer.class.getResource("/tiny-q4_k_m.gguf").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A copy of the model's file whose template begins each answer with a thought. */
    static Path thinkingModel(Path folder) throws IOException {
        String all = Files.readString(modelFile(), StandardCharsets.ISO_8859_1);
        String opening = "<|im_start|>assistant\\n' }}";
        assertTrue(all.contains(opening));
        Path copy = folder.resolve("thinking.gguf");
        Files.writeString(copy, all.replace(opening, "<|im_start|>ai<think>\\n' }}"), StandardCharsets.ISO_8859_1);
        return copy;
    }

    Model model() {
        return model;
    }

    String url(String path) {
        return "http://127.0.0.1:" + server.port() + path;
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url(path)));
    }

    static Response send(HttpRequest request) {
        try {
            HttpResponse<String> response = CLIENT.send(request, BodyHandlers.ofString());
            return new Response(
                    response.statusCode(), response.body(), response.headers().map());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    Response get(String path) {
        return send(request(path).build());
    }

    Response post(String path, Object body) {
        return send(request(path).POST(BodyPublishers.ofString(json(body))).build());
    }

    Response chat(Object body) {
        return post("/v1/chat/completions", body);
    }

    static String json(Object value) {
        try {
            return value instanceof String text ? text : JSON.std.asString(value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A question, with fields by name and value. */
    static Map<String, Object> ask(String question, Object... fields) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("messages", List.of(Map.of("role", "user", "content", question)));
        for (int i = 0; i < fields.length; i += 2) {
            body.put((String) fields[i], fields[i + 1]);
        }
        return body;
    }

    /** A question that is answered until the context is full, for seconds. */
    static Map<String, Object> askAtLength(boolean streams) {
        return ask("Hello", "stream", streams, "logit_bias", NO_END);
    }

    /** A connection on which a request was sent. */
    Socket open(String path, Object body) throws IOException {
        byte[] bytes = json(body).getBytes(StandardCharsets.UTF_8);
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
        socket.getOutputStream()
                .write(("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + bytes.length + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(bytes);
        return socket;
    }

    /** The value of a metric without labels. */
    double metric(String name) {
        for (String line : get("/metrics").text().split("\n")) {
            if (line.startsWith("medpsy_" + name + " ")) {
                return Double.parseDouble(line.substring(line.indexOf(' ') + 1));
            }
        }
        return fail("no metric " + name);
    }

    /** Waits for what must happen before long. */
    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "waited in vain: " + what);
            Thread.sleep(5);
        }
    }

    /** What lies deeper in JSON: names and indices. */
    static Object at(Object json, Object... path) {
        Object value = json;
        for (Object step : path) {
            value = step instanceof Integer index ? ((List<?>) value).get(index) : ((Map<?, ?>) value).get(step);
        }
        return value;
    }

    /** The texts of a stream's choice put together, of {@code content} or another field. */
    static String said(List<Map<String, Object>> events, int choice, String field) {
        StringBuilder all = new StringBuilder();
        for (Map<String, Object> event : events) {
            for (Object each : (List<?>) event.get("choices")) {
                if (at(each, "index").equals(choice)) {
                    Object text = field.equals("text") ? at(each, "text") : at(each, "delta", field);
                    all.append(text == null ? "" : text);
                }
            }
        }
        return all.toString();
    }

    @Override
    public void close() {
        server.close();
        model.close();
    }
}
