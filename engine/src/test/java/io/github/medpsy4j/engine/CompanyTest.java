package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.medpsy4j.engine.LoadOptions.WeightLayout;
import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.engine.kernel.KvCache;
import io.github.medpsy4j.engine.kernel.KvFormat;
import io.github.medpsy4j.engine.kernel.MatrixLoader;
import io.github.medpsy4j.engine.kernel.WorkerPool;
import io.github.medpsy4j.gguf.GgufFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A token's logits are the same bit for bit whatever computes beside it. */
class CompanyTest {
    /** Batch sizes to try with 1, 2 and 3 threads; batches of one with one thread are what the others are held to. */
    private static final int[][] BATCHES = {{2, 3, 4, 5, 7, 64, 77}, {1, 5, 77}, {7, 64}};

    /** Longer than a span of attention, and no multiple of anything. */
    private static final int TOKENS = 77;

    private static final int SMALL_BATCHES_END = 30;

    private static final int[] IDS = ids(TOKENS, 13);

    private static int[] ids(int count, int seed) {
        int[] ids = new int[count];
        Arrays.setAll(ids, i -> (i * 7919 + seed * 31) % TinyModels.VOCABULARY);
        return ids;
    }

    static Stream<Arguments> formatsAndLayouts() {
        return TinyModels.FORMATS.stream()
                .flatMap(format -> Stream.of(WeightLayout.PACKED, WeightLayout.MAPPED)
                        .map(layout -> Arguments.of(format, layout)));
    }

    private static Model load(String format, WeightLayout layout, int threads) throws IOException {
        return TinyModels.load(
                format, LoadOptions.defaults().withWeights(layout).withThreads(threads));
    }

    /** Logits after each token, one token at a time. */
    private static float[][] alone(Model model, int[] ids) {
        float[][] rows = new float[ids.length][];
        try (Session session = model.session()) {
            for (int i = 0; i < ids.length; i++) {
                session.append(ids[i]);
                rows[i] = session.logits().clone();
            }
        }
        return rows;
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("formatsAndLayouts")
    void batchesAndThreadsChangeNoBit(String format, WeightLayout layout) throws IOException {
        float[][] expected;
        try (Model model = load(format, layout, 1)) {
            expected = alone(model, IDS);
        }
        for (int threads = 1; threads <= 3; threads++) {
            try (Model model = load(format, layout, threads)) {
                for (int batch : BATCHES[threads - 1]) {
                    checkBatches(model, batch, expected);
                }
                checkListener(model, expected);
            }
        }
    }

    private static void checkBatches(Model model, int batch, float[][] expected) {
        try (Session session = model.session()) {
            for (int from = 0, to; from < TOKENS; from = to) {
                // Small batches come early; what is left after them is one of its own.
                to = from < SMALL_BATCHES_END ? Math.min(TOKENS, from + batch) : TOKENS;
                session.append(Arrays.copyOfRange(IDS, from, to));
                assertArrayEquals(
                        expected[to - 1],
                        session.logits(),
                        "batches of " + batch + ", " + model.threads() + " threads, position " + (to - 1));
            }
        }
    }

    private static void checkListener(Model model, float[][] expected) {
        int[] seen = {0};
        try (Session session = model.session()) {
            session.append(IDS, (index, logits, offset) -> {
                assertEquals(seen[0]++, index);
                assertArrayEquals(expected[index], Arrays.copyOfRange(logits, offset, offset + TinyModels.VOCABULARY));
            });
        }
        assertEquals(TOKENS, seen[0]);
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("formatsAndLayouts")
    void aReusedPrefixChangesNoBit(String format, WeightLayout layout) throws IOException {
        int common = 41;
        int[] other = ids(60, 99);
        System.arraycopy(IDS, 0, other, 0, common);
        other[common] = (IDS[common] + 1) % TinyModels.VOCABULARY;
        try (Model model = load(format, layout, 2)) {
            float[] expected;
            float[] expectedOther;
            try (Session fresh = model.session()) {
                fresh.append(IDS);
                expected = fresh.logits().clone();
            }
            try (Session fresh = model.session()) {
                fresh.append(other);
                expectedOther = fresh.logits().clone();
            }
            try (Session session = model.session()) {
                assertEquals(0, session.replace(IDS));
                assertArrayEquals(expected, session.logits());
                assertEquals(common, session.replace(other));
                assertArrayEquals(expectedOther, session.logits());
                assertEquals(common, session.replace(IDS));
                assertArrayEquals(expected, session.logits());
                assertEquals(TOKENS - 1, session.replace(IDS));
                assertArrayEquals(expected, session.logits());
                session.truncate(7);
                session.append(Arrays.copyOfRange(IDS, 7, 20));
                session.append(Arrays.copyOfRange(IDS, 20, TOKENS));
                assertArrayEquals(expected, session.logits());
                assertArrayEquals(IDS, session.tokens());
            }
        }
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("formatsAndLayouts")
    void sequencesShareABatchWithoutTouching(String format, WeightLayout layout) throws IOException {
        int[][] texts = {ids(30, 1), ids(9, 2), ids(17, 3)};
        float[][] expected = new float[texts.length][];
        try (Model model = load(format, layout, 2)) {
            for (int i = 0; i < texts.length; i++) {
                try (Session session = model.session()) {
                    session.append(texts[i]);
                    expected[i] = session.logits().clone();
                }
            }
        }
        try (GgufFile file = GgufFile.open(TinyModels.path(format));
                Arena arena = Arena.ofShared();
                WorkerPool pool = new WorkerPool(2)) {
            Config c = Config.of(file);
            Kernels kernels = Kernels.best();
            Weights weights = new Weights(
                    file,
                    c,
                    new MatrixLoader(file, kernels, layout == WeightLayout.PACKED, arena, pool),
                    (done, total) -> true);
            Rope rope = Rope.of(
                    file.metadata(),
                    "test",
                    c.architecture().key,
                    c.architecture().rope,
                    c.headDim(),
                    c.contextLength(),
                    weights.ropeDivisors);
            Transformer transformer = new Transformer(c, weights, rope, kernels, pool, 64);
            Batch batch = new Batch(64);
            KvCache[] caches = new KvCache[texts.length];
            for (int i = 0; i < texts.length; i++) {
                caches[i] = new KvCache(KvFormat.F16, c.layers(), c.kvHeads(), c.headDim(), 64);
                caches[i].reserve(texts[i].length);
                for (int p = 0; p < texts[i].length; p++) {
                    batch.add(texts[i][p], p, caches[i], p == texts[i].length - 1);
                }
            }
            transformer.forward(batch);
            for (int i = 0; i < texts.length; i++) {
                int at = transformer.logits().row(i);
                float[] row = Arrays.copyOfRange(transformer.logits().data, at, at + TinyModels.VOCABULARY);
                assertArrayEquals(expected[i], row, "sequence " + i);
                caches[i].close();
            }
        }
    }
}
