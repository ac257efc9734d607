package io.github.medpsy4j.gguf;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

/**
 * Everything that stands before the tensors' data in one file:
 *
 * <pre>
 * "GGUF"  u32 version  u64 tensor count  u64 key count
 * per key:    string key, u32 type, value      (string: u64 length, bytes; array: u32 type, u64 length, elements)
 * per tensor: string name, u32 dimensions, u64 each, u32 type, u64 offset from the data's start
 * padding to the alignment; then the data
 * </pre>
 *
 * All little-endian. Source: the GGUF specification in ggml's docs/gguf.md.
 *
 * <p>Reading one is part of every start of the program, so what runs where all is well avoids what a young JVM is slow
 * at: lambdas, streams, regular expressions and {@code +} on strings, which are linked on first use.
 */
record Header(int version, int alignment, Metadata metadata, List<TensorInfo> tensors) {
    static final String ALIGNMENT_KEY = "general.alignment";

    /** The most tensors and keys; the largest published models have a few thousand. Bounds the heap of a hostile file. */
    static final int TENSORS_MAX = 1 << 17;

    static final int KEYS_MAX = 1 << 16;

    /** The most strings, or arrays, of one array; the largest vocabularies have some 260,000. */
    static final int STRINGS_MAX = 1 << 22;

    static final int ARRAY_DEPTH_MAX = 8;
    private static final int DIMENSIONS_MAX = 4;

    /** The specification asks for a multiple of 8. */
    private static final int ALIGNMENT_MIN = 8;

    private static final int ALIGNMENT_MAX = 1 << 24;
    private static final int ALIGNMENT_DEFAULT = 32;

    private static final int MAGIC = 'G' | 'G' << 8 | 'U' << 16 | 'F' << 24;

    /** A key's length, a type, a value of one byte. */
    private static final int KEY_BYTES_MIN = 8 + 4 + 1;

    /** A name's length, the number of dimensions, a type, an offset. */
    private static final int TENSOR_BYTES_MIN = 8 + 4 + 4 + 8;

    static Header read(Path path, HeaderReader in, long fileSize, int part) throws IOException {
        int magic = in.int32("the magic number");
        if (magic != MAGIC) {
            throw in.fail(0, "not a GGUF file", "the bytes 47475546 (GGUF)", hex(Integer.reverseBytes(magic)));
        }
        int version = version(in);
        int tensorCount = in.count("number of tensors", TENSOR_BYTES_MIN, TENSORS_MAX);
        int keyCount = in.count("number of keys", KEY_BYTES_MIN, KEYS_MAX);

        LinkedHashMap<String, Metadata.Entry> entries = new LinkedHashMap<>();
        for (int i = 0; i < keyCount; i++) {
            int at = in.position();
            String key = in.name("a key");
            if (entries.put(key, value(in, key)) != null) {
                throw in.fail(at, "key " + GgufException.quote(key), "each key once", "it again");
            }
        }
        Metadata metadata = new Metadata(path, in.bytesRead(), entries);

        int alignment = metadata.intInRange(ALIGNMENT_KEY, ALIGNMENT_MIN, ALIGNMENT_MAX, ALIGNMENT_DEFAULT);
        if (Integer.bitCount(alignment) != 1) {
            throw in.fail(entries.get(ALIGNMENT_KEY).at(), ALIGNMENT_KEY, "a power of two", alignment);
        }
        return new Header(version, alignment, metadata, tensors(in, fileSize, tensorCount, alignment, part));
    }

    private static int version(HeaderReader in) throws IOException {
        int at = in.position();
        int version = in.int32("the version");
        if (version == 2 || version == 3) {
            return version;
        }
        int reversed = Integer.reverseBytes(version);
        if (reversed >= 1 && reversed <= 0xFFFF) {
            throw in.fail(at, "a big-endian GGUF file", "a little-endian one", "version " + reversed + " reversed");
        }
        throw in.fail(at, "unknown GGUF version", "2 or 3", Integer.toUnsignedString(version));
    }

    private static Metadata.Entry value(HeaderReader in, String key) throws IOException {
        String what = "the value of key ".concat(GgufException.quote(key));
        ValueType type = valueType(in, what);
        int at = in.position();
        skipValue(in, type, what, 0);
        return new Metadata.Entry(type, at);
    }

    private static ValueType valueType(HeaderReader in, String what) throws IOException {
        int at = in.position();
        int id = in.int32(what);
        ValueType type = ValueType.ofId(id);
        if (type == null) {
            throw in.fail(at, "unknown type of " + what, "0 to 12", Integer.toUnsignedString(id));
        }
        return type;
    }

    /** Passes over a value and checks all of it. */
    private static void skipValue(HeaderReader in, ValueType type, String what, int depth) throws IOException {
        switch (type) {
            case BOOL -> skipBool(in, what);
            case STRING -> in.skipString(what);
            case ARRAY -> skipArray(in, what, depth + 1);
            default -> in.skip(type.byteSize(), what);
        }
    }

    private static void skipBool(HeaderReader in, String what) throws IOException {
        int at = in.position();
        int value = in.uint8(what);
        if (value > 1) {
            throw in.fail(at, what, "a bool, 0 or 1", value);
        }
    }

    private static void skipArray(HeaderReader in, String what, int depth) throws IOException {
        if (depth > ARRAY_DEPTH_MAX) {
            throw in.fail(in.position(), what, "at most " + ARRAY_DEPTH_MAX + " arrays inside each other", "more");
        }
        ValueType type = valueType(in, what);
        boolean ofNumbers = type.byteSize() > 0;
        int length = in.count(
                "the length of an array in ".concat(what),
                type.byteSizeMin(),
                ofNumbers ? HeaderReader.BYTES_MAX : STRINGS_MAX);
        if (ofNumbers && type != ValueType.BOOL) {
            in.skip((long) length * type.byteSize(), what);
            return;
        }
        for (int i = 0; i < length; i++) {
            skipValue(in, type, what, depth);
        }
    }

    private static List<TensorInfo> tensors(HeaderReader in, long fileSize, int count, int alignment, int part)
            throws IOException {
        List<Declared> declared = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (int i = 0; i < count; i++) {
            int at = in.position();
            Declared tensor = declared(in, alignment);
            if (!names.add(tensor.name)) {
                throw in.fail(at, "tensor " + GgufException.quote(tensor.name), "each name once", "it again");
            }
            declared.add(tensor);
        }
        long dataStart = (in.position() + alignment - 1L) & -alignment;
        List<TensorInfo> tensors = new ArrayList<>(count);
        for (Declared tensor : declared) {
            tensors.add(placed(in, fileSize, dataStart, tensor, part));
        }
        checkOverlaps(in, tensors);
        return Collections.unmodifiableList(tensors);
    }

    /** A tensor as listed, before it is known where the data starts; offsetAt is where the list gives its offset. */
    private record Declared(String name, GgmlType type, List<Long> shape, long byteSize, long offset, int offsetAt) {}

    private static Declared declared(HeaderReader in, int alignment) throws IOException {
        String name = in.name("the name of a tensor");
        String what = "tensor ".concat(GgufException.quote(name));

        int at = in.position();
        int dimensions = in.int32(what);
        if (dimensions < 0 || dimensions > DIMENSIONS_MAX) {
            throw in.fail(
                    at,
                    "number of dimensions of " + what,
                    "at most " + DIMENSIONS_MAX,
                    Integer.toUnsignedString(dimensions));
        }
        List<Long> shape = new ArrayList<>(dimensions);
        long elements = 1;
        int shapeAt = in.position();
        String dimensionOf = "a dimension of ".concat(what);
        for (int i = 0; i < dimensions; i++) {
            int dimensionAt = in.position();
            long dimension = in.uint64(dimensionOf, Long.MAX_VALUE, "2^63-1");
            if (dimension == 0) {
                throw in.fail(dimensionAt, dimensionOf, "at least 1", 0);
            }
            if (elements > Long.MAX_VALUE / dimension) {
                throw in.fail(shapeAt, "shape of " + what, "fewer than 2^63 weights", "more");
            }
            elements *= dimension;
            shape.add(dimension);
        }

        GgmlType type = tensorType(in, what);
        long columns = shape.isEmpty() ? 1 : shape.getFirst();
        if (columns % type.blockSize() != 0) {
            throw in.fail(
                    shapeAt,
                    "dimension 0 of " + what + " of type " + type,
                    "a multiple of " + type.blockSize(),
                    columns);
        }
        long blocks = elements / type.blockSize();
        if (blocks > Long.MAX_VALUE / type.blockBytes()) {
            throw in.fail(shapeAt, "size of " + what, "fewer than 2^63 bytes", "more");
        }

        int offsetAt = in.position();
        long offset = in.uint64("the offset of ".concat(what), Long.MAX_VALUE, "2^63-1");
        if (offset % alignment != 0) {
            throw in.fail(offsetAt, "the offset of " + what, "a multiple of the alignment " + alignment, offset);
        }
        return new Declared(name, type, shape, blocks * type.blockBytes(), offset, offsetAt);
    }

    private static GgmlType tensorType(HeaderReader in, String what) throws IOException {
        int at = in.position();
        int id = in.int32(what);
        GgmlType type = GgmlType.ofId(id);
        if (type == null) {
            String withdrawn = GgmlType.withdrawnName(id);
            throw in.fail(
                    at,
                    "unknown type of " + what,
                    "a type of ggml",
                    withdrawn == null ? Integer.toUnsignedString(id) : id + " (" + withdrawn + ", withdrawn by ggml)");
        }
        return type;
    }

    private static TensorInfo placed(HeaderReader in, long fileSize, long dataStart, Declared tensor, int part)
            throws GgufException {
        long room = Math.max(0, fileSize - dataStart);
        if (tensor.offset > room || tensor.byteSize > room - tensor.offset) {
            throw in.fail(
                    tensor.offsetAt,
                    "tensor " + GgufException.quote(tensor.name) + " of " + tensor.byteSize + " bytes at "
                            + tensor.offset + " reaches beyond the end of the file",
                    "all of it within the " + room + " bytes of data",
                    "a file that is truncated or lies");
        }
        return new TensorInfo(tensor.name, tensor.type, tensor.shape, dataStart + tensor.offset, tensor.byteSize, part);
    }

    private static void checkOverlaps(HeaderReader in, List<TensorInfo> tensors) throws GgufException {
        List<TensorInfo> byOffset = tensors;
        if (!ascending(tensors)) {
            byOffset = new ArrayList<>(tensors);
            byOffset.sort(Comparator.comparingLong(TensorInfo::fileOffset));
        }
        for (int i = 1; i < byOffset.size(); i++) {
            TensorInfo before = byOffset.get(i - 1);
            TensorInfo tensor = byOffset.get(i);
            long end = before.fileOffset() + before.byteSize();
            if (tensor.fileOffset() < end) {
                throw in.fail(
                        tensor.fileOffset(),
                        "tensor " + GgufException.quote(tensor.name()) + " overlaps "
                                + GgufException.quote(before.name()),
                        "it to start at " + end + " or later",
                        tensor.fileOffset());
            }
        }
    }

    private static boolean ascending(List<TensorInfo> tensors) {
        for (int i = 1; i < tensors.size(); i++) {
            if (tensors.get(i).fileOffset() < tensors.get(i - 1).fileOffset()) {
                return false;
            }
        }
        return true;
    }

    private static String hex(int value) {
        return String.format("%08x", value);
    }
}
