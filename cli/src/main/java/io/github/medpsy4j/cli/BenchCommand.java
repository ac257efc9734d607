package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.BenchReport.Loaded;
import io.github.medpsy4j.cli.BenchTests.Cold;
import io.github.medpsy4j.cli.BenchTests.Result;
import io.github.medpsy4j.cli.BenchTests.Test;
import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Session;
import io.github.medpsy4j.gguf.TensorInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Speed: which models and tests; {@link BenchTests} measures them, {@link BenchReport} prints. */
@Command(
        name = "bench",
        header = "Measure speed.",
        description = {
            "In tokens/s: pp, reading a prompt, and tg, generating. The first repetition of each warms up and does not "
                    + "count. Wherever N may be a list (128,512), each of its values is measured; several models are "
                    + "measured one after the other."
        },
        footer = {
            "  medpsy bench medpsy-1.7b",
            "  medpsy bench model.gguf -p 512 -n 64 -r 5 -d 2048 --json",
            "  medpsy bench medpsy-1.7b medpsy-4b -p 128,512 -d 0,4096 --markdown",
            "  medpsy bench medpsy-1.7b --cold"
        })
final class BenchCommand extends BaseCommand {
    private static final int TOKENS_MAX = 1 << 24;
    private static final int REPETITIONS_MAX = 10_000;
    private static final int PROMPT_DEFAULT = 512;
    private static final int COLD_PROMPT_DEFAULT = 20;

    @Parameters(
            arity = "0..*",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Name, NAME:QUANT or path (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    List<String> positionals = new ArrayList<>();

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "N[,N]",
            converter = Counts.Converter.class,
            description = "Tokens of the prompt; 0 leaves pp out (default: 512).")
    Counts promptTokens; // null where it was not given

    @Option(
            names = {"-n", "--generate"},
            paramLabel = "N[,N]",
            converter = Counts.Converter.class,
            description = "Tokens to generate; 0 leaves tg out (default: ${DEFAULT-VALUE}).")
    Counts generatedTokens = Counts.of(64);

    @Option(
            names = {"-r", "--repetitions"},
            paramLabel = "N",
            description = "Repetitions, whose median is printed (default: ${DEFAULT-VALUE}).")
    int repetitions = 3;

    @Option(
            names = {"-d", "--depth"},
            paramLabel = "N[,N]",
            converter = Counts.Converter.class,
            description = "Tokens in the context before tg (default: ${DEFAULT-VALUE}).")
    Counts depths = Counts.of(0);

    @Option(
            names = {"-b", "--batch"},
            paramLabel = "N[,N]",
            converter = Counts.Converter.class,
            description = "Tokens of a prompt that one pass through the model takes, at most " + Session.BATCH_MAX
                    + " (the default).")
    Counts batches; // null where it was not given

    @Option(
            names = "--cold",
            description = "Measure a fresh process instead: the time from its start to the first token behind a prompt "
                    + "of -p tokens (default: 20), and the speed of the first -n tokens, also against the speed of "
                    + "as many that follow.")
    boolean cold;

    @Option(
            names = "--json",
            description = "Print a JSON object; an array of them where there are several models, threads or values.")
    boolean json;

    @Option(names = "--markdown", description = "Print a table in Markdown.")
    boolean markdown;

    @Mixin
    ModelFlags modelFlags;

    @Mixin
    LoadFlags loadFlags;

    BenchCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        check();
        int context = Math.max(promptTokens.greatest(), depths.greatest() + generatedTokens.greatest());
        if (cold) {
            context = promptTokens.first() + generatedTokens.first();
        }
        Models models = new Models(terminal).forced(modelFlags.force).forContext(context);
        List<Models.Found> found = new ArrayList<>();
        for (String name : names()) {
            found.add(models.obtain(name, modelFlags.offline)); // all of them before the first is measured
        }
        BenchReport report = new BenchReport(terminal, repetitions, batches != null);
        List<Object> elements = new ArrayList<>();
        String kernel = "";
        boolean isFirst = true;
        if (markdown) {
            report.tableHead();
        }
        for (Models.Found one : found) {
            for (int threads : loadFlags.threadCounts()) {
                boolean hasPeak = isFirst || new ProcessFacts().restartPeak();
                isFirst = false;
                LoadOptions options = loadFlags.options(context).withThreads(threads);
                long start = System.nanoTime();
                try (Model model = models.load(one, options, true, isVerbose());
                        Session session = model.session()) {
                    double loadSeconds = (System.nanoTime() - start) / 1e9;
                    kernel = model.kernel();
                    BenchTests tests = new BenchTests(session, repetitions);
                    if (cold) {
                        Cold result = tests.cold(promptTokens.first(), generatedTokens.first());
                        Loaded loaded = loaded(one, model, loadSeconds, hasPeak);
                        if (json) {
                            Json.print(terminal, report.object(loaded, result));
                        } else {
                            report.text(loaded, result);
                        }
                        continue;
                    }
                    List<Result> results = tests().stream().map(tests::run).toList();
                    Loaded loaded = loaded(one, model, loadSeconds, hasPeak);
                    if (markdown) {
                        report.tableRows(loaded, results);
                    } else if (!json) {
                        report.text(loaded, results);
                    } else if (isSeveral(found)) {
                        elements.add(report.element(loaded, results));
                    } else {
                        Json.print(terminal, report.object(loaded, results, depths.first()));
                    }
                }
            }
        }
        if (markdown) {
            report.tableEnd(kernel);
        } else if (!elements.isEmpty()) {
            Json.print(terminal, elements);
        }
        return OK;
    }

    private void check() {
        if (promptTokens == null) {
            promptTokens = Counts.of(cold ? COLD_PROMPT_DEFAULT : PROMPT_DEFAULT);
        }
        Ranges ranges = new Ranges(spec);
        int least = cold ? 1 : 0;
        promptTokens.check(ranges, "--prompt", least, TOKENS_MAX);
        generatedTokens.check(ranges, "--generate", least, TOKENS_MAX);
        ranges.check("--repetitions", repetitions, 1, REPETITIONS_MAX);
        depths.check(ranges, "--depth", 0, TOKENS_MAX);
        if (batches != null) {
            batches.check(ranges, "--batch", 1, Session.BATCH_MAX);
        }
        loadFlags.checkLists(ranges);
        if (json && markdown) {
            throw usage("--json and --markdown: only one of them");
        }
        if (cold) {
            checkCold();
        } else if (promptTokens.greatest() == 0 && generatedTokens.greatest() == 0) {
            throw usage("--prompt 0 and --generate 0: nothing is left to measure");
        }
    }

    private void checkCold() {
        if (markdown) {
            throw usage("--cold: prints text or --json, no --markdown");
        }
        if (batches != null || depths.greatest() > 0) {
            throw usage("--cold: has no --batch and no --depth");
        }
        boolean isOne = positionals.size() <= 1
                && promptTokens.isOne()
                && generatedTokens.isOne()
                && loadFlags.threadCounts().size() == 1;
        if (!isOne) {
            throw usage("--cold: a process is fresh only once; expected one model and one value of each option");
        }
    }

    /** What the user called each model; null is the default. */
    private List<String> names() {
        List<String> names = new ArrayList<>();
        if (positionals.isEmpty()) {
            names.add(modelFlags.choose(null));
        }
        for (String positional : positionals) {
            names.add(modelFlags.choose(positional));
        }
        return names;
    }

    private boolean isSeveral(List<Models.Found> found) {
        return found.size() > 1
                || loadFlags.threadCounts().size() > 1
                || !promptTokens.isOne()
                || !generatedTokens.isOne()
                || !depths.isOne()
                || (batches != null && !batches.isOne());
    }

    /** The prompts, then the generations from the least depth on, so that none reads a context twice. */
    private List<Test> tests() {
        List<Test> tests = new ArrayList<>();
        Counts sizes = batches == null ? Counts.of(Session.BATCH_MAX) : batches;
        for (int batch : sizes.values()) {
            promptTokens.positive().forEach(tokens -> tests.add(Test.prompt(tokens, batch)));
        }
        for (int depth : depths.values().stream().sorted().toList()) {
            generatedTokens.positive().forEach(tokens -> tests.add(Test.generation(tokens, depth)));
        }
        return tests;
    }

    private Loaded loaded(Models.Found found, Model model, double loadSeconds, boolean hasPeak) {
        return new Loaded(
                found.name(),
                model.file().byteSize(),
                model.file().tensors().stream().mapToLong(TensorInfo::elements).sum(),
                loadSeconds,
                model.kernel(),
                model.threads(),
                loadFlags.kvType().name().toLowerCase(Locale.ROOT),
                loadFlags.layout().name().toLowerCase(Locale.ROOT),
                hasPeak ? new ProcessFacts().peakResidentMegabytes() : OptionalDouble.empty());
    }
}
