package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Memory;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.ModelTooLargeException;
import io.github.medpsy4j.models.Catalogue;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.ModelNames;
import io.github.medpsy4j.models.ModelStore;
import io.github.medpsy4j.models.NotEnoughMemoryException;
import io.github.medpsy4j.models.NotEnoughSpaceException;
import io.github.medpsy4j.models.NotInstalledException;
import io.github.medpsy4j.models.ObtainOptions;
import io.github.medpsy4j.models.Obtained;
import io.github.medpsy4j.models.Obtainer;
import io.github.medpsy4j.models.Place;
import io.github.medpsy4j.models.Puller;
import io.github.medpsy4j.models.UnknownModelException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** From what a user wrote for MODEL to a file that is here, and to a model in memory. */
final class Models {
    /**
     * A model's file on this machine.
     *
     * @param name for messages: the catalogue's, or the path
     * @param path the file
     * @param known the catalogue's entry of that name or file name
     */
    record Found(String name, Path path, Optional<ModelFile> known) {}

    private static final String FORCE = "; --force goes on all the same";

    private final Terminal terminal;
    private final ModelStore store;

    private boolean isForced;
    private ObtainOptions options = ObtainOptions.defaults();

    Models(Terminal terminal) {
        this.terminal = terminal;
        this.store = ModelStore.open(terminal.environment());
    }

    /** With {@code --force} nothing is refused for its size. */
    Models forced(boolean value) {
        isForced = value;
        return this;
    }

    /** Plans memory for the context that the user asked for; null leaves it open. */
    Models forContext(Integer tokens) {
        if (tokens != null) {
            options = options.withMemory(0, tokens);
        }
        return this;
    }

    /** Asks for the default also where it did not answer a while ago. */
    Models askingAlways() {
        options = options.withAsksAlways(true);
        return this;
    }

    /** Whether the flag or {@code MEDPSY_OFFLINE} forbids connections. */
    static boolean isOffline(Terminal terminal, boolean flag) {
        String variable =
                terminal.environment().getOrDefault("MEDPSY_OFFLINE", "").strip();
        return flag || (!variable.isEmpty() && !variable.equals("0") && !variable.equalsIgnoreCase("false"));
    }

    private Obtainer obtainer(boolean isOffline) {
        return new Obtainer(
                store,
                new Puller(store, terminal.environment()),
                terminal.environment(),
                options.withOffline(isOffline(terminal, isOffline))
                        .withForced(isForced)
                        .withMemory(Memory.totalBytes(), options.contextTokens())
                        .withChooser(new RepositoryChooser(terminal)));
    }

    /** The default model's name. */
    String defaultName() {
        return obtainer(true).defaultName();
    }

    ModelStore store() {
        return store;
    }

    /** The path, if the text is one rather than a name: something is there, or it looks like one. */
    static Optional<Path> asPath(String text) {
        if (ModelNames.hasPrefix(text)) {
            return Optional.empty();
        }
        Path path = Path.of(text);
        boolean looksLikeOne = text.contains("/")
                || text.contains(File.separator)
                || text.toLowerCase(Locale.ROOT).endsWith(".gguf");
        return Files.isRegularFile(path) || looksLikeOne ? Optional.of(path) : Optional.empty();
    }

    /** The catalogue's entry of a name or of a path's file name. */
    static Optional<ModelFile> known(String nameOrFileName) {
        return Catalogue.builtIn().lookUp(nameOrFileName);
    }

    /** The file of a model on this machine or at a path; nothing is pulled. */
    Optional<Found> findHere(String text) throws IOException {
        Optional<Path> path = asPath(text);
        boolean isInStore = known(text).filter(store::isInstalled).isPresent()
                || store.findFile(text).isPresent();
        if (path.isPresent() && (Files.exists(path.get()) || !isInStore)) {
            return path.map(p -> atPath(text, p));
        }
        PullProgress progress = new PullProgress(terminal);
        try {
            return Optional.of(found(obtainer(true).obtain(text, progress)));
        } catch (NotInstalledException e) {
            if (ModelNames.hasPrefix(text)) {
                throw e;
            }
            return Optional.empty();
        } finally {
            progress.endBar();
        }
    }

    /** Whether a name's file is here, so that obtaining it pulls nothing; null means the default. */
    boolean isHere(String name) throws IOException {
        try {
            return findHere(name == null ? defaultName() : name).isPresent();
        } catch (NotInstalledException e) {
            return false;
        }
    }

    /**
     * The file of a model, pulled where it is missing.
     *
     * @param text a name or path; null for the default
     */
    Found obtain(String text, boolean isOffline) throws IOException, Failure {
        Obtainer obtainer = obtainer(isOffline);
        String wanted = text == null ? obtainer.defaultName() : text;
        Optional<Path> path = asPath(wanted);
        // A GGUF in the store may be named by its file name, which looks like a path.
        boolean isInStore = path.isPresent()
                && !Files.exists(path.get())
                && (known(wanted).isPresent() || store.findFile(wanted).isPresent());
        if (path.isPresent() && !isInStore) {
            return atPath(wanted, path.get());
        }
        PullProgress progress = new PullProgress(terminal);
        Obtained obtained;
        try {
            obtained = text == null ? obtainer.obtainDefault(progress) : obtainer.obtain(text, progress);
        } catch (UnknownModelException e) {
            if (text == null) {
                throw new Failure("MEDPSY_MODEL: " + Failure.line(e), e);
            }
            throw e;
        } catch (NotEnoughMemoryException | NotEnoughSpaceException e) {
            throw new Failure(e.getMessage() + FORCE, e);
        } finally {
            progress.endBar();
        }
        if (obtained.place() != Place.OWN && progress.hasChecked()) {
            terminal.say("using " + obtained.name() + " in place: " + obtained.path());
        }
        obtained.insteadBecause()
                .ifPresent(reason -> terminal.say("using the demo model " + obtained.name() + " ("
                        + obtained.file().map(ModelFile::about).orElse("") + ") because " + reason));
        return found(obtained);
    }

    private static Found found(Obtained obtained) {
        return new Found(obtained.name(), obtained.path(), obtained.file());
    }

    /** Hashes a file anew. */
    void verify(Found found) throws IOException, Failure {
        if (found.known().isEmpty()) {
            throw new Failure(found.path() + ": nothing is known of it that could be verified");
        }
        PullProgress progress = new PullProgress(terminal);
        try {
            store.verify(found.known().get(), found.path(), progress);
        } finally {
            progress.endBar();
        }
        progress.finished(found.known().get(), found.path());
    }

    private static Found atPath(String text, Path path) {
        Path fileName = path.getFileName();
        return new Found(text, path, fileName == null ? Optional.empty() : known(fileName.toString()));
    }

    /** Loads a model and says so on stderr. */
    Model load(Found found, LoadOptions options, boolean isQuiet, boolean isVerbose) throws IOException, Failure {
        VectorModule.load();
        long start = System.nanoTime();
        LoadOptions checked = options.withMemoryCheck(!isForced).withWarmUp(true);
        Model model;
        try {
            // A log of its own in any case: the engine would warn of scalar code, which the status line says.
            model = Model.load(found.path(), checked.withLog(isVerbose ? terminal::say : _ -> {}));
        } catch (ModelTooLargeException e) {
            Optional<ModelFile> instead = store.catalogue().within(found.known(), e.availableBytes(), e.context());
            throw new Failure(
                    e.getMessage()
                            + instead.map(f -> "; " + f.name() + " (" + Sizes.readable(f.sizeBytes()) + ") would fit")
                                    .orElse("")
                            + FORCE,
                    e);
        }
        if (!isQuiet) {
            terminal.say(String.format(
                    Locale.ROOT,
                    "%s: %s, context %,d of %,d tokens, %s, %d thread%s, loaded in %.2f s",
                    found.name(),
                    model.architecture(),
                    model.context(),
                    model.contextLength(),
                    model.kernel(),
                    model.threads(),
                    model.threads() == 1 ? "" : "s",
                    (System.nanoTime() - start) / 1e9));
        }
        return model;
    }
}
