package io.github.medpsy4j.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TlsTest {
    private static final char[] PASSWORD = "password".toCharArray();

    @TempDir
    static Path folder;

    /** A new certificate of its own making. */
    private static KeyStore store(String algorithm) throws Exception {
        Path file = folder.resolve(algorithm + ".p12");
        if (!Files.exists(file)) {
            Process keytool = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "keytool")
                                    .toString(),
                            "-genkeypair",
                            "-alias",
                            "x",
                            "-keyalg",
                            algorithm,
                            "-dname",
                            "CN=localhost",
                            "-ext",
                            "san=dns:localhost",
                            "-validity",
                            "7",
                            "-keystore",
                            file.toString(),
                            "-storepass",
                            new String(PASSWORD))
                    .redirectErrorStream(true)
                    .start();
            String said = new String(keytool.getInputStream().readAllBytes(), UTF_8);
            assertEquals(0, keytool.waitFor(), said);
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
        return store;
    }

    private static Path pem(String name, String kind, byte[] content) throws IOException {
        String text = "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder().encodeToString(content)
                + "\n-----END " + kind + "-----\n";
        return Files.writeString(folder.resolve(name), text);
    }

    private static Path certificate(KeyStore store) throws Exception {
        return pem("certificate.pem", "CERTIFICATE", store.getCertificate("x").getEncoded());
    }

    private static Path key(KeyStore store) throws Exception {
        return pem("key.pem", "PRIVATE KEY", store.getKey("x", PASSWORD).getEncoded());
    }

    @ParameterizedTest
    @ValueSource(strings = {"EC", "RSA", "Ed25519"})
    void aClientThatTrustsItIsAnswered(String algorithm) throws Exception {
        KeyStore store = store(algorithm);
        SSLContext tls = TlsFiles.read(certificate(store), key(store));
        try (TestServer host =
                TestServer.start(ServerOptions.builder().tls(tls).apiKeys(List.of("key")), TestServer.sharing())) {
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            trusted.setCertificateEntry("x", store.getCertificate("x"));
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("https://localhost:" + host.server.port() + "/v1/chat/completions"))
                    .header("Authorization", "Bearer key")
                    .POST(BodyPublishers.ofString(
                            TestServer.json(TestServer.ask("Hello", "max_tokens", 5, "stream", true))))
                    .build();
            try (HttpClient client = HttpClient.newBuilder().sslContext(context).build()) {
                HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
                assertEquals(200, response.statusCode());
                assertTrue(response.body().endsWith("data: [DONE]\n\n"), response.body());
            }
            try (HttpClient stranger = HttpClient.newHttpClient()) {
                assertThrows(IOException.class, () -> stranger.send(request, BodyHandlers.ofString()));
            }
        }
    }

    @Test
    void aRequestInPlainTextIsNotAnswered() throws Exception {
        KeyStore store = store("EC");
        SSLContext tls = TlsFiles.read(certificate(store), key(store));
        try (TestServer host = TestServer.start(ServerOptions.builder().tls(tls), TestServer.sharing());
                Socket plain = new Socket(InetAddress.getLoopbackAddress(), host.server.port())) {
            plain.setSoTimeout(30_000);
            plain.getOutputStream().write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(UTF_8));
            String told = new String(plain.getInputStream().readAllBytes(), UTF_8);
            assertFalse(told.contains("ok"), told);
        }
    }

    @Test
    void filesThatAreSomethingElseAreRefused() throws Exception {
        KeyStore store = store("EC");
        Path certificate = certificate(store);
        Path key = key(store);
        assertRefused(key, key, key + ": expected certificates in PEM, got");
        assertRefused(
                certificate, certificate, certificate + ": expected '-----BEGIN PRIVATE KEY-----'; openssl pkcs8");
        Path broken = pem("broken.pem", "PRIVATE KEY", new byte[] {1, 2, 3});
        assertRefused(certificate, broken, broken + ": expected a key of RSA, EC, EdDSA");
        Path empty = Files.writeString(folder.resolve("empty.pem"), "");
        assertRefused(empty, key, empty + ": expected certificates in PEM, got none");
    }

    private static void assertRefused(Path certificate, Path key, String message) {
        IOException refusal = assertThrows(IOException.class, () -> TlsFiles.read(certificate, key));
        assertTrue(refusal.getMessage().startsWith(message), refusal.getMessage());
    }
}
