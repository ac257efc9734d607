package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversations that outlive the process. */
class SessionsTest {
    @TempDir
    Path home;

    private Cli cli() {
        return new Cli(home);
    }

    private Cli.Result run(String session, String prompt, String... more) {
        String[] args = new String[more.length + 9];
        String[] first = {"run", "-p", prompt, "--session", session, "--temp", "0", "-n", "6"};
        System.arraycopy(first, 0, args, 0, 9);
        System.arraycopy(more, 0, args, 9, more.length);
        return cli().run(args);
    }

    private Path chatFile(String name) {
        return home.resolve("sessions").resolve(name + ".chat");
    }

    @Test
    void aSessionGoesOnInTheNextProcess() throws IOException {
        String inOne = cli().in("Hello\nAnd you?\n")
                .run("chat", Cli.TINY, "--temp", "0", "-n", "6")
                .ok();
        String first = run("s", "Hello", "-m", Cli.TINY).ok();
        // The session knows its model.
        Cli.Result second = run("s", "And you?");
        assertEquals(inOne, first + second.ok());
        assertTrue(second.err().matches("(?s).*\nmedpsy: session s: 1 turn, \\d+ tokens at hand\n.*"), second.err());
        Map<String, Object> third = JSON.std.mapFrom(run("s", "So?", "--json").ok());
        Map<?, ?> usage = (Map<?, ?>) third.get("usage");
        assertTrue((int) usage.get("cached_tokens") > (int) usage.get("prompt_tokens") / 2, usage.toString());
    }

    @Test
    void chatAndRunShareSessions() {
        String inOne = cli().in("Hello\nAnd you?\nSo?\n")
                .run("chat", Cli.TINY, "--temp", "0", "-n", "6")
                .ok();
        String parts = run("s", "Hello", "-m", Cli.TINY).ok()
                + cli().in("And you?\n")
                        .run("chat", "--session", "s", "--temp", "0", "-n", "6")
                        .ok()
                + run("s", "So?").ok();
        assertEquals(inOne, parts);
    }

    @Test
    void anotherSystemMessageTakesThePlaceOfTheKeptOne() {
        run("s", "Hello", "-m", Cli.TINY, "--system", "Be brief.").ok();
        String asked = run("s", "Hello", "--system", "Rhyme.").ok();
        run("other", "Hello", "-m", Cli.TINY, "--system", "Be brief.").ok();
        assertEquals(asked, run("other", "Hello", "--system", "Rhyme.").ok());
    }

    @Test
    void anotherModelComputesTheConversationAnew() throws IOException {
        run("s", "Hello", "-m", Cli.TINY).ok();
        Path other = Cli.tinyWith(home, "<|im_start|>assistant\\n' }}", "<|im_start|>assistent\\n' }}");
        Cli.Result result = run("s", "And you?", "-m", other.toString());
        result.ok();
        assertTrue(
                result.err()
                        .contains("s.kv: of another model; expected this one, got another; the conversation is "
                                + "computed anew\nmedpsy: session s: 1 turn\n"),
                result.err());
    }

    @Test
    void aDamagedConversationIsRefusedAndStays() throws IOException {
        run("s", "Hello", "-m", Cli.TINY).ok();
        byte[] bytes = Files.readAllBytes(chatFile("s"));
        bytes[bytes.length - 1] ^= 1;
        Files.write(chatFile("s"), bytes);
        Cli.Result result = run("s", "And you?", "-m", Cli.TINY);
        assertEquals(1, result.code());
        assertTrue(
                result.err()
                        .matches("medpsy: .*s\\.chat: offset \\d+: the checksum of the conversation; expected .*; the "
                                + "file is left as it is \\(medpsy rm --session s removes it\\)\n"),
                result.err());
        assertArrayEquals(bytes, Files.readAllBytes(chatFile("s")));
        assertTrue(cli().run("list", "--sessions").ok().matches("s +\\d.* cannot be read\n"));
    }

    @Test
    void theFolderIsItsOwnersAlone() throws IOException {
        run("s", "Hello", "-m", Cli.TINY).ok();
        Path folder = home.resolve("sessions");
        assumeTrue(Files.getFileStore(folder).supportsFileAttributeView("posix"));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
    }

    @Test
    void whatCannotBeWrittenFailsAndTheOldConversationStays() throws IOException {
        run("s", "Hello", "-m", Cli.TINY).ok();
        byte[] before = Files.readAllBytes(chatFile("s"));
        Files.createDirectory(home.resolve("sessions").resolve("s.chat.part"));
        Cli.Result result = run("s", "And you?");
        assertEquals(1, result.code());
        assertTrue(
                result.err().matches("(?s).*\nmedpsy: session s could not be kept: .*s\\.chat\\.part: .*\n"),
                result.err());
        assertArrayEquals(before, Files.readAllBytes(chatFile("s")));
        Files.createDirectory(home.resolve("sessions").resolve("s.kv.part"));
        Cli.Result uncached = run("s", "And you?");
        uncached.ok();
        assertTrue(uncached.err().endsWith("; the conversation was, and is computed anew next time\n"), uncached.err());
    }

    @Test
    void aSessionInUseIsToldSo() throws Exception {
        try (SessionStore.Held held = new SessionStore(Map.of("MEDPSY_HOME", home.toString())).hold("s")) {
            Cli.Result result = run("s", "Hello", "-m", Cli.TINY);
            assertEquals(1, result.code());
            assertEquals(
                    "medpsy: session s is in use by another process (lock: "
                            + home.resolve("locks").resolve("session-s.lock") + ")\n",
                    result.err());
            assertEquals("s", held.name());
        }
        run("s", "Hello", "-m", Cli.TINY).ok();
    }

    @Test
    void sessionsAreListedAndRemoved() throws IOException {
        assertEquals(
                "medpsy: no sessions; medpsy chat --session NAME begins one\n",
                cli().run("list", "--sessions").err());
        run("asthma", "Hello", "-m", Cli.TINY).ok();
        run("asthma", "And?").ok();
        run("b", "Hello", "-m", Cli.TINY).ok();
        String list = cli().run("list").ok();
        assertTrue(list.startsWith("\nsessions:\nasthma  "), list);
        assertTrue(list.contains("  2 turns with " + Cli.TINY + "\nb "), list);
        List<?> json =
                JSON.std.listFrom(cli().run("list", "--sessions", "--json").ok());
        Map<?, ?> first = (Map<?, ?>) json.getFirst();
        assertEquals("asthma", first.get("name"));
        assertEquals(2, first.get("turns"));
        assertEquals(true, first.get("readable"));
        assertEquals(Cli.TINY, first.get("model"));
        assertTrue((int) first.get("size_bytes") > 1000);
        Cli.Result removed = cli().run("rm", "--session", "asthma", "--session", "b", "--yes");
        assertEquals("", removed.ok());
        assertTrue(removed.err().startsWith("medpsy: removed session asthma, "), removed.err());
        assertFalse(Files.exists(chatFile("asthma")));
        assertEquals("[]\n", cli().run("list", "--sessions", "--json").ok());
        cli().run("rm", "--session", "b", "-y").failed(1, "no session of that name: b (medpsy list shows them)");
    }

    @Test
    void namesThatAreNoFileNamesAreRefused() {
        String expected = "--session: expected a name of at most 64 letters, digits, '_', '-' and '.', not beginning "
                + "with '-' or '.', got ";
        for (String name : List.of("", ".", "..", "../x", "a/b", "a\\b", "-x", ".x", "x.", "a b", "x".repeat(65))) {
            cli().run("run", Cli.TINY, "-p", "a", "--session=" + name)
                    .failed(2, expected + "'" + name + "' (see medpsy run --help)");
        }
        cli().run("rm", "--session", "../models/x", "-y")
                .failed(1, "no session of that name: ../models/x (medpsy list shows them)");
        assertTrue(SessionStore.isName("Fr\u00fchling-2.b_c"));
    }

    @Test
    void aRawPromptIsNoTurnOfASession() {
        cli().run("run", Cli.TINY, "-p", "a", "--raw", "--session", "s")
                .failed(
                        2,
                        "--raw: a text without a template is no turn of a conversation that --session could keep (see "
                                + "medpsy run --help)");
    }

    @Test
    void theOldestTurnsLeaveAndALineSaysSo() {
        String lines = "What is this about, and why?\n".repeat(8);
        Cli.Result trimmed = cli().in(lines).run("chat", Cli.TINY, "--temp", "0", "-n", "6", "-c", "160");
        trimmed.ok();
        assertTrue(
                trimmed.err()
                        .matches(
                                "(?s).*\nmedpsy: the context of 160 tokens is full: the oldest (turn leaves|\\d+ turns "
                                        + "leave) it\n.*"),
                trimmed.err());
        Cli.Result stopped =
                cli().in(lines).run("chat", Cli.TINY, "--temp", "0", "-n", "6", "-c", "160", "--overflow", "stop");
        assertEquals(1, stopped.code());
        assertTrue(stopped.err().contains("\nmedpsy: the conversation needs "), stopped.err());
        cli().run("chat", Cli.TINY, "--overflow", "spill")
                .failed(
                        2,
                        "Invalid value for option '--overflow': expected stop or trim, got spill (see medpsy chat --help)");
    }
}
