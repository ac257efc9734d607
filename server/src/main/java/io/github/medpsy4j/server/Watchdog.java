package io.github.medpsy4j.server;

import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Ends connections whose client lets the server wait for too long: in the middle of a request, or with taking what is
 * written. The thread that waits is interrupted, which closes the socket that it waits at.
 */
final class Watchdog implements AutoCloseable {
    private static final long CHECK_MILLIS_MAX = 1000;

    private final long boundNanos;
    private final long checkMillis;
    private final Map<Thread, Long> deadlines = new HashMap<>(); // by System.nanoTime; guarded by this
    private boolean isClosed; // likewise

    Watchdog(Duration bound) {
        boundNanos = bound.toNanos();
        checkMillis = Math.clamp(TimeUnit.NANOSECONDS.toMillis(boundNanos) / 4, 1, CHECK_MILLIS_MAX);
        Thread.ofPlatform().name("medpsy-watchdog").daemon().start(this::watch);
    }

    /** The calling thread waits for its client from now on. */
    synchronized void begin() {
        deadlines.put(Thread.currentThread(), System.nanoTime() + boundNanos);
        notifyAll();
    }

    /** The calling thread waits no more. */
    synchronized void end() {
        if (deadlines.remove(Thread.currentThread()) == null) {
            Thread.interrupted(); // it waited too long: the socket is closed, and nothing else is to be interrupted
        }
    }

    private synchronized void watch() {
        try {
            while (!isClosed) {
                if (deadlines.isEmpty()) {
                    wait();
                } else {
                    wait(checkMillis);
                }
                long now = System.nanoTime();
                for (Iterator<Map.Entry<Thread, Long>> all =
                                deadlines.entrySet().iterator();
                        all.hasNext(); ) {
                    Map.Entry<Thread, Long> each = all.next();
                    if (now - each.getValue() >= 0) {
                        all.remove();
                        each.getKey().interrupt();
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does; it would end with the process
        }
    }

    @Override
    public synchronized void close() {
        isClosed = true;
        notifyAll();
    }
}
