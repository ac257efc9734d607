package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatCommandTest {
    @TempDir
    Path home;

    private Cli.Result chat(String in, String... more) {
        return chat(new Cli(home), in, more);
    }

    private static Cli.Result chat(Cli cli, String in, String... more) {
        String[] args = new String[more.length + 6];
        System.arraycopy(new String[] {"chat", Cli.TINY, "--temp", "0", "-n", "6"}, 0, args, 0, 6);
        System.arraycopy(more, 0, args, 6, more.length);
        return cli.in(in).run(args);
    }

    private static long answers(Cli.Result result) {
        return result.err().lines().filter(l -> l.startsWith("[6 tokens, ")).count();
    }

    @Test
    void withoutATerminalItAnswersEachLineAndEnds() {
        Cli.Result result = chat("Hello\n\n  \r\nAnd you?");
        result.ok();
        assertEquals(2, answers(result), result.err());
        assertTrue(result.err().lines().noneMatch(l -> l.startsWith(">")), result.err());
    }

    @Test
    void anEmptyInputEndsWell() {
        assertEquals("", chat("").ok());
    }

    @Test
    void aTurnDependsOnTheOnesBefore() {
        String first = chat("Hello\n").ok();
        String both = chat("Hello\nHello\n").ok();
        assertTrue(both.startsWith(first));
        assertNotEquals(first, both.substring(first.length()));
    }

    @Test
    void clearForgetsTheConversation() {
        String first = chat("Hello\n").ok();
        assertEquals(first + first, chat("Hello\n/clear\nHello\n").ok());
    }

    @Test
    void byeEndsBeforeTheInputDoes() {
        assertEquals("", chat("/bye\nHello\n").ok());
        assertEquals("", chat("  /exit \nHello\n").ok());
    }

    @Test
    void commandsAreToldOnStderr() {
        Cli.Result result = chat("/help\n/frob\n");
        assertEquals("", result.ok());
        assertTrue(result.err().matches("(?s).*/clear +forget the conversation\n.*"), result.err());
        assertTrue(result.err().endsWith("medpsy: /frob: no such command; /help lists them\n"), result.err());
    }

    @Test
    void anUnknownCommandSuggestsTheNearest() {
        assertTrue(chat("/clera\n")
                .err()
                .endsWith("medpsy: /clera: no such command; did you mean /clear? /help lists them\n"));
    }

    @Test
    void commandsWithoutATerminalAct() throws Exception {
        Path file = home.resolve("my notes.txt");
        Files.writeString(file, "blood pressure 120/80\n");
        Path saved = home.resolve("saved.json");
        String script = String.join(
                "\n",
                "/set temp 0",
                "/set max-tokens 3",
                "/system Be brief.",
                "/file " + file,
                "Is that good?",
                "/stats",
                "/context",
                "/retry",
                "/save " + saved,
                "/undo",
                "/load " + saved,
                "/export " + home.resolve("out.md"),
                "/edit And now?",
                "/think off",
                "/thinking hide",
                "/model");
        Cli.Result result = chat(script + "\n");
        result.ok();
        for (String line : new String[] {
            "max-tokens 3 (was 6)",
            "my notes.txt: 22 B, ",
            " reused, ",
            "system message ",
            "written: " + saved,
            "taken back: File my notes.txt: ``` blood pressure",
            "the conversation has 1 turn now, the last: File my notes.txt",
            "the model is told not to think first",
            "thinking is hidden",
        }) {
            assertTrue(result.err().contains(line), line + " in " + result.err());
        }
        assertEquals(
                3, result.err().lines().filter(l -> l.startsWith("[3 tokens, ")).count(), result.err());
        assertTrue(Files.readString(home.resolve("out.md")).contains("## You\n\nFile my notes.txt:\n```\nblood"));
    }

    @Test
    void withoutATerminalAFileIsNotOverwrittenAndAFailureEndsIt() throws Exception {
        Path file = home.resolve("there.md");
        Files.writeString(file, "mine");
        Cli.Result result = chat("/export " + file + "\nHello\n");
        assertEquals(1, result.code());
        assertTrue(result.err().endsWith("medpsy: " + file + ": is there already\n"), result.err());
        assertEquals("mine", Files.readString(file));
        assertEquals(1, chat("/load " + home.resolve("none.json") + "\n").code());
        assertEquals(1, chat("/retry\n").code());
    }

    @Test
    void onATerminalAFileIsOverwrittenAfterAQuestion() throws Exception {
        Path file = home.resolve("there.md");
        Files.writeString(file, "mine");
        chat(new Cli(home).inTerminal(), "/export " + file + "\nn\n").ok();
        assertEquals("mine", Files.readString(file));
        chat(new Cli(home).inTerminal(), "/export " + file + "\ny\n").ok();
        assertTrue(Files.readString(file).startsWith("# Conversation with "));
    }

    @Test
    void anotherModelGoesOnWithTheConversation() throws Exception {
        Path other = home.resolve("other.gguf");
        Files.copy(Path.of(Cli.TINY), other);
        Cli.Result result = chat("Hello\n/model " + other + "\n/undo\n");
        result.ok();
        assertTrue(result.err().contains("the conversation goes on with " + other), result.err());
        assertTrue(result.err().endsWith("medpsy: taken back: Hello\n"), result.err());
    }

    @Test
    void aModelThatIsNotThereLeavesTheOneBefore() throws Exception {
        Files.writeString(home.resolve("bad.gguf"), "no model");
        Cli.Result result =
                chat(new Cli(home).inTerminal(), "Hello\n/model " + home.resolve("bad.gguf") + "\n/undo\n/bye\n");
        result.ok();
        assertTrue(result.err().contains("medpsy: taken back: Hello\n"), result.err());
    }

    @Test
    void theNatureOfMedPsyIsToldOnce() throws Exception {
        Path model = home.resolve("my-medpsy.gguf");
        Files.copy(Path.of(Cli.TINY), model);
        Cli.Result first = new Cli(home).in("").run("chat", model.toString());
        assertTrue(first.err().contains("medpsy: MedPsy answers medical questions. "), first.err());
        Cli.Result second = new Cli(home).in("").run("chat", model.toString());
        assertTrue(!second.err().contains("medical questions"), second.err());
        assertTrue(new Cli(home).run("show", "medpsy-1.7b").ok().contains("MedPsy answers medical questions. "));
    }

    @Test
    void twoSlashesBeginAMessage() {
        assertEquals(1, answers(chat("//help\n")));
    }

    @Test
    void aPathIsAMessageAndNoCommand() {
        assertEquals(1, answers(chat("/etc/passwd is what?\n")));
    }

    @Test
    void onATerminalItPromptsAndLeavesAtTheEnd() {
        Cli.Result result = chat(new Cli(home).inTerminal().with("NO_COLOR", "1"), "Hello\n/frob\n");
        result.ok();
        assertTrue(
                result.err()
                        .contains(
                                "medpsy: /help lists what else you can type; Ctrl-C ends an answer, Ctrl-D leaves\n> "),
                result.err());
        assertTrue(result.err().endsWith("> medpsy: /frob: no such command; /help lists them\n> \n"), result.err());
    }

    @Test
    void aConversationThatOutgrowsTheContextSaysBothNumbers() {
        Cli.Result result = chat("Hello\n", "-c", "8");
        assertEquals(1, result.code());
        assertTrue(
                result.err()
                        .matches("(?s).*\nmedpsy: the conversation needs \\d+ tokens, the context holds 8; "
                                + "/clear forgets the conversation, --context N gives more\n"),
                result.err());
    }

    @Test
    void onATerminalAFailedMessageIsNotTheEnd() {
        Cli.Result result = chat(new Cli(home).inTerminal(), "Hello\n/bye\n", "-c", "8");
        assertEquals(0, result.code(), result.err());
        assertTrue(result.err().contains("the context holds 8"), result.err());
    }

    @Test
    void aLineThatIsNotUtf8IsToldByItsNumber() {
        Cli.Result result =
                new Cli(home).in(new byte[] {'\n', 'a', (byte) 0xc3, '\n'}).run("chat", Cli.TINY);
        assertEquals(1, result.code());
        assertTrue(
                result.err()
                        .endsWith(
                                "medpsy: stdin: line 2: offset 1: not UTF-8; expected text in UTF-8, got byte 0xc3\n"),
                result.err());
    }

    @Test
    void thinkingIsNotOnStdout() throws Exception {
        // A template that opens the thinking, as those of thinking models do: the tiny model never closes it.
        Path thinking = Cli.tinyWith(home, "<|im_start|>assistant\\n' }}", "<|im_start|>ai\\n<think>' }}");
        Cli.Result result = new Cli(home).in("Hello\n").run("chat", thinking.toString(), "--temp", "0", "-n", "6");
        assertEquals("", result.ok().strip());
        assertTrue(result.err().contains("\nthinking:\n"), result.err());
        assertTrue(
                result.err().endsWith("; ended by --max-tokens before the answer (--think-budget N makes it come)]\n"),
                result.err());
        assertTrue(new Cli(home)
                        .in("Hello\n")
                        .run("chat", thinking.toString(), "--temp", "0", "-n", "30", "--think-budget", "4")
                        .ok()
                        .length()
                > 1);
    }
}
