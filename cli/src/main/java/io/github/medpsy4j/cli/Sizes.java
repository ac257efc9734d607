package io.github.medpsy4j.cli;

import java.util.Locale;

/** Sizes for people, in powers of 1000 as disks and download pages give them. */
final class Sizes {
    private Sizes() {}

    static String readable(long bytes) {
        if (bytes < 1000) {
            return bytes + " B";
        }
        if (bytes < 1_000_000) {
            return String.format(Locale.ROOT, "%.1f kB", bytes / 1e3);
        }
        return bytes < 1_000_000_000
                ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
