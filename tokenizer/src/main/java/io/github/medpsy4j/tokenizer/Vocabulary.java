package io.github.medpsy4j.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a model file says about its tokens: the {@code tokenizer.ggml.*} metadata of GGUF. Immutable.
 *
 * <p>Ids are indices into {@link #tokens()}. Texts of byte-level tokens are in GPT-2's alphabet (a space is {@code Ġ}),
 * those of SentencePiece hold {@code ▁} for a space; texts of special tokens are plain.
 */
public final class Vocabulary {
    /** How text becomes tokens: {@code tokenizer.ggml.model}. */
    public enum Model {
        /** {@code gpt2}: bytes, joined by ranked merges inside the words that a {@link PreTokenizer} finds. */
        BYTE_LEVEL_BPE("gpt2"),
        /** {@code llama}: characters, joined by the tokens' scores, with a fallback to byte tokens. */
        SENTENCEPIECE_BPE("llama");

        private final String ggufName;

        Model(String ggufName) {
            this.ggufName = ggufName;
        }

        /** The model that GGUF calls {@code name}. */
        public static Model of(String name) {
            for (Model model : values()) {
                if (model.ggufName.equals(name)) {
                    return model;
                }
            }
            throw new TokenizerException(
                    "tokenizer.ggml.model: unknown tokenizer; expected one of gpt2, llama, got " + quoted(name));
        }
    }

    /** How byte-level BPE splits text into words before it merges: {@code tokenizer.ggml.pre}. */
    public enum PreTokenizer {
        /** Qwen2, Qwen2.5, Qwen3 and models made from them. The only one that normalizes text to NFC first. */
        QWEN2("qwen2"),
        /** DeepSeek's distillations into Qwen2: Qwen2's words, without its normalization. */
        DEEPSEEK_R1_QWEN("deepseek-r1-qwen"),
        /** GPT-2. Files that say {@code default} named no pattern; this is the one byte-level BPE came with. */
        GPT_2("gpt-2", "default", "phi-2"),
        /** Llama 3: numbers in threes; a word that is a token stays one whatever the merges say. */
        LLAMA_BPE("llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2"),
        /** SmolLM: as GPT-2, with every digit by itself. */
        SMOLLM("smollm", "starcoder", "refact");

        @SuppressWarnings("ImmutableEnumChecker") // List.of is immutable
        private final List<String> ggufNames;

        PreTokenizer(String... ggufNames) {
            this.ggufNames = List.of(ggufNames);
        }

        /** The pre-tokenizer that GGUF calls {@code name}. */
        public static PreTokenizer of(String name) {
            List<String> known = new ArrayList<>();
            for (PreTokenizer pre : values()) {
                if (pre.ggufNames.contains(name)) {
                    return pre;
                }
                known.addAll(pre.ggufNames);
            }
            throw new TokenizerException("tokenizer.ggml.pre: unknown pre-tokenizer; expected one of "
                    + String.join(", ", known) + ", got " + quoted(name));
        }
    }

    /** What a token is for: {@code tokenizer.ggml.token_type}. */
    public enum TokenType {
        NORMAL,
        UNKNOWN,
        /** Steers the model and is no text, such as {@code <|im_end|>}. */
        CONTROL,
        /** Text that is one token wherever special tokens are asked for, such as {@code <think>}. */
        USER_DEFINED,
        UNUSED,
        /** One byte, spelled {@code <0x0A>}. */
        BYTE;

        private static final TokenType[] VALUES = values();

        /** The type that ggml numbers {@code number}: 1 for normal to 6 for byte. */
        static TokenType of(int number) {
            return VALUES[number - 1];
        }
    }

    /** Tokens that end an answer though a file may not say so; as llama.cpp lists them (llama-vocab.cpp). */
    private static final Set<String> END_OF_GENERATION = Set.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<|return|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "<|eom_id|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "[EOS]",
            "<|end_of_text|>",
            "<end_of_utterance>",
            "<eos>",
            "</s>",
            "<|fim_pad|>",
            "<|repo_name|>",
            "<|file_sep|>");

    /** ggml's number of {@link TokenType#NORMAL}. */
    private static final byte NORMAL = 1;

    private final Model model;
    private final PreTokenizer preTokenizer;
    private final List<String> tokens;
    private final float[] scores;
    private final byte[] types;
    private final List<String> merges;
    private final int bos;
    private final int eos;
    private final int unknown;
    private final int padding;
    private final boolean addBos;
    private final boolean addEos;
    private final boolean addSpacePrefix;
    private final boolean removeExtraWhitespaces;
    private final Set<Integer> endOfGeneration;

    private Vocabulary(Builder b) {
        model = Objects.requireNonNull(b.model, "model");
        tokens = new Texts(b.tokens);
        int n = tokens.size();
        if (n == 0) {
            throw new TokenizerException("tokenizer.ggml.tokens: the vocabulary is empty");
        }
        boolean sentencePiece = model == Model.SENTENCEPIECE_BPE;
        preTokenizer = b.preTokenizer;
        if (!sentencePiece && preTokenizer == null) {
            throw new TokenizerException("tokenizer.ggml.pre: missing; byte-level BPE needs a pre-tokenizer");
        }
        merges = new Texts(b.merges);
        if (!sentencePiece && merges.isEmpty()) {
            throw new TokenizerException("tokenizer.ggml.merges: missing; byte-level BPE needs merges");
        }
        scores = checkedScores(b.scores, n, sentencePiece);
        types = checkedTypes(b.types, n);
        // The ids that SentencePiece gives these tokens where nothing else is said.
        bos = checkedId("tokenizer.ggml.bos_token_id", b.bos, sentencePiece && n > 1 ? 1 : -1);
        eos = checkedId("tokenizer.ggml.eos_token_id", b.eos, sentencePiece && n > 2 ? 2 : -1);
        unknown = checkedId("tokenizer.ggml.unknown_token_id", b.unknown, sentencePiece ? 0 : -1);
        padding = checkedId("tokenizer.ggml.padding_token_id", b.padding, -1);
        addBos = b.addBos != null ? b.addBos : bos >= 0 && (sentencePiece || preTokenizer == PreTokenizer.LLAMA_BPE);
        addEos = b.addEos != null && b.addEos;
        addSpacePrefix = sentencePiece && (b.addSpacePrefix == null || b.addSpacePrefix);
        removeExtraWhitespaces = sentencePiece && b.removeExtraWhitespaces;
        if (addBos && bos < 0) {
            throw new TokenizerException(
                    "tokenizer.ggml.add_bos_token is true, but tokenizer.ggml.bos_token_id is not set");
        }
        if (addEos && eos < 0) {
            throw new TokenizerException(
                    "tokenizer.ggml.add_eos_token is true, but tokenizer.ggml.eos_token_id is not set");
        }
        endOfGeneration = endOfGeneration(b);
    }

    private static float[] checkedScores(float[] scores, int n, boolean needed) {
        if (scores == null) {
            if (needed) {
                throw new TokenizerException("tokenizer.ggml.scores: missing; SentencePiece BPE needs scores");
            }
            return new float[0];
        }
        checkLength("tokenizer.ggml.scores", scores.length, n);
        for (int i = 0; i < n; i++) {
            if (Float.isNaN(scores[i])) {
                throw new TokenizerException("tokenizer.ggml.scores: token " + i + " has a score that is no number");
            }
        }
        return scores.clone();
    }

    private static byte[] checkedTypes(int[] types, int n) {
        byte[] checked = new byte[n];
        if (types == null) {
            Arrays.fill(checked, NORMAL);
            return checked;
        }
        checkLength("tokenizer.ggml.token_type", types.length, n);
        for (int i = 0; i < n; i++) {
            int type = types[i];
            // ggml also numbers an undefined type, 0; what little there is of it is ordinary text.
            if (type < 0 || type > 6) {
                throw new TokenizerException(
                        "tokenizer.ggml.token_type: token " + i + " has an unknown type; expected 0 to 6, got " + type);
            }
            checked[i] = type == 0 ? NORMAL : (byte) type;
        }
        return checked;
    }

    private static void checkLength(String key, int length, int expected) {
        if (length != expected) {
            throw new TokenizerException(
                    key + ": wrong length; expected one per token, " + expected + ", got " + length);
        }
    }

    private int checkedId(String key, Integer id, int otherwise) {
        if (id == null) {
            return otherwise;
        }
        if (id < 0 || id >= tokens.size()) {
            throw new TokenizerException(
                    key + ": not a token; expected an id from 0 to " + (tokens.size() - 1) + ", got " + id);
        }
        return id;
    }

    private Set<Integer> endOfGeneration(Builder b) {
        Set<Integer> ids = new HashSet<>();
        for (int id = 0; id < types.length; id++) {
            // Plain text must not end an answer, so a normal token that happens to read like an end is none.
            if (!isNormal(id)
                    && (type(id) == TokenType.CONTROL || type(id) == TokenType.USER_DEFINED)
                    && END_OF_GENERATION.contains(tokens.get(id))) {
                ids.add(id);
            }
        }
        if (eos >= 0) {
            ids.add(eos);
        }
        int eot = checkedId("tokenizer.ggml.eot_token_id", b.eot, -1);
        int eom = checkedId("tokenizer.ggml.eom_token_id", b.eom, -1);
        if (eot >= 0) {
            ids.add(eot);
        }
        if (eom >= 0) {
            ids.add(eom);
        }
        return Set.copyOf(ids);
    }

    public static Builder builder(Model model) {
        return new Builder(model);
    }

    public Model model() {
        return model;
    }

    /** The pre-tokenizer; null for SentencePiece, which splits nothing. */
    public PreTokenizer preTokenizer() {
        return preTokenizer;
    }

    /** The number of tokens. */
    public int size() {
        return types.length;
    }

    /** The tokens' texts as the file spells them, by id. */
    public List<String> tokens() {
        return tokens;
    }

    /** The merges, {@code "left right"}, best first; empty for SentencePiece. */
    public List<String> merges() {
        return merges;
    }

    float score(int id) {
        return scores[id];
    }

    /** Whether an id that is known to be one is of a normal token; what loops over all tokens ask first. */
    boolean isNormal(int id) {
        return types[id] == NORMAL;
    }

    /** What token {@code id} is for. */
    public TokenType type(int id) {
        return TokenType.of(types[checked(id)]);
    }

    /** Beginning of sequence. */
    public OptionalInt bos() {
        return optional(bos);
    }

    /** End of sequence. */
    public OptionalInt eos() {
        return optional(eos);
    }

    /** Stands for what no other token can spell. */
    public OptionalInt unknown() {
        return optional(unknown);
    }

    /** Fills unequal rows of a batch. */
    public OptionalInt padding() {
        return optional(padding);
    }

    /** Whether a raw prompt starts with {@link #bos()}. */
    public boolean addBos() {
        return addBos;
    }

    /** Whether a raw prompt ends with {@link #eos()}. */
    public boolean addEos() {
        return addEos;
    }

    /** Whether SentencePiece puts a space in front of a text. */
    public boolean addSpacePrefix() {
        return addSpacePrefix;
    }

    /** Whether SentencePiece trims a text and makes each run of spaces one. */
    public boolean removeExtraWhitespaces() {
        return removeExtraWhitespaces;
    }

    /** The tokens with which a model ends its answer: end of sequence, of a turn, of a message. */
    public Set<Integer> endOfGeneration() {
        return endOfGeneration;
    }

    /** The id itself, if it is one. */
    int checked(int id) {
        if (id < 0 || id >= types.length) {
            throw new TokenizerException(
                    "no such token; expected an id from 0 to " + (types.length - 1) + ", got " + id);
        }
        return id;
    }

    private static OptionalInt optional(int id) {
        return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }

    private static String quoted(String name) {
        return name == null ? "nothing" : "\"" + name + "\"";
    }

    /**
     * Collects what a file says; what it does not say stays unset and takes the default that llama.cpp gives it. {@link
     * #build()} throws {@link TokenizerException} where the parts do not fit together.
     */
    public static final class Builder {
        private final Model model;
        private PreTokenizer preTokenizer;
        private List<String> tokens = List.of();
        private float[] scores;
        private int[] types;
        private List<String> merges = List.of();
        private Integer bos;
        private Integer eos;
        private Integer eot;
        private Integer eom;
        private Integer unknown;
        private Integer padding;
        private Boolean addBos;
        private Boolean addEos;
        private Boolean addSpacePrefix;
        private boolean removeExtraWhitespaces;

        private Builder(Model model) {
            this.model = model;
        }

        /** {@code tokenizer.ggml.pre}, for byte-level BPE. */
        public Builder preTokenizer(PreTokenizer value) {
            preTokenizer = value;
            return this;
        }

        /** {@code tokenizer.ggml.tokens}; the texts by id. */
        public Builder tokens(List<String> value) {
            tokens = value;
            return this;
        }

        /** {@code tokenizer.ggml.scores}, by id: of two possible merges the one into the higher score goes first. */
        public Builder scores(float[] value) {
            scores = value;
            return this;
        }

        /** {@code tokenizer.ggml.token_type}; without it every token is normal. */
        public Builder types(int[] value) {
            types = value;
            return this;
        }

        /** {@code tokenizer.ggml.merges}, {@code "left right"}, best first. */
        public Builder merges(List<String> value) {
            merges = value;
            return this;
        }

        /** {@code tokenizer.ggml.bos_token_id}, beginning of sequence. */
        public Builder bos(Integer id) {
            bos = id;
            return this;
        }

        /** {@code tokenizer.ggml.eos_token_id}, end of sequence. */
        public Builder eos(Integer id) {
            eos = id;
            return this;
        }

        /** {@code tokenizer.ggml.eot_token_id}, end of turn. */
        public Builder eot(Integer id) {
            eot = id;
            return this;
        }

        /** {@code tokenizer.ggml.eom_token_id}, end of message. */
        public Builder eom(Integer id) {
            eom = id;
            return this;
        }

        /** {@code tokenizer.ggml.unknown_token_id}. */
        public Builder unknown(Integer id) {
            unknown = id;
            return this;
        }

        /** {@code tokenizer.ggml.padding_token_id}. */
        public Builder padding(Integer id) {
            padding = id;
            return this;
        }

        /** {@code tokenizer.ggml.add_bos_token}. */
        public Builder addBos(Boolean value) {
            addBos = value;
            return this;
        }

        /** {@code tokenizer.ggml.add_eos_token}. */
        public Builder addEos(Boolean value) {
            addEos = value;
            return this;
        }

        /** {@code tokenizer.ggml.add_space_prefix}, for SentencePiece. */
        public Builder addSpacePrefix(Boolean value) {
            addSpacePrefix = value;
            return this;
        }

        /** {@code tokenizer.ggml.remove_extra_whitespaces}, for SentencePiece. */
        public Builder removeExtraWhitespaces(boolean value) {
            removeExtraWhitespaces = value;
            return this;
        }

        public Vocabulary build() {
            return new Vocabulary(this);
        }
    }
}
