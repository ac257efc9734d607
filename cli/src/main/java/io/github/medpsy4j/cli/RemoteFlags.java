package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteAccess;
import io.github.medpsy4j.cli.remote.RemoteAddress;
import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.cli.remote.RemoteServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import picocli.CommandLine.Option;

/** The options that have another machine answer. */
final class RemoteFlags {
    private static final String LOCAL = "local";
    private static final int PATIENCE_SECONDS = 600;

    /** Who has something to fall back to waits less. */
    private static final int PATIENCE_WITH_FALLBACK_SECONDS = 120;

    private static final int PATIENCE_SECONDS_MAX = 1_000_000;

    @Option(
            names = "--remote",
            paramLabel = "URL",
            description = "Let another machine answer: its medpsy serve, or any OpenAI-compatible server. What you "
                    + "type goes there. MODEL is a name of that server's, and need not be given where it has one.")
    String url;

    @Option(
            names = "--api-key-file",
            paramLabel = "FILE",
            description = "The key for --remote: the first line of a file (default: $MEDPSY_API_KEY).")
    String apiKeyFile;

    @Option(
            names = "--ca-file",
            paramLabel = "PEM",
            description = "Trust the certificate authority in this file for --remote, instead of the JDK's.")
    String caFile;

    @Option(
            names = "--fallback",
            paramLabel = "local|MODEL",
            description = "Go on on this machine, with the default model or this one, when the other is gone.")
    String fallback;

    @Option(
            names = "--remote-timeout",
            paramLabel = "SECONDS",
            description = "How long the other machine may be silent, or busy (default: 600, with --fallback 120).")
    Integer timeout;

    /** Tells that this machine answers instead. */
    static String fallingBack(RemoteException because) {
        return because.getMessage() + "; going on on this machine";
    }

    /** Whether another machine is to answer. */
    boolean isGiven() {
        return url != null;
    }

    boolean hasFallback() {
        return fallback != null;
    }

    /** The local model to fall back to; null for the default. */
    String fallbackModel() {
        return fallback == null || fallback.equals(LOCAL) ? null : fallback;
    }

    /**
     * The model that answers, by the server's name; null where the server has no names.
     *
     * @param asked what the user named; null for the only one
     */
    String model(RemoteServer server, String asked) throws IOException, Failure {
        List<String> names = server.models();
        if (asked == null && names.size() > 1) {
            throw new Failure(server.name() + ": has several models; MODEL names one" + server.listed(names));
        }
        return asked != null || names.isEmpty() ? asked : names.getFirst();
    }

    /** Refuses what contradicts, or cannot be had from another machine. */
    void check(BaseCommand command, Ranges ranges, ModelFlags model, AnswerFlags answer, LoadFlags load) {
        if (url == null) {
            Map<String, Object> given = new LinkedHashMap<>();
            given.put("--api-key-file", apiKeyFile);
            given.put("--ca-file", caFile);
            given.put("--fallback", fallback);
            given.put("--remote-timeout", timeout);
            given.forEach((name, value) -> {
                if (value != null) {
                    throw command.usage(name + ": is for --remote, which is not given");
                }
            });
            return;
        }
        ranges.check("--remote-timeout", timeout, 1, PATIENCE_SECONDS_MAX);
        if (fallback != null && fallback.isBlank()) {
            throw command.usage("--fallback: expected local or a MODEL, got an empty text");
        }
        if (model.isOffline(command.terminal)) {
            throw command.usage("--remote: opens a connection, which --offline or MEDPSY_OFFLINE forbids");
        }
        if (model.quant != null) {
            throw command.usage("--quant: goes not with --remote, whose server has its own names for models");
        }
        Map<String, Object> local = new LinkedHashMap<>();
        local.put("--threads", load.threads);
        local.put("--weights", load.weights);
        local.put("--kv", load.kv);
        local.put("--context", answer.context);
        local.put("--draft", answer.draft);
        local.put("--force", model.force ? true : null);
        local.forEach((name, value) -> {
            if (value != null && fallback == null) {
                throw command.usage(name + ": is about computing on this machine, which --remote does not");
            }
        });
    }

    /** The server, which is not asked anything yet. Tells where words go. */
    RemoteServer connect(BaseCommand command, Consumer<String> say) throws IOException, Failure {
        Terminal terminal = command.terminal;
        RemoteAddress address;
        try {
            address = RemoteAddress.parse(url);
        } catch (IllegalArgumentException e) {
            throw command.usage("--remote: " + e.getMessage());
        }
        if (caFile != null && !address.isTls()) {
            throw command.usage("--ca-file: is for an https:// address, which --remote does not name");
        }
        String key = key(terminal);
        Optional<SSLContext> trust =
                caFile == null ? Optional.empty() : Optional.of(RemoteAccess.trusting(Inputs.path(caFile)));
        int seconds = timeout != null ? timeout : hasFallback() ? PATIENCE_WITH_FALLBACK_SECONDS : PATIENCE_SECONDS;
        RemoteServer server;
        try {
            server = new RemoteServer(address, new RemoteAccess(key, trust, Duration.ofSeconds(seconds), say));
        } catch (IllegalArgumentException e) {
            throw new Failure((apiKeyFile == null ? "MEDPSY_API_KEY" : apiKeyFile) + ": " + e.getMessage(), e);
        }
        say.accept("what you type goes to " + address.name()
                + (address.isTls() ? ", encrypted" : address.isLoopback() ? ", on this machine" : "")
                + (key.isEmpty() ? "" : ", with your key"));
        if (!address.isTls() && !address.isLoopback()) {
            say.accept("that is http: everybody on the way to " + address.name() + " can read "
                    + (key.isEmpty() ? "it" : "it, and the key") + "; https:// would encrypt it");
        }
        return server;
    }

    private String key(Terminal terminal) throws IOException, Failure {
        if (apiKeyFile == null) {
            return terminal.environment().getOrDefault("MEDPSY_API_KEY", "").strip();
        }
        return Utf8.decode(apiKeyFile, Files.readAllBytes(Inputs.path(apiKeyFile)))
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .orElseThrow(() -> new Failure(Path.of(apiKeyFile) + ": expected a key, got none"));
    }
}
