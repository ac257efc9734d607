package io.github.medpsy4j.gguf;

import java.util.AbstractList;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * The strings of an array of metadata, which stay bytes of the file: as objects, a vocabulary and its merges take sixteen
 * megabytes that nobody asks for twice.
 */
final class MetadataStrings extends AbstractList<String> implements RandomAccess {
    private final byte[] header;

    /** Where each string's length stands. */
    private final int[] starts;

    MetadataStrings(byte[] header, MetadataArray array) {
        this.header = header;
        starts = new int[array.length()];
        int at = array.start();
        for (int i = 0; i < starts.length; i++) {
            starts[i] = at;
            at += 8 + LittleEndian.int32(header, at);
        }
    }

    @Override
    public String get(int index) {
        return MetadataArray.string(header, starts[Objects.checkIndex(index, starts.length)]);
    }

    @Override
    public int size() {
        return starts.length;
    }
}
