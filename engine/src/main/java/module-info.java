/**
 * The library: models, sessions, chat, sampling. Starts scalar; {@code --add-modules jdk.incubator.vector} makes it
 * fast.
 */
module io.github.medpsy4j.engine {
    requires transitive io.github.medpsy4j.gguf;
    requires transitive io.github.medpsy4j.tokenizer;
    requires static jdk.incubator.vector;
    requires jdk.management;

    exports io.github.medpsy4j.engine;
    exports io.github.medpsy4j.engine.grammar;
    exports io.github.medpsy4j.engine.sampling;
    exports io.github.medpsy4j.engine.template;
}
