package io.github.medpsy4j.server;

import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * The files beside this class in {@code web}, without a key: {@code /} is the first of them, each stands at its own name
 * too. They load nothing from elsewhere, and no other page may frame them.
 */
final class WebFiles {
    private static final List<String> FILES = List.of(
            "index.html",
            "icon.svg",
            "style.css",
            "theme.js",
            "app.js",
            "api.js",
            "conversations.js",
            "document.js",
            "markdown.js",
            "messages.js",
            "run.js",
            "settings.js",
            "store.js");

    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml");

    /** Trusted types without a policy: no script can make HTML of a text. */
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            + "require-trusted-types-for 'script'; trusted-types 'none'";

    void addTo(Routes routes) {
        routes.get("/", exchange -> send(exchange, FILES.getFirst())).open().always();
        for (String name : FILES) {
            routes.get("/" + name, exchange -> send(exchange, name)).open().always();
        }
    }

    private static void send(Exchange exchange, String name) throws IOException {
        String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
        byte[] bytes = read(name);
        String tag = '"' + hash(bytes) + '"';
        exchange.header(HeaderNames.ETAG, tag);
        exchange.header(HeaderNames.create("Content-Security-Policy"), POLICY);
        exchange.header(HeaderNames.create("X-Content-Type-Options"), "nosniff");
        exchange.header(HeaderNames.create("Referrer-Policy"), "no-referrer");
        exchange.header(HeaderNames.CACHE_CONTROL, "no-cache");
        if (exchange.requestHeader(HeaderNames.IF_NONE_MATCH)
                .filter(tag::equals)
                .isPresent()) {
            exchange.send(304, type, new byte[0]);
        } else {
            exchange.send(200, type, bytes);
        }
    }

    private static byte[] read(String name) throws IOException {
        try (InputStream in = WebFiles.class.getResourceAsStream("web/" + name)) {
            return in.readAllBytes();
        }
    }

    private static String hash(byte[] bytes) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
