package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.ChatMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatFilesTest {
    @TempDir
    Path folder;

    private static final List<ChatMessage> MESSAGES = List.of(
            ChatMessage.system("Be brief."),
            ChatMessage.user("Is \"aspirin\" an NSAID?\n"),
            ChatMessage.assistant("**Yes**.", "It is.\nI know."));

    private static void refused(String expected, org.junit.jupiter.api.function.Executable action) {
        assertEquals(expected, assertThrows(Failure.class, action).getMessage());
    }

    @Test
    void pathsMayBeQuotedEscapedAndAtHome() throws IOException {
        String home = System.getProperty("user.home");
        assertEquals(Path.of("my letter.txt"), ChatFiles.path(" \"my letter.txt\" "));
        assertEquals(Path.of("my letter.txt"), ChatFiles.path("'my letter.txt'"));
        assertEquals(Path.of("my letter.txt"), ChatFiles.path("my letter.txt"));
        assertEquals(Path.of("my letter.txt"), ChatFiles.path("my\\ letter.txt"));
        assertEquals(Path.of(home, "x"), ChatFiles.path("~/x"));
        assertEquals(Path.of("~x"), ChatFiles.path("~x"));
    }

    @Test
    void anAttachedTextStandsBetweenFencesThatItDoesNotHave() {
        assertEquals("File a.txt:\n```\nx\n```\n\n", ChatFiles.attached(Path.of("b/a.txt"), "x"));
        assertEquals("File a.txt:\n````\n```\n````\n\n", ChatFiles.attached(Path.of("a.txt"), "```\n"));
    }

    @Test
    void onlyTextsAreAttached() throws IOException, Failure {
        Path file = folder.resolve("f");
        Files.writeString(file, "\uFEFFtext");
        assertEquals("text", ChatFiles.readText(file));
        Files.write(file, new byte[] {'a', 0, 'b'});
        refused(file + ": offset 1: not a text; expected no byte 0", () -> ChatFiles.readText(file));
        Files.write(file, new byte[] {'a', (byte) 0xff});
        refused(file + ": offset 1: not UTF-8; expected text in UTF-8, got byte 0xff", () -> ChatFiles.readText(file));
        Files.writeString(file, "%PDF-1.7");
        refused(file + ": is a PDF; save it as text first (pdftotext does)", () -> ChatFiles.readText(file));
        Files.writeString(file, " \n");
        refused(file + ": is empty", () -> ChatFiles.readText(file));
        Files.write(file, new byte[(4 << 20) + 1]);
        refused(file + ": too large; expected at most 4.2 MB, got 4.2 MB", () -> ChatFiles.readText(file));
        refused(folder + ": is a directory; expected a file", () -> ChatFiles.readText(folder));
    }

    @Test
    void aSavedConversationIsReadAsItWas() throws IOException, Failure {
        Path file = folder.resolve("c.json");
        ChatFiles.write(file, ChatFiles.toSaved("m", MESSAGES));
        assertEquals(MESSAGES, ChatFiles.load(file));
        ChatFiles.write(file, ChatFiles.toJson("m", MESSAGES));
        assertEquals(MESSAGES, ChatFiles.load(file));
        assertArrayEquals(new String[] {"c.json"}, folder.toFile().list(), "no other file stays");
        if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
    }

    @Test
    void aDamagedConversationIsRefusedWithItsPlace() throws IOException {
        Path file = folder.resolve("c.json");
        for (String[] c : new String[][] {
            {"[{\"role\":\"user\"}]", ": message 0: content: expected a string, got null"},
            {"[1]", ": message 0: expected an object, got a number"},
            {"{\"messages\":{}}", ": expected an array of messages, got an object"},
            {"{\"format\":\"x\",\"messages\":[]}", ": expected the format medpsy-conversation, got x"},
            {"{\"version\":2,\"messages\":[]}", ": expected version 1, got 2"},
        }) {
            Files.writeString(file, c[0]);
            refused(file + c[1], () -> ChatFiles.load(file));
        }
    }

    @Test
    void markdownHasAHeadingForEachMessage() {
        assertEquals("""
                # Conversation with m

                ## System

                Be brief.

                ## You

                Is "aspirin" an NSAID?

                ## Model

                > It is.
                > I know.

                **Yes**.
                """, ChatFiles.toMarkdown("m", MESSAGES));
    }

    @Test
    void aMissingFolderIsTold() {
        Path file = folder.resolve("no/c.json");
        refused(file.getParent() + ": no such directory", () -> ChatFiles.write(file, "x"));
        assertTrue(Files.notExists(file.getParent()));
    }
}
