package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.SavedChat;
import io.github.medpsy4j.models.InstalledModel;
import io.github.medpsy4j.models.ModelFile;
import io.github.medpsy4j.models.Place;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What is here, and what could be. */
@Command(
        name = "list",
        header = "List models and kept conversations.",
        description = "Those that are here, in the caches of Hugging Face, Ollama and LM Studio too, which are used "
                + "in place; with --all also those that can be pulled.",
        footer = {
            "  medpsy list",
            "  medpsy list --all",
            "  medpsy list --all --json",
            "  medpsy list --sessions --json"
        })
final class ListCommand extends BaseCommand {
    @Option(
            names = {"-a", "--all"},
            description = "Also the models that can be pulled.")
    boolean all;

    @Option(names = "--sessions", description = "Only the kept conversations.")
    boolean sessionsOnly;

    @Option(names = "--json", description = "Print a JSON array of objects.")
    boolean json;

    ListCommand(Terminal terminal) {
        super(terminal);
    }

    /** A line of the list: something here, or something that can be. */
    private record Entry(String name, Optional<InstalledModel> here, Optional<ModelFile> known) {
        String state() {
            if (here.isEmpty()) {
                return "";
            }
            InstalledModel model = here.get();
            if (model.unfinishedBytes() > 0) {
                return Sizes.readable(model.unfinishedBytes()) + " pulled";
            }
            if (!model.isComplete()) {
                return "wrong size";
            }
            return model.place() == Place.OWN ? "here" : model.place().label();
        }

        /** What it is, and of another program's file where. */
        String about() {
            String about = known.map(ModelFile::about).orElse("");
            return here.filter(m -> m.place() != Place.OWN)
                    .map(m -> about + (about.isEmpty() ? "" : "; ") + m.path())
                    .orElse(about);
        }

        long sizeBytes() {
            return known.map(ModelFile::sizeBytes)
                    .orElseGet(() -> here.orElseThrow().sizeBytes());
        }
    }

    @Override
    public Integer call() throws IOException {
        List<SessionStore.Entry> sessions = new SessionStore(terminal.environment()).list();
        if (sessionsOnly) {
            if (json) {
                Json.print(
                        terminal, sessions.stream().map(ListCommand::describe).toList());
            } else if (sessions.isEmpty()) {
                terminal.say("no sessions; medpsy chat --session NAME begins one");
            } else {
                print(sessions);
            }
            return OK;
        }
        Models models = new Models(terminal);
        List<InstalledModel> installed = models.store().everywhere(terminal.environment());
        List<Entry> entries = new ArrayList<>();
        for (InstalledModel model : installed) {
            if (!all || model.known().filter(f -> !f.isFromHub()).isEmpty()) {
                entries.add(new Entry(model.name(), Optional.of(model), model.known()));
            }
        }
        if (all) {
            for (ModelFile file : models.store().catalogue().files()) {
                Optional<InstalledModel> here = installed.stream()
                        .filter(m -> m.known().equals(Optional.of(file)))
                        .findFirst();
                entries.add(new Entry(file.name(), here, Optional.of(file)));
            }
        }
        if (json) {
            Json.print(terminal, entries.stream().map(ListCommand::describe).toList());
            return OK;
        }
        if (entries.isEmpty()) {
            terminal.say("no models in " + models.store().folder() + "; medpsy list --all shows what can be pulled");
        }
        int width = entries.stream().mapToInt(e -> e.name().length()).max().orElse(0);
        for (Entry e : entries) {
            String line = String.format(
                    "%-" + width + "s  %9s  %-18s  %s",
                    Terminal.harmless(e.name()),
                    Sizes.readable(e.sizeBytes()),
                    e.state(),
                    Terminal.harmless(e.about()));
            terminal.print(line.stripTrailing() + "\n");
        }
        if (!sessions.isEmpty()) {
            terminal.print("\nsessions:\n");
            print(sessions);
        }
        return OK;
    }

    private void print(List<SessionStore.Entry> sessions) throws IOException {
        int width = sessions.stream().mapToInt(e -> e.name().length()).max().orElse(0);
        for (SessionStore.Entry e : sessions) {
            String what = e.chat()
                    .map(chat -> chat.turns()
                            + (chat.turns() == 1 ? " turn" : " turns")
                            + (chat.modelName().isEmpty() ? "" : " with " + chat.modelName()))
                    .orElse("cannot be read");
            terminal.print(String.format("%-" + width + "s  %9s  ", e.name(), Sizes.readable(e.sizeBytes()))
                    + Terminal.harmless(what) + "\n");
        }
    }

    private static Map<String, Object> describe(SessionStore.Entry session) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", session.name());
        map.put("readable", session.chat().isPresent());
        map.put(
                "model",
                session.chat()
                        .map(SavedChat::modelName)
                        .filter(name -> !name.isEmpty())
                        .orElse(null));
        map.put("turns", session.chat().map(SavedChat::turns).orElse(null));
        map.put(
                "saved_at",
                session.chat().map(chat -> chat.savedAt().toString()).orElse(null));
        map.put("size_bytes", session.sizeBytes());
        return map;
    }

    private static Map<String, Object> describe(Entry entry) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", entry.name());
        map.put("installed", entry.here().map(InstalledModel::isComplete).orElse(false));
        map.put(
                "place",
                entry.here().map(m -> m.place().name().toLowerCase(Locale.ROOT)).orElse(null));
        map.put("path", entry.here().map(m -> m.path().toString()).orElse(null));
        map.put("size_bytes", entry.sizeBytes());
        map.put(
                "unfinished_bytes",
                entry.here().map(InstalledModel::unfinishedBytes).orElse(0L));
        entry.known().ifPresent(file -> map.putAll(describe(file)));
        return map;
    }

    /** The catalogue's facts of a file, but for its name. */
    static Map<String, Object> describe(ModelFile file) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("model", file.model());
        map.put("quant", file.quant());
        map.put("default_quant", file.isDefaultQuant());
        map.put("file_name", file.fileName());
        map.put("size_bytes", file.sizeBytes());
        map.put("sha256", file.sha256());
        map.put("licence", file.licence());
        map.put("about", file.about());
        file.sampling().ifPresent(s -> {
            Map<String, Object> sampling = new LinkedHashMap<>();
            sampling.put("temperature", s.temperature());
            sampling.put("top_k", s.topK());
            sampling.put("top_p", s.topP());
            map.put("sampling", sampling);
        });
        map.put("sources", file.sources().stream().map(s -> s.label()).toList());
        return map;
    }
}
