package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatToken;
import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.FinishReason;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.Generator;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.Session;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.grammar.GrammarException;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.tokenizer.Decoder;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One prompt, one answer. */
@Command(
        name = "run",
        header = "Answer one prompt, or a file of them.",
        customSynopsis = {
            "medpsy run [OPTIONS] [MODEL] -p PROMPT",
            "       medpsy run [OPTIONS] [MODEL] --file FILE",
            "       medpsy run [OPTIONS] MODEL PROMPT",
            "       medpsy run [OPTIONS] [MODEL] --prompts FILE [--out FILE]"
        },
        description = {
            "The answer goes to stdout; thinking, and what it cost, to stderr.",
            "",
            "A file of prompts has one a line, or a JSON object a line with prompt or messages, and if wanted id, "
                    + "system, max_tokens, think, think_budget, stop, any sampling option by its name (top_k) and "
                    + "metadata. Each result is a line of JSON; a prompt that cannot be answered has an error in it. "
                    + "With --out a run that was ended goes on where it stopped."
        },
        footer = {
            "  medpsy run -p 'What is metformin for?'",
            "  medpsy run medpsy-4b 'Name three causes of anaemia.' --think off",
            "  cat letter.txt | medpsy run -p - --system 'Explain this letter in plain words.'",
            "  medpsy run --raw -p 'The capital of France is' -n 16 --temp 0",
            "  medpsy run -p 'Explain this letter in plain words.' --file letter.txt",
            "  medpsy run -p 'Is aspirin an NSAID?' --temp 0 --json",
            "  medpsy run -p 'Describe a migraine.' --json-schema schema.json",
            "  medpsy run --prompts questions.txt --out answers.jsonl --parallel 4",
            "  medpsy run --session asthma -p 'And for children?'"
        })
final class RunCommand extends BaseCommand {
    @Parameters(
            arity = "0..2",
            paramLabel = "MODEL PROMPT",
            hideParamSyntax = true,
            completionCandidates = ModelFlags.Names.class,
            description = "MODEL is a name, NAME:QUANT or a path (default: $MEDPSY_MODEL, else medpsy-1.7b). "
                    + "PROMPT may stand behind it instead of -p or --file.")
    List<String> words = new ArrayList<>();

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "PROMPT",
            description = "The prompt; - reads it from stdin. May be given several times, and with --file: the texts "
                    + "follow each other, with an empty line between them.")
    List<String> prompts = new ArrayList<>();

    @Option(
            names = "--file",
            paramLabel = "FILE",
            description = "Read the prompt from a file; what --prompt says stands before it.")
    List<String> files = new ArrayList<>();

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "Answer every line of a file, - for stdin; see above.")
    String promptsFile;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Where the results of --prompts go (default: stdout); those in it are not computed again.")
    String out;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "Answers to --prompts that are computed at the same time (default: 4).")
    Integer parallel;

    @Option(
            names = "--as-finished",
            description = "Results of --prompts come as they are finished (default: in the order of the prompts).")
    boolean asFinished;

    @Option(
            names = "--raw",
            description =
                    "Give the prompt to the model without a template, to be continued; special tokens in it count.")
    boolean raw;

    @Option(
            names = "--json-schema",
            paramLabel = "FILE",
            description = "Answer with JSON that this JSON Schema accepts.")
    String jsonSchema;

    @Option(
            names = "--grammar",
            paramLabel = "FILE",
            description = "Answer with a text of this grammar, in llama.cpp's notation (GBNF).")
    String grammar;

    @Option(names = "--json", description = "Print one JSON object: text, thinking, usage, timings, finish_reason.")
    boolean json;

    private static final int PARALLEL_DEFAULT = 4;

    @Mixin
    ModelFlags modelFlags;

    @Mixin
    AnswerFlags answerFlags;

    @Mixin
    LoadFlags loadFlags;

    @Mixin
    SessionFlags sessionFlags;

    @Option(
            names = {"-q", "--quiet"},
            description = "Nothing on stderr but errors: no thinking, no figures.")
    boolean quiet;

    private Grammar constraint; // null for none

    RunCommand(Terminal terminal) {
        super(terminal);
    }

    /** What came of a prompt. */
    private record Result(
            String text, String thinking, Generation generation, FinishReason reason, double loadSeconds) {}

    @Override
    public Integer call() throws IOException, Failure {
        Ranges ranges = new Ranges(spec);
        answerFlags.check(ranges);
        loadFlags.check(ranges);
        if (raw && (answerFlags.system != null || answerFlags.think != null || answerFlags.thinkBudget != null)) {
            throw usage("--raw: there is no template that --system, --think or --think-budget could act on");
        }
        if (raw && sessionFlags.name != null) {
            throw usage("--raw: a text without a template is no turn of a conversation that --session could keep");
        }
        sessionFlags.check(ranges);
        ranges.check("--parallel", parallel, 1, SchedulerOptions.SLOTS_MAX);
        constraint = readGrammar();
        if (promptsFile != null) {
            return runPrompts();
        }
        if (out != null || parallel != null || asFinished) {
            throw usage((out != null ? "--out" : parallel != null ? "--parallel" : "--as-finished")
                    + ": is for --prompts, which is not given");
        }
        String[] modelAndPrompt = words();
        String text = promptText(modelAndPrompt[1]);
        try (KeptChat kept = KeptChat.open(terminal, quiet, sessionFlags.name)) {
            return run(kept, modelAndPrompt[0], text);
        }
    }

    private int run(KeptChat kept, String modelName, String text) throws IOException, Failure {
        Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
        Models.Found found = models.obtain(kept.model(modelName), modelFlags.offline);
        SamplingOptions sampling = sampling(found);
        long start = System.nanoTime();
        try (Model model = models.load(found, loadFlags.options(answerFlags.context), quiet, isVerbose())) {
            double loadSeconds = (System.nanoTime() - start) / 1e9;
            FirstUse.tell(terminal, found, quiet);
            AnswerFlags.present(sampling, model, terminal, isVerbose());
            Terminal shown = json ? silent(terminal) : terminal;
            AnswerPrinter printer =
                    new AnswerPrinter(shown, quiet || json, raw ? answerFlags.stops : List.of(), () -> false);
            Result result = raw
                    ? continueText(model, text, sampling, printer, loadSeconds)
                    : answer(model, found, kept, text, sampling, printer, loadSeconds);
            if (json) {
                Json.print(terminal, describe(found, sampling, result));
            }
            return OK;
        } catch (ContextFullException e) {
            throw new Failure(
                    "the prompt has " + e.tokens() + " tokens, the context holds " + e.context()
                            + " (--context N sets it, up to the model's own)",
                    e);
        }
    }

    /** The sampling of this run; a grammar is read before a model is looked for. */
    private SamplingOptions sampling(Models.Found found) {
        SamplingOptions sampling = answerFlags.sampling(found.known().flatMap(ModelFile::sampling));
        return constraint == null
                ? sampling
                : sampling.toBuilder().grammar(constraint).build();
    }

    private Grammar readGrammar() throws IOException, Failure {
        if (jsonSchema != null && grammar != null) {
            throw usage("--json-schema, --grammar: expected one of them");
        }
        String file = jsonSchema == null ? grammar : jsonSchema;
        if (file == null) {
            return null;
        }
        String text = Inputs.read(terminal, file);
        try {
            return jsonSchema == null ? Grammar.ofGbnf(text) : Grammar.ofJsonSchema(text);
        } catch (GrammarException e) {
            throw new Failure(Inputs.nameOf(file) + ": " + e.getMessage(), e);
        }
    }

    private int runPrompts() throws IOException, Failure {
        if (!prompts.isEmpty() || !files.isEmpty() || sessionFlags.name != null) {
            throw usage("--prompts: each line is a prompt of its own; --prompt, --file and --session have no place");
        }
        if (out != null
                && !promptsFile.equals("-")
                && Files.exists(Path.of(out))
                && Files.isSameFile(Path.of(promptsFile), Path.of(out))) {
            throw usage("--out: expected another file than --prompts");
        }
        String[] modelAndPrompt = words();
        List<PromptsFile.Line> lines = PromptsFile.read(terminal, promptsFile, answerFlags.system, raw);
        if (lines.isEmpty()) {
            terminal.say(Inputs.nameOf(promptsFile) + ": no prompts");
            return OK;
        }
        Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
        Models.Found found = models.obtain(modelAndPrompt[0], modelFlags.offline);
        String name = Models.asPath(found.name()).isPresent()
                ? String.valueOf(found.path().getFileName())
                : found.name();
        if (out == null) {
            return runPrompts(models, found, name, lines, json -> {
                terminal.print(json + "\n");
                terminal.out().flush();
            });
        }
        try (ResultsFile results = ResultsFile.open(Path.of(out), lines, name)) {
            List<PromptsFile.Line> left =
                    lines.stream().filter(line -> !results.holds(line)).toList();
            if (left.size() < lines.size() && !quiet) {
                terminal.say((lines.size() - left.size()) + " of " + lines.size() + " prompts are answered in " + out
                        + " already");
            }
            return left.isEmpty() ? OK : runPrompts(models, found, name, left, results::write);
        }
    }

    private int runPrompts(
            Models models, Models.Found found, String name, List<PromptsFile.Line> lines, PromptsRun.Results results)
            throws IOException, Failure {
        SamplingOptions sampling = sampling(found);
        try (Model model = models.load(found, loadFlags.options(answerFlags.context), quiet, isVerbose())) {
            AnswerFlags.present(sampling, model, terminal, isVerbose());
            if (!raw) {
                ChatCommand.requireTemplate(model);
            }
            return new PromptsRun(terminal, quiet, model, name, sampling, answerFlags, raw)
                    .run(lines, results, parallel == null ? PARALLEL_DEFAULT : parallel, !asFinished, out != null);
        }
    }

    /** The model, or null, and the positional prompt, or null. */
    private String[] words() {
        boolean hasPrompt = !prompts.isEmpty() || !files.isEmpty() || promptsFile != null;
        int room = (hasPrompt ? 0 : 1) + (modelFlags.model == null ? 1 : 0);
        if (words.size() > room) {
            throw usage("unexpected argument '" + words.get(room) + "'");
        }
        if (modelFlags.model != null) {
            return new String[] {modelFlags.choose(null), words.isEmpty() ? null : words.getFirst()};
        }
        return new String[] {
            modelFlags.choose(words.isEmpty() ? null : words.getFirst()), words.size() > 1 ? words.get(1) : null
        };
    }

    private String promptText(String positional) throws IOException, Failure {
        List<String> given = positional == null ? prompts : List.of(positional);
        if (given.isEmpty() && files.isEmpty()) {
            throw usage("no prompt given; -p PROMPT gives one, -p - reads it from stdin");
        }
        if (Collections.frequency(given, "-") + Collections.frequency(files, "-") > 1) {
            throw usage("stdin is named twice; it can be read once");
        }
        List<String> texts = new ArrayList<>();
        for (String each : given) {
            texts.add(each.equals("-") ? terminal.readAll() : each);
        }
        for (String each : files) {
            texts.add(Inputs.read(terminal, each));
        }
        for (String each : texts) {
            if (each.isEmpty() || (!raw && each.isBlank())) {
                throw usage("the prompt is empty");
            }
        }
        return texts.size() == 1 ? texts.getFirst() : join(texts);
    }

    /** The texts with an empty line between them, whatever newlines stand at their ends. */
    private static String join(List<String> texts) {
        StringBuilder all = new StringBuilder();
        for (String text : texts) {
            all.append(all.isEmpty() ? "" : "\n\n").append(text.stripTrailing());
        }
        return all.toString();
    }

    private Result answer(
            Model model,
            Models.Found found,
            KeptChat kept,
            String text,
            SamplingOptions sampling,
            AnswerPrinter printer,
            double loadSeconds)
            throws IOException, Failure {
        ChatCommand.requireTemplate(model);
        try (Chat chat = model.chat(answerFlags.chatOptions(sampling))) {
            kept.restore(chat, found, answerFlags);
            Answer answer = chat.send(text, printer);
            printer.end(
                    answer.generation(), chat.session().length(), chat.session().context());
            kept.saveAll();
            return new Result(
                    printer.text(),
                    answer.thinking(),
                    answer.generation(),
                    printer.reason(answer.generation()),
                    loadSeconds);
        }
    }

    private Result continueText(
            Model model, String text, SamplingOptions sampling, AnswerPrinter printer, double loadSeconds)
            throws IOException, Failure {
        int[] ids = model.tokenizer().encodeRaw(text);
        if (ids.length == 0) {
            throw new Failure("the prompt has no tokens");
        }
        try (Session session = model.session()) {
            Decoder decoder = model.tokenizer().decoder(false, false);
            Generation generation = new Generator(
                            session, sampling, answerFlags.draft == null ? Generator.DRAFT_DEFAULT : answerFlags.draft)
                    .generate(
                            ids,
                            answerFlags.maxTokens == null ? 0 : answerFlags.maxTokens,
                            id -> printer.test(new ChatToken(decoder.accept(id), false)));
            printer.test(new ChatToken(decoder.flush(), false));
            printer.end(generation, session.length(), session.context());
            return new Result(printer.text(), "", generation, printer.reason(generation), loadSeconds);
        }
    }

    private static Map<String, Object> describe(Models.Found found, SamplingOptions sampling, Result result) {
        Generation g = result.generation();
        Map<String, Object> timings = new LinkedHashMap<>();
        timings.put("load_s", round(result.loadSeconds()));
        putTimings(timings, g);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", found.name());
        all.put("text", result.text());
        all.put("thinking", result.thinking());
        all.put("finish_reason", nameOf(result.reason()));
        all.put("seed", sampling.seed());
        all.put("usage", usage(g));
        all.put("timings", timings);
        return all;
    }

    static Map<String, Object> usage(Generation g) {
        Map<String, Object> usage = new LinkedHashMap<>();
        usage.put("prompt_tokens", g.promptTokens());
        usage.put("cached_tokens", g.reusedTokens());
        usage.put("completion_tokens", g.generatedTokens());
        usage.put("drafted_tokens", g.draftedTokens());
        usage.put("accepted_tokens", g.acceptedTokens());
        usage.put("total_tokens", g.promptTokens() + g.generatedTokens());
        return usage;
    }

    static void putTimings(Map<String, Object> timings, Generation g) {
        timings.put("prompt_s", round(g.promptNanos() / 1e9));
        timings.put("generate_s", round(g.generateNanos() / 1e9));
        timings.put("prompt_tokens_per_s", round(AnswerPrinter.perSecond(g.computedTokens(), g.promptNanos())));
        timings.put("tokens_per_s", round(AnswerPrinter.perSecond(g.generatedTokens(), g.generateNanos())));
    }

    static String nameOf(FinishReason reason) {
        return switch (reason) {
            case END -> "stop";
            case LENGTH -> "length";
            case CONTEXT_FULL -> "context_full";
            case STOP_TEXT -> "stop_text";
            case INTERRUPTED -> "interrupted";
        };
    }

    static double round(double value) {
        return Math.rint(value * 1000) / 1000;
    }

    private static Terminal silent(Terminal terminal) {
        return new Terminal(
                terminal.in(),
                OutputStream.nullOutputStream(),
                new PrintWriter(Writer.nullWriter()),
                terminal.environment(),
                false,
                false,
                false);
    }
}
