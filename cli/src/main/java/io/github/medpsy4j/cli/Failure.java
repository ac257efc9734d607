package io.github.medpsy4j.cli;

import io.github.medpsy4j.engine.ContextFullException;
import io.github.medpsy4j.engine.grammar.GrammarException;
import io.github.medpsy4j.engine.template.TemplateException;
import io.github.medpsy4j.models.UnknownModelException;
import io.github.medpsy4j.tokenizer.TokenizerException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;

/** What a user can be told in one line, exit code 1; and how other failures are told. */
final class Failure extends Exception {
    private static final long serialVersionUID = 1;

    Failure(String message) {
        super(message);
    }

    Failure(String message, Throwable cause) {
        super(message, cause);
    }

    /** One line for people. What nobody foresaw is called an internal error. */
    static String line(Throwable failure) {
        String line = switch (failure) {
            case Failure told -> told.getMessage();
            case UncheckedIOException wrapped -> line(wrapped.getCause());
            case NoSuchFileException e -> e.getFile() + ": no such file";
            case AccessDeniedException e -> e.getFile() + ": permission denied";
            case FileSystemException e ->
                e.getFile() + ": " + (e.getReason() == null ? "cannot be used" : e.getReason());
            case IOException e when e.getMessage() != null -> e.getMessage();
            case UnknownModelException e when !e.isOfCatalogue() -> e.getMessage();
            case UnknownModelException e -> e.getMessage() + " (medpsy list --all shows every name)";
            case TemplateException e -> e.getMessage();
            case TokenizerException e -> e.getMessage();
            case ContextFullException e -> e.getMessage();
            case GrammarException e -> e.getMessage();
            case InvalidPathException e -> "'" + e.getInput() + "': not a path: " + e.getReason();
            case OutOfMemoryError e ->
                "out of memory (" + e.getMessage() + "); a smaller --context, --weights mapped or a smaller "
                        + "model needs less";
            default -> "internal error: " + failure + " (--verbose shows where)";
        };
        return line.replaceAll("\\R", " ").replaceAll("\\p{Cntrl}", "?");
    }
}
