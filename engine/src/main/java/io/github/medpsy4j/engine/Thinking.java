package io.github.medpsy4j.engine;

/**
 * Divides the text of an answer, as it streams, into thinking and the answer proper: what stands between {@code <think>}
 * at its start and {@code </think>} is thinking. A text that may yet become a mark waits. For one text and one thread.
 */
public final class Thinking {
    static final String OPEN = "<think>";
    static final String CLOSE = "</think>";

    /** Receives the divided text. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes a piece.
         *
         * @param text never empty
         * @param thinking whether it is thinking
         */
        void accept(String text, boolean thinking);
    }

    private enum State {
        /** Nothing but white space so far: thinking may open. */
        START,
        THINKING,
        ANSWER
    }

    private final Sink sink;
    private final StringBuilder waiting = new StringBuilder();
    private State state;
    private boolean skipSpace;

    /** @param opened whether the prompt has opened the thinking already */
    public Thinking(boolean opened, Sink sink) {
        this.sink = sink;
        this.state = opened ? State.THINKING : State.START;
        this.skipSpace = true;
    }

    boolean isThinking() {
        return state == State.THINKING;
    }

    /** Takes the next piece of the text. */
    public void accept(String text) {
        waiting.append(text);
        drain(false);
    }

    /** The text is over: what waited is what it is. */
    public void end() {
        drain(true);
    }

    private void drain(boolean atEnd) {
        while (true) {
            if (skipSpace) {
                int spaces = 0;
                while (spaces < waiting.length() && Character.isWhitespace(waiting.charAt(spaces))) {
                    spaces++;
                }
                // Before the first word, white space belongs to the marks, unless no mark comes.
                if (state != State.START) {
                    waiting.delete(0, spaces);
                    skipSpace = waiting.isEmpty();
                } else if (waiting.indexOf(OPEN, spaces) == spaces) {
                    waiting.delete(0, spaces + OPEN.length());
                    state = State.THINKING;
                    continue;
                } else if (!atEnd && OPEN.startsWith(waiting.substring(spaces))) {
                    return;
                } else {
                    state = State.ANSWER;
                    skipSpace = false;
                }
            }
            if (state == State.THINKING) {
                int close = waiting.indexOf(CLOSE);
                if (close >= 0) {
                    emit(waiting.substring(0, close).stripTrailing(), true);
                    waiting.delete(0, close + CLOSE.length());
                    state = State.ANSWER;
                    skipSpace = true;
                    continue;
                }
                // White space before a closing mark belongs to the mark, so it waits with it.
                int keep = atEnd ? 0 : heldBack();
                emit(waiting.substring(0, waiting.length() - keep), true);
                waiting.delete(0, waiting.length() - keep);
                return;
            }
            emit(waiting.toString(), false);
            waiting.setLength(0);
            return;
        }
    }

    /** How much of the waiting text's end is white space followed by the beginning of a closing mark. */
    private int heldBack() {
        int length = waiting.length();
        int mark = 0;
        for (int n = Math.min(CLOSE.length() - 1, length); n > 0; n--) {
            if (CLOSE.startsWith(waiting.substring(length - n))) {
                mark = n;
                break;
            }
        }
        int spaces = 0;
        while (spaces + mark < length && Character.isWhitespace(waiting.charAt(length - mark - 1 - spaces))) {
            spaces++;
        }
        return mark + spaces;
    }

    private void emit(String text, boolean thinking) {
        if (!text.isEmpty()) {
            sink.accept(text, thinking);
        }
    }
}
