package io.github.medpsy4j.engine;

import io.github.medpsy4j.tokenizer.Decoder;
import io.github.medpsy4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.function.Consumer;

/** The text that continues a prompt without a template: nothing in it is thinking. */
final class ContinuationText implements TokenText {
    private final Decoder decoder;
    private final StopTexts stops;
    private final Consumer<ChatToken> listener;
    private final StringBuilder text = new StringBuilder();

    ContinuationText(Tokenizer tokenizer, List<String> stops, Consumer<ChatToken> listener) {
        this.decoder = tokenizer.decoder(false, false);
        this.stops = new StopTexts(stops);
        this.listener = listener;
    }

    @Override
    public boolean accept(int token) {
        say(stops.accept(decoder.accept(token)));
        return !stops.isFound();
    }

    @Override
    public void end() {
        say(stops.accept(decoder.flush()));
        say(stops.flush());
    }

    private void say(String piece) {
        if (!piece.isEmpty()) {
            text.append(piece);
            listener.accept(new ChatToken(piece, false));
        }
    }

    @Override
    public String answer() {
        return text.toString();
    }

    @Override
    public String thoughts() {
        return "";
    }

    @Override
    public boolean isStopped() {
        return stops.isFound();
    }
}
