package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Remembers for an hour that no source of a model answered, so that each start need not wait for a silent host:
 * {@code unreachable.txt} with the time in seconds, a hash of the variables that decide what is asked, the model's name
 * and the reason. Another endpoint, proxy or token is another matter and asked at once.
 */
final class Unreachable {
    static final Duration HOLDS = Duration.ofHours(1);
    private static final List<String> VARIABLES = List.of(
            "HF_ENDPOINT",
            "HF_TOKEN",
            "https_proxy",
            "HTTPS_PROXY",
            "http_proxy",
            "HTTP_PROXY",
            "all_proxy",
            "ALL_PROXY",
            "no_proxy",
            "NO_PROXY");

    private final Path file;
    private final String key;
    private final InstantSource clock;

    /** What is remembered. */
    record Memory(String reason, Duration age) {}

    Unreachable(Path home, Map<String, String> environment, InstantSource clock) {
        this.file = home.resolve("unreachable.txt");
        this.clock = clock;
        StringBuilder all = new StringBuilder();
        VARIABLES.forEach(v -> all.append(environment.getOrDefault(v, "")).append('\n'));
        byte[] hash = PartFile.sha256().digest(all.toString().getBytes(StandardCharsets.UTF_8));
        this.key = HexFormat.of().formatHex(hash, 0, 8);
    }

    Optional<Memory> recall(ModelFile model) throws IOException {
        if (!Files.isRegularFile(file) || Files.size(file) > 65536) {
            return Optional.empty();
        }
        List<String> lines = Files.readAllLines(file);
        if (lines.size() != 4
                || !lines.getFirst().matches("\\d{1,12}")
                || !lines.get(1).equals(key)
                || !lines.get(2).equals(model.name())) {
            return Optional.empty();
        }
        Duration age = Duration.between(Instant.ofEpochSecond(Long.parseLong(lines.getFirst())), clock.instant());
        // A time to come is that of a clock which was wrong.
        return age.isNegative() || age.compareTo(HOLDS) >= 0
                ? Optional.empty()
                : Optional.of(new Memory(lines.get(3), age));
    }

    void remember(ModelFile model, String reason) {
        Notes.replace(
                file,
                List.of(
                        String.valueOf(clock.instant().getEpochSecond()),
                        key,
                        model.name(),
                        reason.replaceAll("\\R", " ")));
    }

    void forget() {
        if (Files.exists(file)) {
            Notes.replace(file, List.of());
        }
    }
}
