package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.ChatToken;
import io.github.medpsy4j.engine.FinishReason;
import io.github.medpsy4j.engine.Generation;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.jline.terminal.Size;
import org.jline.terminal.impl.LineDisciplineTerminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The editor on a terminal that lives in this process: what is typed goes through a line discipline. */
class EditorConsoleTest {
    private static final String ENTER = "\r";
    private static final String CTRL_C = "\u0003";
    private static final String CTRL_D = "\u0004";
    private static final long SECONDS_MAX = 30;

    @TempDir
    Path home;

    private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
    private LineDisciplineTerminal screen;
    private EditorConsole console;

    private void open(boolean isStyled, boolean isIncognito) throws IOException {
        screen = new LineDisciplineTerminal("test", "xterm", shown, StandardCharsets.UTF_8);
        screen.setSize(new Size(40, 20));
        console = new EditorConsole(
                screen,
                isStyled,
                home,
                isIncognito,
                false,
                new ChatCompleter(() -> List.of("medpsy-1.7b", "medpsy-4b"), () -> List.of("asthma")));
    }

    @AfterEach
    void close() {
        if (console != null) {
            console.close();
        }
    }

    private String shown() {
        return shown.toString(StandardCharsets.UTF_8);
    }

    /** Starts to read, types once the prompt is there, and returns what was read. */
    private <T> T typed(Callable<T> reading, String... keys) throws Exception {
        int before = shown().length();
        FutureTask<T> task = new FutureTask<>(reading);
        Thread.ofPlatform().daemon().start(task);
        await(() -> shown().substring(before).matches("(?s).*(> |\\[y/N\\] ).*"));
        for (String some : keys) {
            screen.processInputBytes(some.getBytes(StandardCharsets.UTF_8));
            Thread.sleep(50); // a key of its own, not part of what comes next
        }
        return task.get(SECONDS_MAX, TimeUnit.SECONDS);
    }

    private static void await(java.util.function.BooleanSupplier condition) throws InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_MAX); !condition.getAsBoolean(); ) {
            assertTrue(System.nanoTime() < end, "nothing came");
            Thread.sleep(5);
        }
    }

    @Test
    void aLineIsEditedAndRead() throws Exception {
        open(true, true);
        assertEquals("What is a stroke?", typed(console::read, "Whta\b\bat is a stroke?" + ENTER));
    }

    @Test
    void severalLinesArePastedTypedAndQuoted() throws Exception {
        open(true, true);
        assertEquals("one\ntwo", typed(console::read, "\u001b[200~one\ntwo\u001b[201~", ENTER));
        assertEquals("one\ntwo", typed(console::read, "one", "\u001b\r", "two" + ENTER));
        assertEquals("\"\"\"\none\n\"\"\"", typed(console::read, "\"\"\"" + ENTER, "one" + ENTER, "\"\"\"" + ENTER));
    }

    @Test
    void anExclamationMarkIsOne() throws Exception {
        open(true, true);
        assertEquals("Help!! a\\b", typed(console::read, "Help!! a\\b" + ENTER));
    }

    @Test
    void ctrlCEmptiesTheLineAndThenTellsHowToLeave() throws Exception {
        open(false, true);
        assertEquals("b", typed(console::read, "a", CTRL_C, CTRL_C, "b" + ENTER));
        assertTrue(
                shown().contains("Ctrl-D or /bye leaves\n".replace("\n", "\r\n"))
                        || shown().contains("Ctrl-D or /bye leaves"),
                shown());
    }

    @Test
    void ctrlDLeaves() throws Exception {
        open(true, true);
        assertNull(typed(console::read, CTRL_D));
    }

    @Test
    void aTextIsEditedAndAQuestionAsked() throws Exception {
        open(true, true);
        assertEquals(Optional.of("old and new"), typed(() -> console.edit("old"), " and new" + ENTER));
        assertEquals(Optional.empty(), typed(() -> console.edit("old"), CTRL_C));
        assertTrue(typed(() -> console.confirm("sure?"), "y" + ENTER));
        assertFalse(typed(() -> console.confirm("sure?"), ENTER));
    }

    @Test
    void commandsAreCompleted() throws Exception {
        open(true, true);
        assertEquals("/retry ", typed(console::read, "/ret\t", ENTER));
        assertEquals("/model medpsy-4b ", typed(console::read, "/model medpsy-4\t", ENTER));
        assertEquals("/set temp ", typed(console::read, "/set tem\t", ENTER));
        Files.writeString(home.resolve("my letter.txt"), "x");
        assertEquals("/file " + home + "/my letter.txt ", typed(console::read, "/file " + home + "/my\t", ENTER));
    }

    @Test
    void theHistoryIsKeptForItsOwnerAlone() throws Exception {
        open(true, false);
        assertEquals("first", typed(console::read, "first" + ENTER));
        assertEquals("two\nlines", typed(console::read, "two", "\u001b\r", "lines" + ENTER));
        assertEquals(" secret", typed(console::read, " secret" + ENTER));
        console.close();
        Path file = home.resolve("history");
        if (Files.getFileStore(home).supportsFileAttributeView("posix")) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
        assertFalse(Files.readString(file).contains("secret"));
        open(true, false);
        assertEquals("first", typed(console::read, "\u001bOA", "\u001bOA", "\u001bOA", ENTER));
    }

    @Test
    void incognitoKeepsNothing() throws Exception {
        open(true, true);
        assertEquals("secret", typed(console::read, "secret" + ENTER));
        assertFalse(Files.exists(home.resolve("history")));
    }

    private static final Generation GENERATION =
            new Generation(10, 4, 5, 0, 0, 1_000_000, 500_000_000, FinishReason.LENGTH);

    @Test
    void anAnswerIsRenderedAndItsCostTold() throws Exception {
        open(true, true);
        int before = shown().length();
        ChatConsole.AnswerView view = console.answer(true);
        assertTrue(view.test(new ChatToken("It helps, I *think*.", true)));
        assertTrue(view.test(new ChatToken(" So.", true)));
        assertTrue(view.test(new ChatToken("**Yes**, \u001b[31mreally", false)));
        view.end(GENERATION, LocalTalk.place(15, 100));
        String plain = shown().substring(before).replace("\r", "").replaceAll("\u001b\\[[0-9;]*[mK]", "");
        assertTrue(plain.startsWith("Thinking\nIt helps, I think. So.\nThought for "), plain);
        assertTrue(
                plain.contains(" s, 2 tokens\n\nYes, \uFFFD[31mreally\n[5 tokens, 10.0 tokens/s, first after\n"),
                plain);
        assertTrue(plain.endsWith(" s, context 15 of 100; ended by\n--max-tokens]\n\n"), plain);
        assertTrue(shown().contains("\u001b[0;1mYes\u001b[0m"), shown());
        assertFalse(shown().contains("\u001b[31m"));
    }

    @Test
    void hiddenThinkingIsCountedOnly() throws Exception {
        open(true, true);
        ChatConsole.AnswerView view = console.answer(false);
        assertTrue(view.test(new ChatToken("secret thought", true)));
        assertTrue(view.test(new ChatToken(" more", true)));
        await(() -> shown().contains("thinking … 2 tokens"));
        assertTrue(view.test(new ChatToken("Yes.", false)));
        view.end(GENERATION, LocalTalk.place(15, 100));
        assertFalse(shown().contains("secret thought"));
        assertTrue(shown().contains("2 tokens (/thinking"), shown());
    }

    @Test
    void ctrlCStopsTheAnswer() throws Exception {
        open(true, true);
        ChatConsole.AnswerView view = console.answer(true);
        assertTrue(view.test(new ChatToken("a", false)));
        screen.processInputBytes(CTRL_C.getBytes(StandardCharsets.UTF_8));
        assertFalse(view.test(new ChatToken("b", false)));
        view.end(GENERATION, LocalTalk.place(15, 100));
        assertTrue(console.answer(true).test(new ChatToken("c", false)), "the next one goes on");
    }

    @Test
    void anAnswerThatBreaksOffEndsItsLine() throws Exception {
        open(true, true);
        int before = shown().length();
        ChatConsole.AnswerView view = console.answer(true);
        console.say("asking again");
        assertTrue(view.test(new ChatToken("Half", false)));
        assertFalse(view.isInterrupted());
        view.abandon();
        console.say("gone");
        String plain = shown().substring(before).replace("\r", "").replaceAll("\u001b\\[[0-9;]*[mK]", "");
        assertEquals("asking again\nHalf\ngone\n", plain);
    }

    @Test
    void withoutStylesNoneAreShown() throws Exception {
        open(false, true);
        ChatConsole.AnswerView view = console.answer(true);
        assertTrue(view.test(new ChatToken("thought", true)));
        assertTrue(view.test(new ChatToken("**Yes** `code`\n# Head\n", false)));
        view.end(GENERATION, LocalTalk.place(15, 100));
        assertFalse(shown().matches("(?s).*\u001b\\[[0-9;]*m.*"), shown());
        assertTrue(shown().contains("**Yes** `code`"), shown());
    }
}
