package io.github.medpsy4j.cli.remote;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Server-sent events (WHATWG HTML, section 9.2.6), of which the data alone count here. For one thread.
 */
final class EventStream {
    /** No honest event is longer: it holds a few tokens, or an answer's log-probabilities. */
    static final int EVENT_BYTES_MAX = 1 << 20;

    /** What a step through the stream finds. */
    enum Step {
        /** An event, whose data {@link #data} has. */
        EVENT,
        /** A comment, which says that the server is still there. */
        BEAT,
        END
    }

    /** An event of more than {@link #EVENT_BYTES_MAX} bytes. */
    static final class TooLongException extends IOException {
        private static final long serialVersionUID = 1;
    }

    private final InputStream in;
    private final byte[] buffer = new byte[8192];
    private int at;
    private int end;
    private boolean wasReturn;
    private String data = "";

    /** @param in is read in large pieces, as they come */
    EventStream(InputStream in) {
        this.in = in;
    }

    String data() {
        return data;
    }

    /** Goes to the next event or comment. A line that the end of the stream cuts off is none. */
    Step next() throws IOException {
        StringBuilder all = null;
        while (true) {
            String line = line();
            if (line == null && all == null) {
                return Step.END;
            }
            if (line == null || line.isEmpty()) {
                if (all != null) {
                    data = all.toString();
                    return Step.EVENT;
                }
            } else if (line.startsWith(":")) {
                if (all == null) {
                    return Step.BEAT;
                }
            } else if (line.startsWith("data:") || line.equals("data")) {
                String value = line.length() < 5 ? "" : line.substring(line.startsWith("data: ") ? 6 : 5);
                all = all == null ? new StringBuilder() : all.append('\n');
                if (all.length() + value.length() > EVENT_BYTES_MAX) {
                    throw new TooLongException();
                }
                all.append(value);
            }
        }
    }

    /** A line without its end, which is CR, LF or both; null at the end of the stream, which cuts a line off. */
    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(256);
        while (true) {
            if (at == end) {
                end = in.read(buffer);
                at = 0;
                if (end < 0) {
                    end = 0;
                    return null;
                }
            }
            int from = at;
            while (at < end && buffer[at] != '\n' && buffer[at] != '\r') {
                at++;
            }
            if (line.size() + (at - from) > EVENT_BYTES_MAX) {
                throw new TooLongException();
            }
            boolean isRest = wasReturn && at == from && at < end && buffer[at] == '\n';
            wasReturn &= at == from && at == end;
            line.write(buffer, from, at - from);
            if (at == end) {
                continue;
            }
            wasReturn = buffer[at++] == '\r';
            if (!isRest) {
                return line.toString(StandardCharsets.UTF_8);
            }
        }
    }
}
