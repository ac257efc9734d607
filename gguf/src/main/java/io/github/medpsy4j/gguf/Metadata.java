package io.github.medpsy4j.gguf;

import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The key-value pairs of a GGUF file, in file order. Values stay as the bytes of the file on the heap (a few megabytes
 * with a vocabulary) and are decoded when asked for, so a caller keeps what it needs more than once. They outlive the
 * closing of the file. Immutable and shared by threads.
 *
 * <p>Strings are UTF-8; bytes that are not become U+FFFD. The getters with a default give it only where the key is
 * missing: a value of another type or out of range is always an exception, which names file, key, what was expected and
 * what was found.
 */
public final class Metadata {
    /** A value's type and where its bytes start. */
    record Entry(ValueType type, int at) {}

    private final Path path;
    private final byte[] header;
    private final Map<String, Entry> entries;

    /** Entries in file order; the bytes behind them must have been checked, all arrays and strings included. */
    Metadata(Path path, byte[] header, Map<String, Entry> entries) {
        this.path = path;
        this.header = header;
        this.entries = Collections.unmodifiableMap(entries);
    }

    /** All keys, in file order. */
    public Set<String> keys() {
        return entries.keySet();
    }

    /** Feeds a digest with the keys and their values as the file has them. */
    public void digest(MessageDigest digest) {
        digest.update(header);
    }

    public boolean has(String key) {
        return entries.containsKey(key);
    }

    /** The type that the file declares for the value. */
    public Optional<ValueType> type(String key) {
        Entry entry = entries.get(key);
        return entry == null ? Optional.empty() : Optional.of(entry.type);
    }

    /**
     * The value: whole numbers as Long (one of UINT64 beyond 2<sup>63</sup>-1 as BigInteger), FLOAT32 as Float, FLOAT64
     * as Double, and else Boolean, String or {@link MetadataArray}.
     */
    public Optional<Object> get(String key) {
        Entry entry = entries.get(key);
        return entry == null ? Optional.empty() : Optional.of(MetadataArray.decode(header, entry.at, entry.type));
    }

    public String string(String key) throws GgufException {
        return MetadataArray.string(header, present(key, "a string", ValueType.STRING).at);
    }

    public String string(String key, String defaultValue) throws GgufException {
        return has(key) ? string(key) : defaultValue;
    }

    /** A whole number of any of the eight types. */
    public long integer(String key) throws GgufException {
        Entry entry = present(key, "an integer");
        if (!entry.type.isInteger()) {
            throw wrongType(key, entry, "an integer");
        }
        long value = MetadataArray.integer(header, entry.at, entry.type);
        if (entry.type == ValueType.UINT64 && value < 0) {
            throw fail(key, entry.at, "at most " + Long.MAX_VALUE, Long.toUnsignedString(value));
        }
        return value;
    }

    public long integer(String key, long defaultValue) throws GgufException {
        return has(key) ? integer(key) : defaultValue;
    }

    /** A whole number from min to max, both included. */
    public int intInRange(String key, int min, int max) throws GgufException {
        long value = integer(key);
        if (value < min || value > max) {
            throw fail(key, entries.get(key).at, "from " + min + " to " + max, value);
        }
        return (int) value;
    }

    public int intInRange(String key, int min, int max, int defaultValue) throws GgufException {
        return has(key) ? intInRange(key, min, max) : defaultValue;
    }

    /** A finite FLOAT32 or FLOAT64, rounded to float. */
    public float real(String key) throws GgufException {
        Entry entry = present(key, "a float");
        if (!entry.type.isFloat()) {
            throw wrongType(key, entry, "a float");
        }
        float value = real(entry.type, entry.at);
        if (!Float.isFinite(value)) {
            throw fail(key, entry.at, "a finite float", MetadataArray.decode(header, entry.at, entry.type));
        }
        return value;
    }

    public float real(String key, float defaultValue) throws GgufException {
        return has(key) ? real(key) : defaultValue;
    }

    public boolean bool(String key) throws GgufException {
        return header[present(key, "a bool", ValueType.BOOL).at] != 0;
    }

    public boolean bool(String key, boolean defaultValue) throws GgufException {
        return has(key) ? bool(key) : defaultValue;
    }

    /** An array of strings; unmodifiable. A string is decoded anew whenever the list is asked for it, and not kept. */
    public List<String> strings(String key) throws GgufException {
        MetadataArray array = array(key, "an array of strings");
        if (array.elementType() != ValueType.STRING) {
            throw wrongType(key, entries.get(key), "an array of strings");
        }
        return new MetadataStrings(header, array);
    }

    /** An array of whole numbers of any type, each within int. */
    public int[] ints(String key) throws GgufException {
        MetadataArray array = array(key, "an array of integers");
        ValueType type = array.elementType();
        if (!type.isInteger()) {
            throw wrongType(key, entries.get(key), "an array of integers");
        }
        int[] ints = new int[array.length()];
        int at = array.start();
        for (int i = 0; i < ints.length; i++) {
            long value = MetadataArray.integer(header, at, type);
            if (value != (int) value || (type == ValueType.UINT64 && value < 0)) {
                throw fail(
                        key + "[" + i + "]",
                        at,
                        "from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE,
                        MetadataArray.decode(header, at, type));
            }
            ints[i] = (int) value;
            at += type.byteSize();
        }
        return ints;
    }

    /** An array of FLOAT32 or FLOAT64, rounded to float; not finite values come through as they are. */
    public float[] floats(String key) throws GgufException {
        MetadataArray array = array(key, "an array of floats");
        ValueType type = array.elementType();
        if (!type.isFloat()) {
            throw wrongType(key, entries.get(key), "an array of floats");
        }
        float[] floats = new float[array.length()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = real(type, array.start() + i * type.byteSize());
        }
        return floats;
    }

    private float real(ValueType type, int at) {
        return type == ValueType.FLOAT32
                ? Float.intBitsToFloat(LittleEndian.int32(header, at))
                : (float) Double.longBitsToDouble(LittleEndian.int64(header, at));
    }

    private MetadataArray array(String key, String expected) throws GgufException {
        return new MetadataArray(header, present(key, expected, ValueType.ARRAY).at);
    }

    private Entry present(String key, String expected, ValueType type) throws GgufException {
        Entry entry = present(key, expected);
        if (entry.type != type) {
            throw wrongType(key, entry, expected);
        }
        return entry;
    }

    private Entry present(String key, String expected) throws GgufException {
        Entry entry = entries.get(key);
        if (entry == null) {
            throw new GgufException(
                    path + ": key " + GgufException.quote(key) + " is missing; expected " + expected + ", got nothing");
        }
        return entry;
    }

    private GgufException wrongType(String key, Entry entry, String expected) {
        String got = entry.type == ValueType.ARRAY
                ? "ARRAY of " + new MetadataArray(header, entry.at).elementType()
                : entry.type.toString();
        return GgufException.at(path, entry.at, "type of key " + GgufException.quote(key), expected, got);
    }

    private GgufException fail(String key, int at, String expected, Object got) {
        return GgufException.at(path, at, "value of key " + GgufException.quote(key), expected, got);
    }
}
