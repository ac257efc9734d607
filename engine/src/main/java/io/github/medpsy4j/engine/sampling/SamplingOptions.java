package io.github.medpsy4j.engine.sampling;

import io.github.medpsy4j.engine.grammar.Grammar;
import java.math.BigDecimal;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;

/**
 * How a token is drawn from logits: which samplers act, in which order, and their settings. Names and meanings are
 * llama.cpp's ({@code common/arg.cpp}, {@code src/llama-sampling.cpp}); ranges are in {@link Builder}, whose
 * {@code build} refuses what is outside, naming the setting.
 *
 * <p>Logit biases always come first, then the {@link #samplers} in their order, then the draw. At temperature 0 the best
 * token after biases, penalties and DRY is taken, and nothing else acts. With mirostat, only biases, penalties, DRY and
 * temperature stand before it.
 *
 * @param seed fixes the draws
 * @param samplers those that act, first to last; what is not in the list does not act, whatever its settings
 * @param temperature divides the logits; 0 takes the best token, always
 * @param dynatempRange the temperature moves by up to this to either side, with the entropy; 0 leaves it
 * @param dynatempExponent of the entropy, a fraction of the largest possible, in that movement
 * @param topNSigma keeps tokens whose logits are within this many standard deviations of the best; 0 keeps all
 * @param topK keeps the k best tokens; 0 keeps all
 * @param typicalP keeps the tokens whose surprise is nearest to the expected one, until they have this probability; 1
 *     keeps all
 * @param topP keeps the best tokens until their probabilities add up to p; 1 keeps all
 * @param minP keeps tokens at least p times as probable as the best; 0 keeps all
 * @param xtcProbability how often the top choices but the last are excluded; 0 is never
 * @param xtcThreshold the least probability of a top choice; above 0.5 there cannot be two
 * @param repeatLastN how many of the latest tokens the three penalties look at; -1 is all of the context
 * @param repeatPenalty logits of those tokens are divided by it if positive, multiplied if negative; 1 is none
 * @param presencePenalty subtracted from the logits of those tokens
 * @param frequencyPenalty subtracted from the logits of those tokens as often as they occur
 * @param dryMultiplier scale of DRY's penalty; 0 is none
 * @param dryBase to the power of how much longer a repetition is than allowed
 * @param dryAllowedLength the longest repetition without a penalty, in tokens
 * @param dryPenaltyLastN how many of the latest tokens DRY looks at; -1 is all of the context
 * @param drySequenceBreakers texts that no repetition reaches across
 * @param mirostat 2 for mirostat 2.0, 0 for none
 * @param mirostatTau the surprise in bits that mirostat aims at
 * @param mirostatEta mirostat's learning rate
 * @param logitBias what is added to logits first of all
 * @param grammar what the generated text may be; empty for any text
 */
public record SamplingOptions(
        long seed,
        List<SamplerType> samplers,
        float temperature,
        float dynatempRange,
        float dynatempExponent,
        float topNSigma,
        int topK,
        float typicalP,
        float topP,
        float minP,
        float xtcProbability,
        float xtcThreshold,
        int repeatLastN,
        float repeatPenalty,
        float presencePenalty,
        float frequencyPenalty,
        float dryMultiplier,
        float dryBase,
        int dryAllowedLength,
        int dryPenaltyLastN,
        List<String> drySequenceBreakers,
        int mirostat,
        float mirostatTau,
        float mirostatEta,
        List<LogitBias> logitBias,
        Optional<Grammar> grammar) {
    /** llama.cpp's sequence breakers. */
    public static final List<String> DEFAULT_BREAKERS = List.of("\n", ":", "\"", "*");

    /** Refuses values outside their ranges, by name. */
    public SamplingOptions {
        samplers = List.copyOf(samplers);
        drySequenceBreakers = List.copyOf(drySequenceBreakers);
        logitBias = List.copyOf(logitBias);
        Objects.requireNonNull(grammar);
        Set<SamplerType> once = EnumSet.noneOf(SamplerType.class);
        for (SamplerType type : samplers) {
            if (!once.add(type)) {
                throw new IllegalArgumentException("samplers: expected each name once, got " + type.id() + " twice");
            }
        }
        check("temp", temperature, 0, 100);
        check("dynatemp-range", dynatempRange, 0, 100);
        checkAbove("dynatemp-exp", dynatempExponent, 100);
        check("top-n-sigma", topNSigma, 0, 100);
        checkAtLeast("top-k", topK, 0);
        check("typical-p", typicalP, 0, 1);
        check("top-p", topP, 0, 1);
        check("min-p", minP, 0, 1);
        check("xtc-probability", xtcProbability, 0, 1);
        check("xtc-threshold", xtcThreshold, 0, 1);
        checkAtLeast("repeat-last-n", repeatLastN, -1);
        checkAbove("repeat-penalty", repeatPenalty, 100);
        check("presence-penalty", presencePenalty, -100, 100);
        check("frequency-penalty", frequencyPenalty, -100, 100);
        check("dry-multiplier", dryMultiplier, 0, 100);
        check("dry-base", dryBase, 1, 100);
        checkAtLeast("dry-allowed-length", dryAllowedLength, 0);
        checkAtLeast("dry-penalty-last-n", dryPenaltyLastN, -1);
        if (drySequenceBreakers.contains("")) {
            throw new IllegalArgumentException("dry-sequence-breaker: expected a text, got an empty one");
        }
        if (mirostat != 0 && mirostat != 2) {
            throw new IllegalArgumentException("mirostat: expected 0 or 2, got " + mirostat);
        }
        checkAbove("mirostat-tau", mirostatTau, 100);
        check("mirostat-eta", mirostatEta, 0, 10);
    }

    private static void check(String name, float value, float min, float max) {
        if (!(value >= min && value <= max)) {
            throw new IllegalArgumentException(
                    name + ": expected " + shown(min) + " to " + shown(max) + ", got " + shown(value));
        }
    }

    private static void checkAbove(String name, float value, float max) {
        if (!(value > 0 && value <= max)) {
            throw new IllegalArgumentException(
                    name + ": expected above 0 and at most " + shown(max) + ", got " + shown(value));
        }
    }

    private static void checkAtLeast(String name, int value, int min) {
        if (value < min) {
            throw new IllegalArgumentException(name + ": expected at least " + min + ", got " + value);
        }
    }

    /** A number as a person writes it: 2 rather than 2.0. */
    static String shown(float value) {
        return Float.isFinite(value)
                ? new BigDecimal(Float.toString(value)).stripTrailingZeros().toPlainString()
                : Float.toString(value);
    }

    /** The best token, always. */
    public static SamplingOptions greedy() {
        return builder().temperature(0).topK(0).topP(1).minP(0).build();
    }

    /** llama.cpp's defaults: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, no penalty. */
    public static SamplingOptions defaults(long seed) {
        return builder().seed(seed).build();
    }

    /** Starts from {@link #defaults}, with seed 0. */
    public static Builder builder() {
        return new Builder();
    }

    /** Starts from these options. */
    public Builder toBuilder() {
        Builder b = new Builder();
        b.seed = seed;
        b.samplers = samplers;
        b.temperature = temperature;
        b.dynatempRange = dynatempRange;
        b.dynatempExponent = dynatempExponent;
        b.topNSigma = topNSigma;
        b.topK = topK;
        b.typicalP = typicalP;
        b.topP = topP;
        b.minP = minP;
        b.xtcProbability = xtcProbability;
        b.xtcThreshold = xtcThreshold;
        b.repeatLastN = repeatLastN;
        b.repeatPenalty = repeatPenalty;
        b.presencePenalty = presencePenalty;
        b.frequencyPenalty = frequencyPenalty;
        b.dryMultiplier = dryMultiplier;
        b.dryBase = dryBase;
        b.dryAllowedLength = dryAllowedLength;
        b.dryPenaltyLastN = dryPenaltyLastN;
        b.drySequenceBreakers = drySequenceBreakers;
        b.mirostat = mirostat;
        b.mirostatTau = mirostatTau;
        b.mirostatEta = mirostatEta;
        b.logitBias = logitBias;
        b.grammar = grammar;
        return b;
    }

    public SamplingOptions withTemperature(float value) {
        return toBuilder().temperature(value).build();
    }

    public SamplingOptions withTopK(int value) {
        return toBuilder().topK(value).build();
    }

    public SamplingOptions withTopP(float value) {
        return toBuilder().topP(value).build();
    }

    public SamplingOptions withMinP(float value) {
        return toBuilder().minP(value).build();
    }

    public SamplingOptions withRepeatPenalty(float value) {
        return toBuilder().repeatPenalty(value).build();
    }

    public SamplingOptions withSeed(long value) {
        return toBuilder().seed(value).build();
    }

    /**
     * Refuses what a vocabulary rules out.
     *
     * @param vocabularySize the model's
     * @throws IllegalArgumentException if a biased token is not in it
     */
    public void checkTokens(int vocabularySize) {
        for (LogitBias each : logitBias) {
            if (each.token() >= vocabularySize) {
                throw new IllegalArgumentException(
                        "logit-bias: expected a token id below " + vocabularySize + ", got " + each.token());
            }
        }
    }

    /** Whether the best token is taken instead of a draw: temperature acts, and is 0. */
    public boolean isGreedy() {
        return temperature == 0 && samplers.contains(SamplerType.TEMPERATURE);
    }

    /** Whether a sampler changes anything, given its settings and those that rule it out. */
    public boolean acts(SamplerType type) {
        boolean truncates = !isGreedy() && mirostat == 0;
        return samplers.contains(type)
                && switch (type) {
                    case PENALTIES ->
                        repeatLastN != 0 && (repeatPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0);
                    case DRY -> dryMultiplier > 0 && dryPenaltyLastN != 0;
                    case TOP_N_SIGMA -> truncates && topNSigma > 0;
                    case TOP_K -> truncates && topK > 0;
                    case TYPICAL_P -> truncates && typicalP < 1;
                    case TOP_P -> truncates && topP < 1;
                    case MIN_P -> truncates && minP > 0;
                    case XTC -> truncates && xtcProbability > 0 && xtcThreshold <= 0.5f;
                    case TEMPERATURE -> temperature != 1 || dynatempRange > 0;
                };
    }

    /**
     * What acts, in its order, on one line: {@code top-k 20 -> top-p 0.95 -> temp 0.6 -> draw with seed 42}. For people.
     */
    public String describe() {
        StringJoiner steps = new StringJoiner(" -> ");
        if (grammar.isPresent()) {
            steps.add("grammar");
        }
        if (!logitBias.isEmpty()) {
            steps.add("logit-bias " + logitBias.size());
        }
        for (SamplerType type : samplers) {
            if (acts(type)) {
                steps.add(describe(type));
            }
        }
        if (isGreedy()) {
            return steps.add("the best token").toString();
        }
        if (mirostat == 2) {
            steps.add("mirostat 2 (tau " + shown(mirostatTau) + ", eta " + shown(mirostatEta) + ")");
        }
        return steps.add("draw with seed " + seed).toString();
    }

    private String describe(SamplerType type) {
        return switch (type) {
            case PENALTIES ->
                "penalties (repeat " + shown(repeatPenalty) + ", presence " + shown(presencePenalty) + ", frequency "
                        + shown(frequencyPenalty) + ", last " + window(repeatLastN) + ")";
            case DRY ->
                "dry (multiplier " + shown(dryMultiplier) + ", base " + shown(dryBase) + ", allowed length "
                        + dryAllowedLength + ", last " + window(dryPenaltyLastN) + ")";
            case TOP_N_SIGMA -> "top-n-sigma " + shown(topNSigma);
            case TOP_K -> "top-k " + topK;
            case TYPICAL_P -> "typical-p " + shown(typicalP);
            case TOP_P -> "top-p " + shown(topP);
            case MIN_P -> "min-p " + shown(minP);
            case XTC -> "xtc (probability " + shown(xtcProbability) + ", threshold " + shown(xtcThreshold) + ")";
            case TEMPERATURE ->
                "temp " + shown(temperature)
                        + (temperature > 0 && dynatempRange > 0
                                ? " +- " + shown(dynatempRange) + " (exponent " + shown(dynatempExponent) + ")"
                                : "");
        };
    }

    private static String window(int lastN) {
        return lastN < 0 ? "all" : String.valueOf(lastN);
    }

    /** Collects the options; each setter names its range and, in brackets, its default, which is llama.cpp's. */
    public static final class Builder {
        private long seed;
        private List<SamplerType> samplers = SamplerType.defaultOrder();
        private float temperature = 0.8f;
        private float dynatempRange;
        private float dynatempExponent = 1;
        private float topNSigma;
        private int topK = 40;
        private float typicalP = 1;
        private float topP = 0.95f;
        private float minP = 0.05f;
        private float xtcProbability;
        private float xtcThreshold = 0.1f;
        private int repeatLastN = 64;
        private float repeatPenalty = 1;
        private float presencePenalty;
        private float frequencyPenalty;
        private float dryMultiplier;
        private float dryBase = 1.75f;
        private int dryAllowedLength = 2;
        private int dryPenaltyLastN = -1;
        private List<String> drySequenceBreakers = DEFAULT_BREAKERS;
        private int mirostat;
        private float mirostatTau = 5;
        private float mirostatEta = 0.1f;
        private List<LogitBias> logitBias = List.of();
        private Optional<Grammar> grammar = Optional.empty();

        private Builder() {}

        /** Any [0]. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** Each at most once [{@link SamplerType#defaultOrder}]. */
        public Builder samplers(List<SamplerType> value) {
            samplers = value;
            return this;
        }

        /** 0 to 100 [0.8]. */
        public Builder temperature(float value) {
            temperature = value;
            return this;
        }

        /** 0 to 100 [0]. */
        public Builder dynatempRange(float value) {
            dynatempRange = value;
            return this;
        }

        /** Above 0, at most 100 [1]. */
        public Builder dynatempExponent(float value) {
            dynatempExponent = value;
            return this;
        }

        /** 0 to 100 [0]. */
        public Builder topNSigma(float value) {
            topNSigma = value;
            return this;
        }

        /** At least 0 [40]. */
        public Builder topK(int value) {
            topK = value;
            return this;
        }

        /** 0 to 1 [1]. */
        public Builder typicalP(float value) {
            typicalP = value;
            return this;
        }

        /** 0 to 1 [0.95]. */
        public Builder topP(float value) {
            topP = value;
            return this;
        }

        /** 0 to 1 [0.05]. */
        public Builder minP(float value) {
            minP = value;
            return this;
        }

        /** 0 to 1 [0]. */
        public Builder xtcProbability(float value) {
            xtcProbability = value;
            return this;
        }

        /** 0 to 1 [0.1]. */
        public Builder xtcThreshold(float value) {
            xtcThreshold = value;
            return this;
        }

        /** At least -1 [64]. */
        public Builder repeatLastN(int value) {
            repeatLastN = value;
            return this;
        }

        /** Above 0, at most 100 [1]. */
        public Builder repeatPenalty(float value) {
            repeatPenalty = value;
            return this;
        }

        /** -100 to 100 [0]. */
        public Builder presencePenalty(float value) {
            presencePenalty = value;
            return this;
        }

        /** -100 to 100 [0]. */
        public Builder frequencyPenalty(float value) {
            frequencyPenalty = value;
            return this;
        }

        /** 0 to 100 [0]. */
        public Builder dryMultiplier(float value) {
            dryMultiplier = value;
            return this;
        }

        /** 1 to 100 [1.75]. */
        public Builder dryBase(float value) {
            dryBase = value;
            return this;
        }

        /** At least 0 [2]. */
        public Builder dryAllowedLength(int value) {
            dryAllowedLength = value;
            return this;
        }

        /** At least -1 [-1]. */
        public Builder dryPenaltyLastN(int value) {
            dryPenaltyLastN = value;
            return this;
        }

        /** None of them empty [{@link #DEFAULT_BREAKERS}]. */
        public Builder drySequenceBreakers(List<String> value) {
            drySequenceBreakers = value;
            return this;
        }

        /** 0 or 2 [0]. */
        public Builder mirostat(int value) {
            mirostat = value;
            return this;
        }

        /** Above 0, at most 100 [5]. */
        public Builder mirostatTau(float value) {
            mirostatTau = value;
            return this;
        }

        /** 0 to 10 [0.1]. */
        public Builder mirostatEta(float value) {
            mirostatEta = value;
            return this;
        }

        /** Any number [none]. */
        public Builder logitBias(List<LogitBias> value) {
            logitBias = value;
            return this;
        }

        /** Any [none]; the generation ends where it does. */
        public Builder grammar(Grammar value) {
            grammar = Optional.of(value);
            return this;
        }

        /** @throws IllegalArgumentException if a value is out of its range; the message names it */
        public SamplingOptions build() {
            return new SamplingOptions(
                    seed,
                    samplers,
                    temperature,
                    dynatempRange,
                    dynatempExponent,
                    topNSigma,
                    topK,
                    typicalP,
                    topP,
                    minP,
                    xtcProbability,
                    xtcThreshold,
                    repeatLastN,
                    repeatPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    dryMultiplier,
                    dryBase,
                    dryAllowedLength,
                    dryPenaltyLastN,
                    drySequenceBreakers,
                    mirostat,
                    mirostatTau,
                    mirostatEta,
                    logitBias,
                    grammar);
        }
    }
}
