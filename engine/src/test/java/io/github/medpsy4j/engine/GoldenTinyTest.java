package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Logits of whole models against llama.cpp's on the same weights expanded to floats: at most half as far again from
 * these as llama.cpp's own on the file, with its 8-bit activations.
 */
class GoldenTinyTest {
    private static final double KL_FACTOR = 1.5;
    private static final double KL_SLACK = 1e-5;

    /** Two best logits that lie closer than this may change places; the logits' spread is about 20 times as much. */
    private static final float CLOSE_RACE = 0.1f;

    private static final Map<String, Object> MANIFEST = TinyModels.json("/golden/tiny/manifest.json");

    static Stream<Arguments> formatsAndLayouts() {
        LoadOptions options = LoadOptions.defaults().withThreads(2);
        return TinyModels.FORMATS.stream()
                .flatMap(format -> Stream.of(
                        Arguments.of(format, "packed", options.withWeights(LoadOptions.WeightLayout.PACKED)),
                        Arguments.of(format, "mapped", options.withWeights(LoadOptions.WeightLayout.MAPPED)),
                        Arguments.of(format, "scalar", options.withScalar(true))));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("formatsAndLayouts")
    void logitsAreAsCloseToTheExactOnesAsLlamaCppsAre(String format, String layout, LoadOptions options)
            throws Exception {
        Map<?, ?> expected = (Map<?, ?>) ((Map<?, ?>) MANIFEST.get("files")).get(format);
        double bound = KL_FACTOR * ((Number) expected.get("kl_exact_llamacpp")).doubleValue() + KL_SLACK;
        int[] ids = TinyModels.ints(MANIFEST.get("ids"));
        int[] positions = TinyModels.ints(MANIFEST.get("positions"));
        int[] best = TinyModels.ints(expected.get("greedy_exact"));
        float[] exact = TinyModels.floats("/golden/tiny/tiny-" + format + ".exact.f32");
        int vocabulary = TinyModels.VOCABULARY;
        float[][] rows = new float[ids.length][vocabulary];
        try (Model model = TinyModels.load(format, options);
                Session session = model.session()) {
            assertEquals(vocabulary, model.vocabularySize());
            session.append(
                    ids, (index, logits, offset) -> System.arraycopy(logits, offset, rows[index], 0, vocabulary));
        }
        double kl = 0;
        for (int i = 0; i < positions.length; i++) {
            kl += TinyModels.kl(exact, i * vocabulary, rows[positions[i]], 0, vocabulary) / positions.length;
        }
        assertTrue(kl <= bound, "KL(exact ‖ ours) = " + kl + ", expected at most " + bound);

        List<String> differences = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            int ours = TinyModels.argmax(rows[i], 0, vocabulary);
            float lead = TinyModels.lead(rows[i], 0, vocabulary);
            if (ours != best[i] && lead > CLOSE_RACE) {
                differences.add(
                        "position " + i + ": expected " + best[i] + ", got " + ours + ", which leads by " + lead);
            }
        }
        assertEquals(List.of(), differences, layout);
    }
}
