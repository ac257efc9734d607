package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.Metadata;
import io.github.medpsy4j.tokenizer.Vocabulary.Model;
import io.github.medpsy4j.tokenizer.Vocabulary.PreTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The vocabulary of a real model's file. */
final class RealVocabulary {
    private static final String KEY = "tokenizer.ggml.";

    private RealVocabulary() {}

    /** Skips the test if the model is not on this machine. */
    static Vocabulary.Builder of(String fileName) throws Exception {
        List<Path> folders = folders();
        List<Path> found = folders.stream()
                .map(folder -> folder.resolve(fileName))
                .filter(Files::isRegularFile)
                .toList();
        assumeTrue(!found.isEmpty(), () -> "no " + fileName + " in " + folders + "; ./test --all fetches it");
        try (GgufFile file = GgufFile.open(found.getFirst())) {
            return builder(file.metadata());
        }
    }

    private static List<Path> folders() {
        String home = System.getenv("MEDPSY_HOME");
        return Stream.of(
                        System.getProperty("medpsy.test.models"),
                        System.getenv("MEDPSY_TEST_MODELS"),
                        home == null ? null : home + "/models",
                        System.getProperty("user.home") + "/.cache/medpsy/models")
                .filter(folder -> folder != null && !folder.isEmpty())
                .map(Path::of)
                .toList();
    }

    private static Vocabulary.Builder builder(Metadata metadata) throws Exception {
        Model model = Model.of(metadata.string(KEY + "model"));
        Vocabulary.Builder builder = Vocabulary.builder(model)
                .tokens(metadata.strings(KEY + "tokens"))
                .types(metadata.ints(KEY + "token_type"))
                .bos(id(metadata, "bos_token_id"))
                .eos(id(metadata, "eos_token_id"))
                .unknown(id(metadata, "unknown_token_id"))
                .addBos(metadata.bool(KEY + "add_bos_token", false));
        if (model == Model.SENTENCEPIECE_BPE) {
            return builder.scores(metadata.floats(KEY + "scores"))
                    .addSpacePrefix(metadata.bool(KEY + "add_space_prefix", true));
        }
        return builder.preTokenizer(PreTokenizer.of(metadata.string(KEY + "pre")))
                .merges(metadata.strings(KEY + "merges"));
    }

    private static Integer id(Metadata metadata, String name) throws Exception {
        return metadata.has(KEY + name) ? (int) metadata.integer(KEY + name) : null;
    }
}
