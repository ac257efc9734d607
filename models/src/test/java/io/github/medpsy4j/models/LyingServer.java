package io.github.medpsy4j.models;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** An HTTP server that says whatever a test scripts, also what no honest server would. One request per connection. */
final class LyingServer implements AutoCloseable {
    /** A request's first line and its headers, names in lower case. */
    record Request(int number, String line, Map<String, String> headers) {
        /** Returns where the Range header begins, or 0 without one. */
        int rangeStart() {
            String range = headers.getOrDefault("range", "bytes=0-");
            return Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        }
    }

    /** Answers one request by writing to the socket; then the connection is closed. */
    interface Script {
        void answer(Request request, OutputStream out) throws Exception;
    }

    final List<Request> requests = new CopyOnWriteArrayList<>();
    private final ServerSocket socket;
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private volatile Script script;

    LyingServer(Script script) throws IOException {
        this.script = script;
        socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.add(Thread.ofVirtual().start(this::accept));
    }

    /** Serves {@code content} honestly, with Range and an entity tag. */
    static Script honest(byte[] content) {
        return (request, out) -> {
            int start = request.rangeStart();
            head(
                    out,
                    start == 0 ? "200 OK" : "206 Partial Content",
                    "Content-Length: " + (content.length - start),
                    "ETag: \"v1\"",
                    start == 0
                            ? "Accept-Ranges: bytes"
                            : "Content-Range: bytes " + start + "-" + (content.length - 1) + "/" + content.length);
            out.write(content, start, content.length - start);
        };
    }

    /** Answers with a status and no body. */
    static Script status(String status, String... headers) {
        return (request, out) -> head(out, status, headers);
    }

    static void head(OutputStream out, String status, String... headers) throws IOException {
        StringBuilder head = new StringBuilder("HTTP/1.1 " + status + "\r\nConnection: close\r\n");
        for (String header : headers) {
            head.append(header).append("\r\n");
        }
        out.write(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
    }

    void nowDo(Script next) {
        script = next;
    }

    String url() {
        return "http://127.0.0.1:" + socket.getLocalPort();
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                Socket connection = socket.accept();
                threads.add(Thread.ofVirtual().start(() -> serve(connection)));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.US_ASCII));
            String line = in.readLine();
            Map<String, String> headers = new TreeMap<>();
            for (String header; (header = in.readLine()) != null && !header.isEmpty(); ) {
                int colon = header.indexOf(':');
                headers.put(
                        header.substring(0, colon).toLowerCase(Locale.ROOT),
                        header.substring(colon + 1).strip());
            }
            Request request;
            synchronized (this) {
                request = new Request(requests.size(), line, headers);
                requests.add(request);
            }
            OutputStream out = connection.getOutputStream();
            script.answer(request, out);
            out.flush();
        } catch (Exception e) {
            // The client went away, or the test is over: what matters is what the client made of it.
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
        threads.forEach(Thread::interrupt);
    }
}
