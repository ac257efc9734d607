package io.github.medpsy4j.cli;

import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.Metadata;
import io.github.medpsy4j.gguf.MetadataArray;
import io.github.medpsy4j.gguf.TensorInfo;
import io.github.medpsy4j.gguf.ValueType;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a file holds. */
@Command(
        name = "show",
        header = "Print a file's metadata and tensors.",
        description = {
            "Works with every GGUF file, also of architectures that cannot be run. Of a model that is not here it prints "
                    + "what the catalogue knows; nothing is pulled."
        },
        footer = {"  medpsy show medpsy-1.7b", "  medpsy show model.gguf", "  medpsy show model.gguf --json"})
final class ShowCommand extends BaseCommand {
    private static final int TEXT_MAX = 72;
    private static final int ELEMENTS_MAX = 6;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Path, name or NAME:QUANT (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    String positional;

    @Option(names = "--json", description = "Print one JSON object, complete.")
    boolean json;

    @Mixin
    ModelFlags modelFlags;

    ShowCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException {
        Models models = new Models(terminal);
        String given = modelFlags.choose(positional);
        String name = given == null ? models.defaultName() : given;
        Optional<Models.Found> found = models.findHere(name);
        if (found.isEmpty()) {
            showEntry(models.store().catalogue().find(name));
            return OK;
        }
        try (GgufFile file = GgufFile.open(found.get().path())) {
            if (json) {
                Json.print(terminal, describe(file, found.get()));
            } else {
                show(file, found.get());
            }
        }
        return OK;
    }

    private void showEntry(ModelFile entry) throws IOException {
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("name", entry.name());
            all.put("installed", false);
            all.putAll(ListCommand.describe(entry));
            Json.print(terminal, all);
            return;
        }
        line("name", entry.name());
        line("state", "not here; medpsy pull " + ModelFlags.nameOf(entry) + " brings it");
        line("file", entry.fileName());
        line("size", size(entry.sizeBytes()));
        showFacts(entry);
        line("sha256", entry.sha256());
        for (Source source : entry.sources()) {
            line(
                    "source",
                    switch (source) {
                        case Source.HuggingFace at -> at.label() + ", " + at.repo() + " at " + at.revision();
                        case Source.Pip at -> at.label() + ", " + String.join(" ", at.requirements());
                    });
        }
    }

    private void showFacts(ModelFile entry) throws IOException {
        line("about", entry.about());
        if (FirstUse.concerns(entry)) {
            line("note", FirstUse.NOTICE);
        }
        if (!entry.licence().isEmpty()) {
            line("licence", entry.licence());
        }
        if (entry.sampling().isPresent()) {
            var s = entry.sampling().get();
            line("sampling", "temperature " + s.temperature() + ", top-k " + s.topK() + ", top-p " + s.topP());
        }
    }

    private void line(String key, String value) throws IOException {
        terminal.print(String.format("%-10s%s%n", key, value));
    }

    private static String size(long bytes) {
        return Sizes.readable(bytes) + String.format(Locale.ROOT, " (%,d bytes)", bytes);
    }

    private void show(GgufFile file, Models.Found found) throws IOException {
        if (found.known().isPresent()) {
            line("name", found.known().get().name());
            showFacts(found.known().get());
        }
        line("file", file.path().toString());
        line("size", size(file.byteSize()));
        line("format", "GGUF version " + file.version() + ", alignment " + file.alignment());
        long elements = 0;
        long bytes = 0;
        for (TensorInfo tensor : file.tensors()) {
            elements += tensor.elements();
            bytes += tensor.byteSize();
        }
        line(
                "weights",
                String.format(
                        Locale.ROOT,
                        "%,d in %,d tensors%s",
                        elements,
                        file.tensors().size(),
                        elements == 0 ? "" : String.format(Locale.ROOT, ", %.2f bits each", bytes * 8.0 / elements)));
        Metadata metadata = file.metadata();
        terminal.print("\nmetadata\n");
        int keyWidth = width(metadata.keys(), 44);
        for (String key : metadata.keys()) {
            terminal.print(String.format(
                    "  %-" + keyWidth + "s  %s%n",
                    Terminal.harmless(key),
                    shown(metadata.get(key).orElseThrow())));
        }
        terminal.print("\ntensors\n");
        List<String> names = file.tensors().stream().map(TensorInfo::name).toList();
        int nameWidth = width(names, 44);
        int shapeWidth = width(file.tensors().stream().map(ShowCommand::shape).collect(Collectors.toList()), 30);
        for (TensorInfo tensor : file.tensors()) {
            terminal.print(String.format(
                    "  %-" + nameWidth + "s  %-7s  %-" + shapeWidth + "s  %9s%n",
                    Terminal.harmless(tensor.name()),
                    tensor.type(),
                    shape(tensor),
                    Sizes.readable(tensor.byteSize())));
        }
    }

    private static int width(Iterable<String> texts, int max) {
        int width = 1;
        for (String text : texts) {
            width = Math.max(width, Math.min(max, text.length()));
        }
        return width;
    }

    private static String shape(TensorInfo tensor) {
        return tensor.shape().stream().map(String::valueOf).collect(Collectors.joining(" x "));
    }

    /** A value on one line, cut to a bearable length. */
    private static String shown(Object value) {
        return switch (value) {
            case String text -> quoted(text);
            case MetadataArray array -> {
                StringBuilder line = new StringBuilder()
                        .append(array.elementType())
                        .append('[')
                        .append(array.length())
                        .append(']');
                Iterator<Object> elements = array.iterator();
                for (int i = 0; i < ELEMENTS_MAX && elements.hasNext() && line.length() < TEXT_MAX; i++) {
                    line.append(i == 0 ? " " : ", ").append(shown(elements.next()));
                }
                yield elements.hasNext() ? line + ", …" : line.toString();
            }
            default -> String.valueOf(value);
        };
    }

    private static String quoted(String text) {
        boolean isLong = text.codePointCount(0, text.length()) > TEXT_MAX;
        String cut = isLong ? text.substring(0, text.offsetByCodePoints(0, TEXT_MAX)) : text;
        String escaped = cut.replace("\\", "\\\\")
                .replace("\"", "\\\"")
                .replace("\n", "\\n")
                .replace("\t", "\\t");
        return "\"" + Terminal.harmless(escaped) + "\""
                + (isLong ? String.format(Locale.ROOT, "… (%,d characters)", text.length()) : "");
    }

    private static Map<String, Object> describe(GgufFile file, Models.Found found) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("name", found.known().map(ModelFile::name).orElse(found.name()));
        all.put("path", file.path().toString());
        all.put("size_bytes", file.byteSize());
        all.put("version", file.version());
        all.put("alignment", file.alignment());
        Map<String, Object> values = new LinkedHashMap<>();
        Map<String, Object> types = new LinkedHashMap<>();
        Metadata metadata = file.metadata();
        for (String key : metadata.keys()) {
            Object value = metadata.get(key).orElseThrow();
            values.put(key, plain(value));
            ValueType type = metadata.type(key).orElseThrow();
            types.put(key, value instanceof MetadataArray array ? type + "[" + array.elementType() + "]" : type.name());
        }
        all.put("metadata", values);
        all.put("metadata_types", types);
        List<Object> tensors = new ArrayList<>();
        for (TensorInfo tensor : file.tensors()) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("name", tensor.name());
            map.put("type", tensor.type().name());
            map.put("shape", tensor.shape());
            map.put("elements", tensor.elements());
            map.put("size_bytes", tensor.byteSize());
            map.put("offset", tensor.fileOffset());
            map.put("part", tensor.part());
            tensors.add(map);
        }
        all.put("tensors", tensors);
        return all;
    }

    private static Object plain(Object value) {
        if (!(value instanceof MetadataArray array)) {
            return value;
        }
        List<Object> elements = new ArrayList<>();
        for (Object element : array) {
            elements.add(plain(element));
        }
        return elements;
    }
}
