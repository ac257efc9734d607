package io.github.medpsy4j.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.function.UnaryOperator;

/** Where medpsy keeps its data: {@code $MEDPSY_HOME}, else {@code medpsy} in the platform's cache folder. */
final class MedpsyHome {
    private MedpsyHome() {}

    /** The folder of this process; nothing is created. */
    static Path directory() {
        return directory(System::getenv, System::getProperty);
    }

    /** The models' folder inside {@link #directory()}; nothing is created. */
    static Path models() {
        return directory().resolve("models");
    }

    static Path directory(UnaryOperator<String> environment, UnaryOperator<String> properties) {
        String chosen = environment.apply("MEDPSY_HOME");
        if (isSet(chosen)) {
            return Path.of(chosen).toAbsolutePath().normalize();
        }
        String system = properties.apply("os.name").toLowerCase(Locale.ROOT);
        Path user = Path.of(properties.apply("user.home"));
        if (system.startsWith("mac")) {
            return user.resolve("Library/Caches/medpsy");
        }
        if (system.startsWith("windows")) {
            String local = environment.apply("LOCALAPPDATA");
            return (isSet(local) ? Path.of(local) : user.resolve("AppData/Local")).resolve("medpsy");
        }
        String cache = environment.apply("XDG_CACHE_HOME");
        // The XDG specification: a relative path there is invalid and to be ignored.
        return (isSet(cache) && Path.of(cache).isAbsolute() ? Path.of(cache) : user.resolve(".cache"))
                .resolve("medpsy");
    }

    private static boolean isSet(String value) {
        return value != null && !value.isBlank();
    }
}
