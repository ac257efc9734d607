package io.github.medpsy4j.cli;

import io.github.medpsy4j.cli.remote.RemoteAccess;
import io.github.medpsy4j.cli.remote.RemoteAddress;
import io.github.medpsy4j.cli.remote.RemoteException;
import io.github.medpsy4j.cli.remote.RemoteServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarFile;

/**
 * The run that the start script records for the JVM's class archive ({@code -Dmedpsy.rehearse=true}): it loads every class of the
 * jars beside this one, so that later starts take them from the archive. Our own are initialized, as only then the classes that the
 * JVM spins for their lambdas are archived too; some 400 of them, as tables of functions are made at start. Nothing of picocli may
 * run before: its class files are so old that the JVM archives them only while they are not linked.
 */
final class Rehearse {
    private static final String OURS = "io.github.medpsy4j.";

    /** Where classes are linked with picocli's. */
    private static final String COMMANDS = OURS + "cli.";

    private Rehearse() {}

    /** Loads the classes; false where {@link VectorModule} cannot work, which tells the script to use the flag. */
    static boolean run() throws IOException, ClassNotFoundException {
        boolean vector = VectorModule.load();
        Path jar = Path.of(System.getProperty("java.class.path"));
        int absent = 0;
        for (String name : classesBeside(jar)) {
            try {
                boolean isFree = name.startsWith(OURS) && !name.startsWith(COMMANDS);
                Class.forName(name, isFree, Rehearse.class.getClassLoader());
            } catch (LinkageError optional) {
                // Classes for libraries that are not here (picocli's) and, without the Vector API, the kernels.
                absent++;
            }
        }
        SamplingSettings.all();
        askOurselves();
        System.out.println("classes that need an absent library: " + absent);
        return vector;
    }

    /** A request for {@code --remote}, which loads the JDK's HTTP client: the JDK's own archive lacks most of it. */
    private static void askOurselves() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> answer(socket));
            RemoteAccess access = new RemoteAccess("", Optional.empty(), Duration.ofSeconds(5), line -> {});
            RemoteAddress address = RemoteAddress.parse("http://127.0.0.1:" + socket.getLocalPort());
            new RemoteServer(address, access).models();
        } catch (RemoteException notLoaded) {
            System.out.println("the HTTP client is not archived: " + notLoaded.getMessage());
        }
    }

    private static void answer(ServerSocket socket) {
        try (Socket one = socket.accept()) {
            String response = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"data\": []}";
            one.getOutputStream().write(response.getBytes(StandardCharsets.US_ASCII));
            one.shutdownOutput();
            one.getInputStream().readAllBytes(); // else closing would reset what is still on its way
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
