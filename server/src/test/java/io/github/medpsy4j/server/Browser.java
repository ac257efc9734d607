package io.github.medpsy4j.server;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A page in a Chromium without a window, driven by the DevTools protocol. */
final class Browser implements AutoCloseable {
    private static final List<String> NAMES =
            List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome");
    private static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;
    private String session;
    private String context;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<Map<?, ?>>> answers = new ConcurrentHashMap<>();
    private final List<String> complaints = new CopyOnWriteArrayList<>();

    /** The program, from {@code MEDPSY_CHROMIUM} or the path. */
    static Optional<Path> program() {
        String named = System.getenv("MEDPSY_CHROMIUM");
        if (named != null) {
            return Optional.of(Path.of(named));
        }
        for (String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            for (String name : NAMES) {
                Path program = Path.of(folder, name);
                if (!folder.isEmpty() && Files.isExecutable(program)) {
                    return Optional.of(program);
                }
            }
        }
        return Optional.empty();
    }

    /** @param folder an empty one for its profile */
    Browser(Path program, Path folder) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                program.toString(),
                "--headless",
                "--remote-debugging-port=0",
                "--user-data-dir=" + folder.resolve("profile"),
                "--no-first-run",
                "--no-default-browser-check",
                "--no-proxy-server",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--hide-scrollbars",
                "--lang=en",
                "about:blank"));
        if (System.getProperty("user.name").equals("root")) {
            command.add(1, "--no-sandbox"); // it refuses to run as root otherwise
        }
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("browser.log").toFile())
                .start();
        Path file = folder.resolve("profile").resolve("DevToolsActivePort");
        TestServer.await("the browser's port", () -> {
            assertTrue(process.isAlive(), "the browser ended: " + read(folder.resolve("browser.log")));
            return read(file).split("\n").length == 2;
        });
        String[] lines = read(file).split("\n");
        URI address = URI.create("ws://127.0.0.1:" + lines[0].strip() + lines[1].strip());
        socket =
                client.newWebSocketBuilder().buildAsync(address, new Messages()).join();
    }

    /** An empty page that knows nothing of those before; {@code script} runs in front of its own. */
    void fresh(String script, Path downloads) {
        if (context != null) {
            call(null, "Target.disposeBrowserContext", Map.of("browserContextId", context));
        }
        context = (String) call(null, "Target.createBrowserContext", Map.of()).get("browserContextId");
        Object target = call(null, "Target.createTarget", Map.of("url", "about:blank", "browserContextId", context))
                .get("targetId");
        session = (String) call(null, "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
                .get("sessionId");
        call("Page.enable");
        call("Runtime.enable");
        call("Log.enable");
        call("DOM.enable");
        call("Page.addScriptToEvaluateOnNewDocument", "source", script);
        call(
                null,
                "Browser.setDownloadBehavior",
                Map.of("behavior", "allow", "browserContextId", context, "downloadPath", downloads.toString()));
        window(1200, 820, false);
        prefer("light");
        complaints.clear();
    }

    /** Chooses a file where a page asks for one. */
    void choose(String selector, Path file) {
        Object root = TestServer.at(call("DOM.getDocument"), "root", "nodeId");
        Object node =
                call("DOM.querySelector", "nodeId", root, "selector", selector).get("nodeId");
        call("DOM.setFileInputFiles", "files", List.of(file.toString()), "nodeId", node);
    }

    private static String read(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            return "";
        }
    }

    private final class Messages implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean isLast) {
            text.append(data);
            if (isLast) {
                received(text.toString());
                text.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    private void received(String text) {
        Map<String, Object> message;
        try {
            message = JSON.std.mapFrom(text);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        if (message.get("id") instanceof Integer id) {
            answers.remove(id).complete(message);
        } else if ("Runtime.exceptionThrown".equals(message.get("method"))) {
            complaints.add(String.valueOf(message.get("params")));
        } else if ("Log.entryAdded".equals(message.get("method"))) {
            Map<?, ?> entry = (Map<?, ?>) TestServer.at(message, "params", "entry");
            if ("error".equals(entry.get("level")) && !"network".equals(entry.get("source"))) {
                complaints.add(entry.toString()); // what the content security policy refused, say
            }
        }
    }

    Map<?, ?> call(String method, Object... params) {
        Map<String, Object> all = new LinkedHashMap<>();
        for (int i = 0; i < params.length; i += 2) {
            all.put((String) params[i], params[i + 1]);
        }
        return call(session, method, all);
    }

    private Map<?, ?> call(String to, String method, Map<String, Object> params) {
        int id = ids.incrementAndGet();
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("id", id);
        message.put("method", method);
        message.put("params", params);
        if (to != null) {
            message.put("sessionId", to);
        }
        CompletableFuture<Map<?, ?>> answer = new CompletableFuture<>();
        answers.put(id, answer);
        socket.sendText(TestServer.json(message), true).join();
        Map<?, ?> said = answer.orTimeout(WAIT_NANOS, TimeUnit.NANOSECONDS).join();
        assertTrue(said.containsKey("result"), method + ": " + said);
        return (Map<?, ?>) said.get("result");
    }

    void open(String url) {
        call("Page.navigate", "url", url);
        await("document.readyState === 'complete' && location.href.startsWith('" + url + "')");
    }

    void reload() {
        run("window.isOld = true");
        call("Page.reload");
        await("!window.isOld && document.readyState === 'complete'");
    }

    /** The value of an expression, which may be a promise. */
    Object run(String expression) {
        Map<?, ?> result =
                call("Runtime.evaluate", "expression", expression, "returnByValue", true, "awaitPromise", true);
        if (result.containsKey("exceptionDetails")) {
            return fail(expression + ": " + result.get("exceptionDetails"));
        }
        return ((Map<?, ?>) result.get("result")).get("value");
    }

    boolean is(String expression) {
        return Boolean.TRUE.equals(run("Boolean(" + expression + ")"));
    }

    /** Waits until an expression is true. */
    void await(String expression) {
        long deadline = System.nanoTime() + WAIT_NANOS;
        while (!is(expression)) {
            assertTrue(
                    System.nanoTime() < deadline,
                    () -> "waited in vain: " + expression + "; the page: " + run("document.body.innerText"));
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    String text(String selector) {
        return (String) run("document.querySelector(" + quoted(selector) + ")?.innerText ?? ''");
    }

    int count(String selector) {
        return (Integer) run("document.querySelectorAll(" + quoted(selector) + ").length");
    }

    static String quoted(String text) {
        return TestServer.json(List.of(text)).replaceAll("^\\[|]$", "");
    }

    /** Clicks the middle of an element, which nothing may cover. */
    void click(String selector) {
        String find = "document.querySelector(" + quoted(selector) + ")";
        await(find);
        String look = "(() => { const node = " + find + "; node.scrollIntoView({block: 'nearest'});"
                + " const box = node.getBoundingClientRect(); const x = box.x + box.width / 2, y = box.y + box.height / 2;"
                + " return {x, y, isTop: node.contains(document.elementFromPoint(x, y))}; })()";
        // While an answer comes the page moves under the pointer.
        await("(" + look + ").isTop");
        Object place = run(look);
        for (String type : List.of("mouseMoved", "mousePressed", "mouseReleased")) {
            call(
                    "Input.dispatchMouseEvent",
                    "type",
                    type,
                    "x",
                    TestServer.at(place, "x"),
                    "y",
                    TestServer.at(place, "y"),
                    "button",
                    type.equals("mouseMoved") ? "none" : "left",
                    "clickCount",
                    type.equals("mouseMoved") ? 0 : 1);
        }
    }

    /** Types a text where the focus is. */
    void type(String text) {
        call("Input.insertText", "text", text);
    }

    /** Presses a key by its name, with {@code Shift+} and {@code Control+} before it. */
    void press(String keys) {
        List<String> parts = List.of(keys.split("\\+"));
        String key = parts.getLast();
        int modifiers = (parts.contains("Control") ? 2 : 0) + (parts.contains("Shift") ? 8 : 0);
        int code = switch (key) {
            case "Enter" -> 13;
            case "Escape" -> 27;
            case "ArrowUp" -> 38;
            case "Tab" -> 9;
            default -> key.charAt(0);
        };
        List<Object> params = new ArrayList<>(
                List.of("type", "keyDown", "key", key, "modifiers", modifiers, "windowsVirtualKeyCode", code));
        if (key.equals("Enter")) {
            params.addAll(List.of("text", "\r"));
        }
        call("Input.dispatchKeyEvent", params.toArray());
        call("Input.dispatchKeyEvent", "type", "keyUp", "key", key, "windowsVirtualKeyCode", code);
    }

    /** The size of what shows the page, in its own pixels. */
    void window(int width, int height, boolean isPhone) {
        call(
                "Emulation.setDeviceMetricsOverride",
                "width",
                width,
                "height",
                height,
                "deviceScaleFactor",
                isPhone ? 2 : 1,
                "mobile",
                isPhone);
    }

    /** What the system prefers: {@code dark} or {@code light}. */
    void prefer(String scheme) {
        call(
                "Emulation.setEmulatedMedia",
                "features",
                List.of(
                        Map.of("name", "prefers-color-scheme", "value", scheme),
                        // Nothing is caught half-way.
                        Map.of("name", "prefers-reduced-motion", "value", "reduce")));
    }

    /** Keeps a picture of what is seen. */
    void picture(Path folder, String name) throws IOException {
        // Two frames: what was changed last has been drawn.
        run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
        String data = (String) call("Page.captureScreenshot").get("data");
        Files.createDirectories(folder);
        Files.write(folder.resolve(name + ".png"), Base64.getDecoder().decode(data));
    }

    /** Errors that scripts threw and nobody caught, and what the page's policy refused, since the last time. */
    List<String> complaints() {
        List<String> all = List.copyOf(complaints);
        complaints.clear();
        return all;
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join(); // its folder is removed then
        client.close();
    }
}
