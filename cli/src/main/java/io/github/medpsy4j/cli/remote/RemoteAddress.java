package io.github.medpsy4j.cli.remote;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Where a server is.
 *
 * @param api the address that {@code /chat/completions} is appended to; without a slash at its end
 */
public record RemoteAddress(URI api) {
    /** A path that says which version it is of: {@code /v1}, {@code /openai/v1}, {@code /v1beta/openai}. */
    private static final Pattern VERSIONED = Pattern.compile("(.*/)?v\\d+(alpha|beta)?\\d*(/.*)?");

    private static final int PORT_MAX = 65_535;

    /**
     * Reads what a user wrote: {@code desktop:8080}, {@code https://desktop}, with or without {@code /v1}.
     *
     * @throws IllegalArgumentException if it is no such address; the message says what is wrong with it
     */
    public static RemoteAddress parse(String text) {
        String stripped = text.strip();
        URI uri;
        try {
            uri = new URI(stripped.contains("://") ? stripped : "http://" + stripped);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("expected an address such as http://desktop:8080, got one that is none");
        }
        String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
        if (!scheme.equals("http") && !scheme.equals("https")) {
            throw new IllegalArgumentException("expected http:// or https://, got " + scheme + "://");
        }
        if (uri.getRawUserInfo() != null) {
            throw new IllegalArgumentException(
                    "expected an address without a user or key in it; --api-key-file FILE or MEDPSY_API_KEY has the key");
        }
        if (uri.getHost() == null || uri.getPort() == 0 || uri.getPort() > PORT_MAX) {
            throw new IllegalArgumentException("expected an address such as http://desktop:8080, got " + stripped
                    + (stripped.contains("_") ? " (a host's name has letters, digits, '-' and '.')" : ""));
        }
        if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
            throw new IllegalArgumentException("expected an address without '?' and '#', got " + stripped);
        }
        String path = uri.getRawPath()
                .replaceFirst("/+$", "")
                .replaceFirst("/chat/completions$", "")
                .replaceFirst("/+$", "");
        String versioned = VERSIONED.matcher(path).matches() ? path : path + "/v1";
        String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
        return new RemoteAddress(URI.create(scheme + "://" + uri.getHost() + port + versioned));
    }

    /** What messages call it: {@code desktop:8080}. */
    public String name() {
        return nameOf(api);
    }

    /** Host and, where it is not the scheme's, port. */
    static String nameOf(URI uri) {
        return uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
    }

    /** Whether what is said is encrypted on the way. */
    public boolean isTls() {
        return api.getScheme().equals("https");
    }

    /** Whether it is this machine itself, so that nothing goes over a wire. */
    public boolean isLoopback() {
        try {
            return InetAddress.getByName(api.getHost()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false; // asking it will say so
        }
    }

    URI resolve(String path) {
        return URI.create(api + path);
    }
}
