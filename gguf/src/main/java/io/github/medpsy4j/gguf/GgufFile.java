package io.github.medpsy4j.gguf;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A model in the GGUF format, versions 2 and 3, little-endian: its metadata, and its tensors as read-only slices of the
 * mapped file. {@link #open} checks all that the file claims (counts, lengths, types, shapes, offsets), so that nothing
 * read through this class needs checking again for being inside the file; what the values mean is the reader's matter.
 *
 * <p>Immutable and shared by threads. Closing unmaps the file: slices handed out by {@link #data} then throw
 * IllegalStateException, as do the methods here that reach for tensors' data. No thread may be reading a slice at the
 * moment of closing: virtual machines without the mend of JDK-8364167 (25.0.3 is one) can then read on from unmapped
 * memory, and crash. A file that another program shortens while
 * it is mapped makes the virtual machine throw InternalError where the lost pages are read; replace a model by renaming
 * a new file over it.
 */
public final class GgufFile implements AutoCloseable {
    private static final String SPLIT_NUMBER = "split.no";
    private static final String SPLIT_COUNT = "split.count";
    private static final String SPLIT_TENSORS = "split.tensors.count";

    /** The keys for parts are numbers of 16 bits. */
    private static final int PARTS_MAX = 65535;

    private final List<Part> parts;
    private final List<TensorInfo> tensors;
    private final Map<String, TensorInfo> tensorsByName;
    private final Arena arena;
    private final List<MemorySegment> maps;

    /** For reads without the map; unlike a channel, not closed when a thread that reads is interrupted. */
    private final List<RandomAccessFile> readers;

    private boolean closed;

    @SuppressWarnings("MustBeClosedChecker") // close() closes the arena
    private GgufFile(List<Part> parts, List<TensorInfo> tensors, Map<String, TensorInfo> tensorsByName)
            throws GgufException {
        this.parts = parts;
        this.tensors = Collections.unmodifiableList(tensors);
        this.tensorsByName = tensorsByName;
        maps = new ArrayList<>(parts.size());
        readers = new ArrayList<>(parts.size());
        arena = Arena.ofShared();
        boolean opened = false;
        try {
            for (Part part : parts) {
                maps.add(part.map(0, part.fileSize(), arena));
                readers.add(part.reader());
            }
            opened = true;
        } finally {
            if (!opened) {
                close();
            }
        }
    }

    /**
     * Opens, checks and maps a file; reads no tensor data. A model split into {@code name-00001-of-0000N.gguf} and so on
     * is opened by its first part; the others must lie beside it.
     *
     * @throws GgufException if there is no such file, or it is no valid GGUF file
     */
    public static GgufFile open(Path path) throws GgufException {
        Part first = Part.open(path, 0);
        List<Part> parts = new ArrayList<>();
        parts.add(first);
        if (first.metadata().intInRange(SPLIT_COUNT, 0, PARTS_MAX, 0) > 1) {
            addOtherParts(parts);
        }
        List<TensorInfo> tensors = new ArrayList<>();
        Map<String, TensorInfo> byName = new HashMap<>();
        for (Part part : parts) {
            for (TensorInfo tensor : part.tensors()) {
                TensorInfo other = byName.put(tensor.name(), tensor);
                if (other != null) {
                    throw new GgufException(part.path() + ": tensor " + GgufException.quote(tensor.name())
                            + " in two parts; expected each name once, got it in "
                            + parts.get(other.part()).path() + " too");
                }
                tensors.add(tensor);
            }
        }
        if (parts.size() > 1) {
            checkTensorCount(first, tensors.size());
        }
        return new GgufFile(parts, tensors, byName);
    }

    private static void addOtherParts(List<Part> parts) throws GgufException {
        Part first = parts.getFirst();
        Path path = first.path();
        int count = first.metadata().intInRange(SPLIT_COUNT, 2, PARTS_MAX);
        int number = first.metadata().intInRange(SPLIT_NUMBER, 0, count - 1) + 1;
        SplitName name = SplitName.of(path)
                .filter(n -> n.count() == count && n.number() == number)
                .orElseThrow(() -> new GgufException(path + ": name of part " + number + " of " + count
                        + "; expected " + String.format("NAME-%05d-of-%05d.gguf", number, count) + ", got "
                        + path.getFileName()));
        if (number != 1) {
            throw new GgufException(path + ": part " + number + " of a split model; expected its first part, "
                    + name.part(1).getFileName() + ", got " + path.getFileName());
        }
        for (int i = 2; i <= count; i++) {
            Path other = name.part(i);
            if (!Files.exists(other)) {
                throw new GgufException(path + ": part " + i + " of " + count + " is missing; expected the file "
                        + other + ", got nothing");
            }
            Part part = Part.open(other, i - 1);
            checkAgrees(part, first, SPLIT_NUMBER, i - 1);
            checkAgrees(part, first, SPLIT_COUNT, count);
            checkAgrees(part, first, SPLIT_TENSORS, first.metadata().integer(SPLIT_TENSORS));
            parts.add(part);
        }
    }

    private static void checkAgrees(Part part, Part first, String key, long expected) throws GgufException {
        long got = part.metadata().integer(key);
        if (got != expected) {
            throw new GgufException(part.path() + ": " + key + " does not agree with "
                    + first.path().getFileName() + "; expected " + expected + ", got " + got);
        }
    }

    private static void checkTensorCount(Part first, int count) throws GgufException {
        long expected = first.metadata().integer(SPLIT_TENSORS);
        if (count != expected) {
            throw new GgufException(first.path() + ": tensors in all parts; expected " + expected + " (" + SPLIT_TENSORS
                    + "), got " + count);
        }
    }

    /** The path it was opened by. */
    public Path path() {
        return parts.getFirst().path();
    }

    /** The version of the format: 2 or 3. */
    public int version() {
        return parts.getFirst().version();
    }

    /** Bytes to whose multiples the tensors' data is aligned (in the first part); a power of two, at least 8. */
    public int alignment() {
        return parts.getFirst().alignment();
    }

    /** Bytes on disk, all parts together. */
    public long byteSize() {
        long sum = 0;
        for (Part part : parts) {
            sum += part.fileSize();
        }
        return sum;
    }

    /** The metadata; of a split model that of the first part. Usable after close. */
    public Metadata metadata() {
        return parts.getFirst().metadata();
    }

    /** All tensors, in file order, part by part. */
    public List<TensorInfo> tensors() {
        return tensors;
    }

    public Optional<TensorInfo> tensor(String name) {
        return Optional.ofNullable(tensorsByName.get(name));
    }

    /**
     * The tensor's bytes: a read-only slice of the map, of {@link TensorInfo#byteSize()} bytes, little-endian, valid
     * until close, for all threads.
     *
     * @throws IllegalStateException if this file is closed
     * @throws IllegalArgumentException if the tensor is not of this file
     */
    public MemorySegment data(TensorInfo tensor) {
        return maps.get(known(tensor).part()).asSlice(tensor.fileOffset(), tensor.byteSize());
    }

    /**
     * The tensor's bytes in a read-only mapping of their own, which lives as long as the caller's arena; closing that
     * lets the pages go. For reading a tensor once, to repack it.
     *
     * @throws IllegalStateException if this file or the arena is closed
     * @throws IllegalArgumentException if the tensor is not of this file
     * @throws UncheckedIOException with a {@link GgufException} as its cause, if the file is gone or has changed since it
     *     was opened, or cannot be mapped
     */
    public MemorySegment map(TensorInfo tensor, Arena arena) {
        try {
            return parts.get(known(tensor).part()).map(tensor.fileOffset(), tensor.byteSize(), arena);
        } catch (GgufException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /**
     * Fills an array with the tensor's bytes from {@code offset} on, by a read of the file instead of the map: pages of the
     * map that were touched count as this process's memory, 64 KiB or even 2 MiB for a row of embeddings. Allocates nothing
     * up to 8 KiB. For all threads; interrupting one does not end its read.
     *
     * @throws IllegalStateException if this file is closed
     * @throws IllegalArgumentException if the tensor is not of this file
     * @throws IndexOutOfBoundsException if the tensor ends before the array is full
     * @throws UncheckedIOException with a {@link GgufException} as its cause, if the file has become shorter since it was
     *     opened, or cannot be read
     */
    public void read(TensorInfo tensor, long offset, byte[] to) {
        int part = known(tensor).part();
        Objects.checkFromIndexSize(offset, to.length, tensor.byteSize());
        RandomAccessFile reader = readers.get(part);
        try {
            synchronized (reader) {
                reader.seek(tensor.fileOffset() + offset);
                reader.readFully(to);
            }
        } catch (IOException e) {
            String message = parts.get(part).path() + ": tensor " + GgufException.quote(tensor.name()) + ": expected "
                    + to.length + " bytes at offset " + (tensor.fileOffset() + offset) + ", got "
                    + (e instanceof EOFException ? "the file's end; it has become shorter" : e.getMessage());
            throw new UncheckedIOException(message, new GgufException(message, e));
        }
    }

    /** The tensor itself, where it is of this file and this file is open. */
    @SuppressWarnings("ReferenceEquality") // spares the start of the program the linking of a record's equals
    private TensorInfo known(TensorInfo tensor) {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException(path() + " is closed");
        }
        TensorInfo own = tensorsByName.get(tensor.name());
        if (tensor != own && !tensor.equals(own)) {
            throw new IllegalArgumentException("tensor " + tensor.name() + " is not of " + path());
        }
        return tensor;
    }

    /** Unmaps the file. Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        arena.close();
        closed = true;
        for (RandomAccessFile reader : readers) {
            try {
                reader.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e); // nothing was written that could be lost: a defect of the system
            }
        }
    }
}
