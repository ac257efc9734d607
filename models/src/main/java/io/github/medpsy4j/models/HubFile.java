package io.github.medpsy4j.models;

/**
 * A GGUF file in a repository of the hub.
 *
 * @param path its path in the repository
 * @param sizeBytes its size, or -1 where the hub does not tell
 * @param sha256 its hash, 64 lower-case hexadecimal digits; an empty text where the hub does not tell
 * @param quant the quantization that its name tells, in lower case; an empty text where it tells none
 */
public record HubFile(String path, long sizeBytes, String sha256, String quant) {
    HubFile(String path, long sizeBytes, String sha256) {
        this(path, sizeBytes, sha256, Quants.of(path));
    }

    /** Tells whether the file is one of several parts of a model, which cannot be pulled. */
    public boolean isPart() {
        return Quants.isPart(path);
    }
}
