package io.github.medpsy4j.engine;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much memory this process may take: the machine's, or what the limits of its container leave. Of Linux it reads
 * {@code /proc/meminfo} and the control groups above the process, versions 1 and 2; of other systems what the JDK knows.
 */
public final class Memory {
    /** Version 1 says "no limit" by a number near 2^63, rounded down to pages. */
    private static final long LIMIT_BYTES_MAX = 1L << 60;

    private final Path root;

    /** @param root stands for {@code /} in tests */
    Memory(Path root) {
        this.root = root;
    }

    /** Returns the bytes that could be taken now; what the system would give back from its caches counts. */
    public static long availableBytes() {
        return new Memory(Path.of("/")).available();
    }

    /** Returns the bytes of the machine or of its container, whether in use or not. */
    public static long totalBytes() {
        return new Memory(Path.of("/")).total();
    }

    long available() {
        long available = meminfo("MemAvailable:");
        if (available < 0) {
            // Free memory leaves out what the system would give back from its caches; half of all is a fair guess.
            available = Math.max(system().getFreeMemorySize(), system().getTotalMemorySize() / 2);
        }
        return Math.max(0, Math.min(available, groups(false)));
    }

    long total() {
        long total = meminfo("MemTotal:");
        return Math.min(total < 0 ? system().getTotalMemorySize() : total, groups(true));
    }

    private static OperatingSystemMXBean system() {
        return (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    }

    private long meminfo(String key) {
        for (String line : lines("proc/meminfo")) {
            if (line.startsWith(key)) {
                long kibibytes = number(line.substring(key.length()).replace("kB", ""));
                return kibibytes < 0 ? -1 : kibibytes * 1024;
            }
        }
        return -1;
    }

    /** Returns the least that any control group above the process allows, or {@link Long#MAX_VALUE}. */
    private long groups(boolean isTotal) {
        long least = Long.MAX_VALUE;
        for (String line : lines("proc/self/cgroup")) {
            String[] parts = line.split(":", 3); // ID:CONTROLLERS:PATH
            if (parts.length < 3) {
                continue;
            }
            if (parts[0].equals("0") && parts[1].isEmpty()) {
                least = Math.min(least, upwards("sys/fs/cgroup", parts[2], isTotal));
            } else if (List.of(parts[1].split(",")).contains("memory")) {
                least = Math.min(least, upwards("sys/fs/cgroup/memory", parts[2], isTotal));
            }
        }
        return least;
    }

    /** Inside a container the path may be the host's and lead nowhere; the mounted root is then the container's group. */
    private long upwards(String mount, String path, boolean isTotal) {
        long least = Long.MAX_VALUE;
        for (String at = path; ; at = at.substring(0, at.lastIndexOf('/'))) {
            String folder = mount + (at.equals("/") ? "" : at) + "/";
            least = Math.min(least, group(folder, "memory.max", "memory.current", "", isTotal));
            least = Math.min(least, group(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_", isTotal));
            if (at.lastIndexOf('/') < 0) {
                return least;
            }
        }
    }

    private long group(String folder, String limitFile, String usedFile, String statPrefix, boolean isTotal) {
        long limit = numberIn(folder + limitFile);
        if (limit < 0 || limit > LIMIT_BYTES_MAX) {
            return Long.MAX_VALUE;
        }
        if (isTotal) {
            return limit;
        }
        // Cached pages of files count as used, but go when memory is short: also those of a model just pulled.
        long used = Math.max(0, numberIn(folder + usedFile));
        for (String line : lines(folder + "memory.stat")) {
            if (line.startsWith(statPrefix + "inactive_file ") || line.startsWith(statPrefix + "active_file ")) {
                used -= Math.max(0, number(line.substring(line.indexOf(' '))));
            }
        }
        return limit - Math.max(0, used);
    }

    private long numberIn(String file) {
        List<String> lines = lines(file);
        return lines.isEmpty() ? -1 : number(lines.getFirst());
    }

    /** The number in a text, or -1 where it is none: such as "max". */
    private static long number(String text) {
        try {
            return Long.parseLong(text.strip());
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private List<String> lines(String file) {
        try {
            Path path = root.resolve(file.startsWith("/") ? file.substring(1) : file);
            return Files.isReadable(path) && Files.isRegularFile(path)
                    ? Files.readString(path, StandardCharsets.ISO_8859_1)
                            .lines()
                            .toList()
                    : List.of();
        } catch (IOException e) {
            return List.of(); // not as Linux has it
        }
    }
}
