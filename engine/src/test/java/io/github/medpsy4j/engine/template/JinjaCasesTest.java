package io.github.medpsy4j.engine.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Renders what jinja2 under transformers rendered: its templates of known models, and snippets of each feature. */
class JinjaCasesTest {
    /** Errors whose wording templates and their authors see, so that it is jinja2's to the letter. */
    private static final List<String> SAME_WORDS = List.of("UndefinedError", "TemplateError", "SecurityError");

    @TestFactory
    Stream<DynamicTest> rendersTheTemplatesOfKnownModels() throws IOException {
        Map<String, Object> golden = read("chat-templates.json");
        Map<String, Object> templates = map(golden.get("templates"));
        RenderOptions options = options(golden);
        return ((List<?>) golden.get("cases")).stream().map(each -> {
            Map<String, Object> one = map(each);
            String name = (String) one.get("template");
            return DynamicTest.dynamicTest(
                    name, () -> check(name, (String) templates.get(name), map(one.get("vars")), options, one));
        });
    }

    @TestFactory
    Stream<DynamicTest> rendersEachSnippet() throws IOException {
        Map<String, Object> file = read("jinja-cases.json");
        Map<String, Object> variables = map(file.get("vars"));
        RenderOptions options = options(file);
        return ((List<?>) file.get("cases")).stream().map(each -> {
            Map<String, Object> one = map(each);
            String source = (String) one.get("source");
            return DynamicTest.dynamicTest(
                    one.get("group") + ": " + source, () -> check("case", source, variables, options, one));
        });
    }

    private static void check(
            String name,
            String source,
            Map<String, Object> variables,
            RenderOptions options,
            Map<String, Object> expected) {
        if (!expected.containsKey("error")) {
            RenderedPrompt prompt = ChatTemplate.parse(name, source).render(variables, options);
            assertEquals(expected.get("expected"), prompt.text());
            assertCovers(prompt);
            return;
        }
        TemplateException error = assertThrows(
                TemplateException.class, () -> ChatTemplate.parse(name, source).render(variables, options));
        String message = (String) expected.get("error");
        if (!expected.containsKey("type") || SAME_WORDS.contains(expected.get("type"))) {
            assertEquals(message, error.what());
        }
        assertTrue(
                error.getMessage().startsWith(name + ":" + error.line() + ":" + error.column() + ": "),
                error.getMessage());
    }

    /** The spans cover the text without gaps, and neighbours differ. */
    static void assertCovers(RenderedPrompt prompt) {
        int end = 0;
        Origin before = null;
        for (RenderedPrompt.Span span : prompt.spans()) {
            assertEquals(end, span.start());
            assertTrue(span.end() > span.start() && span.origin() != before, () -> span + " in " + prompt.spans());
            end = span.end();
            before = span.origin();
        }
        assertEquals(prompt.text().length(), end);
    }

    private static RenderOptions options(Map<String, Object> file) {
        LocalDateTime now = LocalDateTime.parse((String) file.get("now"));
        return RenderOptions.defaults().withClock(Clock.fixed(now.toInstant(ZoneOffset.UTC), ZoneOffset.UTC));
    }

    static Map<String, Object> read(String resource) throws IOException {
        try (InputStream in = JinjaCasesTest.class.getResourceAsStream(resource)) {
            return JSON.std.mapFrom(in);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object object) {
        return (Map<String, Object>) object;
    }
}
