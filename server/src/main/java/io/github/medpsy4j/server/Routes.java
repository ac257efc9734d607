package io.github.medpsy4j.server;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;

/**
 * The paths that the server answers. Each API is a class of its own that adds its paths in {@link Server}'s constructor:
 *
 * <pre>{@code routes.post("/tokenize", this::tokenize);}</pre>
 */
final class Routes {
    /** Answers a request. What it throws is told to the client, unless its answer has begun. */
    @FunctionalInterface
    interface Action {
        void answer(Exchange exchange) throws ApiError, IOException, ExecutionException, InterruptedException;
    }

    /** What is done at a path for a method. */
    static final class Route {
        private final Action action;
        private boolean isOpen;
        private boolean needsModel = true;
        private Function<ApiError, Map<String, Object>> errors = ApiError::body;

        private Route(Action action) {
            this.action = action;
        }

        /** It is answered without a key, where there are keys. */
        Route open() {
            isOpen = true;
            return this;
        }

        /** It is answered also while the model is being loaded; {@link Exchange#served} may be null then. */
        Route always() {
            needsModel = false;
            return this;
        }

        /** Errors have another body than OpenAI's. */
        Route errors(Function<ApiError, Map<String, Object>> body) {
            errors = body;
            return this;
        }

        Action action() {
            return action;
        }

        boolean isOpen() {
            return isOpen;
        }

        boolean needsModel() {
            return needsModel;
        }

        Function<ApiError, Map<String, Object>> errors() {
            return errors;
        }
    }

    /**
     * All that is done at a path.
     *
     * @param path as it was added, for metrics and the log
     * @param methods to what is done
     * @param rest what stands in the request in place of the {@code *}
     */
    record Match(String path, Map<String, Route> methods, String rest) {}

    private final Map<String, Map<String, Route>> paths = new HashMap<>();

    Route get(String path, Action action) {
        return add("GET", path, action);
    }

    Route post(String path, Action action) {
        return add("POST", path, action);
    }

    /**
     * Adds a path: with a key where there are keys, and once there is a model.
     *
     * @param path {@code /*} at its end stands for any text that follows the slash
     */
    Route add(String method, String path, Action action) {
        Route route = new Route(action);
        if (paths.computeIfAbsent(path, p -> new TreeMap<>()).put(method, route) != null) {
            throw new IllegalArgumentException(method + " " + path + " is there twice");
        }
        return route;
    }

    /** Null if there is no such path. */
    Match find(String path) {
        Map<String, Route> exact = paths.get(path);
        if (exact != null) {
            return new Match(path, exact, "");
        }
        for (int slash = path.lastIndexOf('/'); slash >= 0; slash = path.lastIndexOf('/', slash - 1)) {
            String pattern = path.substring(0, slash) + "/*";
            Map<String, Route> methods = paths.get(pattern);
            if (methods != null) {
                return new Match(pattern, methods, path.substring(slash + 1));
            }
        }
        return null;
    }
}
