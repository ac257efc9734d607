package io.github.medpsy4j.cli.remote;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.cli.remote.RemoteException.Kind;
import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatToken;
import io.github.medpsy4j.engine.FinishReason;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.Thinking;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * An answer as its chunks come: text, and the thinking, which servers send as {@code reasoning_content} (medpsy,
 * llama.cpp, DeepSeek), {@code reasoning} (vLLM, Ollama) or between {@code <think>} and {@code </think>} in the text.
 */
final class StreamedAnswer {
    /** What no model's context holds. */
    private static final int ANSWER_CHARS_MAX = 64 << 20;

    private static final double NANOS_PER_MILLI = 1e6;

    private final String name;
    private final UnaryOperator<String> shortened;
    private final Predicate<ChatToken> listener;
    private final Thinking thinking = new Thinking(false, this::say);
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder thoughts = new StringBuilder();
    private final long startNanos = System.nanoTime();
    private long firstNanos = -1;
    private long lastNanos = -1;
    private int pieces;
    private boolean goesOn = true;
    private FinishReason reason;
    private String model = "";
    private Map<?, ?> usage = Map.of();
    private Map<?, ?> timings = Map.of();

    /**
     * @param name what messages call the server
     * @param shortened makes of what the server says what a line can hold
     */
    StreamedAnswer(String name, UnaryOperator<String> shortened, Predicate<ChatToken> listener) {
        this.name = name;
        this.shortened = shortened;
        this.listener = listener;
    }

    /** Reads an answer to its end. */
    RemoteReply streamed(Exchange exchange) throws RemoteException {
        EventStream events = new EventStream(exchange.body());
        boolean isAtEnd = false;
        try {
            while (!isAtEnd) {
                switch (events.next()) {
                    case BEAT -> exchange.hurry();
                    case END -> isAtEnd = true;
                    case EVENT -> {
                        if (events.data().strip().equals("[DONE]")) {
                            isAtEnd = true;
                        } else {
                            chunk(events.data());
                            if (!goesOn) {
                                return interrupted();
                            }
                        }
                    }
                }
            }
        } catch (EventStream.TooLongException e) {
            throw new RemoteException(
                    Kind.REFUSED, name + ": sends an event of more than " + EventStream.EVENT_BYTES_MAX + " bytes", e);
        } catch (Exchange.StoppedException e) {
            return interrupted();
        } catch (RemoteException e) {
            throw e;
        } catch (IOException e) {
            if (reason == null) { // else only the figures are missing
                throw exchange.failure(e);
            }
        }
        if (reason == null) {
            throw pieces > 0 || !exchange.hasBytes()
                    ? new RemoteException(
                            Kind.GONE,
                            name + ": closed the connection "
                                    + (pieces > 0 ? "in the middle of the answer" : "without an answer"))
                    : new RemoteException(
                            Kind.REFUSED, name + ": its answer is no stream of events that says how it ended");
        }
        return ended();
    }

    /** An answer that came at once, of a server that does not stream. */
    RemoteReply whole(Object body) throws RemoteException {
        if (!(body instanceof Map<?, ?> map)) {
            throw new RemoteException(Kind.REFUSED, name + ": its answer is no JSON object");
        }
        chunk(map);
        if (reason == null) {
            throw new RemoteException(Kind.REFUSED, name + ": its answer has no choice with a finish_reason");
        }
        return goesOn ? ended() : interrupted();
    }

    private void chunk(String json) throws RemoteException {
        Object value;
        try {
            value = JSON.std.anyFrom(json);
        } catch (IOException e) {
            throw new RemoteException(
                    Kind.REFUSED, name + ": sends an event that is no JSON: " + shortened.apply(json), e);
        }
        if (!(value instanceof Map<?, ?> map)) {
            throw new RemoteException(Kind.REFUSED, name + ": sends an event that is no JSON object");
        }
        chunk(map);
    }

    private void chunk(Map<?, ?> chunk) throws RemoteException {
        Optional<String> error = errorOf(chunk);
        if (error.isPresent()) {
            throw new RemoteException(
                    Kind.FAILED, name + ": failed while it answered: " + shortened.apply(error.get()));
        }
        if (chunk.get("model") instanceof String told) {
            model = told;
        }
        if (chunk.get("usage") instanceof Map<?, ?> counted) {
            usage = counted;
        }
        if (chunk.get("timings") instanceof Map<?, ?> timed) {
            timings = timed;
        }
        if (!(chunk.get("choices") instanceof List<?> choices)
                || choices.isEmpty()
                || !(choices.getFirst() instanceof Map<?, ?> choice)) {
            return;
        }
        Object said = choice.get("delta") == null ? choice.get("message") : choice.get("delta");
        if (said instanceof Map<?, ?> delta) {
            for (String field : List.of("reasoning_content", "reasoning")) {
                if (delta.get(field) instanceof String thought && !thought.isEmpty()) {
                    count();
                    say(thought, true);
                    break;
                }
            }
            for (String field : List.of("content", "refusal")) {
                if (delta.get(field) instanceof String piece && !piece.isEmpty()) {
                    count();
                    thinking.accept(piece);
                }
            }
        }
        if (choice.get("finish_reason") instanceof String ended) {
            // Others are "stop", and what ends an answer without a limit: "tool_calls", "content_filter".
            reason = ended.equals("length") ? FinishReason.LENGTH : FinishReason.END;
        }
    }

    private void count() {
        pieces++;
        lastNanos = System.nanoTime();
        if (firstNanos < 0) {
            firstNanos = lastNanos;
        }
    }

    private void say(String piece, boolean isThinking) {
        (isThinking ? thoughts : text).append(piece);
        if (text.length() + thoughts.length() > ANSWER_CHARS_MAX) {
            goesOn = false;
        }
        goesOn &= listener.test(new ChatToken(piece, isThinking));
    }

    /** What has been said until somebody had enough. */
    RemoteReply interrupted() {
        reason = FinishReason.INTERRUPTED;
        return ended();
    }

    private RemoteReply ended() {
        thinking.end();
        int prompt = whole(usage.get("prompt_tokens"), 0);
        int cached = usage.get("prompt_tokens_details") instanceof Map<?, ?> details
                ? whole(details.get("cached_tokens"), 0)
                : whole(timings.get("cache_n"), 0);
        long toFirst = firstNanos < 0 ? 0 : firstNanos - startNanos;
        Generation generation = new Generation(
                prompt,
                Math.min(cached, prompt),
                whole(usage.get("completion_tokens"), pieces),
                whole(timings.get("draft_n"), 0),
                whole(timings.get("draft_n_accepted"), 0),
                nanos(timings.get("prompt_ms"), toFirst),
                nanos(timings.get("predicted_ms"), lastNanos - firstNanos),
                reason);
        return new RemoteReply(new Answer(text.toString(), thoughts.toString(), generation, 0), model);
    }

    private static int whole(Object value, int absent) {
        return value instanceof Number number && number.doubleValue() >= 0 && number.doubleValue() < Integer.MAX_VALUE
                ? number.intValue()
                : absent;
    }

    private static long nanos(Object millis, long absent) {
        return millis instanceof Number number && number.doubleValue() > 0
                ? (long) (number.doubleValue() * NANOS_PER_MILLI)
                : absent;
    }

    /** The message of an error in OpenAI's form, or in that of servers that are nearly like it. */
    static Optional<String> errorOf(Object body) {
        if (!(body instanceof Map<?, ?> map)) {
            return Optional.empty();
        }
        return switch (map.get("error")) {
            case String text -> Optional.of(text);
            case Map<?, ?> error when error.get("message") instanceof String text -> Optional.of(text);
            case Map<?, ?> error -> Optional.of("it does not say why");
            case null, default -> Optional.empty();
        };
    }

    /** The code or type of an error; empty for none. */
    static String codeOf(Object body) {
        if (body instanceof Map<?, ?> map && map.get("error") instanceof Map<?, ?> error) {
            return error.get("code") instanceof String code
                    ? code
                    : error.get("type") instanceof String type ? type : "";
        }
        return "";
    }
}
