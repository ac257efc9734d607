package io.github.medpsy4j.server;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** Whom the server answers. */
final class Access {
    private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
    private static final String SCHEME = "bearer ";

    private final ServerOptions options;
    private final List<byte[]> keyHashes;

    /** @throws IllegalArgumentException if strangers could reach it without a key, and that was not asked for */
    Access(ServerOptions options) {
        this.options = options;
        this.keyHashes = options.apiKeys().stream().map(Access::hash).toList();
        if (keyHashes.isEmpty() && !options.isOpen() && !isLoopback(options.host())) {
            throw new IllegalArgumentException(
                    "host: " + options.host() + " is reached from other machines, so an API key is needed");
        }
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false; // binding will say so
        }
    }

    /** Refuses a request without a key, if there are keys. */
    void checkKey(Optional<String> authorization) throws ApiError {
        if (keyHashes.isEmpty()) {
            return;
        }
        String given = authorization.orElse("");
        boolean isBearer = given.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        byte[] hash = hash(isBearer ? given.substring(SCHEME.length()).strip() : "");
        boolean isKnown = false;
        for (byte[] key : keyHashes) {
            isKnown |= MessageDigest.isEqual(key, hash); // in the same time for each, whatever is given
        }
        if (!isKnown || !isBearer) {
            throw ApiError.noKey();
        }
    }

    /**
     * Refuses what a browser sends for a page of another origin that is not an allowed one, and, where no key keeps strangers out, requests for
     * another host: see {@link ServerOptions#hostNames}.
     */
    void checkOrigin(String authority, Optional<String> origin) throws ApiError {
        if (origin.isPresent() && !isSame(origin.get(), authority) && !isAllowed(origin.get())) {
            throw ApiError.forbidden("Origin: pages of other origins are not answered");
        }
        String host = hostOf(authority);
        boolean isOwn = host.equals("localhost")
                || host.equals(options.host().toLowerCase(Locale.ROOT))
                || options.hostNames().contains(host)
                || IPV4.matcher(host).matches()
                || host.startsWith("[");
        if (keyHashes.isEmpty() && !isOwn) {
            throw ApiError.forbidden("Host: expected localhost, an IP address or a name of this server");
        }
    }

    /** Whether this origin's pages may read what is answered. */
    boolean isAllowed(String origin) {
        return options.allowedOrigins().contains(origin.toLowerCase(Locale.ROOT));
    }

    private static boolean isSame(String origin, String authority) {
        int scheme = origin.indexOf("://");
        return scheme > 0 && origin.substring(scheme + 3).equalsIgnoreCase(authority);
    }

    private static String hostOf(String authority) {
        String host = authority.toLowerCase(Locale.ROOT);
        int end = host.startsWith("[") ? host.indexOf(']') + 1 : host.indexOf(':');
        String name = end > 0 ? host.substring(0, end) : host;
        return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    }

    private static byte[] hash(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
