package io.github.medpsy4j.cli.remote;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.cli.remote.RemoteException.Kind;
import io.github.medpsy4j.engine.ChatToken;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * A server that speaks OpenAI's API: medpsy's, llama.cpp's, Ollama's, vLLM's or OpenAI's own. A busy one, or one that is
 * loading its model, is waited for. Redirects are not followed, so neither words nor key reach a host that was not named.
 * For any number of threads.
 */
public final class RemoteServer {
    private static final JSON MAPPER = JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES);

    /** What is read of a refusal or of an answer that comes whole. */
    private static final int WHOLE_BYTES_MAX = 16 << 20;

    private static final int MODELS_SHOWN_MAX = 20;
    private static final int TOLD_CHARS_MAX = 300;
    private static final long RETRY_SECONDS_DEFAULT = 2;
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final RemoteAddress address;
    private final RemoteAccess access;

    public RemoteServer(RemoteAddress address, RemoteAccess access) {
        this.address = address;
        this.access = access;
    }

    /** What messages call it. */
    public String name() {
        return address.name();
    }

    public RemoteAddress address() {
        return address;
    }

    /**
     * The names of its models; empty where the server does not tell.
     *
     * @throws RemoteException if it cannot be reached or refuses to say
     */
    public List<String> models() throws RemoteException {
        HttpRequest.Builder request = request("/models").GET();
        Object answer;
        try (Exchange exchange = ask(request, () -> false).orElseThrow(this::stopped)) {
            answer = parsed(wholeBody(exchange));
        } catch (RemoteException e) {
            if (e.kind() == Kind.NOT_THERE) {
                return List.of();
            }
            throw e;
        } catch (Exchange.StoppedException e) {
            throw stopped();
        }
        List<String> names = new ArrayList<>();
        if (answer instanceof Map<?, ?> map && map.get("data") instanceof List<?> list) {
            for (Object each : list) {
                if (each instanceof Map<?, ?> model && model.get("id") instanceof String id && !id.isEmpty()) {
                    names.add(id);
                }
            }
            return names;
        }
        throw new RemoteException(
                Kind.REFUSED,
                name() + ": " + address.resolve("/models").getPath()
                        + " tells no list of models; is that the address of an OpenAI-compatible server?");
    }

    /**
     * Answers a conversation.
     *
     * @param body the request's JSON; that it is answered as a stream is added to it
     * @param listener receives each piece and returns whether to go on; what was said until it refuses is the answer
     * @param isInterrupted asked all the time: whether to end at once, with what has been said
     * @throws RemoteException if there is no answer, or only a part of one
     */
    public RemoteReply complete(Map<String, Object> body, Predicate<ChatToken> listener, BooleanSupplier isInterrupted)
            throws RemoteException {
        StreamedAnswer answer = new StreamedAnswer(name(), this::told, listener);
        HttpRequest.Builder request = request("/chat/completions")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofByteArray(streaming(body)));
        try (Exchange exchange = ask(request, isInterrupted).orElse(null)) {
            if (exchange == null) {
                return answer.interrupted();
            }
            String type = exchange.head()
                    .headers()
                    .firstValue("Content-Type")
                    .orElse("")
                    .toLowerCase(Locale.ROOT);
            if (type.contains("json")) {
                return answer.whole(parsed(wholeBody(exchange)));
            }
            if (!type.isEmpty() && !type.startsWith("text/event-stream")) {
                throw new RemoteException(
                        Kind.REFUSED,
                        name() + ": answers with " + told(type) + "; expected a stream of events. Is "
                                + exchange.address() + " the address of an OpenAI-compatible server?");
            }
            return answer.streamed(exchange);
        } catch (Exchange.StoppedException e) {
            return answer.interrupted();
        } catch (RemoteException e) {
            throw e.kind() == Kind.NO_MODEL ? new RemoteException(Kind.NO_MODEL, e.getMessage() + others(), e) : e;
        }
    }

    /** This thread was interrupted, which nobody does to hear more. */
    private RemoteException stopped() {
        return new RemoteException(Kind.REFUSED, name() + ": interrupted");
    }

    private static byte[] streaming(Map<String, Object> body) {
        Map<String, Object> all = new LinkedHashMap<>(body);
        all.put("stream", true);
        all.put("stream_options", Map.of("include_usage", true));
        try {
            return MAPPER.asString(all).getBytes(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalArgumentException(e); // nothing but maps, lists and values is in it
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(address.resolve(path)).header("User-Agent", "medpsy4j");
        if (!access.key().isEmpty()) {
            request.header("Authorization", "Bearer " + access.key());
        }
        return request;
    }

    /**
     * Asks until somebody is free to answer.
     *
     * @return an exchange whose response is a success; empty if it was interrupted
     */
    private Optional<Exchange> ask(HttpRequest.Builder request, BooleanSupplier isInterrupted) throws RemoteException {
        long start = System.nanoTime();
        String said = "";
        while (true) {
            Exchange exchange = new Exchange(name(), request.build(), access);
            RemoteException refusal;
            long seconds;
            boolean isOpen = false;
            try {
                if (!exchange.begin(isInterrupted)) {
                    return Optional.empty();
                }
                HttpResponse<?> head = exchange.head();
                int status = head.statusCode();
                if (status / 100 == 2) {
                    isOpen = true;
                    return Optional.of(exchange);
                }
                refusal = refusal(exchange);
                if (status != 429 && status != 503) {
                    throw refusal;
                }
                seconds = retrySeconds(head.headers().firstValue("Retry-After").orElse(""));
            } finally {
                if (!isOpen) {
                    exchange.close();
                }
            }
            long leftNanos = access.patience().toNanos() - (System.nanoTime() - start);
            if (TimeUnit.SECONDS.toNanos(seconds) > leftNanos) {
                throw new RemoteException(
                        Kind.GONE,
                        refusal.getMessage() + "; it was waited for long enough (--remote-timeout N waits longer)",
                        refusal);
            }
            String line = refusal.getMessage() + "; asking again in " + seconds + " s";
            if (!line.equals(said)) {
                access.notices().accept(line);
                said = line;
            }
            if (!pause(seconds, isInterrupted)) {
                return Optional.empty();
            }
        }
    }

    private static boolean pause(long seconds, BooleanSupplier isInterrupted) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        try {
            while (System.nanoTime() - end < 0) {
                if (isInterrupted.getAsBoolean()) {
                    return false;
                }
                TimeUnit.NANOSECONDS.sleep(POLL_NANOS);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Seconds or a date (RFC 9110, section 10.2.3); what is neither, or in the past, is a short while. */
    private static long retrySeconds(String header) {
        String value = header.strip();
        if (value.matches("\\d{1,9}")) {
            return Math.max(1, Long.parseLong(value));
        }
        try {
            ZonedDateTime at = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME);
            return Math.max(
                    1, Duration.between(ZonedDateTime.now(at.getZone()), at).toSeconds());
        } catch (DateTimeParseException none) {
            return RETRY_SECONDS_DEFAULT;
        }
    }

    /** What a response says that is no success. */
    private RemoteException refusal(Exchange exchange) throws RemoteException {
        int status = exchange.head().statusCode();
        if (status / 100 == 3) {
            String to = exchange.head()
                    .headers()
                    .firstValue("Location")
                    .map(location -> " to " + told(location.replaceFirst("[?#].*", "")))
                    .orElse("");
            return new RemoteException(
                    Kind.REFUSED,
                    name() + ": redirects" + to
                            + "; nothing was sent there (name that address if it is the right one)");
        }
        Object body = null;
        try {
            exchange.hurry();
            body = parsed(wholeBody(exchange));
        } catch (RemoteException | Exchange.StoppedException unreadable) {
            body = null; // the status says enough
        }
        String said =
                StreamedAnswer.errorOf(body).map(text -> ": " + told(text)).orElse("");
        String code = StreamedAnswer.codeOf(body);
        return switch (status) {
            case 401 ->
                refused(
                        Kind.REFUSED,
                        access.key().isEmpty()
                                ? "asks for a key, which --api-key-file FILE or MEDPSY_API_KEY gives (401)"
                                : "does not take the key (401)",
                        said);
            case 403 -> refused(Kind.REFUSED, "does not allow it (403)", said);
            case 404 -> {
                boolean isModel = code.equals("model_not_found")
                        || said.toLowerCase(Locale.ROOT).matches("(?s).*\\bmodel\\b.*not found.*");
                yield isModel
                        ? refused(Kind.NO_MODEL, "has no model of that name (404)", said)
                        : refused(
                                Kind.NOT_THERE,
                                "has nothing at " + exchange.address().getPath() + " (404)",
                                said);
            }
            case 405, 501 ->
                refused(Kind.NOT_THERE, "does not offer " + exchange.address().getPath(), said);
            case 413 -> refused(Kind.REFUSED, "does not take a conversation of this size (413)", said);
            case 429 -> refused(Kind.GONE, "is busy (429)", said);
            case 503 -> refused(Kind.GONE, "is not ready (503)", said);
            default -> {
                boolean isFull = code.equals("context_length_exceeded") || code.equals("exceed_context_size_error");
                yield isFull
                        ? refused(Kind.CONTEXT_FULL, "has a context that the conversation does not fit", said)
                        : status >= 500
                                ? refused(Kind.FAILED, "failed (" + status + ")", said)
                                : refused(Kind.REFUSED, "refuses the request (" + status + ")", said);
            }
        };
    }

    private RemoteException refused(Kind kind, String what, String said) {
        return new RemoteException(kind, name() + ": " + what + said);
    }

    /** The models that could be named instead. */
    private String others() {
        try {
            return listed(models());
        } catch (RemoteException e) {
            return ""; // the failure that asked for them is told
        }
    }

    /** The names for a message; empty for none. */
    public String listed(List<String> names) {
        return names.isEmpty()
                ? ""
                : "; it has " + told(String.join(", ", names.subList(0, Math.min(names.size(), MODELS_SHOWN_MAX))))
                        + (names.size() > MODELS_SHOWN_MAX
                                ? " and " + (names.size() - MODELS_SHOWN_MAX) + " more"
                                : "");
    }

    private static byte[] wholeBody(Exchange exchange) throws RemoteException, Exchange.StoppedException {
        return exchange.readAll(WHOLE_BYTES_MAX);
    }

    /** The JSON, or null where it is none. */
    private static Object parsed(byte[] body) {
        try {
            return body.length == 0 ? null : MAPPER.anyFrom(body);
        } catch (IOException e) {
            return null;
        }
    }

    /** What a server says, for a line: short, and without the key, which some repeat. */
    private String told(String text) {
        String keyless = access.key().isEmpty() ? text : text.replace(access.key(), "…");
        return keyless.length() <= TOLD_CHARS_MAX ? keyless : keyless.substring(0, TOLD_CHARS_MAX) + "…";
    }
}
