package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.screen.PlainText;
import io.github.medpsy4j.cli.screen.Style;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jline.keymap.KeyMap;
import org.jline.reader.Candidate;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.History;
import org.jline.reader.LineReader.Option;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.Reference;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.history.DefaultHistory;
import org.jline.terminal.Attributes;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.Terminal.SignalHandler;
import org.jline.terminal.TerminalBuilder;

/** A chat on a terminal: a line editor with history and completion, and answers as a person wants to read them. */
final class EditorConsole implements ChatConsole {
    private static final int HISTORY_ENTRIES_MAX = 1000;

    /** A pasted book is not kept. */
    private static final int HISTORY_ENTRY_CHARS_MAX = 20_000;

    private static final String PASTE_ON = "\u001b[?2004h";
    private static final String PASTE_OFF = "\u001b[?2004l";

    private final org.jline.terminal.Terminal screen;
    private final org.jline.reader.LineReader reader;
    private final Attributes original;
    private final boolean isStyled;
    private final boolean isQuiet;

    /** Ctrl-C since the current answer began; below 0 while nothing is being answered. */
    private final AtomicInteger interrupts = new AtomicInteger(-1);

    private volatile boolean isReading;

    /** The answer that comes now; null between answers. */
    private volatile ScreenAnswer answer;

    /** The console of this process; empty where there is none that can do more than lines. */
    static Optional<ChatConsole> open(
            Terminal terminal, Path home, boolean isIncognito, boolean isQuiet, ChatCompleter completer) {
        try {
            org.jline.terminal.Terminal screen = TerminalBuilder.builder()
                    .system(true)
                    .systemOutput(TerminalBuilder.SystemOutput.SysOut)
                    .providers("ffm,exec")
                    .dumb(false)
                    .encoding(StandardCharsets.UTF_8)
                    .nativeSignals(true)
                    .signalHandler(SignalHandler.SIG_DFL)
                    .build();
            return Optional.of(
                    new EditorConsole(screen, terminal.showsStyles(), home, isIncognito, isQuiet, completer));
        } catch (IOException | IllegalStateException none) {
            return Optional.empty();
        }
    }

    /** @param screen is closed with this */
    EditorConsole(
            org.jline.terminal.Terminal screen,
            boolean isStyled,
            Path home,
            boolean isIncognito,
            boolean isQuiet,
            ChatCompleter completer) {
        this.screen = screen;
        this.isStyled = isStyled;
        this.isQuiet = isQuiet;
        LineReaderBuilder builder = LineReaderBuilder.builder()
                .terminal(screen)
                .appName("medpsy")
                .parser(new ChatParser())
                .completer((r, line, candidates) -> completer
                        .complete(line.line().substring(0, line.cursor()))
                        .forEach(c -> candidates.add(
                                new Candidate(c.value(), c.value(), null, c.help(), null, null, c.isComplete()))))
                .history(history())
                .option(Option.DISABLE_EVENT_EXPANSION, true)
                .option(Option.DISABLE_HIGHLIGHTER, true)
                .option(Option.HISTORY_IGNORE_SPACE, true)
                .option(Option.HISTORY_TIMESTAMPED, true)
                .option(Option.INSERT_TAB, false)
                .option(Option.AUTO_FRESH_LINE, false)
                .variable(org.jline.reader.LineReader.HISTORY_SIZE, HISTORY_ENTRIES_MAX)
                .variable(org.jline.reader.LineReader.HISTORY_FILE_SIZE, HISTORY_ENTRIES_MAX)
                .variable(org.jline.reader.LineReader.SECONDARY_PROMPT_PATTERN, "%{%}  ")
                .variable(org.jline.reader.LineReader.BELL_STYLE, "none");
        if (!isIncognito) {
            privateFile(home.resolve("history"))
                    .ifPresent(file -> builder.variable(org.jline.reader.LineReader.HISTORY_FILE, file));
        }
        reader = builder.build();
        bindNewline();
        // Keys that are typed while an answer comes are not echoed into it; they wait for the editor.
        original = screen.enterRawMode();
        screen.handle(Signal.INT, signal -> interrupted());
        screen.handle(Signal.TSTP, signal -> suspend());
        if (!isQuiet) {
            say("/help lists what else you can type; Ctrl-C ends an answer, Ctrl-D leaves");
        }
    }

    private static DefaultHistory history() {
        return new DefaultHistory() {
            @Override
            public boolean isPersistable(History.Entry entry) {
                return super.isPersistable(entry) && entry.line().length() <= HISTORY_ENTRY_CHARS_MAX;
            }
        };
    }

    /** The file, readable for its owner alone from its beginning; empty where it cannot be written. */
    private static Optional<Path> privateFile(Path file) {
        try {
            Files.createDirectories(file.getParent());
            boolean isPosix = Files.getFileStore(file.getParent()).supportsFileAttributeView("posix");
            var ownerOnly = PosixFilePermissions.fromString("rw-------");
            try {
                FileAttribute<?>[] attributes = isPosix
                        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(ownerOnly)}
                        : new FileAttribute<?>[0];
                Files.createFile(file, attributes);
            } catch (FileAlreadyExistsException there) {
                if (isPosix && Files.isRegularFile(file)) {
                    Files.setPosixFilePermissions(file, ownerOnly);
                }
            }
            return Files.isRegularFile(file) && Files.isWritable(file) ? Optional.of(file) : Optional.empty();
        } catch (IOException notWritable) {
            return Optional.empty();
        }
    }

    /** Alt-Enter makes a new line. */
    private void bindNewline() {
        reader.getWidgets().put("medpsy-newline", () -> {
            reader.getBuffer().write('\n');
            return true;
        });
        KeyMap<org.jline.reader.Binding> keys = reader.getKeyMaps().get(org.jline.reader.LineReader.MAIN);
        keys.bind(new Reference("medpsy-newline"), KeyMap.alt('\r'), KeyMap.alt('\n'));
    }

    /** Lines as the editor needs to see them: whether more lines belong to a message, and the word to complete. */
    private static final class ChatParser implements Parser {
        @Override
        public ParsedLine parse(String line, int cursor, ParseContext context) {
            if (context == ParseContext.ACCEPT_LINE && ChatLine.isOpenBlock(line)) {
                throw new EOFError(-1, -1, "the block is open");
            }
            String before = line.substring(0, cursor);
            int start = ChatCompleter.wordStart(before);
            return new Word(line, cursor, before.substring(start));
        }

        @Override
        public boolean isEscapeChar(char c) {
            return false;
        }
    }

    private record Word(String line, int cursor, String word) implements CompletingParsedLine {
        @Override
        public CharSequence escape(CharSequence candidate, boolean isComplete) {
            return candidate; // a file's name is the rest of its line: nothing needs escaping
        }

        @Override
        public int rawWordCursor() {
            return word.length();
        }

        @Override
        public int rawWordLength() {
            return word.length();
        }

        @Override
        public int wordCursor() {
            return word.length();
        }

        @Override
        public int wordIndex() {
            return 0;
        }

        @Override
        public java.util.List<String> words() {
            return java.util.List.of(word);
        }
    }

    @Override
    public boolean isInteractive() {
        return true;
    }

    @Override
    public String read() {
        while (true) {
            try {
                return line("> ", "");
            } catch (UserInterruptException e) {
                if (e.getPartialLine().isBlank()) {
                    say("Ctrl-D or /bye leaves");
                }
            } catch (EndOfFileException end) {
                return null;
            }
        }
    }

    private String line(String prompt, String text) {
        isReading = true;
        try {
            return reader.readLine(prompt, null, (org.jline.reader.MaskingCallback) null, text);
        } finally {
            isReading = false;
        }
    }

    @Override
    public Optional<String> edit(String text) {
        try {
            return Optional.of(line("edit> ", text));
        } catch (UserInterruptException | EndOfFileException thoughtBetter) {
            return Optional.empty();
        }
    }

    @Override
    public boolean confirm(String question) {
        try {
            reader.setVariable(org.jline.reader.LineReader.DISABLE_HISTORY, true);
            return line(question + " [y/N] ", "")
                    .strip()
                    .toLowerCase(Locale.ROOT)
                    .startsWith("y");
        } catch (UserInterruptException | EndOfFileException no) {
            return false;
        } finally {
            reader.setVariable(org.jline.reader.LineReader.DISABLE_HISTORY, false);
        }
    }

    @Override
    public void say(String line) {
        Runnable writing = () -> {
            screen.writer().print(PlainText.wrapped(line, screen.getWidth(), isStyled, Style.FAINT));
            screen.writer().flush();
        };
        ScreenAnswer coming = answer;
        if (coming == null) {
            writing.run();
        } else {
            coming.interject(writing);
        }
    }

    @Override
    public void print(String text) {
        screen.writer().print(PlainText.wrapped(text.stripTrailing(), screen.getWidth(), isStyled, Style.PLAIN));
        screen.writer().flush();
    }

    @Override
    public AnswerView answer(boolean showsThinking) {
        interrupts.set(0);
        answer = new ScreenAnswer(
                screen.writer(), screen::getWidth, isStyled, isQuiet, showsThinking, () -> interrupts.get() > 0, () -> {
                    interrupts.set(-1);
                    answer = null;
                });
        return answer;
    }

    private void interrupted() {
        int before = interrupts.getAndUpdate(n -> n < 0 ? n : n + 1);
        if (before > 0) {
            // A long prompt is being read, which only the end of the process interrupts.
            close();
            Runtime.getRuntime().halt(130);
        }
    }

    /** Ctrl-Z: gives the terminal back as it was found, stops, and takes it again. */
    private void suspend() {
        Attributes ours = screen.getAttributes();
        boolean wasReading = isReading;
        if (wasReading) {
            screen.writer().print(PASTE_OFF);
        }
        screen.writer().print("\n");
        screen.writer().flush();
        screen.setAttributes(original);
        screen.handle(Signal.TSTP, SignalHandler.SIG_DFL);
        Interrupts.stop();
        screen.handle(Signal.TSTP, signal -> suspend());
        screen.setAttributes(ours);
        if (wasReading) {
            screen.writer().print(PASTE_ON);
            screen.writer().flush();
        }
    }

    @Override
    public void close() {
        screen.setAttributes(original);
        screen.writer().flush();
        try {
            screen.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
