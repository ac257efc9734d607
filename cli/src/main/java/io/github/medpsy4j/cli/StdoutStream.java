package io.github.medpsy4j.cli;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Locale;

/** Stdout, whose failures say so: a reader who has seen enough is told apart from a full disk. */
final class StdoutStream extends FilterOutputStream {
    /** Nobody reads stdout any more ({@code medpsy … | head -1}): a reason to end, and nothing to report. */
    static final class ReaderGoneException extends IOException {
        private static final long serialVersionUID = 1;

        ReaderGoneException(IOException cause) {
            super(cause);
        }
    }

    StdoutStream(OutputStream target) {
        super(new BufferedOutputStream(target, 1 << 14));
    }

    @Override
    public void write(int b) throws IOException {
        try {
            out.write(b);
        } catch (IOException e) {
            throw told(e);
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            throw told(e);
        }
    }

    @Override
    public void flush() throws IOException {
        try {
            out.flush();
        } catch (IOException e) {
            throw told(e);
        }
    }

    private static IOException told(IOException e) {
        String message = String.valueOf(e.getMessage());
        // "Broken pipe" on Unix, "The pipe is being closed" and "The pipe has been ended" on Windows.
        return message.toLowerCase(Locale.ROOT).contains("pipe")
                ? new ReaderGoneException(e)
                : new IOException("stdout: " + message, e);
    }
}
