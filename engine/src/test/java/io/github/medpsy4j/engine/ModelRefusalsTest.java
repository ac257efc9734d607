package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.gguf.GgmlType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the engine cannot run it refuses with one message that names it. */
class ModelRefusalsTest {
    private static final LoadOptions OPTIONS = LoadOptions.defaults().withThreads(1);

    @TempDir
    Path folder;

    private static SmallModel llama() {
        return new SmallModel("llama");
    }

    private Model load(SmallModel small) throws IOException {
        return Model.load(small.writeTo(folder.resolve("model.gguf")), OPTIONS);
    }

    /** The message after the file's path. */
    private String refusal(SmallModel small) throws IOException {
        return refusal(small, OPTIONS);
    }

    private String refusal(SmallModel small, LoadOptions options) throws IOException {
        Path file = small.writeTo(folder.resolve("model.gguf"));
        String message = assertThrows(
                        IOException.class, () -> Model.load(file, options).close())
                .getMessage();
        assertTrue(message.startsWith(file + ": "), message);
        return message.substring(file.toString().length() + 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen2"})
    void theModelsThatAreBrokenBelowRunWhole(String architecture) throws IOException {
        try (Model model = load(new SmallModel(architecture));
                Session session = model.session()) {
            session.append(0, 1, 2);
            assertEquals(SmallModel.VOCABULARY, session.logits().length);
            for (float logit : session.logits()) {
                assertTrue(Float.isFinite(logit) && logit != 0);
            }
        }
    }

    @Test
    void anUnknownArchitecture() throws IOException {
        assertEquals(
                "unsupported architecture; expected one of llama, qwen2, qwen3, got 'mamba'",
                refusal(new SmallModel("mamba")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "embedding_length",
                "block_count",
                "feed_forward_length",
                "attention.head_count",
                "context_length",
                "attention.layer_norm_rms_epsilon"
            })
    void aMissingKey(String key) throws IOException {
        String message = refusal(llama().without("llama." + key));
        String expected = key.endsWith("epsilon") ? "a float" : "an integer";
        assertEquals("key llama." + key + " is missing; expected " + expected + ", got nothing", message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "token_embd.weight",
                "output_norm.weight",
                "blk.0.attn_q.weight",
                "blk.0.ffn_down.weight",
                "blk.0.attn_norm.weight"
            })
    void aMissingTensor(String name) throws IOException {
        assertEquals("missing tensor '" + name + "'", refusal(llama().without(name)));
    }

    @Test
    void missingHeadNormsOfQwen3() throws IOException {
        assertEquals("missing tensor 'blk.0.attn_q_norm.weight'", refusal(new SmallModel("qwen3")));
    }

    @Test
    void aTensorOfTheWrongShape() throws IOException {
        assertEquals(
                "tensor 'blk.0.attn_k.weight': expected shape [32, 16], got [32, 15]",
                refusal(llama().floats("blk.0.attn_k.weight", 32, 15)));
        assertEquals(
                "tensor 'blk.0.attn_norm.weight': expected shape [32], got [16]",
                refusal(llama().floats("blk.0.attn_norm.weight", 16)));
        assertEquals(
                "tensor 'token_embd.weight': expected shape [32, 6], got [16, 6]",
                refusal(llama().floats("token_embd.weight", 16, 6)));
    }

    @Test
    void aTensorThatHasNoPlace() throws IOException {
        assertEquals(
                "tensor 'blk.0.attn_q_norm.weight' has no place in architecture 'llama' as this engine computes it;"
                        + " ignoring it could give wrong answers",
                refusal(llama().floats("blk.0.attn_q_norm.weight", 16)));
        assertEquals(
                "tensor 'blk.1.attn_norm.weight' has no place in architecture 'llama' as this engine computes it;"
                        + " ignoring it could give wrong answers",
                refusal(llama().floats("blk.1.attn_norm.weight", 32)));
    }

    @Test
    void aTensorOfAnUnsupportedType() throws IOException {
        assertEquals(
                "tensor 'output.weight': unsupported type MXFP4",
                refusal(llama().tensor("output.weight", GgmlType.MXFP4, new byte[6 * 17], 32, 6)));
        assertEquals(
                "tensor 'output.weight': unsupported type IQ1_S",
                refusal(llama().integer("embedding_length", 256)
                        .floats("token_embd.weight", 256, 6)
                        .floats("output_norm.weight", 256)
                        .floats("blk.0.attn_norm.weight", 256)
                        .integer("attention.key_length", 16)
                        .integer("attention.value_length", 16)
                        .floats("blk.0.attn_q.weight", 256, 32)
                        .floats("blk.0.attn_k.weight", 256, 16)
                        .floats("blk.0.attn_v.weight", 256, 16)
                        .floats("blk.0.attn_output.weight", 32, 256)
                        .floats("blk.0.ffn_norm.weight", 256)
                        .floats("blk.0.ffn_gate.weight", 256, 32)
                        .floats("blk.0.ffn_up.weight", 256, 32)
                        .floats("blk.0.ffn_down.weight", 32, 256)
                        .tensor("output.weight", GgmlType.IQ1_S, new byte[6 * 50], 256, 6)));
        assertEquals(
                "tensor 'output_norm.weight': expected type F32, F16 or BF16, got Q8_0",
                refusal(llama().tensor("output_norm.weight", GgmlType.Q8_0, new byte[34], 32)));
    }

    @ParameterizedTest
    @CsvSource({"expert_count, 8", "attention.sliding_window, 4096", "attention.alibi_bias_max, 8"})
    void whatItWouldHaveToCompute(String key, int value) throws IOException {
        assertEquals(
                "llama." + key + " = " + value + ": this engine does not compute it; expected the key absent or 0",
                refusal(llama().integer(key, value)));
        load(llama().integer(key, 0)).close();
    }

    @Test
    void softCappedLogits() throws IOException {
        assertEquals(
                "llama.final_logit_softcapping = 30.0: this engine does not compute it; expected the key absent or 0",
                refusal(llama().real("final_logit_softcapping", 30)));
    }

    @Test
    void ropeScalingOfAnotherKind() throws IOException {
        assertEquals(
                "llama.rope.scaling.type: unsupported; expected none, linear or yarn, got 'longrope'",
                refusal(llama().string("llama.rope.scaling.type", "longrope")));
        assertEquals(
                "llama.rope.scaling.factor: expected a positive number, got 0.0",
                refusal(llama().string("llama.rope.scaling.type", "linear").real("rope.scaling.factor", 0)));
        assertEquals(
                "llama.rope.freq_base: expected a positive number, got -1.0",
                refusal(llama().real("rope.freq_base", -1)));
        assertEquals(
                "llama.rope.dimension_count: turning part of a head is unsupported; expected the head's 16, got 8",
                refusal(llama().integer("rope.dimension_count", 8)));
    }

    @Test
    void headsThatDoNotFit() throws IOException {
        assertEquals(
                "llama.attention.head_count: expected a multiple of head_count_kv = 2, got 3",
                refusal(llama().integer("attention.head_count", 3).integer("attention.head_count_kv", 2)));
        assertEquals(
                "llama.attention: expected key_length = value_length, a multiple of 16, got 16 and 32",
                refusal(llama().integer("attention.value_length", 32)));
        assertEquals(
                "llama.attention: expected key_length = value_length, a multiple of 16, got 8 and 8",
                refusal(llama().integer("attention.key_length", 8)));
    }

    @Test
    void aVocabularyLargerThanTheEmbedding() throws IOException {
        assertEquals(
                "the vocabulary has 6 tokens, tensor 'token_embd.weight' has 5 rows",
                refusal(llama().floats("token_embd.weight", 32, 5)));
        try (Model model = load(llama().floats("token_embd.weight", 32, 7));
                Session session = model.session()) {
            assertEquals(7, model.vocabularySize());
            session.append(6);
            Generator generator =
                    new Generator(session, SamplingOptions.defaults(1).withRepeatPenalty(1.1f));
            int drawn =
                    generator.generate(new int[] {6, 0}, 3, token -> token < 6).generatedTokens();
            assertTrue(drawn >= 1 && drawn <= 3);
        }
    }

    @Test
    void aVocabularyWithoutMerges() throws IOException {
        assertEquals(
                "tokenizer.ggml.merges: missing; byte-level BPE needs merges",
                refusal(llama().without("tokenizer.ggml.merges")));
    }

    @Test
    void anUnknownPreTokenizer() throws IOException {
        String message = refusal(llama().string("tokenizer.ggml.pre", "klingon"));
        assertTrue(message.startsWith("tokenizer.ggml.pre: unknown pre-tokenizer; expected one of "), message);
        assertTrue(message.endsWith(", got \"klingon\""), message);
    }

    @Test
    void aContextBeyondTheModels() throws IOException {
        assertEquals("context: expected at most the model's 64, got 65", refusal(llama(), OPTIONS.withContext(65)));
        try (Model model = load(llama())) {
            assertEquals(64, model.context());
        }
    }

    @Test
    void loadOptionsOutOfRange() {
        assertEquals(
                "threads: expected 0 to 1024, got -1",
                assertThrows(IllegalArgumentException.class, () -> OPTIONS.withThreads(-1))
                        .getMessage());
        assertEquals(
                "context: expected at least 0, got -1",
                assertThrows(IllegalArgumentException.class, () -> OPTIONS.withContext(-1))
                        .getMessage());
    }

    @Test
    void aPromptLongerThanTheContext() throws IOException {
        try (Model model = load(llama());
                Session session = model.session()) {
            session.append(1, 2, 3);
            float[] before = session.logits().clone();
            assertEquals(
                    "the prompt needs 65 tokens, the context holds 64",
                    assertThrows(ContextFullException.class, () -> session.append(new int[62]))
                            .getMessage());
            assertEquals(
                    "the prompt needs 100 tokens, the context holds 64",
                    assertThrows(ContextFullException.class, () -> session.replace(new int[100]))
                            .getMessage());
            assertEquals(3, session.length());
            assertArrayEquals(before, session.logits());
            session.append(new int[61]);
            assertEquals(64, session.length());
        }
    }

    @Test
    void tokensOutsideTheVocabulary() throws IOException {
        try (Model model = load(llama());
                Session session = model.session()) {
            assertEquals(
                    "token 1: expected an id from 0 to 5, got 6",
                    assertThrows(IllegalArgumentException.class, () -> session.append(0, 6))
                            .getMessage());
            assertEquals(
                    "token 0: expected an id from 0 to 5, got -1",
                    assertThrows(IllegalArgumentException.class, () -> session.append(-1))
                            .getMessage());
            assertEquals(0, session.length());
            assertEquals(
                    "the prompt has no tokens",
                    assertThrows(IllegalArgumentException.class, () -> session.replace(new int[0]))
                            .getMessage());
        }
    }

    /** A replacement that is refused leaves the session as it was. */
    @Test
    void aReplacementWithTokensOutsideTheVocabulary() throws IOException {
        try (Model model = load(llama());
                Session session = model.session()) {
            session.append(1, 2, 3);
            float[] before = session.logits().clone();
            assertEquals(
                    "token 1: expected an id from 0 to 5, got 9",
                    assertThrows(IllegalArgumentException.class, () -> session.replace(new int[] {1, 9}))
                            .getMessage());
            assertArrayEquals(new int[] {1, 2, 3}, session.tokens());
            assertArrayEquals(before, session.logits());
        }
    }

    @Test
    void logitsBeforeAnyToken() throws IOException {
        try (Model model = load(llama());
                Session session = model.session()) {
            assertEquals("no logits: append a token first", noLogits(session));
            session.append(1, 2);
            session.truncate(1);
            assertEquals("no logits: append a token first", noLogits(session));
            assertThrows(IndexOutOfBoundsException.class, () -> session.truncate(2));
        }
    }

    private static String noLogits(Session session) {
        return assertThrows(IllegalStateException.class, session::logits).getMessage();
    }

    @Test
    void useAfterClose() throws IOException {
        Model model = load(llama());
        Session session = model.session();
        Session other = model.session();
        session.append(1);
        other.append(1);
        session.close();
        session.close();
        for (Runnable use : List.<Runnable>of(
                () -> session.append(1),
                session::logits,
                () -> session.truncate(0),
                () -> session.replace(new int[] {1}))) {
            assertEquals(
                    "the session is closed",
                    assertThrows(IllegalStateException.class, use::run).getMessage());
        }
        model.close();
        model.close();
        assertEquals(
                "the session is closed",
                assertThrows(IllegalStateException.class, () -> other.append(1)).getMessage());
        assertEquals(
                "the model is closed",
                assertThrows(IllegalStateException.class, model::session).getMessage());
    }

    @Test
    void aConversationWithoutATemplate() throws IOException {
        try (Model model = load(llama())) {
            assertFalse(model.chatTemplate().isPresent());
            try (Chat chat = model.chat(ChatOptions.builder().build())) {
                assertEquals(
                        folder.resolve("model.gguf") + ": the file carries no chat template; use a raw prompt instead",
                        assertThrows(ModelException.class, () -> chat.send("a", token -> true))
                                .getMessage());
                assertEquals(List.of(), chat.messages());
            }
        }
    }

    @Test
    void scalesOfWeightsThatAreNotFinite() throws IOException {
        byte[] blocks = new byte[6 * 34];
        blocks[34] = 0x00;
        blocks[35] = 0x7c; // an infinite half
        String message = refusal(
                llama().tensor("output.weight", GgmlType.Q8_0, blocks, 32, 6),
                OPTIONS.withWeights(LoadOptions.WeightLayout.PACKED));
        assertTrue(message.startsWith("tensor 'output.weight': "), message);
    }
}
