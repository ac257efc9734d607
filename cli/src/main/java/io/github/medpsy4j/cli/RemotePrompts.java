package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.cli.remote.RemoteReply;
import io.github.medpsy4j.cli.remote.RemoteServer;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Generation;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** Prompts that another machine answers, a connection for each. */
final class RemotePrompts implements PromptAnswerer {
    private static final String SEED = "seed";

    private final RemoteServer server;
    private final String model;
    private final AnswerFlags flags;
    private final Map<String, Object> constraint;
    private int free;
    private final Queue<CountDownLatch> waiting = new ArrayDeque<>();
    private final AtomicBoolean isClosed = new AtomicBoolean();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicLong generated = new AtomicLong();
    private final AtomicLong prompted = new AtomicLong();
    private final AtomicLong reused = new AtomicLong();

    /**
     * @param model the server's name of it; null to leave it to the server
     * @param constraint fields that say what an answer must keep to; empty for anything
     * @param parallel requests at the same time
     */
    RemotePrompts(RemoteServer server, String model, AnswerFlags flags, Map<String, Object> constraint, int parallel) {
        this.server = server;
        this.model = model;
        this.flags = flags;
        this.constraint = constraint;
        this.free = parallel;
    }

    @Override
    public Pending submit(PromptsFile.Line line, int index) throws Failure {
        SamplingOptions sampling = PromptOptions.sampling(line, flags.sampling(Optional.empty()), Integer.MAX_VALUE);
        ChatOptions options = PromptOptions.of(line, flags, sampling);
        Set<String> set = new LinkedHashSet<>(flags.setNames());
        line.overrides()
                .sampling()
                .keySet()
                .forEach(name -> SamplingSettings.nameOf(name).ifPresent(set::add));
        Map<String, Object> request = RemoteRequest.of(model, line.messages(), options, set, constraint);
        Long seed = set.contains(SEED) ? sampling.seed() : null;
        long submitted = System.nanoTime();
        CountDownLatch turn = takeTurn();
        return to -> {
            turn.await();
            try {
                answer(request, seed, submitted, to);
            } finally {
                endTurn();
            }
        };
    }

    /** A turn: at once where one is free, else behind all that wait, so that prompts are asked in their order. */
    private synchronized CountDownLatch takeTurn() {
        if (free > 0) {
            free--;
            return new CountDownLatch(0);
        }
        CountDownLatch turn = new CountDownLatch(1);
        waiting.add(turn);
        return turn;
    }

    private synchronized void endTurn() {
        CountDownLatch next = waiting.poll();
        if (next == null) {
            free++;
        } else {
            next.countDown();
        }
    }

    private void answer(Map<String, Object> request, Long seed, long submitted, Consumer<Answered> to)
            throws RemoteException {
        running.incrementAndGet();
        try {
            long began = System.nanoTime();
            AtomicInteger pieces = new AtomicInteger();
            RemoteReply reply = server.complete(
                    request,
                    token -> {
                        pieces.incrementAndGet();
                        generated.incrementAndGet();
                        return true;
                    },
                    isClosed::get);
            Generation g = reply.answer().generation();
            generated.addAndGet(g.generatedTokens() - pieces.get());
            prompted.addAndGet(g.promptTokens());
            reused.addAndGet(g.reusedTokens());
            to.accept(new Answered(reply.answer(), began - submitted, seed, nameOf(server, model)));
        } finally {
            running.decrementAndGet();
        }
    }

    /** What results call the model: the same from run to run, whatever the server calls it in an answer. */
    static String nameOf(RemoteServer server, String model) {
        return model == null ? server.name() : model;
    }

    @Override
    public Stats stats() {
        return new Stats(running.get(), generated.get(), prompted.get(), reused.get());
    }

    @Override
    public void close() {
        isClosed.set(true);
    }
}
