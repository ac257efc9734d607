package io.github.medpsy4j.models;

import java.util.List;
import java.util.Optional;

/**
 * One published file of a model, as the catalogue or the hub knows it.
 *
 * @param model the model's name, such as {@code medpsy-1.7b}; of a file on the hub that is in no catalogue its whole
 *     name, such as {@code hf:owner/repo/file.gguf}
 * @param quant the quantization, such as {@code q4_k_m}; lower case; may be empty for a file on the hub
 * @param isDefaultQuant whether the model's name alone means this file
 * @param fileName the name under which it is stored; never a path
 * @param sizeBytes its exact size
 * @param sha256 its hash, 64 lower-case hexadecimal digits
 * @param about one line for people
 * @param licence an SPDX identifier, or {@code Gemma}
 * @param kvBytesPerToken memory that a token of the context takes; 0 where it is not known
 * @param sampling the publisher's sampling setting, where one is published
 * @param sources where to pull it from, in the order of trying
 */
public record ModelFile(
        String model,
        String quant,
        boolean isDefaultQuant,
        String fileName,
        long sizeBytes,
        String sha256,
        String about,
        String licence,
        long kvBytesPerToken,
        Optional<SamplingDefaults> sampling,
        List<Source> sources) {

    private static final long MEMORY_MARGIN_BYTES = 256 << 20; // heap, classes and buffers of the program

    public ModelFile {
        FileNames.check(fileName);
        sources = List.copyOf(sources);
    }

    /** Returns the full name, such as {@code medpsy-1.7b:q4_k_m}. */
    public String name() {
        return isFromHub() ? model : model.concat(":").concat(quant); // not +, see Catalogue
    }

    /** Tells whether this is a file on the hub that is in no catalogue. */
    public boolean isFromHub() {
        return model.startsWith(HubRef.PREFIX);
    }

    /** Returns the memory that running it takes, about: weights, a context's KV cache, and the program. */
    public long memoryBytes(int contextTokens) {
        return sizeBytes + kvBytesPerToken * contextTokens + MEMORY_MARGIN_BYTES;
    }
}
