package io.github.medpsy4j.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/** What can be typed next in a chat: commands, settings, names of models and sessions, files. */
final class ChatCompleter {
    private static final int FILES_MAX = 500;

    /**
     * A text in place of the word that is being typed.
     *
     * @param help what it is; null if that is plain
     * @param isComplete whether a space may follow
     */
    record Completion(String value, String help, boolean isComplete) {}

    private final Supplier<List<String>> models;
    private final Supplier<List<String>> sessions;

    /** Both are asked when they are needed. */
    ChatCompleter(Supplier<List<String>> models, Supplier<List<String>> sessions) {
        this.models = models;
        this.sessions = sessions;
    }

    /** Where the word begins that ends with the text: a file's name may have spaces. */
    static int wordStart(String before) {
        int space = before.indexOf(' ');
        if (space < 0 || !before.startsWith("/")) {
            return before.startsWith("/") ? 0 : before.length();
        }
        boolean isFile = ChatCommandName.of(before.substring(1, space).toLowerCase(Locale.ROOT))
                .filter(ChatCompleter::takesFile)
                .isPresent();
        if (!isFile) {
            return before.lastIndexOf(' ') + 1;
        }
        int start = space;
        while (start < before.length() && before.charAt(start) == ' ') {
            start++;
        }
        return start;
    }

    private static boolean takesFile(ChatCommandName command) {
        return switch (command) {
            case FILE, SAVE, LOAD, EXPORT -> true;
            default -> false;
        };
    }

    /** What the text can go on with, up to where the cursor stands. */
    List<Completion> complete(String before) {
        int start = wordStart(before);
        String word = before.substring(start);
        if (!before.startsWith("/")) {
            return List.of();
        }
        List<Completion> found = new ArrayList<>();
        if (start == 0) {
            for (ChatCommandName command : ChatCommandName.values()) {
                add(found, word, "/" + command.word(), command.help());
            }
            return found;
        }
        Optional<ChatCommandName> command =
                ChatCommandName.of(before.substring(1, before.indexOf(' ')).toLowerCase(Locale.ROOT));
        if (command.isEmpty()) {
            return List.of();
        }
        boolean isFirst = before.substring(before.indexOf(' '), start).isBlank();
        switch (command.get()) {
            case THINK -> List.of("on", "off", "auto").forEach(v -> add(found, word, v, null));
            case THINKING -> List.of("show", "hide").forEach(v -> add(found, word, v, null));
            case SET -> {
                if (isFirst) {
                    ChatSettings.names().forEach(v -> add(found, word, v, null));
                }
            }
            case MODEL -> {
                models.get().forEach(v -> add(found, word, v, null));
                files(word, found);
            }
            case LOAD -> {
                sessions.get().forEach(v -> add(found, word, v, "session"));
                files(word, found);
            }
            case FILE, SAVE, EXPORT -> files(word, found);
            default -> {}
        }
        return found;
    }

    private static void add(List<Completion> found, String word, String value, String help) {
        if (value.startsWith(word)) {
            found.add(new Completion(value, help, true));
        }
    }

    private static void files(String word, List<Completion> found) {
        String slash = word.contains("/") ? "/" : java.io.File.separator;
        int cut = word.lastIndexOf(slash) + 1;
        String folderText = word.substring(0, cut);
        String prefix = word.substring(cut);
        List<Path> paths = new ArrayList<>();
        try {
            Path folder = folderText.isEmpty() ? Path.of("") : ChatFiles.path(folderText);
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
                for (Path entry : entries) {
                    String name = entry.getFileName().toString();
                    // A name that could drive the terminal is not shown.
                    boolean isHarmless = name.chars().noneMatch(Character::isISOControl);
                    boolean isHidden = name.startsWith(".") && !prefix.startsWith(".");
                    if (isHarmless && !isHidden && name.startsWith(prefix) && paths.size() < FILES_MAX) {
                        paths.add(entry);
                    }
                }
            }
        } catch (IOException | InvalidPathException | java.nio.file.DirectoryIteratorException noFolder) {
            return; // then there is nothing to go on with
        }
        paths.sort(Comparator.naturalOrder());
        for (Path path : paths) {
            boolean isFolder = Files.isDirectory(path);
            found.add(new Completion(folderText + path.getFileName() + (isFolder ? slash : ""), null, !isFolder));
        }
    }
}
