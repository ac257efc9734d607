package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.Generation;
import java.io.IOException;
import java.util.Optional;

/** Where a chat is held: what somebody types comes from here, and what there is to read goes here. */
interface ChatConsole extends AutoCloseable {
    /** An answer while it is being generated: receives each piece and returns whether to go on. */
    interface AnswerView extends Talk.Listener {
        /** Ends the answer with the line that tells what it cost. */
        void end(Generation generation, Talk.Place place) throws IOException;

        /** There is no answer after all. */
        void abandon() throws IOException;
    }

    /** Whether a person sits there, who is told of a failure and goes on. */
    boolean isInteractive();

    /** The next thing that was typed, which may have several lines; null at the end. */
    String read() throws IOException, Failure;

    /** Lets a person change a text; empty where that cannot be, or if the person thought better of it. */
    Optional<String> edit(String text) throws IOException, Failure;

    /** Asks a question of yes or no; no where nobody can be asked. */
    boolean confirm(String question) throws IOException, Failure;

    /** Tells something in a line. */
    void say(String line);

    /** Shows the lines of a command's output. */
    void print(String text);

    /** Shows an answer, which begins now. */
    AnswerView answer(boolean showsThinking);

    @Override
    void close();
}
