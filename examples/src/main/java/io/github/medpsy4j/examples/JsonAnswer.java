package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.grammar.Grammar;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.nio.file.Path;

/** An answer that is JSON of a given form, whatever the model would rather say. Arguments: a GGUF file, the question. */
final class JsonAnswer {
    private static final String SCHEMA = """
            {
              "type": "object",
              "properties": {
                "drug": {"type": "string", "maxLength": 20},
                "prescription": {"type": "boolean"},
                "taken": {"enum": ["orally", "topically", "by injection"]}
              },
              "required": ["drug", "prescription", "taken"]
            }
            """;

    private JsonAnswer() {}

    public static void main(String[] args) throws Exception {
        String question = args.length > 1 ? args[1] : "Which drug is the first choice for type 2 diabetes?";
        SamplingOptions sampling = SamplingOptions.greedy().toBuilder()
                .grammar(Grammar.ofJsonSchema(SCHEMA))
                .build();
        ChatOptions options = ChatOptions.builder()
                .sampling(sampling)
                .think(ChatOptions.Think.OFF)
                .build();

        try (Model model = Model.load(Path.of(args[0]));
                Chat chat = model.chat(options)) {
            Answer answer = chat.send(question, piece -> true);
            // Whole JSON, unless the finish reason says that the context or a limit on tokens cut it.
            System.out.println(answer.text());
        }
    }
}
