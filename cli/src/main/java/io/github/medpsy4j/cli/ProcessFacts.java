package io.github.medpsy4j.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;

/** What the system knows of this process. */
final class ProcessFacts {
    /** Linux gives times to programs in hundredths of a second, whatever the kernel's own clock is. */
    private static final double TICKS_PER_SECOND = 100;

    /** The place of the start in {@code /proc/self/stat}, counted from behind the process's name; see proc(5). */
    private static final int START_TICKS = 19;

    private static final double BYTES_PER_MB = 1e6;

    private final Path proc;

    ProcessFacts() {
        this(Path.of("/proc"));
    }

    /** @param proc stands for {@code /proc} in tests */
    ProcessFacts(Path proc) {
        this.proc = proc;
    }

    /** The most memory that was resident at once, in 10^6 bytes, pages of mapped files among it; Linux alone tells. */
    OptionalDouble peakResidentMegabytes() {
        for (String line : lines("self/status")) {
            if (line.startsWith("VmHWM:")) {
                String kibibytes = line.replaceAll("\\D", "");
                return kibibytes.isEmpty()
                        ? OptionalDouble.empty()
                        : OptionalDouble.of(Long.parseLong(kibibytes) * 1024 / BYTES_PER_MB);
            }
        }
        return OptionalDouble.empty();
    }

    /** Lets the peak begin anew at what is resident now; false where the system does not. */
    boolean restartPeak() {
        try {
            Files.writeString(proc.resolve("self/clear_refs"), "5"); // see proc(5)
            return true;
        } catch (IOException notLinux) {
            return false;
        }
    }

    /**
     * Seconds since the process began, the start script's time among them, as that becomes the JVM. The JDK's own answer
     * is whole seconds off on Linux, because it reckons from a boot time in whole seconds.
     */
    OptionalDouble ageSeconds() {
        List<String> uptime = lines("uptime");
        List<String> stat = lines("self/stat");
        if (!uptime.isEmpty() && !stat.isEmpty()) {
            String line = stat.getLast();
            String[] fields = line.substring(line.lastIndexOf(')') + 1).strip().split(" ");
            double now = Double.parseDouble(uptime.getFirst().split(" ")[0]);
            return OptionalDouble.of(now - Long.parseLong(fields[START_TICKS]) / TICKS_PER_SECOND);
        }
        return ProcessHandle.current()
                .info()
                .startInstant()
                .map(start ->
                        OptionalDouble.of(Duration.between(start, Instant.now()).toNanos() / 1e9))
                .orElse(OptionalDouble.empty());
    }

    private List<String> lines(String file) {
        try {
            // A process's name may hold any bytes.
            return Files.readAllLines(proc.resolve(file), StandardCharsets.ISO_8859_1);
        } catch (IOException notLinux) {
            return List.of();
        }
    }
}
