/**
 * The catalogue of models: known files; pull, verify, list, remove.
 *
 * <p>{@link io.github.medpsy4j.models.Catalogue} says what exists, {@link io.github.medpsy4j.models.ModelStore} what is
 * on this machine, {@link io.github.medpsy4j.models.Puller} brings the one into the other, and
 * {@link io.github.medpsy4j.models.Obtainer} turns a name into the path of a file that is there. Nothing here prints,
 * exits, or reads the process's environment by itself.
 */
package io.github.medpsy4j.models;
