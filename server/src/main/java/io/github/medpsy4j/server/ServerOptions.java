package io.github.medpsy4j.server;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;

/**
 * Where a {@link Server} listens, whom it answers, and its bounds.
 *
 * @param host the address that it listens at: a name or an IP address
 * @param port the port; 0 for a free one
 * @param apiKeys keys, one of which a request must bring as {@code Authorization: Bearer KEY}; empty for none
 * @param isOpen whether it may listen at other addresses than the loopback without a key
 * @param hostNames names under which it is reached, beside {@code localhost}, {@code host} and IP addresses. Without a
 *     key, requests that name another host are refused: the page of a stranger whose name was made to point here sends
 *     them
 * @param allowedOrigins origins beside its own whose pages may use it from a browser, as {@code https://app.example};
 *     others are refused
 * @param bodyBytesMax the most bytes of a request's body
 * @param headerBytesMax the most bytes of a request's headers
 * @param connectionsMax the most connections at a time
 * @param maxTokens the most tokens of an answer that may be asked for; 0 for no bound but the context
 * @param timeMax how long a request may take, its wait included; then its answer ends as it is, for {@code length}
 * @param clientTimeMax how long the server waits for a client: for the rest of a request that has begun, for the next one
 *     on a connection, for what it writes to be taken; then it closes the connection
 * @param tls what connections are encrypted with, see {@link TlsFiles}; empty for none
 * @param log receives a line for each request, never with text of a prompt or an answer
 */
public record ServerOptions(
        String host,
        int port,
        List<String> apiKeys,
        boolean isOpen,
        Set<String> hostNames,
        Set<String> allowedOrigins,
        int bodyBytesMax,
        int headerBytesMax,
        int connectionsMax,
        int maxTokens,
        Duration timeMax,
        Duration clientTimeMax,
        Optional<SSLContext> tls,
        Consumer<String> log) {
    private static final Duration DURATION_MAX = Duration.ofDays(24);

    private static final Pattern ORIGIN = Pattern.compile("[a-z][a-z0-9+.-]*://[^/\\s*?#@]+");

    /** Refuses values out of range, by name. */
    public ServerOptions {
        apiKeys = List.copyOf(apiKeys);
        hostNames = lowerCase(hostNames);
        allowedOrigins = lowerCase(allowedOrigins);
        for (String origin : allowedOrigins) {
            if (!ORIGIN.matcher(origin).matches()) {
                throw new IllegalArgumentException(
                        "allow-origin: expected one as https://app.example or http://localhost:3000, got " + origin);
            }
        }
        Objects.requireNonNull(log);
        if (host.isBlank()) {
            throw new IllegalArgumentException("host: expected a name or an address, got an empty text");
        }
        if (apiKeys.contains("")) {
            throw new IllegalArgumentException("api-key: expected a text, got an empty one");
        }
        check("port", port, 0, 65_535);
        check("body", bodyBytesMax, 1024, 1 << 30);
        check("header", headerBytesMax, 1024, 1 << 20);
        check("connections", connectionsMax, 1, 1 << 20);
        check("max-tokens", maxTokens, 0, Integer.MAX_VALUE);
        check("time", timeMax);
        check("client time", clientTimeMax);
    }

    private static Set<String> lowerCase(Set<String> names) {
        return names.stream().map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toUnmodifiableSet());
    }

    private static void check(String name, Duration value) {
        if (!value.isPositive() || value.compareTo(DURATION_MAX) > 0) {
            throw new IllegalArgumentException(
                    name + ": expected above 0 and at most " + DURATION_MAX.toDays() + " days, got " + value);
        }
    }

    private static void check(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + ": expected " + min + " to " + max + ", got " + value);
        }
    }

    /**
     * The loopback's port 8080 without a key, bodies of 4 MiB, headers of 16 KiB, 256 connections, no bound of tokens,
     * ten minutes, a minute for the client.
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the options. */
    public static final class Builder {
        private String host = "127.0.0.1";
        private int port = 8080;
        private List<String> apiKeys = List.of();
        private boolean isOpen;
        private Set<String> hostNames = Set.of();
        private Set<String> allowedOrigins = Set.of();
        private int bodyBytesMax = 4 << 20;
        private int headerBytesMax = 16 << 10;
        private int connectionsMax = 256;
        private int maxTokens;
        private Duration timeMax = Duration.ofMinutes(10);
        private Duration clientTimeMax = Duration.ofSeconds(60);
        private Optional<SSLContext> tls = Optional.empty();
        private Consumer<String> log = line -> {};

        private Builder() {}

        public Builder host(String value) {
            host = value;
            return this;
        }

        public Builder port(int value) {
            port = value;
            return this;
        }

        public Builder apiKeys(List<String> value) {
            apiKeys = value;
            return this;
        }

        public Builder isOpen(boolean value) {
            isOpen = value;
            return this;
        }

        public Builder hostNames(Set<String> value) {
            hostNames = value;
            return this;
        }

        public Builder allowedOrigins(Set<String> value) {
            allowedOrigins = value;
            return this;
        }

        public Builder bodyBytesMax(int value) {
            bodyBytesMax = value;
            return this;
        }

        public Builder headerBytesMax(int value) {
            headerBytesMax = value;
            return this;
        }

        public Builder connectionsMax(int value) {
            connectionsMax = value;
            return this;
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
            return this;
        }

        public Builder timeMax(Duration value) {
            timeMax = value;
            return this;
        }

        public Builder clientTimeMax(Duration value) {
            clientTimeMax = value;
            return this;
        }

        public Builder tls(SSLContext value) {
            tls = Optional.of(value);
            return this;
        }

        public Builder log(Consumer<String> value) {
            log = value;
            return this;
        }

        /** @throws IllegalArgumentException if a value is out of its range; the message names it */
        public ServerOptions build() {
            return new ServerOptions(
                    host,
                    port,
                    apiKeys,
                    isOpen,
                    hostNames,
                    allowedOrigins,
                    bodyBytesMax,
                    headerBytesMax,
                    connectionsMax,
                    maxTokens,
                    timeMax,
                    clientTimeMax,
                    tls,
                    log);
        }
    }
}
