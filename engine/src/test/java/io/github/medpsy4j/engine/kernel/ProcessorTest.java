package io.github.medpsy4j.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessorTest {
    @TempDir
    private Path folder;

    @Test
    void theVendorIsReadAsLinuxTellsIt() throws IOException {
        assertEquals(
                "AuthenticAMD",
                Processor.vendor(file("processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\n")));
        assertEquals("GenuineIntel", Processor.vendor(file("processor\t: 0\nvendor_id\t: GenuineIntel\n")));
    }

    @Test
    void withoutAVendorThereIsNone() throws IOException {
        assertNull(Processor.vendor(file("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n"))); // an ARM
        assertNull(Processor.vendor(file("")));
        assertNull(Processor.vendor(file("line\n".repeat(1000))));
        assertNull(Processor.vendor(file("vendor_id\n".repeat(2))));
        assertNull(Processor.vendor(folder.resolve("missing")));
        assertNull(Processor.vendor(folder));
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("cpuinfo"), text);
    }
}
