package io.github.medpsy4j.gguf;

/**
 * Little-endian numbers in a byte array. Plain shifts: the header of a vocabulary's file holds some 300,000 lengths, and
 * in a JVM that has just started these run many times faster than a VarHandle or MemorySegment, which are slow until
 * compiled.
 */
final class LittleEndian {
    private LittleEndian() {}

    static int int16(byte[] bytes, int at) {
        return (bytes[at] & 0xFF) | bytes[at + 1] << 8;
    }

    static int int32(byte[] bytes, int at) {
        return (bytes[at] & 0xFF)
                | (bytes[at + 1] & 0xFF) << 8
                | (bytes[at + 2] & 0xFF) << 16
                | (bytes[at + 3] & 0xFF) << 24;
    }

    static long int64(byte[] bytes, int at) {
        return (int32(bytes, at) & 0xFFFF_FFFFL) | (long) int32(bytes, at + 4) << 32;
    }
}
