package io.github.medpsy4j.models;

import java.util.List;
import java.util.Optional;

/**
 * One published file of a model, as the catalogue knows it.
 *
 * @param model the model's name, such as {@code medpsy-1.7b}
 * @param quant the quantization, such as {@code q4_k_m}; lower case
 * @param isDefaultQuant whether the model's name alone means this file
 * @param fileName the name under which it is stored; never a path
 * @param sizeBytes its exact size
 * @param sha256 its hash, 64 lower-case hexadecimal digits
 * @param about one line for people
 * @param licence an SPDX identifier, or {@code Gemma}
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
        Optional<SamplingDefaults> sampling,
        List<Source> sources) {

    public ModelFile {
        FileNames.check(fileName);
        sources = List.copyOf(sources);
    }

    /** Returns the full name, such as {@code medpsy-1.7b:q4_k_m}. */
    public String name() {
        return model.concat(":").concat(quant); // not +, see Catalogue
    }
}
