package io.github.medpsy4j.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code medpsy --version} prints: one line with the version, the JVM and the machine. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {
            "medpsy " + version() + " (Java " + Runtime.version().feature() + ", " + System.getProperty("os.name") + " "
                    + System.getProperty("os.arch") + ")"
        };
    }

    /** The version in the jar's manifest; {@code development} where classes were not loaded from a jar. */
    static String version() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
