package io.github.medpsy4j.models;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.function.Predicate;

/**
 * The files that are known by name. The data is {@code catalogue.txt} beside this class; its head tells the format.
 *
 * <p>What every start of a command runs through (reading, looking up) is written without lambdas, regular expressions
 * and {@code +} of strings: in a fresh JVM their first use took 30 of the 80 ms from a name to its path.
 */
public final class Catalogue {
    private static final int SUGGESTIONS_MAX = 3;

    private final List<ModelFile> files;
    private final String defaultModel;
    private final String demoModel;

    private Catalogue(List<ModelFile> files, String defaultModel, String demoModel) {
        this.files = List.copyOf(files);
        this.defaultModel = defaultModel;
        this.demoModel = demoModel;
    }

    /** Returns the catalogue that this library was published with. */
    public static Catalogue builtIn() {
        return BuiltIn.CATALOGUE;
    }

    private static final class BuiltIn {
        static final Catalogue CATALOGUE = read();

        private static Catalogue read() {
            try (InputStream in = Catalogue.class.getResourceAsStream("catalogue.txt");
                    BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
                List<String> lines = new ArrayList<>();
                for (String line; (line = reader.readLine()) != null; ) {
                    lines.add(line);
                }
                return parse("catalogue.txt", lines);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Returns every file, in the catalogue's order: a model's files stand together, its default first. */
    public List<ModelFile> files() {
        return files;
    }

    /** Returns the file to run where no model is named. */
    public ModelFile defaultFile() {
        return find(defaultModel);
    }

    /** Returns the file to run where no source of the default answers. */
    public ModelFile demoFile() {
        return find(demoModel);
    }

    /**
     * Finds a file by {@code model}, {@code model:quant} or its file name, in any case of letters.
     *
     * @throws UnknownModelException if nothing has that name; the message lists near names or the model's quantizations
     */
    public ModelFile find(String name) {
        Optional<ModelFile> found = lookUp(name);
        if (found.isEmpty()) {
            throw unknown(name);
        }
        return found.get();
    }

    /** Finds a file as {@link #find} does; empty where nothing has that name. */
    public Optional<ModelFile> lookUp(String name) {
        for (ModelFile f : files) {
            if (f.name().equalsIgnoreCase(name)
                    || (f.isDefaultQuant() && f.model().equalsIgnoreCase(name))
                    || f.fileName().equalsIgnoreCase(name)) {
                return Optional.of(f);
            }
        }
        return Optional.empty();
    }

    /**
     * Suggests a file to run instead of one that does not fit: the largest that does, of the same model, else of the
     * default one, else the demo. The coarsest quantizations are not suggested: they answer noticeably worse.
     *
     * @param insteadOf the file that does not fit; empty where it is none of the catalogue's
     */
    public Optional<ModelFile> within(Optional<ModelFile> insteadOf, long memoryBytes, int contextTokens) {
        return instead(insteadOf, f -> f.memoryBytes(contextTokens) <= memoryBytes);
    }

    Optional<ModelFile> instead(Optional<ModelFile> insteadOf, Predicate<ModelFile> fits) {
        for (String model : List.of(
                insteadOf.map(ModelFile::model).orElse(""),
                defaultFile().model(),
                demoFile().model())) {
            Optional<ModelFile> found = files.stream()
                    .filter(f -> f.model().equals(model)
                            && !f.quant().startsWith("iq3")
                            && !insteadOf.equals(Optional.of(f))
                            && fits.test(f))
                    .max(Comparator.comparingLong(ModelFile::sizeBytes));
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    UnknownModelException unknown(String name) {
        String wanted = name.toLowerCase(Locale.ROOT);
        String shown = "'" + FileNames.printable(name) + "': no such model";
        int colon = wanted.indexOf(':');
        if (colon > 0) {
            String model = wanted.substring(0, colon);
            List<ModelFile> siblings =
                    files.stream().filter(f -> f.model().equals(model)).toList();
            if (!siblings.isEmpty()) {
                List<String> quants = siblings.stream().map(ModelFile::quant).toList();
                return new UnknownModelException(
                        shown + "; " + model + " comes as " + String.join(", ", quants),
                        near(wanted, siblings.stream().map(ModelFile::name).toList()));
            }
        }
        Set<String> names = new LinkedHashSet<>();
        files.forEach(f -> names.add(f.model()));
        if (colon > 0) {
            files.forEach(f -> names.add(f.name()));
        }
        List<String> near = near(wanted, List.copyOf(names));
        return new UnknownModelException(
                near.isEmpty()
                        ? shown + "; known are " + String.join(", ", names)
                        : shown + "; did you mean " + String.join(" or ", near) + "?",
                near);
    }

    private static List<String> near(String wanted, List<String> names) {
        // A name of more than 100 characters is a mistake of another kind, and the distance below is quadratic.
        if (wanted.isEmpty() || wanted.length() > 100) {
            return List.of();
        }
        int distanceMax = Math.max(2, wanted.length() / 3);
        record Near(String name, int distance) {}
        return names.stream()
                .map(n -> new Near(n, n.startsWith(wanted) ? 0 : distance(wanted, n)))
                .filter(n -> n.distance <= distanceMax)
                .sorted(Comparator.comparingInt(Near::distance))
                .limit(SUGGESTIONS_MAX)
                .map(Near::name)
                .toList();
    }

    /** Returns the Levenshtein distance: the least number of letters to insert, delete or replace. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1]; // row[j]: distance of a's first i letters to b's first j
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replace, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    /** Reads the format that the head of {@code catalogue.txt} describes; a fault names its line. */
    static Catalogue parse(String path, List<String> lines) {
        return new Parser(path).parse(lines);
    }

    /** What the lines since the last {@code model} said. */
    private static final class Parser {
        private final String path;
        private final List<ModelFile> files = new ArrayList<>();
        private int lineNumber;
        private String defaultModel;
        private String demoModel;
        private String model;
        private String about = "";
        private String licence;
        private long kvBytesPerToken;
        private Optional<SamplingDefaults> sampling = Optional.empty();
        private List<Source> sources = List.of();

        Parser(String path) {
            this.path = path;
        }

        Catalogue parse(List<String> lines) {
            for (String line : lines) {
                lineNumber++;
                String text = line.strip();
                if (!text.isEmpty() && !text.startsWith("#")) {
                    StringTokenizer tokens = new StringTokenizer(text, " ");
                    String[] words = new String[tokens.countTokens()];
                    for (int i = 0; i < words.length; i++) {
                        words[i] = tokens.nextToken();
                    }
                    try {
                        fact(words);
                    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
                        throw fault(e.getMessage());
                    }
                }
            }
            Catalogue catalogue = new Catalogue(files, defaultModel, demoModel);
            if (defaultModel == null || demoModel == null) {
                throw fault("no default or no demo model");
            }
            catalogue.defaultFile();
            catalogue.demoFile();
            return catalogue;
        }

        private void fact(String[] words) {
            switch (words[0]) {
                case "default" -> defaultModel = words[1];
                case "demo" -> demoModel = words[1];
                case "model" -> {
                    model = words[1];
                    about = "";
                    licence = null;
                    kvBytesPerToken = 0;
                    sampling = Optional.empty();
                    sources = new ArrayList<>();
                }
                case "about" -> about = String.join(" ", List.of(words).subList(1, words.length));
                case "licence" -> licence = words[1];
                case "kv" -> kvBytesPerToken = Long.parseLong(words[1]);
                case "sampling" ->
                    sampling = Optional.of(new SamplingDefaults(
                            Double.parseDouble(words[1]), Integer.parseInt(words[2]), Double.parseDouble(words[3])));
                case "huggingface" -> sources.add(new Source.HuggingFace(words[1], words[2], ""));
                case "pip" ->
                    sources.add(new Source.Pip(words[1], List.of(words).subList(2, words.length)));
                case "file" -> file(words);
                default -> throw fault("unknown key '" + words[0] + "'");
            }
        }

        private void file(String[] words) {
            if (model == null || licence == null || sources.isEmpty()) {
                throw fault("a file before its model, licence and sources");
            }
            long sizeBytes = Long.parseLong(words[3]);
            if (sizeBytes <= 0 || !isSha256(words[4])) {
                throw fault("no size above 0, or no sha256 of 64 lower-case digits");
            }
            boolean isFirst = files.isEmpty() || !files.getLast().model().equals(model);
            files.add(new ModelFile(
                    model,
                    words[1],
                    isFirst,
                    words[2],
                    sizeBytes,
                    words[4],
                    about,
                    licence,
                    kvBytesPerToken,
                    sampling,
                    sources));
        }

        private static boolean isSha256(String word) {
            for (int i = 0; i < word.length(); i++) {
                if ("0123456789abcdef".indexOf(word.charAt(i)) < 0) {
                    return false;
                }
            }
            return word.length() == 64;
        }

        private IllegalStateException fault(String what) {
            return new IllegalStateException(path + ": line " + lineNumber + ": " + what);
        }
    }
}
