package io.github.medpsy4j.tokenizer;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * A copy of a list of strings that keeps their chars alone and makes a string anew whenever it is asked for one. As objects, the
 * tokens and merges of Qwen's vocabulary take seventeen megabytes, their chars four, and hardly any is asked for twice.
 */
final class Texts extends AbstractList<String> implements RandomAccess {
    private final char[] chars;

    /** Where each text starts, and where the last one ends. */
    private final int[] starts;

    /** @throws NullPointerException if a text is null */
    Texts(List<String> texts) {
        starts = new int[texts.size() + 1];
        char[] all = new char[8 * texts.size()];
        int at = 0;
        int index = 0;
        for (String text : texts) {
            int end = Math.addExact(at, text.length());
            if (end > all.length) {
                all = Arrays.copyOf(all, Math.max(end, all.length + (all.length >> 1)));
            }
            text.getChars(0, text.length(), all, at);
            at = end;
            starts[++index] = at;
        }
        chars = Arrays.copyOf(all, at);
    }

    @Override
    public String get(int index) {
        int start = starts[Objects.checkIndex(index, size())];
        return new String(chars, start, starts[index + 1] - start);
    }

    @Override
    public int size() {
        return starts.length - 1;
    }
}
