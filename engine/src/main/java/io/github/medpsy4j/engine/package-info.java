/**
 * The library: models, sessions, chat, tools, embeddings.
 *
 * <p>{@link io.github.medpsy4j.engine.Model} is where all begins. A {@link io.github.medpsy4j.engine.Chat} converses, a
 * {@link io.github.medpsy4j.engine.Scheduler} answers many at a time, a {@link io.github.medpsy4j.engine.Session} is tokens
 * and logits, and {@link io.github.medpsy4j.engine.Model#embed} makes vectors of texts.
 *
 * <p><b>Threads.</b> A model, a scheduler and its {@link io.github.medpsy4j.engine.Completion}s may be used by any number of
 * threads, virtual ones too; records and options are immutable. A session, chat or generator belongs to one thread at a
 * time; listeners run on the thread that asked for the work, and may not use the session that they hear of. What is
 * computed is computed batch by batch on the model's own threads, one batch at a time for all who share the model, in the
 * order in which they ask. Nothing that is computed depends on the number of threads or on who else is computing.
 *
 * <p><b>Stopping.</b> A listener that returns false ends a generation, {@link io.github.medpsy4j.engine.Completion#cancel} a
 * request, a {@link io.github.medpsy4j.engine.Progress} that returns false a prompt or a loading, within the batch that is
 * being computed. {@code close} may be called by any thread and any number of times; use after it is an {@link
 * java.lang.IllegalStateException}.
 *
 * <p><b>Speed.</b> The JVM must be started with {@code --add-modules jdk.incubator.vector}. Without it everything works, many
 * times slower, and {@link io.github.medpsy4j.engine.LoadOptions#log} is told, or else {@link java.lang.System.Logger}, once.
 * Nothing else is ever printed or logged.
 */
package io.github.medpsy4j.engine;
