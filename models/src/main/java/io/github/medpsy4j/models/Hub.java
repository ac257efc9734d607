package io.github.medpsy4j.models;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * Hugging Face, or the mirror that {@code HF_ENDPOINT} names: its addresses, its headers, and what its answers mean.
 * The token of {@code HF_TOKEN} goes to the endpoint's own scheme, host and port, and nowhere else: files come from
 * other hosts, by redirects whose addresses carry signatures.
 */
final class Hub {
    static final int REDIRECTS_MAX = 10;
    static final Set<Integer> PASSING_FAULTS = Set.of(408, 429, 500, 502, 503, 504);
    private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final int METADATA_BYTES_MAX = 1 << 25; // the largest repositories' listings take a few megabytes
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private final Map<String, String> environment;
    private final Timing timing;
    private final Proxies proxies;

    Hub(Map<String, String> environment, Timing timing) {
        this.environment = environment;
        this.timing = timing;
        this.proxies = new Proxies(environment);
    }

    /**
     * A repository at a revision.
     *
     * @param commit what the revision stands for now; an empty text where the hub does not tell
     */
    record Listing(String commit, List<HubFile> files) {}

    // Addresses.

    private String endpoint() throws SourceUnavailableException {
        String own = environment.getOrDefault("HF_ENDPOINT", "").strip();
        String text = (own.isEmpty() ? DEFAULT_ENDPOINT : own).replaceFirst("/+$", "");
        try {
            if (isHttp(new URI(text))) {
                return text;
            }
            throw new SourceUnavailableException("HF_ENDPOINT: not an http or https address");
        } catch (URISyntaxException e) {
            throw new SourceUnavailableException("HF_ENDPOINT: not an http or https address", e);
        }
    }

    /** Returns the address of a file's bytes. */
    URI fileAddress(String repo, String revision, String path) throws SourceUnavailableException {
        StringBuilder address = new StringBuilder(endpoint() + "/" + repo + "/resolve/" + encoded(revision));
        for (String segment : path.split("/")) {
            address.append('/').append(encoded(segment));
        }
        return URI.create(address.toString());
    }

    /** Percent-encodes a segment of a path (RFC 3986, section 3.3). */
    private static String encoded(String segment) {
        StringBuilder out = new StringBuilder();
        for (byte b : segment.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean isPlain = (c < 128 && Character.isLetterOrDigit(c)) || "-._~+@=,;!$&'()".indexOf(c) >= 0;
            if (isPlain) {
                out.append(c);
            } else {
                out.append(String.format(Locale.ROOT, "%%%02X", (int) c));
            }
        }
        return out.toString();
    }

    private static boolean isHttp(URI uri) {
        return uri.getHost() != null
                && uri.getUserInfo() == null
                && ("http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme()));
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

    /** Returns the address for people: without a query, which may hold a signature. */
    static String shown(URI address) {
        String port = address.getPort() < 0 ? "" : ":" + address.getPort();
        return address.getScheme() + "://" + address.getHost() + port + address.getPath();
    }

    // Requests.

    private String token() throws SourceUnavailableException {
        String token = environment.getOrDefault("HF_TOKEN", "").strip();
        if (token.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new SourceUnavailableException("HF_TOKEN: holds a character that no token has");
        }
        return token;
    }

    HttpClient client() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(timing.connect())
                .proxy(proxies)
                .build();
    }

    /** Begins a request, with what this address may be told. */
    HttpRequest.Builder request(URI address) throws SourceUnavailableException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(address).header("User-Agent", "medpsy4j").header("Accept-Encoding", "identity");
        String token = token();
        if (!token.isEmpty() && isSameOrigin(address, URI.create(endpoint()))) {
            request.header("Authorization", "Bearer " + token);
        }
        try {
            proxies.authorization(address).ifPresent(value -> request.header("Proxy-Authorization", value));
        } catch (IllegalArgumentException e) {
            throw new SourceUnavailableException(e.getMessage(), e);
        }
        return request;
    }

    /** Lists the GGUF files of a repository. */
    Listing list(HubRef ref, PullListener listener) throws IOException {
        URI address = URI.create(endpoint() + "/api/models/" + ref.repo() + "/revision/" + encoded(ref.revisionOrMain())
                + "?blobs=true");
        HttpResponse<byte[]> response = ask("GET", address, ref.repo(), listener);
        Object answer;
        try {
            answer = Json.parse(new String(response.body(), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            throw new SourceUnavailableException(shown(address) + ": " + e.getMessage(), e);
        }
        List<HubFile> files = new ArrayList<>();
        for (Object sibling : Json.list(answer, "siblings")) {
            String path = Json.text(sibling, "rfilename");
            Object lfs = Json.get(sibling, "lfs");
            String sha256 = Json.text(lfs, "sha256");
            long size = Json.number(lfs, "size");
            if (path.toLowerCase(Locale.ROOT).endsWith(".gguf")) {
                files.add(new HubFile(
                        path,
                        size > 0 ? size : Json.number(sibling, "size"),
                        SHA256.matcher(sha256).matches() ? sha256 : ""));
            }
        }
        return new Listing(Json.text(answer, "sha"), files);
    }

    /**
     * Asks what a file is: {@code X-Linked-Size}, {@code X-Linked-Etag} (the sha256 of a large file) and
     * {@code X-Repo-Commit}, which the endpoint itself gives with its redirect to the bytes.
     */
    Listing describe(HubRef ref, PullListener listener) throws IOException {
        URI address = fileAddress(ref.repo(), ref.revisionOrMain(), ref.path());
        HttpHeaders headers = ask("HEAD", address, ref.repo(), listener).headers();
        String etag = headers.firstValue("X-Linked-Etag")
                .or(() -> headers.firstValue("ETag"))
                .orElse("")
                .replaceFirst("^W/", "")
                .replace("\"", "");
        long size = headers.firstValue("X-Linked-Size")
                .or(() -> headers.firstValue("Content-Length"))
                .filter(v -> v.matches("\\d{1,18}"))
                .map(Long::parseLong)
                .orElse(-1L);
        String commit = headers.firstValue("X-Repo-Commit").orElse("");
        if (size > 0 && SHA256.matcher(etag).matches()) {
            return new Listing(commit, List.of(new HubFile(ref.path(), size, etag)));
        }
        // A mirror that leaves the headers out may still give the listing.
        Listing all = list(ref, listener);
        return new Listing(all.commit(), ref.among(all.files()));
    }

    /** Asks until there is an answer, along redirects that tell nothing of the file themselves. */
    private HttpResponse<byte[]> ask(String method, URI start, String repo, PullListener listener) throws IOException {
        HttpClient client = client();
        try {
            URI address = start;
            int failures = 0;
            for (int hop = 0; hop <= REDIRECTS_MAX; ) {
                HttpResponse<byte[]> response = once(client, method, address);
                HttpHeaders headers = response.headers();
                int status = response.statusCode();
                Optional<String> location = headers.firstValue("Location");
                boolean isRedirect = status >= 300 && status < 400 && location.isPresent();
                if (status == 200
                        || (isRedirect && headers.firstValue("X-Linked-Etag").isPresent())) {
                    return response;
                }
                if (isRedirect) {
                    address = redirected(address, location.get());
                    hop++;
                    continue;
                }
                String message = shown(address) + ": HTTP " + status + ", " + meaning(status, headers, repo);
                failures++;
                if (!PASSING_FAULTS.contains(status) || failures >= timing.attemptsMax()) {
                    throw new SourceUnavailableException(message);
                }
                Duration wait = timing.waitAfter(failures, retryAfter(headers));
                listener.retrying(message, failures + 1, timing.attemptsMax(), wait);
                Thread.sleep(wait);
            }
            throw new SourceUnavailableException(shown(start) + ": more than " + REDIRECTS_MAX + " redirects");
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            client.shutdownNow();
        }
    }

    private HttpResponse<byte[]> once(HttpClient client, String method, URI address)
            throws IOException, InterruptedException {
        HttpRequest request = request(address)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        CompletableFuture<HttpResponse<byte[]>> answer =
                client.sendAsync(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), METADATA_BYTES_MAX));
        try {
            return answer.get(timing.stall().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new SourceUnavailableException(shown(address) + ": no answer within " + seconds(timing.stall()), e);
        } catch (ExecutionException e) {
            throw new SourceUnavailableException(shown(address) + ": " + reason(e.getCause()), e.getCause());
        }
    }

    // Answers.

    /** Says what a status means; the hub's own code for the error, where it gives one, tells most. */
    String meaning(int status, HttpHeaders headers, String repo) {
        boolean hasToken = !environment.getOrDefault("HF_TOKEN", "").isBlank();
        boolean isOwnHost = environment.getOrDefault("HF_ENDPOINT", "").isBlank();
        String code = headers.firstValue("X-Error-Code").orElse("");
        return switch (code) {
            case "GatedRepo" ->
                hasToken
                        ? "access refused: its terms must be accepted on the hub by the owner of the token in HF_TOKEN"
                        : "access refused: its terms must be accepted on the hub, and HF_TOKEN set to a token";
            case "RepoNotFound" ->
                "no repository " + repo
                        + (hasToken ? " that the token in HF_TOKEN may see" : "; if it is private, set HF_TOKEN");
            case "RevisionNotFound" -> "no such revision in " + repo;
            case "EntryNotFound" -> "no such file in " + repo;
            default ->
                switch (status) {
                    case 401, 403 ->
                        hasToken
                                ? "access refused with the token in HF_TOKEN"
                                : "access refused; if the file needs a token, set HF_TOKEN";
                    case 404 -> isOwnHost ? "not found" : "not found; does the host in HF_ENDPOINT have " + repo + "?";
                    case 429 -> "too many requests";
                    default -> PASSING_FAULTS.contains(status) ? "the server has a fault" : "unexpected";
                };
        };
    }

    static Duration retryAfter(HttpHeaders headers) {
        return headers.firstValue("Retry-After")
                .filter(v -> v.matches("\\d{1,6}")) // it may also be a date, which is left to our own waits
                .map(v -> Duration.ofSeconds(Long.parseLong(v)))
                .orElse(Duration.ZERO);
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

    static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.3g s", duration.toMillis() / 1e3);
    }

    static InterruptedIOException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        InterruptedIOException io = new InterruptedIOException("interrupted");
        io.initCause(e);
        return io;
    }
}
