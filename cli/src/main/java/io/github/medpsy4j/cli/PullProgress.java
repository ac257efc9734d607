package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.PullListener;
import io.github.medpsy4j.models.Source;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/** Tells of a pull on stderr: a bar on a terminal, else a line now and then. */
final class PullProgress implements PullListener {
    private static final long NANOS = 1_000_000_000;
    private static final long REDRAW_NANOS = NANOS / 10;
    private static final long LINE_NANOS = 30 * NANOS;
    private static final int BAR_CELLS = 24;

    /** The rate is that of the last seconds: an average since the start would hide that a line has become slow. */
    private static final long WINDOW_NANOS = 5 * NANOS;

    private final Terminal terminal;
    private String label = "";
    private Source lastSource;
    private long shownAt;
    private int shownTenth;
    private long windowStart;
    private long windowBytes;
    private double bytesPerSecond;
    private boolean isBarShown;

    PullProgress(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public void started(ModelFile file, Source source, long resumedFromBytes, long totalBytes) {
        endBar();
        label = file.name();
        lastSource = file.sources().getLast();
        String from = resumedFromBytes > 0 ? ", going on at " + Sizes.readable(resumedFromBytes) : "";
        terminal.say("pulling " + label + ", " + Sizes.readable(totalBytes) + ", from " + source.label() + from);
        startWindow(resumedFromBytes);
        shownAt = System.nanoTime();
        shownTenth = (int) (resumedFromBytes * 10 / totalBytes);
    }

    @Override
    public void progress(long bytes, long totalBytes) {
        long now = System.nanoTime();
        measure(bytes, now);
        show(bytes, totalBytes, now, true);
    }

    @Override
    public void verifying(long bytes, long totalBytes) {
        show(bytes, totalBytes, System.nanoTime(), false);
    }

    @Override
    public void retrying(String reason, int attempt, int attemptsMax, Duration wait) {
        endBar();
        terminal.say(reason + "; trying again (" + attempt + " of " + attemptsMax + ") in " + seconds(wait));
    }

    @Override
    public void sourceFailed(Source source, String reason) {
        endBar();
        // That of the last source is in the failure of the pull, with those before it.
        if (!source.equals(lastSource)) {
            terminal.say(source.label() + ": " + reason + "; trying the next source");
        }
    }

    @Override
    public void finished(ModelFile file, Path path) {
        endBar();
        terminal.say(file.name() + " is here, verified: " + path);
    }

    private void startWindow(long bytes) {
        windowStart = System.nanoTime();
        windowBytes = bytes;
        bytesPerSecond = 0;
    }

    private void measure(long bytes, long now) {
        if (bytes < windowBytes) {
            startWindow(bytes); // a server made the pull start over
        }
        long elapsed = now - windowStart;
        if (elapsed >= WINDOW_NANOS || (bytesPerSecond == 0 && elapsed >= NANOS / 2)) {
            bytesPerSecond = (bytes - windowBytes) / (elapsed / 1e9);
            windowStart = now;
            windowBytes = bytes;
        }
    }

    private void show(long bytes, long totalBytes, long now, boolean isTransfer) {
        int tenth = (int) (bytes * 10 / totalBytes);
        if (terminal.errIsTerminal()) {
            if (now - shownAt >= REDRAW_NANOS || bytes == totalBytes) {
                shownAt = now;
                isBarShown = true;
                // The line is padded to cover the one before it.
                terminal.err().print("\r" + String.format("%-78s", bar(bytes, totalBytes, isTransfer)));
                terminal.err().flush();
            }
        } else if (tenth > shownTenth || now - shownAt >= LINE_NANOS) {
            shownAt = now;
            shownTenth = tenth;
            terminal.say(label + ": " + (isTransfer ? "" : "checking, ") + amount(bytes, totalBytes)
                    + (isTransfer ? rate(totalBytes - bytes) : ""));
        }
    }

    private String bar(long bytes, long totalBytes, boolean isTransfer) {
        int full = (int) (bytes * BAR_CELLS / totalBytes);
        return "[" + "#".repeat(full) + " ".repeat(BAR_CELLS - full) + "] "
                + (isTransfer ? "" : "checking ") + amount(bytes, totalBytes)
                + (isTransfer ? rate(totalBytes - bytes) : "");
    }

    private static String amount(long bytes, long totalBytes) {
        return bytes * 100 / totalBytes + "%, " + Sizes.readable(bytes) + " of " + Sizes.readable(totalBytes);
    }

    private String rate(long bytesLeft) {
        if (bytesPerSecond < 1) {
            return "";
        }
        return String.format(Locale.ROOT, ", %s/s, %s left", Sizes.readable((long) bytesPerSecond), time((long)
                Math.ceil(bytesLeft / bytesPerSecond)));
    }

    private static String time(long seconds) {
        return seconds >= 3600
                ? String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60);
    }

    private static String seconds(Duration wait) {
        return String.format(Locale.ROOT, "%.1f s", wait.toMillis() / 1e3);
    }

    private void endBar() {
        if (isBarShown) {
            terminal.err().println();
            terminal.err().flush();
            isBarShown = false;
        }
    }
}
