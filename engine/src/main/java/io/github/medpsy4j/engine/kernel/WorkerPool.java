package io.github.medpsy4j.engine.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * The persistent workers that every parallel step runs on. The caller of {@link #run} works too, so a pool of N threads
 * keeps N - 1 daemon threads. Steps follow one another within microseconds, so an idle worker spins before it parks:
 * parking between the operations of one token costs more than the operations' own imbalance.
 *
 * <p>One step runs at a time: callers on several threads queue at the monitor.
 */
public final class WorkerPool implements AutoCloseable {
    /** Work that is cut into items 0..count-1; every item is run exactly once, on any worker. */
    @FunctionalInterface
    public interface Task {
        /** Runs items [begin, end); {@code worker} is below {@link #threads()} and selects scratch memory. */
        void run(int begin, int end, int worker);
    }

    private static final int SPINS_BEFORE_PARK = 20_000;
    private static final VarHandle NEXT;
    private static final VarHandle STEP;
    private static final VarHandle BUSY;
    private static final VarHandle PARKED = MethodHandles.arrayElementVarHandle(boolean[].class);

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            NEXT = lookup.findVarHandle(WorkerPool.class, "next", int.class);
            STEP = lookup.findVarHandle(WorkerPool.class, "step", int.class);
            BUSY = lookup.findVarHandle(WorkerPool.class, "busy", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Thread[] workers;
    private final boolean[] parked;
    private Task task;
    private int count;
    private int grain;
    private volatile Throwable failure;
    private volatile boolean closed;

    // Reached through the VarHandles above: the next item to hand out, the number of the current step, the workers
    // that have not yet finished it.
    @SuppressWarnings("unused")
    private int next;

    @SuppressWarnings("unused")
    private int step;

    @SuppressWarnings("unused")
    private int busy;

    /** A pool that runs steps on {@code threads} threads, the caller's among them; at least one. */
    public WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads: expected at least 1, got " + threads);
        }
        workers = new Thread[threads - 1];
        parked = new boolean[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            int index = i;
            workers[i] = new Thread(() -> work(index), "medpsy-worker-" + (i + 1));
            workers[i].setDaemon(true);
            workers[i].start();
        }
    }

    /** The number of threads that take part in a step. */
    public int threads() {
        return workers.length + 1;
    }

    /**
     * Runs {@code task} over items 0..count-1, handed out at least {@code grain} at a time, and returns when all are done. What
     * an item throws is thrown here, once every worker has stopped.
     */
    @SuppressWarnings("ThreadPriorityCheck") // yields only to the pool's own workers
    public synchronized void run(int count, int grain, Task task) {
        if (closed) {
            throw new IllegalStateException("the worker pool is closed");
        }
        if (count <= grain || workers.length == 0) {
            task.run(0, count, 0);
            return;
        }
        this.task = task;
        this.count = count;
        this.grain = grain;
        NEXT.setOpaque(this, 0);
        BUSY.setOpaque(this, workers.length);
        STEP.setVolatile(this, (int) STEP.getOpaque(this) + 1);
        for (int i = 0; i < workers.length; i++) {
            if ((boolean) PARKED.getVolatile(parked, i)) {
                LockSupport.unpark(workers[i]);
            }
        }
        takeItems(threads() - 1);
        int spins = 0;
        while ((int) BUSY.getAcquire(this) != 0) {
            // On a busy machine the worker waited for may need this very processor.
            if (++spins < SPINS_BEFORE_PARK) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        this.task = null;
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            switch (thrown) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                default -> throw new IllegalStateException(thrown);
            }
        }
    }

    private void takeItems(int worker) {
        Task current = task;
        int total = count;
        int size = grain;
        try {
            int begin;
            while ((begin = (int) NEXT.getOpaque(this)) < total) {
                // Long runs first, two thirds of a fair share, for work that reads memory in order; short ones last, so
                // that all end together. (Thirds of a share: 6% of generation.)
                int end = Math.min(total, begin + Math.max(size, 2 * (total - begin) / (3 * threads())));
                if (NEXT.compareAndSet(this, begin, end)) {
                    current.run(begin, end, worker);
                }
            }
        } catch (Throwable e) {
            NEXT.setOpaque(this, total);
            failure = e;
        }
    }

    private void work(int index) {
        int seen = 0;
        while (true) {
            int spins = 0;
            int now;
            while ((now = (int) STEP.getAcquire(this)) == seen) {
                if (closed) {
                    return;
                }
                if (++spins < SPINS_BEFORE_PARK) {
                    Thread.onSpinWait();
                    continue;
                }
                PARKED.setVolatile(parked, index, true);
                if ((int) STEP.getVolatile(this) == seen && !closed) {
                    LockSupport.park(this);
                }
                PARKED.setVolatile(parked, index, false);
            }
            seen = now;
            takeItems(index);
            BUSY.getAndAdd(this, -1);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
    }
}
