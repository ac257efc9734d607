package io.github.medpsy4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;

/**
 * The run that the start script records for the JVM's class archive ({@code -Dmedpsy.rehearse=true}): it loads every
 * class of the jars beside this one, so that later starts take them from the archive. Nothing of picocli may run
 * before: its class files are so old that the JVM archives them only while they are not linked.
 */
final class Rehearse {
    private Rehearse() {}

    /** Loads the classes; false where {@link VectorModule} cannot work, which tells the script to use the flag. */
    static boolean run() throws IOException, ClassNotFoundException {
        boolean vector = VectorModule.load();
        Path jar = Path.of(System.getProperty("java.class.path"));
        int absent = 0;
        for (String name : classesBeside(jar)) {
            try {
                Class.forName(name, false, Rehearse.class.getClassLoader());
            } catch (NoClassDefFoundError optional) {
                // Classes for libraries that are not here (picocli's) and, without the Vector API, the kernels.
                absent++;
            }
        }
        System.out.println("classes that need an absent library: " + absent);
        return vector;
    }

    private static List<String> classesBeside(Path jar) throws IOException {
        List<Path> jars;
        try (var files = Files.list(jar.toAbsolutePath().getParent())) {
            jars = files.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        }
        List<String> names = new ArrayList<>();
        for (Path each : jars) {
            try (JarFile opened = new JarFile(each.toFile())) {
                opened.stream()
                        .map(entry -> entry.getName())
                        .filter(name -> name.endsWith(".class") && !name.contains("-"))
                        .map(name -> name.substring(0, name.length() - ".class".length())
                                .replace('/', '.'))
                        .forEach(names::add);
            }
        }
        return names;
    }
}
