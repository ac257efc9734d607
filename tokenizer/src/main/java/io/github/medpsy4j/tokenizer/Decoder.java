package io.github.medpsy4j.tokenizer;

import java.util.Arrays;

/**
 * Turns a stream of ids into text as they come. Bytes of a character that is not whole yet wait for the next id. For one
 * stream and one thread.
 */
public final class Decoder {
    private final Tokenizer tokenizer;
    private final boolean showSpecials;
    private boolean dropsSpace;
    /** The first {@link #waiting} bytes belong to an unfinished character: at most three. */
    private byte[] bytes = new byte[64];

    private int waiting;

    Decoder(Tokenizer tokenizer, boolean dropsSpace, boolean showSpecials) {
        this.tokenizer = tokenizer;
        this.dropsSpace = dropsSpace;
        this.showSpecials = showSpecials;
    }

    /**
     * The text that {@code id} makes whole, possibly none. Bytes that are not UTF-8 become U+FFFD.
     *
     * @throws TokenizerException if there is no such token
     */
    public String accept(int id) {
        Pieces pieces = tokenizer.pieces();
        boolean hidden = tokenizer.isHidden(tokenizer.checked(id));
        if (hidden && !showSpecials) {
            return "";
        }
        int size = waiting + pieces.length(id);
        if (bytes.length < size) {
            bytes = Arrays.copyOf(bytes, Math.max(size, 2 * bytes.length));
        }
        pieces.copy(id, bytes, waiting);
        if (dropsSpace && !hidden && size > 0) {
            dropsSpace = false;
            // Encoding puts no space in front of a token that it finds whole.
            if (bytes[0] == ' ' && !tokenizer.isUserDefined(id)) {
                size--;
                System.arraycopy(bytes, 1, bytes, 0, size);
            }
        }
        waiting = Utf8.unfinished(bytes, size);
        String text = Utf8.decode(bytes, size - waiting);
        System.arraycopy(bytes, size - waiting, bytes, 0, waiting);
        return text;
    }

    /** What still waits at the end of the stream, as U+FFFD. */
    public String flush() {
        String text = Utf8.decode(bytes, waiting);
        waiting = 0;
        return text;
    }
}
