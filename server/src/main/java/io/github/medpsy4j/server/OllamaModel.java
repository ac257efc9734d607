package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.template.TemplateException;
import io.github.medpsy4j.gguf.Metadata;
import io.github.medpsy4j.gguf.MetadataArray;
import io.github.medpsy4j.gguf.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The model as Ollama describes one. */
final class OllamaModel {
    private static final String TEMPLATE = "tokenizer.chat_template";

    /** The {@code llama_ftype} of llama.cpp's llama.h, in {@code general.file_type}. */
    private static final Map<Long, String> FILE_TYPES = Map.ofEntries(
            Map.entry(0L, "F32"),
            Map.entry(1L, "F16"),
            Map.entry(2L, "Q4_0"),
            Map.entry(3L, "Q4_1"),
            Map.entry(7L, "Q8_0"),
            Map.entry(8L, "Q5_0"),
            Map.entry(9L, "Q5_1"),
            Map.entry(10L, "Q2_K"),
            Map.entry(11L, "Q3_K_S"),
            Map.entry(12L, "Q3_K_M"),
            Map.entry(13L, "Q3_K_L"),
            Map.entry(14L, "Q4_K_S"),
            Map.entry(15L, "Q4_K_M"),
            Map.entry(16L, "Q5_K_S"),
            Map.entry(17L, "Q5_K_M"),
            Map.entry(18L, "Q6_K"),
            Map.entry(19L, "IQ2_XXS"),
            Map.entry(20L, "IQ2_XS"),
            Map.entry(21L, "Q2_K_S"),
            Map.entry(22L, "IQ3_XS"),
            Map.entry(23L, "IQ3_XXS"),
            Map.entry(24L, "IQ1_S"),
            Map.entry(25L, "IQ4_NL"),
            Map.entry(26L, "IQ3_S"),
            Map.entry(27L, "IQ3_M"),
            Map.entry(28L, "IQ2_S"),
            Map.entry(29L, "IQ2_M"),
            Map.entry(30L, "IQ4_XS"),
            Map.entry(31L, "IQ1_M"),
            Map.entry(32L, "BF16"));

    /** A day on which no client finds that the model has left memory. */
    private static final String NEVER = "9999-12-31T23:59:59Z";

    private OllamaModel() {}

    /** Whether the template can be told to think, or says where thinking stands. */
    static boolean thinks(Model model) {
        String template = template(model);
        return template.contains("enable_thinking") || template.contains("<think>");
    }

    private static boolean callsTools(Model model) {
        try {
            return model.supportsTools();
        } catch (TemplateException e) {
            return false;
        }
    }

    private static String template(Model model) {
        return text(model, TEMPLATE);
    }

    private static String text(Model model, String key) {
        return model.file().metadata().get(key).orElse("") instanceof String text ? text : "";
    }

    /** An entry of {@code /api/tags}. */
    static Map<String, Object> tag(Served served) {
        Model model = served.model();
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("name", served.name());
        all.put("model", served.name());
        all.put("modified_at", modified(served));
        all.put("size", model.file().byteSize());
        all.put("digest", model.identity());
        all.put("details", details(model));
        return all;
    }

    /** An entry of {@code /api/ps}. */
    static Map<String, Object> running(Served served) {
        Map<String, Object> all = tag(served);
        all.remove("modified_at");
        all.put("expires_at", NEVER);
        all.put("size_vram", 0);
        all.put("context_length", served.scheduler().context());
        return all;
    }

    private static String modified(Served served) {
        try {
            return Files.getLastModifiedTime(served.model().file().path())
                    .toInstant()
                    .toString();
        } catch (IOException e) {
            return Instant.ofEpochSecond(served.createdSeconds()).toString(); // it was moved since it was mapped
        }
    }

    private static Map<String, Object> details(Model model) {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("parent_model", "");
        details.put("format", "gguf");
        details.put("family", model.architecture());
        details.put("families", List.of(model.architecture()));
        details.put("parameter_size", shown(parameters(model)));
        details.put("quantization_level", quantization(model));
        return details;
    }

    private static long parameters(Model model) {
        return model.file().tensors().stream().mapToLong(TensorInfo::elements).sum();
    }

    private static String shown(long count) {
        if (count >= 1_000_000_000) {
            return String.format(Locale.ROOT, "%.1fB", count / 1e9);
        }
        return count >= 1_000_000
                ? String.format(Locale.ROOT, "%.2fM", count / 1e6)
                : String.format(Locale.ROOT, "%.2fK", count / 1e3);
    }

    private static String quantization(Model model) {
        return model.file().metadata().get("general.file_type").orElse(-1L) instanceof Long type
                ? FILE_TYPES.getOrDefault(type, "unknown")
                : "unknown";
    }

    /** The body of {@code /api/show}. Arrays of the metadata, which may be long, are null, as Ollama has it. */
    static Map<String, Object> shown(Served served) {
        Model model = served.model();
        Metadata metadata = model.file().metadata();
        Map<String, Object> info = new LinkedHashMap<>();
        info.put("general.parameter_count", parameters(model));
        for (String key : metadata.keys()) {
            Object value = metadata.get(key).orElse(null);
            if (!key.equals(TEMPLATE)) {
                info.put(key, value instanceof MetadataArray ? null : value);
            }
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("license", text(model, "general.license"));
        all.put("modelfile", "# served by medpsy4j\nFROM " + served.name() + "\n");
        all.put("parameters", "");
        all.put("template", template(model));
        all.put("details", details(model));
        all.put("model_info", info);
        List<String> capabilities = new ArrayList<>(List.of("completion"));
        if (thinks(model)) {
            capabilities.add("thinking");
        }
        if (callsTools(model)) {
            capabilities.add("tools");
        }
        all.put("capabilities", capabilities);
        all.put("modified_at", modified(served));
        return all;
    }
}
