package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Session;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Speed: {@code pp} is a prompt from an empty session with the logits of its last token, {@code tg} single tokens after
 * a depth. The tokens are those of llama.cpp's benchmark in the project's comparisons; what they are does not matter.
 */
@Command(
        name = "bench",
        header = "Measure speed.",
        description =
                "In tokens/s: pp, reading a prompt, and tg, generating. The first repetition warms up and does not count.",
        footer = {"  medpsy bench medpsy-1.7b", "  medpsy bench model.gguf -p 512 -n 64 -r 5 -d 2048 --json"})
final class BenchCommand extends BaseCommand {
    private static final int TOKENS_MAX = 1 << 24;
    private static final int REPETITIONS_MAX = 10_000;
    private static final int VOCABULARY_MAX = 50_000;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Name, NAME:QUANT or path (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    String positional;

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "N",
            description = "Tokens of the prompt; 0 leaves pp out (default: ${DEFAULT-VALUE}).")
    int promptTokens = 512;

    @Option(
            names = {"-n", "--generate"},
            paramLabel = "N",
            description = "Tokens to generate; 0 leaves tg out (default: ${DEFAULT-VALUE}).")
    int generatedTokens = 64;

    @Option(
            names = {"-r", "--repetitions"},
            paramLabel = "N",
            description = "Repetitions, whose median is printed (default: ${DEFAULT-VALUE}).")
    int repetitions = 3;

    @Option(
            names = {"-d", "--depth"},
            paramLabel = "N",
            description = "Tokens in the context before tg (default: ${DEFAULT-VALUE}).")
    int depth;

    @Option(names = "--json", description = "Print a JSON object.")
    boolean json;

    @Mixin
    ModelFlags modelFlags;

    @Mixin
    LoadFlags loadFlags;

    BenchCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        Ranges ranges = new Ranges(spec);
        ranges.check("--prompt", promptTokens, 0, TOKENS_MAX);
        ranges.check("--generate", generatedTokens, 0, TOKENS_MAX);
        ranges.check("--repetitions", repetitions, 1, REPETITIONS_MAX);
        ranges.check("--depth", depth, 0, TOKENS_MAX);
        loadFlags.check(ranges);
        if (promptTokens == 0 && generatedTokens == 0) {
            throw usage("--prompt 0 and --generate 0: nothing is left to measure");
        }
        int context = Math.max(promptTokens, depth + generatedTokens);
        Models models = new Models(terminal).forced(modelFlags.force).forContext(context);
        Models.Found found = models.obtain(modelFlags.choose(positional), modelFlags.offline);
        long start = System.nanoTime();
        try (Model model = models.load(found, loadFlags.options(context), true, isVerbose());
                Session session = model.session()) {
            double loadSeconds = (System.nanoTime() - start) / 1e9;
            List<Double> pp = new ArrayList<>();
            List<Double> tg = new ArrayList<>();
            for (int r = 0; r <= repetitions; r++) {
                double promptSeconds = prompt(session);
                double generateSeconds = generate(session);
                if (r > 0) {
                    pp.add(promptTokens / promptSeconds);
                    tg.add(generatedTokens / generateSeconds);
                }
            }
            report(found, model, loadSeconds, pp, tg);
        }
        return OK;
    }

    private double prompt(Session session) {
        if (promptTokens == 0) {
            return 1;
        }
        session.truncate(0);
        int[] tokens = text(session, promptTokens);
        long start = System.nanoTime();
        session.append(tokens);
        return (System.nanoTime() - start) / 1e9;
    }

    private double generate(Session session) {
        if (generatedTokens == 0) {
            return 1;
        }
        session.truncate(0);
        session.append(text(session, depth));
        int[] tokens = new int[generatedTokens];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = (int) ((i * 104_729L + 7) % vocabulary(session));
        }
        long start = System.nanoTime();
        for (int token : tokens) {
            session.append(token);
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private static int[] text(Session session, int length) {
        int[] tokens = new int[length];
        for (int i = 0; i < length; i++) {
            tokens[i] = (int) ((i * 7919L + 13) % vocabulary(session));
        }
        return tokens;
    }

    private static int vocabulary(Session session) {
        return Math.min(session.model().tokenizer().vocabulary().size(), VOCABULARY_MAX);
    }

    private void report(Models.Found found, Model model, double loadSeconds, List<Double> pp, List<Double> tg)
            throws IOException {
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("engine", "medpsy4j");
            all.put("model", found.name());
            if (promptTokens > 0) {
                all.put("pp" + promptTokens, RunCommand.round(median(pp)));
            }
            if (generatedTokens > 0) {
                all.put("tg" + generatedTokens, RunCommand.round(median(tg)));
            }
            all.put("load_s", RunCommand.round(loadSeconds));
            all.put("kernel", model.kernel());
            all.put("threads", model.threads());
            all.put("depth", depth);
            all.put("kv", loadFlags.kvType().name().toLowerCase(Locale.ROOT));
            all.put("weights", loadFlags.layout().name().toLowerCase(Locale.ROOT));
            all.put("repetitions", repetitions);
            if (promptTokens > 0) {
                all.put("pp_all", pp.stream().map(RunCommand::round).toList());
            }
            if (generatedTokens > 0) {
                all.put("tg_all", tg.stream().map(RunCommand::round).toList());
            }
            Json.print(terminal, all);
            return;
        }
        terminal.print(String.format(
                Locale.ROOT,
                "%s: %s, %d threads, loaded in %.2f s%n",
                found.name(),
                model.kernel(),
                model.threads(),
                loadSeconds));
        if (promptTokens > 0) {
            terminal.print(line("pp" + promptTokens, pp));
        }
        if (generatedTokens > 0) {
            terminal.print(line("tg" + generatedTokens + (depth > 0 ? " at depth " + depth : ""), tg));
        }
    }

    private static String line(String name, List<Double> all) {
        return String.format(
                Locale.ROOT,
                "%s: %.2f tokens/s (median of %d, %.2f to %.2f)%n",
                name,
                median(all),
                all.size(),
                Collections.min(all),
                Collections.max(all));
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }
}
