package io.github.medpsy4j.engine;

import io.github.medpsy4j.gguf.GgufException;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.Metadata;
import io.github.medpsy4j.gguf.TensorInfo;
import java.util.List;

/**
 * The hyperparameters of a model, as its metadata gives them, checked.
 *
 * @param layers transformer blocks
 * @param hidden width of the residual stream
 * @param ffn width of the feed-forward network
 * @param heads query heads
 * @param kvHeads key and value heads; {@code heads} is a multiple
 * @param headDim width of one head
 * @param vocabulary tokens, the rows of the embedding
 * @param contextLength positions that the model was trained for
 * @param normEpsilon added to the mean square in RMSNorm
 */
record Config(
        Architecture architecture,
        int layers,
        int hidden,
        int ffn,
        int heads,
        int kvHeads,
        int headDim,
        int vocabulary,
        int contextLength,
        float normEpsilon) {
    private static final int WIDTH_MAX = 1 << 20;
    private static final int LAYERS_MAX = 4096;

    /** A head is cut into whole vectors of up to 512 bits. */
    private static final int HEAD_DIM_MULTIPLE = 16;

    /** What other members of these families use and this forward pass does not compute: refused, never ignored. */
    private static final List<String> UNSUPPORTED_KEYS = List.of(
            "expert_count",
            "attention.sliding_window",
            "attention.scale",
            "attention.clamp_kqv",
            "attn_logit_softcapping",
            "final_logit_softcapping",
            "logit_scale",
            "residual_scale",
            "embedding_scale",
            "attention.alibi_bias_max",
            "use_parallel_residual");

    static Config of(GgufFile file) throws GgufException, ModelException {
        Metadata m = file.metadata();
        String path = file.path().toString();
        Architecture architecture = Architecture.of(m.string("general.architecture"), path);
        String p = architecture.key;
        for (String key : UNSUPPORTED_KEYS) {
            String whole = p + "." + key;
            if (m.has(whole) && !isOff(m.get(whole).orElseThrow())) {
                throw new ModelException(
                        path + ": " + whole + " = " + m.get(whole).orElseThrow()
                                + ": this engine does not compute it; expected the key absent or 0");
            }
        }
        int hidden = m.intInRange(p + ".embedding_length", 1, WIDTH_MAX);
        int heads = m.intInRange(p + ".attention.head_count", 1, WIDTH_MAX);
        int kvHeads = m.intInRange(p + ".attention.head_count_kv", 1, heads, heads);
        if (heads % kvHeads != 0) {
            throw new ModelException(path + ": " + p + ".attention.head_count: expected a multiple of head_count_kv = "
                    + kvHeads + ", got " + heads);
        }
        int headDim = m.intInRange(p + ".attention.key_length", 1, WIDTH_MAX, hidden / heads);
        int valueDim = m.intInRange(p + ".attention.value_length", 1, WIDTH_MAX, headDim);
        if (valueDim != headDim || headDim % HEAD_DIM_MULTIPLE != 0) {
            throw new ModelException(path + ": " + p + ".attention: expected key_length = value_length, a multiple of "
                    + HEAD_DIM_MULTIPLE + ", got " + headDim + " and " + valueDim);
        }
        TensorInfo embedding = file.tensor("token_embd.weight")
                .orElseThrow(() -> new ModelException(path + ": missing tensor 'token_embd.weight'"));
        if (embedding.rows() > Integer.MAX_VALUE / 64) {
            throw new ModelException(path + ": tensor 'token_embd.weight': " + embedding.rows() + " rows are too many");
        }
        return new Config(
                architecture,
                m.intInRange(p + ".block_count", 1, LAYERS_MAX),
                hidden,
                m.intInRange(p + ".feed_forward_length", 1, WIDTH_MAX),
                heads,
                kvHeads,
                headDim,
                (int) embedding.rows(),
                m.intInRange(p + ".context_length", 1, Integer.MAX_VALUE),
                m.real(p + ".attention.layer_norm_rms_epsilon"));
    }

    private static boolean isOff(Object value) {
        return switch (value) {
            case Boolean b -> !b;
            case Number n -> n.doubleValue() == 0;
            default -> false;
        };
    }
}
