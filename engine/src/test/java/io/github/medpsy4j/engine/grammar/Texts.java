package io.github.medpsy4j.engine.grammar;

import io.github.medpsy4j.engine.Vocabularies;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Whole texts against grammars, and the tokenizer of the tiny models. */
final class Texts {
    /** Byte-level, 1,024 tokens, the last of them special. */
    static final Tokenizer TINY = tiny();

    private Texts() {}

    static boolean matches(Grammar grammar, String text) {
        Automaton automaton = new Automaton(grammar.program());
        Automaton.State state = automaton.start();
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            state = automaton.step(state, each & 0xFF);
        }
        return state.isComplete;
    }

    private static Tokenizer tiny() {
        try (GgufFile file = GgufFile.open(
                Path.of(Texts.class.getResource("/golden/tiny/tiny-q4_k_m.gguf").toURI()))) {
            return Vocabularies.tokenizer(file);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
