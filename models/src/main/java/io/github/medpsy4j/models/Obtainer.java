package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Turns a model's name into a file that is here: in the store, in another program's cache (used in place once its hash
 * is proved), or pulled.
 */
public final class Obtainer {
    private final ModelStore store;
    private final Puller puller;
    private final Map<String, String> environment;
    private final ObtainOptions options;
    private final OtherCaches caches;
    private final HashMemory hashes;
    private final Unreachable unreachable;

    /**
     * Makes an obtainer.
     *
     * @param environment see {@link Puller}; also {@code MEDPSY_MODEL}, the default's name, and the variables that name
     *     other programs' caches ({@code HF_HOME} and its like, {@code OLLAMA_MODELS})
     */
    public Obtainer(ModelStore store, Puller puller, Map<String, String> environment, ObtainOptions options) {
        this(store, puller, environment, options, InstantSource.system());
    }

    Obtainer(
            ModelStore store,
            Puller puller,
            Map<String, String> environment,
            ObtainOptions options,
            InstantSource clock) {
        this.store = store;
        this.puller = puller;
        this.environment = Map.copyOf(environment);
        this.options = options;
        this.caches = new OtherCaches(this.environment);
        this.hashes = new HashMemory(store.home());
        this.unreachable = new Unreachable(store.home(), this.environment, clock);
    }

    /** Returns the default model's name: {@code $MEDPSY_MODEL}, else the catalogue's default. */
    public String defaultName() {
        String own = environment.getOrDefault("MEDPSY_MODEL", "").strip();
        return own.isEmpty() ? store.catalogue().defaultFile().model() : own;
    }

    /**
     * Obtains a model by a name that {@link Catalogue#find} or {@link ModelStore#findFile} knows, by
     * {@code hf:OWNER/REPO/FILE}, {@code hf:OWNER/REPO:QUANT} or {@code hf:OWNER/REPO}, each also with {@code @REVISION}
     * behind the repository, by {@code ollama:NAME:TAG} or by {@code lmstudio:PUBLISHER/REPO/FILE}.
     *
     * @throws UnknownModelException if nothing has that name
     * @throws NotInstalledException if it is missing and this is offline
     * @throws NotEnoughMemoryException if it is missing and would not fit the memory
     * @throws IOException as {@link Puller#pull}
     */
    public Obtained obtain(String name, PullListener listener) throws IOException {
        if (HubRef.isOne(name)) {
            return obtain(HubRef.parse(name), listener);
        }
        if (OtherCaches.isOne(name)) {
            return obtainCached(name, listener);
        }
        Optional<ModelFile> known = store.catalogue().lookUp(name);
        if (known.isEmpty()) {
            Path path = store.findFile(name).orElseThrow(() -> store.catalogue().unknown(name));
            return own(
                    path.getFileName().toString(),
                    path,
                    store.fromHub(path.getFileName().toString()));
        }
        return obtain(known.get(), Optional.empty(), listener);
    }

    /**
     * Obtains the default model, or, where none of its sources gives it, the demo model with the reason. A transfer
     * that broke off, wrong bytes and a full disk are errors here too: the model could be had. For an hour the sources
     * are not asked again if the demo model is here.
     *
     * @throws UnknownModelException if nothing has the default's name
     * @throws NotInstalledException if this is offline and neither is here
     * @throws SourceUnavailableException if neither could be had; the message gives both reasons
     * @throws IOException as {@link Puller#pull}
     */
    public Obtained obtainDefault(PullListener listener) throws IOException {
        ModelFile demo = store.catalogue().demoFile();
        Optional<ModelFile> wanted = store.catalogue().lookUp(defaultName());
        String reason = null;
        if (wanted.isPresent() && !options.isOffline() && !options.asksAlways() && store.isInstalled(demo)) {
            Optional<Unreachable.Memory> memory = unreachable.recall(wanted.get());
            if (memory.isPresent() && !isHere(wanted.get(), listener)) {
                reason = memory.get().reason() + " (so it was "
                        + ago(memory.get().age()) + "; it is asked again after an hour, or when the model is pulled)";
            }
        }
        if (reason == null) {
            try {
                Obtained obtained = obtain(defaultName(), listener);
                unreachable.forget();
                return obtained;
            } catch (SourceUnavailableException e) {
                reason = e.getMessage();
                if (wanted.isPresent()) {
                    unreachable.remember(wanted.get(), reason);
                }
            } catch (NotInstalledException e) {
                reason = e.getMessage();
            }
        }
        try {
            return obtain(demo, Optional.of(reason), listener);
        } catch (SourceUnavailableException e) {
            throw new SourceUnavailableException(reason + "; nor the demo model: " + e.getMessage(), e);
        } catch (NotInstalledException e) {
            throw new NotInstalledException(reason + "; nor the demo model: " + e.getMessage());
        }
    }

    private static String ago(Duration age) {
        long minutes = age.toMinutes();
        return minutes == 0 ? "a moment ago" : minutes == 1 ? "a minute ago" : minutes + " minutes ago";
    }

    private boolean isHere(ModelFile file, PullListener listener) throws IOException {
        return store.isInstalled(file) || inPlace(file, listener).isPresent();
    }

    private static Obtained own(String name, Path path, Optional<ModelFile> file) {
        return new Obtained(name, path, file, Place.OWN, Optional.empty());
    }

    private Obtained obtain(ModelFile file, Optional<String> insteadBecause, PullListener listener) throws IOException {
        if (!store.isInstalled(file)) {
            Optional<CachedFile> cached = inPlace(file, listener);
            if (cached.isPresent()) {
                return new Obtained(
                        file.name(),
                        cached.get().path(),
                        Optional.of(file),
                        cached.get().place(),
                        insteadBecause);
            }
            if (options.isOffline()) {
                throw new NotInstalledException(file.name() + ": not installed, and offline nothing is pulled; needed: "
                        + Sizes.readable(file.sizeBytes()) + " from "
                        + file.sources().getFirst().label());
            }
            checkMemory(file);
            puller.pull(file, listener, options.isForced());
        }
        return new Obtained(file.name(), store.pathOf(file), Optional.of(file), Place.OWN, insteadBecause);
    }

    private void checkMemory(ModelFile file) throws NotEnoughMemoryException {
        long memory = options.memoryBytes();
        if (memory > 0 && !options.isForced() && file.memoryBytes(options.contextTokens()) > memory) {
            throw new NotEnoughMemoryException(
                    file,
                    options.contextTokens(),
                    memory,
                    store.catalogue().within(Optional.of(file), memory, options.contextTokens()));
        }
    }

    // In place.

    /** Returns the file in another program's cache if its bytes are the right ones. */
    private Optional<CachedFile> inPlace(ModelFile file, PullListener listener) throws IOException {
        for (CachedFile cached : caches.candidates(file)) {
            if (hasHash(cached, file.sha256(), listener)) {
                return Optional.of(cached);
            }
        }
        return Optional.empty();
    }

    private boolean hasHash(CachedFile cached, String sha256, PullListener listener) throws IOException {
        try {
            Optional<String> known = hashes.recall(cached.path());
            if (known.isEmpty()) {
                listener.checking(cached.name(), cached.path(), cached.place());
                known = Optional.of(hashes.learn(cached.path(), listener));
            }
            return known.get().equals(sha256);
        } catch (IOException e) {
            if (Files.isReadable(cached.path())) {
                throw e;
            }
            return false; // its owner deleted it meanwhile
        }
    }

    private Obtained obtainCached(String name, PullListener listener) throws IOException {
        boolean isOllama = name.toLowerCase(Locale.ROOT).startsWith(OtherCaches.OLLAMA_PREFIX);
        Optional<CachedFile> cached = isOllama ? caches.ofOllama(name) : caches.ofLmStudio(name);
        if (cached.isEmpty()) {
            Place place = isOllama ? Place.OLLAMA : Place.LM_STUDIO;
            List<String> there = caches.all().stream()
                    .filter(f -> f.place() == place)
                    .map(CachedFile::name)
                    .toList();
            throw new NotInstalledException("'" + FileNames.printable(name) + "': not among the models of "
                    + place.label() + " on this machine, and only those can be used; "
                    + (there.isEmpty() ? "none are there" : "there are " + String.join(", ", there)));
        }
        return proved(cached.get(), listener);
    }

    /** Checks the hash that the other program noted; where it noted none, there is nothing to check against. */
    private Obtained proved(CachedFile cached, PullListener listener) throws IOException {
        if (!cached.sha256().isEmpty() && !hasHash(cached, cached.sha256(), listener)) {
            throw new WrongContentException(cached.path() + ": wrong sha256; expected " + cached.sha256() + ", got "
                    + hashes.recall(cached.path()).orElse("none") + "; the file belongs to "
                    + cached.place().label() + ", which can fetch it again");
        }
        return new Obtained(cached.name(), cached.path(), known(cached), cached.place(), Optional.empty());
    }

    /** What is known of a file by its hash. */
    private Optional<ModelFile> known(CachedFile cached) {
        if (cached.sha256().isEmpty()) {
            return Optional.empty();
        }
        Optional<ModelFile> known = store.catalogue().files().stream()
                .filter(f -> f.sha256().equals(cached.sha256()))
                .findFirst();
        return cached.place() != Place.HUGGING_FACE
                ? known
                : known.or(() -> Optional.of(ModelStore.hubModel(
                        HubRef.parse(cached.name()), new HubFile("", cached.sizeBytes(), cached.sha256()), "")));
    }

    // On the hub.

    private Obtained obtain(HubRef ref, PullListener listener) throws IOException {
        List<ModelFile> ofCatalogue = ofCatalogue(ref);
        if (!ofCatalogue.isEmpty()) {
            return obtain(chooseOfCatalogue(ref, ofCatalogue, listener), Optional.empty(), listener);
        }
        List<ModelFile> here = store.installed(ref);
        if (!here.isEmpty()) {
            ModelFile file = usual(here);
            return own(file.name(), store.pathOf(file), Optional.of(file));
        }
        List<CachedFile> cached = caches.onHub(ref);
        if (!cached.isEmpty()) {
            return proved(usualOf(cached), listener);
        }
        if (options.isOffline()) {
            throw new NotInstalledException(ref.name() + ": not installed, and offline nothing is asked or pulled; "
                    + "needed: "
                    + (ref.path().isEmpty()
                            ? "the list of the repository's files, and the file"
                            : "the file's size and hash, and the file")
                    + ", from Hugging Face");
        }
        Hub hub = puller.hub();
        Hub.Listing listing = ref.path().isEmpty() ? hub.list(ref, listener) : hub.describe(ref, listener);
        HubFile chosen = choose(ref, listing.files());
        if (chosen.sha256().isEmpty() || chosen.sizeBytes() <= 0) {
            throw new SourceUnavailableException(ref.at(chosen.path()).name()
                    + ": the hub tells no sha256 of it, so that its bytes could not be checked");
        }
        ModelFile file = ModelStore.hubModel(ref.at(chosen.path()), chosen, listing.commit());
        return obtain(file, Optional.empty(), listener);
    }

    /** The catalogue's own files of a repository are known with size and hash; the hub need not be asked. */
    private List<ModelFile> ofCatalogue(HubRef ref) {
        List<ModelFile> found = new ArrayList<>();
        for (ModelFile file : store.catalogue().files()) {
            for (Source source : file.sources()) {
                if (source instanceof Source.HuggingFace at
                        && at.repo().equalsIgnoreCase(ref.repo())
                        && (ref.revision().isEmpty() || ref.revision().equals(at.revision()))
                        && !ref.among(List.of(hubFile(file))).isEmpty()) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    private static HubFile hubFile(ModelFile file) {
        return new HubFile(file.fileName(), file.sizeBytes(), file.sha256());
    }

    private ModelFile chooseOfCatalogue(HubRef ref, List<ModelFile> files, PullListener listener) throws IOException {
        List<ModelFile> here = new ArrayList<>();
        for (ModelFile file : files) {
            if (isHere(file, listener)) {
                here.add(file);
            }
        }
        if (!here.isEmpty()) {
            return usual(here);
        }
        HubFile chosen = choose(ref, files.stream().map(Obtainer::hubFile).toList());
        return files.stream()
                .filter(f -> f.fileName().equals(chosen.path()))
                .findFirst()
                .orElseThrow();
    }

    private HubFile choose(HubRef ref, List<HubFile> files) throws IOException {
        List<HubFile> among = ref.among(files);
        if (among.size() == 1) {
            return among.getFirst();
        }
        List<String> whole = new HubRef(ref.repo(), ref.revision(), "", "")
                .among(files).stream().map(HubFile::path).toList();
        if (among.isEmpty()) {
            boolean hasParts = files.stream().anyMatch(HubFile::isPart);
            throw new UnknownModelException(ref.name() + ": no such GGUF file; "
                    + (whole.isEmpty() ? "the repository has none" : "there are " + String.join(", ", whole))
                    + (hasParts ? " (and models in several parts, which cannot be pulled)" : ""));
        }
        if (!ref.quant().isEmpty()) {
            throw new UnknownModelException(ref.name() + ": means several files; name one of "
                    + String.join(
                            ", ",
                            among.stream().map(f -> ref.at(f.path()).name()).toList()));
        }
        return options.chooser().choose(ref.name(), among, HubRef.usual(among));
    }

    private static ModelFile usual(List<ModelFile> files) {
        return files.stream()
                .filter(f -> f.quant().equals("q4_k_m"))
                .findFirst()
                .orElse(files.getFirst());
    }

    private static CachedFile usualOf(List<CachedFile> files) {
        return files.stream()
                .filter(f -> Quants.of(f.path().toString().replace('\\', '/')).equals("q4_k_m"))
                .findFirst()
                .orElse(files.getFirst());
    }
}
