package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.cli.remote.RemoteServer;
import io.github.medpsy4j.engine.Answer;
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
import java.util.Optional;
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
            "  medpsy run --session asthma -p 'And for children?'",
            "  medpsy run --remote http://desktop:8080 -p 'What is metformin for?'"
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

    @Mixin
    RemoteFlags remoteFlags;

    @Option(
            names = {"-q", "--quiet"},
            description = "Nothing on stderr but errors: no thinking, no figures.")
    boolean quiet;

    private Grammar constraint; // null for none
    private Map<String, Object> remoteConstraint = Map.of(); // the same for another machine

    RunCommand(Terminal terminal) {
        super(terminal);
    }

    /**
     * What came of a prompt.
     *
     * @param loadSeconds null where another machine answered
     */
    private record Result(
            String text, String thinking, Generation generation, FinishReason reason, Double loadSeconds) {}

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
        remoteFlags.check(this, ranges, modelFlags, answerFlags, loadFlags);
        if (raw && remoteFlags.isGiven()) {
            throw usage("--raw: goes not with --remote, whose server has the template");
        }
        ranges.check("--parallel", parallel, 1, SchedulerOptions.SLOTS_MAX);
        readConstraint();
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
            return remoteFlags.isGiven()
                    ? runRemote(kept, modelAndPrompt[0], text)
                    : run(kept, kept.model(modelAndPrompt[0]), text);
        }
    }

    private int runRemote(KeptChat kept, String asked, String text) throws IOException, Failure {
        RemoteServer server = remoteFlags.connect(this, this::tell);
        AnswerPrinter printer = new AnswerPrinter(
                        json ? silent(terminal) : terminal, quiet || json, List.of(), () -> false)
                .held(remoteFlags.hasFallback() && !terminal.outIsTerminal());
        try (RemoteTalk talk = new RemoteTalk(
                server,
                remoteFlags.model(server, asked),
                answerFlags.chatOptions(answerFlags.sampling(Optional.empty())),
                answerFlags.setNames(),
                remoteConstraint)) {
            FirstUse.tell(terminal, server, talk.model(), quiet);
            kept.restore(talk, Optional.empty(), answerFlags);
            talk.notices(this::tell);
            if (isVerbose()) {
                Map<String, Object> request = new LinkedHashMap<>(talk.request());
                request.remove("messages");
                terminal.say("request: " + Json.text(request) + " and the messages");
            }
            Answer answer = talk.send(text, Talk.Listener.of(printer, () -> false));
            printer.end(answer.generation(), talk.place());
            kept.saveAll();
            if (json) {
                boolean hasSeed = talk.set().contains("seed");
                Map<String, Object> all = describe(
                        RemotePrompts.nameOf(server, talk.model().isEmpty() ? null : talk.model()),
                        hasSeed ? talk.options().sampling().seed() : null,
                        new Result(
                                printer.text(),
                                answer.thinking(),
                                answer.generation(),
                                answer.generation().finishReason(),
                                null));
                all.put("remote", server.name());
                Json.print(terminal, all);
            }
            return OK;
        } catch (RemoteException e) {
            printer.abandon();
            if (!e.isGone() || !remoteFlags.hasFallback()) {
                throw e;
            }
            terminal.say(RemoteFlags.fallingBack(e));
            return run(kept, kept.model(remoteFlags.fallbackModel()), text);
        }
    }

    private void tell(String line) {
        if (!quiet) {
            terminal.say(line);
        }
    }

    private int run(KeptChat kept, String modelName, String text) throws IOException, Failure {
        Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
        Models.Found found = models.obtain(modelName, modelFlags.offline);
        SamplingOptions sampling = sampling(found);
        long start = System.nanoTime();
        try (Model model = models.load(found, loadFlags.options(answerFlags.context), quiet, isVerbose())) {
            double loadSeconds = (System.nanoTime() - start) / 1e9;
            FirstUse.tell(terminal, found, quiet);
            AnswerFlags.present(sampling, model, terminal, isVerbose());
            Terminal shown = json ? silent(terminal) : terminal;
            AnswerPrinter printer =
                    new AnswerPrinter(shown, quiet || json, raw ? answerFlags.stops : List.of(), () -> false);
            Result result = null;
            try {
                result = raw
                        ? continueText(model, text, sampling, printer, loadSeconds)
                        : answer(model, found, kept, text, sampling, printer, loadSeconds);
            } finally {
                if (result == null) {
                    printer.abandon();
                }
            }
            if (json) {
                Json.print(terminal, describe(found.name(), sampling.seed(), result));
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

    /** Reads what answers must keep to, for whoever may answer. */
    private void readConstraint() throws IOException, Failure {
        if (jsonSchema != null && grammar != null) {
            throw usage("--json-schema, --grammar: expected one of them");
        }
        String file = jsonSchema == null ? grammar : jsonSchema;
        if (file == null) {
            return;
        }
        String text = Inputs.read(terminal, file);
        if (remoteFlags.isGiven()) {
            remoteConstraint = jsonSchema == null
                    ? RemoteRequest.grammar(text)
                    : RemoteRequest.schema(Json.parse(Inputs.nameOf(file), text));
            if (!remoteFlags.hasFallback()) {
                return; // the other machine decides what it supports
            }
        }
        try {
            constraint = jsonSchema == null ? Grammar.ofGbnf(text) : Grammar.ofJsonSchema(text);
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
        return remoteFlags.isGiven()
                ? runPromptsElsewhere(modelAndPrompt[0], lines)
                : runPromptsHere(modelAndPrompt[0], lines);
    }

    private int runPromptsHere(String asked, List<PromptsFile.Line> lines) throws IOException, Failure {
        Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
        Models.Found found = models.obtain(asked, modelFlags.offline);
        return runPrompts(lines, nameOf(found), (left, results) -> {
            try (PromptsHere here = new PromptsHere(models, found)) {
                return runPrompts(here.answerer, nameOf(found), left, results);
            }
        });
    }

    private int runPromptsElsewhere(String asked, List<PromptsFile.Line> lines) throws IOException, Failure {
        RemoteServer server = remoteFlags.connect(this, this::tell);
        boolean fallsBack = remoteFlags.hasFallback();
        String model;
        try {
            model = remoteFlags.model(server, asked);
        } catch (RemoteException e) {
            if (!e.isGone() || !fallsBack) {
                throw e;
            }
            terminal.say(RemoteFlags.fallingBack(e));
            return runPromptsHere(remoteFlags.fallbackModel(), lines);
        }
        String name = RemotePrompts.nameOf(server, model);
        FirstUse.tell(terminal, server, name, quiet);
        // Where both may answer, a file of results has those of both.
        return runPrompts(lines, fallsBack ? null : name, (left, results) -> {
            PromptAnswerer there = new RemotePrompts(server, model, answerFlags, remoteConstraint, parallel());
            if (!fallsBack) {
                try (there) {
                    return runPrompts(there, name, left, results);
                }
            }
            List<PromptsHere> opened = new ArrayList<>(1);
            PromptAnswerer either = new FallbackPrompts(there, because -> {
                terminal.say(RemoteFlags.fallingBack(because));
                Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
                PromptsHere here =
                        new PromptsHere(models, models.obtain(remoteFlags.fallbackModel(), modelFlags.offline));
                opened.add(here);
                return here.answerer;
            });
            try (either) {
                return runPrompts(either, name, left, results);
            } finally {
                opened.forEach(PromptsHere::close);
            }
        });
    }

    /** A model of this machine, and who answers prompts with it. */
    private final class PromptsHere implements AutoCloseable {
        final Model model;
        final PromptAnswerer answerer;

        PromptsHere(Models models, Models.Found found) throws IOException, Failure {
            SamplingOptions sampling = sampling(found);
            model = models.load(found, loadFlags.options(answerFlags.context), quiet, isVerbose());
            boolean isOpen = false;
            try {
                AnswerFlags.present(sampling, model, terminal, isVerbose());
                if (!raw) {
                    ChatCommand.requireTemplate(model);
                }
                answerer = new LocalPrompts(
                        model, nameOf(found), sampling, answerFlags, raw, parallel(), PromptsRun.queued(parallel()));
                isOpen = true;
            } finally {
                if (!isOpen) {
                    model.close();
                }
            }
        }

        @Override
        public void close() {
            answerer.close();
            model.close();
        }
    }

    private static String nameOf(Models.Found found) {
        return Models.asPath(found.name()).isPresent()
                ? String.valueOf(found.path().getFileName())
                : found.name();
    }

    private int parallel() {
        return parallel == null ? PARALLEL_DEFAULT : parallel;
    }

    /** Answers lines. */
    private interface Run {
        int run(List<PromptsFile.Line> lines, PromptsRun.Results results) throws IOException, Failure;
    }

    /** @param accepted the model whose results may be in {@code --out} already; null for any */
    private int runPrompts(List<PromptsFile.Line> lines, String accepted, Run run) throws IOException, Failure {
        if (out == null) {
            return run.run(lines, json -> {
                terminal.print(json + "\n");
                terminal.out().flush();
            });
        }
        try (ResultsFile results = ResultsFile.open(Path.of(out), lines, accepted)) {
            List<PromptsFile.Line> left =
                    lines.stream().filter(line -> !results.holds(line)).toList();
            if (left.size() < lines.size() && !quiet) {
                terminal.say((lines.size() - left.size()) + " of " + lines.size() + " prompts are answered in " + out
                        + " already");
            }
            return left.isEmpty() ? OK : run.run(left, results::write);
        }
    }

    private int runPrompts(
            PromptAnswerer answerer, String name, List<PromptsFile.Line> lines, PromptsRun.Results results)
            throws IOException, Failure {
        return new PromptsRun(terminal, quiet, name, answerer)
                .run(lines, results, parallel(), !asFinished, out != null);
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
        try (Talk talk = new LocalTalk(model, answerFlags.chatOptions(sampling))) {
            kept.restore(talk, Optional.of(found), answerFlags);
            Answer answer = talk.send(text, Talk.Listener.of(printer, () -> false));
            printer.end(answer.generation(), talk.place());
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
            printer.end(generation, LocalTalk.place(session.length(), session.context()));
            return new Result(printer.text(), "", generation, printer.reason(generation), loadSeconds);
        }
    }

    /** @param seed null where it is not known */
    private static Map<String, Object> describe(String model, Long seed, Result result) {
        Generation g = result.generation();
        Map<String, Object> timings = new LinkedHashMap<>();
        if (result.loadSeconds() != null) {
            timings.put("load_s", roundSeconds(result.loadSeconds()));
        }
        putTimings(timings, g);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", model);
        all.put("text", result.text());
        all.put("thinking", result.thinking());
        all.put("finish_reason", nameOf(result.reason()));
        if (seed != null) {
            all.put("seed", seed);
        }
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
        timings.put("prompt_s", roundSeconds(g.promptNanos() / 1e9));
        timings.put("generate_s", roundSeconds(g.generateNanos() / 1e9));
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

    /** To microseconds: a few tokens of a small model take less than a millisecond. */
    static double roundSeconds(double value) {
        return Math.rint(value * 1e6) / 1e6;
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
