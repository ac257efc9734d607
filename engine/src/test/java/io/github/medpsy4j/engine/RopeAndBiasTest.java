package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Small models with random weights in floats, one for each way of rotating positions, against the logits that llama.cpp
 * computes of them with a KV cache in floats. Ours is in halves: what is left between the two is their rounding.
 */
class RopeAndBiasTest {
    private static final int VOCABULARY = 96;
    private static final int TOKENS = 48;

    /** Where the logits were kept. */
    private static final int[] POSITIONS = {0, 1, 7, 23, 47};

    /** The logits' root of the mean square is about 2; llama.cpp's own with a cache in halves differ by up to 0.02. */
    private static final float TOLERANCE = 1e-2f;

    private static float[] ours(String name, LoadOptions options) throws Exception {
        int[] ids = new int[TOKENS];
        Arrays.setAll(ids, i -> (i * 37 + 11) % VOCABULARY);
        float[] rows = new float[POSITIONS.length * VOCABULARY];
        try (Model model = Model.load(TinyModels.resource("/golden/rope/" + name + ".gguf"), options);
                Session session = model.session()) {
            session.append(ids, (index, logits, offset) -> {
                int kept = Arrays.binarySearch(POSITIONS, index);
                if (kept >= 0) {
                    System.arraycopy(logits, offset, rows, kept * VOCABULARY, VOCABULARY);
                }
            });
        }
        return rows;
    }

    private static float difference(float[] a, float[] b) {
        float max = 0;
        for (int i = 0; i < a.length; i++) {
            max = Math.max(max, Math.abs(a[i] - b[i]));
        }
        return max;
    }

    @ParameterizedTest
    @CsvSource({
        "llama-normal, llama",
        "llama-rope-freqs, llama",
        "llama-linear, llama",
        "llama-yarn, llama",
        "llama-yarn-attention, llama",
        "qwen2-biases, qwen2",
        "qwen2-linear, qwen2",
        "qwen2-yarn, qwen2",
        "qwen3-yarn, qwen3"
    })
    void logitsAreLlamaCpps(String name, String architecture) throws Exception {
        float[] expected = TinyModels.floats("/golden/rope/" + name + ".f32");
        assertEquals(POSITIONS.length * VOCABULARY, expected.length);
        for (boolean scalar : new boolean[] {false, true}) {
            float difference = difference(
                    expected, ours(name, LoadOptions.defaults().withThreads(2).withScalar(scalar)));
            assertTrue(difference <= TOLERANCE, architecture + ", scalar " + scalar + ": differ by " + difference);
        }
    }

    /** The same weights under another scaling give other logits, by far more than the tolerance above. */
    @Test
    void everyScalingMatters() throws Exception {
        String[] names = {"llama-normal", "llama-rope-freqs", "llama-linear", "llama-yarn", "llama-yarn-attention"};
        for (String a : names) {
            for (String b : names) {
                if (!a.equals(b)) {
                    float difference = difference(
                            TinyModels.floats("/golden/rope/" + a + ".f32"),
                            TinyModels.floats("/golden/rope/" + b + ".f32"));
                    assertTrue(difference > 10 * TOLERANCE, a + " and " + b + " differ by " + difference);
                }
            }
        }
    }
}
