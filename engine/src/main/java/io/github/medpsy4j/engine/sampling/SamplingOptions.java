package io.github.medpsy4j.engine.sampling;

/**
 * How a token is drawn from logits. The steps follow llama.cpp's order: repeat penalty, top-k, top-p, min-p,
 * temperature, draw.
 *
 * @param temperature divides the logits; 0 takes the best token, always
 * @param topK keeps the k best tokens; 0 keeps all
 * @param topP keeps the best tokens until their probabilities add up to p; 1 keeps all
 * @param minP keeps tokens at least p times as probable as the best; 0 keeps all
 * @param repeatPenalty logits of recent tokens are divided by it if positive, multiplied if negative; 1 is none
 * @param repeatWindow how many of the latest tokens are recent; -1 is all of the context
 * @param seed fixes the draws
 */
public record SamplingOptions(
        float temperature, int topK, float topP, float minP, float repeatPenalty, int repeatWindow, long seed) {
    /** Refuses values outside their ranges, by name. */
    public SamplingOptions {
        check("temperature", temperature, 0, 100);
        if (topK < 0) {
            throw new IllegalArgumentException("top-k: expected at least 0, got " + topK);
        }
        check("top-p", topP, 0, 1);
        check("min-p", minP, 0, 1);
        if (!(repeatPenalty > 0 && repeatPenalty <= 100)) {
            throw new IllegalArgumentException(
                    "repeat-penalty: expected above 0 and at most 100, got " + repeatPenalty);
        }
        if (repeatWindow < -1) {
            throw new IllegalArgumentException("repeat-window: expected at least -1, got " + repeatWindow);
        }
    }

    private static void check(String name, float value, float min, float max) {
        if (!(value >= min && value <= max)) {
            throw new IllegalArgumentException(name + ": expected between " + min + " and " + max + ", got " + value);
        }
    }

    /** The best token, always. */
    public static SamplingOptions greedy() {
        return new SamplingOptions(0, 0, 1, 0, 1, 64, 0);
    }

    /** llama.cpp's defaults: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, no penalty. */
    public static SamplingOptions defaults(long seed) {
        return new SamplingOptions(0.8f, 40, 0.95f, 0.05f, 1, 64, seed);
    }

    public SamplingOptions withTemperature(float value) {
        return new SamplingOptions(value, topK, topP, minP, repeatPenalty, repeatWindow, seed);
    }

    public SamplingOptions withTopK(int value) {
        return new SamplingOptions(temperature, value, topP, minP, repeatPenalty, repeatWindow, seed);
    }

    public SamplingOptions withTopP(float value) {
        return new SamplingOptions(temperature, topK, value, minP, repeatPenalty, repeatWindow, seed);
    }

    public SamplingOptions withMinP(float value) {
        return new SamplingOptions(temperature, topK, topP, value, repeatPenalty, repeatWindow, seed);
    }

    public SamplingOptions withRepeatPenalty(float value) {
        return new SamplingOptions(temperature, topK, topP, minP, value, repeatWindow, seed);
    }

    public SamplingOptions withSeed(long value) {
        return new SamplingOptions(temperature, topK, topP, minP, repeatPenalty, repeatWindow, value);
    }
}
