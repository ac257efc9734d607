package io.github.medpsy4j.engine.sampling;

import io.github.medpsy4j.engine.grammar.Constraint;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Draws tokens from logits. Holds the memory it needs, so a draw allocates nothing, but where the penalties' or DRY's
 * window has grown, and with a grammar. Ties between equal logits go to the smaller id. NaN counts as negative infinity; where no token has
 * a greater logit, the first is drawn. Not thread-safe: a sampler belongs to one generation.
 */
public final class Sampler {
    private final SamplingOptions options;
    private final SplittableRandom random;
    private final int vocabulary;
    private final boolean isPlainArgmax;
    private final List<SamplerType> chain;
    private final Candidates candidates;
    private final Penalties penalties;
    private final Dry dry;
    private final int[] biased;
    private final float[] biases; // [vocabulary], where there are any
    private final Candidates.Adjustment bias = this::bias;
    private final Tokenizer tokenizer; // null if none was at hand
    private final float[] masked; // [vocabulary], where there is a grammar
    private Constraint constraint; // null for none
    /** How much of the history the constraint has followed; -1 before the first draw, when all of it is the prompt. */
    private int followed;

    private double mirostatSurpriseMax;

    /**
     * A sampler of a tokenizer's vocabulary.
     *
     * @throws IllegalArgumentException if a biased token is not in the vocabulary, or a grammar's text could not end
     */
    public Sampler(SamplingOptions options, Tokenizer tokenizer) {
        this(
                options,
                tokenizer.vocabulary().size(),
                biases(options, tokenizer),
                options.acts(SamplerType.DRY)
                        ? SequenceBreakers.of(options.drySequenceBreakers(), tokenizer)
                        : SequenceBreakers.none(),
                tokenizer);
    }

    /**
     * A sampler where no tokenizer is at hand.
     *
     * @param vocabulary the length of the logits
     * @throws IllegalArgumentException if a setting needs to know the tokens' texts, or a biased token is not in the
     *     vocabulary
     */
    public Sampler(SamplingOptions options, int vocabulary) {
        this(options, vocabulary, biases(options, vocabulary), SequenceBreakers.none(), null);
        if (options.grammar().isPresent()) {
            throw new IllegalArgumentException("grammar: expected none without a tokenizer");
        }
        if (options.acts(SamplerType.DRY) && !options.drySequenceBreakers().isEmpty()) {
            throw new IllegalArgumentException("dry-sequence-breaker: expected none without a tokenizer, got "
                    + options.drySequenceBreakers().size());
        }
    }

    private Sampler(
            SamplingOptions options,
            int vocabulary,
            Map<Integer, Float> bias,
            SequenceBreakers breakers,
            Tokenizer tokenizer) {
        this.options = options;
        this.random = new SplittableRandom(options.seed());
        this.vocabulary = vocabulary;
        chain = options.samplers().stream().filter(options::acts).toList();
        penalties = chain.contains(SamplerType.PENALTIES) ? new Penalties(options, vocabulary) : null;
        dry = chain.contains(SamplerType.DRY) ? new Dry(options, vocabulary, breakers) : null;
        isPlainArgmax = options.isGreedy() && bias.isEmpty() && penalties == null && dry == null;
        candidates = new Candidates(isPlainArgmax ? 0 : vocabulary, options.isGreedy());
        if (chain.contains(SamplerType.TYPICAL_P)) {
            candidates.prepareTypical();
        }
        biased = bias.keySet().stream().mapToInt(id -> id).toArray();
        biases = new float[bias.isEmpty() ? 0 : vocabulary];
        bias.forEach((id, value) -> biases[id] = value);
        mirostatSurpriseMax = 2 * options.mirostatTau();
        this.tokenizer = tokenizer;
        masked = new float[options.grammar().isPresent() ? vocabulary : 0];
        begin();
    }

    /** Starts another generation; draws go on where they were. */
    public void begin() {
        constraint =
                options.grammar().map(grammar -> grammar.constraint(tokenizer)).orElse(null);
        followed = -1;
    }

    private static Map<Integer, Float> biases(SamplingOptions options, int vocabulary) {
        options.checkTokens(vocabulary);
        Map<Integer, Float> sums = new LinkedHashMap<>();
        for (LogitBias each : options.logitBias()) {
            if (each.token() < 0) {
                throw new IllegalArgumentException(
                        "logit-bias: expected token ids without a tokenizer, got '" + each.text() + "'");
            }
            sums.merge(each.token(), each.bias(), Float::sum);
        }
        return sums;
    }

    private static Map<Integer, Float> biases(SamplingOptions options, Tokenizer tokenizer) {
        options.checkTokens(tokenizer.vocabulary().size());
        Map<Integer, Float> sums = new LinkedHashMap<>();
        for (LogitBias each : options.logitBias()) {
            if (each.token() >= 0) {
                sums.merge(each.token(), each.bias(), Float::sum);
                continue;
            }
            Arrays.stream(tokenizer.encodeWithSpecials(each.text()))
                    .distinct()
                    .forEach(id -> sums.merge(id, each.bias(), Float::sum));
        }
        return sums;
    }

    /**
     * Draws a token. With a grammar, what was in the history at the first draw is its prompt, and what has been added
     * since, drawn or not, is the text that the grammar is about.
     *
     * @param source [vocabulary] logits, starting at {@code offset}; not changed
     * @param history the tokens so far
     * @param historyLength how many of them count
     * @throws IllegalArgumentException if the history does not follow the grammar, or no token of the vocabulary does
     */
    public int sample(float[] source, int offset, int[] history, int historyLength) {
        return constraint == null
                ? draw(source, offset, history, historyLength)
                : drawConstrained(source, offset, history, historyLength);
    }

    /** Most tokens follow the grammar anyway: only where the one that was drawn does not, all others are looked at. */
    private int drawConstrained(float[] source, int offset, int[] history, int historyLength) {
        if (followed < 0) {
            constraint.begin(history, historyLength);
            followed = historyLength;
        }
        while (followed < historyLength) {
            constraint.accept(history[followed++]);
        }
        if (constraint.mustEnd()) {
            return constraint.endToken();
        }
        double surpriseMax = mirostatSurpriseMax;
        int free = draw(source, offset, history, historyLength);
        if (constraint.accepts(free)) {
            return free;
        }
        mirostatSurpriseMax = surpriseMax;
        System.arraycopy(source, offset, masked, 0, vocabulary);
        int some = constraint.mask(masked);
        int drawn = draw(masked, 0, history, historyLength);
        // Biases may ban all that the grammar allows, and a broken model all there is.
        return constraint.accepts(drawn) ? drawn : some;
    }

    private int draw(float[] source, int offset, int[] history, int historyLength) {
        if (isPlainArgmax) {
            return Candidates.argmax(source, offset, vocabulary);
        }
        choose(source, offset, history, historyLength);
        if (options.isGreedy()) {
            return candidates.best();
        }
        return options.mirostat() == 2 ? drawByMirostat() : candidates.draw(random);
    }

    /** The candidates that the chain leaves, before mirostat and the draw. */
    Candidates choose(float[] source, int offset, int[] history, int historyLength) {
        candidates.load(source, offset);
        if (biased.length > 0) {
            candidates.adjust(biased, biased.length, bias);
        }
        for (int i = 0; i < chain.size(); i++) {
            apply(chain.get(i), history, historyLength);
        }
        return candidates;
    }

    private void apply(SamplerType type, int[] history, int historyLength) {
        switch (type) {
            case PENALTIES -> penalties.apply(candidates, history, historyLength);
            case DRY -> dry.apply(candidates, history, historyLength);
            case TOP_N_SIGMA -> candidates.keepWithinSigmas(options.topNSigma());
            case TOP_K -> candidates.keepBest(options.topK());
            case TYPICAL_P -> candidates.keepTypical(options.typicalP());
            case TOP_P -> candidates.keepMass(options.topP());
            case MIN_P -> candidates.keepNearBest(options.minP());
            case XTC -> {
                if (random.nextDouble() < options.xtcProbability()) {
                    candidates.excludeTopChoices(options.xtcThreshold());
                }
            }
            case TEMPERATURE -> heat();
        }
    }

    private void heat() {
        float t = options.temperature();
        float range = options.dynatempRange();
        if (options.isGreedy()) {
            return; // the best of all follows
        }
        if (range > 0) {
            candidates.heatByEntropy(Math.max(0, t - range), t + range, options.dynatempExponent());
        } else {
            candidates.heat(t);
        }
    }

    /** Mirostat 2.0 (Basu et al., 2021, arXiv:2007.14966, algorithm 2 without its estimate of s). */
    private int drawByMirostat() {
        candidates.keepExpected(mirostatSurpriseMax);
        int id = candidates.draw(random);
        mirostatSurpriseMax -= options.mirostatEta() * (candidates.surprise(id) - options.mirostatTau());
        return id;
    }

    private float bias(int id, float logit) {
        return logit + biases[id];
    }
}
