package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DecoderTest {
    private static final Tokenizer GPT2 = Fixture.tokenizer("gpt-2");

    @Test
    void bytesOfAnUnfinishedCharacterWait() {
        int[] bytes = byteIds("a👩é".getBytes(StandardCharsets.UTF_8));
        String[] expected = {"a", "", "", "", "👩", "", "é"};
        Decoder decoder = GPT2.decoder();
        for (int i = 0; i < bytes.length; i++) {
            assertEquals(expected[i], decoder.accept(bytes[i]));
        }
        assertEquals("", decoder.flush());
    }

    @Test
    void whatRemainsUnfinishedIsReplaced() {
        Decoder decoder = GPT2.decoder();
        assertEquals("", decoder.accept(byteIds((byte) 0xF0)[0]));
        assertEquals("", decoder.accept(byteIds((byte) 0x9F)[0]));
        assertEquals("\ufffd", decoder.flush());
        assertEquals("", decoder.flush());
    }

    @Test
    void bytesThatNothingCanFinishDoNotWait() {
        Decoder decoder = GPT2.decoder();
        assertEquals("\ufffd", decoder.accept(byteIds((byte) 0x80)[0]));
        assertEquals("\ufffd", decoder.accept(byteIds((byte) 0xC0)[0]));
        assertEquals("\ufffd", decoder.accept(byteIds((byte) 0xFF)[0]));
        assertEquals("", decoder.accept(byteIds((byte) 0xE2)[0]));
        assertEquals("\ufffda", decoder.accept(byteIds((byte) 'a')[0]));
    }

    /** The examples of the Unicode Standard, tables 3-8 to 3-11, whole and byte by byte. */
    @ParameterizedTest
    @CsvSource({
        "C0AFE080BFF0818241, ********A",
        "EDA080EDBFBFEDAF41, ********A",
        "F4919293FF4180BF42, *****A**B",
        "E180E2F09192F1BF41, ****A",
        "F09F91A9E2828A, 👩₊"
    })
    void illFormedBytesAreReplacedAsUnicodeRecommends(String hex, String expected) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        String text = expected.replace('*', '\ufffd');
        assertEquals(text, Utf8.decode(bytes, bytes.length));
        assertEquals(text, GPT2.decode(byteIds(bytes)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "sentencepiece"})
    void aStreamOfAnyBytesGivesTheTextOfTheWhole(String name) {
        Tokenizer tokenizer = Fixture.tokenizer(name);
        Random random = new Random(5);
        byte[] leads = HexFormat.of().parseHex("00417F808F909FA0BFC0C2DFE0E2EDEFF0F1F4F5FF");
        int[] ids = byteIds(tokenizer);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[1 + random.nextInt(8)];
            Decoder decoder = tokenizer.decoder();
            StringBuilder text = new StringBuilder();
            for (int j = 0; j < bytes.length; j++) {
                bytes[j] = leads[random.nextInt(leads.length)];
                text.append(decoder.accept(ids[bytes[j] & 0xFF]));
            }
            assertEquals(
                    Utf8.decode(bytes, bytes.length),
                    text.append(decoder.flush()).toString());
        }
    }

    @Test
    void theSpaceInFrontOfATextIsDroppedAndThatOfAContinuationKept() {
        Tokenizer tokenizer = Fixture.tokenizer("sentencepiece-prefix");
        int[] ids = tokenizer.encode("the cat");
        assertEquals("the cat", tokenizer.decode(ids));
        Decoder continuation = tokenizer.decoder(false, false);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(continuation.accept(id));
        }
        assertEquals(" the cat", text.toString());
    }

    @Test
    void specialTokensAppearWhereAsked() {
        int[] ids = GPT2.encodeWithSpecials("a<|end|><tag>");
        assertEquals("a<tag>", GPT2.decode(ids));
        assertEquals("a<|end|><tag>", GPT2.decode(ids, true));
    }

    private static int[] byteIds(byte... bytes) {
        int[] all = byteIds(GPT2);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            ids[i] = all[bytes[i] & 0xFF];
        }
        return ids;
    }

    private static int[] byteIds(Tokenizer tokenizer) {
        int[] ids = new int[256];
        for (int id = 0; id < tokenizer.vocabulary().size(); id++) {
            byte[] bytes = tokenizer.bytesOf(id);
            if (bytes.length == 1) {
                ids[bytes[0] & 0xFF] = id;
            }
        }
        return ids;
    }
}
