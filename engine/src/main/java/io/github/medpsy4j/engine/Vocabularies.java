package io.github.medpsy4j.engine;

import io.github.medpsy4j.gguf.GgufException;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.Metadata;
import io.github.medpsy4j.tokenizer.Tokenizer;
import io.github.medpsy4j.tokenizer.TokenizerException;
import io.github.medpsy4j.tokenizer.Vocabulary;

/** Reads the {@code tokenizer.ggml.*} metadata of a GGUF file into a tokenizer. */
public final class Vocabularies {
    private static final String PREFIX = "tokenizer.ggml.";

    private Vocabularies() {}

    /**
     * The tokenizer that a file carries; the file's tensors are not looked at, so files of architectures that the engine
     * cannot run have one too.
     *
     * @throws GgufException if a key is missing or of the wrong type
     * @throws ModelException if the vocabulary is inconsistent or of an unsupported kind
     */
    public static Tokenizer tokenizer(GgufFile file) throws GgufException, ModelException {
        Metadata m = file.metadata();
        try {
            Vocabulary.Model model = Vocabulary.Model.of(m.string(PREFIX + "model"));
            Vocabulary.Builder b = Vocabulary.builder(model).tokens(m.strings(PREFIX + "tokens"));
            if (model == Vocabulary.Model.BYTE_LEVEL_BPE) {
                b.preTokenizer(Vocabulary.PreTokenizer.of(m.string(PREFIX + "pre", "default")));
            }
            if (m.has(PREFIX + "merges")) {
                b.merges(m.strings(PREFIX + "merges"));
            }
            if (m.has(PREFIX + "scores")) {
                b.scores(m.floats(PREFIX + "scores"));
            }
            if (m.has(PREFIX + "token_type")) {
                b.types(m.ints(PREFIX + "token_type"));
            }
            b.bos(id(m, "bos_token_id"))
                    .eos(id(m, "eos_token_id"))
                    .eot(id(m, "eot_token_id"))
                    .eom(id(m, "eom_token_id"))
                    .unknown(id(m, "unknown_token_id"))
                    .padding(id(m, "padding_token_id"))
                    .addBos(flag(m, "add_bos_token"))
                    .addEos(flag(m, "add_eos_token"))
                    .addSpacePrefix(flag(m, "add_space_prefix"))
                    .removeExtraWhitespaces(m.bool(PREFIX + "remove_extra_whitespaces", false));
            return Tokenizer.of(b.build());
        } catch (TokenizerException e) {
            throw new ModelException(file.path() + ": " + e.getMessage(), e);
        }
    }

    private static Integer id(Metadata m, String key) throws GgufException {
        return m.has(PREFIX + key) ? m.intInRange(PREFIX + key, 0, Integer.MAX_VALUE) : null;
    }

    private static Boolean flag(Metadata m, String key) throws GgufException {
        return m.has(PREFIX + key) ? m.bool(PREFIX + key, false) : null;
    }
}
