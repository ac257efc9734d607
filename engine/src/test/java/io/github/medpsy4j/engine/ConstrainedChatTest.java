package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.sampling.LogitBias;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.tokenizer.Decoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Grammars in conversations and generations of a model with random weights. */
class ConstrainedChatTest {
    private static final Grammar PATIENT = Grammar.ofJsonSchema("""
            {"type": "object", "additionalProperties": false, "required": ["name", "age", "ill"], "properties": {
              "name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
              "ill": {"type": "boolean"}, "since": {"type": "string", "format": "date"}}}""");

    private static SamplingOptions sampling(int seed) {
        return SamplingOptions.builder()
                .temperature(seed == 0 ? 0 : 1)
                .topK(0)
                .seed(seed)
                .grammar(PATIENT)
                .build();
    }

    private static void assertPatient(String text) throws IOException {
        Map<String, Object> patient = JSON.std.mapFrom(text);
        assertTrue(((String) patient.get("name")).codePoints().count() <= 12, text);
        assertTrue((int) patient.get("age") <= 150, text);
        assertTrue(patient.get("ill") instanceof Boolean, text);
    }

    @Test
    void generationsEndAtTheEndOfTheValue() throws IOException {
        try (Model model = TinyModels.load("q4_k_m");
                Session session = model.session()) {
            for (int seed = 0; seed < 4; seed++) {
                Generator generator = new Generator(session, sampling(seed));
                for (int again = 0; again < 2; again++) {
                    Decoder decoder = model.tokenizer().decoder(false, true);
                    StringBuilder text = new StringBuilder();
                    Generation g = generator.generate(new int[] {5, 6, 7}, 0, token -> {
                        text.append(decoder.accept(token));
                        return true;
                    });
                    assertEquals(FinishReason.END, g.finishReason());
                    assertPatient(text.append(decoder.flush()).toString());
                }
            }
        }
    }

    @Test
    void aLimitThatCutsAValueIsTheReason() throws IOException {
        try (Model model = TinyModels.load("q4_k_m");
                Session session = model.session()) {
            Generation g = new Generator(session, sampling(1)).generate(new int[] {5, 6, 7}, 4, token -> true);
            assertEquals(FinishReason.LENGTH, g.finishReason());
            assertEquals(4, g.generatedTokens());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<think>\n", "<think>\n\n</think>\n\n"})
    void aChatMayThinkBeforeTheValue(String opening, @TempDir Path folder) throws IOException, ModelException {
        String template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
                + "<|im_start|>assistant\n" + opening.replace("\n", "{{ '\\n' }}");
        Path file = TinyModels.copyWithTemplate("q4_k_m", template, folder.resolve("think.gguf"));
        try (Model model = Model.load(file, LoadOptions.defaults().withContext(512));
                Chat chat = model.chat(ChatOptions.builder()
                        .sampling(sampling(3))
                        .thinkBudget(20)
                        .build())) {
            for (int i = 0; i < 2; i++) {
                chat.clear();
                Answer answer = chat.send("Who is ill? " + i, token -> true);
                assertEquals(FinishReason.END, answer.generation().finishReason());
                assertPatient(answer.text());
                if (opening.equals("<think>\n")) {
                    assertTrue(!answer.thinking().isEmpty());
                }
            }
        }
    }

    @Test
    void withoutThinkingTheValueComesAtOnce() throws IOException, ModelException {
        try (Model model = TinyModels.load("q4_k_m")) {
            ChatOptions options =
                    ChatOptions.builder().sampling(sampling(3)).think(Think.OFF).build();
            try (Chat chat = model.chat(options)) {
                Answer answer = chat.send("Who is ill?", token -> true);
                assertEquals("", answer.thinking());
                assertPatient(answer.text());
            }
        }
    }

    @Test
    void whatAllBiasesBanComesNeverthelessIfTheGrammarWantsIt() throws IOException {
        try (Model model = TinyModels.load("q4_k_m");
                Session session = model.session()) {
            Grammar yes = Grammar.ofGbnf("root ::= \"yes\"");
            SamplingOptions banned = SamplingOptions.greedy().toBuilder()
                    .grammar(yes)
                    .logitBias(List.of(
                            LogitBias.ofText("y", Float.NEGATIVE_INFINITY),
                            LogitBias.ofText("yes", Float.NEGATIVE_INFINITY)))
                    .build();
            StringBuilder text = new StringBuilder();
            Generation g = new Generator(session, banned).generate(new int[] {5}, 0, token -> {
                text.append(model.tokenizer().decode(new int[] {token}));
                return true;
            });
            assertEquals("yes", text.toString());
            assertEquals(FinishReason.END, g.finishReason());
        }
    }

    @Test
    void forcedTokensThatBreakTheGrammarAreRefused() throws IOException {
        try (Model model = TinyModels.load("q4_k_m");
                Session session = model.session()) {
            Generator generator = new Generator(session, sampling(1));
            int[] count = {0};
            assertThrows(
                    IllegalArgumentException.class,
                    () -> generator.generate(new int[] {5}, 0, token -> {
                        if (count[0]++ == 0) {
                            generator.force(model.tokenizer().encode("xyz"));
                        }
                        return true;
                    }));
        }
    }
}
