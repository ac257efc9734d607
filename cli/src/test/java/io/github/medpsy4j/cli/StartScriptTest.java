package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the start scripts tell the JVM about the kernels. */
class StartScriptTest {
    private static final String KERNELS = "io.github.medpsy4j.engine.kernel.";

    private static String script(String name) throws IOException {
        return Files.readString(Path.of(System.getProperty("basedir", ".")).resolve("../" + name));
    }

    private static String find(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertTrue(matcher.find(), pattern);
        return matcher.group(1);
    }

    private static List<String> classes(String script) {
        return List.of(find(script, "in \\(?(Vector[^;)]*)").split(" "));
    }

    private static List<String> later(String script) {
        return List.of(find(script, "(-XX:Tier4BackEdge[^\"]*)").split(" "));
    }

    @Test
    void theClassesThatTheyNameExist() throws IOException {
        for (String name : classes(script("medpsy"))) {
            String resource = KERNELS.replace('.', '/') + name + ".class";
            assertNotNull(getClass().getClassLoader().getResource(resource), name);
        }
    }

    /** All classes of vector loops but what decodes weights of mapped files, which would be slower for it. */
    @Test
    void noClassOfLoopsIsForgotten() throws IOException {
        Path kernels = Path.of(System.getProperty("basedir", "."))
                .resolve("../engine/src/main/java/" + KERNELS.replace('.', '/'));
        List<String> decoders = List.of("VectorDecoders", "VectorIQuants", "VectorKQuants", "VectorLegacy");
        List<String> named = classes(script("medpsy"));
        try (Stream<Path> files = Files.list(kernels)) {
            List<String> forgotten = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("Vector"))
                    .map(name -> name.replace(".java", ""))
                    .filter(name -> !named.contains(name) && !decoders.contains(name))
                    .toList();
            assertEquals(List.of(), forgotten);
        }
    }

    @Test
    void bothScriptsSayTheSame() throws IOException {
        assertEquals(classes(script("medpsy")), classes(script("medpsy.cmd")));
        String scale = find(script("medpsy"), "CompileThresholdScaling,\\$method,([0-9.]+)");
        assertEquals(scale, find(script("medpsy.cmd"), "CompileThresholdScaling,%~1,([0-9.]+)"));
        assertEquals(later(script("medpsy")), later(script("medpsy.cmd")));
        assertTrue(script("medpsy").contains("-Xms48m -Xmn32m"));
        assertTrue(script("medpsy.cmd").contains("-Xms48m -Xmn32m"));
    }

    /** The JVM prints a line for each of these options, into the answer, unless it is told to be quiet. */
    @Test
    void theJvmTakesTheOptionsInSilence() throws Exception {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        String scale = find(script("medpsy"), "CompileThresholdScaling,\\$method,([0-9.]+)");
        command.add(find(script("medpsy"), "sooner=(-XX:CompileCommand=quiet)"));
        for (String name : classes(script("medpsy"))) {
            String method = KERNELS + name + "::*";
            command.add("-XX:CompileCommand=CompileThresholdScaling," + method + "," + scale);
            command.add("-XX:CompileCommand=BackgroundCompilation," + method + ",false");
        }
        command.addAll(later(script("medpsy")));
        command.add("-version");
        Process java = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(java.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, java.exitValue(), said);
        assertFalse(said.contains("CompileCommand"), said);
    }
}
