package io.github.medpsy4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The project's rules of style that the compiler, the formatter and the static checker do not know. */
class TidyTest {
    private static final long FILE_BYTES_MAX = 1 << 20;
    private static final Path ROOT = Path.of(System.getProperty("basedir", "."))
            .toAbsolutePath()
            .normalize()
            .getParent();
    private static final Set<String> TEXT =
            Set.of("java", "xml", "md", "sh", "cmd", "py", "yml", "yaml", "properties", "html", "css", "js", "");

    /** Paths with '/' under the project's root to contents; what git ignores is not among them. */
    private static final Map<String, String> TEXTS = new TreeMap<>();

    private static final List<String> TOO_LARGE = new ArrayList<>();

    @BeforeAll
    static void readTheProject() throws IOException {
        Files.walkFileTree(ROOT, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                String name = folder.getFileName().toString();
                boolean hidden = name.startsWith(".")
                        && !Set.of(".ci", ".mvn", ".github").contains(name);
                return !folder.equals(ROOT) && (hidden || name.equals("target"))
                        ? FileVisitResult.SKIP_SUBTREE
                        : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                String path = ROOT.relativize(file).toString().replace('\\', '/');
                boolean ignored =
                        path.matches(".*\\.(gguf|part|jsa|log|hprof|iml)") && !path.contains("src/test/resources/");
                if (ignored) {
                    return FileVisitResult.CONTINUE;
                }
                if (attributes.size() > FILE_BYTES_MAX && !path.endsWith(".gguf")) {
                    TOO_LARGE.add(path + ": " + attributes.size() + " bytes");
                }
                String name = file.getFileName().toString();
                String extension = name.lastIndexOf('.') > 0 ? name.substring(name.lastIndexOf('.') + 1) : "";
                if (TEXT.contains(extension) && !path.contains("src/test/resources/")) {
                    TEXTS.put(path, Files.readString(file));
                }
                return FileVisitResult.CONTINUE;
            }
        });
    }

    @Test
    void theSourcesAreFound() {
        assertTrue(TEXTS.containsKey("pom.xml"), ROOT.toString());
        assertTrue(TEXTS.containsKey("medpsy"), ROOT.toString());
        assertTrue(TEXTS.containsKey("cli/src/test/java/io/github/medpsy4j/cli/TidyTest.java"), ROOT.toString());
    }

    @Test
    void filesAreSmall() {
        assertEquals(List.of(), TOO_LARGE);
    }

    @Test
    void nothingIsLeftToDo() {
        assertNone(path -> true, "\\bTO" + "DO\\b|\\bFIX" + "ME\\b");
    }

    @Test
    void indentationIsSpaces() {
        assertNone(path -> true, "\\t");
    }

    @Test
    void packageRegistriesAreNotNamed() {
        String dot = "\\.";
        assertNone(
                path -> true,
                String.join(
                        "|",
                        "repo1?" + dot + "maven",
                        "pypi" + dot + "org",
                        "python" + "hosted" + dot,
                        "registry" + dot + "npm",
                        "crates" + dot + "io"));
    }

    @Test
    void theIncubatorApiStaysInItsRoom() {
        assertNone(
                path -> isJava(path)
                        && !path.endsWith("module-info.java")
                        && !path.startsWith("jmh-benchmarks/")
                        && !path.contains("/java/io/github/medpsy4j/engine/kernel/"),
                "jdk\\.incubator\\.\\w+\\.");
    }

    @Test
    void onlyTheCommandLinePrintsExitsAndReadsTheEnvironment() {
        assertNone(
                path -> isJava(path)
                        && path.contains("/src/main/")
                        && !path.startsWith("cli/")
                        && !path.startsWith("jmh-benchmarks/")
                        && !path.startsWith("examples/"),
                "\\bSystem\\s*\\.\\s*(out|err|exit|getenv|in|console)\\b|\\.printStackTrace\\(\\)"
                        + "|\\bRuntime\\.getRuntime\\(\\)\\.(exit|halt)\\b");
    }

    @Test
    void testsAreNotPublic() {
        assertNone(
                path -> isJava(path) && path.contains("/src/test/") && !path.contains("/testing/"),
                "^public (final |abstract )*class ");
    }

    @Test
    void publicTypesAreDocumentedOrNeededByAnotherPackage() {
        Pattern type = Pattern.compile(
                "^public (?:(?:final|abstract|sealed|non-sealed|strictfp) )*(?:class|interface|record|enum|@interface) (\\w+)",
                Pattern.MULTILINE);
        List<String> found = new ArrayList<>();
        for (Map.Entry<String, String> source : TEXTS.entrySet()) {
            String path = source.getKey();
            Matcher declaration = type.matcher(source.getValue());
            if (!path.contains("/src/main/java/") || !isJava(path) || !declaration.find()) {
                continue;
            }
            String before = source.getValue().substring(0, declaration.start());
            if (!before.replaceAll("(?s)@\\w+(\\(.*?\\))?\\s*$", "")
                    .stripTrailing()
                    .endsWith("*/")) {
                found.add(path + ": public without Javadoc");
            }
            boolean benchmark = path.startsWith("jmh-benchmarks/"); // JMH generates code that uses them
            if (!benchmark && !isExported(path) && !isNamedOutside(path, declaration.group(1))) {
                found.add(path + ": public, but its package is not exported and no other package names it");
            }
        }
        assertEquals(List.of(), found);
    }

    @Test
    void everyModuleIsPublishedWithTheBomOrNotAtAll() {
        String bom = TEXTS.get("bom/pom.xml");
        Set<String> published = new TreeSet<>();
        for (Map.Entry<String, String> module : TEXTS.entrySet()) {
            String path = module.getKey();
            String pom = module.getValue();
            if (!path.endsWith("/pom.xml") || path.equals("bom/pom.xml")) {
                continue;
            }
            String own = pom.substring(pom.indexOf("</parent>"));
            boolean library = own.contains("<medpsy.publication.skip>false<");
            assertEquals(
                    !library,
                    own.contains("<maven.deploy.skip>true<"),
                    path + ": either medpsy.publication.skip is false or maven.deploy.skip is true");
            assertTrue(own.contains("<name>") && own.contains("<description>"), path + ": name and description");
            assertEquals(element("version", TEXTS.get("pom.xml")), element("version", pom), path + ": version");
            if (library) {
                published.add(element("artifactId", own));
            }
        }
        Set<String> listed = new TreeSet<>();
        Matcher artifact = Pattern.compile("<artifactId>(.*)</artifactId>")
                .matcher(bom.substring(bom.indexOf("<dependencyManagement>"), bom.indexOf("</dependencyManagement>")));
        while (artifact.find()) {
            listed.add(artifact.group(1));
        }
        assertEquals(published, listed);
        assertEquals(element("version", TEXTS.get("pom.xml")), element("version", bom));
        for (String required : List.of("name", "description", "url", "license", "developer", "scm")) {
            for (String path : List.of("pom.xml", "bom/pom.xml")) {
                assertTrue(TEXTS.get(path).contains("<" + required), path + ": <" + required + ">");
            }
        }
    }

    private static String element(String name, String xml) {
        Matcher element = Pattern.compile("<" + name + ">(.*)</" + name + ">").matcher(xml);
        assertTrue(element.find(), name);
        return element.group(1);
    }

    @Test
    void documentedCommandsExist() {
        CommandLine medpsy = Main.commandLine();
        List<String> found = new ArrayList<>();
        int commands = 0;
        for (Map.Entry<String, String> document : TEXTS.entrySet()) {
            if (!document.getKey().matches("[A-Z]+\\.md")) {
                continue;
            }
            boolean inBlock = false;
            for (String line : document.getValue().split("\n")) {
                if (line.strip().startsWith("```")) {
                    inBlock = !inBlock;
                    continue;
                }
                Matcher command = Pattern.compile("^\\s*(?:\\$ )?(?:\\./)?medpsy(?= |$)([^#|>&]*)")
                        .matcher(line);
                if (inBlock && command.find()) {
                    commands++;
                    String problem = problemOf(medpsy, command.group(1).strip().split("\\s+"));
                    if (problem != null) {
                        found.add(document.getKey() + ": " + line.strip() + ": " + problem);
                    }
                }
            }
        }
        assertEquals(List.of(), found);
        assertTrue(commands > 0, "no command found in any document");
    }

    private static String problemOf(CommandLine medpsy, String[] words) {
        CommandLine command = medpsy;
        for (String word : words) {
            if (word.startsWith("--") && word.length() > 2) {
                String name = word.contains("=") ? word.substring(0, word.indexOf('=')) : word;
                if (command.getCommandSpec().findOption(name) == null) {
                    return name + " is no option of " + command.getCommandSpec().qualifiedName();
                }
            } else if (command.getParent() == null && !word.isEmpty() && !word.startsWith("-")) {
                command = medpsy.getSubcommands().get(word);
                if (command == null) {
                    return word + " is no command";
                }
            }
        }
        return null;
    }

    private static boolean isExported(String path) {
        String module = path.substring(0, path.indexOf("/src/main/java/"));
        String moduleInfo = TEXTS.get(module + "/src/main/java/module-info.java");
        return moduleInfo == null || moduleInfo.contains("exports " + packageOf(path) + ";");
    }

    private static boolean isNamedOutside(String path, String type) {
        Pattern name = Pattern.compile("\\b" + type + "\\b");
        return TEXTS.entrySet().stream()
                .filter(other -> isJava(other.getKey()) && other.getKey().contains("/src/main/java/"))
                .filter(other -> !packageOf(other.getKey()).equals(packageOf(path)))
                .anyMatch(other -> name.matcher(other.getValue()).find());
    }

    private static String packageOf(String path) {
        String inside = path.substring(path.indexOf("/java/") + "/java/".length());
        return inside.contains("/")
                ? inside.substring(0, inside.lastIndexOf('/')).replace('/', '.')
                : "";
    }

    private static boolean isJava(String path) {
        return path.endsWith(".java");
    }

    /** Fails with every line of the chosen files in which the pattern is found; lines of comments in Java are skipped. */
    private static void assertNone(Predicate<String> files, String regex) {
        Pattern pattern = Pattern.compile(regex);
        boolean inCode = !regex.startsWith("\\bTO") && !regex.startsWith("\\t");
        List<String> found = new ArrayList<>();
        TEXTS.forEach((path, text) -> {
            if (!files.test(path)) {
                return;
            }
            int number = 0;
            for (String line : text.split("\n")) {
                number++;
                boolean comment = isJava(path) && line.strip().matches("(//|/?\\*).*");
                if (!(inCode && comment) && pattern.matcher(line).find()) {
                    found.add(path + ":" + number + ": " + line.strip());
                }
            }
        });
        assertEquals(List.of(), found);
    }
}
