package io.github.medpsy4j.models;

/**
 * The sampling setting that a model's publisher evaluated it with.
 *
 * @param temperature divides the logits; above 0
 * @param topK how many of the most probable tokens are kept
 * @param topP the least probability mass that is kept, in (0, 1]
 */
public record SamplingDefaults(double temperature, int topK, double topP) {}
