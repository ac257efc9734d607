package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatToken;
import io.github.medpsy4j.engine.FinishReason;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.StopTexts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** Shows one answer as it is generated: its words on stdout, its thinking and what it cost on stderr. */
final class AnswerPrinter implements Predicate<ChatToken> {
    private final Terminal terminal;
    private final boolean isQuiet;
    private final boolean showsThinking;
    private final StopTexts stops;
    private final BooleanSupplier isInterrupted;
    private final long start = System.nanoTime();
    private final StringBuilder text = new StringBuilder();
    private long firstTokenNanos = -1;
    private boolean isThinking;
    private char last = '\n';
    private boolean isHeld;

    /**
     * @param isQuiet shows nothing on stderr
     * @param isInterrupted asked after each token: whether the answer is to end
     */
    AnswerPrinter(Terminal terminal, boolean isQuiet, List<String> stops, BooleanSupplier isInterrupted) {
        this(terminal, isQuiet, true, stops, isInterrupted);
    }

    AnswerPrinter(
            Terminal terminal,
            boolean isQuiet,
            boolean showsThinking,
            List<String> stops,
            BooleanSupplier isInterrupted) {
        this.terminal = terminal;
        this.isQuiet = isQuiet;
        this.showsThinking = showsThinking;
        this.stops = new StopTexts(stops);
        this.isInterrupted = isInterrupted;
    }

    /** Lets nothing of the answer be seen before it is whole: for an answer that may have to be given up. */
    AnswerPrinter held(boolean value) {
        isHeld = value;
        return this;
    }

    @Override
    public boolean test(ChatToken token) {
        if (firstTokenNanos < 0) {
            firstTokenNanos = System.nanoTime() - start;
        }
        if (token.thinking()) {
            think(token.text());
        } else {
            endThinking();
            answer(stops.accept(token.text()));
        }
        return !stops.isFound() && !isInterrupted.getAsBoolean();
    }

    private void think(String piece) {
        if (isQuiet || !showsThinking) {
            return;
        }
        if (!isThinking) {
            isThinking = true;
            terminal.err().println(terminal.faint("thinking:"));
        }
        terminal.err().print(terminal.faint(terminal.errIsTerminal() ? Terminal.harmless(piece) : piece));
        terminal.err().flush();
    }

    private void endThinking() {
        if (isThinking) {
            isThinking = false;
            terminal.err().println();
            terminal.err().println();
            terminal.err().flush();
        }
    }

    private void answer(String piece) {
        if (piece.isEmpty()) {
            return;
        }
        text.append(piece);
        last = piece.charAt(piece.length() - 1);
        if (!isHeld) {
            print(piece);
        }
    }

    private void print(String piece) {
        try {
            terminal.print(terminal.outIsTerminal() ? Terminal.harmless(piece) : piece);
            terminal.out().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends the answer with the line that tells what it cost, on stderr. */
    void end(Generation generation, Talk.Place place) throws IOException {
        endThinking();
        answer(stops.flush());
        if (isHeld) {
            print(text());
        }
        if (last != '\n') {
            terminal.print("\n");
        }
        terminal.out().flush();
        if (!isQuiet) {
            String line = figures(
                    generation,
                    reason(generation),
                    Math.max(firstTokenNanos, generation.promptNanos()),
                    place,
                    text.isEmpty());
            terminal.err().println(terminal.faint("[" + line + "]"));
            terminal.err().flush();
        }
    }

    /** There is no answer after all: what has been shown of it ends with its line. */
    void abandon() throws IOException {
        endThinking();
        if (!isHeld && last != '\n') {
            terminal.print("\n");
            terminal.out().flush();
        }
    }

    /** What an answer cost and, unless the model ended it, why it ended. */
    static String figures(
            Generation generation, FinishReason reason, long firstNanos, Talk.Place place, boolean isEmpty) {
        return String.format(
                Locale.ROOT,
                "%d token%s, %.1f tokens/s, first after %.2f s, %s%s",
                generation.generatedTokens(),
                generation.generatedTokens() == 1 ? "" : "s",
                perSecond(generation.generatedTokens(), generation.generateNanos()),
                firstNanos / 1e9,
                Terminal.harmless(place.text()),
                whyItEnded(reason, place.isElsewhere(), isEmpty && generation.generatedTokens() > 1));
    }

    /** The answer's text so far, without what a stop text cut off. */
    String text() {
        return text.toString();
    }

    /** Why the generation ended: the engine only sees that it was told to stop. */
    FinishReason reason(Generation generation) {
        return stops.isFound() ? FinishReason.STOP_TEXT : generation.finishReason();
    }

    static double perSecond(int tokens, long nanos) {
        return nanos <= 0 ? 0 : tokens / (nanos / 1e9);
    }

    private static String whyItEnded(FinishReason reason, boolean isElsewhere, boolean isStillThinking) {
        String hint = isStillThinking ? " before the answer (--think-budget N makes it come)" : "";
        return switch (reason) {
            case END -> "";
            case STOP_TEXT -> "; ended by a stop text";
            case LENGTH -> "; ended by --max-tokens" + (isElsewhere ? " or a bound of the server's" : "") + hint;
            case CONTEXT_FULL -> "; ended as the context is full (--context N gives more)" + hint;
            case INTERRUPTED -> "; interrupted";
        };
    }
}
