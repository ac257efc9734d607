package io.github.medpsy4j.cli.screen;

import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/**
 * Text that flows into lines of a terminal's width, broken between words; nothing that was written is ever rewritten, so
 * a word is held back until it ends. Between wide characters (Chinese, Japanese, Korean) a line may break anywhere but
 * before closing and behind opening punctuation. A word longer than a line is cut.
 */
final class WrappedText implements Sink {
    /** A narrower terminal gets no indentation. */
    private static final int INDENTED_COLUMNS_MIN = 16;

    private static final int TAB = 4;
    private static final String NOT_FIRST = "、。，．・：；？！）］｝〉》」』】〕’”…ー,.:;?!)]}'\"";
    private static final String NOT_LAST = "（［｛〈《「『【〔‘“([{";

    private final Consumer<String> out;
    private final IntSupplier terminalColumns;
    private final boolean isStyled;
    private final StringBuilder line = new StringBuilder();

    private int columns;
    private int column;
    private int prefixColumns;
    private boolean isLineOpen;
    private String nextPrefix = "";
    private String restPrefix = "";
    private int prefixStyle;
    private int style = Style.PLAIN;

    private int[] word = new int[64];
    private int[] wordStyles = new int[64];
    private int[] wordCells = new int[64];
    private int wordLength;
    private int wordColumns;
    private Cells cells = new Cells();
    private boolean isSpacePending;
    private int spaceStyle;

    /**
     * @param out receives text and escape sequences
     * @param terminalColumns the terminal's width, asked at the beginning of each line; 0 or less is unknown
     * @param isStyled whether styles are shown
     */
    WrappedText(Consumer<String> out, IntSupplier terminalColumns, boolean isStyled) {
        this.out = out;
        this.terminalColumns = terminalColumns;
        this.isStyled = isStyled;
    }

    /** The cells that a line may fill: a full last column makes some terminals wrap by themselves. */
    static int usable(int terminalColumns) {
        return terminalColumns <= 0 ? 79 : Math.max(1, terminalColumns - 1);
    }

    /** The cells that a line behind this prefix may fill. */
    int room(String prefix) {
        int all = usable(terminalColumns.getAsInt());
        return Math.max(1, all - (all < INDENTED_COLUMNS_MIN ? 0 : Cells.of(prefix)));
    }

    /** What stands in front of the next line, and of the lines that it is broken into. */
    void prefix(String first, String rest, int styleOfBoth) {
        nextPrefix = first;
        restPrefix = rest;
        prefixStyle = styleOfBoth;
    }

    @Override
    public void put(int codePoint, int itsStyle) {
        if (codePoint == ' ' || codePoint == '\t') {
            endWord();
            if (isLineOpen && !isSpacePending && column > prefixColumns) {
                isSpacePending = true;
                spaceStyle = itsStyle;
            }
            return;
        }
        if (wordLength > 0 && mayBreakBetween(word[wordLength - 1], codePoint)) {
            endWord();
        }
        openLine();
        if (wordLength == word.length) {
            word = Arrays.copyOf(word, 2 * wordLength);
            wordStyles = Arrays.copyOf(wordStyles, 2 * wordLength);
            wordCells = Arrays.copyOf(wordCells, 2 * wordLength);
        }
        int grown = cells.add(codePoint);
        word[wordLength] = codePoint;
        wordStyles[wordLength] = itsStyle;
        wordCells[wordLength++] = grown;
        wordColumns += grown;
        if (wordColumns > columns - prefixColumns) {
            endWord();
        }
    }

    /** A code point that stands where it stands, however long its line grows. */
    void putVerbatim(int codePoint, int itsStyle) {
        openLine();
        if (codePoint == '\t') {
            for (int n = TAB - (column - prefixColumns) % TAB; n > 0; n--) {
                write(' ', itsStyle, 1);
            }
        } else {
            write(codePoint, itsStyle, cells.add(codePoint));
        }
        release();
    }

    /** Ends the line, also an empty one. */
    void newline() {
        endWord();
        isSpacePending = false;
        if (!isLineOpen && !nextPrefix.isBlank()) {
            openLine();
        }
        endLine();
        isLineOpen = false;
        nextPrefix = restPrefix;
        release();
    }

    private boolean mayBreakBetween(int before, int after) {
        return (Cells.isWide(before) || Cells.isWide(after))
                && NOT_LAST.indexOf(before) < 0
                && NOT_FIRST.indexOf(after) < 0
                && isWideText(before, after);
    }

    /** Emoji and what modifies or joins them stay together, and a mark with its letter. */
    private static boolean isWideText(int before, int after) {
        boolean isMark = Character.getType(after) == Character.NON_SPACING_MARK
                || Character.getType(after) == Character.ENCLOSING_MARK
                || Character.getType(after) == Character.FORMAT
                || Character.isEmojiModifier(after);
        return !isMark && Character.getType(before) != Character.FORMAT;
    }

    private void openLine() {
        if (isLineOpen) {
            return;
        }
        isLineOpen = true;
        columns = usable(terminalColumns.getAsInt());
        String prefix =
                columns < INDENTED_COLUMNS_MIN ? nextPrefix.strip() + (nextPrefix.isBlank() ? "" : " ") : nextPrefix;
        if (columns < INDENTED_COLUMNS_MIN && nextPrefix.equals(restPrefix)) {
            prefix = "";
        }
        column = 0;
        Cells prefixCells = new Cells();
        prefix.codePoints().forEach(c -> write(c, c == ' ' ? Style.PLAIN : prefixStyle, prefixCells.add(c)));
        prefixColumns = column;
        nextPrefix = restPrefix;
    }

    /** Writes the word, on the next line if this one has no room for it. */
    private void endWord() {
        if (wordLength == 0) {
            return;
        }
        int space = isSpacePending ? 1 : 0;
        if (column > prefixColumns && column + space + wordColumns > columns) {
            breakLine();
        } else if (isSpacePending) {
            write(' ', spaceStyle & wordStyles[0], 1);
        }
        isSpacePending = false;
        for (int i = 0; i < wordLength; i++) {
            if (column > prefixColumns && column + wordCells[i] > columns) {
                breakLine();
            }
            write(word[i], wordStyles[i], wordCells[i]);
        }
        wordLength = 0;
        wordColumns = 0;
        release();
    }

    private void breakLine() {
        isSpacePending = false;
        endLine();
        isLineOpen = false;
        openLine();
    }

    private void endLine() {
        if (style != Style.PLAIN) {
            style = Style.PLAIN;
            line.append("\u001b[0m");
        }
        line.append('\n');
        cells = new Cells();
        column = 0;
        prefixColumns = 0;
    }

    private void write(int codePoint, int itsStyle, int itsCells) {
        if (isStyled && itsStyle != style) {
            style = itsStyle;
            line.append(style == Style.PLAIN ? "\u001b[0m" : Style.sequence(style));
        }
        line.appendCodePoint(codePoint);
        column += itsCells;
    }

    /** Hands out what is written so far. */
    private void release() {
        if (!line.isEmpty()) {
            out.accept(line.toString());
            line.setLength(0);
        }
    }
}
