package io.github.medpsy4j.models;

final class Placeholder {
    private Placeholder() {}
}
