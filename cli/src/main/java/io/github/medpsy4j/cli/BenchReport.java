package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.BenchTests.Cold;
import io.github.medpsy4j.cli.BenchTests.Result;
import io.github.medpsy4j.cli.BenchTests.Test;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** What {@code medpsy bench} prints of its measurements. */
final class BenchReport {
    /**
     * A model that was loaded and measured.
     *
     * @param sizeBytes of its file
     * @param parameters weights in all of its tensors
     * @param weights the layout that was asked for
     * @param peakMegabytes resident, since before it was loaded; absent where the system does not tell
     */
    record Loaded(
            String name,
            long sizeBytes,
            long parameters,
            double loadSeconds,
            String kernel,
            int threads,
            String kv,
            String weights,
            OptionalDouble peakMegabytes) {}

    private final Terminal terminal;
    private final int repetitions;
    private final boolean hasBatches;

    /** @param hasBatches whether sizes of batches were asked for */
    BenchReport(Terminal terminal, int repetitions, boolean hasBatches) {
        this.terminal = terminal;
        this.repetitions = repetitions;
        this.hasBatches = hasBatches;
    }

    /** The object of a single model and a single value of each option. */
    Map<String, Object> object(Loaded loaded, List<Result> results, int depth) {
        Map<String, Object> all = begin(loaded);
        for (Result result : results) {
            all.put(result.test().name(), RunCommand.round(result.median()));
        }
        facts(loaded, all);
        all.put("depth", depth);
        for (Result result : results) {
            if (result.test().isPrompt() && hasBatches) {
                all.put("batch", result.test().batch());
            }
            all.put(result.test().isPrompt() ? "pp_all" : "tg_all", rounded(result.rates()));
        }
        return all;
    }

    /** An element of the array of several. */
    Map<String, Object> element(Loaded loaded, List<Result> results) {
        Map<String, Object> all = begin(loaded);
        all.put("size_bytes", loaded.sizeBytes());
        all.put("parameters", loaded.parameters());
        facts(loaded, all);
        List<Object> tests = new ArrayList<>();
        for (Result result : results) {
            Map<String, Object> test = new LinkedHashMap<>();
            test.put("test", result.test().name());
            test.put("depth", result.test().depth());
            if (result.test().isPrompt()) {
                test.put("batch", result.test().batch());
            }
            test.put("tokens_per_s", RunCommand.round(result.median()));
            test.put("all", rounded(result.rates()));
            tests.add(test);
        }
        all.put("tests", tests);
        return all;
    }

    /** The object of {@code --cold}. */
    Map<String, Object> object(Loaded loaded, Cold cold) {
        Map<String, Object> all = begin(loaded);
        if (cold.firstTokenSeconds().isPresent()) {
            all.put(
                    "first_token_s",
                    RunCommand.roundSeconds(cold.firstTokenSeconds().getAsDouble()));
        }
        all.put("prompt_tokens", cold.prompt().test().tokens());
        all.put("prompt_s", RunCommand.roundSeconds(promptSeconds(cold)));
        int tokens = cold.first().test().tokens();
        all.put("first" + tokens, RunCommand.round(cold.first().median()));
        all.put("tg" + tokens, RunCommand.round(cold.steady().median()));
        all.put("first" + tokens + "_ratio", RunCommand.round(ratio(cold)));
        facts(loaded, all);
        all.put("tg_all", rounded(cold.steady().rates()));
        return all;
    }

    private static Map<String, Object> begin(Loaded loaded) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("engine", "medpsy4j");
        all.put("model", loaded.name());
        return all;
    }

    private void facts(Loaded loaded, Map<String, Object> all) {
        all.put("load_s", RunCommand.roundSeconds(loaded.loadSeconds()));
        all.put("kernel", loaded.kernel());
        all.put("threads", loaded.threads());
        all.put("kv", loaded.kv());
        all.put("weights", loaded.weights());
        all.put("repetitions", repetitions);
        if (loaded.peakMegabytes().isPresent()) {
            all.put("peak_rss_mb", Math.rint(loaded.peakMegabytes().getAsDouble()));
        }
    }

    private static List<Double> rounded(List<Double> rates) {
        return rates.stream().map(RunCommand::round).toList();
    }

    private static double promptSeconds(Cold cold) {
        return cold.prompt().test().tokens() / cold.prompt().median();
    }

    private static double ratio(Cold cold) {
        return cold.first().median() / cold.steady().median();
    }

    /** For people. */
    void text(Loaded loaded, List<Result> results) throws IOException {
        head(loaded);
        for (Result result : results) {
            Test test = result.test();
            String name = test.name() + (test.depth() > 0 ? " at depth " + test.depth() : "");
            if (hasBatches && test.isPrompt()) {
                name += " by " + test.batch();
            }
            print(String.format(
                    Locale.ROOT,
                    "%s: %.2f tokens/s (median of %d, %.2f to %.2f)%n",
                    name,
                    result.median(),
                    result.rates().size(),
                    result.least(),
                    result.greatest()));
        }
        peak(loaded);
    }

    void text(Loaded loaded, Cold cold) throws IOException {
        head(loaded);
        int promptTokens = cold.prompt().test().tokens();
        if (cold.firstTokenSeconds().isPresent()) {
            print(String.format(
                    Locale.ROOT,
                    "first token: %.2f s after the process began (prompt of %d tokens: %.2f s)%n",
                    cold.firstTokenSeconds().getAsDouble(),
                    promptTokens,
                    promptSeconds(cold)));
        } else {
            print(String.format(Locale.ROOT, "prompt of %d tokens: %.2f s%n", promptTokens, promptSeconds(cold)));
        }
        Result steady = cold.steady();
        print(String.format(
                Locale.ROOT,
                "first %d tokens: %.2f tokens/s, %.2f of the %.2f that follow (median of %d, %.2f to %.2f)%n",
                cold.first().test().tokens(),
                cold.first().median(),
                ratio(cold),
                steady.median(),
                steady.rates().size(),
                steady.least(),
                steady.greatest()));
        peak(loaded);
    }

    private void head(Loaded loaded) throws IOException {
        print(String.format(
                Locale.ROOT,
                "%s: %s, %d thread%s, loaded in %.2f s%n",
                loaded.name(),
                loaded.kernel(),
                loaded.threads(),
                loaded.threads() == 1 ? "" : "s",
                loaded.loadSeconds()));
    }

    private void peak(Loaded loaded) throws IOException {
        if (loaded.peakMegabytes().isPresent()) {
            print(String.format(
                    Locale.ROOT,
                    "peak memory: %,.0f MB%n",
                    loaded.peakMegabytes().getAsDouble()));
        }
    }

    /** The head of the table that {@link #tableRows} go on with. */
    void tableHead() throws IOException {
        print(String.format(
                Locale.ROOT,
                "| model | size | params | weights | threads | %speak MB | test | t/s |%n",
                hasBatches ? "batch | " : ""));
        print(String.format(Locale.ROOT, "|---|---:|---:|---|---:|%s---:|---|---:|%n", hasBatches ? "---:|" : ""));
    }

    /** A row for each test: medians, and standard deviations. */
    void tableRows(Loaded loaded, List<Result> results) throws IOException {
        for (Result result : results) {
            Test test = result.test();
            String batch = test.isPrompt() ? String.valueOf(test.batch()) : "";
            print(String.format(
                    Locale.ROOT,
                    "| %s | %s | %s | %s | %d | %s%s | %s | %.2f ± %.2f |%n",
                    fileName(loaded.name()).replace("|", "\\|"),
                    Sizes.readable(loaded.sizeBytes()),
                    parameters(loaded.parameters()),
                    loaded.weights(),
                    loaded.threads(),
                    hasBatches ? batch + " | " : "",
                    loaded.peakMegabytes().isPresent()
                            ? String.format(
                                    Locale.ROOT, "%.0f", loaded.peakMegabytes().getAsDouble())
                            : "",
                    test.name() + (test.depth() > 0 ? " @ d" + test.depth() : ""),
                    result.median(),
                    result.deviation()));
        }
    }

    /** What computed, below the table. */
    void tableEnd(String kernel) throws IOException {
        print(String.format(
                Locale.ROOT,
                "%nmedpsy %s: %s; medians of %d ± standard deviation%n",
                Version.version(),
                kernel,
                repetitions));
    }

    /** A path without its folders, which say nothing to readers elsewhere; any other name as it is. */
    private static String fileName(String name) {
        return name.endsWith(".gguf") ? name.replaceFirst(".*[/\\\\]", "") : name;
    }

    private static String parameters(long count) {
        return count < 1_000_000_000
                ? String.format(Locale.ROOT, "%.1f M", count / 1e6)
                : String.format(Locale.ROOT, "%.2f B", count / 1e9);
    }

    private void print(String text) throws IOException {
        terminal.print(text);
        terminal.out().flush(); // measuring the next takes its time
    }
}
