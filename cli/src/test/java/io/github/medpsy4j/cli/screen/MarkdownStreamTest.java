package io.github.medpsy4j.cli.screen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MarkdownStreamTest {
    private static final String ESC = "\u001b";

    /** Renders with styles written as tags: {b} bold, {f} faint, {i} italic, {u} underline, {s} strike, {c} code. */
    private static String shown(String markdown, int columns) {
        return tagged(raw(markdown, columns, true, Integer.MAX_VALUE));
    }

    private static String shown(String markdown) {
        return shown(markdown, 80);
    }

    private static String plain(String markdown, int columns) {
        return raw(markdown, columns, false, Integer.MAX_VALUE);
    }

    private static String raw(String markdown, int columns, boolean isStyled, int pieceLength) {
        StringBuilder out = new StringBuilder();
        MarkdownStream stream = new MarkdownStream(out::append, () -> columns, isStyled, Style.PLAIN);
        for (int i = 0; i < markdown.length(); ) {
            int end = pieceLength > markdown.length() - i ? markdown.length() : i + pieceLength;
            stream.accept(markdown.substring(i, end));
            i = end;
        }
        stream.end();
        return out.toString();
    }

    private static String tagged(String raw) {
        String[] names = {"0", "", "1", "b", "2", "f", "3", "i", "4", "u", "9", "s", "36", "c"};
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < raw.length(); i++) {
            if (!raw.startsWith(ESC + "[", i)) {
                out.append(raw.charAt(i));
                continue;
            }
            int end = raw.indexOf('m', i);
            StringBuilder tag = new StringBuilder();
            for (String parameter : raw.substring(i + 2, end).split(";")) {
                for (int n = 0; n < names.length; n += 2) {
                    tag.append(names[n].equals(parameter) ? names[n + 1] : "");
                }
            }
            out.append('{').append(tag).append('}');
            i = end;
        }
        return out.toString();
    }

    private static final String SAMPLE = """
            # Metformin *and* you

            **Metformin** lowers _blood_ sugar; `HbA1c` falls by ***1 to 2*** %.
            See [the leaflet](https://example.org/a_b) or <https://example.org>.

            1. Take it **with** a meal
               - at first *one* tablet
               - later ~~three~~ two
                 1. deep
            2. Water: $H_2O$, and \\(a_1 * b_1\\); it costs $5 and $10 a day

            - [ ] ask
            - [x] know

            > quoted **words**
            > > twice

            | Drug | Dose | Note |
            |:-----|-----:|:----:|
            | Metformin | 500 mg | with `food` |
            | Aspirin | 100 mg | **once** a day |
            | 二甲双胍 | 1 g | 饭后 |

            ```python
            def f(x):
            \treturn x ** 2  # *not italic*

            ```
            ---
            $$
            \\frac{a_1}{b}
            $$
            Some * star and a_snake_case and 2*3*4 and **open
            👩‍⚕️ 👍🏽 é 漢字かな交じり文
            """;

    @Test
    void everySplitOfTheTextGivesTheSameScreen() {
        for (int columns : new int[] {1, 10, 24, 80, 200}) {
            for (boolean isStyled : new boolean[] {true, false}) {
                String whole = raw(SAMPLE, columns, isStyled, Integer.MAX_VALUE);
                for (int length = 1; length <= 9; length++) {
                    assertEquals(whole, raw(SAMPLE, columns, isStyled, length));
                }
            }
        }
        for (int cut = 0; cut <= SAMPLE.length(); cut++) {
            StringBuilder out = new StringBuilder();
            MarkdownStream stream = new MarkdownStream(out::append, () -> 40, true, Style.PLAIN);
            stream.accept(SAMPLE.substring(0, cut));
            stream.accept(SAMPLE.substring(cut));
            stream.end();
            assertEquals(raw(SAMPLE, 40, true, Integer.MAX_VALUE), out.toString(), "cut at " + cut);
        }
    }

    @Test
    void noLineIsWiderThanTheTerminalWhateverIsWritten() {
        Random random = new Random(7);
        String[] parts = {
            "*",
            "**",
            "_",
            "`",
            "```",
            "\n",
            "\n\n",
            " ",
            "# ",
            "- ",
            "1. ",
            "> ",
            "|",
            "|-|-|\n",
            "[",
            "](",
            ")",
            "word",
            "漢字",
            "👍🏽",
            "$",
            "\\(",
            "\\",
            "~~",
            "<",
            "long-word-without-end-",
            "é",
            "\t",
            "---\n",
            "    "
        };
        for (int round = 0; round < 3000; round++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(40); n >= 0; n--) {
                text.append(parts[random.nextInt(parts.length)]);
            }
            int columns = 8 + random.nextInt(60);
            String markdown = text.toString();
            String raw = raw(markdown, columns, true, Integer.MAX_VALUE);
            assertEquals(raw, raw(markdown, columns, true, 1), markdown);
            assertTrue(raw.isEmpty() || raw.endsWith("\n"), markdown);
            boolean hasVerbatim = markdown.contains("```")
                    || markdown.contains("    ")
                    || markdown.contains("\\")
                    || markdown.contains("$")
                    || markdown.contains("\t");
            for (String line : raw.replaceAll(ESC + "\\[[0-9;]*m", "").split("\n")) {
                assertTrue(hasVerbatim || Cells.of(line) < columns, columns + ": " + line + "\n" + markdown);
            }
        }
    }

    @Test
    void emphasisIsShown() {
        assertEquals(
                "{b}bold{} {i}it{} {i}it{} {bi}both{} {s}gone{}\n", shown("**bold** *it* _it_ ***both*** ~~gone~~"));
        assertEquals("{b}a {bi}b{b} c{}\n", shown("**a *b* c**"));
        assertEquals("{i}a {bi}b{}\n", shown("*a **b***"));
        assertEquals("{b}Note:{} text\n", shown("**Note:** text"));
        assertEquals("{b}注意：{}请\n", shown("**注意：**请"));
    }

    @Test
    void whatIsNoEmphasisStays() {
        for (String text : List.of(
                "2 * 3 * 4", "snake_case_name", "a ** b", "**open", "a*", "__init__x", "5*", "~5 mg~", "a ****")) {
            assertEquals(text + "\n", shown(text));
        }
    }

    @Test
    void codeAndLinksAndEscapes() {
        assertEquals("{c}a*b{} {c}`{}\n", shown("`a*b` `` ` ``"));
        assertEquals("{u}text{f} (https://x.org/a_(b)){} .\n", shown("[text](https://x.org/a_(b)) ."));
        assertEquals("{u}https://x.org{}\n", shown("[https://x.org](https://x.org)"));
        assertEquals("{u}https://x.org{} and a < b\n", shown("<https://x.org> and a < b"));
        assertEquals("[1] and [a] b\n", shown("[1] and [a] b"));
        assertEquals("*no* 1. `x\n", shown("\\*no\\* 1\\. `x"));
    }

    @Test
    void formulasStayRaw() {
        for (String text :
                List.of("$a_1 * b_2 * c$", "\\(a_1 * b*c\\)", "$$x_1 * y_2 *$$", "costs $5 and *$10* a day")) {
            String shown = shown(text);
            assertEquals(text.replace("*$10*", "{i}$10{}") + "\n", shown);
        }
        assertEquals("$$\na_1 *b* c\n$$\n{i}x{}\n", shown("$$\na_1 *b* c\n$$\n*x*"));
        assertEquals("\\[ a_1 *b* c \\]\n", shown("\\[ a_1 *b* c \\]"));
    }

    @Test
    void headingsRulesAndBlankLines() {
        assertEquals("{bu}One{}\n\n{b}Two {bi}x{}\n#hashtag\n", shown("\n\n# One\n\n\n\n## Two *x*\n#hashtag\n\n"));
        assertEquals("a\n{f}" + "─".repeat(40) + "{}\nb\n", shown("a\n---\nb"));
        assertEquals("a\n{f}" + "─".repeat(9) + "{}\n", shown("a\n* * *", 10));
    }

    @Test
    void listsHangAndNest() {
        assertEquals(
                "• one two three\n  four\n  ◦ five six\n    seven\n1. x\n",
                shown("- one two three four\n  - five six seven\n1. x", 17));
        assertEquals("• one two\nthree\n◦ four\n", shown("- one two three\n  - four", 10));
        assertEquals("1. a\n\n   still a\n2. b\n\nout\n", shown("1. a\n\n   still a\n2. b\n\nout"));
        assertEquals("☐ ask\n☑ know\n", shown("- [ ] ask\n* [x] know"));
        assertEquals("-1 is negative, 1.5 too\n", shown("-1 is negative, 1.5 too"));
        assertEquals("1.5 mg\n", shown("1.5 mg"));
    }

    @Test
    void quotesHaveABar() {
        assertEquals("{f}│{} aaaaaa bbbbbb\n{f}│{} c\n{f}│{} {f}│{} d\n", shown("> aaaaaa bbbbbb c\n> > d", 17));
    }

    @Test
    void codeBlocksAreShownAsTheyAre() {
        assertEquals(
                "{f}```python{}\n{c}x  =  *1*{}\n\n{c}    y{}\n{f}```{}\nend\n",
                shown("```python\nx  =  *1*\n\n    y\n```\nend"));
        assertEquals(
                "1. a\n   {f}```{}\n   {c}x{}\n   {c} y{}\n   {f}```{}\n", shown("1. a\n   ```\n   x\n    y\n   ```"));
        assertEquals("{f}````{}\n{c}```{}\n{f}````{}\n", shown("````\n```\n````"));
        assertEquals("{f}```{}\n{c}never closed{}\n", shown("```\nnever closed"));
    }

    @Test
    void tablesAreAligned() {
        assertEquals(
                """
                {b}Drug{}      {f}│{}   {b}Dose{} {f}│{} {b}When{}
                {f}──────────┼────────┼─────{}
                Metformin {f}│{} 500 mg {f}│{} {b}noon{}
                漢字      {f}│{}    1 g {f}│{}  -
                """,
                shown(
                        "| Drug | Dose | When |\n|---|--:|:-:|\n| Metformin | 500 mg | **noon** |\n| 漢字 | 1 g | - |",
                        26));
    }

    @Test
    void aTableThatDoesNotFitWrapsItsCellsAndANarrowOneBecomesAList() {
        String table = "| Drug | What it is for |\n|---|---|\n| Metformin | type 2 diabetes in adults |";
        assertEquals("""
                Drug      │ What it is
                          │ for
                ──────────┼───────────
                Metformin │ type 2
                          │ diabetes
                          │ in adults
                """, plain(table, 23));
        assertEquals("Drug:\nMetformin\nWhat it\nis for:\ntype 2\ndiabetes\nin adults\n\n", plain(table, 10));
    }

    @Test
    void aTableShowsItsRowsAsTheyCome() {
        StringBuilder out = new StringBuilder();
        MarkdownStream stream = new MarkdownStream(out::append, () -> 60, false, Style.PLAIN);
        stream.accept("| A | B |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n");
        assertTrue(out.toString().endsWith("3  │ 4\n"), out.toString());
        stream.accept("| 5 | much longer than before |\n");
        assertTrue(out.toString().contains("5  │ mu\n"), out.toString());
        stream.end();
    }

    @Test
    void linesWithBarsThatAreNoTableStay() {
        assertEquals("|x| is {i}absolute{}\nyes\n", shown("|x| is *absolute*\nyes"));
        assertEquals("| a |\n| b |\n", shown("| a |\n| b |"));
    }

    @Test
    void withoutStylesTheMarksStay() {
        assertEquals("## Two **b** `c` [t](u)\n• *i*\n", plain("## Two **b** `c` [t](u)\n- *i*", 80));
    }

    @Test
    void wordsAreShownAsSoonAsTheyEnd() {
        StringBuilder out = new StringBuilder();
        MarkdownStream stream = new MarkdownStream(out::append, () -> 60, true, Style.PLAIN);
        stream.accept("The answer is **ye");
        assertEquals("The answer is", out.toString());
        stream.accept("s** or");
        assertEquals("The answer is {b}yes{}", tagged(out.toString()) + "{}");
        stream.accept(" 漢字");
        assertEquals("The answer is {b}yes{} or 漢", tagged(out.toString()));
    }

    @Test
    void theTextCannotDriveTheTerminal() {
        StringBuilder hostile = new StringBuilder();
        for (char c = 0; c < 0xA0; c++) {
            hostile.append(c);
        }
        hostile.append(
                "\u001b[2J\u001b]0;title\u0007 \u009b31m \u202Eevil\u202C \uD800 \u2028next\n```\n\u001b[31m\r\n```\n| \u001b[1m |\n|-|\n");
        for (int length : new int[] {1, 2, 1000}) {
            String raw = raw(hostile.toString(), 40, true, length);
            String withoutOurs = raw.replaceAll(ESC + "\\[0(;[0-9]+)*m", "");
            assertTrue(
                    withoutOurs.codePoints().allMatch(c -> c == '\n' || !Character.isISOControl(c)),
                    () -> withoutOurs.replace(ESC, "ESC"));
            assertTrue(!withoutOurs.contains("\u202E") && !withoutOurs.contains("\u2028"), withoutOurs);
        }
        assertEquals("a\uFFFD[2J b\nc", MarkdownStream.harmless("a\u001b[2J b\nc"));
    }

    @Test
    void aResizedTerminalCountsFromTheNextLine() {
        int[] columns = {11};
        StringBuilder out = new StringBuilder();
        MarkdownStream stream = new MarkdownStream(out::append, () -> columns[0], false, Style.PLAIN);
        stream.accept("aaa bbb ccc ddd");
        columns[0] = 6;
        stream.accept(" eee fff ");
        stream.end();
        assertEquals("aaa bbb\nccc ddd\neee\nfff\n", out.toString());
    }

    @Test
    void longLinesOfMarksTakeNoLongTime() {
        for (String part :
                List.of("*a ", "**a", "_a _", "[", "[a](", "`", "$", "- ", "|", "> ", "#", "-", "~~a", "1", "\\(")) {
            String raw = raw(part.repeat(20_000 / part.length()), 80, true, 7);
            assertTrue(raw.endsWith("\n"), part);
        }
    }

    @Test
    void cellsAreCountedAsTerminalsDo() {
        assertEquals(5, Cells.of("metfo"));
        assertEquals(4, Cells.of("漢字"));
        assertEquals(1, Cells.of("e\u0301"));
        assertEquals(2, Cells.of("👍🏽"));
        assertEquals(2, Cells.of("👩\u200D⚕\uFE0F"));
        assertEquals(2, Cells.of("❤\uFE0F"));
        assertEquals(2, Cells.of("🇫🇮"));
        assertEquals(0, Cells.of("\u200B"));
        assertEquals(2, Cells.of("한"));
        assertEquals(2, Cells.of("\u1112\u1161\u11AB"));
    }
}
