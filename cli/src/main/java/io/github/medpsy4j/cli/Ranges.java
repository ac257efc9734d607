package io.github.medpsy4j.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks of options' values: a value out of range is an error that names the option, the bound and the value. */
final class Ranges {
    private final CommandLine commandLine;

    Ranges(CommandSpec spec) {
        commandLine = spec.commandLine();
    }

    /** Checks a whole number; null, an option that was not given, passes. */
    void check(String option, Integer value, int min, int max) {
        if (value != null && (value < min || value > max)) {
            throw failed(option, max == Integer.MAX_VALUE ? "at least " + min : min + " to " + max, value);
        }
    }

    /** Refuses an empty text. */
    void checkTexts(String option, List<String> values) {
        if (values.contains("")) {
            throw new ParameterException(commandLine, option + ": expected a text, got an empty one");
        }
    }

    /**
     * Refuses what a setting refuses.
     *
     * @param refusal its message starts with the setting's name, which is the option's without hyphens
     */
    ParameterException failed(IllegalArgumentException refusal) {
        return new ParameterException(commandLine, "--" + refusal.getMessage(), refusal);
    }

    ParameterException failed(String option, String expected, Object got) {
        return new ParameterException(commandLine, option + ": expected " + expected + ", got " + got);
    }
}
