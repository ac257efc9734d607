package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.models.Catalogue;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.ModelStore;
import io.github.medpsy4j.models.Obtained;
import io.github.medpsy4j.models.Obtainer;
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

    private final Terminal terminal;
    private final ModelStore store;

    Models(Terminal terminal) {
        this.terminal = terminal;
        this.store = ModelStore.open(terminal.environment());
    }

    ModelStore store() {
        return store;
    }

    /** The path, if the text is one rather than a name: something is there, or it looks like one. */
    static Optional<Path> asPath(String text) {
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

    /** The file of a model in the store or at a path; nothing is pulled. */
    Optional<Found> findHere(String text) {
        Optional<Path> inStore =
                known(text).filter(store::isInstalled).map(store::pathOf).or(() -> store.findFile(text));
        Optional<Path> path = asPath(text);
        if (path.isPresent() && (Files.exists(path.get()) || inStore.isEmpty())) {
            return path.map(p -> atPath(text, p));
        }
        return inStore.map(p -> new Found(known(text).map(ModelFile::name).orElse(text), p, known(text)));
    }

    /**
     * The file of a model, pulled where it is missing.
     *
     * @param text a name or path; null for the default
     */
    Found obtain(String text, boolean isOffline) throws IOException, Failure {
        Obtainer obtainer =
                new Obtainer(store, new Puller(store, terminal.environment()), terminal.environment(), isOffline);
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
        }
        obtained.insteadBecause()
                .ifPresent(reason -> terminal.say("using the demo model " + obtained.name() + " ("
                        + obtained.file().map(ModelFile::about).orElse("") + ") because " + reason));
        return new Found(obtained.name(), obtained.path(), obtained.file());
    }

    private static Found atPath(String text, Path path) {
        Path fileName = path.getFileName();
        return new Found(text, path, fileName == null ? Optional.empty() : known(fileName.toString()));
    }

    /** Loads a model and says so on stderr. */
    Model load(Found found, LoadOptions options, boolean isQuiet, boolean isVerbose) throws IOException {
        VectorModule.load();
        long start = System.nanoTime();
        LoadOptions told = isVerbose ? options.withLog(terminal::say) : options;
        Model model = Model.load(found.path(), told);
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
