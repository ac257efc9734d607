package io.github.medpsy4j.cli;

import io.github.medpsy4j.models.HubChooser;
import io.github.medpsy4j.models.HubFile;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** Which file of a repository: asked for on a terminal, else the usual one, which is said. */
final class RepositoryChooser implements HubChooser {
    private final Terminal terminal;

    RepositoryChooser(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public HubFile choose(String name, List<HubFile> files, HubFile usual) throws IOException {
        if (!Questions.canAsk(terminal)) {
            terminal.say(name + ": one of " + files.size() + " GGUF files; taking " + usual.path() + " (" + name
                    + ":QUANT takes another)");
            return usual;
        }
        terminal.say(name + " has these GGUF files:");
        int width = files.stream().mapToInt(f -> f.path().length()).max().orElse(1);
        for (int i = 0; i < files.size(); i++) {
            HubFile file = files.get(i);
            String size = file.sizeBytes() > 0 ? Sizes.readable(file.sizeBytes()) : "";
            terminal.err()
                    .println(String.format(
                            Locale.ROOT, "%4d  %-" + width + "s  %9s", i + 1, Terminal.harmless(file.path()), size));
        }
        while (true) {
            String answer = Questions.ask(terminal, "which one? [" + (files.indexOf(usual) + 1) + "]");
            if (answer.isEmpty()) {
                return usual;
            }
            if (answer.matches("\\d{1,6}")) {
                int number = Integer.parseInt(answer);
                if (number >= 1 && number <= files.size()) {
                    return files.get(number - 1);
                }
            }
            List<HubFile> named = files.stream()
                    .filter(f -> f.quant().equalsIgnoreCase(answer) || f.path().equals(answer))
                    .toList();
            if (named.size() == 1) {
                return named.getFirst();
            }
            terminal.say("expected a number from 1 to " + files.size() + ", or a quantization");
        }
    }
}
