package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Request;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** One request and its response: what the rest of the server sees of the HTTP library. */
final class Exchange {
    /** What is read of a body that is too large, so that the client has sent it and reads the answer. */
    static final long DISCARD_BYTES_MAX = 16 << 20;

    static final String EVENTS = "text/event-stream; charset=utf-8";
    static final String LINES = "application/x-ndjson";

    private static final byte[] SPACE = {' '};
    private static final byte[] NEWLINE = {'\n'};
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END = "\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] COMMENT = ":\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.US_ASCII);

    private final ServerRequest request;
    private final ServerResponse response;
    private final ServerOptions options;
    private final Metrics metrics;
    private final Watchdog watchdog;
    private final Served served;
    private final String rest;
    private final long deadlineNanos;
    private Function<ApiError, Map<String, Object>> errors = ApiError::body;
    private boolean isCacheSet;
    private boolean isLast;
    private OutputStream out; // once a response in pieces has begun
    private int status;

    Exchange(
            ServerRequest request,
            ServerResponse response,
            ServerOptions options,
            Metrics metrics,
            Watchdog watchdog,
            Served served,
            Routes.Match match) {
        this.request = request;
        this.response = response;
        this.options = options;
        this.metrics = metrics;
        this.watchdog = watchdog;
        this.served = served;
        rest = match == null ? "" : match.rest();
        deadlineNanos = System.nanoTime() + options.timeMax().toNanos();
        if (request.headers().containsToken(HeaderValues.CONNECTION_CLOSE)) {
            closeAfter();
        }
    }

    /** Tells what answers it, once that is known. */
    void route(Routes.Route route) {
        if (route != null) {
            errors = route.errors();
        }
    }

    /** Null while the model is being loaded. */
    Served served() {
        return served;
    }

    ServerOptions options() {
        return options;
    }

    Metrics metrics() {
        return metrics;
    }

    /** What stands in the path in place of the {@code *} of its route. */
    String rest() {
        return rest;
    }

    Optional<String> requestHeader(HeaderName name) {
        return request.headers().first(name);
    }

    /** Whether the connection ends with this response. */
    boolean isLast() {
        return isLast;
    }

    /** 0 before the response has begun. */
    int status() {
        return status;
    }

    /** The body, which must be a JSON object. */
    Fields fields() throws ApiError, IOException {
        return Fields.of(body(options.bodyBytesMax()));
    }

    /** Whether the time for the request is over. */
    boolean isLate() {
        return System.nanoTime() - deadlineNanos >= 0;
    }

    /**
     * Hands requests to the scheduler: all of them or none.
     *
     * @param promptPath the field that is to blame for a prompt that does not fit
     */
    Generating generate(List<Request> requests, String promptPath) throws ApiError {
        return Generating.start(served.scheduler(), requests, promptPath, deadlineNanos, metrics);
    }

    private byte[] body(int bytesMax) throws ApiError, IOException {
        if (!request.content().hasEntity()) {
            return new byte[0];
        }
        long length = request.headers().contentLength().orElse(0);
        boolean isTooLarge = length > bytesMax;
        ByteArrayOutputStream body = new ByteArrayOutputStream(1024);
        if (length <= DISCARD_BYTES_MAX + bytesMax) {
            watchdog.begin();
            try {
                InputStream in = request.content().inputStream();
                byte[] buffer = new byte[8192];
                long all = 0;
                int count;
                while (all <= DISCARD_BYTES_MAX + bytesMax && (count = in.read(buffer)) >= 0) {
                    all += count;
                    isTooLarge |= all > bytesMax;
                    if (!isTooLarge) {
                        body.write(buffer, 0, count);
                    }
                }
            } catch (RuntimeException e) {
                throw new IOException("the body ended early", e); // the library's own exceptions
            } finally {
                watchdog.end();
            }
        }
        if (isTooLarge) {
            closeAfter();
            throw ApiError.tooLarge("body: expected at most " + bytesMax + " bytes");
        }
        return body.toByteArray();
    }

    private void closeAfter() {
        isLast = true;
        response.header(HeaderNames.CONNECTION, "close");
    }

    /** Sets a header of the response. */
    void header(HeaderName name, String value) {
        isCacheSet |= name.equals(HeaderNames.CACHE_CONTROL);
        response.header(name, value);
    }

    /** Lets a page of this origin read the response. */
    void allowOrigin(String origin) {
        response.header(HeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.header(HeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS, HeaderNames.RETRY_AFTER.defaultCase());
        response.header(HeaderNames.VARY, HeaderNames.ORIGIN.defaultCase());
    }

    /** Answers what a browser asks before a request of an allowed page. False if this asks nothing of the kind. */
    boolean preflight() {
        if (requestHeader(HeaderNames.ACCESS_CONTROL_REQUEST_METHOD).isEmpty()) {
            return false;
        }
        response.header(HeaderNames.ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
        requestHeader(HeaderNames.ACCESS_CONTROL_REQUEST_HEADERS)
                .ifPresent(names -> response.header(HeaderNames.ACCESS_CONTROL_ALLOW_HEADERS, names));
        response.header(HeaderNames.ACCESS_CONTROL_MAX_AGE, "600");
        send(204, null, new byte[0]);
        return true;
    }

    /** @param contentType null where there is no body */
    void send(int code, String contentType, byte[] body) {
        status = code;
        response.status(Status.create(code));
        if (contentType != null) {
            response.header(HeaderNames.CONTENT_TYPE, contentType);
        }
        if (!isCacheSet) {
            response.header(HeaderNames.CACHE_CONTROL, "no-store");
        }
        watchdog.begin();
        try {
            response.send(body);
        } finally {
            watchdog.end();
        }
    }

    void json(Object value) {
        send(200, "application/json", Json.bytes(value));
    }

    /** Tells the error; nothing of a response may have been written. */
    void error(ApiError error) {
        if (error.retryAfterSeconds() > 0) {
            response.header(HeaderNames.RETRY_AFTER, String.valueOf(error.retryAfterSeconds()));
        }
        if (error.status() == 401) {
            response.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        if (error.status() == 503) {
            closeAfter();
        }
        send(error.status(), "application/json", Json.bytes(errors.apply(error)));
    }

    // ---- A response in pieces ----

    private void begin(String contentType) {
        if (out == null) {
            status = 200;
            response.status(Status.OK_200);
            response.header(HeaderNames.CONTENT_TYPE, contentType);
            response.header(HeaderNames.CACHE_CONTROL, "no-store");
            response.header(HeaderNames.create("X-Accel-Buffering"), "no");
            out = response.outputStream();
        }
    }

    private void write(byte[]... parts) throws IOException {
        watchdog.begin();
        try {
            for (byte[] part : parts) {
                out.write(part);
            }
            out.flush();
        } catch (UncheckedIOException e) {
            throw new IOException(e);
        } finally {
            watchdog.end();
        }
    }

    /** An event of a stream. */
    void event(Map<String, Object> value) throws IOException {
        begin(EVENTS);
        write(DATA, Json.bytes(value), END);
    }

    /** An event with a name. */
    void event(String name, Map<String, Object> value) throws IOException {
        begin(EVENTS);
        write(("event: " + name + "\n").getBytes(StandardCharsets.US_ASCII), DATA, Json.bytes(value), END);
    }

    /** What a reader of events skips. */
    void comment() throws IOException {
        begin(EVENTS);
        write(COMMENT);
    }

    /** Ends a stream of events as OpenAI does. */
    void endEvents() throws IOException {
        write(DONE);
        close();
    }

    /** A line of a stream of JSON texts. */
    void line(Map<String, Object> value) throws IOException {
        begin(LINES);
        write(Json.bytes(value), NEWLINE);
    }

    /** White space in front of a JSON text. */
    void space(String contentType) throws IOException {
        begin(contentType);
        write(SPACE);
    }

    /** The JSON text, behind white space or by itself. */
    void endJson(Object value) throws IOException {
        if (out == null) {
            json(value);
            return;
        }
        write(Json.bytes(value));
        close();
    }

    /** Ends a response in pieces. */
    void close() throws IOException {
        try {
            out.close();
            // Otherwise Helidon ends it, its last chunk written, behind an action that returns; see Server.handle.
            if (isLast && response instanceof RoutingResponse ends) {
                ends.commit();
            }
        } catch (UncheckedIOException e) {
            throw new IOException(e);
        }
    }
}
