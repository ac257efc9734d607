package io.github.medpsy4j.models;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What happens during a pull or a check, told on the thread that called. Every method may be left out. An unchecked
 * exception from a listener ends the pull as a broken connection would: what came is kept.
 */
public interface PullListener {
    /** Does nothing. */
    PullListener NONE = new PullListener() {};

    /**
     * A source is being asked, for the bytes from {@code resumedFromBytes} (0: from the beginning).
     *
     * @param totalBytes the size of the whole file
     */
    default void started(ModelFile file, Source source, long resumedFromBytes, long totalBytes) {}

    /** So much of the file is here; told many times a second. Goes back where a server makes the pull start over. */
    default void progress(long bytes, long totalBytes) {}

    /** The bytes of a file that was here before are about to be hashed; {@link #verifying} tells how far that is. */
    default void checking(String name, Path path, Place place) {}

    /** So much of a file that was here before has been hashed. */
    default void verifying(long bytes, long totalBytes) {}

    /** The connection failed, and after {@code wait} the {@code attempt}-th of {@code attemptsMax} begins. */
    default void retrying(String reason, int attempt, int attemptsMax, Duration wait) {}

    /** A source gave nothing; the next one is tried, if there is one. */
    default void sourceFailed(Source source, String reason) {}

    /** The file is complete, verified, and at {@code path}. */
    default void finished(ModelFile file, Path path) {}
}
