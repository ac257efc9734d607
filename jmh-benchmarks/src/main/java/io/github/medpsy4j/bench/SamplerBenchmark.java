package io.github.medpsy4j.bench;

import io.github.medpsy4j.engine.sampling.Sampler;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Microseconds to draw one token from 151,936 logits, by chain of samplers, after a history of 2,000 tokens. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
public class SamplerBenchmark {
    private static final int VOCABULARY = 151_936;
    private static final int HISTORY = 2_000;

    @Param({
        "greedy",
        "medpsy",
        "defaults",
        "min-p",
        "top-p",
        "typical-p",
        "top-n-sigma",
        "xtc",
        "plain",
        "dynatemp",
        "penalties",
        "dry",
        "mirostat"
    })
    private String chain;

    private final float[] logits = new float[VOCABULARY];
    private final int[] history = new int[HISTORY];
    private Sampler sampler;

    @Setup
    public void setUp() {
        Random random = new Random(1);
        for (int i = 0; i < VOCABULARY; i++) {
            logits[i] = (float) (3 * random.nextGaussian());
        }
        for (int i = 0; i < HISTORY; i++) {
            history[i] = random.nextInt(200);
        }
        SamplingOptions.Builder plain =
                SamplingOptions.builder().topK(0).topP(1).minP(0).drySequenceBreakers(List.of());
        SamplingOptions.Builder medpsy = SamplingOptions.builder()
                .temperature(0.6f)
                .topK(20)
                .topP(0.95f)
                .minP(0)
                .drySequenceBreakers(List.of());
        SamplingOptions options = switch (chain) {
            case "greedy" -> SamplingOptions.greedy();
            case "medpsy" -> medpsy.build();
            case "defaults" -> SamplingOptions.defaults(1);
            case "min-p" -> plain.minP(0.05f).build();
            case "top-p" -> plain.topP(0.95f).build();
            case "typical-p" -> plain.typicalP(0.95f).build();
            case "top-n-sigma" -> plain.topNSigma(1).build();
            case "xtc" -> plain.xtcProbability(0.5f).build();
            case "plain" -> plain.build();
            case "dynatemp" -> plain.dynatempRange(0.5f).build();
            case "penalties" -> medpsy.repeatPenalty(1.1f).repeatLastN(-1).build();
            case "dry" -> medpsy.dryMultiplier(0.8f).build();
            case "mirostat" -> plain.mirostat(2).build();
            default -> throw new IllegalArgumentException(chain);
        };
        sampler = new Sampler(options, VOCABULARY);
    }

    @Benchmark
    public int sample() {
        return sampler.sample(logits, 0, history, HISTORY);
    }
}
