package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.LoadOptions.KvType;
import io.github.medpsy4j.engine.kernel.Kernels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Logits of whole models against llama.cpp's on the same weights expanded to floats: at most half as far again from
 * these as llama.cpp's own on the file, with its 8-bit activations, and much closer where it is computed in floats.
 */
class GoldenTinyTest {
    /** Where weights and activations are floats: what F16 keys and values cost. */
    private static final double FLOATS_KL_MAX = 1e-7;

    /** Where weights of four bits and activations of eight and more are added up over 256 columns. */
    private static final double WHOLE_KL_MAX = 3e-5;

    /** Where activations of some eight bits are added up over 16 or 32 columns. */
    private static final double INTEGERS_KL_MAX = 1.2e-4;

    /** IQ4, where activations of some eight bits are bounded by the sum of four. */
    private static final double FOURS_KL_MAX = 1.6e-4;

    private static final double F16_KL_MAX = 1.5e-7;
    private static final double Q8_0_KL_MAX = 1e-4;

    /** Two best logits that lie closer than this may change places; the logits' spread is about 20 times as much. */
    private static final float CLOSE_RACE = 0.1f;

    /** Where weights of four to six bits meet activations of more than eight. */
    private static final boolean IS_FINE =
            Kernels.best().lanes() >= 16 && !Kernels.best().description().endsWith("shorts");

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
        double llamaCpps = ((Number) expected.get("kl_exact_llamacpp")).doubleValue();
        int[] ids = TinyModels.ints(MANIFEST.get("ids"));
        int[] best = TinyModels.ints(expected.get("greedy_exact"));
        int vocabulary = TinyModels.VOCABULARY;
        float[][] rows = rows(format, options);
        double kl = klFromExact(format, rows);
        double bound = Math.min(usualKl(format, layout), llamaCpps);
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

    private static double usualKl(String format, String layout) {
        if (isComputedInFloats(format, layout)) {
            return FLOATS_KL_MAX;
        }
        if (IS_FINE) {
            return WHOLE_KL_MAX;
        }
        return format.startsWith("iq4") && Kernels.best().lanes() >= 8 ? FOURS_KL_MAX : INTEGERS_KL_MAX;
    }

    /** Whether no activation is rounded. All files but two have weights of six bits too. */
    private static boolean isComputedInFloats(String format, String layout) {
        return !layout.equals("packed")
                || switch (format) {
                    case "bf16" -> true;
                    case "q8_0" -> Kernels.best().lanes() >= 8;
                    case "q4_k_m", "iq3_m" -> false;
                    default -> IS_FINE;
                };
    }

    /** The logits after each of the manifest's tokens. */
    private static float[][] rows(String format, LoadOptions options) throws IOException {
        int[] ids = TinyModels.ints(MANIFEST.get("ids"));
        int vocabulary = TinyModels.VOCABULARY;
        float[][] rows = new float[ids.length][vocabulary];
        try (Model model = TinyModels.load(format, options);
                Session session = model.session()) {
            assertEquals(vocabulary, model.vocabularySize());
            session.append(
                    ids, (index, logits, offset) -> System.arraycopy(logits, offset, rows[index], 0, vocabulary));
        }
        return rows;
    }

    /** The mean KL divergence from the exact logits. */
    private static double klFromExact(String format, float[][] rows) throws IOException {
        int[] positions = TinyModels.ints(MANIFEST.get("positions"));
        float[] exact = TinyModels.floats("/golden/tiny/tiny-" + format + ".exact.f32");
        int vocabulary = TinyModels.VOCABULARY;
        double kl = 0;
        for (int i = 0; i < positions.length; i++) {
            kl += TinyModels.kl(exact, i * vocabulary, rows[positions[i]], 0, vocabulary) / positions.length;
        }
        return kl;
    }

    /**
     * What the types of the KV cache cost against floats, where weights cost nothing; the bounds are about twice what was
     * measured. (The exact logits themselves were computed with a cache in halves.)
     */
    @Test
    void theKvCacheCostsWhatIsSaid() throws IOException {
        LoadOptions exactWeights = LoadOptions.defaults().withThreads(2).withWeights(LoadOptions.WeightLayout.MAPPED);
        float[][] floats = rows("bf16", exactWeights.withKv(KvType.F32));
        double f16 = kl(floats, rows("bf16", exactWeights.withKv(KvType.F16)));
        double q8 = kl(floats, rows("bf16", exactWeights.withKv(KvType.Q8_0)));
        String all = "f16 " + f16 + ", q8_0 " + q8;
        assertTrue(0 < f16 && f16 <= F16_KL_MAX, all);
        assertTrue(f16 < q8 && q8 <= Q8_0_KL_MAX, all);
    }

    /** The mean KL divergence of all rows. */
    private static double kl(float[][] from, float[][] to) {
        double kl = 0;
        for (int i = 0; i < from.length; i++) {
            kl += TinyModels.kl(from[i], 0, to[i], 0, TinyModels.VOCABULARY) / from.length;
        }
        return kl;
    }
}
