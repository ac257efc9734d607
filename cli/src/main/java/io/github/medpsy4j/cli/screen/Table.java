package io.github.medpsy4j.cli.screen;

import java.util.ArrayList;
import java.util.List;

/**
 * A table of Markdown. Its columns' widths are decided when its first rows are known, so that the others can be shown as
 * they come: each column may grow to twice what those needed if the line has room, and a cell that is longer still is
 * wrapped inside its column. Where the columns cannot be told apart any more, each row is a list of its cells.
 */
final class Table {
    /** Rows under the header that decide. */
    private static final int ROWS_HELD = 2;

    private static final int COLUMN_CELLS_MIN = 4;
    private static final int COLUMNS_MAX = 64;
    private static final String BETWEEN = " │ ";

    private enum Align {
        LEFT,
        CENTRE,
        RIGHT
    }

    /** Code points and their styles. */
    private record Cell(List<int[]> marks) {
        int width() {
            Cells cells = new Cells();
            return marks.stream().mapToInt(m -> cells.add(m[0])).sum();
        }
    }

    private final WrappedText out;
    private final int room;
    private final boolean isStyled;
    private final int style;
    private final List<String> held = new ArrayList<>();
    private List<Align> aligns;
    private List<Cell> header = List.of();
    private int[] widths;
    private boolean isNoTable;

    Table(WrappedText out, int room, boolean isStyled, int style) {
        this.out = out;
        this.room = room;
        this.isStyled = isStyled;
        this.style = style;
    }

    /** Takes a line that begins with a bar. */
    void line(String text) {
        if (isNoTable) {
            paragraph(text);
        } else if (widths != null) {
            row(cells(text, style));
        } else {
            held.add(text);
            if (held.size() == 2) {
                aligns = aligns(text);
                isNoTable = aligns == null;
            }
            if (isNoTable) {
                held.forEach(this::paragraph);
                held.clear();
            } else if (held.size() == 2 + ROWS_HELD) {
                begin();
            }
        }
    }

    void end() {
        if (widths == null && !held.isEmpty()) {
            if (aligns == null) {
                held.forEach(this::paragraph);
                held.clear();
            } else {
                begin();
            }
        }
    }

    private void paragraph(String text) {
        Inline inline = new Inline(out, isStyled);
        inline.begin(style);
        text.chars().forEach(c -> inline.put((char) c));
        inline.end();
        out.newline();
    }

    private void begin() {
        header = cells(held.getFirst(), style | Style.BOLD);
        List<List<Cell>> rows = new ArrayList<>();
        held.stream().skip(2).forEach(text -> rows.add(cells(text, style)));
        int columns = Math.min(COLUMNS_MAX, header.size());
        int[] natural = new int[columns];
        for (int c = 0; c < columns; c++) {
            natural[c] = Math.max(1, width(header, c));
            for (List<Cell> row : rows) {
                natural[c] = Math.max(natural[c], width(row, c));
            }
        }
        widths = fitted(natural, room - BETWEEN.length() * (columns - 1), held.size() == 2 + ROWS_HELD);
        if (widths.length > 0) {
            row(header);
            StringBuilder rule = new StringBuilder();
            for (int c = 0; c < columns; c++) {
                rule.append(c == 0 ? "" : "─┼─").append("─".repeat(widths[c]));
            }
            rule.codePoints().forEach(c -> out.putVerbatim(c, style | Style.FAINT));
            out.newline();
        }
        rows.forEach(this::row);
        held.clear();
    }

    private static int width(List<Cell> row, int column) {
        return column < row.size() ? row.get(column).width() : 0;
    }

    /** The columns' widths in a line of {@code room} cells; none if there is no room for columns. */
    private static int[] fitted(int[] natural, int room, boolean mayGrow) {
        int needed = 0;
        int least = 0;
        for (int width : natural) {
            needed += width;
            least += Math.min(width, COLUMN_CELLS_MIN);
        }
        if (least > room) {
            return new int[0];
        }
        int[] widths = natural.clone();
        // The widest column gives until all fit.
        for (; needed > room; needed--) {
            int widest = 0;
            for (int c = 1; c < widths.length; c++) {
                widest = widths[c] > widths[widest] ? c : widest;
            }
            widths[widest]--;
        }
        int spare = mayGrow ? Math.min(room - needed, needed) : 0;
        int given = 0;
        for (int c = 0; c < widths.length && needed > 0; c++) {
            int share = (int) ((long) spare * natural[c] / needed);
            widths[c] += Math.min(share, natural[c]);
            given += share;
        }
        return given <= spare ? widths : natural;
    }

    private void row(List<Cell> row) {
        if (widths.length == 0) {
            record(row);
            return;
        }
        List<List<List<int[]>>> wrapped = new ArrayList<>();
        int lines = 1;
        for (int c = 0; c < widths.length; c++) {
            List<List<int[]>> cell = c < row.size() ? wrap(row.get(c), widths[c]) : List.of();
            wrapped.add(cell);
            lines = Math.max(lines, cell.size());
        }
        for (int l = 0; l < lines; l++) {
            for (int c = 0; c < widths.length; c++) {
                if (c > 0) {
                    BETWEEN.codePoints().forEach(b -> out.putVerbatim(b, b == ' ' ? Style.PLAIN : style | Style.FAINT));
                }
                List<int[]> part = l < wrapped.get(c).size() ? wrapped.get(c).get(l) : List.of();
                int spare = Math.max(0, widths[c] - new Cell(part).width());
                Align align = c < aligns.size() ? aligns.get(c) : Align.LEFT;
                int before = align == Align.RIGHT ? spare : align == Align.CENTRE ? spare / 2 : 0;
                boolean isLast = c == widths.length - 1;
                spaces(before);
                part.forEach(m -> out.putVerbatim(m[0], m[1]));
                spaces(isLast ? 0 : spare - before);
            }
            out.newline();
        }
    }

    private void spaces(int count) {
        for (int i = 0; i < count; i++) {
            out.putVerbatim(' ', Style.PLAIN);
        }
    }

    /** A row as lines of its own, each cell behind its header. */
    private void record(List<Cell> row) {
        for (int c = 0; c < row.size(); c++) {
            if (row.get(c).marks.isEmpty()) {
                continue;
            }
            if (c < header.size() && !header.get(c).marks.isEmpty()) {
                header.get(c).marks.forEach(m -> out.put(m[0], m[1]));
                out.put(':', style | Style.BOLD);
                out.put(' ', style);
            }
            row.get(c).marks.forEach(m -> out.put(m[0], m[1]));
            out.newline();
        }
        out.newline();
    }

    /** A cell's lines, broken between words. */
    private static List<List<int[]>> wrap(Cell cell, int width) {
        List<List<int[]>> lines = new ArrayList<>();
        List<int[]> line = new ArrayList<>();
        int column = 0;
        int lastSpace = -1;
        Cells cells = new Cells();
        for (int[] mark : cell.marks) {
            int grown = cells.add(mark[0]);
            if (column + grown > width && !line.isEmpty()) {
                if (mark[0] == ' ') {
                    lines.add(line);
                    line = new ArrayList<>();
                    column = 0;
                    lastSpace = -1;
                    continue;
                }
                int cut = lastSpace >= 0 ? lastSpace + 1 : line.size();
                List<int[]> rest = new ArrayList<>(line.subList(cut, line.size()));
                lines.add(new ArrayList<>(line.subList(0, lastSpace >= 0 ? lastSpace : cut)));
                line = rest;
                column = new Cell(rest).width();
                lastSpace = -1;
            }
            if (mark[0] == ' ') {
                if (line.isEmpty()) {
                    continue;
                }
                lastSpace = line.size();
            }
            line.add(mark);
            column += grown;
        }
        lines.add(line);
        return lines;
    }

    private List<Cell> cells(String row, int itsStyle) {
        List<Cell> cells = new ArrayList<>();
        for (String text : split(row)) {
            List<int[]> marks = new ArrayList<>();
            Inline inline = new Inline(
                    (codePoint, s) -> marks.add(new int[] {codePoint == '\t' ? ' ' : codePoint, s}), isStyled);
            inline.begin(itsStyle);
            text.strip().chars().forEach(c -> inline.put((char) c));
            inline.end();
            cells.add(new Cell(marks));
            if (cells.size() == COLUMNS_MAX) {
                break;
            }
        }
        return cells;
    }

    /** The texts between bars; a bar behind a backslash or in code is none. */
    private static List<String> split(String row) {
        List<String> texts = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        boolean isCode = false;
        int last = row.endsWith("|") && row.length() > 1 && !row.endsWith("\\|") ? row.length() - 1 : row.length();
        for (int i = 1; i < last; i++) {
            char c = row.charAt(i);
            if (c == '\\' && i + 1 < last && row.charAt(i + 1) == '|') {
                text.append('|');
                i++;
            } else if (c == '|' && !isCode) {
                texts.add(text.toString());
                text.setLength(0);
            } else {
                isCode ^= c == '`' && (isCode || row.indexOf('`', i + 1) > 0);
                text.append(c);
            }
        }
        texts.add(text.toString());
        return texts;
    }

    /** What a delimiter row says of the columns; null if the text is none. */
    private static List<Align> aligns(String text) {
        List<Align> aligns = new ArrayList<>();
        for (String cell : split(text)) {
            String mark = cell.strip();
            if (!mark.matches(":?-+:?")) {
                return null;
            }
            boolean right = mark.endsWith(":");
            aligns.add(!right ? Align.LEFT : mark.startsWith(":") ? Align.CENTRE : Align.RIGHT);
        }
        return aligns;
    }
}
