package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.Scheduler;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Counters, and their text for Prometheus. */
final class Metrics {
    /** Labels to counts; the paths are the server's own, so there are few. */
    private final Map<String, Long> requests = new TreeMap<>();

    private long disconnects;
    private long answers;
    private double queueSeconds;
    private double promptSeconds;
    private double generateSeconds;

    synchronized void request(String path, int status) {
        requests.merge("path=\"" + path + "\",status=\"" + status + "\"", 1L, Long::sum);
    }

    synchronized void disconnect() {
        disconnects++;
    }

    synchronized void answer(Generation generation, long queuedNanos) {
        answers++;
        queueSeconds += queuedNanos / 1e9;
        promptSeconds += generation.promptNanos() / 1e9;
        generateSeconds += generation.generateNanos() / 1e9;
    }

    /** What a client that finds the queue full had better wait: about until a slot is free, 1 to 60 seconds. */
    synchronized int retryAfterSeconds(int slots) {
        double each = answers == 0 ? 1 : (promptSeconds + generateSeconds) / answers;
        return (int) Math.clamp(Math.ceil(each / slots), 1, 60);
    }

    /** @param served null while the model is being loaded */
    synchronized String text(Served served) {
        StringBuilder text = new StringBuilder(2048);
        family(text, "requests_total", "counter", "Requests by path and status.");
        requests.forEach((labels, count) -> text.append("medpsy_requests_total{")
                .append(labels)
                .append("} ")
                .append(count)
                .append('\n'));
        one(text, "client_disconnects_total", "counter", "Clients that left before their answer's end.", disconnects);
        one(text, "answers_total", "counter", "Answers generated.", answers);
        one(text, "queue_seconds_total", "counter", "Time that answers waited for a slot.", queueSeconds);
        one(text, "prompt_seconds_total", "counter", "Time until answers' prompts were computed.", promptSeconds);
        one(text, "generate_seconds_total", "counter", "Time in which answers were generated.", generateSeconds);
        one(text, "model_loaded", "gauge", "1 once the model answers.", served == null ? 0 : 1);
        if (served != null) {
            Scheduler.Stats stats = served.scheduler().stats();
            one(text, "slots", "gauge", "Answers that can be computed at a time.", stats.slots());
            one(text, "slots_busy", "gauge", "Answers that are being computed.", stats.running());
            one(text, "queue_length", "gauge", "Answers that wait for a slot.", stats.waiting());
            one(text, "prompt_tokens_total", "counter", "Tokens of prompts.", stats.promptTokens());
            one(text, "prompt_tokens_reused_total", "counter", "Of those, at hand in a cache.", stats.reusedTokens());
            one(text, "generated_tokens_total", "counter", "Tokens drawn.", stats.generatedTokens());
            one(text, "steps_total", "counter", "Batches computed.", stats.steps());
        }
        return text.toString();
    }

    private static void one(StringBuilder text, String name, String type, String help, Number value) {
        family(text, name, type, help);
        text.append("medpsy_").append(name).append(' ');
        text.append(value instanceof Double real ? String.format(Locale.ROOT, "%.6f", real) : value.toString());
        text.append('\n');
    }

    private static void family(StringBuilder text, String name, String type, String help) {
        text.append("# HELP medpsy_").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE medpsy_").append(name).append(' ').append(type).append('\n');
    }
}
