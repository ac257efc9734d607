package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.screen.MarkdownStream;
import io.github.medpsy4j.cli.screen.PlainText;
import io.github.medpsy4j.cli.screen.Style;
import io.github.medpsy4j.engine.ChatToken;
import io.github.medpsy4j.engine.Generation;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/**
 * An answer on a terminal: Markdown, the thinking dimmed above it, and while nothing can be read a line that tells what
 * goes on, which disappears. That line is written by a thread of its own.
 */
final class ScreenAnswer implements ChatConsole.AnswerView {
    private static final long STATUS_MILLIS = 250;

    /** An answer that comes sooner needs no status. */
    private static final double STATUS_AFTER_SECONDS = 0.8;

    private final PrintWriter out;
    private final IntSupplier columns;
    private final boolean isStyled;
    private final boolean isQuiet;
    private final boolean showsThinking;
    private final BooleanSupplier isInterrupted;
    private final Runnable ended;
    private final MarkdownStream answer;
    private final MarkdownStream thinking;
    private final Thread ticker;
    private final long start = System.nanoTime();

    private long firstTokenNanos = -1;
    private long thinkingStart;
    private int thoughtPieces;
    private boolean isThinking;
    private boolean hasStatus;
    private String lastStatus = "";
    private boolean isOver;
    private boolean isAnswering;

    /**
     * @param columns the terminal's width now
     * @param isInterrupted whether the answer is to end
     * @param ended runs when it has
     */
    ScreenAnswer(
            PrintWriter out,
            IntSupplier columns,
            boolean isStyled,
            boolean isQuiet,
            boolean showsThinking,
            BooleanSupplier isInterrupted,
            Runnable ended) {
        this.out = out;
        this.columns = columns;
        this.isStyled = isStyled;
        this.isQuiet = isQuiet;
        this.showsThinking = showsThinking && !isQuiet;
        this.isInterrupted = isInterrupted;
        this.ended = ended;
        this.answer = new MarkdownStream(out::print, columns, isStyled, Style.PLAIN);
        this.thinking = new MarkdownStream(out::print, columns, isStyled, Style.FAINT);
        this.ticker = Thread.ofPlatform().daemon().name("chat-status").unstarted(this::tick);
        if (isStyled && !isQuiet) {
            ticker.start();
        }
    }

    @Override
    public synchronized boolean test(ChatToken token) {
        if (firstTokenNanos < 0) {
            firstTokenNanos = System.nanoTime() - start;
        }
        if (token.thinking()) {
            think(token.text());
        } else {
            endThinking();
            clearStatus();
            isAnswering |= !token.text().isBlank();
            answer.accept(token.text());
        }
        out.flush();
        return !isInterrupted.getAsBoolean();
    }

    private void think(String text) {
        if (!isThinking) {
            isThinking = true;
            thinkingStart = System.nanoTime();
            if (showsThinking) {
                clearStatus();
                note("Thinking");
            }
        }
        thoughtPieces++;
        if (showsThinking) {
            thinking.accept(text);
        }
    }

    private void endThinking() {
        if (!isThinking) {
            return;
        }
        isThinking = false;
        clearStatus();
        thinking.end();
        if (!isQuiet && thoughtPieces > 1) {
            note(String.format(
                    Locale.ROOT,
                    "Thought for %.1f s, %,d tokens%s",
                    (System.nanoTime() - thinkingStart) / 1e9,
                    thoughtPieces,
                    showsThinking ? "" : " (/thinking show shows it)"));
            out.print("\n");
        }
    }

    private void note(String text) {
        out.print(PlainText.wrapped(text, columns.getAsInt(), isStyled, Style.FAINT));
    }

    /** Keeps the status line true until the answer is over. */
    private void tick() {
        while (true) {
            try {
                Thread.sleep(STATUS_MILLIS);
            } catch (InterruptedException over) {
                return;
            }
            synchronized (this) {
                if (isOver) {
                    return;
                }
                status();
            }
        }
    }

    private void status() {
        double seconds = (System.nanoTime() - (isThinking ? thinkingStart : start)) / 1e9;
        String text;
        if (firstTokenNanos < 0 && seconds > STATUS_AFTER_SECONDS) {
            text = isInterrupted.getAsBoolean()
                    ? "stopping when the message is read; Ctrl-C again ends medpsy"
                    : String.format(Locale.ROOT, "reading … %.0f s", seconds);
        } else if (isThinking && !showsThinking) {
            text = String.format(Locale.ROOT, "thinking … %,d tokens, %.0f s", thoughtPieces, seconds);
        } else {
            return;
        }
        if (hasStatus && text.equals(lastStatus)) {
            return;
        }
        lastStatus = text;
        int room = Math.max(1, columns.getAsInt() - 1);
        out.print("\r\u001b[2m" + (text.length() > room ? text.substring(0, room) : text) + "\u001b[0m\u001b[K");
        out.flush();
        hasStatus = true;
    }

    private void clearStatus() {
        if (hasStatus) {
            hasStatus = false;
            out.print("\r\u001b[K");
        }
    }

    @Override
    public boolean isInterrupted() {
        return isInterrupted.getAsBoolean();
    }

    /** Lets others write while the answer has not ended. */
    synchronized void interject(Runnable writing) {
        clearStatus();
        writing.run();
    }

    @Override
    public synchronized void end(Generation generation, Talk.Place place) {
        endThinking();
        finish();
        answer.end();
        if (!isQuiet) {
            String figures = AnswerPrinter.figures(
                    generation,
                    generation.finishReason(),
                    Math.max(firstTokenNanos, generation.promptNanos()),
                    place,
                    !isAnswering);
            note("[" + figures + "]");
        }
        out.print("\n");
        out.flush();
    }

    @Override
    public synchronized void abandon() {
        endThinking();
        finish();
        answer.end();
        out.flush();
    }

    private void finish() {
        clearStatus();
        isOver = true;
        ticker.interrupt();
        ended.run();
    }
}
