package io.github.medpsy4j.examples;

import io.github.medpsy4j.engine.ChatOptions;
import io.github.medpsy4j.engine.Model;
import io.github.medpsy4j.engine.SchedulerOptions;
import io.github.medpsy4j.server.Server;
import io.github.medpsy4j.server.ServerOptions;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;

/** Serves a model over HTTP as OpenAI's API does, from within a program, and asks it once. Argument: a GGUF file. */
final class ServeInProcess {
    private static final String BODY = """
            {"model": "medpsy", "max_tokens": 40, "messages": [{"role": "user", "content": "What is metformin for?"}]}
            """;

    private ServeInProcess() {}

    public static void main(String[] args) throws Exception {
        // Port 0 takes a free one; nobody but this machine can reach it unless a host and keys are given.
        ServerOptions options = ServerOptions.builder().port(0).build();

        try (Model model = Model.load(Path.of(args[0]));
                Server server = Server.start(options);
                HttpClient client = HttpClient.newHttpClient()) {
            server.serve(model, List.of("medpsy"), ChatOptions.builder().build(), SchedulerOptions.defaults());

            URI uri = URI.create("http://127.0.0.1:" + server.port() + "/v1/chat/completions");
            System.out.println(uri);
            HttpRequest request = HttpRequest.newBuilder(uri)
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(BODY))
                    .build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.body());
        }
    }
}
