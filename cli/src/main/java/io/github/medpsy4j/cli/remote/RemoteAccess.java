package io.github.medpsy4j.cli.remote;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Collection;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * How a server is asked.
 *
 * @param key goes with each request; empty for none. It is in no message
 * @param trust whom to trust instead of the JDK's certificate authorities; empty for those
 * @param patience how long nothing may come, and how long a busy server is waited for in all
 * @param notices receives lines for people about waiting
 */
public record RemoteAccess(String key, Optional<SSLContext> trust, Duration patience, Consumer<String> notices) {
    private static final long CERTIFICATES_BYTES_MAX = 1 << 20;

    /**
     * Refuses what no key is.
     *
     * @throws IllegalArgumentException if the key has characters that a header cannot carry; it is not quoted
     */
    public RemoteAccess {
        Objects.requireNonNull(trust);
        Objects.requireNonNull(patience);
        Objects.requireNonNull(notices);
        if (key.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new IllegalArgumentException("the key holds a character that no key has");
        }
    }

    /** Whoever prints it sees no key. */
    @Override
    public String toString() {
        return "RemoteAccess[" + (key.isEmpty() ? "no key" : "a key") + "]";
    }

    /**
     * Trusts the certificate authorities of a PEM file, and no others.
     *
     * @throws IOException if it cannot be read or holds no certificate; the message names the file
     */
    public static SSLContext trusting(Path pem) throws IOException {
        if (Files.size(pem) > CERTIFICATES_BYTES_MAX) {
            throw new IOException(
                    pem + ": too large; expected at most " + CERTIFICATES_BYTES_MAX + " bytes, got " + Files.size(pem));
        }
        try {
            Collection<? extends Certificate> certificates = CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(pem)));
            if (certificates.isEmpty()) {
                throw new IOException(pem + ": no certificate; expected PEM with '-----BEGIN CERTIFICATE-----'");
            }
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            int number = 0;
            for (Certificate certificate : certificates) {
                store.setCertificateEntry("ca" + number++, certificate);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (CertificateException e) {
            throw new IOException(pem + ": not a certificate in PEM: " + e.getMessage(), e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // every JDK has these
        }
    }
}
