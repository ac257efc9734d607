package io.github.medpsy4j.engine.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * The samplers once more, from their definitions and with no thought of speed: lists of tokens in doubles, sorted and
 * normalised anew at each step.
 */
final class ReferenceSampler {
    private record Token(int id, double logit) {}

    @FunctionalInterface
    private interface Change {
        double of(int id, double logit);
    }

    private final SamplingOptions o;
    private List<Token> tokens = new ArrayList<>();

    private ReferenceSampler(SamplingOptions options, float[] logits) {
        o = options;
        for (int id = 0; id < logits.length; id++) {
            if (logits[id] > Float.NEGATIVE_INFINITY) {
                tokens.add(new Token(id, logits[id]));
            }
        }
    }

    /** The probability of each token; sequence breakers are not known here. */
    static double[] probabilities(SamplingOptions options, float[] logits, int[] history) {
        ReferenceSampler r = new ReferenceSampler(options, logits);
        for (LogitBias each : options.logitBias()) {
            r.change((id, logit) -> id == each.token() ? logit + each.bias() : logit);
        }
        for (SamplerType type : options.samplers()) {
            r.apply(type, history);
        }
        double[] p = new double[logits.length];
        List<Double> softmax = r.softmax();
        for (int i = 0; i < r.tokens.size(); i++) {
            p[r.tokens.get(i).id] = softmax.get(i);
        }
        return p;
    }

    private void apply(SamplerType type, int[] history) {
        switch (type) {
            case PENALTIES -> penalties(last(history, o.repeatLastN()));
            case DRY -> dry(last(history, o.dryPenaltyLastN()));
            case TOP_N_SIGMA -> {
                if (o.topNSigma() > 0) {
                    double mean = logits().average().orElseThrow();
                    double variance =
                            logits().map(x -> (x - mean) * (x - mean)).average().orElseThrow();
                    double least = logits().max().orElseThrow() - o.topNSigma() * Math.sqrt(variance);
                    tokens.removeIf(t -> t.logit < least);
                }
            }
            case TOP_K -> {
                if (o.topK() > 0) {
                    sort();
                    tokens = new ArrayList<>(tokens.subList(0, Math.min(o.topK(), tokens.size())));
                }
            }
            case TYPICAL_P -> typical();
            case TOP_P -> {
                if (o.topP() < 1) {
                    sort();
                    keepUntil(o.topP(), false);
                }
            }
            case MIN_P -> {
                sort();
                List<Double> p = softmax();
                double best = p.getFirst();
                // As good as equal is equal: p is given in floats.
                int kept = (int) p.stream()
                        .filter(x -> x >= best * o.minP() * (1 - 1e-6))
                        .count();
                tokens = new ArrayList<>(tokens.subList(0, kept));
            }
            case XTC -> {
                if (o.xtcProbability() > 0) {
                    sort();
                    int choices = (int) softmax().stream()
                            .filter(p -> p >= o.xtcThreshold())
                            .count();
                    tokens = new ArrayList<>(tokens.subList(Math.max(0, choices - 1), tokens.size()));
                }
            }
            case TEMPERATURE -> {
                double t = o.temperature();
                if (o.dynatempRange() > 0 && tokens.size() > 1) {
                    double low = Math.max(0, t - o.dynatempRange());
                    double high = t + o.dynatempRange();
                    double share = entropy() / Math.log(tokens.size());
                    t = low + (high - low) * Math.pow(share, o.dynatempExponent());
                }
                double divisor = t;
                change((id, logit) -> logit / divisor);
            }
        }
    }

    private void penalties(int[] recent) {
        change((id, x) -> {
            long count = Arrays.stream(recent).filter(each -> each == id).count();
            double repeated = x > 0 ? x / o.repeatPenalty() : x * o.repeatPenalty();
            return count == 0 ? x : repeated - count * o.frequencyPenalty() - o.presencePenalty();
        });
    }

    /** Each earlier place is compared with the end, token by token. */
    private void dry(int[] recent) {
        if (o.dryMultiplier() == 0 || recent.length <= o.dryAllowedLength()) {
            return;
        }
        int end = recent.length;
        change((id, x) -> {
            int longest = -1;
            for (int at = 1; at < end; at++) {
                int n = 0;
                while (recent[at] == id && n < at && recent[at - 1 - n] == recent[end - 1 - n]) {
                    n++;
                }
                longest = recent[at] == id ? Math.max(longest, n) : longest;
            }
            boolean isPenalised = longest >= o.dryAllowedLength();
            return isPenalised ? x - o.dryMultiplier() * Math.pow(o.dryBase(), longest - o.dryAllowedLength()) : x;
        });
    }

    private void typical() {
        if (o.typicalP() < 1) {
            double entropy = entropy();
            double total = Math.log(logits().map(Math::exp).sum());
            tokens.sort(Comparator.comparingDouble(t -> Math.abs(total - t.logit - entropy)));
            keepUntil(o.typicalP(), true);
        }
    }

    private void keepUntil(double mass, boolean isBeyond) {
        List<Double> p = softmax();
        double sum = 0;
        for (int i = 0; i < p.size(); i++) {
            sum += p.get(i);
            if (isBeyond ? sum > mass : sum >= mass) {
                tokens = new ArrayList<>(tokens.subList(0, i + 1));
                return;
            }
        }
    }

    private double entropy() {
        return softmax().stream()
                .filter(p -> p > 0)
                .mapToDouble(p -> -p * Math.log(p))
                .sum();
    }

    private DoubleStream logits() {
        return tokens.stream().mapToDouble(Token::logit);
    }

    private List<Double> softmax() {
        double max = logits().max().orElseThrow();
        double total = logits().map(x -> Math.exp(x - max)).sum();
        return tokens.stream().map(t -> Math.exp(t.logit - max) / total).toList();
    }

    private void sort() {
        tokens.sort(Comparator.comparingDouble(Token::logit).reversed().thenComparingInt(Token::id));
    }

    private void change(Change change) {
        tokens.replaceAll(t -> new Token(t.id, change.of(t.id, t.logit)));
        tokens.removeIf(t -> t.logit == Double.NEGATIVE_INFINITY);
    }

    private static int[] last(int[] history, int n) {
        return n < 0 || n >= history.length ? history : Arrays.copyOfRange(history, history.length - n, history.length);
    }
}
