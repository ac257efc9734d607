package io.github.medpsy4j.models;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    private static final String ETAG_NOTE = "etag ";
    private static final int PARTIAL_CONTENT = 206;
    private static final int RANGE_NOT_SATISFIABLE = 416;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

    private final ModelFile file;
    private final Source.HuggingFace source;
    private final PartFile part;
    private final PullListener listener;
    private final Timing timing;
    private final Hub hub;

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
        this.timing = timing;
        this.hub = new Hub(environment, timing);
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
        URI endpoint = hub.fileAddress(source.repo(), source.revision(), source.pathOf(file));
        HttpClient client = hub.client();
        try {
            listener.started(file, source, part.length(), file.sizeBytes());
            long furthest = part.length();
            int failures = 0;
            while (!part.isFull()) {
                try {
                    attempt(client, endpoint);
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
        Duration wait = timing.waitAfter(failures, e.serverWait);
        listener.retrying(e.getMessage(), failures + 1, timing.attemptsMax(), wait);
        try {
            Thread.sleep(wait);
        } catch (InterruptedException i) {
            throw Hub.interrupted(i);
        }
    }

    // The request.

    private void attempt(HttpClient client, URI endpoint) throws IOException, RetryException {
        URI address = endpoint;
        for (int hop = 0; hop <= Hub.REDIRECTS_MAX; hop++) {
            HttpResponse<Flow.Publisher<List<ByteBuffer>>> response = ask(client, address);
            int status = response.statusCode();
            if (status == 200 || status == PARTIAL_CONTENT) {
                receive(response, address);
                return;
            }
            discard(response);
            if (status < 300
                    || status > 399
                    || response.headers().firstValue("Location").isEmpty()) {
                throw refused(response, address);
            }
            address = Hub.redirected(
                    address, response.headers().firstValue("Location").get());
        }
        throw new SourceUnavailableException(Hub.shown(endpoint) + ": more than " + Hub.REDIRECTS_MAX + " redirects");
    }

    private HttpResponse<Flow.Publisher<List<ByteBuffer>>> ask(HttpClient client, URI address)
            throws IOException, RetryException {
        HttpRequest request = request(address);
        Duration patience = hasBytes ? timing.stall() : timing.answer();
        // Not HttpRequest.timeout: newer JDKs count the body's time in it.
        CompletableFuture<HttpResponse<Flow.Publisher<List<ByteBuffer>>>> answer =
                client.sendAsync(request, BodyHandlers.ofPublisher());
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw unreached(Hub.shown(address) + ": no answer within " + Hub.seconds(patience), e, false);
        } catch (InterruptedException e) {
            answer.cancel(true);
            throw Hub.interrupted(e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            boolean mayPass = !(cause instanceof ConnectException
                    || cause instanceof HttpConnectTimeoutException
                    || cause instanceof SSLException);
            throw unreached(Hub.shown(address) + ": " + Hub.reason(cause), cause, mayPass);
        }
    }

    private HttpRequest request(URI address) throws IOException {
        HttpRequest.Builder request = hub.request(address);
        if (part.length() > 0) {
            request.header("Range", "bytes=" + part.length() + "-");
            Optional<String> etag = etagNoted();
            if (etag.isPresent()) {
                request.header("If-Range", etag.get());
            }
        }
        return request.build();
    }

    /** Before the first byte came, a host that cannot be reached ends the source: the user waits for words. */
    private RetryException unreached(String message, Throwable cause, boolean mayPass)
            throws SourceUnavailableException {
        if (!hasBytes && !mayPass) {
            throw new SourceUnavailableException(message, cause);
        }
        return new RetryException(message, cause, Duration.ZERO);
    }

    // The answer.

    private IOException refused(HttpResponse<Flow.Publisher<List<ByteBuffer>>> response, URI address)
            throws IOException, RetryException {
        int status = response.statusCode();
        String message = Hub.shown(address) + ": HTTP " + status;
        if (status == RANGE_NOT_SATISFIABLE && part.length() > 0) {
            part.restart(); // what is here does not fit what is there
            throw new RetryException(message + ", cannot go on; starts over", null, Duration.ZERO);
        }
        message += ", " + hub.meaning(status, response.headers(), source.repo());
        if (Hub.PASSING_FAULTS.contains(status)) {
            throw new RetryException(message, null, Hub.retryAfter(response.headers()));
        }
        return new SourceUnavailableException(message);
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
                    broken(address, "brought nothing for " + Hub.seconds(timing.stall())), e, Duration.ZERO);
        } catch (ExecutionException e) {
            throw new RetryException(broken(address, Hub.reason(e.getCause())), e.getCause(), Duration.ZERO);
        } catch (InterruptedException e) {
            throw Hub.interrupted(e);
        } finally {
            body.cancel();
        }
    }

    private String broken(URI address, String how) {
        return Hub.shown(address) + ": " + how + " at byte " + part.length() + " of " + file.sizeBytes();
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
                throw new SourceUnavailableException(Hub.shown(address) + ": wrong Content-Range; expected bytes "
                        + part.length() + "-" + (file.sizeBytes() - 1) + "/" + file.sizeBytes() + ", got "
                        + FileNames.printable(range));
            }
            return;
        }
        long announced = response.headers().firstValueAsLong("Content-Length").orElse(file.sizeBytes());
        if (announced != file.sizeBytes()) {
            throw new SourceUnavailableException(Hub.shown(address) + ": wrong length; expected " + file.sizeBytes()
                    + " bytes, announced " + announced);
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
