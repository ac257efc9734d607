package io.github.medpsy4j.server;

import io.github.medpsy4j.engine.Request;
import java.util.List;

/**
 * What a request asks for.
 *
 * @param isChat whether messages were given rather than a text
 * @param requests one for each choice
 * @param streams whether the answer is wanted as it comes
 * @param includesUsage whether a stream ends with what it cost
 * @param hasLogprobs whether log-probabilities are wanted
 */
record Asked(boolean isChat, List<Request> requests, boolean streams, boolean includesUsage, boolean hasLogprobs) {}
