package io.github.medpsy4j.models;

import java.util.Locale;

/** The forms of names that models have. */
public final class ModelNames {
    private ModelNames() {}

    /**
     * Tells whether a MODEL is a name of a kind that its beginning tells, and no path: {@code hf:…}, {@code ollama:…},
     * {@code lmstudio:…}, or an address on Hugging Face.
     */
    public static boolean hasPrefix(String name) {
        return HubRef.isOne(name) || OtherCaches.isOne(name);
    }

    /**
     * Adds a quantization to a name that leaves it open.
     *
     * @throws IllegalArgumentException if the name has another one, or can have none; the message says which
     */
    public static String withQuant(String name, String quant) {
        if (!quant.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
            throw new IllegalArgumentException(
                    "expected a quantization such as q4_k_m, got '" + FileNames.printable(quant) + "'");
        }
        String own;
        if (HubRef.isOne(name)) {
            HubRef ref = HubRef.parse(name);
            own = ref.path().isEmpty() ? ref.quant() : Quants.of(ref.path());
            if (own.isEmpty() && ref.path().isEmpty()) {
                return new HubRef(ref.repo(), ref.revision(), "", quant.toLowerCase(Locale.ROOT)).name();
            }
        } else if (OtherCaches.isOne(name)) {
            own = "";
        } else {
            int colon = name.indexOf(':');
            if (colon < 0) {
                return name + ":" + quant;
            }
            own = name.substring(colon + 1);
        }
        if (own.equalsIgnoreCase(quant)) {
            return name;
        }
        throw new IllegalArgumentException(
                own.isEmpty()
                        ? FileNames.printable(name) + " names a file, whose quantization is what it is"
                        : "another quantization than that of " + FileNames.printable(name));
    }
}
