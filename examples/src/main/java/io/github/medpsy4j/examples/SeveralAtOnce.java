package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Several requests computed in one batch; their common beginning only once. Arguments: a GGUF file, the questions. */
final class SeveralAtOnce {
    private SeveralAtOnce() {}

    public static void main(String[] args) throws Exception {
        ChatMessage system = ChatMessage.system("You are a pharmacist. Answer in one sentence.");
        ChatOptions options = ChatOptions.builder()
                .sampling(SamplingOptions.greedy())
                .maxTokens(60)
                .build();

        try (Model model = Model.load(Path.of(args[0]));
                Scheduler scheduler = Scheduler.start(model, SchedulerOptions.defaults())) {
            List<Completion> completions = new ArrayList<>();
            for (int i = 1; i < args.length; i++) {
                List<ChatMessage> messages = List.of(system, ChatMessage.user(args[i]));
                completions.add(
                        scheduler.submit(Request.chat(model, messages, options).build()));
            }
            for (int i = 0; i < completions.size(); i++) {
                Answer answer = completions.get(i).await(); // or next(), for its pieces as they come
                System.out.println(args[i + 1]);
                System.out.println("  " + answer.text());
            }
            Scheduler.Stats stats = scheduler.stats();
            System.out.printf("[%d tokens in %d batches]%n", stats.generatedTokens(), stats.steps());
        }
    }
}
