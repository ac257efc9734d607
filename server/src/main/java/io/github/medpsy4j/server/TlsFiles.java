package io.github.medpsy4j.server;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** From the PEM files of a certificate and its key to what {@link ServerOptions#tls} takes. */
public final class TlsFiles {
    private static final long FILE_BYTES_MAX = 1 << 20;
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "EdDSA");
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    private TlsFiles() {}

    /**
     * Reads the server's certificate, followed by those that vouch for it, and its unencrypted private key in PKCS #8.
     *
     * @throws IOException if a file cannot be read or is something else, or the two do not belong together, in one line
     */
    public static SSLContext read(Path certificates, Path key) throws IOException {
        Certificate[] chain = chain(certificates);
        PrivateKey secret = key(key);
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("server", secret, new char[0], chain);
            KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(store, new char[0]);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException(certificates + ", " + key + ": " + e.getMessage(), e);
        }
    }

    private static Certificate[] chain(Path file) throws IOException {
        checkSize(file);
        try (InputStream in = Files.newInputStream(file)) {
            Certificate[] chain = CertificateFactory.getInstance("X.509")
                    .generateCertificates(in)
                    .toArray(Certificate[]::new);
            if (chain.length > 0) {
                return chain;
            }
        } catch (CertificateException e) {
            throw new IOException(file + ": expected certificates in PEM, got: " + e.getMessage(), e);
        }
        throw new IOException(file + ": expected certificates in PEM, got none");
    }

    private static PrivateKey key(Path file) throws IOException {
        checkSize(file);
        Matcher pem = KEY.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!pem.find()) {
            throw new IOException(file
                    + ": expected '-----BEGIN PRIVATE KEY-----'; openssl pkcs8 -topk8 -nodes makes it of other forms");
        }
        byte[] encoded = Base64.getMimeDecoder().decode(pem.group(1));
        InvalidKeySpecException another = null;
        for (String algorithm : ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
            } catch (InvalidKeySpecException e) {
                another = e; // a key does not say of what kind it is
            } catch (GeneralSecurityException e) {
                throw new IOException(file + ": " + e.getMessage(), e);
            }
        }
        throw new IOException(file + ": expected a key of " + String.join(", ", ALGORITHMS), another);
    }

    private static void checkSize(Path file) throws IOException {
        long size = Files.size(file);
        if (size > FILE_BYTES_MAX) {
            throw new IOException(file + ": too large; expected at most " + FILE_BYTES_MAX + " bytes, got " + size);
        }
    }
}
