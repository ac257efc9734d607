package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.kernel.Kernels;
import io.github.medpsy4j.gguf.GgufException;
import io.github.medpsy4j.gguf.Metadata;

/**
 * Rotary position embedding: dimension pair i of a head is turned by the angle position · frequency[i]. Frequencies are
 * base^(-2i/dims), changed by the file's scaling: {@code linear} divides them by a factor, {@code yarn} does so for the
 * slow ones only (Peng et al. 2023, as llama.cpp computes it), and llama 3's scaling comes as a tensor of divisors.
 */
final class Rope {
    /** Which two dimensions of a head are a pair. */
    enum Style {
        /** (2i, 2i + 1), as Llama's GGUF files are stored. */
        NORMAL,
        /** (i, i + dims / 2), as GPT-NeoX and Qwen. */
        NEOX
    }

    private static final float YARN_BETA_FAST = 32;
    private static final float YARN_BETA_SLOW = 1;

    private final Style style;
    private final int pairs;
    private final double[] frequency;
    private final float magnitude;

    private Rope(Style style, double[] frequency, float magnitude) {
        this.style = style;
        this.pairs = frequency.length;
        this.frequency = frequency;
        this.magnitude = magnitude;
    }

    /**
     * @param prefix the architecture's key prefix
     * @param divisors the tensor {@code rope_freqs.weight}, or null
     */
    static Rope of(
            Metadata m, String file, String prefix, Style style, int headDim, int contextLength, float[] divisors)
            throws GgufException, ModelException {
        int dims = m.intInRange(prefix + ".rope.dimension_count", 1, Integer.MAX_VALUE, headDim);
        if (dims != headDim) {
            throw new ModelException(
                    file + ": " + prefix + ".rope.dimension_count: turning part of a head is unsupported;"
                            + " expected the head's " + headDim + ", got " + dims);
        }
        double base = m.real(prefix + ".rope.freq_base", 10_000f);
        if (!(base > 0)) {
            throw new ModelException(file + ": " + prefix + ".rope.freq_base: expected a positive number, got " + base);
        }
        double[] frequency = new double[dims / 2];
        for (int i = 0; i < frequency.length; i++) {
            frequency[i] = Math.pow(base, -2.0 * i / dims);
            if (divisors != null) {
                frequency[i] /= divisors[i];
            }
        }
        String scaling = m.string(prefix + ".rope.scaling.type", "none");
        // Before the key above existed, a bare factor meant linear scaling.
        double factor = m.real(prefix + ".rope.scaling.factor", m.real(prefix + ".rope.scale_linear", 1f));
        if (scaling.equals("none") && factor != 1 && !m.has(prefix + ".rope.scaling.type")) {
            scaling = "linear";
        }
        if (!scaling.equals("none") && !(factor > 0)) {
            throw new ModelException(
                    file + ": " + prefix + ".rope.scaling.factor: expected a positive number, got " + factor);
        }
        double magnitude = 1;
        switch (scaling) {
            case "none" -> {}
            case "linear" -> {
                for (int i = 0; i < frequency.length; i++) {
                    frequency[i] /= factor;
                }
            }
            case "yarn" -> {
                int original = m.intInRange(
                        prefix + ".rope.scaling.original_context_length", 1, Integer.MAX_VALUE, contextLength);
                double low = Math.max(0, Math.floor(yarnDimension(dims, original, YARN_BETA_FAST, base)));
                double high = Math.min(dims - 1, Math.ceil(yarnDimension(dims, original, YARN_BETA_SLOW, base)));
                for (int i = 0; i < frequency.length; i++) {
                    double ramp = Math.clamp((i - low) / Math.max(0.001, high - low), 0, 1);
                    double keep = 1 - ramp;
                    frequency[i] = frequency[i] / factor * (1 - keep) + frequency[i] * keep;
                }
                magnitude = m.real(prefix + ".rope.scaling.attn_factor", 1f) * (1 + 0.1 * Math.log(factor));
            }
            default ->
                throw new ModelException(file + ": " + prefix
                        + ".rope.scaling.type: unsupported; expected none, linear or yarn, got '" + scaling + "'");
        }
        return new Rope(style, frequency, (float) magnitude);
    }

    /** The dimension whose wave turns {@code turns} times within the original context. */
    private static double yarnDimension(int dims, int originalContext, double turns, double base) {
        return dims * Math.log(originalContext / (turns * 2 * Math.PI)) / (2 * Math.log(base));
    }

    /** How many angles {@link #angles} writes for one position. */
    int pairs() {
        return pairs;
    }

    /** Writes the cosines and sines of a position's angles, at {@code offset} of each array. */
    void angles(int position, float[] cos, float[] sin, int offset) {
        for (int i = 0; i < pairs; i++) {
            double angle = position * frequency[i];
            cos[offset + i] = (float) Math.cos(angle) * magnitude;
            sin[offset + i] = (float) Math.sin(angle) * magnitude;
        }
    }

    /** Turns the head x[at .. at + headDim) in place. */
    void rotate(Kernels kernels, float[] x, int at, float[] cos, float[] sin, int angles) {
        if (style == Style.NEOX) {
            kernels.rotateHalves(x, at, pairs, cos, sin, angles);
        } else {
            for (int i = 0; i < pairs; i++) {
                float a = x[at + 2 * i];
                float b = x[at + 2 * i + 1];
                x[at + 2 * i] = a * cos[angles + i] - b * sin[angles + i];
                x[at + 2 * i + 1] = a * sin[angles + i] + b * cos[angles + i];
            }
        }
    }
}
