package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** While a test holds the model's monitor, the scheduler's steps wait: so tests decide what happens at the same time. */
@Timeout(300)
class SchedulerTest {
    @TempDir
    static Path folder;

    private static Model model;

    @BeforeAll
    static void load() throws IOException {
        model = QuotingModel.load(folder);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static SchedulerOptions options(int slots) {
        return SchedulerOptions.defaults().withSlots(slots);
    }

    private static int[] prompt(int length, int seed) {
        return new Random(seed).ints(length, 0, QuotingModel.LETTERS).toArray();
    }

    private static int[] join(int[] a, int[] b) {
        int[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    private static Request request(int[] prompt, SamplingOptions sampling, int maxTokens) {
        return Request.continuation(prompt, sampling, maxTokens, List.of()).build();
    }

    private static Request greedy(int[] prompt, int maxTokens) {
        return request(prompt, SamplingOptions.greedy(), maxTokens);
    }

    /** What a generator makes of it, without company. */
    private static List<Integer> alone(int[] prompt, SamplingOptions sampling, int maxTokens) {
        List<Integer> tokens = new ArrayList<>();
        try (Session session = model.session()) {
            new Generator(session, sampling, 0).generate(prompt, maxTokens, tokens::add);
        }
        return tokens;
    }

    private static List<Integer> tokens(Completion completion) throws InterruptedException {
        List<Integer> tokens = new ArrayList<>();
        for (Completion.Piece piece; (piece = completion.next()) != null; ) {
            piece.tokens().forEach(token -> tokens.add(token.id()));
        }
        return tokens;
    }

    @Test
    void anAnswerIsTheSameAloneAndInCompany() throws InterruptedException, ExecutionException {
        SamplingOptions warm = SamplingOptions.defaults(1).withTemperature(1);
        List<int[]> prompts = new ArrayList<>();
        List<SamplingOptions> samplings = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            prompts.add(prompt(1 + 17 * i, i));
            samplings.add(
                    switch (i % 3) {
                        case 0 -> SamplingOptions.greedy();
                        case 1 -> warm.withSeed(i);
                        default -> warm.withSeed(i).withRepeatPenalty(1.1f);
                    });
        }
        for (int slots : new int[] {1, 3, 12}) {
            for (int draft : new int[] {0, 7}) {
                try (Scheduler scheduler =
                        Scheduler.start(model, options(slots).withDraft(draft).withStallMillisMax(0))) {
                    List<Completion> completions = new ArrayList<>();
                    for (int i = 0; i < prompts.size(); i++) {
                        completions.add(scheduler.submit(request(prompts.get(i), samplings.get(i), 10 + 5 * i)));
                    }
                    for (int i = 0; i < prompts.size(); i++) {
                        List<Integer> expected = alone(prompts.get(i), samplings.get(i), 10 + 5 * i);
                        assertEquals(expected, tokens(completions.get(i)), slots + " slots, request " + i);
                        Generation g = completions.get(i).await().generation();
                        assertEquals(prompts.get(i).length, g.promptTokens());
                        int ends = g.finishReason() == FinishReason.END ? 1 : 0;
                        assertEquals(expected.size() + ends, g.generatedTokens());
                    }
                    Scheduler.Stats stats = scheduler.stats();
                    assertEquals(0, stats.running());
                    assertEquals(0, stats.waiting());
                    assertEquals(12, stats.finished());
                }
            }
        }
    }

    @Test
    void requestsShareSteps() throws InterruptedException, ExecutionException {
        try (Scheduler scheduler = Scheduler.start(model, options(4).withDraft(0))) {
            List<Completion> completions = new ArrayList<>();
            try (Model.Turn _ = model.takeTurn()) {
                for (int i = 0; i < 4; i++) {
                    completions.add(scheduler.submit(request(prompt(5, i), SamplingOptions.greedy(), 40)));
                }
            }
            int drawn = 0;
            for (Completion completion : completions) {
                drawn += completion.await().generation().generatedTokens();
            }
            assertTrue(scheduler.stats().steps() < drawn, scheduler.stats() + ", drawn " + drawn);
            assertEquals(drawn, scheduler.stats().generatedTokens());
        }
    }

    @Test
    void aBeginningThatAllShareIsComputedOnce() throws InterruptedException, ExecutionException {
        int[] system = prompt(120, 77);
        try (Scheduler scheduler = Scheduler.start(model, options(4).withStallMillisMax(0))) {
            List<Completion> completions = new ArrayList<>();
            try (Model.Turn _ = model.takeTurn()) {
                for (int i = 0; i < 4; i++) {
                    completions.add(scheduler.submit(greedy(join(system, prompt(6 + i, i)), 8)));
                }
            }
            int computed = 0;
            for (int i = 0; i < 4; i++) {
                computed += completions.get(i).await().generation().computedTokens();
                assertEquals(
                        alone(join(system, prompt(6 + i, i)), SamplingOptions.greedy(), 8), tokens(completions.get(i)));
            }
            // The letters are few, so that beginnings may happen to be the same a little further.
            assertTrue(computed <= 120 + 6 + 7 + 8 + 9 && computed >= 120 + 6, "computed " + computed);
            assertEquals(4 * 120 + 30 - computed, scheduler.stats().reusedTokens());
            Generation again = scheduler
                    .submit(greedy(join(system, prompt(6, 0)), 8))
                    .await()
                    .generation();
            assertEquals(125, again.reusedTokens());
        }
    }

    @Test
    void whoWaitsForABeginningGoesOnWithoutTheOneThatReadIt() throws InterruptedException, ExecutionException {
        int[] system = prompt(150, 78);
        int[] second = join(system, prompt(5, 2));
        try (Scheduler scheduler = Scheduler.start(model, options(2).withStallMillisMax(0))) {
            Completion first;
            Completion other;
            try (Model.Turn _ = model.takeTurn()) {
                first = scheduler.submit(greedy(join(system, prompt(5, 1)), 0));
                other = scheduler.submit(greedy(second, 20));
                first.cancel();
            }
            assertEquals(alone(second, SamplingOptions.greedy(), 20), tokens(other));
            assertEquals(FinishReason.INTERRUPTED, first.await().generation().finishReason());
        }
    }

    @Test
    void wordsComeWhileALongPromptIsRead() throws InterruptedException, ExecutionException {
        // No time may be lost, so that pieces are as small as they come.
        try (Scheduler scheduler =
                Scheduler.start(model, options(2).withDraft(0).withStallMillisMax(0))) {
            Completion talker;
            Completion reader;
            try (Model.Turn _ = model.takeTurn()) {
                talker = scheduler.submit(greedy(prompt(4, 1), 200));
                while (scheduler.stats().running() == 0) {
                    Thread.sleep(1); // so that the talker's prompt is a step of its own
                }
                reader = scheduler.submit(greedy(prompt(200, 2), 1));
            }
            assertEquals(1, reader.await().generation().generatedTokens());
            Scheduler.Stats stats = scheduler.stats();
            int pieces = Math.ceilDiv(200, 16);
            assertTrue(stats.steps() >= 1 + pieces, stats.toString());
            assertTrue(stats.generatedTokens() >= 1 + pieces + 1, stats.toString());
            assertEquals(alone(prompt(4, 1), SamplingOptions.greedy(), 200), tokens(talker));
        }
    }

    @Test
    void aReaderThatReadsNothingDelaysNobody() throws InterruptedException, ExecutionException {
        try (Scheduler scheduler = Scheduler.start(model, options(2))) {
            Completion unread = scheduler.submit(greedy(prompt(4, 1), 0));
            Completion read = scheduler.submit(greedy(prompt(4, 2), 30));
            assertEquals(30, read.await().generation().generatedTokens());
            unread.await();
            assertEquals(alone(prompt(4, 1), SamplingOptions.greedy(), 0), tokens(unread));
        }
    }

    @Test
    void cancellingFreesTheSlot() throws InterruptedException, ExecutionException {
        try (Scheduler scheduler = Scheduler.start(model, options(1))) {
            Completion running;
            Completion next;
            Completion waiting;
            try (Model.Turn _ = model.takeTurn()) {
                running = scheduler.submit(greedy(prompt(10, 1), 0));
                next = scheduler.submit(greedy(prompt(10, 2), 5));
                waiting = scheduler.submit(greedy(prompt(10, 3), 5));
                waiting.cancel();
                assertTrue(waiting.isDone(), "cancelled while it waited");
                running.cancel();
            }
            assertEquals(5, next.await().generation().generatedTokens());
            Answer cut = running.await();
            assertEquals(FinishReason.INTERRUPTED, cut.generation().finishReason());
            assertTrue(cut.generation().generatedTokens() <= 1, cut.toString());
            assertEquals(FinishReason.INTERRUPTED, waiting.await().generation().finishReason());
            assertNull(waiting.next());
            running.cancel();
            assertSame(cut, running.await());
            assertEquals(0, scheduler.stats().running());
        }
    }

    @Test
    void moreThanMayWaitAreTurnedAway() throws InterruptedException, ExecutionException {
        try (Scheduler scheduler = Scheduler.start(model, options(1).withQueueMax(1))) {
            Completion first;
            Completion second;
            try (Model.Turn _ = model.takeTurn()) {
                first = scheduler.submit(greedy(prompt(10, 1), 3));
                second = scheduler.submit(greedy(prompt(10, 2), 3));
                assertEquals(
                        "the queue is full: 1 requests wait already",
                        assertThrows(RejectedExecutionException.class, () -> scheduler.submit(greedy(prompt(10, 3), 3)))
                                .getMessage());
            }
            first.await();
            second.await();
            assertEquals(
                    3,
                    scheduler
                            .submit(greedy(prompt(10, 3), 3))
                            .await()
                            .generation()
                            .generatedTokens());
        }
    }

    @Test
    void aRequestThatFailsFailsAlone() throws InterruptedException {
        try (Scheduler scheduler = Scheduler.start(model, options(2))) {
            Completion sound;
            Completion wrongToken;
            Completion wrongSampling;
            try (Model.Turn _ = model.takeTurn()) {
                sound = scheduler.submit(greedy(prompt(10, 1), 30));
                wrongToken = scheduler.submit(greedy(new int[] {1, 2, 99}, 30));
                wrongSampling = scheduler.submit(request(
                        prompt(3, 1),
                        SamplingOptions.greedy().toBuilder()
                                .logitBias(List.of(LogitBias.ofToken(99, 1)))
                                .build(),
                        3));
            }
            Throwable reason =
                    assertThrows(ExecutionException.class, wrongToken::await).getCause();
            assertEquals("token 2: expected an id from 0 to 5, got 99", reason.getMessage());
            assertThrows(ExecutionException.class, wrongSampling::await);
            assertNull(wrongToken.next());
            assertEquals(alone(prompt(10, 1), SamplingOptions.greedy(), 30), tokens(sound));
            // The slots are as good as new.
            for (int i = 0; i < 4; i++) {
                assertEquals(
                        alone(prompt(10, i), SamplingOptions.greedy(), 9),
                        tokens(scheduler.submit(greedy(prompt(10, i), 9))));
            }
        }
    }

    @Test
    void aPromptThatCannotFitIsRefusedAtOnce() {
        try (Scheduler scheduler = Scheduler.start(model, options(2).withContext(32))) {
            assertEquals(32, scheduler.context());
            assertEquals(
                    "the prompt needs 33 tokens, the context holds 32",
                    assertThrows(ContextFullException.class, () -> scheduler.submit(greedy(prompt(33, 1), 1)))
                            .getMessage());
        }
    }

    @Test
    void aFullSlotEndsTheAnswer() throws InterruptedException, ExecutionException {
        try (Scheduler scheduler = Scheduler.start(model, options(2).withContext(32))) {
            Answer answer = scheduler.submit(greedy(prompt(20, 1), 0)).await();
            assertEquals(FinishReason.CONTEXT_FULL, answer.generation().finishReason());
            assertEquals(13, answer.generation().generatedTokens());
        }
    }

    @Test
    void optionsThatDoNotFitAreRefusedByName() {
        assertEquals(
                "slots: expected 1 to 256, got 0",
                assertThrows(IllegalArgumentException.class, () -> options(0)).getMessage());
        assertEquals(
                "context: expected at most the model's 256, got 257",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> Scheduler.start(model, options(1).withContext(257)))
                        .getMessage());
        assertEquals(
                "slots: expected at most 32 with 7 guesses and a context of 256, got 33",
                assertThrows(IllegalArgumentException.class, () -> Scheduler.start(model, options(33)))
                        .getMessage());
        assertEquals(
                "the prompt has no tokens",
                assertThrows(IllegalArgumentException.class, () -> greedy(new int[0], 1))
                        .getMessage());
    }

    @Test
    void closingEndsEverythingWithWhatItHasSaid() throws InterruptedException, ExecutionException {
        Completion running;
        Completion waiting;
        Scheduler scheduler = Scheduler.start(model, options(1));
        running = scheduler.submit(greedy(prompt(10, 1), 0));
        waiting = scheduler.submit(greedy(prompt(10, 2), 0));
        scheduler.close();
        scheduler.close(); // a second time does nothing
        assertTrue(running.isDone() && waiting.isDone());
        Answer cut = running.await();
        List<Integer> all = alone(prompt(10, 1), SamplingOptions.greedy(), 0);
        List<Integer> said = tokens(running);
        assertEquals(all.subList(0, said.size()), said);
        assertTrue(cut.generation().generatedTokens() >= said.size());
        waiting.await();
        assertEquals(
                "the scheduler is closed",
                assertThrows(IllegalStateException.class, () -> scheduler.submit(greedy(prompt(3, 1), 1)))
                        .getMessage());
    }

    @Test
    void shuttingDownFinishesWhatWasTakenAndNothingElse() throws InterruptedException, ExecutionException {
        Scheduler scheduler = Scheduler.start(model, options(1));
        Completion first = scheduler.submit(greedy(prompt(10, 1), 20));
        Completion second = scheduler.submit(greedy(prompt(10, 2), 20));
        assertTrue(scheduler.shutdown(Duration.ofSeconds(30)));
        assertEquals(20, first.await().generation().generatedTokens());
        assertEquals(20, second.await().generation().generatedTokens());

        Scheduler late = Scheduler.start(model, options(1));
        Completion cut;
        try (Model.Turn _ = model.takeTurn()) {
            cut = late.submit(greedy(prompt(10, 1), 20));
            assertFalse(cut.isDone());
        }
        late.shutdown(Duration.ZERO);
        assertTrue(cut.isDone());
    }

    @Test
    @SuppressWarnings("try") // closing early is what is tested
    void aClosedModelFailsRequestsAndHangsNobody() throws IOException {
        try (Model own = QuotingModel.load(folder);
                Scheduler scheduler = Scheduler.start(own, options(2))) {
            Completion completion;
            try (Model.Turn _ = own.takeTurn()) {
                completion = scheduler.submit(greedy(prompt(10, 1), 0));
                own.close();
            }
            assertThrows(ExecutionException.class, completion::await);
            assertThrows(ExecutionException.class, scheduler.submit(greedy(prompt(10, 1), 0))::await);
        }
    }

    @Test
    void logprobsAreTheModelsOwn() throws InterruptedException {
        int[] prompt = prompt(9, 4);
        SamplingOptions sampling = SamplingOptions.defaults(3).withTemperature(2);
        try (Scheduler scheduler = Scheduler.start(model, options(2));
                Session session = model.session()) {
            Completion completion = scheduler.submit(Request.continuation(prompt, sampling, 20, List.of())
                    .logprobs(3)
                    .build());
            session.append(prompt);
            for (Completion.Piece piece; (piece = completion.next()) != null; ) {
                for (TokenLogprob token : piece.tokens()) {
                    float[] logits = session.logits();
                    double normalizer = TinyModels.logSumExp(logits, 0, logits.length);
                    assertEquals(logits[token.id()] - normalizer, token.logprob(), 1e-5);
                    assertEquals(3, token.top().size());
                    assertEquals(
                            TinyModels.argmax(logits, 0, logits.length),
                            token.top().getFirst().id());
                    for (int i = 0; i < 3; i++) {
                        TokenLogprob top = token.top().get(i);
                        assertEquals(logits[top.id()] - normalizer, top.logprob(), 1e-5);
                        assertTrue(i == 0
                                || top.logprob() <= token.top().get(i - 1).logprob());
                    }
                    session.append(token.id());
                }
            }
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Request.continuation(prompt, sampling, 1, List.of()).logprobs(21));
        }
    }

    @Test
    void anAnswerInAConversationIsTheChats() throws IOException, InterruptedException, ExecutionException {
        try (Model tiny = TinyModels.load("q4_k_m");
                Scheduler scheduler = Scheduler.start(tiny, options(2).withContext(256))) {
            ChatOptions plain = ChatOptions.builder()
                    .sampling(SamplingOptions.greedy())
                    .maxTokens(24)
                    .build();
            Answer expected;
            try (Chat chat = tiny.chat(plain)) {
                expected = chat.send("Hello", piece -> true);
            }
            String stop = expected.text().substring(10, 12);
            ChatOptions stopping = plain.toBuilder().stops(List.of(stop)).build();
            Completion whole = scheduler.submit(Request.chat(tiny, List.of(ChatMessage.user("Hello")), plain)
                    .build());
            Completion stopped = scheduler.submit(Request.chat(tiny, List.of(ChatMessage.user("Hello")), stopping)
                    .build());
            assertEquals(expected.text(), whole.await().text());
            StringBuilder streamed = new StringBuilder();
            for (Completion.Piece piece; (piece = stopped.next()) != null; ) {
                streamed.append(piece.text());
            }
            String before = expected.text().substring(0, expected.text().indexOf(stop));
            assertEquals(before, stopped.await().text());
            assertEquals(before, streamed.toString());
            assertEquals(FinishReason.STOP_TEXT, stopped.await().generation().finishReason());
        }
    }

    @Test
    void manyThreadsAndCancellationsLeaveEverySlotFree() throws InterruptedException, ExecutionException {
        try (Scheduler scheduler =
                        Scheduler.start(model, options(3).withQueueMax(1000).withStallMillisMax(0));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int n = i;
                all.add(clients.submit(() -> {
                    int[] prompt = prompt(1 + n % 50, n % 7);
                    Completion completion = scheduler.submit(greedy(prompt, 1 + n % 40));
                    if (n % 5 == 0) {
                        completion.next();
                        completion.cancel();
                    } else {
                        assertEquals(alone(prompt, SamplingOptions.greedy(), 1 + n % 40), tokens(completion));
                    }
                    completion.await();
                    return null;
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
            assertEquals(0, scheduler.stats().running());
            assertEquals(0, scheduler.stats().waiting());
            assertEquals(60, scheduler.stats().finished());
        }
    }

    @Test
    void itsMemoryIsBoundedAndSaid() {
        try (Scheduler one = Scheduler.start(model, options(1).withDraft(0));
                Scheduler four = Scheduler.start(model, options(4).withDraft(0))) {
            long expected = QuotingModel.CONTEXT * model.kvBytesPerToken() + 2L * SmallModel.VOCABULARY * Float.BYTES;
            assertEquals(expected, one.memoryBytesMax());
            assertEquals(4 * expected, four.memoryBytesMax());
        }
    }
}
