package io.github.medpsy4j.engine;

import io.github.medpsy4j.gguf.GgmlType;
import io.github.medpsy4j.gguf.testing.GgufBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;

/**
 * A model that mostly goes through its five letters in order, and a little by what stands before: there is much to guess,
 * and guesses fail now and then.
 */
final class QuotingModel {
    static final int CONTEXT = 256;
    static final int LETTERS = 5;
    static final int END = 5;

    private QuotingModel() {}

    static Model load(Path folder) throws IOException {
        Random random = new Random(2);
        float[] embedding = new float[SmallModel.VOCABULARY * SmallModel.HIDDEN];
        float[] output = new float[SmallModel.VOCABULARY * SmallModel.HIDDEN];
        for (int token = 0; token < SmallModel.VOCABULARY; token++) {
            for (int i = 0; i < SmallModel.HIDDEN; i++) {
                embedding[token * SmallModel.HIDDEN + i] = 0.3f * (float) random.nextGaussian();
                output[token * SmallModel.HIDDEN + i] = 0.1f * (float) random.nextGaussian();
            }
        }
        for (int letter = 0; letter < LETTERS; letter++) {
            embedding[letter * SmallModel.HIDDEN + letter] = 6;
            output[(letter + 1) % LETTERS * SmallModel.HIDDEN + letter] = 1;
        }
        Path file = new SmallModel("llama")
                .integer("context_length", CONTEXT)
                .tensor(
                        "token_embd.weight",
                        GgmlType.F32,
                        new GgufBuilder().floats(embedding),
                        SmallModel.HIDDEN,
                        SmallModel.VOCABULARY)
                .tensor(
                        "output.weight",
                        GgmlType.F32,
                        new GgufBuilder().floats(output),
                        SmallModel.HIDDEN,
                        SmallModel.VOCABULARY)
                .writeTo(folder.resolve("quoting.gguf"));
        return Model.load(file, LoadOptions.defaults().withThreads(1));
    }
}
