package io.github.medpsy4j.gguf;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The file name of one part of a split model: {@code prefix-00001-of-00003.gguf}, as llama.cpp's gguf-split writes it.
 *
 * @param path the file itself
 * @param prefix what stands before the numbers
 * @param number this part, counted from 1
 * @param count the number of parts
 */
record SplitName(Path path, String prefix, int number, int count) {
    private static final int SUFFIX_LENGTH = "-00001-of-00003.gguf".length();

    static Optional<SplitName> of(Path path) {
        String name = path.getFileName().toString();
        int at = name.length() - SUFFIX_LENGTH;
        if (at < 0 || name.charAt(at) != '-' || !name.startsWith("-of-", at + 6) || !name.endsWith(".gguf")) {
            return Optional.empty();
        }
        int number = fiveDigits(name, at + 1);
        int count = fiveDigits(name, at + 10);
        return number < 1 || number > count
                ? Optional.empty()
                : Optional.of(new SplitName(path, name.substring(0, at), number, count));
    }

    /** The file of another part, beside this one. */
    Path part(int otherNumber) {
        return path.resolveSibling(String.format("%s-%05d-of-%05d.gguf", prefix, otherNumber, count));
    }

    private static int fiveDigits(String name, int at) {
        int value = 0;
        for (int i = at; i < at + 5; i++) {
            char c = name.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            value = 10 * value + (c - '0');
        }
        return value;
    }
}
