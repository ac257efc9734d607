package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.Answer;
import io.github.medpsy4j.engine.Chat;
import io.github.medpsy4j.engine.ChatMessage;
import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Model;
import java.nio.file.Path;

/** A conversation of several turns, of which only what is new is computed. Arguments: a GGUF file, the messages. */
final class Conversation {
    private Conversation() {}

    public static void main(String[] args) throws Exception {
        ChatOptions options = ChatOptions.builder()
                .system("You are a pharmacist.")
                .maxTokens(60)
                .build();

        try (Model model = Model.load(Path.of(args[0]));
                Chat chat = model.chat(options)) {
            for (int i = 1; i < args.length; i++) {
                Answer answer = chat.send(args[i], piece -> true);
                System.out.printf(
                        "(%d tokens reused, %d computed)%n",
                        answer.generation().reusedTokens(), answer.generation().computedTokens());
            }
            chat.undo(); // takes the last message and its answer back
            for (ChatMessage message : chat.messages()) {
                System.out.println(message.role() + ": " + message.content());
            }
        }
    }
}
