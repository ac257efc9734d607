package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.LoadOptions.WeightLayout;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of commands that compute with a model. */
final class LoadFlags {
    private static final int THREADS_MAX = 1024;

    @Option(
            names = {"-t", "--threads"},
            paramLabel = "N",
            converter = Counts.Converter.class,
            description = "Threads that compute (default: the machine's processors).")
    Counts threads; // null where it was not given

    @Option(
            names = "--weights",
            paramLabel = "auto|mapped|packed",
            converter = Layouts.class,
            description = "Keep weights as they are in the file (mapped), or repacked for speed where memory allows "
                    + "(auto) or always (packed). Default: auto.")
    WeightLayout weights; // null where it was not given

    WeightLayout layout() {
        return weights == null ? WeightLayout.AUTO : weights;
    }

    void check(Ranges ranges) {
        checkLists(ranges);
        if (threads != null && !threads.isOne()) {
            throw ranges.failed("--threads", "one number", threads);
        }
    }

    /** For a command that takes several numbers of threads. */
    void checkLists(Ranges ranges) {
        if (threads != null) {
            threads.check(ranges, "--threads", 1, THREADS_MAX);
        }
    }

    /** The numbers of threads that were asked for; 0 is the default. */
    List<Integer> threadCounts() {
        return threads == null ? List.of(0) : threads.values();
    }

    /** @param context positions, or null for the default */
    LoadOptions options(Integer context) {
        return LoadOptions.defaults()
                .withThreads(threadCounts().getFirst())
                .withContext(context == null ? 0 : context)
                .withWeights(layout());
    }

    static final class Layouts implements ITypeConverter<WeightLayout> {
        @Override
        public WeightLayout convert(String value) {
            return switch (value.toLowerCase(Locale.ROOT)) {
                case "auto" -> WeightLayout.AUTO;
                case "mapped" -> WeightLayout.MAPPED;
                case "packed" -> WeightLayout.PACKED;
                default -> throw new TypeConversionException("expected auto, mapped or packed, got " + value);
            };
        }
    }
}
