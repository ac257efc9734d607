package io.github.medpsy4j.models;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GGUF file on Hugging Face, as users name it: {@code hf:OWNER/REPO/FILE}, {@code hf:OWNER/REPO:QUANT} or
 * {@code hf:OWNER/REPO}, with {@code @REVISION} behind the repository or at the end. The addresses that a browser shows
 * for a file are understood too.
 *
 * @param repo {@code OWNER/REPO}
 * @param revision a branch, tag or commit; an empty text means {@code main}
 * @param path the file in the repository; an empty text where it is left open
 * @param quant the quantization in lower case; an empty text where it is left open or told by the path
 */
record HubRef(String repo, String revision, String path, String quant) {
    static final String PREFIX = "hf:";
    private static final String MAIN = "main";
    private static final int STORED_CHARS_MAX = 160; // leaves room for suffixes below the 255 of file systems

    // Names of owners and repositories: letters, digits, '-', '_', '.', not '--' or '..' (the hub's own rule).
    private static final Pattern NAME = Pattern.compile("(?!.*(--|\\.\\.))[A-Za-z0-9][A-Za-z0-9._-]{0,95}");
    private static final Pattern REVISION = Pattern.compile("(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._/+-]{0,254}");
    private static final Pattern QUANT = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final Pattern ADDRESS = Pattern.compile(
            "https?://(?:huggingface\\.co|hf\\.co)/([^/]+/[^/]+)/(?:blob|resolve|raw)/([^/]+)/([^?#]+).*");

    /** Tells whether a MODEL names something on the hub. */
    static boolean isOne(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.startsWith(PREFIX)
                || lower.startsWith("hf.co/")
                || lower.startsWith("huggingface.co/")
                || lower.startsWith("https://huggingface.co/")
                || lower.startsWith("https://hf.co/");
    }

    /**
     * Reads a name.
     *
     * @throws UnknownModelException if it is not of the forms above
     */
    static HubRef parse(String name) {
        Matcher address = ADDRESS.matcher(name);
        if (address.matches()) {
            return checked(name, address.group(1), address.group(2).replace("%2F", "/"), address.group(3), "");
        }
        String rest = name.replaceFirst("(?i)^(hf:|(https://)?(hf\\.co|huggingface\\.co)/)", "");
        String revision = "";
        int at = rest.indexOf('@');
        if (at >= 0) {
            String behind = rest.substring(at + 1);
            int end = behind.indexOf(':') >= 0 ? behind.indexOf(':') : behind.length();
            // hf:OWNER/REPO@REVISION/FILE: the file begins at the first '/', so one in a revision is written %2F.
            String before = rest.substring(0, at);
            boolean isBehindRepo = before.indexOf(':') < 0 && before.indexOf('/') == before.lastIndexOf('/');
            if (isBehindRepo && behind.indexOf('/') >= 0 && behind.indexOf('/') < end) {
                end = behind.indexOf('/');
            }
            revision = behind.substring(0, end).replace("%2F", "/").replace("%2f", "/");
            rest = rest.substring(0, at) + behind.substring(end);
            if (revision.isEmpty()) {
                throw malformed(name);
            }
        }
        String quant = "";
        int colon = rest.lastIndexOf(':');
        if (colon >= 0) {
            quant = rest.substring(colon + 1);
            rest = rest.substring(0, colon);
            if (!QUANT.matcher(quant).matches()) {
                throw malformed(name);
            }
        }
        String[] parts = rest.split("/", 3);
        if (parts.length < 2 || (parts.length == 3 && !quant.isEmpty())) {
            throw malformed(name);
        }
        return checked(name, parts[0] + "/" + parts[1], revision, parts.length == 3 ? parts[2] : "", quant);
    }

    private static HubRef checked(String name, String repo, String revision, String path, String quant) {
        int slash = repo.indexOf('/');
        boolean isSound = NAME.matcher(repo.substring(0, slash)).matches()
                && NAME.matcher(repo.substring(slash + 1)).matches()
                && (revision.isEmpty() || REVISION.matcher(revision).matches());
        if (!isSound) {
            throw malformed(name);
        }
        if (!path.isEmpty()) {
            for (String segment : path.split("/", -1)) {
                if (!FileNames.isPlain(segment)) {
                    throw malformed(name);
                }
            }
            if (!path.toLowerCase(Locale.ROOT).endsWith(".gguf")) {
                throw new UnknownModelException("'" + FileNames.printable(name) + "': not a .gguf file");
            }
            if (Quants.isPart(path)) {
                throw new UnknownModelException(
                        "'" + FileNames.printable(name) + "': one part of a model that is split into several files; "
                                + "those cannot be pulled, only run from a path");
            }
        }
        return new HubRef(repo, revision.equals(MAIN) ? "" : revision, path, quant.toLowerCase(Locale.ROOT));
    }

    private static UnknownModelException malformed(String name) {
        return new UnknownModelException("'" + FileNames.printable(name)
                + "': not a model on Hugging Face; expected hf:OWNER/REPO/FILE.gguf, hf:OWNER/REPO:QUANT or "
                + "hf:OWNER/REPO, with @REVISION where it is not main");
    }

    /** Returns the revision to ask for. */
    String revisionOrMain() {
        return revision.isEmpty() ? MAIN : revision;
    }

    /** Returns the canonical name of the repository, such as {@code hf:owner/repo@v1}. */
    String repoName() {
        return PREFIX + repo + (revision.isEmpty() ? "" : "@" + revision.replace("/", "%2F"));
    }

    /** Returns the canonical name. */
    String name() {
        return repoName() + (!path.isEmpty() ? "/" + path : quant.isEmpty() ? "" : ":" + quant);
    }

    /** Returns this reference with the file that it came to mean. */
    HubRef at(String file) {
        return new HubRef(repo, revision, file, "");
    }

    /**
     * Returns the plain file name under which the store keeps the file: the name itself with '--' for '/', or, where
     * that would be ambiguous or long, a part of it and a hash.
     */
    String storedName() {
        String whole = repo + (revision.isEmpty() ? "" : "@" + revision) + "/" + path;
        String flat = "hf--" + whole.replace("/", "--");
        if (flat.length() <= STORED_CHARS_MAX
                && !path.contains("--")
                && !path.contains("/")
                && !revision.contains("/")) {
            return flat;
        }
        String hash = HexFormat.of().formatHex(PartFile.sha256().digest(whole.getBytes(StandardCharsets.UTF_8)), 0, 8);
        String stem = flat.substring(0, Math.min(flat.length() - ".gguf".length(), STORED_CHARS_MAX));
        return stem + "--" + hash + ".gguf";
    }

    /** Tells whether the file that {@code whole} names may be meant. */
    boolean covers(HubRef whole) {
        return whole.repo.equalsIgnoreCase(repo)
                && whole.revision.equals(revision)
                && !among(List.of(new HubFile(whole.path, 0, ""))).isEmpty();
    }

    /** Returns the files that this reference may mean: all whole models, or those of the quantization. */
    List<HubFile> among(List<HubFile> files) {
        List<HubFile> whole = files.stream()
                .filter(f -> !f.isPart()
                        && !f.path()
                                .substring(f.path().lastIndexOf('/') + 1)
                                .toLowerCase(Locale.ROOT)
                                .startsWith("mmproj"))
                .toList();
        if (!path.isEmpty()) {
            return whole.stream().filter(f -> f.path().equals(path)).toList();
        }
        if (quant.isEmpty()) {
            return whole;
        }
        List<HubFile> exact =
                whole.stream().filter(f -> f.quant().equals(quant)).toList();
        return !exact.isEmpty()
                ? exact
                : whole.stream()
                        .filter(f -> f.path().toLowerCase(Locale.ROOT).contains(quant))
                        .toList();
    }

    /** Returns the file that llama.cpp would take of several: Q4_K_M, else the first. */
    static HubFile usual(List<HubFile> files) {
        Optional<HubFile> medium =
                files.stream().filter(f -> f.quant().equals("q4_k_m")).findFirst();
        return medium.orElse(files.getFirst());
    }
}
