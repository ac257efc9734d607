package io.github.medpsy4j.engine.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Errors name the template, the line and the column, and say what jinja2 says where authors rely on it. */
class TemplateErrorsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            quoteCharacter = '`',
            value = {
                "{% include 'x' %} § 1:4: the tag 'include' is not supported in chat templates",
                "{% import 'x' as y %} § 1:4: the tag 'import' is not supported in chat templates",
                "{% from 'x' import y %} § 1:4: the tag 'from' is not supported in chat templates",
                "{% extends 'x' %} § 1:4: the tag 'extends' is not supported in chat templates",
                "{% autoescape true %} § 1:4: the tag 'autoescape' is not supported in chat templates",
                "{% frob %} § 1:4: unknown tag 'frob'",
                "{% if x %}{% endfor %} § 1:14: unknown tag 'endfor'; 'if' is still open",
                "a\\n{% if x %}\\nb § 3:2: unexpected end of template; 'if' needs 'elif' or 'else' or 'endif'",
                "a\\n  {{ x|frob }} § 2:8: No filter named 'frob'.",
                "{{ x is frob }} § 1:9: No test named 'frob'.",
                "{{ x|pprint }} § 1:6: the filter 'pprint' is not supported in chat templates",
                "{{ lipsum() }} § 1:10: the function 'lipsum' is not supported in chat templates",
                "{{ s.encode() }} § 1:6: the method 'encode' of str is not supported in chat templates",
                "{% if t %}{{ 1|frob }}{% endif %} § 1:16: No filter named 'frob'.",
                "a\\nb {{ raise_exception('No!') }} § 2:21: No!",
                "{% for x in l %}\\n{{ x.y.z }}{% endfor %} § 2:8: 'int object' has no attribute 'y'",
                "{{ 1 +\\n 'a' }} § 1:6: unsupported operand type(s) for +: 'int' and 'str'",
                "{{ 'a' + 1 }} § 1:8: can only concatenate str (not \"int\") to str",
                "{{ 'abc }} § 1:4: unexpected char \"'\": the string does not end",
                "{{ a ? b }} § 1:6: unexpected char '?'",
                "{{ (1] }} § 1:6: unexpected ']', expected ')'",
                "{{ 1 } § 1:6: unexpected '}'",
                "{# x § 1:1: missing end of comment tag",
                "{% raw %} § 1:1: missing end of raw directive",
                "{% break %} § 1:4: 'break' outside of a loop",
                "{% for x in l %}{% call f() %}{% continue %}{% endcall %}{% endfor %} § 1:34: 'continue' outside of a loop",
                "{% set 1 = 2 %} § 1:8: can't assign to 'integer'",
                "{% set d.x = 2 %} § 1:8: cannot assign attribute on non-namespace object",
                "{% for loop in l %}{% endfor %} § 1:8: can't assign to special loop variable in for-loop target",
                "{{ l.append(1) }} § 1:12: access to attribute 'append' of 'list' object is unsafe.",
                "{{ x[1:2, 3] }} § 1:5: a slice among several subscripts is not supported",
                "{% block a required %}{% endblock %} § 1:12: a required block is not supported in chat templates",
            })
    void sayWhereAndWhat(String source, String expected) {
        Map<String, Object> variables = Map.of("l", List.of(1), "s", "x", "t", true, "d", Map.of());
        TemplateException error = assertThrows(
                TemplateException.class,
                () -> ChatTemplate.parse("chat", source.replace("\\n", "\n")).render(variables));
        assertEquals("chat:" + expected, error.getMessage());
    }

    @Test
    void theExceptionKnowsItsParts() {
        TemplateException error = assertThrows(
                TemplateException.class,
                () -> ChatTemplate.parse("chat", "\n {{ raise_exception('a:b') }}")
                        .render(Map.of()));
        assertEquals("chat", error.template());
        assertEquals(2, error.line());
        assertEquals(20, error.column());
        assertEquals("a:b", error.what());
    }

    @Test
    void variablesOfOtherTypesAreRefusedByPath() {
        Map<String, Object> message = new HashMap<>();
        message.put("content", Thread.currentThread());
        assertEquals(
                "chat:1:1: variable messages[0].content is a java.lang.Thread; expected String, Boolean, Integer,"
                        + " Long, BigInteger, Double, BigDecimal, null, List or Map",
                assertThrows(
                                TemplateException.class,
                                () -> ChatTemplate.parse("chat", "x").render(Map.of("messages", List.of(message))))
                        .getMessage());
        assertEquals(
                "chat:1:1: variable v has a key that is no String: 1",
                assertThrows(
                                TemplateException.class,
                                () -> ChatTemplate.parse("chat", "x").render(Map.of("v", Map.of(1, 2))))
                        .getMessage());
    }

    @Test
    void limitsMustBePositive() {
        assertEquals(
                "limits must be positive and maxCells at most 2^30; got maxSteps 0, maxCells 1, maxOutput 1, maxDepth 1",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> RenderOptions.defaults().withLimits(0, 1, 1, 1))
                        .getMessage());
    }

    /** Mutations of real templates: whatever they have become, they give a prompt or a TemplateException, and soon. */
    @Test
    void mutatedTemplatesGiveAPromptOrAnError() throws Exception {
        Map<String, Object> golden = JinjaCasesTest.read("chat-templates.json");
        List<String> sources = new ArrayList<>();
        for (Object source : ((Map<?, ?>) golden.get("templates")).values()) {
            sources.add((String) source);
        }
        for (Object snippet : (List<?>) JinjaCasesTest.read("jinja-cases.json").get("cases")) {
            sources.add((String) ((Map<?, ?>) snippet).get("source"));
        }
        Map<?, ?> first = (Map<?, ?>) ((List<?>) golden.get("cases")).get(3);
        Map<String, Object> variables = new HashMap<>();
        ((Map<?, ?>) first.get("vars")).forEach((name, value) -> variables.put((String) name, value));
        RenderOptions options = RenderOptions.defaults().withLimits(200_000, 1 << 20, 1 << 20, 400);
        String[] pieces = {
            "{%",
            "%}",
            "{{",
            "}}",
            "(",
            ")",
            "[",
            "]",
            "|",
            ".",
            "loop",
            " if ",
            " else ",
            " is ",
            "-",
            "~",
            "*",
            "**",
            "10",
            "'",
            "\"",
            "namespace()",
            "{% for x in messages %}",
            "{% endfor %}",
            "range(9)",
            "\\",
            "not ",
            "{#",
            "#}",
            "raw",
            "[::-1]",
            "|tojson",
            "|map('upper')",
            "{% set x = messages %}",
            "\ud83d\ude00",
            ","
        };
        Random random = new Random(20260511);
        int rendered = 0;
        for (int turn = 0; turn < 6_000; turn++) {
            StringBuilder source = new StringBuilder(sources.get(random.nextInt(sources.size())));
            for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
                int at = random.nextInt(source.length() + 1);
                switch (random.nextInt(3)) {
                    case 0 -> source.insert(at, pieces[random.nextInt(pieces.length)]);
                    case 1 -> source.delete(at, Math.min(source.length(), at + 1 + random.nextInt(5)));
                    default -> {
                        int from = random.nextInt(source.length() + 1);
                        source.insert(at, source.substring(from, Math.min(source.length(), from + random.nextInt(30))));
                    }
                }
            }
            try {
                JinjaCasesTest.assertCovers(
                        ChatTemplate.parse("mutant", source.toString()).render(variables, options));
                rendered++;
            } catch (TemplateException expected) {
                assertEquals("mutant", expected.template());
            }
        }
        assertEquals(true, rendered > 500, "only " + rendered + " mutants rendered");
    }
}
