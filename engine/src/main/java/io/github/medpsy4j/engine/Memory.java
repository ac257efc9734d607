package io.github.medpsy4j.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How much memory this process may still take. */
final class Memory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path CGROUP_LIMIT = Path.of("/sys/fs/cgroup/memory.max");
    private static final Path CGROUP_USED = Path.of("/sys/fs/cgroup/memory.current");

    private Memory() {}

    /** Bytes; pages of mapped files count as available. */
    static long availableBytes() {
        long available = fromMeminfo();
        if (available < 0) {
            var system = (com.sun.management.OperatingSystemMXBean)
                    java.lang.management.ManagementFactory.getOperatingSystemMXBean();
            // Free memory leaves out what the system would give back from its caches; half of all is a fair guess.
            available = Math.max(system.getFreeMemorySize(), system.getTotalMemorySize() / 2);
        }
        long limit = number(CGROUP_LIMIT);
        if (limit >= 0) {
            available = Math.min(available, limit - Math.max(0, number(CGROUP_USED)));
        }
        return Math.max(0, available);
    }

    private static long fromMeminfo() {
        try {
            if (Files.isReadable(MEMINFO)) {
                List<String> lines = Files.readAllLines(MEMINFO);
                for (String line : lines) {
                    if (line.startsWith("MemAvailable:")) {
                        return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                    }
                }
            }
        } catch (IOException | NumberFormatException e) {
            return -1; // not Linux as we know it: the portable way follows
        }
        return -1;
    }

    /** The number in a file, or -1 where there is no such file or it says "max". */
    private static long number(Path file) {
        try {
            return Files.isReadable(file)
                    ? Long.parseLong(Files.readString(file).strip())
                    : -1;
        } catch (IOException | NumberFormatException e) {
            return -1;
        }
    }
}
