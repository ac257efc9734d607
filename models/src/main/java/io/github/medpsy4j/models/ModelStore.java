package io.github.medpsy4j.models;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The models on this machine: the files in {@code HOME/models}. A GGUF that the user put there is listed and found by
 * its file name. Any number of processes may use one store.
 */
public final class ModelStore {
    private static final String SUFFIX = ".gguf";

    private final Path home;
    private final Catalogue catalogue;

    /** Opens the store under {@code home}, which need not exist yet, with the built-in catalogue. */
    public ModelStore(Path home) {
        this(home, Catalogue.builtIn());
    }

    ModelStore(Path home, Catalogue catalogue) {
        this.home = home.toAbsolutePath().normalize();
        this.catalogue = catalogue;
    }

    /** Opens the store where {@link #home(Map)} says. */
    public static ModelStore open(Map<String, String> environment) {
        return new ModelStore(home(environment));
    }

    /**
     * Returns the folder for data: {@code $MEDPSY_HOME}, else {@code medpsy} in the platform's cache folder (Linux:
     * {@code $XDG_CACHE_HOME} or {@code ~/.cache}; macOS: {@code ~/Library/Caches}; Windows: {@code %LOCALAPPDATA%}).
     */
    public static Path home(Map<String, String> environment) {
        return home(environment, System.getProperty("os.name"), System.getProperty("user.home"));
    }

    static Path home(Map<String, String> environment, String osName, String userHome) {
        String own = environment.getOrDefault("MEDPSY_HOME", "");
        if (!own.isBlank()) {
            return Path.of(own).toAbsolutePath().normalize();
        }
        Path user = Path.of(userHome);
        String os = osName.toLowerCase(Locale.ROOT);
        Path caches;
        if (os.startsWith("windows")) {
            caches = folder(environment, "LOCALAPPDATA", user.resolve("AppData/Local"));
        } else if (os.startsWith("mac")) {
            caches = user.resolve("Library/Caches");
        } else {
            caches = folder(environment, "XDG_CACHE_HOME", user.resolve(".cache"));
        }
        return caches.resolve("medpsy");
    }

    private static Path folder(Map<String, String> environment, String variable, Path otherwise) {
        String value = environment.getOrDefault(variable, "");
        // The XDG base directory specification: a relative path is to be ignored.
        return !value.isBlank() && Path.of(value).isAbsolute() ? Path.of(value) : otherwise;
    }

    /** Returns the folder for data. */
    public Path home() {
        return home;
    }

    /** Returns the catalogue that this store's names come from. */
    public Catalogue catalogue() {
        return catalogue;
    }

    /** Returns the folder of the files themselves. */
    public Path folder() {
        return home.resolve("models");
    }

    /** Returns where the file is or will be; says nothing about whether it is there. */
    public Path pathOf(ModelFile file) {
        return folder().resolve(file.fileName());
    }

    /** Tells whether the file is there in its full size. The bytes are not looked at: {@link #verify} does that. */
    public boolean isInstalled(ModelFile file) {
        try {
            Path path = pathOf(file);
            return Files.isRegularFile(path) && Files.size(path) == file.sizeBytes();
        } catch (IOException e) {
            return false; // gone between the two looks
        }
    }

    /**
     * Finds a GGUF in the store by its file name, with or without {@code .gguf}.
     *
     * @return the path; empty where there is no such file or {@code name} is no plain file name
     */
    public Optional<Path> findFile(String name) {
        for (String candidate : List.of(name, name.concat(SUFFIX))) {
            if (FileNames.isPlain(candidate) && isGguf(candidate)) {
                Path path = folder().resolve(candidate);
                if (Files.isRegularFile(path)) {
                    return Optional.of(path);
                }
            }
        }
        return Optional.empty();
    }

    /** Lists what is here, by name: whole files, also ones that the catalogue does not know, and unfinished pulls. */
    public List<InstalledModel> installed() throws IOException {
        List<InstalledModel> found = new ArrayList<>();
        if (!Files.isDirectory(folder())) {
            return found;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder())) {
            for (Path entry : entries) {
                String fileName = entry.getFileName().toString();
                boolean isPart = fileName.endsWith(SUFFIX + PartFile.SUFFIX);
                String finalName =
                        isPart ? fileName.substring(0, fileName.length() - PartFile.SUFFIX.length()) : fileName;
                Path finalPath = entry.resolveSibling(finalName);
                if (!FileNames.isPlain(finalName)
                        || !isGguf(finalName)
                        || !Files.isRegularFile(entry)
                        || (isPart && Files.exists(finalPath))) {
                    continue;
                }
                long size = Files.size(entry);
                if (isPart && size == 0) {
                    continue; // a pull was killed before the first byte
                }
                Optional<ModelFile> known = catalogue.lookUp(finalName);
                found.add(new InstalledModel(
                        known.map(ModelFile::name).orElse(finalName),
                        finalPath,
                        isPart ? 0 : size,
                        known,
                        isPart ? size : 0));
            }
        }
        found.sort(Comparator.comparing(InstalledModel::name));
        return found;
    }

    private static boolean isGguf(String fileName) {
        return fileName.toLowerCase(Locale.ROOT).endsWith(SUFFIX);
    }

    /**
     * Removes a model by any name that {@link Catalogue#find} or {@link #findFile} knows, and what an unfinished pull
     * of it left.
     *
     * @return the bytes given back
     * @throws UnknownModelException if nothing has that name
     * @throws NotInstalledException if there is nothing to remove
     * @throws ModelBusyException if it is being pulled at this moment
     */
    public long remove(String name) throws IOException {
        Optional<ModelFile> known = catalogue.lookUp(name);
        Path path = known.map(this::pathOf).or(() -> findFile(name)).orElseThrow(() -> catalogue.unknown(name));
        return remove(path, known.map(ModelFile::name).orElse(name));
    }

    /** Removes a file of the catalogue; see {@link #remove(String)}. */
    public long remove(ModelFile file) throws IOException {
        return remove(pathOf(file), file.name());
    }

    private long remove(Path path, String name) throws IOException {
        if (!Files.isDirectory(folder())) {
            throw new NotInstalledException(name + ": not installed");
        }
        return locked(path.getFileName().toString(), name, () -> {
            long bytes = 0;
            boolean found = false;
            for (Path each : List.of(path, PartFile.partOf(path), PartFile.notesOf(path))) {
                if (Files.exists(each, LinkOption.NOFOLLOW_LINKS)) {
                    found = true;
                    // A link's own target stays where it is, so it gives nothing back.
                    bytes += Files.isSymbolicLink(each) ? 0 : Files.size(each);
                    Files.delete(each);
                }
            }
            if (!found) {
                throw new NotInstalledException(name + ": not installed");
            }
            return bytes;
        });
    }

    /**
     * Hashes an installed file. Nothing is changed, whatever the outcome.
     *
     * @throws NotInstalledException if it is not there
     * @throws WrongContentException if its size or sha256 is not the catalogue's
     */
    public void verify(ModelFile file, PullListener listener) throws IOException {
        Path path = pathOf(file);
        if (!Files.isRegularFile(path)) {
            throw new NotInstalledException(file.name() + ": not installed");
        }
        long size = Files.size(path);
        if (size != file.sizeBytes()) {
            throw new WrongContentException(
                    path + ": wrong size; expected " + file.sizeBytes() + " bytes, got " + size);
        }
        MessageDigest digest = PartFile.sha256();
        try (InputStream in = Files.newInputStream(path)) {
            byte[] buffer = new byte[1 << 20];
            long done = 0;
            for (int n; (n = in.read(buffer)) > 0; ) {
                digest.update(buffer, 0, n);
                done += n;
                listener.verifying(done, size);
            }
        }
        String hash = HexFormat.of().formatHex(digest.digest());
        if (!hash.equals(file.sha256())) {
            throw new WrongContentException(path + ": wrong sha256; expected " + file.sha256() + ", got " + hash);
        }
    }

    /** Runs {@code action} with the sole right to change one file of the store, among all processes. */
    <T> T locked(String fileName, String name, FileLocks.Action<T> action) throws IOException {
        return FileLocks.holding(home.resolve("locks").resolve(fileName + ".lock"), name, action);
    }
}
