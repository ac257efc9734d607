package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Vocabularies;
import io.github.medpsy4j.engine.template.ChatTemplate;
import io.github.medpsy4j.engine.template.RenderedPrompt;
import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Messages to a prompt. */
@Command(
        name = "template",
        header = "Render a chat template.",
        customSynopsis = {
            "medpsy template [OPTIONS] [MODEL] --vars FILE",
            "       medpsy template [OPTIONS] --template FILE --vars FILE"
        },
        description = {
            "Prints the prompt, nothing added. A model's own bos_token and eos_token are set "
                    + "unless the variables do; everything else, add_generation_prompt too, is up to the variables."
        },
        footer = {
            "  medpsy template medpsy-1.7b --vars messages.json",
            "  medpsy template --template chat.jinja --vars - <messages.json",
            "",
            "with messages.json as",
            "  {\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}], \"add_generation_prompt\": true}"
        })
final class TemplateCommand extends BaseCommand {
    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            completionCandidates = ModelFlags.Names.class,
            description = "Name, NAME:QUANT or path (default: $MEDPSY_MODEL, else medpsy-1.7b).")
    String positional;

    @Option(names = "--vars", required = true, paramLabel = "FILE", description = "A JSON object; - reads stdin.")
    String vars;

    @Option(
            names = "--template",
            paramLabel = "FILE",
            description = "Render this Jinja source instead of a model's; needs no MODEL.")
    String template;

    @Option(names = "--json", description = "Print a JSON object: the text and the spans of each origin in it.")
    boolean json;

    @Mixin
    ModelFlags modelFlags;

    TemplateCommand(Terminal terminal) {
        super(terminal);
    }

    @Override
    public Integer call() throws IOException, Failure {
        String model = modelFlags.choose(positional);
        if (template != null && model != null) {
            throw usage("two templates given: --template " + template + " and that of " + model);
        }
        if (template != null && template.equals("-") && vars.equals("-")) {
            throw usage("--template - and --vars -: stdin is only one of them");
        }
        Map<String, Object> variables = variables();
        RenderedPrompt prompt = template == null ? ofModel(model, variables) : ofSource(variables);
        if (json) {
            Json.print(terminal, describe(prompt));
        } else {
            terminal.print(prompt.text());
        }
        return OK;
    }

    private Map<String, Object> variables() throws IOException, Failure {
        String source = Inputs.nameOf(vars);
        Object parsed = Json.parse(source, Inputs.read(terminal, vars));
        if (!(parsed instanceof Map<?, ?> map)) {
            throw new Failure(source + ": expected a JSON object, got " + Json.kindOf(parsed));
        }
        Map<String, Object> variables = new LinkedHashMap<>();
        map.forEach((key, value) -> variables.put((String) key, value));
        return variables;
    }

    private RenderedPrompt ofSource(Map<String, Object> variables) throws IOException, Failure {
        return ChatTemplate.parse(Inputs.nameOf(template), Inputs.read(terminal, template))
                .render(variables);
    }

    private RenderedPrompt ofModel(String model, Map<String, Object> variables) throws IOException, Failure {
        Models.Found found = new Models(terminal).forced(modelFlags.force).obtain(model, modelFlags.offline);
        try (GgufFile file = GgufFile.open(found.path())) {
            String source = file.metadata().string("tokenizer.chat_template", "");
            if (source.isBlank()) {
                throw new Failure(found.path() + ": the file carries no chat template");
            }
            Vocabulary vocabulary = Vocabularies.tokenizer(file).vocabulary();
            putToken(variables, "bos_token", vocabulary, vocabulary.bos());
            putToken(variables, "eos_token", vocabulary, vocabulary.eos());
            return ChatTemplate.parse("chat_template", source).render(variables);
        }
    }

    private static void putToken(Map<String, Object> variables, String name, Vocabulary vocabulary, OptionalInt id) {
        if (id.isPresent()) {
            variables.putIfAbsent(name, vocabulary.tokens().get(id.getAsInt()));
        }
    }

    private static Map<String, Object> describe(RenderedPrompt prompt) {
        List<Object> spans = new ArrayList<>();
        for (RenderedPrompt.Span span : prompt.spans()) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("start", span.start());
            map.put("end", span.end());
            map.put("origin", span.origin().name().toLowerCase(Locale.ROOT));
            map.put("text", prompt.text().substring(span.start(), span.end()));
            spans.add(map);
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("text", prompt.text());
        all.put("spans", spans);
        return all;
    }
}
