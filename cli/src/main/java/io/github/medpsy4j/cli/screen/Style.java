package io.github.medpsy4j.cli.screen;

/** Styles of text as bits, and the escape sequences (SGR, ECMA-48) that switch them on. */
public final class Style {
    /** None. */
    public static final int PLAIN = 0;

    static final int BOLD = 1;
    /** Less bright. */
    public static final int FAINT = 2;

    static final int ITALIC = 4;
    static final int UNDERLINE = 8;
    static final int STRIKE = 16;
    /** In a colour of its own, as code is. */
    static final int CODE = 32;

    /** The SGR parameter of each bit, lowest first. */
    private static final String[] PARAMETERS = {"1", "2", "3", "4", "9", "36"};

    private Style() {}

    /** The sequence that switches from any style to this one. */
    static String sequence(int style) {
        StringBuilder s = new StringBuilder("\u001b[0");
        for (int bit = 0; bit < PARAMETERS.length; bit++) {
            if ((style & 1 << bit) != 0) {
                s.append(';').append(PARAMETERS[bit]);
            }
        }
        return s.append('m').toString();
    }
}
