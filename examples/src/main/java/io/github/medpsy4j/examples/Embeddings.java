package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.EmbeddingOptions;
import io.github.medpsy4j.engine.Model;
import java.nio.file.Path;
import java.util.List;

/** How near texts are to each other in meaning. Arguments: a GGUF file, a text, others to compare it with. */
final class Embeddings {
    private Embeddings() {}

    public static void main(String[] args) throws Exception {
        List<String> texts = List.of(args).subList(1, args.length);

        try (Model model = Model.load(Path.of(args[0]))) {
            // Vectors of length one, so that a dot product is the cosine of their angle.
            List<float[]> vectors = model.embed(texts, EmbeddingOptions.defaults());
            for (int i = 1; i < texts.size(); i++) {
                System.out.printf("%.3f  %s%n", dot(vectors.getFirst(), vectors.get(i)), texts.get(i));
            }
        }
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
