package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MemoryTest {
    @TempDir
    Path root;

    @BeforeEach
    void aMachineOfEightGibibytes() throws IOException {
        write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\nMemAvailable:    4194304 kB\n");
    }

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void assertMemory(long available, long total) {
        assertEquals(available, new Memory(root).available());
        assertEquals(total, new Memory(root).total());
    }

    @Test
    void withoutAContainerTheMachinesMemoryCounts() throws IOException {
        assertMemory(4L << 30, 8L << 30);
        write("proc/self/cgroup", "0::/user.slice/a\n");
        write("sys/fs/cgroup/user.slice/a/memory.max", "max\n");
        assertMemory(4L << 30, 8L << 30);
    }

    @Test
    void theLeastLimitOfTheGroupsAboveCounts() throws IOException {
        write("proc/self/cgroup", "0::/pod/app\n");
        write("sys/fs/cgroup/pod/app/memory.max", "3000000000\n");
        write("sys/fs/cgroup/pod/app/memory.current", "100\n");
        write("sys/fs/cgroup/pod/memory.max", "2000000000\n");
        write("sys/fs/cgroup/pod/memory.current", "500000000\n");
        assertMemory(1_500_000_000, 2_000_000_000);
    }

    @Test
    void cachedPagesOfFilesAreToBeHad() throws IOException {
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/memory.max", "2000000000\n");
        write("sys/fs/cgroup/memory.current", "1900000000\n");
        write("sys/fs/cgroup/memory.stat", "anon 300000000\ninactive_file 1000000000\nactive_file 500000000\n");
        assertMemory(1_600_000_000, 2_000_000_000);
    }

    @Test
    void aPathOfTheHostLeadsToTheMountedRoot() throws IOException {
        write("proc/self/cgroup", "5:cpu,memory:/docker/0123\n4:pids:/docker/0123\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000000\n");
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", "900000000\n");
        write("sys/fs/cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 600000000\n");
        assertMemory(700_000_000, 1_000_000_000);
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assertMemory(4L << 30, 8L << 30);
    }

    @Test
    void theRealMachineHasSome() {
        assertTrue(Memory.totalBytes() >= Memory.availableBytes() && Memory.availableBytes() > 0);
    }

    @Test
    void whereNothingCanBeReadTheJdkTells() throws IOException {
        Files.delete(root.resolve("proc/meminfo"));
        assertTrue(new Memory(root).total() > 0);
        assertTrue(new Memory(root).available() > 0);
    }
}
