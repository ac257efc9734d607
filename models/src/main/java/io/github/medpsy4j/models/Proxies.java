package io.github.medpsy4j.models;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The proxies that the environment names, read as curl does: {@code https_proxy} or {@code http_proxy} by the
 * address's scheme, then {@code all_proxy}; {@code no_proxy} lists hosts and their domains, or {@code *}. Lower case wins.
 */
final class Proxies extends ProxySelector {
    private final Map<String, String> environment;

    Proxies(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public List<Proxy> select(URI uri) {
        return proxyOf(uri)
                .map(p -> new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(p.getHost(), port(p))))
                .map(List::of)
                .orElse(List.of(Proxy.NO_PROXY));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        // The request fails with the same exception.
    }

    /** Returns the value of a {@code Proxy-Authorization} header, where the proxy's address holds a user. */
    Optional<String> authorization(URI uri) {
        return proxyOf(uri)
                .map(URI::getUserInfo)
                .map(user -> "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Returns the proxy for an address.
     *
     * @throws IllegalArgumentException if the environment names one that is no plain HTTP proxy
     */
    Optional<URI> proxyOf(URI uri) {
        if (isExcepted(uri)) {
            return Optional.empty();
        }
        String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
        for (String variable : List.of(scheme + "_proxy", "all_proxy")) {
            String value = value(variable);
            if (!value.isEmpty()) {
                return Optional.of(parse(variable, value));
            }
        }
        return Optional.empty();
    }

    private static URI parse(String variable, String value) {
        // The value is not quoted in messages: it may hold a password.
        try {
            URI proxy = new URI(value.contains("://") ? value : "http://" + value);
            if ("http".equalsIgnoreCase(proxy.getScheme()) && proxy.getHost() != null) {
                return proxy;
            }
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(variable + ": not an address", e);
        }
        throw new IllegalArgumentException(variable + ": not an http:// proxy; other kinds are not supported");
    }

    private boolean isExcepted(URI uri) {
        String host = uri.getHost().toLowerCase(Locale.ROOT);
        for (String entry : value("no_proxy").toLowerCase(Locale.ROOT).split("[, ]+")) {
            String suffix = entry.startsWith("*.") ? entry.substring(2) : entry.replaceFirst("^\\.", "");
            if (suffix.equals("*")) {
                return true;
            }
            boolean isNamed = host.equals(suffix) || suffix.equals(host + ":" + port(uri));
            if (isNamed || (!suffix.isEmpty() && host.endsWith("." + suffix))) {
                return true;
            }
        }
        return false;
    }

    private String value(String variable) {
        String lower = environment.getOrDefault(variable, "").strip();
        return lower.isEmpty()
                ? environment
                        .getOrDefault(variable.toUpperCase(Locale.ROOT), "")
                        .strip()
                : lower;
    }

    static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }
}
