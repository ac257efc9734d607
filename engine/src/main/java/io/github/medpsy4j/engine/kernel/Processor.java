package io.github.medpsy4j.engine.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the Vector API does not tell of the processor. */
final class Processor {
    /** Set to true, it turns {@link #PREFERS_SHORTS} round: for tests and measurements of the other way. */
    private static final String OTHER_WAY = "medpsy4j.kernel.otherWay";

    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    /** The vendor stands in the second line; other systems' files of this name begin with something else. */
    private static final int LINES_MAX = 16;

    /**
     * Whether vectors of 512 bits multiply and add shorts faster than floats. AMD's do: a Zen 4 makes 85 multiply-adds of shorts a
     * nanosecond on one core and 59 of floats, a Zen 5 237 and 134, as additions of whole numbers go to units of their own. Intel's
     * make as many of either.
     */
    static final boolean PREFERS_SHORTS = "AuthenticAMD".equals(vendor(CPUINFO)) ^ Boolean.getBoolean(OTHER_WAY);

    private Processor() {}

    /** As Linux tells it, else null: where nothing tells, floats are a good choice too. */
    static String vendor(Path cpuinfo) {
        try (BufferedReader lines = Files.newBufferedReader(cpuinfo, StandardCharsets.ISO_8859_1)) {
            for (int i = 0; i < LINES_MAX; i++) {
                String line = lines.readLine();
                if (line == null) {
                    return null;
                }
                int colon = line.indexOf(':');
                if (line.startsWith("vendor_id") && colon >= 0) {
                    return line.substring(colon + 1).strip();
                }
            }
            return null;
        } catch (IOException e) {
            return null; // not Linux, or a container that hides it
        }
    }
}
