package io.github.medpsy4j.server;

import java.util.LinkedHashMap;
import java.util.Map;

/** A request that gets no answer, told in OpenAI's form: {@code {"error": {message, type, param, code}}}. */
final class ApiError extends Exception {
    private static final long serialVersionUID = 1;

    private static final String INVALID = "invalid_request_error";

    private final int status;
    private final String type;
    private final String param;
    private final String code;
    private final int retryAfterSeconds;

    private ApiError(int status, String type, String param, String code, String message, int retryAfterSeconds) {
        super(message);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /** @param path where in the request's JSON: {@code messages[0].role}; null for the whole */
    static ApiError badRequest(String path, String what) {
        return badRequest(path, null, what);
    }

    static ApiError badRequest(String path, String code, String what) {
        return new ApiError(400, INVALID, path, code, path == null ? what : path + ": " + what, 0);
    }

    static ApiError noKey() {
        return new ApiError(
                401,
                "authentication_error",
                null,
                "invalid_api_key",
                "expected one of the server's API keys in 'Authorization: Bearer KEY'",
                0);
    }

    static ApiError forbidden(String what) {
        return new ApiError(403, "permission_error", null, null, what, 0);
    }

    static ApiError notFound(String path, String code, String what) {
        return new ApiError(404, INVALID, path, code, what, 0);
    }

    static ApiError method(String what) {
        return new ApiError(405, INVALID, null, "method_not_allowed", what, 0);
    }

    static ApiError tooLarge(String what) {
        return new ApiError(413, INVALID, null, "request_too_large", what, 0);
    }

    static ApiError queueFull(String what, int retryAfterSeconds) {
        return new ApiError(429, "rate_limit_error", null, "queue_full", what, retryAfterSeconds);
    }

    static ApiError internal() {
        return new ApiError(500, "server_error", null, "internal_error", "the server failed at this request", 0);
    }

    static ApiError unavailable(String code, String what) {
        return new ApiError(503, "server_error", null, code, what, 2);
    }

    /** Of a request that the HTTP library refuses. */
    static ApiError ofStatus(int status, String what) {
        return new ApiError(status, status >= 500 ? "server_error" : INVALID, null, null, what, 0);
    }

    int status() {
        return status;
    }

    /** 0 for no advice. */
    int retryAfterSeconds() {
        return retryAfterSeconds;
    }

    Map<String, Object> body() {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("message", getMessage());
        error.put("type", type);
        error.put("param", param);
        error.put("code", code);
        return Map.of("error", error);
    }
}
