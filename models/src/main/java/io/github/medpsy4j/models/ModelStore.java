package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
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
    private static final long ORIGIN_BYTES_MAX = 1 << 16; // four short lines

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

    /** Lists what is in the store, by name: whole files, also ones that the catalogue does not know, and unfinished pulls. */
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
                Optional<ModelFile> known = catalogue.lookUp(finalName).or(() -> fromHub(finalName));
                found.add(new InstalledModel(
                        known.map(ModelFile::name).orElse(finalName),
                        finalPath,
                        isPart ? 0 : size,
                        known,
                        isPart ? size : 0,
                        Place.OWN));
            }
        }
        found.sort(Comparator.comparing(InstalledModel::name));
        return found;
    }

    /**
     * Lists what is on this machine: {@link #installed()}, and behind it what other programs' caches hold, each under a
     * name that finds it. What the store holds itself is not listed a second time.
     *
     * @param environment where the caches are: {@code HF_HOME} and its like, {@code OLLAMA_MODELS}
     */
    public List<InstalledModel> everywhere(Map<String, String> environment) throws IOException {
        List<InstalledModel> all = installed();
        List<InstalledModel> others = new ArrayList<>();
        for (CachedFile cached : new OtherCaches(environment).all()) {
            String fileName = cached.path().getFileName().toString();
            Optional<ModelFile> known = catalogue.files().stream()
                    .filter(f -> f.sizeBytes() == cached.sizeBytes()
                            && (cached.sha256().isEmpty()
                                    ? f.fileName().equalsIgnoreCase(fileName)
                                    : f.sha256().equals(cached.sha256())))
                    .findFirst();
            String name = known.map(ModelFile::name).orElse(cached.name());
            if (all.stream().noneMatch(m -> m.name().equals(name) && m.isComplete())) {
                others.add(new InstalledModel(name, cached.path(), cached.sizeBytes(), known, 0, cached.place()));
            }
        }
        others.sort(Comparator.comparing(InstalledModel::place).thenComparing(InstalledModel::name));
        all.addAll(others);
        return all;
    }

    // Files from the hub: beside each stands FILE.origin, which tells where it is from and what its hash is.

    private Path originOf(String storedName) {
        return folder().resolve(storedName + ".origin");
    }

    /** Returns what the hub told of a file when its pull began. */
    Optional<ModelFile> fromHub(String storedName) {
        Path origin = originOf(storedName);
        Map<String, String> facts = new HashMap<>();
        try {
            if (!Files.isRegularFile(origin) || Files.size(origin) > ORIGIN_BYTES_MAX) {
                return Optional.empty();
            }
            for (String line : Files.readAllLines(origin)) {
                int space = line.indexOf(' ');
                facts.put(line.substring(0, Math.max(0, space)), line.substring(space + 1));
            }
            String size = facts.getOrDefault("size", "");
            ModelFile file = hubModel(
                    HubRef.parse(facts.getOrDefault("name", "")),
                    new HubFile(
                            "", size.matches("\\d{1,18}") ? Long.parseLong(size) : 0, facts.getOrDefault("sha256", "")),
                    facts.getOrDefault("commit", ""));
            return file.fileName().equals(storedName) && file.sha256().matches("[0-9a-f]{64}") && file.sizeBytes() > 0
                    ? Optional.of(file)
                    : Optional.empty();
        } catch (IOException | UnknownModelException e) {
            return Optional.empty(); // damaged: the file is then one of an unknown origin
        }
    }

    /** A file on the hub as a model of the store. */
    static ModelFile hubModel(HubRef ref, HubFile file, String commit) {
        return new ModelFile(
                ref.name(),
                Quants.of(ref.path()),
                true,
                ref.storedName(),
                file.sizeBytes(),
                file.sha256(),
                "from Hugging Face",
                "",
                0,
                Optional.empty(),
                List.of(new Source.HuggingFace(
                        ref.repo(), commit.isEmpty() ? ref.revisionOrMain() : commit, ref.path())));
    }

    /** Writes a file's origin; the part of another version is deleted. The caller holds the file's lock. */
    void noteOrigin(ModelFile file) throws IOException {
        Optional<ModelFile> before = fromHub(file.fileName());
        if (before.isPresent() && !before.get().sha256().equals(file.sha256())) {
            Files.deleteIfExists(PartFile.partOf(pathOf(file)));
            Files.deleteIfExists(PartFile.notesOf(pathOf(file)));
        }
        String commit = file.sources().getFirst() instanceof Source.HuggingFace at ? at.revision() : "";
        Path fresh = originOf(file.fileName() + ".new");
        Files.write(
                fresh,
                List.of(
                        "name " + file.model(),
                        "commit " + commit,
                        "size " + file.sizeBytes(),
                        "sha256 " + file.sha256()));
        Files.move(fresh, originOf(file.fileName()), StandardCopyOption.REPLACE_EXISTING);
    }

    /** Returns the installed files that a reference may mean. */
    List<ModelFile> installed(HubRef ref) throws IOException {
        List<ModelFile> files = new ArrayList<>();
        for (InstalledModel model : installed()) {
            Optional<ModelFile> file = model.known().filter(f -> f.isFromHub() && isInstalled(f));
            if (file.isPresent()) {
                if (ref.covers(HubRef.parse(file.get().model()))) {
                    files.add(file.get());
                }
            }
        }
        return files;
    }

    private static boolean isGguf(String fileName) {
        return fileName.toLowerCase(Locale.ROOT).endsWith(SUFFIX);
    }

    /**
     * Finds what a name means among what the store holds, unfinished pulls included.
     *
     * @param name any that {@link Catalogue#find} or {@link #findFile} knows, or {@code hf:…} if it means one file
     * @throws UnknownModelException if nothing has that name, or if several files do
     * @throws NotInstalledException if there is nothing here, or what is here belongs to another program
     */
    public InstalledModel owned(String name, Map<String, String> environment) throws IOException {
        Optional<InstalledModel> found;
        String shown = name;
        if (HubRef.isOne(name)) {
            HubRef ref = HubRef.parse(name);
            shown = ref.name();
            List<InstalledModel> all = installed().stream()
                    .filter(m ->
                            m.known().filter(ModelFile::isFromHub).isPresent() && ref.covers(HubRef.parse(m.name())))
                    .toList();
            if (all.size() > 1) {
                throw new UnknownModelException(shown + ": means several files; name one of "
                        + String.join(
                                ", ", all.stream().map(InstalledModel::name).toList()));
            }
            found = all.stream().findFirst();
        } else if (OtherCaches.isOne(name)) {
            found = Optional.empty();
        } else {
            Optional<ModelFile> known = catalogue.lookUp(name);
            if (known.isEmpty() && findFile(name).isEmpty()) {
                throw catalogue.unknown(name);
            }
            Path path = known.map(this::pathOf).or(() -> findFile(name)).orElseThrow();
            shown = known.map(ModelFile::name).orElse(name);
            found = installed().stream().filter(m -> m.path().equals(path)).findFirst();
        }
        if (found.isPresent()) {
            return found.get();
        }
        String wanted = shown;
        Optional<InstalledModel> other = everywhere(environment).stream()
                .filter(m -> m.place() != Place.OWN && m.name().equalsIgnoreCase(wanted))
                .findFirst();
        throw new NotInstalledException(shown
                + other.map(m -> ": belongs to another program (" + m.place().label() + ": " + m.path()
                                + "), which removes it; nothing was deleted")
                        .orElse(": not installed"));
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

    /** Removes what {@link #owned} found; see {@link #remove(String)}. */
    public long remove(InstalledModel model) throws IOException {
        if (model.place() != Place.OWN) {
            throw new IllegalArgumentException(model.name() + ": belongs to another program");
        }
        return remove(model.path(), model.name());
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
            Files.deleteIfExists(originOf(path.getFileName().toString()));
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
        verify(file, pathOf(file), listener);
    }

    /** Hashes a file wherever it is, as {@link #verify(ModelFile, PullListener)} does. */
    public void verify(ModelFile file, Path path, PullListener listener) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new NotInstalledException(file.name() + ": not installed");
        }
        long size = Files.size(path);
        if (size != file.sizeBytes()) {
            throw new WrongContentException(
                    path + ": wrong size; expected " + file.sizeBytes() + " bytes, got " + size);
        }
        listener.checking(file.name(), path, Place.OWN);
        String hash = HashMemory.hash(path, listener);
        if (!hash.equals(file.sha256())) {
            throw new WrongContentException(path + ": wrong sha256; expected " + file.sha256() + ", got " + hash);
        }
    }

    /** Runs {@code action} with the sole right to change one file of the store, among all processes. */
    <T> T locked(String fileName, String name, FileLocks.Action<T> action) throws IOException {
        return FileLocks.holding(home.resolve("locks").resolve(fileName + ".lock"), name, action);
    }
}
