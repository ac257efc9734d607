package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.server.Server;
import io.github.medpsy4j.server.ServerOptions;
import io.github.medpsy4j.server.TlsFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A server that speaks OpenAI's API. */
@Command(
        name = "serve",
        header = "Answer over HTTP, as OpenAI's API does.",
        customSynopsis = "medpsy serve [OPTIONS] [MODEL]",
        description = {
            "It listens at once, answers 503 until the model is loaded, and ends with Ctrl-C or SIGTERM: answers that "
                    + "are being written are finished first, a second signal ends them. Sampling options are what "
                    + "holds where a request says nothing.",
            "",
            "Only programs on this machine reach it, unless --host says otherwise; then it needs a key."
        },
        footer = {
            "  medpsy serve",
            "  medpsy serve medpsy-4b --port 8081 --parallel 8",
            "  medpsy serve --host 0.0.0.0 --api-key-file keys.txt",
            "  curl http://127.0.0.1:8080/v1/chat/completions -d '{",
            "    \"messages\": [{\"role\": \"user\", \"content\": \"What is a stroke?\"}]}'"
        })
final class ServeCommand extends BaseCommand {
    /** What is said of each request lies in the way of an answer that is generated for a command line. */
    static final Set<String> NOT_HERE = Set.of("--system", "--stop", "--overflow");

    /** The HTTP library's, which would write to stderr in a form of its own; kept, as loggers are forgotten. */
    private static final Logger HELIDON = Logger.getLogger("io.helidon");

    private static final int SECONDS_MAX = 1_000_000;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Name, NAME:QUANT or path (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    String positional;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "Where to listen (default: 127.0.0.1); 0.0.0.0 is every address of this machine.")
    String host = "127.0.0.1";

    @Option(names = "--port", paramLabel = "N", description = "The port (default: 8080); 0 for a free one.")
    Integer port;

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            description = "A key that requests must bring; may be given several times. Others on this machine can see "
                    + "it in the list of processes: rather set MEDPSY_API_KEY or use --api-key-file.")
    List<String> apiKeys = new ArrayList<>();

    @Option(names = "--api-key-file", paramLabel = "FILE", description = "A file of keys, one a line.")
    String apiKeyFile;

    @Option(names = "--no-api-key", description = "Listen at --host without a key: whoever reaches it may use it.")
    boolean noApiKey;

    @Option(
            names = "--tls-cert",
            paramLabel = "FILE",
            description = "Encrypt with this certificate: PEM, followed by those that vouch for it.")
    String tlsCertificate;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "The certificate's private key: PEM, PKCS #8.")
    String tlsKey;

    @Option(
            names = "--host-name",
            paramLabel = "NAME",
            description = "A name under which it is reached, beside localhost, --host and addresses; may be given "
                    + "several times. Without a key, requests for other names are refused.")
    List<String> hostNames = new ArrayList<>();

    @Option(
            names = "--allow-origin",
            paramLabel = "ORIGIN",
            description =
                    "An origin whose pages may use it from a browser, as https://app.example; may be given several "
                            + "times. Pages of others are refused.")
    List<String> allowedOrigins = new ArrayList<>();

    @Option(
            names = "--alias",
            paramLabel = "NAME",
            description = "A name that requests may call the model by, beside its own; may be given several times.")
    List<String> aliases = new ArrayList<>();

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "Answers that are computed at the same time (default: 4); each has its own --context.")
    Integer parallel;

    @Option(
            names = "--queue",
            paramLabel = "N",
            description = "Requests that may wait for those (default: 64); more are answered 429.")
    Integer queue;

    @Option(
            names = "--request-time",
            paramLabel = "SECONDS",
            description = "The longest that a request may take, its wait included (default: 600); then its answer "
                    + "ends as it is.")
    Integer requestTime;

    @Option(
            names = "--shutdown-time",
            paramLabel = "SECONDS",
            description = "How long answers are finished when it ends (default: 30).")
    Integer shutdownTime;

    @Mixin
    ModelFlags modelFlags;

    @Mixin
    AnswerFlags answerFlags;

    @Mixin
    LoadFlags loadFlags;

    @Option(
            names = {"-q", "--quiet"},
            description = "Nothing on stderr but errors: no line for each request.")
    boolean quiet;

    ServeCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        Ranges ranges = new Ranges(spec);
        answerFlags.check(ranges);
        loadFlags.check(ranges);
        ranges.check("--port", port, 0, 65_535);
        ranges.check("--parallel", parallel, 1, SchedulerOptions.SLOTS_MAX);
        ranges.check("--queue", queue, 0, 100_000);
        ranges.check("--request-time", requestTime, 1, SECONDS_MAX);
        ranges.check("--shutdown-time", shutdownTime, 0, SECONDS_MAX);
        ranges.checkTexts("--alias", aliases);
        ranges.checkTexts("--host-name", hostNames);
        String name = modelFlags.choose(positional);
        if (!isVerbose()) {
            HELIDON.setLevel(Level.OFF); // what it could tell of is told by the server
        }
        Server server = start();
        try {
            say("listening at " + url(server) + "; the model is being loaded");
            Models models = new Models(terminal).forced(modelFlags.force).forContext(answerFlags.context);
            Models.Found found = models.obtain(name, modelFlags.offline);
            SamplingOptions sampling = answerFlags.sampling(found.known().flatMap(ModelFile::sampling));
            try (Model model = models.load(found, loadFlags.options(answerFlags.context), quiet, isVerbose())) {
                FirstUse.tell(terminal, found, quiet);
                AnswerFlags.present(sampling, model, terminal, isVerbose());
                try {
                    serve(server, model, found, sampling);
                } finally {
                    server.close(); // before the model
                }
            }
        } finally {
            server.close();
        }
        return OK;
    }

    private void serve(Server server, Model model, Models.Found found, SamplingOptions sampling) throws Failure {
        SchedulerOptions sharing = SchedulerOptions.defaults();
        sharing = parallel == null ? sharing : sharing.withSlots(parallel);
        sharing = queue == null ? sharing : sharing.withQueueMax(queue);
        sharing = answerFlags.draft == null ? sharing : sharing.withDraft(answerFlags.draft);
        sharing = answerFlags.context == null ? sharing : sharing.withContext(answerFlags.context);
        try {
            server.serve(model, names(found), answerFlags.chatOptions(sampling), sharing);
        } catch (IllegalArgumentException e) {
            throw new Failure("--" + e.getMessage(), e);
        }
        say(String.format(
                Locale.ROOT,
                "ready: %s at %s/v1, %d at a time with %,d tokens of context each",
                found.name(),
                url(server),
                sharing.slots(),
                server.context()));
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch second = new CountDownLatch(1);
        Runnable onSignal = () -> {
            if (first.getCount() == 0) {
                second.countDown();
            }
            first.countDown();
        };
        for (String signal : Interrupts.ENDING) {
            Interrupts.handle(signal, onSignal);
        }
        try {
            first.await();
            shutDown(server, second);
        } catch (InterruptedException e) {
            say("interrupted");
        }
    }

    private void shutDown(Server server, CountDownLatch again) throws InterruptedException {
        Duration bound = Duration.ofSeconds(shutdownTime == null ? 30 : shutdownTime);
        say("ending: what is being answered is finished, for " + bound.toSeconds() + " s at most");
        Thread.ofVirtual().start(() -> {
            try {
                again.await();
                say("ending at once");
                server.close();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        long start = System.nanoTime();
        boolean isDone = server.shutdown(bound);
        say(String.format(
                Locale.ROOT,
                "ended after %.1f s%s",
                (System.nanoTime() - start) / (double) TimeUnit.SECONDS.toNanos(1),
                isDone ? "" : "; answers were cut off"));
    }

    /** What requests may call the model: with its quantization, without it where that is the default one, aliases. */
    private List<String> names(Models.Found found) {
        Set<String> names = new LinkedHashSet<>();
        names.add(
                Models.asPath(found.name()).isPresent()
                        ? found.path().getFileName().toString().replaceFirst("(?i)\\.gguf$", "")
                        : found.name());
        found.known().map(ModelFlags::nameOf).ifPresent(names::add);
        names.addAll(aliases);
        return List.copyOf(names);
    }

    private Server start() throws IOException, Failure {
        ServerOptions.Builder options = ServerOptions.builder()
                .host(host)
                .port(port == null ? 8080 : port)
                .apiKeys(keys())
                .isOpen(noApiKey)
                .hostNames(Set.copyOf(hostNames))
                .allowedOrigins(Set.copyOf(allowedOrigins))
                .maxTokens(answerFlags.maxTokens == null ? 0 : answerFlags.maxTokens)
                .log(line -> say(line));
        if ((tlsCertificate == null) != (tlsKey == null)) {
            throw usage("--tls-cert and --tls-key: expected both or none");
        }
        if (tlsKey != null) {
            options.tls(TlsFiles.read(Path.of(tlsCertificate), Path.of(tlsKey)));
        }
        if (requestTime != null) {
            options.timeMax(Duration.ofSeconds(requestTime));
        }
        try {
            return Server.start(options.build());
        } catch (IllegalArgumentException e) {
            throw usage("--" + e.getMessage());
        }
    }

    private List<String> keys() throws IOException, Failure {
        List<String> keys = new ArrayList<>(apiKeys);
        if (apiKeyFile != null) {
            List<String> lines = Files.readAllLines(Inputs.path(apiKeyFile)).stream()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty())
                    .toList();
            if (lines.isEmpty()) {
                throw usage("--api-key-file " + apiKeyFile + ": expected a key, got none");
            }
            keys.addAll(lines);
        }
        String variable =
                terminal.environment().getOrDefault("MEDPSY_API_KEY", "").strip();
        if (!variable.isEmpty()) {
            keys.add(variable);
        }
        if (noApiKey && !keys.isEmpty()) {
            throw usage("--no-api-key: there is a key");
        }
        return keys;
    }

    private String url(Server server) {
        return (tlsKey == null ? "http://" : "https://") + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + server.port();
    }

    private synchronized void say(String line) {
        if (!quiet) {
            terminal.say(line);
        }
    }
}
