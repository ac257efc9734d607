package io.github.medpsy4j.cli.screen;

/** Text without marks, wrapped at words to a terminal's width; it cannot drive the terminal. */
public final class PlainText {
    private PlainText() {}

    /**
     * The text's lines, each with its end; white space stays in those that fit.
     *
     * @param columns the terminal's width; 0 or less is unknown
     * @param isStyled whether the terminal shows styles
     */
    public static String wrapped(String text, int columns, boolean isStyled, int style) {
        StringBuilder out = new StringBuilder();
        WrappedText wrapped = new WrappedText(out::append, () -> columns, isStyled);
        for (String line : MarkdownStream.harmless(text).split("\n", -1)) {
            int[] spaces = {0};
            while (spaces[0] < line.length() && line.charAt(spaces[0]) == ' ') {
                spaces[0]++;
            }
            boolean fits = line.indexOf('\t') < 0 && Cells.of(line) <= WrappedText.usable(columns);
            if (fits) {
                line.codePoints().forEach(c -> wrapped.putVerbatim(c, style));
            } else {
                String indent = " ".repeat(spaces[0]);
                wrapped.prefix(indent, indent, style);
                wrapped.put(line, style);
            }
            wrapped.newline();
            wrapped.prefix("", "", style);
        }
        return out.toString();
    }
}
