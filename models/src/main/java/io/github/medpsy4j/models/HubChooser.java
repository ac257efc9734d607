package io.github.medpsy4j.models;

import java.io.IOException;
import java.util.List;

/** Chooses among a repository's files where the name of a model leaves it open. */
@FunctionalInterface
public interface HubChooser {
    /**
     * Chooses one of the files.
     *
     * @param name what was asked for
     * @param files at least two, whole models all of them
     * @param usual the one that llama.cpp would take: Q4_K_M where there is one, else the first
     * @throws IOException if none was chosen
     */
    HubFile choose(String name, List<HubFile> files, HubFile usual) throws IOException;

    /** Takes the usual one. */
    HubChooser USUAL = (name, files, usual) -> usual;
}
