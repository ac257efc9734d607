package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.Scheduler;
import io.github.medpsy4j.engine.SchedulerOptions;
import java.util.List;

/**
 * What is served.
 *
 * @param names what requests may call it; answers call it by the first
 * @param defaults what holds where a request says nothing
 * @param sharing the scheduler's options
 * @param createdSeconds since 1970, when serving began
 */
record Served(
        Model model,
        List<String> names,
        ChatOptions defaults,
        Scheduler scheduler,
        SchedulerOptions sharing,
        long createdSeconds) {
    String name() {
        return names.getFirst();
    }

    /** Refuses the name of another model; null, no name, passes. */
    void checkName(String asked) throws ApiError {
        if (asked != null && !names.contains(asked)) {
            throw ApiError.notFound("model", "model_not_found", "model: this server has '" + name() + "'");
        }
    }
}
