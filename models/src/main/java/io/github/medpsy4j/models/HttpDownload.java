package io.github.medpsy4j.models;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;

/**
 * One file over HTTP: requests what is missing, follows redirects, tries again where a connection breaks. Nothing that
 * the server says is believed beyond the catalogue's size; the hash is {@link PartFile}'s.
 */
final class HttpDownload {
    private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final String ETAG_NOTE = "etag ";
    private static final int REDIRECTS_MAX = 10;
    private static final int PARTIAL_CONTENT = 206;
    private static final int RANGE_NOT_SATISFIABLE = 416;
    private static final Set<Integer> PASSING_FAULTS = Set.of(408, 429, 500, 502, 503, 504);
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

    private final ModelFile file;
    private final Source.HuggingFace source;
    private final PartFile part;
    private final PullListener listener;
    private final Map<String, String> environment;
    private final Timing timing;
    private final Proxies proxies;

    private boolean hasBytes; // whether this pull brought any

    HttpDownload(
            ModelFile file,
            Source.HuggingFace source,
            PartFile part,
            PullListener listener,
            Map<String, String> environment,
            Timing timing) {
        this.file = file;
        this.source = source;
        this.part = part;
        this.listener = listener;
        this.environment = environment;
        this.timing = timing;
        this.proxies = new Proxies(environment);
    }

    /** An attempt failed in a way that another one may mend. */
    private static final class RetryException extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient Duration serverWait; // as Retry-After asks; zero where it does not

        RetryException(String message, Throwable cause, Duration serverWait) {
            super(message, cause);
            this.serverWait = serverWait;
        }
    }

    /** Fills the part. */
    void run() throws IOException {
        URI endpoint = endpoint();
        String token = token();
        HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(timing.connect())
                .proxy(proxies)
                .build();
        try {
            listener.started(file, source, part.length(), file.sizeBytes());
            long furthest = part.length();
            int failures = 0;
            while (!part.isFull()) {
                try {
                    attempt(client, endpoint, token);
                } catch (RetryException e) {
                    if (part.length() - furthest >= Timing.PROGRESS_BYTES) {
                        failures = 0;
                    }
                    furthest = Math.max(furthest, part.length());
                    failures++;
                    if (failures >= timing.attemptsMax()) {
                        throw givenUp(e);
                    }
                    pause(e, failures);
                }
            }
        } finally {
            client.shutdownNow();
        }
    }

    private ModelsException givenUp(RetryException e) {
        if (!hasBytes) {
            return new SourceUnavailableException(e.getMessage(), e);
        }
        return new TransferInterruptedException(
                e.getMessage() + "; given up after " + timing.attemptsMax() + " attempts with " + part.length() + " of "
                        + file.sizeBytes() + " bytes, which are kept: pull again to go on",
                e);
    }

    private void pause(RetryException e, int failures) throws IOException {
        Duration wait = timing.firstWait().multipliedBy(1L << (failures - 1));
        wait = wait.compareTo(e.serverWait) < 0 ? e.serverWait : wait;
        wait = wait.compareTo(Timing.WAIT_MAX) > 0 ? Timing.WAIT_MAX : wait;
        listener.retrying(e.getMessage(), failures + 1, timing.attemptsMax(), wait);
        try {
            Thread.sleep(wait);
        } catch (InterruptedException i) {
            throw interrupted(i);
        }
    }

    private static InterruptedIOException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        InterruptedIOException io = new InterruptedIOException("interrupted");
        io.initCause(e);
        return io;
    }

    // The request.

    private URI endpoint() throws SourceUnavailableException {
        String own = environment.getOrDefault("HF_ENDPOINT", "").strip();
        String text = (own.isEmpty() ? DEFAULT_ENDPOINT : own).replaceFirst("/+$", "");
        try {
            URI uri = new URI(text + "/" + source.repo() + "/resolve/" + source.revision() + "/" + file.fileName());
            if (isHttp(uri)) {
                return uri;
            }
            throw new SourceUnavailableException("HF_ENDPOINT: not an http or https address");
        } catch (URISyntaxException e) {
            throw new SourceUnavailableException("HF_ENDPOINT: not an http or https address", e);
        }
    }

    private static boolean isHttp(URI uri) {
        return uri.getHost() != null
                && uri.getUserInfo() == null
                && ("http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme()));
    }

    private String token() throws SourceUnavailableException {
        String token = environment.getOrDefault("HF_TOKEN", "").strip();
        if (token.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new SourceUnavailableException("HF_TOKEN: holds a character that no token has");
        }
        return token;
    }

    private void attempt(HttpClient client, URI endpoint, String token) throws IOException, RetryException {
        URI address = endpoint;
        for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
            HttpResponse<Flow.Publisher<List<ByteBuffer>>> response = ask(client, address, endpoint, token);
            int status = response.statusCode();
            if (status == 200 || status == PARTIAL_CONTENT) {
                receive(response, address);
                return;
            }
            discard(response);
            if (status < 300
                    || status > 399
                    || response.headers().firstValue("Location").isEmpty()) {
                throw refused(response, address, token);
            }
            address = redirected(
                    address, response.headers().firstValue("Location").get());
        }
        throw new SourceUnavailableException(shown(endpoint) + ": more than " + REDIRECTS_MAX + " redirects");
    }

    private HttpResponse<Flow.Publisher<List<ByteBuffer>>> ask(
            HttpClient client, URI address, URI endpoint, String token) throws IOException, RetryException {
        HttpRequest request = request(address, endpoint, token);
        Duration patience = hasBytes ? timing.stall() : timing.answer();
        // Not HttpRequest.timeout: newer JDKs count the body's time in it.
        CompletableFuture<HttpResponse<Flow.Publisher<List<ByteBuffer>>>> answer =
                client.sendAsync(request, BodyHandlers.ofPublisher());
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw unreached(shown(address) + ": no answer within " + seconds(patience), e, false);
        } catch (InterruptedException e) {
            answer.cancel(true);
            throw interrupted(e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            boolean mayPass = !(cause instanceof ConnectException
                    || cause instanceof HttpConnectTimeoutException
                    || cause instanceof SSLException);
            throw unreached(shown(address) + ": " + reason(cause), cause, mayPass);
        }
    }

    private HttpRequest request(URI address, URI endpoint, String token) throws IOException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(address).header("User-Agent", "medpsy4j").header("Accept-Encoding", "identity");
        if (!token.isEmpty() && isSameOrigin(address, endpoint)) {
            request.header("Authorization", "Bearer " + token);
        }
        try {
            proxies.authorization(address).ifPresent(value -> request.header("Proxy-Authorization", value));
        } catch (IllegalArgumentException e) {
            throw new SourceUnavailableException(e.getMessage(), e);
        }
        if (part.length() > 0) {
            request.header("Range", "bytes=" + part.length() + "-");
            Optional<String> etag = etagNoted();
            if (etag.isPresent()) {
                request.header("If-Range", etag.get());
            }
        }
        return request.build();
    }

    private static boolean isSameOrigin(URI a, URI b) {
        return a.getScheme().equalsIgnoreCase(b.getScheme())
                && a.getHost().equalsIgnoreCase(b.getHost())
                && Proxies.port(a) == Proxies.port(b);
    }

    static URI redirected(URI from, String location) throws SourceUnavailableException {
        URI to;
        try {
            to = from.resolve(new URI(location));
        } catch (URISyntaxException e) {
            throw new SourceUnavailableException(shown(from) + ": redirects to what is no address", e);
        }
        if (!isHttp(to)) {
            throw new SourceUnavailableException(shown(from) + ": redirects to what is no http or https address");
        }
        if ("https".equalsIgnoreCase(from.getScheme()) && !"https".equalsIgnoreCase(to.getScheme())) {
            throw new SourceUnavailableException(shown(from) + ": redirects from https to http; refused");
        }
        return to;
    }

    /** Before the first byte came, a host that cannot be reached ends the source: the user waits for words. */
    private RetryException unreached(String message, Throwable cause, boolean mayPass)
            throws SourceUnavailableException {
        if (!hasBytes && !mayPass) {
            throw new SourceUnavailableException(message, cause);
        }
        return new RetryException(message, cause, Duration.ZERO);
    }

    static String reason(Throwable cause) {
        for (Throwable c = cause; c != null; c = c.getCause()) {
            if (c instanceof UnresolvedAddressException) {
                return "the host's name is not known";
            }
        }
        if (cause instanceof HttpConnectTimeoutException) {
            return "no connection in time";
        }
        String message = cause.getMessage();
        if (cause instanceof ConnectException) {
            return message == null || message.isBlank() ? "connection refused" : "no connection: " + message;
        }
        return message == null ? cause.getClass().getSimpleName() : message;
    }

    // The answer.

    private IOException refused(HttpResponse<Flow.Publisher<List<ByteBuffer>>> response, URI address, String token)
            throws IOException, RetryException {
        int status = response.statusCode();
        String message = shown(address) + ": HTTP " + status;
        if (status == RANGE_NOT_SATISFIABLE && part.length() > 0) {
            part.restart(); // what is here does not fit what is there
            throw new RetryException(message + ", cannot go on; starts over", null, Duration.ZERO);
        }
        String meaning = switch (status) {
            case 401, 403 ->
                token.isEmpty()
                        ? "access refused; if the file needs a token, set HF_TOKEN"
                        : "access refused with the token in HF_TOKEN";
            case 404 ->
                environment.getOrDefault("HF_ENDPOINT", "").isBlank()
                        ? "not found"
                        : "not found; does the host in HF_ENDPOINT have " + source.repo() + "?";
            case 429 -> "too many requests";
            default -> PASSING_FAULTS.contains(status) ? "the server has a fault" : "unexpected";
        };
        if (PASSING_FAULTS.contains(status)) {
            throw new RetryException(message + ", " + meaning, null, retryAfter(response));
        }
        return new SourceUnavailableException(message + ", " + meaning);
    }

    private static Duration retryAfter(HttpResponse<?> response) {
        return response.headers()
                .firstValue("Retry-After")
                .filter(v -> v.matches("\\d{1,6}")) // it may also be a date, which is left to our own waits
                .map(v -> Duration.ofSeconds(Long.parseLong(v)))
                .orElse(Duration.ZERO);
    }

    private void receive(HttpResponse<Flow.Publisher<List<ByteBuffer>>> response, URI address)
            throws IOException, RetryException {
        Body body = new Body();
        response.body().subscribe(body);
        try {
            checkHead(response, address);
            noteEtag(response);
            while (!part.isFull()) {
                List<ByteBuffer> buffers = body.next(timing.stall());
                if (buffers.isEmpty()) {
                    throw new RetryException(broken(address, "ended early"), null, Duration.ZERO);
                }
                for (ByteBuffer buffer : buffers) {
                    hasBytes |= buffer.hasRemaining();
                    part.append(buffer);
                }
            }
        } catch (TimeoutException e) {
            throw new RetryException(
                    broken(address, "brought nothing for " + seconds(timing.stall())), e, Duration.ZERO);
        } catch (ExecutionException e) {
            throw new RetryException(broken(address, reason(e.getCause())), e.getCause(), Duration.ZERO);
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            body.cancel();
        }
    }

    private String broken(URI address, String how) {
        return shown(address) + ": " + how + " at byte " + part.length() + " of " + file.sizeBytes();
    }

    /** Checks that the body is the file from where the part ends; makes the part empty where it is the whole file. */
    private void checkHead(HttpResponse<?> response, URI address) throws IOException {
        if (response.statusCode() == PARTIAL_CONTENT) {
            String range = response.headers().firstValue("Content-Range").orElse("none");
            Matcher m = CONTENT_RANGE.matcher(range);
            if (!m.matches()
                    || Long.parseLong(m.group(1)) != part.length()
                    || Long.parseLong(m.group(2)) >= file.sizeBytes()
                    || (!m.group(3).equals("*") && Long.parseLong(m.group(3)) != file.sizeBytes())) {
                throw new SourceUnavailableException(shown(address) + ": wrong Content-Range; expected bytes "
                        + part.length() + "-" + (file.sizeBytes() - 1) + "/" + file.sizeBytes() + ", got "
                        + FileNames.printable(range));
            }
            return;
        }
        long announced = response.headers().firstValueAsLong("Content-Length").orElse(file.sizeBytes());
        if (announced != file.sizeBytes()) {
            throw new SourceUnavailableException(
                    shown(address) + ": wrong length; expected " + file.sizeBytes() + " bytes, announced " + announced);
        }
        part.restart();
    }

    private Optional<String> etagNoted() throws IOException {
        return part.notes().stream()
                .filter(line -> line.startsWith(ETAG_NOTE))
                .map(line -> line.substring(ETAG_NOTE.length()))
                .filter(HttpDownload::isStrong)
                .findFirst();
    }

    private void noteEtag(HttpResponse<?> response) throws IOException {
        Optional<String> etag = response.headers().firstValue("ETag").filter(HttpDownload::isStrong);
        part.note(etag.map(e -> List.of(ETAG_NOTE + e)).orElse(List.of()));
    }

    /** Only a strong entity tag may stand in If-Range (RFC 9110, section 13.1.5). */
    private static boolean isStrong(String etag) {
        return etag.matches("\"[\\x21\\x23-\\x7e]{1,256}\"");
    }

    private static void discard(HttpResponse<Flow.Publisher<List<ByteBuffer>>> response) {
        Body body = new Body();
        response.body().subscribe(body);
        body.cancel();
    }

    /** The address for people: without a query, which may hold a signature. */
    private static String shown(URI address) {
        String port = address.getPort() < 0 ? "" : ":" + address.getPort();
        return address.getScheme() + "://" + address.getHost() + port + address.getPath();
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.3g s", duration.toMillis() / 1e3);
    }

    /** The body as a queue that can be waited on with a limit, and that asks the network for little at a time. */
    private static final class Body implements Flow.Subscriber<List<ByteBuffer>> {
        private static final int WINDOW = 16; // lists of at most 16 KiB buffers

        private sealed interface Event {}

        private record Bytes(List<ByteBuffer> buffers) implements Event {}

        private record End(Optional<Throwable> failure) implements Event {}

        private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        private Flow.Subscription subscription;
        private boolean isCancelled;

        @Override
        public synchronized void onSubscribe(Flow.Subscription s) {
            subscription = s;
            if (isCancelled) {
                s.cancel();
            } else {
                s.request(WINDOW);
            }
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            events.add(new Bytes(buffers));
        }

        @Override
        public void onError(Throwable failure) {
            events.add(new End(Optional.of(failure)));
        }

        @Override
        public void onComplete() {
            events.add(new End(Optional.empty()));
        }

        /** Returns the next bytes; an empty list at the end. */
        List<ByteBuffer> next(Duration patience) throws InterruptedException, TimeoutException, ExecutionException {
            return switch (events.poll(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                case null -> throw new TimeoutException();
                case Bytes(List<ByteBuffer> buffers) -> {
                    more();
                    yield buffers;
                }
                case End(Optional<Throwable> failure) -> {
                    if (failure.isPresent()) {
                        throw new ExecutionException(failure.get());
                    }
                    yield List.of();
                }
            };
        }

        private synchronized void more() {
            subscription.request(1);
        }

        /** Ends the transfer and its connection. */
        synchronized void cancel() {
            isCancelled = true;
            if (subscription != null) {
                subscription.cancel();
            }
        }
    }
}
