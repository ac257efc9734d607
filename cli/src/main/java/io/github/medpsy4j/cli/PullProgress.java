package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.Place;
import io.github.medpsy4j.models.PullListener;
import io.github.medpsy4j.models.Source;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/** Tells of a pull, or of hashing what is here, on stderr: a bar on a terminal, else a line now and then. */
final class PullProgress implements PullListener {
    private static final long NANOS = 1_000_000_000;
    private static final long REDRAW_NANOS = NANOS / 10;
    private static final long LINE_NANOS = 30 * NANOS;
    private static final int BAR_CELLS_MAX = 24;
    private static final int BAR_CELLS_MIN = 4;
    private static final int COLUMNS = 80;

    /** Characters of the longest line beside the bar's cells. */
    private static final int TEXT_COLUMNS = 55;

    /** The rate is that of the last seconds: an average since the start would hide that a line has become slow. */
    private static final long WINDOW_NANOS = 5 * NANOS;

    private final Terminal terminal;
    private final boolean hasBar;
    private final int columns;
    private String label = "";
    private Source lastSource;
    private long shownAt;
    private int shownTenth;
    private long windowStart;
    private long windowBytes;
    private double bytesPerSecond;
    private boolean isBarShown;
    private boolean hasChecked;

    PullProgress(Terminal terminal) {
        this.terminal = terminal;
        this.hasBar = terminal.errIsTerminal()
                && !terminal.environment().getOrDefault("TERM", "").equals("dumb");
        this.columns = columns(terminal.environment().getOrDefault("COLUMNS", ""));
    }

    private static int columns(String variable) {
        return variable.matches("[1-9]\\d{0,3}") ? Math.min(COLUMNS, Integer.parseInt(variable)) : COLUMNS;
    }

    /** Whether bytes that were here before had to be hashed. */
    boolean hasChecked() {
        return hasChecked;
    }

    @Override
    public void started(ModelFile file, Source source, long resumedFromBytes, long totalBytes) {
        lastSource = file.sources().getLast();
        String from = resumedFromBytes > 0
                ? ", going on at " + Sizes.readable(resumedFromBytes) + " (" + resumedFromBytes * 100 / totalBytes
                        + "%)"
                : "";
        begin(
                file.name(),
                "pulling " + file.name() + ", " + Sizes.readable(totalBytes) + ", from " + source.label() + from,
                resumedFromBytes);
        shownTenth = (int) (resumedFromBytes * 10 / totalBytes);
    }

    @Override
    public void checking(String name, Path path, Place place) {
        hasChecked = true;
        String what = place == Place.OWN ? "what is here of " + name : name + " (" + place.label() + ": " + path + ")";
        begin(name, "checking the sha256 of " + what, 0);
    }

    private void begin(String name, String line, long bytes) {
        endBar();
        label = name;
        terminal.say(line);
        startWindow(bytes);
        shownAt = System.nanoTime();
        shownTenth = 0;
    }

    @Override
    public void progress(long bytes, long totalBytes) {
        show(bytes, totalBytes, true);
    }

    @Override
    public void verifying(long bytes, long totalBytes) {
        show(bytes, totalBytes, false);
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

    private void show(long bytes, long totalBytes, boolean isTransfer) {
        long now = System.nanoTime();
        measure(bytes, now);
        int tenth = (int) (bytes * 10 / totalBytes);
        if (hasBar) {
            if (now - shownAt >= REDRAW_NANOS || bytes == totalBytes) {
                shownAt = now;
                isBarShown = true;
                // The line is padded to cover the one before it.
                int width = columns - 2;
                String line = bar(bytes, totalBytes, isTransfer);
                String cut = line.length() > width ? line.substring(0, Math.max(0, width)) : line;
                terminal.err().print("\r" + cut + " ".repeat(Math.max(0, width - cut.length())));
                terminal.err().flush();
            }
        } else if (tenth > shownTenth || now - shownAt >= LINE_NANOS) {
            shownAt = now;
            shownTenth = tenth;
            terminal.say(label + ": " + (isTransfer ? "" : "checking, ") + amount(bytes, totalBytes)
                    + rate(totalBytes - bytes));
        }
    }

    private String bar(long bytes, long totalBytes, boolean isTransfer) {
        int cells = Math.clamp(columns - TEXT_COLUMNS - (isTransfer ? 0 : 9), BAR_CELLS_MIN, BAR_CELLS_MAX);
        int full = (int) (bytes * cells / totalBytes);
        return "[" + "#".repeat(full) + " ".repeat(cells - full) + "] " + (isTransfer ? "" : "checking ")
                + amount(bytes, totalBytes) + rate(totalBytes - bytes);
    }

    private static String amount(long bytes, long totalBytes) {
        return bytes * 100 / totalBytes + "%, " + Sizes.readable(bytes) + " of " + Sizes.readable(totalBytes);
    }

    private String rate(long bytesLeft) {
        if (bytesPerSecond < 1 || bytesLeft == 0) {
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

    /** Ends the bar's line, if there is one. */
    void endBar() {
        if (isBarShown) {
            terminal.err().println();
            terminal.err().flush();
            isBarShown = false;
        }
    }
}
