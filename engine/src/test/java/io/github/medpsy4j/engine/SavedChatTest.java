package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.engine.ChatOptions.Think;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import io.github.medpsy4j.gguf.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversations and caches on disk, whole, foreign and damaged. */
class SavedChatTest {
    private static Model model;

    @TempDir
    Path folder;

    private Path chatFile;
    private Path cacheFile;
    private final List<String> notices = new ArrayList<>();

    @BeforeAll
    static void load() throws Exception {
        model = TinyModels.load("q4_k_m");
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @BeforeEach
    void paths() {
        chatFile = folder.resolve("test.chat");
        cacheFile = folder.resolve("test.kv");
    }

    private static ChatOptions.Builder options() {
        return ChatOptions.builder().sampling(SamplingOptions.greedy()).maxTokens(12);
    }

    private static Answer send(Chat chat, String text) throws IOException {
        return chat.send(text, token -> true);
    }

    /** Keeps a conversation of two turns; returns what a third one answers. */
    private Answer keep() throws IOException {
        try (Chat chat = model.chat(options().system("Be brief.").build())) {
            send(chat, "Hello");
            send(chat, "And?");
            chat.saved("tiny").write(chatFile);
            chat.saveCache(cacheFile);
            return send(chat, "So?");
        }
    }

    private Chat restored(Model with) throws IOException {
        Chat chat = with.chat(options().build());
        chat.notices(notices::add);
        chat.restore(SavedChat.read(chatFile));
        return chat;
    }

    @Test
    void aConversationGoesOnAsIfItHadNeverStopped() throws Exception {
        Answer expected = keep();
        try (Model other = TinyModels.load("q4_k_m");
                Chat chat = restored(other)) {
            assertTrue(chat.restoreCache(cacheFile));
            Answer answer = send(chat, "So?");
            assertEquals(expected.text(), answer.text());
            assertEquals(
                    expected.generation().reusedTokens(), answer.generation().reusedTokens());
            assertEquals(List.of(), notices);
            assertEquals("Be brief.", chat.options().system());
        }
    }

    @Test
    void aConversationIsReadWithoutItsModel() throws Exception {
        List<ChatMessage> messages = List.of(
                ChatMessage.system("S"), ChatMessage.user("\u00fc \ud83d\ude00\n"), ChatMessage.assistant("b", "c"));
        try (Chat chat = model.chat(options().think(Think.OFF).thinkBudget(77).build())) {
            chat.messages(messages);
            chat.saved("tiny").write(chatFile);
        }
        SavedChat read = SavedChat.read(chatFile);
        assertEquals(messages, read.messages());
        assertEquals(1, read.turns());
        assertEquals("tiny", read.modelName());
        assertEquals(model.identity(), read.modelIdentity());
        assertEquals(Think.OFF, read.think());
        assertEquals(77, read.thinkBudget());
        assertEquals(0, read.forgottenMessages());
        try (Chat chat = restored(model)) {
            assertEquals(Think.OFF, chat.options().think());
            assertEquals(77, chat.options().thinkBudget());
        }
    }

    @Test
    void writingReplacesAFileAndLeavesNothingElse() throws Exception {
        keep();
        keep();
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(chatFile, cacheFile), files.sorted().toList());
        }
    }

    @Test
    void aFileThatCannotBeWrittenIsToldAndTheOldOneStays() throws Exception {
        keep();
        byte[] before = Files.readAllBytes(chatFile);
        Files.createDirectory(folder.resolve("test.chat.part"));
        SavedChat saved = SavedChat.read(chatFile);
        assertThrows(IOException.class, () -> saved.write(chatFile));
        assertArrayEquals(before, Files.readAllBytes(chatFile));
    }

    @Test
    void identitiesTellFilesApart() throws Exception {
        String identity = model.identity();
        assertTrue(identity.matches("[0-9a-f]{64}"), identity);
        Path copy = Files.copy(TinyModels.path("q4_k_m"), folder.resolve("copy.gguf"));
        assertEquals(identity, identityOf(copy));
        assertNotEquals(identity, identityOf(TinyModels.path("q8_0")));
        // The last byte of a tensor, and the metadata.
        byte[] bytes = Files.readAllBytes(copy);
        TensorInfo tensor = model.file().tensors().getLast();
        bytes[(int) (tensor.fileOffset() + tensor.byteSize()) - 1] ^= 1;
        assertNotEquals(identity, identityOf(Files.write(copy, bytes)));
        Path other = TinyModels.copyWithTemplate("q4_k_m", "another", folder.resolve("template.gguf"));
        assertNotEquals(identity, identityOf(other));
    }

    private static String identityOf(Path file) throws IOException {
        try (Model other =
                Model.load(file, LoadOptions.defaults().withContext(16).withThreads(1))) {
            return other.identity();
        }
    }

    @Test
    void aCacheOfAnotherModelIsComputedAnew() throws Exception {
        keep();
        try (Model other = TinyModels.load("q8_0");
                Chat chat = restored(other)) {
            assertFalse(chat.restoreCache(cacheFile));
            assertEquals(
                    List.of(cacheFile + ": of another model; expected this one, got another; the conversation is "
                            + "computed anew"),
                    notices);
            assertEquals(0, send(chat, "So?").generation().reusedTokens());
        }
    }

    @Test
    void aCacheOfOtherKernelsIsComputedAnew() throws Exception {
        keep();
        try (Model other = TinyModels.load("q4_k_m", LoadOptions.defaults().withScalar(true));
                Chat chat = restored(other)) {
            assertFalse(chat.restoreCache(cacheFile));
            assertTrue(
                    notices.getFirst()
                            .startsWith(cacheFile + ": computed by other kernels; expected " + other.kernel() + ", got "
                                    + model.kernel()),
                    notices.getFirst());
        }
    }

    @Test
    void aCacheOfAnotherTypeIsComputedAnew() throws Exception {
        keep();
        try (Model other = TinyModels.load("q4_k_m", LoadOptions.defaults().withKv(LoadOptions.KvType.Q8_0));
                Chat chat = restored(other)) {
            assertFalse(chat.restoreCache(cacheFile));
            assertTrue(
                    notices.getFirst()
                            .startsWith(cacheFile + ": laid out otherwise; expected Q8_0, keys in columns of 64, "),
                    notices.getFirst());
            assertEquals(0, send(chat, "So?").generation().reusedTokens());
        }
    }

    @Test
    void aCacheThatComesOutOtherwiseHereIsComputedAnew() throws Exception {
        keep();
        LoadOptions mapped = LoadOptions.defaults().withWeights(LoadOptions.WeightLayout.MAPPED);
        try (Model other = TinyModels.load("q4_k_m", mapped);
                Chat chat = restored(other)) {
            assertFalse(chat.restoreCache(cacheFile));
            assertTrue(notices.getFirst().contains(": the last position; expected what"), notices.getFirst());
            assertEquals(0, chat.session().length());
            send(chat, "So?");
        }
    }

    @Test
    void aCacheLongerThanTheContextIsComputedAnew() throws Exception {
        keep();
        int tokens;
        try (Session session = model.session()) {
            session.restore(cacheFile);
            tokens = session.length();
        }
        try (Model other = Model.load(
                        TinyModels.path("q4_k_m"), LoadOptions.defaults().withContext(tokens - 1));
                Chat chat = restored(other)) {
            assertFalse(chat.restoreCache(cacheFile));
            assertTrue(
                    notices.getFirst()
                            .contains("the number of tokens; expected 1 to the context's " + (tokens - 1) + ", got "
                                    + tokens),
                    notices.getFirst());
        }
    }

    @Test
    void aSessionIsKeptWithoutAConversation() throws Exception {
        float[] logits;
        try (Session session = model.session()) {
            assertThrows(IllegalStateException.class, () -> session.save(cacheFile));
            session.append(1, 2, 3, 4, 5);
            logits = session.logits().clone();
            session.save(cacheFile);
        }
        try (Session session = model.session()) {
            session.append(7, 8, 9);
            session.restore(cacheFile);
            assertArrayEquals(new int[] {1, 2, 3, 4, 5}, session.tokens());
            assertArrayEquals(logits, session.logits());
        }
    }

    @Test
    void aMissingFileIsNoDamage() {
        assertThrows(NoSuchFileException.class, () -> SavedChat.read(chatFile));
        try (Chat chat = model.chat(options().build())) {
            assertThrows(NoSuchFileException.class, () -> chat.restoreCache(cacheFile));
        }
    }

    @Test
    void everyDamagedByteOfAConversationIsFound() throws Exception {
        keep();
        byte[] whole = Files.readAllBytes(chatFile);
        for (int i = 0; i < whole.length; i++) {
            for (int bit : new int[] {0, 7}) {
                byte[] damaged = whole.clone();
                damaged[i] ^= (byte) (1 << bit);
                refused(damaged, "byte " + i);
            }
        }
        for (int length = 0; length < whole.length; length++) {
            refused(Arrays.copyOf(whole, length), "length " + length);
        }
        refused(Arrays.copyOf(whole, whole.length + 1), "one byte more");
    }

    private void refused(byte[] damaged, String what) throws IOException {
        Files.write(chatFile, damaged);
        SessionFileException e =
                assertThrows(SessionFileException.class, () -> SavedChat.read(chatFile), () -> what + " passed");
        assertTrue(e.getMessage().startsWith(chatFile + ": offset "), e.getMessage());
        assertArrayEquals(damaged, Files.readAllBytes(chatFile), "the file was touched");
    }

    @Test
    void damagedCachesAreComputedAnew() throws Exception {
        keep();
        byte[] whole = Files.readAllBytes(cacheFile);
        try (Chat chat = restored(model);
                Chat without = restored(model)) {
            for (int i = 0; i < whole.length; i += i < 2000 ? 1 : 997) {
                byte[] damaged = whole.clone();
                damaged[i] ^= (byte) 0x80;
                Files.write(cacheFile, damaged);
                notices.clear();
                assertFalse(chat.restoreCache(cacheFile), "byte " + i);
                assertTrue(notices.getFirst().startsWith(cacheFile + ": "), notices.getFirst());
                assertEquals(0, chat.session().length());
            }
            for (int length = 0; length < whole.length; length += 1009) {
                Files.write(cacheFile, Arrays.copyOf(whole, length));
                assertFalse(chat.restoreCache(cacheFile), "length " + length);
            }
            assertEquals(send(without, "So?").text(), send(chat, "So?").text());
        }
    }

    @Test
    void otherVersionsAndFilesAreTold() throws Exception {
        keep();
        byte[] whole = Files.readAllBytes(cacheFile);
        whole[8] = 9;
        Files.write(cacheFile, whole);
        try (Chat chat = restored(model)) {
            chat.restoreCache(cacheFile);
            chat.restoreCache(chatFile);
        }
        assertEquals(
                List.of(
                        cacheFile + ": offset 8: version; expected 1, got 9; the conversation is computed anew",
                        chatFile + ": offset 0: the file's kind; expected MEDPSYKV, got something else; the "
                                + "conversation is computed anew"),
                notices);
    }
}
