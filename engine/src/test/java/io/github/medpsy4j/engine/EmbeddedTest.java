package io.github.medpsy4j.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library inside other programs: processes of their own, with nothing but its jars' content. */
class EmbeddedTest {
    private static final String PROGRAM = """
            package app;

            import io.github.medpsy4j.engine.*;
            import io.github.medpsy4j.engine.sampling.SamplingOptions;
            import java.nio.file.Path;
            import java.util.List;

            public class Main {
                public static void main(String[] args) throws Exception {
                    for (int i = 0; i < 2; i++) {
                        try (Model model = Model.load(Path.of(args[0]), LoadOptions.defaults().withThreads(1))) {
                            ChatOptions options = ChatOptions.builder()
                                    .sampling(SamplingOptions.greedy()).maxTokens(3).build();
                            try (Chat chat = model.chat(options)) {
                                System.out.println(chat.send("Hello").generation().generatedTokens());
                            }
                            System.out.println(model.embed(List.of("a"), EmbeddingOptions.defaults()).getFirst().length);
                            System.out.println(model.kernel());
                        }
                    }
                }
            }
            """;

    /** By whether it is a module. */
    private static Path plain;

    private static Path modular;

    @BeforeAll
    static void compile(@TempDir Path folder) throws IOException, InterruptedException {
        Path main = folder.resolve("app/Main.java");
        Files.createDirectories(main.getParent());
        Files.writeString(main, PROGRAM);
        Path module = folder.resolve("module-info.java");
        Files.writeString(module, "module app { requires io.github.medpsy4j.engine; }");
        plain = folder.resolve("plain");
        modular = folder.resolve("modular");
        javac("-d", plain.toString(), "-cp", libraries(), main.toString());
        javac("-d", modular.toString(), "-p", libraries(), main.toString(), module.toString());
    }

    private static void javac(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(jdk("javac")));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
    }

    private static String jdk(String tool) {
        return Path.of(System.getProperty("java.home"), "bin", tool).toString();
    }

    /** The library and what it depends on. */
    private static String libraries() {
        return Stream.of(Model.class, GgufFile.class, Tokenizer.class)
                .map(type -> {
                    try {
                        return Path.of(type.getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toURI())
                                .toString();
                    } catch (URISyntaxException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** What a program said. */
    private record Said(List<String> out, String err) {}

    private static Said java(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(jdk("java"));
        command.add("-Xmx256m");
        command.addAll(List.of(arguments));
        command.add(TinyModels.path("q4_k_m").toString());
        Path err = Files.createTempFile("embedded", ".err");
        try {
            Process process =
                    new ProcessBuilder(command).redirectError(err.toFile()).start();
            List<String> out;
            try (var reader = process.inputReader()) {
                out = reader.lines().toList();
            }
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            String said = Files.readString(err);
            assertEquals(0, process.exitValue(), said);
            return new Said(out, said);
        } finally {
            Files.delete(err);
        }
    }

    private static void check(Said said, boolean isFast) {
        assertEquals(6, said.out().size(), said.toString());
        assertEquals("3", said.out().get(0));
        assertEquals(said.out().subList(0, 3), said.out().subList(3, 6));
        assertEquals(isFast, said.out().get(2).startsWith("vector"), said.toString());
        String hint = "start java with --add-modules jdk.incubator.vector";
        int times = said.err().split(hint, -1).length - 1;
        assertEquals(isFast ? 0 : 1, times, said.err());
        if (isFast) {
            assertEquals(
                    "WARNING: Using incubator modules: jdk.incubator.vector",
                    said.err().strip());
        }
    }

    private static String classPath() {
        return plain + File.pathSeparator + libraries();
    }

    private static String modulePath() {
        return modular + File.pathSeparator + libraries();
    }

    @Test
    void onTheClassPathItIsFast() throws Exception {
        check(java("--add-modules", "jdk.incubator.vector", "-cp", classPath(), "app.Main"), true);
    }

    @Test
    void onTheClassPathWithoutTheModuleItIsSlowAndSaysSoOnce() throws Exception {
        check(java("-cp", classPath(), "app.Main"), false);
    }

    @Test
    void onTheModulePathItIsFast() throws Exception {
        check(java("--add-modules", "jdk.incubator.vector", "-p", modulePath(), "-m", "app/app.Main"), true);
    }

    @Test
    void onTheModulePathWithoutTheModuleItIsSlowAndSaysSoOnce() throws Exception {
        check(java("-p", modulePath(), "-m", "app/app.Main"), false);
    }
}
