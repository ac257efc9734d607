package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class SessionTest {
    private static final int ROUNDS = 50;
    private static final List<String> CLOSED = List.of("the session is closed", "the model is closed");

    /** Appends until something throws, which the future holds. */
    private static CompletableFuture<Void> appendWithoutEnd(Session session, CountDownLatch computing) {
        return CompletableFuture.runAsync(() -> {
            while (true) {
                session.append(1, 2, 3, 4);
                computing.countDown();
                session.truncate(0);
            }
        });
    }

    private static void closeWhileComputing(Model model, Consumer<Session> close) throws Exception {
        Session session = model.session();
        CountDownLatch computing = new CountDownLatch(1);
        CompletableFuture<Void> thread = appendWithoutEnd(session, computing);
        computing.await();
        close.accept(session);
        var e = assertThrows(ExecutionException.class, () -> thread.get(30, TimeUnit.SECONDS));
        assertEquals(IllegalStateException.class, e.getCause().getClass());
        // Not the complaint of memory that went away under a batch.
        String message = e.getCause().getMessage();
        assertTrue(CLOSED.contains(message), message);
        assertThrows(IllegalStateException.class, () -> session.append(1));
        session.close(); // again
    }

    @Test
    void anotherThreadMayCloseItWhileItComputes() throws Exception {
        try (Model model =
                Model.load(TinyModels.path("q4_k_m"), LoadOptions.defaults().withThreads(2))) {
            for (int i = 0; i < ROUNDS; i++) {
                closeWhileComputing(model, Session::close);
            }
        }
    }

    @Test
    void theModelMayBeClosedWhileItComputes() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            Model model =
                    Model.load(TinyModels.path("q4_k_m"), LoadOptions.defaults().withThreads(2));
            closeWhileComputing(model, session -> model.close());
        }
    }
}
