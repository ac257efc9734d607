/**
 * Spring AI's {@code ChatModel} and {@code EmbeddingModel} on a {@link io.github.medpsy4j.engine.Scheduler}: no server, no
 * connection, several callers at a time in one batch.
 */
package io.github.medpsy4j.springai;
