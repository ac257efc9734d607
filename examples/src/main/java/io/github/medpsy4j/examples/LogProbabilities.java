package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.Completion;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Request;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.engine.TokenLogprob;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.nio.file.Path;
import java.util.List;

/** How sure the model is of each token, and what it would have said instead. Arguments: a GGUF file, the prompt. */
final class LogProbabilities {
    private static final int ALTERNATIVES = 3;

    private LogProbabilities() {}

    public static void main(String[] args) throws Exception {
        String prompt = args.length > 1 ? args[1] : "The capital of France is";

        try (Model model = Model.load(Path.of(args[0]));
                Scheduler scheduler =
                        Scheduler.start(model, SchedulerOptions.defaults().withSlots(1))) {
            // A prompt without a template: the text goes on where it ends.
            int[] tokens = model.tokenizer().encodeRaw(prompt);
            Completion completion =
                    scheduler.submit(Request.continuation(tokens, SamplingOptions.greedy(), 8, List.of())
                            .logprobs(ALTERNATIVES)
                            .build());
            for (Completion.Piece piece; (piece = completion.next()) != null; ) {
                for (TokenLogprob token : piece.tokens()) {
                    System.out.print(describe(model, token));
                    token.top().forEach(other -> System.out.print("   " + describe(model, other)));
                    System.out.println();
                }
            }
        }
    }

    private static String describe(Model model, TokenLogprob token) {
        String text = model.tokenizer().decode(new int[] {token.id()}, true);
        return String.format("%-12s %5.1f%%", text.replace("\n", "\\n"), 100 * Math.exp(token.logprob()));
    }
}
