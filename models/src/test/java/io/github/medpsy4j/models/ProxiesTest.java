package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ProxiesTest {
    private static final Map<String, String> BOTH = Map.of(
            "https_proxy",
            "http://lower:1",
            "HTTPS_PROXY",
            "http://upper:2",
            "HTTP_PROXY",
            "plain",
            "ALL_PROXY",
            "all:9");

    private static String proxyOf(Map<String, String> environment, String uri) {
        return new Proxies(environment)
                .proxyOf(URI.create(uri))
                .map(URI::toString)
                .orElse("none");
    }

    @Test
    void choosesBySchemeAndLowerCaseWins() {
        assertEquals("http://lower:1", proxyOf(BOTH, "https://host/x"));
        assertEquals("http://plain", proxyOf(BOTH, "http://host/x"));
        assertEquals("http://all:9", proxyOf(Map.of("ALL_PROXY", "all:9"), "https://host"));
        assertEquals("none", proxyOf(Map.of("HTTP_PROXY", "plain"), "https://host"));
        assertEquals("none", proxyOf(Map.of("https_proxy", " "), "https://host"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "*|host.org|none",
                "host.org|host.org|none",
                "host.org|Sub.Host.org|none",
                ".host.org|sub.host.org|none",
                "*.host.org|sub.host.org|none",
                "a,host.org:443|host.org|none",
                "host.org:80|host.org|http://p:1",
                "ost.org|host.org|http://p:1",
                ",|host.org|http://p:1",
                "10.0.0.1 other|10.0.0.1|none",
                "''|host.org|http://p:1",
            })
    void exceptsTheHostsOfNoProxy(String noProxy, String host, String expected) {
        assertEquals(
                expected, proxyOf(Map.of("HTTPS_PROXY", "http://p:1", "NO_PROXY", noProxy), "https://" + host + "/x"));
    }

    @Test
    void refusesOtherKindsOfProxyWithoutShowingTheirPasswords() {
        for (String value : new String[] {"socks5://u:pw@h:1", "https://u:pw@h:1", "u:pw@a b"}) {
            String message = assertThrows(
                            IllegalArgumentException.class, () -> proxyOf(Map.of("https_proxy", value), "https://host"))
                    .getMessage();
            assertEquals("https_proxy: not an", message.substring(0, 19));
            assertEquals(-1, message.indexOf("pw"));
        }
    }
}
