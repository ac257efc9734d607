package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.medpsy4j.engine.sampling.Sampler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Once compiled, forward and sampling allocate nothing, in no thread. Before that, the interpreter and C1 box vectors,
 * so the test waits until whole windows of tokens pass without an allocation.
 */
class AllocationTest {
    private static final int WINDOW_TOKENS = 240;
    private static final int QUIET_WINDOWS = 3;
    private static final long PATIENCE_NANOS = 120_000_000_000L;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @ValueSource(strings = {"q4_k_m", "iq4_nl", "iq4_xs"})
    void generatingAllocatesNothing(String format) throws IOException {
        SamplingOptions sampling = SamplingOptions.defaults(1).withRepeatPenalty(1.1f);
        try (Model model = TinyModels.load(format);
                Session session = model.session()) {
            Sampler sampler = new Sampler(sampling, model.vocabularySize());
            long[] ids = computingThreads();
            assertTrue(ids.length > model.threads() - 1, "the workers were not found: " + Arrays.toString(ids));
            List<Long> perWindow = new ArrayList<>();
            int quiet = 0;
            long start = System.nanoTime();
            while (quiet < QUIET_WINDOWS && System.nanoTime() - start < PATIENCE_NANOS) {
                long allocated = window(session, sampler, ids);
                perWindow.add(allocated);
                quiet = allocated == 0 ? quiet + 1 : 0;
            }
            assertTrue(
                    quiet == QUIET_WINDOWS,
                    "bytes per " + WINDOW_TOKENS + " tokens, the last of " + perWindow.size() + " windows: "
                            + perWindow.subList(Math.max(0, perWindow.size() - 10), perWindow.size()));
        }
    }

    /** Bytes that the threads allocate while they generate a window of tokens from an empty context. */
    private long window(Session session, Sampler sampler, long[] ids) {
        session.truncate(0);
        session.appendOne(1);
        long before = sum(ids);
        for (int i = 0; i < WINDOW_TOKENS; i++) {
            session.appendOne(sampler.sample(session.logits(), 0, session.tokensView(), session.length()));
        }
        return sum(ids) - before;
    }

    /** This thread and the workers of this model, the only one that is open. */
    private long[] computingThreads() {
        List<Long> ids = new ArrayList<>(List.of(Thread.currentThread().threadId()));
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("medpsy-worker-")) {
                ids.add(thread.threadId());
            }
        }
        return ids.stream().mapToLong(Long::longValue).toArray();
    }

    private long sum(long[] ids) {
        long sum = 0;
        for (long id : ids) {
            sum += Math.max(0, threads.getThreadAllocatedBytes(id));
        }
        return sum;
    }
}
