package io.github.medpsy4j.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;

/**
 * A server of OpenAI's API on a socket, so that it can lie in every way: for each request to answer a conversation it does
 * what was planned next, and the last plan again and again. It lists the models it was told to have.
 */
final class FakeServer implements AutoCloseable {
    /** What it does with a request. */
    interface Plan {
        void answer(Connection to) throws IOException;
    }

    /** A request as it came. */
    record Asked(String method, String path, Map<String, String> headers, String body) {
        Map<String, Object> json() throws IOException {
            return JSON.std.mapFrom(body);
        }
    }

    private final ServerSocket socket;
    private final ConcurrentLinkedQueue<Plan> plans = new ConcurrentLinkedQueue<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private volatile Plan models = to -> to.json(200, "", "{\"data\": [{\"id\": \"test-model\"}]}");
    private volatile Plan last = to -> to.answer("Hello", " there.");

    FakeServer() throws IOException {
        this(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
    }

    /** A server that speaks TLS. */
    FakeServer(SSLContext tls) throws IOException {
        this(tls.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress()));
    }

    private FakeServer(ServerSocket socket) {
        this.socket = socket;
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return socket.getLocalPort();
    }

    /** What messages call it. */
    String name() {
        return "127.0.0.1:" + port();
    }

    String url() {
        return "http://" + name();
    }

    FakeServer then(Plan plan) {
        plans.add(plan);
        last = plan;
        return this;
    }

    FakeServer models(Plan plan) {
        models = plan;
        return this;
    }

    /** The requests for an answer. */
    List<Asked> asked() {
        return asked.stream().filter(a -> a.method().equals("POST")).toList();
    }

    List<Asked> allAsked() {
        return List.copyOf(asked);
    }

    /** The last request for an answer. */
    Map<String, Object> body() throws IOException {
        return asked().getLast().json();
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                Socket one = socket.accept();
                Thread.ofVirtual().start(() -> serve(one));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket one) {
        try (one) {
            Asked request = read(one.getInputStream());
            asked.add(request);
            boolean isAnswer = request.method().equals("POST");
            Plan plan = isAnswer ? plans.poll() : models;
            (plan == null ? last : plan).answer(new Connection(one));
        } catch (IOException gone) {
            // Whoever asked has left, or speaks another protocol; a test that minds sees it.
        }
    }

    private static Asked read(InputStream in) throws IOException {
        String[] first = line(in).split(" ");
        if (first.length < 2) {
            throw new IOException("no request");
        }
        Map<String, String> headers = new LinkedHashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            String[] header = line.split(":", 2);
            if (header.length < 2) {
                throw new IOException("no header");
            }
            headers.put(header[0].toLowerCase(java.util.Locale.ROOT), header[1].strip());
        }
        byte[] body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
        return new Asked(first[0], first[1], headers, new String(body, StandardCharsets.UTF_8));
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b; (b = in.read()) != '\n'; ) {
            if (b < 0) {
                throw new IOException("the request ends early");
            }
            line.write(b);
        }
        return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
    }

    /** The way back to whoever asked. */
    static final class Connection {
        private final Socket socket;
        private final OutputStream out;

        Connection(Socket socket) throws IOException {
            this.socket = socket;
            this.out = socket.getOutputStream();
        }

        /** Writes the text as it is. */
        Connection write(String text) throws IOException {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
            return this;
        }

        /** A whole response; headers end with a line's end each. */
        void json(int status, String headers, String body) throws IOException {
            response(status, headers + "Content-Type: application/json\r\n", body);
        }

        void response(int status, String headers, String body) throws IOException {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            write("HTTP/1.1 " + status + " Whatever\r\n" + headers + "Content-Length: " + bytes.length + "\r\n\r\n");
            out.write(bytes);
            out.flush();
        }

        /** Begins a stream that ends with the connection. */
        Connection begin() throws IOException {
            return write(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n");
        }

        Connection event(String data) throws IOException {
            return write("data: " + data + "\n\n");
        }

        /** A piece of the answer. */
        Connection piece(String text) throws IOException {
            return delta(Map.of("content", text));
        }

        Connection delta(Map<String, Object> delta) throws IOException {
            return event(JSON.std.asString(
                    Map.of("model", "served-model", "choices", List.of(Map.of("index", 0, "delta", delta)))));
        }

        Connection finish(String reason) throws IOException {
            return event("{\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"" + reason + "\"}]}");
        }

        Connection done() throws IOException {
            return event("{\"choices\": [], \"usage\": {\"prompt_tokens\": 9, \"completion_tokens\": 4, "
                            + "\"prompt_tokens_details\": {\"cached_tokens\": 5}}}")
                    .event("[DONE]");
        }

        /** A whole answer as it should be. */
        void answer(String... pieces) throws IOException {
            begin();
            for (String piece : pieces) {
                piece(piece);
            }
            finish("stop").done();
        }

        /** Waits until the other side has left. */
        void awaitEnd() throws IOException {
            try {
                while (socket.getInputStream().read() >= 0) {
                    // nothing is expected
                }
            } catch (IOException reset) {
                return;
            }
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
