package io.github.medpsy4j.gguf;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * An array of metadata, kept as the bytes of the file; elements are decoded as the iterator passes them. Elements have
 * the Java types that {@link Metadata#get} gives; those of an array of arrays are themselves {@code MetadataArray}.
 */
public final class MetadataArray implements Iterable<Object> {
    private final byte[] header;
    private final ValueType elementType;
    private final int length;
    private final int start;

    /** The array whose element type and length stand at {@code at}; the bytes have been checked before. */
    MetadataArray(byte[] header, int at) {
        this.header = header;
        elementType = ValueType.ofId(LittleEndian.int32(header, at));
        length = (int) LittleEndian.int64(header, at + 4);
        start = at + 12;
    }

    public ValueType elementType() {
        return elementType;
    }

    /** The number of elements. */
    public int length() {
        return length;
    }

    @Override
    public Iterator<Object> iterator() {
        return new Iterator<>() {
            private int next;
            private int at = start;

            @Override
            public boolean hasNext() {
                return next < length;
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                next++;
                Object value = decode(header, at, elementType);
                at = end(header, at, elementType);
                return value;
            }
        };
    }

    /** Offset of the first element in the file. */
    int start() {
        return start;
    }

    /** The value of this type at {@code at}, as {@link Metadata#get} gives it. */
    static Object decode(byte[] header, int at, ValueType type) {
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, INT64 -> integer(header, at, type);
            case UINT64 -> {
                long value = integer(header, at, type);
                if (value >= 0) {
                    yield value;
                }
                yield new BigInteger(Long.toUnsignedString(value));
            }
            case FLOAT32 -> Float.intBitsToFloat(LittleEndian.int32(header, at));
            case FLOAT64 -> Double.longBitsToDouble(LittleEndian.int64(header, at));
            case BOOL -> header[at] != 0;
            case STRING -> string(header, at);
            case ARRAY -> new MetadataArray(header, at);
        };
    }

    /** A whole number; one of UINT64 beyond 2^63-1 comes out negative. */
    static long integer(byte[] header, int at, ValueType type) {
        return switch (type) {
            case UINT8 -> header[at] & 0xFF;
            case INT8 -> header[at];
            case UINT16 -> LittleEndian.int16(header, at) & 0xFFFF;
            case INT16 -> LittleEndian.int16(header, at);
            case UINT32 -> LittleEndian.int32(header, at) & 0xFFFF_FFFFL;
            case INT32 -> LittleEndian.int32(header, at);
            case UINT64, INT64 -> LittleEndian.int64(header, at);
            case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> throw new IllegalArgumentException(type + " is no integer");
        };
    }

    /** A string; bytes that are not UTF-8 become U+FFFD. */
    static String string(byte[] header, int at) {
        int length = LittleEndian.int32(header, at);
        return length == 0 ? "" : new String(header, at + 8, length, UTF_8);
    }

    /** Where the value at {@code at} ends. */
    private static int end(byte[] header, int at, ValueType type) {
        if (type == ValueType.STRING) {
            return at + 8 + LittleEndian.int32(header, at);
        }
        if (type != ValueType.ARRAY) {
            return at + type.byteSize();
        }
        MetadataArray array = new MetadataArray(header, at);
        int end = array.start;
        if (array.elementType.byteSize() > 0) {
            return end + array.length * array.elementType.byteSize();
        }
        for (int i = 0; i < array.length; i++) {
            end = end(header, end, array.elementType);
        }
        return end;
    }
}
