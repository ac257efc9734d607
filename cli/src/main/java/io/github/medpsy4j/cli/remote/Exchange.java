package io.github.medpsy4j.cli.remote;

import io.github.medpsy4j.cli.remote.RemoteException.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertPathBuilderException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLException;

/**
 * One request and its response, on a connection of its own: the next request never meets one that the server has closed
 * meanwhile, and closing ends whatever goes on. All waiting is bounded and can be interrupted. For one thread.
 */
final class Exchange implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final long POLL_MILLIS = 50;

    /** A server that says now and then that it is still there is gone when it has said nothing for this long. */
    private static final Duration SHORT_SILENCE = Duration.ofSeconds(30);

    /** The request was interrupted; what came until then counts. */
    static final class StoppedException extends IOException {
        private static final long serialVersionUID = 1;
    }

    private final String name;
    private final HttpRequest request;
    private final HttpClient client;
    private Duration silence;
    private BooleanSupplier isInterrupted = () -> false;
    private HttpResponse<Flow.Publisher<List<ByteBuffer>>> head;
    private Body body;

    Exchange(String name, HttpRequest request, RemoteAccess access) {
        this.name = name;
        this.request = request;
        this.silence = access.patience();
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(CONNECT);
        access.trust().ifPresent(builder::sslContext);
        client = builder.build();
    }

    URI address() {
        return request.uri();
    }

    /**
     * Sends the request and waits for the response's head.
     *
     * @return false if it was interrupted
     * @throws RemoteException if none came
     */
    boolean begin(BooleanSupplier interruption) throws RemoteException {
        isInterrupted = interruption;
        CompletableFuture<HttpResponse<Flow.Publisher<List<ByteBuffer>>>> coming =
                client.sendAsync(request, BodyHandlers.ofPublisher());
        long start = System.nanoTime();
        while (true) {
            try {
                head = coming.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
                body = new Body();
                head.body().subscribe(body);
                return true;
            } catch (TimeoutException notYet) {
                if (isInterrupted.getAsBoolean()) {
                    return false;
                }
                checkSilence(start);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            } catch (ExecutionException e) {
                throw failure(e.getCause());
            }
        }
    }

    HttpResponse<?> head() {
        return head;
    }

    /** The response's bytes as they come; a wait that is interrupted throws {@link StoppedException}. */
    InputStream body() {
        return body;
    }

    /** Whether anything of the body has come. */
    boolean hasBytes() {
        return body.hasBytes;
    }

    /** What is awaited needs no computing, or the server says that it is there: it is missed sooner. */
    void hurry() {
        silence = silence.compareTo(SHORT_SILENCE) < 0 ? silence : SHORT_SILENCE;
    }

    /** All of the body, of which more than the bound is a failure. */
    byte[] readAll(int bytesMax) throws RemoteException, StoppedException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        try {
            for (int count; (count = body.read(buffer)) >= 0; ) {
                if (all.size() + count > bytesMax) {
                    throw new RemoteException(
                            Kind.REFUSED, name + ": answers with more than " + bytesMax + " bytes at once");
                }
                all.write(buffer, 0, count);
            }
        } catch (StoppedException e) {
            throw e;
        } catch (IOException e) {
            throw failure(e);
        }
        return all.toByteArray();
    }

    private void checkSilence(long sinceNanos) throws RemoteException {
        if (System.nanoTime() - sinceNanos > silence.toNanos()) {
            throw new RemoteException(
                    Kind.GONE,
                    name + ": nothing has come for " + silence.toSeconds() + " s"
                            + (silence.equals(SHORT_SILENCE) ? "" : " (--remote-timeout N waits longer)"));
        }
    }

    /** What went wrong with the connection, for people. */
    RemoteException failure(Throwable e) {
        if (e instanceof RemoteException told) {
            return told;
        }
        String what;
        if (find(e, HttpConnectTimeoutException.class).isPresent()) {
            what = "no connection within " + CONNECT.toSeconds() + " s";
        } else if (find(e, UnresolvedAddressException.class).isPresent()
                || find(e, UnknownHostException.class).isPresent()) {
            what = "no such host";
        } else if (find(e, SSLException.class).isPresent()) {
            what = tls(find(e, SSLException.class).get());
        } else if (find(e, ConnectException.class).isPresent()) {
            String reason = find(e, ConnectException.class).get().getMessage();
            what = "cannot be reached" + (reason == null ? ": nothing listens there" : ": " + reason);
        } else if (find(e, ProtocolException.class).isPresent()) {
            what = "does not speak HTTP" + (isTls() ? "" : " (does it expect https://?)");
        } else {
            what = head == null
                    ? "closed the connection without an answer" + (isTls() ? "" : " (does it expect https://?)")
                    : "the connection broke in the middle of the answer";
        }
        return new RemoteException(Kind.GONE, name + ": " + what, e);
    }

    private boolean isTls() {
        return request.uri().getScheme().equals("https");
    }

    private static String tls(SSLException e) {
        String message = String.valueOf(e.getMessage());
        if (find(e, CertPathBuilderException.class).isPresent() || message.contains("PKIX")) {
            return "its certificate is not from an authority that is trusted here (--ca-file PEM trusts another)";
        }
        if (message.contains("subject alternative") || message.contains("No name matching")) {
            return "its certificate is for another name: " + message;
        }
        if (message.contains("Unsupported or unrecognized SSL message")) {
            return "does not speak TLS (does it expect http://?)";
        }
        return "TLS failed: " + message;
    }

    private static <T extends Throwable> Optional<T> find(Throwable e, Class<T> type) {
        for (Throwable each = e; each != null; each = each.getCause()) {
            if (type.isInstance(each)) {
                return Optional.of(type.cast(each));
            }
        }
        return Optional.empty();
    }

    /** Ends the request, if it goes on, and closes the connection. */
    @Override
    public void close() {
        client.shutdownNow();
    }

    /** The body as it comes: an item of it at a time is asked for. */
    private final class Body extends InputStream implements Flow.Subscriber<List<ByteBuffer>> {
        /** Stands behind the last bytes. */
        private record End() {}

        /** What came: buffers, behind those of an item the item itself, and at last an End or a Throwable. */
        private final BlockingQueue<Object> items = new LinkedBlockingQueue<>();

        private volatile Flow.Subscription subscription;
        private ByteBuffer current = ByteBuffer.allocate(0);
        private boolean hasBytes;

        @Override
        public void onSubscribe(Flow.Subscription value) {
            subscription = value;
            value.request(1);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            for (ByteBuffer buffer : buffers) {
                if (buffer.hasRemaining()) {
                    items.add(buffer);
                }
            }
            items.add(buffers);
        }

        @Override
        public void onError(Throwable e) {
            items.add(e);
        }

        @Override
        public void onComplete() {
            items.add(new End());
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (!fill()) {
                return -1;
            }
            int count = Math.min(length, current.remaining());
            current.get(bytes, offset, count);
            return count;
        }

        /** Waits for bytes; false at the end. */
        private boolean fill() throws IOException {
            long start = System.nanoTime();
            while (!current.hasRemaining()) {
                if (isInterrupted.getAsBoolean()) {
                    throw new StoppedException();
                }
                Object item;
                try {
                    item = items.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new StoppedException();
                }
                switch (item) {
                    case null -> checkSilence(start);
                    case End end -> {
                        items.add(end); // for whoever asks again
                        return false;
                    }
                    case ByteBuffer buffer -> {
                        current = buffer;
                        hasBytes = true;
                    }
                    case Throwable e -> throw new IOException(e);
                    default -> subscription.request(1); // the list that has been read
                }
            }
            return true;
        }
    }
}
