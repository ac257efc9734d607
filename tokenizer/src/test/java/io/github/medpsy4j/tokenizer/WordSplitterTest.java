package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.medpsy4j.tokenizer.Vocabulary.PreTokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The scanners against the published patterns, run by java.util.regex. */
class WordSplitterTest {
    private static final String SPACE =
            "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}";
    private static final String LLAMA3 = "(?iu:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    private static final String[] ATOMS = {
        "'s", "'S", "'re", "'LL", "'Ve", "'d", "'x", "'ſ", "'", " ", "  ", "     ", "\n", "\r\n", "\n\n", "\t",
        "\u0085", "\u00a0", "\u2009", "\u3000", "\u180e", "\u200b", "\u001c", "1", "12", "1234", "½", "Ⅷ", "٣", "𝟙",
        "x", "Ab", "é", "e\u0301", "я", "字", "한", "क्ष", "ไทย", "ש", "👩‍⚕️", "🇩🇪", "!", "...", "<|", "\0", "\ue000",
        "\ud800", "\udc00", "\uffff", "𐍈", "ǅ", "ʰ", "\u20dd", "\u093e"
    };

    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void splitsAsTheRegularExpression(PreTokenizer pre) {
        WordSplitter splitter = WordSplitter.of(pre);
        Random random = new Random(42);
        for (int i = 0; i < 6_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(12); n >= 0; n--) {
                text.append(
                        random.nextInt(4) > 0
                                ? ATOMS[random.nextInt(ATOMS.length)]
                                : Character.toString(random.nextInt(random.nextBoolean() ? 0x3000 : 0x20000)));
            }
            assertEquals(expected(pre, text.toString()), words(splitter, text.toString()), text.toString());
        }
    }

    private static List<String> words(WordSplitter splitter, String text) {
        List<String> words = new ArrayList<>();
        for (int start = 0; start < text.length(); ) {
            int end = splitter.next(text, start, text.length());
            words.add(text.substring(start, end));
            start = end;
        }
        return words;
    }

    private static List<String> expected(PreTokenizer pre, String text) {
        return switch (pre) {
            case QWEN2, DEEPSEEK_R1_QWEN -> matches(pattern(LLAMA3.replace("{1,3}", "")), text);
            case LLAMA_BPE -> matches(pattern(LLAMA3), text);
            case GPT_2 -> matches(pattern(GPT2), text);
            case SMOLLM -> {
                List<String> words = new ArrayList<>();
                for (String part : matches(pattern("\\p{N}|[^\\p{N}]+"), text)) {
                    words.addAll(matches(pattern(GPT2), part));
                }
                yield words;
            }
        };
    }

    private static Pattern pattern(String published) {
        return Pattern.compile(published
                .replace("[^\\s", "[^" + SPACE)
                .replace("\\S", "[^" + SPACE + "]")
                .replace("\\s", "[" + SPACE + "]"));
    }

    private static List<String> matches(Pattern pattern, String text) {
        List<String> words = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            words.add(matcher.group());
        }
        return words;
    }
}
