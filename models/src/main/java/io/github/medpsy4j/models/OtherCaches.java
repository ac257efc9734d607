package io.github.medpsy4j.models;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The models that other programs keep on this machine, looked at and never changed.
 *
 * <ul>
 *   <li>Hugging Face: {@code $HF_HUB_CACHE}, {@code $HUGGINGFACE_HUB_CACHE}, {@code $HF_HOME/hub} or
 *       {@code ~/.cache/huggingface/hub}; in it {@code models--OWNER--REPO} with {@code refs/REVISION} (a commit),
 *       {@code snapshots/COMMIT/PATH}, links into {@code blobs/}, where a large file is named by its sha256.
 *   <li>Ollama: {@code $OLLAMA_MODELS}, {@code ~/.ollama/models} or its service's folder; in it
 *       {@code manifests/HOST/OWNER/NAME/TAG} (JSON) and {@code blobs/sha256-…}.
 *   <li>LM Studio: {@code ~/.lmstudio/models} and {@code ~/.cache/lm-studio/models}; in them
 *       {@code PUBLISHER/REPO/FILE}.
 * </ul>
 *
 * What cannot be read there is passed over: the folders are not ours to complain about.
 */
final class OtherCaches {
    static final String OLLAMA_PREFIX = "ollama:";
    static final String LM_STUDIO_PREFIX = "lmstudio:";
    private static final String GGUF = ".gguf";
    private static final int ENTRIES_MAX = 20_000; // of one folder's tree: a bound for a start of the command
    private static final long NOTE_BYTES_MAX = 1 << 20;
    private static final String OLLAMA_MODEL_TYPE = "application/vnd.ollama.image.model";
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private final Map<String, String> environment;
    private final Path user;
    private final boolean isLinux;

    OtherCaches(Map<String, String> environment) {
        this(environment, userHome(environment), System.getProperty("os.name"));
    }

    OtherCaches(Map<String, String> environment, Path user, String osName) {
        this.environment = environment;
        this.user = user;
        this.isLinux = osName.startsWith("Linux");
    }

    private static Path userHome(Map<String, String> environment) {
        String home = environment.getOrDefault("HOME", environment.getOrDefault("USERPROFILE", ""));
        return Path.of(home.isBlank() ? System.getProperty("user.home") : home);
    }

    /** Tells whether a MODEL names a file by the program that it belongs to. */
    static boolean isOne(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.startsWith(OLLAMA_PREFIX) || lower.startsWith(LM_STUDIO_PREFIX);
    }

    // Folders.

    private Optional<Path> named(String variable) {
        String value = environment.getOrDefault(variable, "").strip();
        try {
            if (value.startsWith("~/")) {
                return Optional.of(user.resolve(value.substring(2)));
            }
            return value.isEmpty() ? Optional.empty() : Optional.of(Path.of(value));
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    private Path huggingFace() {
        return named("HF_HUB_CACHE")
                .or(() -> named("HUGGINGFACE_HUB_CACHE"))
                .or(() -> named("HF_HOME").map(home -> home.resolve("hub")))
                .or(() -> named("XDG_CACHE_HOME").map(cache -> cache.resolve("huggingface/hub")))
                .orElse(user.resolve(".cache/huggingface/hub"));
    }

    private List<Path> ollama() {
        Optional<Path> own = named("OLLAMA_MODELS");
        if (own.isPresent()) {
            return List.of(own.get());
        }
        List<Path> folders = new ArrayList<>(List.of(user.resolve(".ollama/models")));
        if (isLinux) {
            folders.add(Path.of("/usr/share/ollama/.ollama/models")); // of the service that its installer sets up
        }
        return folders;
    }

    private List<Path> lmStudio() {
        List<Path> folders = new ArrayList<>();
        Path pointer = user.resolve(".lmstudio-home-pointer"); // where a user has moved LM Studio's folder
        try {
            String moved = note(pointer).strip();
            if (!moved.isEmpty()) {
                folders.add(Path.of(moved).resolve("models"));
            }
        } catch (InvalidPathException e) {
            return List.of(); // written by another system: its folders are not here
        }
        folders.add(user.resolve(".lmstudio/models"));
        folders.add(user.resolve(".cache/lm-studio/models"));
        return folders.stream().distinct().toList();
    }

    // Looking for something.

    /** Returns the files that may be {@code file}: of its size, and of its hash as far as the place tells. */
    List<CachedFile> candidates(ModelFile file) {
        List<CachedFile> found = new ArrayList<>();
        for (Source source : file.sources()) {
            if (source instanceof Source.HuggingFace at) {
                Path repo = huggingFace().resolve(folderOf(at.repo()));
                Path blob = repo.resolve("blobs").resolve(file.sha256());
                if (sizeOf(blob) == file.sizeBytes()) {
                    found.add(new CachedFile(file.name(), blob, Place.HUGGING_FACE, file.sizeBytes(), file.sha256()));
                } else {
                    for (Path snapshot : entries(repo.resolve("snapshots"))) {
                        // Without links (on Windows) there is a copy here and no blob.
                        add(found, file, inside(snapshot, at.pathOf(file)), Place.HUGGING_FACE);
                    }
                }
            }
        }
        for (Path folder : ollama()) {
            add(found, file, Optional.of(folder.resolve("blobs/sha256-" + file.sha256())), Place.OLLAMA);
        }
        String fileName =
                file.sources().getFirst() instanceof Source.HuggingFace at ? lastOf(at.pathOf(file)) : file.fileName();
        for (Path folder : lmStudio()) {
            for (Path path : ggufsUnder(folder)) {
                if (path.getFileName().toString().equalsIgnoreCase(fileName)) {
                    add(found, file, Optional.of(path), Place.LM_STUDIO);
                }
            }
        }
        return found;
    }

    private static void add(List<CachedFile> found, ModelFile file, Optional<Path> path, Place place) {
        if (path.isPresent() && sizeOf(path.get()) == file.sizeBytes()) {
            found.add(new CachedFile(file.name(), path.get(), place, file.sizeBytes(), file.sha256()));
        }
    }

    /** Returns the files of Hugging Face's cache that a reference may mean, whole models only. */
    List<CachedFile> onHub(HubRef ref) {
        Path repo = huggingFace().resolve(folderOf(ref.repo()));
        String commit = inside(repo.resolve("refs"), ref.revisionOrMain())
                .map(OtherCaches::note)
                .map(String::strip)
                .filter(c -> !c.isEmpty())
                .orElse(ref.revision());
        Optional<Path> snapshot = inside(repo.resolve("snapshots"), commit);
        if (commit.isEmpty() || snapshot.isEmpty()) {
            return List.of();
        }
        Map<String, CachedFile> byPath = new LinkedHashMap<>();
        for (Path path : ggufsUnder(snapshot.get())) {
            String relative = snapshot.get().relativize(path).toString().replace('\\', '/');
            byPath.put(
                    relative,
                    new CachedFile(ref.at(relative).name(), path, Place.HUGGING_FACE, sizeOf(path), hashOfLink(path)));
        }
        List<HubFile> files = byPath.entrySet().stream()
                .map(e -> new HubFile(
                        e.getKey(), e.getValue().sizeBytes(), e.getValue().sha256()))
                .toList();
        return ref.among(files).stream().map(f -> byPath.get(f.path())).toList();
    }

    /** Finds {@code ollama:NAME}, {@code ollama:NAME:TAG}, {@code ollama:OWNER/NAME:TAG} or with a host in front. */
    Optional<CachedFile> ofOllama(String name) {
        String rest = name.substring(OLLAMA_PREFIX.length());
        int colon = rest.lastIndexOf(':');
        String tag = colon < 0 ? "latest" : rest.substring(colon + 1);
        String[] parts = (colon < 0 ? rest : rest.substring(0, colon)).split("/", -1);
        for (CachedFile file : ollamaFiles()) {
            String[] known = file.name().substring(OLLAMA_PREFIX.length()).split("[/:]");
            String[] asked = Stream.concat(Stream.of(parts), Stream.of(tag)).toArray(String[]::new);
            if (known.length == asked.length && equal(known, asked)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    private static boolean equal(String[] a, String[] b) {
        for (int i = 0; i < a.length; i++) {
            if (!a[i].equalsIgnoreCase(b[i])) {
                return false;
            }
        }
        return true;
    }

    /** Finds {@code lmstudio:PUBLISHER/REPO/FILE}. */
    Optional<CachedFile> ofLmStudio(String name) {
        return lmStudioFiles().stream()
                .filter(f -> f.name().equalsIgnoreCase(name))
                .findFirst();
    }

    // Listing everything.

    /** Returns every whole GGUF file of the other programs, each once, by place and name. */
    List<CachedFile> all() {
        Map<Path, CachedFile> found = new LinkedHashMap<>();
        for (Path repo : entries(huggingFace())) {
            String folder = repo.getFileName().toString();
            String[] parts = folder.split("--");
            if (parts.length == 3 && parts[0].equals("models")) {
                for (CachedFile file : hubFiles(repo, parts[1] + "/" + parts[2])) {
                    found.putIfAbsent(real(file.path()), file);
                }
            }
        }
        for (CachedFile file : ollamaFiles()) {
            found.putIfAbsent(real(file.path()), file);
        }
        for (CachedFile file : lmStudioFiles()) {
            found.putIfAbsent(real(file.path()), file);
        }
        return List.copyOf(found.values());
    }

    private List<CachedFile> hubFiles(Path repo, String name) {
        Set<String> revisions = new LinkedHashSet<>(List.of("main"));
        for (Path snapshot : entries(repo.resolve("snapshots"))) {
            revisions.add(snapshot.getFileName().toString());
        }
        List<CachedFile> found = new ArrayList<>();
        for (String revision : revisions) {
            try {
                found.addAll(onHub(HubRef.parse(HubRef.PREFIX + name + "@" + revision)));
            } catch (UnknownModelException e) {
                return found; // a folder that the hub's tools did not make
            }
        }
        return found;
    }

    private List<CachedFile> ollamaFiles() {
        List<CachedFile> found = new ArrayList<>();
        for (Path folder : ollama()) {
            Path manifests = folder.resolve("manifests");
            for (Path manifest : filesUnder(manifests, 5)) {
                Path relative = manifests.relativize(manifest); // HOST/OWNER/NAME/TAG
                if (relative.getNameCount() < 4) {
                    continue;
                }
                int last = relative.getNameCount() - 1;
                // Ollama's own library goes without host and owner, the rest of its host without host.
                boolean isOwnHost = relative.getName(0).toString().contains("ollama");
                int from = !isOwnHost ? 0 : relative.getName(1).toString().equals("library") ? 2 : 1;
                String name = OLLAMA_PREFIX
                        + relative.subpath(from, last).toString().replace('\\', '/') + ":" + relative.getName(last);
                for (Object layer : layers(manifest)) {
                    String hash = Json.text(layer, "digest").replaceFirst("^sha256:", "");
                    Path blob = folder.resolve("blobs").resolve("sha256-" + hash);
                    if (Json.text(layer, "mediaType").equals(OLLAMA_MODEL_TYPE)
                            && SHA256.matcher(hash).matches()
                            && sizeOf(blob) == Json.number(layer, "size")) {
                        found.add(new CachedFile(name, blob, Place.OLLAMA, sizeOf(blob), hash));
                    }
                }
            }
        }
        return found;
    }

    private static List<?> layers(Path manifest) {
        try {
            return Json.list(Json.parse(note(manifest)), "layers");
        } catch (IllegalArgumentException e) {
            return List.of(); // no manifest
        }
    }

    private List<CachedFile> lmStudioFiles() {
        List<CachedFile> found = new ArrayList<>();
        for (Path folder : lmStudio()) {
            for (Path path : ggufsUnder(folder)) {
                String name = folder.relativize(path).toString().replace('\\', '/');
                if (!Quants.isPart(name)
                        && !lastOf(name).toLowerCase(Locale.ROOT).startsWith("mmproj")) {
                    found.add(new CachedFile(LM_STUDIO_PREFIX + name, path, Place.LM_STUDIO, sizeOf(path), ""));
                }
            }
        }
        return found;
    }

    // The file system.

    private static String folderOf(String repo) {
        return "models--" + repo.replace("/", "--");
    }

    private static String lastOf(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** Returns what {@code relative} names inside a folder; empty where it would lead out of it. */
    private static Optional<Path> inside(Path folder, String relative) {
        try {
            Path path = folder.resolve(relative).normalize();
            return path.startsWith(folder) && !path.equals(folder) ? Optional.of(path) : Optional.empty();
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    private static long sizeOf(Path path) {
        try {
            return Files.isRegularFile(path) && Files.isReadable(path) ? Files.size(path) : -1;
        } catch (IOException e) {
            return -1;
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }

    /** The hash that names the blob which a snapshot's file links to. */
    private static String hashOfLink(Path path) {
        String name = real(path).getFileName().toString();
        return SHA256.matcher(name).matches() ? name : "";
    }

    /** A small file's text; an empty text where there is none. */
    private static String note(Path path) {
        long size = sizeOf(path);
        try {
            return size < 0 || size > NOTE_BYTES_MAX
                    ? ""
                    : new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    private static List<Path> entries(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.limit(ENTRIES_MAX).sorted().toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of();
        }
    }

    private static List<Path> ggufsUnder(Path folder) {
        return filesUnder(folder, 4).stream()
                .filter(p -> p.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(GGUF) && sizeOf(p) > 0)
                .toList();
    }

    private static List<Path> filesUnder(Path folder, int depthMax) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        // Links to folders are followed: people keep large models on another disk.
        try (Stream<Path> files = Files.walk(folder, depthMax, FileVisitOption.FOLLOW_LINKS)) {
            return files.limit(ENTRIES_MAX)
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of();
        }
    }
}
