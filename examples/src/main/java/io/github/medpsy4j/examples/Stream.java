package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Model;
import java.nio.file.Path;

/** Shows an answer as it is generated, the thinking apart, and stops it early. Arguments: a GGUF file, the question. */
final class Stream {
    private static final int CHARACTERS_MAX = 400;

    private Stream() {}

    public static void main(String[] args) throws Exception {
        String question = args.length > 1 ? args[1] : "What is metformin for?";
        ChatOptions options = ChatOptions.builder().maxTokens(200).build();

        try (Model model = Model.load(Path.of(args[0]));
                Chat chat = model.chat(options)) {
            int[] characters = {0};
            Answer answer = chat.send(question, piece -> {
                // Pieces of thinking come first, and go where they do not disturb.
                (piece.thinking() ? System.err : System.out).print(piece.text());
                characters[0] += piece.text().length();
                return characters[0] < CHARACTERS_MAX; // false ends the answer here
            });
            System.out.println();
            System.out.println("[" + answer.generation().finishReason() + "]");
        }
    }
}
