package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.LoadOptions.KvType;
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

    @Option(
            names = "--kv",
            paramLabel = "f16|f32|q8_0",
            converter = KvTypes.class,
            description =
                    "Keep the context's keys and values as 16-bit floats, 32-bit floats (exact, twice the memory) or "
                            + "8-bit integers (half the memory). Default: f16.")
    KvType kv; // null where it was not given

    WeightLayout layout() {
        return weights == null ? WeightLayout.AUTO : weights;
    }

    KvType kvType() {
        return kv == null ? KvType.F16 : kv;
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
                .withWeights(layout())
                .withKv(kvType());
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

    static final class KvTypes implements ITypeConverter<KvType> {
        @Override
        public KvType convert(String value) {
            return switch (value.toLowerCase(Locale.ROOT)) {
                case "f16" -> KvType.F16;
                case "f32" -> KvType.F32;
                case "q8_0" -> KvType.Q8_0;
                default -> throw new TypeConversionException("expected f16, f32 or q8_0, got " + value);
            };
        }
    }
}
