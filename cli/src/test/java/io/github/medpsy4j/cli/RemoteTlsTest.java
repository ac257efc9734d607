package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RemoteTlsTest {
    private static final char[] PASSWORD = "changeit".toCharArray();

    @TempDir
    static Path certificates;

    @TempDir
    Path home;

    @BeforeAll
    static void make() throws Exception {
        make("here", "ip:127.0.0.1");
        make("other", "dns:other.example");
    }

    private static void make(String name, String subject) throws Exception {
        String store = certificates.resolve(name + ".p12").toString();
        String keytool =
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        List<String> common = List.of("-alias", "s", "-keystore", store, "-storepass", new String(PASSWORD));
        for (List<String> own : List.of(
                List.of("-genkeypair", "-keyalg", "EC", "-dname", "CN=test", "-ext", "san=" + subject),
                List.of("-exportcert", "-rfc", "-file", pem(name)))) {
            Process process = new ProcessBuilder(Stream.of(List.of(keytool), own, common)
                            .flatMap(List::stream)
                            .toList())
                    .redirectErrorStream(true)
                    .start();
            String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, process.waitFor(), told);
        }
    }

    private static String pem(String name) {
        return certificates.resolve(name + ".pem").toString();
    }

    private static FakeServer server(String name) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(certificates.resolve(name + ".p12"))) {
            keys.load(in, PASSWORD);
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(managers.getKeyManagers(), null, null);
        return new FakeServer(tls);
    }

    private Cli.Result run(String url, String... more) {
        return new Cli(home)
                .run(Stream.concat(Stream.of("run", "--remote", url, "-p", "Hi"), Stream.of(more))
                        .toArray(String[]::new));
    }

    @Test
    void aPrivateAuthorityIsTrustedIfItIsNamed() throws Exception {
        try (FakeServer server = server("here")) {
            Cli.Result result = run("https://" + server.name(), "--ca-file", pem("here"));
            assertEquals("Hello there.\n", result.ok());
            assertTrue(
                    result.err().startsWith("medpsy: what you type goes to " + server.name() + ", encrypted\n"),
                    result.err());
        }
    }

    @Test
    void aCertificateThatNobodyVouchesForIsRefused() throws Exception {
        try (FakeServer server = server("here")) {
            String message = server.name()
                    + ": its certificate is not from an authority that is trusted here (--ca-file PEM trusts another)";
            run("https://" + server.name(), "-q").failed(1, message);
            run("https://" + server.name(), "-q", "--ca-file", pem("other")).failed(1, message);
            assertEquals(List.of(), server.allAsked());
        }
    }

    @Test
    void aCertificateForAnotherNameIsRefused() throws Exception {
        try (FakeServer server = server("other")) {
            Cli.Result result = run("https://" + server.name(), "-q", "--ca-file", pem("other"));
            assertEquals(1, result.code());
            assertTrue(
                    result.err().startsWith("medpsy: " + server.name() + ": its certificate is for another name: "),
                    result.err());
            assertEquals(List.of(), server.allAsked());
        }
    }

    @Test
    void theWrongSchemeIsToldEitherWay() throws Exception {
        try (FakeServer server = server("here")) {
            Cli.Result result = run(server.url(), "-q");
            assertEquals(1, result.code());
            assertTrue(result.err().endsWith(" (does it expect https://?)\n"), result.err());
        }
        try (FakeServer server = new FakeServer()) {
            server.models(to -> to.write("HTTP/1.1 400 Bad\r\n\r\n"));
            Cli.Result result = run("https://" + server.name(), "-q");
            assertEquals(1, result.code());
            assertTrue(result.err().startsWith("medpsy: " + server.name() + ": "), result.err());
        }
    }

    @Test
    void aFileThatHoldsNoCertificateIsRefused() throws IOException {
        Path none = Files.writeString(home.resolve("none.pem"), "");
        run("https://127.0.0.1:1", "-q", "--ca-file", none.toString())
                .failed(1, none + ": no certificate; expected PEM with '-----BEGIN CERTIFICATE-----'");
        Path bad = Files.writeString(home.resolve("bad.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END");
        Cli.Result result = run("https://127.0.0.1:1", "-q", "--ca-file", bad.toString());
        assertEquals(1, result.code());
        assertTrue(result.err().startsWith("medpsy: " + bad + ": not a certificate in PEM: "), result.err());
        run("https://127.0.0.1:1", "-q", "--ca-file", home.resolve("gone").toString())
                .failed(1, home.resolve("gone") + ": no such file");
    }
}
