package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.sampling.SamplingOptions;
import java.util.List;
import java.util.Map;

/** What holds for one prompt of a file: what its line says, over what the command line says. */
final class PromptOptions {
    private PromptOptions() {}

    /**
     * The sampling of a line.
     *
     * @param vocabularySize rules out token ids
     */
    static SamplingOptions sampling(PromptsFile.Line line, SamplingOptions common, int vocabularySize) throws Failure {
        SamplingOptions options = common;
        for (Map.Entry<String, List<String>> setting :
                line.overrides().sampling().entrySet()) {
            for (String value : setting.getValue()) {
                try {
                    options = SamplingSettings.with(options, setting.getKey(), value, vocabularySize);
                } catch (IllegalArgumentException e) {
                    throw new Failure("line " + line.number() + ": " + e.getMessage(), e);
                }
            }
        }
        return options;
    }

    /** All options of a line. */
    static ChatOptions of(PromptsFile.Line line, AnswerFlags flags, SamplingOptions sampling) {
        PromptsFile.Overrides own = line.overrides();
        ChatOptions.Builder chat = flags.chatOptions(sampling).toBuilder();
        if (own.maxTokens() != null) {
            chat.maxTokens(own.maxTokens());
        }
        if (own.think() != null) {
            chat.think(own.think());
        }
        if (own.thinkBudget() != null) {
            chat.thinkBudget(own.thinkBudget());
        }
        if (own.stops() != null) {
            chat.stops(own.stops());
        }
        return chat.build();
    }
}
