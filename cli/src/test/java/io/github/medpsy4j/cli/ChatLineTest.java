package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ChatLineTest {
    private static ChatLine message(String text) {
        return new ChatLine.Message(text);
    }

    private static ChatLine command(String name, String argument) {
        return new ChatLine.Command(name, argument);
    }

    @Test
    void aWordBehindASlashIsACommand() {
        assertEquals(command("help", ""), ChatLine.parse("/help"));
        assertEquals(command("set", "temp 0.6"), ChatLine.parse("  /Set   temp 0.6  "));
        assertEquals(command("system", "two\nlines"), ChatLine.parse("/system two\nlines"));
        assertEquals(command("?", ""), ChatLine.parse("/?"));
    }

    @Test
    void pathsAndSlashesOnPurposeAreMessages() {
        assertEquals(message("/etc/passwd is what?"), ChatLine.parse("/etc/passwd is what?"));
        assertEquals(message("/help"), ChatLine.parse("//help"));
        assertEquals(message("/ 2"), ChatLine.parse("/ 2"));
        assertEquals(message("1/2"), ChatLine.parse("1/2"));
    }

    @Test
    void aBlockIsAMessageOfSeveralLines() {
        assertEquals(message("one\n/two"), ChatLine.parse("\"\"\"one\n/two\"\"\""));
        assertEquals(message("never closed"), ChatLine.parse("\"\"\"\nnever closed"));
        assertEquals(message(""), ChatLine.parse("\"\"\"\"\"\""));
        assertTrue(ChatLine.isOpenBlock("\"\"\""));
        assertTrue(ChatLine.isOpenBlock("\"\"\"one\ntwo"));
        assertFalse(ChatLine.isOpenBlock("\"\"\"one\"\"\""));
        assertFalse(ChatLine.isOpenBlock("one \"\"\""));
    }
}
