package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.LoadOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.nio.file.Path;

/** Loads a model and asks it one question. Arguments: a GGUF file, the question. */
final class Generate {
    private Generate() {}

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        String question = args.length > 1 ? args[1] : "What is metformin for?";

        // What the loader chose, and whether it is fast: start Java with --add-modules jdk.incubator.vector.
        LoadOptions loading = LoadOptions.defaults().withContext(2048).withLog(System.err::println);
        ChatOptions options = ChatOptions.builder()
                .system("Be brief.")
                .sampling(SamplingOptions.greedy())
                .maxTokens(100)
                .build();

        try (Model model = Model.load(file, loading);
                Chat chat = model.chat(options)) {
            Answer answer = chat.send(question, piece -> true);
            System.out.println(answer.text());
            System.out.printf(
                    "[%s, %d tokens, %.1f tokens/s]%n",
                    answer.generation().finishReason(),
                    answer.generation().generatedTokens(),
                    answer.generation().generatedTokensPerSecond());
        }
    }
}
