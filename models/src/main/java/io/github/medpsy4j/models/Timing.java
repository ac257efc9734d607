package io.github.medpsy4j.models;

import java.time.Duration;

/**
 * The patience of a pull.
 *
 * @param connect how long a host may take to accept a connection
 * @param answer how long an answer's head may take, connecting included, until first bytes of the file have come: a
 *     host that is not there costs this much
 * @param stall how long a transfer that has begun may bring nothing
 * @param attemptsMax attempts that bring less than {@link #PROGRESS_BYTES} each before the pull is given up
 * @param firstWait the pause after a failed attempt; doubles each time
 * @param pipStall how long pip may run without its files growing
 */
record Timing(
        Duration connect, Duration answer, Duration stall, int attemptsMax, Duration firstWait, Duration pipStall) {
    /** An attempt that got this much further does not count: a bad line may break many times in 9 GB. */
    static final long PROGRESS_BYTES = 1 << 20;

    /** The longest pause between two attempts, also where a server asks for more. */
    static final Duration WAIT_MAX = Duration.ofSeconds(30);

    static final Timing DEFAULT = new Timing(
            Duration.ofSeconds(4),
            Duration.ofSeconds(5),
            Duration.ofSeconds(30),
            5,
            Duration.ofMillis(500),
            Duration.ofSeconds(60));

    /** Returns the pause before the next attempt: what the server asks for, or ours where that is longer. */
    Duration waitAfter(int failures, Duration serverWait) {
        Duration wait = firstWait.multipliedBy(1L << (failures - 1));
        wait = wait.compareTo(serverWait) < 0 ? serverWait : wait;
        return wait.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : wait;
    }
}
