package io.github.medpsy4j.models;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Turns a model's name into a file that is here, pulling it where it is missing. */
public final class Obtainer {
    private final ModelStore store;
    private final Puller puller;
    private final Map<String, String> environment;
    private final boolean isOffline;

    /**
     * Makes an obtainer.
     *
     * @param environment see {@link Puller}; also {@code MEDPSY_MODEL}, the default's name
     * @param isOffline whether nothing may be pulled
     */
    public Obtainer(ModelStore store, Puller puller, Map<String, String> environment, boolean isOffline) {
        this.store = store;
        this.puller = puller;
        this.environment = Map.copyOf(environment);
        this.isOffline = isOffline;
    }

    /** Returns the default model's name: {@code $MEDPSY_MODEL}, else the catalogue's default. */
    public String defaultName() {
        String own = environment.getOrDefault("MEDPSY_MODEL", "").strip();
        return own.isEmpty() ? store.catalogue().defaultFile().model() : own;
    }

    /**
     * Obtains a model by a name that {@link Catalogue#find} or {@link ModelStore#findFile} knows.
     *
     * @throws UnknownModelException if nothing has that name
     * @throws NotInstalledException if it is missing and this is offline
     * @throws IOException as {@link Puller#pull}
     */
    public Obtained obtain(String name, PullListener listener) throws IOException {
        Optional<ModelFile> known = store.catalogue().lookUp(name);
        if (known.isEmpty()) {
            Path path = store.findFile(name).orElseThrow(() -> store.catalogue().unknown(name));
            return new Obtained(path.getFileName().toString(), path, Optional.empty(), Optional.empty());
        }
        return obtain(known.get(), Optional.empty(), listener);
    }

    /**
     * Obtains the default model, or, where none of its sources gives it, the demo model with the reason. A transfer
     * that broke off, wrong bytes and a full disk are errors here too: the model could be had.
     *
     * @throws UnknownModelException if nothing has the default's name
     * @throws NotInstalledException if this is offline and neither is here
     * @throws SourceUnavailableException if neither could be had; the message gives both reasons
     * @throws IOException as {@link Puller#pull}
     */
    public Obtained obtainDefault(PullListener listener) throws IOException {
        String reason;
        try {
            return obtain(defaultName(), listener);
        } catch (SourceUnavailableException | NotInstalledException e) {
            reason = e.getMessage();
        }
        ModelFile demo = store.catalogue().demoFile();
        try {
            return obtain(demo, Optional.of(reason), listener);
        } catch (SourceUnavailableException e) {
            throw new SourceUnavailableException(reason + "; nor the demo model: " + e.getMessage(), e);
        } catch (NotInstalledException e) {
            throw new NotInstalledException(reason + "; nor the demo model: " + e.getMessage());
        }
    }

    private Obtained obtain(ModelFile file, Optional<String> insteadBecause, PullListener listener) throws IOException {
        if (!store.isInstalled(file)) {
            if (isOffline) {
                throw new NotInstalledException(file.name() + ": not installed, and offline nothing is pulled");
            }
            puller.pull(file, listener);
        }
        return new Obtained(file.name(), store.pathOf(file), Optional.of(file), insteadBecause);
    }
}
