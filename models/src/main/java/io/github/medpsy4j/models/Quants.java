package io.github.medpsy4j.models;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The quantization that a file's name tells, as publishers of GGUF files write it. */
final class Quants {
    /** The labels of llama.cpp's {@code llama-quantize}, and the {@code UD-} and {@code _XL} of Unsloth's files. */
    private static final Pattern LABEL = Pattern.compile(
            "(?<![A-Z0-9])((?:UD-)?(?:I?Q[1-8](?:_[A-Z0-9]{1,3})*|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|F16|FP16|F32))(?![A-Z0-9])");

    private static final Pattern PART = Pattern.compile("-(\\d{5})-of-(\\d{5})\\.gguf$", Pattern.CASE_INSENSITIVE);

    private Quants() {}

    /** Returns the last label in a file's name, in lower case; an empty text where there is none. */
    static String of(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1).toUpperCase(Locale.ROOT);
        Matcher m = LABEL.matcher(name);
        String label = "";
        while (m.find()) {
            label = m.group(1);
        }
        return label.toLowerCase(Locale.ROOT);
    }

    /** Tells whether the name is one of several parts that make one model. */
    static boolean isPart(String path) {
        return PART.matcher(path).find();
    }
}
