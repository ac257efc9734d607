package io.github.medpsy4j.models;

/** The rule that keeps every name inside the store's folder. */
final class FileNames {
    private static final int LENGTH_MAX = 200;

    private FileNames() {}

    /** Tells whether {@code name} is a plain visible file name on every platform: no folder, no drive, no {@code ..}. */
    static boolean isPlain(String name) {
        if (name.isEmpty() || name.length() > LENGTH_MAX || name.startsWith(".") || name.contains("..")) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) < ' ' || "/\\:*?\"<>|\u007f".indexOf(name.charAt(i)) >= 0) {
                return false;
            }
        }
        return true;
    }

    static void check(String name) {
        if (!isPlain(name)) {
            throw new IllegalArgumentException("'" + printable(name) + "': not a plain file name");
        }
    }

    /** Returns the name without what could disturb a terminal, cut to a bearable length. */
    static String printable(String name) {
        String cut = name.length() > LENGTH_MAX ? name.substring(0, LENGTH_MAX) + "…" : name;
        return cut.replaceAll("\\p{Cntrl}", "?");
    }
}
