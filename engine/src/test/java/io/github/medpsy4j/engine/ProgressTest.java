package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.TensorInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private static final int[] IDS = new int[1100];

    static {
        Arrays.setAll(IDS, i -> i * 7919 % TinyModels.VOCABULARY);
    }

    private static Model load() throws IOException {
        return Model.load(
                TinyModels.path("q8_0"), LoadOptions.defaults().withThreads(2).withContext(2048));
    }

    @Test
    void loadingIsFollowedToItsEnd() throws IOException {
        List<Long> all = new ArrayList<>();
        long bytes;
        try (GgufFile file = GgufFile.open(TinyModels.path("q8_0"))) {
            bytes = file.tensors().stream().mapToLong(TensorInfo::byteSize).sum();
        }
        LoadOptions options = LoadOptions.defaults().withProgress((done, total) -> {
            assertEquals(bytes, total);
            all.add(done);
            return true;
        });
        Model.load(TinyModels.path("q8_0"), options).close();
        assertTrue(all.size() > 1);
        assertEquals(all.stream().sorted().toList(), all);
        assertEquals(bytes, all.getLast());
        assertEquals(1, all.stream().filter(done -> done == bytes).count());
    }

    @Test
    void loadingCanBeStopped() {
        Path path = TinyModels.path("q8_0");
        CancellationException stopped = assertThrows(
                CancellationException.class,
                () -> Model.load(path, LoadOptions.defaults().withProgress((done, total) -> false)));
        assertTrue(stopped.getMessage().startsWith(path + ": loading was stopped after "), stopped.getMessage());
    }

    @Test
    void aPromptIsFollowedAndGoesOnWhereItWasStopped() throws IOException {
        try (Model model = load();
                Session session = model.session();
                Session whole = model.session()) {
            List<Long> all = new ArrayList<>();
            whole.progress((done, total) -> all.add(done) && total == IDS.length);
            whole.append(IDS);
            assertTrue(all.size() >= 3, all.toString());
            assertEquals(all.stream().sorted().distinct().toList(), all);
            assertEquals(1100L, all.getLast());
            session.progress((done, total) -> false);
            CancellationException stopped = assertThrows(CancellationException.class, () -> session.replace(IDS));
            assertEquals("stopped after " + session.length() + " of 1100 tokens", stopped.getMessage());
            assertEquals(all.getFirst(), (long) session.length());
            assertThrows(IllegalStateException.class, session::logits);
            session.progress((done, total) -> true);
            assertEquals((int) (long) all.getFirst(), session.replace(IDS));
            assertArrayEquals(whole.logits(), session.logits());
        }
    }

    @Test
    void aStoppedMessageIsNotKept() throws Exception {
        try (Model model = load();
                Chat chat = model.chat(ChatOptions.builder()
                        .sampling(SamplingOptions.greedy())
                        .maxTokens(4)
                        .build())) {
            String words = "word ".repeat(400);
            chat.session().progress((done, total) -> false);
            assertThrows(CancellationException.class, () -> chat.send(words));
            assertEquals(List.of(), chat.messages());
            chat.session().progress((done, total) -> true);
            Answer answer = chat.send(words);
            assertEquals(4, answer.generation().generatedTokens());
            assertTrue(answer.generation().reusedTokens() > 0);
        }
    }

    @Test
    void logprobsAreThoseOfTheLogits() throws IOException {
        try (Model model = load();
                Session session = model.session()) {
            session.append(1, 2, 3);
            float[] logits = session.logits();
            TokenLogprob seven = session.logprob(7, 3);
            assertEquals(logits[7] - TinyModels.logSumExp(logits, 0, TinyModels.VOCABULARY), seven.logprob(), 1e-5);
            assertEquals(3, seven.top().size());
            assertEquals(
                    TinyModels.argmax(logits, 0, TinyModels.VOCABULARY),
                    seven.top().getFirst().id());
            assertEquals(
                    "token: expected an id from 0 to 1023, got 1024",
                    assertThrows(IllegalArgumentException.class, () -> session.logprob(1024, 0))
                            .getMessage());
            assertEquals(
                    "top: expected 0 to 1024, got -1",
                    assertThrows(IllegalArgumentException.class, () -> session.logprob(0, -1))
                            .getMessage());

            List<TokenLogprob> drawn = new ArrayList<>();
            Generator generator = new Generator(session, SamplingOptions.greedy());
            generator.generate(new int[] {1, 2, 3}, 3, token -> drawn.add(generator.logprob(token, 1)));
            for (TokenLogprob each : drawn) {
                assertEquals(each.id(), each.top().getFirst().id());
                assertEquals(each.logprob(), each.top().getFirst().logprob());
            }
            assertEquals(seven.top().getFirst().id(), drawn.getFirst().id());
        }
    }
}
