package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.KvFormat;
import io.github.medpsy4j.gguf.GgufFile;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** What is warm in this process stays so: each test has a format or a layout of its own. */
class WarmUpTest {
    private static final long PATIENCE_MILLIS = 30_000;

    private final List<String> log = new CopyOnWriteArrayList<>();

    private static boolean isRunning() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("medpsy-warm-up") && thread.isAlive());
    }

    private static void awaitEnd() throws InterruptedException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("medpsy-warm-up")) {
                thread.join(PATIENCE_MILLIS);
            }
        }
        assertFalse(isRunning());
    }

    @Test
    void itEndsByItselfAndOnce() throws IOException, InterruptedException {
        try (GgufFile file = GgufFile.open(TinyModels.path("q4_k_m"))) {
            Config config = Config.of(file);
            try (WarmUp first = new WarmUp(log::add)) {
                first.start(file, config, Kernels.best(), KvFormat.F16, true);
                first.awaitFirstAnswer(PATIENCE_MILLIS);
                awaitEnd();
                assertEquals(1, log.size(), log.toString());
                assertTrue(log.getFirst().startsWith("warm-up: "), log.toString());
            }
            if (log.getFirst().contains("rounds, warm after")) { // not on a machine so busy that its patience ended
                try (WarmUp second = new WarmUp(log::add)) {
                    second.start(file, config, Kernels.best(), KvFormat.F16, true);
                    second.awaitFirstAnswer(PATIENCE_MILLIS);
                    awaitEnd();
                    assertEquals(1, log.size(), log.toString());
                }
            }
        }
    }

    @Test
    void itChangesNoBit() throws IOException {
        int[] ids = {7, 1, 300, 1, 5, 6};
        float[] expected;
        try (Model model = TinyModels.load("q5_k_m");
                Session session = model.session()) {
            session.append(ids);
            expected = session.logits().clone();
        }
        try (GgufFile file = GgufFile.open(TinyModels.path("q5_k_m"));
                WarmUp warmUp = new WarmUp(log::add)) {
            warmUp.start(file, Config.of(file), Kernels.best(), KvFormat.F16, true);
            for (int i = 0; i < 20; i++) {
                try (Model model = TinyModels.load("q5_k_m");
                        Session session = model.session()) {
                    session.append(ids);
                    assertArrayEquals(expected, session.logits());
                }
            }
        }
    }

    @Test
    void closingEndsIt() throws IOException {
        try (GgufFile file = GgufFile.open(TinyModels.path("q8_0"))) {
            WarmUp warmUp = new WarmUp(log::add);
            warmUp.start(file, Config.of(file), Kernels.best(), KvFormat.F16, false);
            warmUp.close();
            warmUp.close();
            assertFalse(isRunning());
        }
        new WarmUp(log::add).close(); // never started
        assertTrue(log.stream().noneMatch(line -> line.contains("failed")), log.toString());
    }

    @Test
    void itsFailureIsTold() throws IOException, InterruptedException {
        GgufFile file = GgufFile.open(TinyModels.path("iq4_xs"));
        Config config = Config.of(file);
        file.close();
        try (WarmUp warmUp = new WarmUp(log::add)) {
            warmUp.start(file, config, Kernels.best(), KvFormat.F16, true);
            warmUp.awaitFirstAnswer(PATIENCE_MILLIS);
            awaitEnd();
        }
        assertEquals(1, log.size(), log.toString());
        assertTrue(log.getFirst().startsWith("warm-up: failed, the first words come later: "), log.toString());
    }

    @Test
    void itIsNotForSmallFiles() throws IOException {
        try (GgufFile file = GgufFile.open(TinyModels.path("q4_k_m"))) {
            assertFalse(WarmUp.isUseful(file, LoadOptions.defaults()));
        }
    }
}
