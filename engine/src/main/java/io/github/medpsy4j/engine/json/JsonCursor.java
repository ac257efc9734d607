package io.github.medpsy4j.engine.json;

/** Follows a JSON text (RFC 8259) as it comes, character by character, and says at once where it is none. */
public final class JsonCursor {
    private static final int NESTING_MAX = 200;

    /** What may come next. */
    public enum State {
        VALUE,
        /** A value or the end of the array. */
        FIRST_ELEMENT,
        /** A name or the end of the object. */
        FIRST_NAME,
        NAME,
        COLON,
        /** After a value: a comma, or the end of what it stands in. */
        NEXT,
        /** Within a string or name. */
        STRING,
        /** After a backslash. */
        ESCAPE,
        /** Within the digits behind a backslash and u. */
        HEX,
        NUMBER,
        /** Within true, false or null. */
        WORD,
        /** The value has ended. */
        END
    }

    private final StringBuilder open = new StringBuilder(); // of { and [
    private final StringBuilder scalar = new StringBuilder(); // a number, or the rest of a word
    private State state = State.VALUE;
    private boolean isName;
    private int hexDigits;

    public State state() {
        return state;
    }

    /** Objects and arrays that are open. */
    public int depth() {
        return open.length();
    }

    /** Goes on by a character; false if none of JSON's can stand here: the cursor is of no use then. */
    public boolean accept(char c) {
        return switch (state) {
            case STRING -> inString(c);
            case ESCAPE -> {
                state = c == 'u' ? State.HEX : State.STRING;
                hexDigits = 0;
                yield "\"\\/bfnrtu".indexOf(c) >= 0;
            }
            case HEX -> {
                state = ++hexDigits == 4 ? State.STRING : State.HEX;
                yield Character.digit(c, 16) >= 0 && c < 128;
            }
            case WORD -> {
                boolean fits = scalar.charAt(0) == c;
                scalar.deleteCharAt(0);
                if (scalar.isEmpty()) {
                    ended();
                }
                yield fits;
            }
            case NUMBER -> {
                if ("+-.eE0123456789".indexOf(c) >= 0) {
                    scalar.append(c);
                    yield true;
                }
                boolean isNumber = scalar.toString().matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?");
                ended();
                yield isNumber && accept(c);
            }
            default -> isSpace(c) || between(c);
        };
    }

    private boolean inString(char c) {
        if (c == '"') {
            if (isName) {
                isName = false;
                state = State.COLON;
            } else {
                ended();
            }
        } else if (c == '\\') {
            state = State.ESCAPE;
        }
        return c >= ' ';
    }

    private boolean between(char c) {
        return switch (state) {
            case VALUE -> value(c);
            case FIRST_ELEMENT -> c == ']' ? close('[') : value(c);
            case FIRST_NAME -> c == '}' ? close('{') : name(c);
            case NAME -> name(c);
            case COLON -> {
                state = State.VALUE;
                yield c == ':';
            }
            case NEXT -> {
                boolean inObject = open.charAt(open.length() - 1) == '{';
                if (c == ',') {
                    state = inObject ? State.NAME : State.VALUE;
                    yield true;
                }
                yield c == (inObject ? '}' : ']') && close(inObject ? '{' : '[');
            }
            default -> false;
        };
    }

    private boolean value(char c) {
        switch (c) {
            case '{', '[' -> {
                open.append(c);
                state = c == '{' ? State.FIRST_NAME : State.FIRST_ELEMENT;
                return open.length() <= NESTING_MAX;
            }
            case '"' -> state = State.STRING;
            case 't' -> word("rue");
            case 'f' -> word("alse");
            case 'n' -> word("ull");
            default -> {
                scalar.setLength(0);
                scalar.append(c);
                state = State.NUMBER;
                return c == '-' || (c >= '0' && c <= '9');
            }
        }
        return true;
    }

    private void word(String rest) {
        scalar.setLength(0);
        scalar.append(rest);
        state = State.WORD;
    }

    private boolean name(char c) {
        isName = true;
        state = State.STRING;
        return c == '"';
    }

    private boolean close(char opened) {
        int last = open.length() - 1;
        boolean fits = last >= 0 && open.charAt(last) == opened;
        open.setLength(Math.max(0, last));
        ended();
        return fits;
    }

    private void ended() {
        state = open.isEmpty() ? State.END : State.NEXT;
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
    }
}
