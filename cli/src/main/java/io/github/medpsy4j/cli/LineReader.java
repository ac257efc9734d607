package io.github.medpsy4j.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** Lines of UTF-8 from a stream. */
final class LineReader {
    /** A message of a conversation is far shorter; without a bound a file of zeros would fill the memory. */
    private static final int LINE_BYTES_MAX = 16 << 20;

    private final InputStream in;
    private int number;

    LineReader(InputStream in) {
        this.in = new BufferedInputStream(in);
    }

    /** The next line without its end, or null at the end of the stream; the last line may lack its end. */
    String next() throws IOException, Failure {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int b = in.read();
        if (b < 0) {
            return null;
        }
        number++;
        while (b >= 0 && b != '\n') {
            if (line.size() == LINE_BYTES_MAX) {
                throw new Failure("stdin: line " + number + ": expected at most " + LINE_BYTES_MAX + " bytes");
            }
            line.write(b);
            b = in.read();
        }
        String text = Utf8.decode("stdin: line " + number, line.toByteArray());
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}
