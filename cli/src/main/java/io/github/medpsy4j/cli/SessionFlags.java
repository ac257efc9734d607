package io.github.medpsy4j.cli;

import picocli.CommandLine.Option;

/** The option of commands whose conversation can be kept. */
final class SessionFlags {
    @Option(
            names = "--session",
            paramLabel = "NAME",
            description = "Go on with the kept conversation of that name, or begin it. Its model is used where none "
                    + "is named. medpsy list shows sessions, medpsy rm --session removes one.")
    String name;

    void check(Ranges ranges) {
        if (name != null && !SessionStore.isName(name)) {
            throw ranges.failed(
                    "--session",
                    "a name of at most 64 letters, digits, '_', '-' and '.', not beginning with '-' or '.'",
                    "'" + Terminal.harmless(name) + "'");
        }
    }
}
