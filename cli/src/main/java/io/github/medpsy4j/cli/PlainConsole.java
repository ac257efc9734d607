package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatToken;
import io.github.medpsy4j.engine.Generation;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** A chat on streams: lines come from stdin, answers go to stdout and all else to stderr. */
final class PlainConsole implements ChatConsole {
    private final Terminal terminal;
    private final boolean isQuiet;
    private final boolean holdsAnswers;
    private final LineReader lines;

    /** Ctrl-C since the current answer began; below 0 while nothing is being answered. */
    private final AtomicInteger interrupts = new AtomicInteger(-1);

    /** @param holdsAnswers whether an answer is written only when it is whole, because it may have to be given up */
    PlainConsole(Terminal terminal, boolean isQuiet, boolean holdsAnswers) {
        this.holdsAnswers = holdsAnswers;
        this.terminal = terminal;
        this.isQuiet = isQuiet;
        this.lines = new LineReader(terminal.in());
        if (terminal.inIsTerminal()) {
            boolean survivesInterrupts = Interrupts.handle(this::interrupted);
            if (!isQuiet) {
                terminal.say("/help lists what else you can type; "
                        + (survivesInterrupts ? "Ctrl-C ends an answer, " : "")
                        + "Ctrl-D leaves");
            }
        }
    }

    @Override
    public boolean isInteractive() {
        return terminal.inIsTerminal();
    }

    @Override
    public String read() throws IOException, Failure {
        if (!isInteractive()) {
            return lines.next();
        }
        prompt("> ");
        String text = lines.next();
        while (text != null && ChatLine.isOpenBlock(text)) {
            prompt("… ");
            String more = lines.next();
            if (more == null) {
                break;
            }
            text += "\n" + more;
        }
        if (text == null) {
            terminal.err().println();
            terminal.err().flush();
        }
        return text;
    }

    private void prompt(String text) {
        terminal.err().print(text);
        terminal.err().flush();
    }

    @Override
    public Optional<String> edit(String text) {
        return Optional.empty();
    }

    @Override
    public boolean confirm(String question) throws IOException, Failure {
        if (!isInteractive()) {
            return false;
        }
        prompt(question + " [y/N] ");
        String answer = lines.next();
        return answer != null
                && answer.strip().toLowerCase(java.util.Locale.ROOT).startsWith("y");
    }

    @Override
    public void say(String line) {
        terminal.say(line);
    }

    @Override
    public void print(String text) {
        terminal.err().print(terminal.errIsTerminal() ? Terminal.harmless(text) : text);
        terminal.err().flush();
    }

    @Override
    public AnswerView answer(boolean showsThinking) {
        AnswerPrinter printer = new AnswerPrinter(
                        terminal, isQuiet, showsThinking, List.of(), () -> interrupts.get() > 0)
                .held(holdsAnswers);
        interrupts.set(0);
        return new AnswerView() {
            @Override
            public boolean test(ChatToken token) {
                return printer.test(token);
            }

            @Override
            public boolean isInterrupted() {
                return interrupts.get() > 0;
            }

            @Override
            public void end(Generation generation, Talk.Place place) throws IOException {
                interrupts.set(-1);
                printer.end(generation, place);
            }

            @Override
            public void abandon() throws IOException {
                interrupts.set(-1);
                printer.abandon();
            }
        };
    }

    private void interrupted() {
        int before = interrupts.getAndUpdate(n -> n < 0 ? n : n + 1);
        if (before < 0) {
            terminal.err().println();
            terminal.say("Ctrl-D or /bye leaves");
            prompt("> ");
        } else if (before > 0) {
            // A long prompt is being read, which only the end of the process interrupts.
            terminal.err().println();
            terminal.err().flush();
            Runtime.getRuntime().halt(130);
        }
    }

    @Override
    public void close() {
        terminal.err().flush();
    }
}
