package io.github.medpsy4j.engine.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A template cannot take the machine down: each attempt ends in a message that names the limit. */
class HostileTemplateTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Small enough that each attempt is short. */
    private static final RenderOptions SMALL = RenderOptions.defaults().withLimits(1_000_000, 4 << 20, 1 << 20, 400);

    private static String refusal(String source, Map<String, ?> variables) {
        return assertTimeoutPreemptively(
                PATIENCE,
                () -> assertThrows(
                                TemplateException.class,
                                () -> ChatTemplate.parse("evil", source).render(variables, SMALL))
                        .what());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ 'a' * 10**9 }}",
                "{{ 'a' * 10**30 }}",
                "{{ ('a' ~ x) * 10**9 }}",
                "{{ [0] * 10**9 }}",
                "{{ (0,) * 10**30 }}",
                "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
                "{% set ns = namespace(x=[0]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                "{% set ns = namespace(x='ab') %}{% for i in range(100) %}{% set ns.x = ns.x.replace('', ns.x) %}{% endfor %}",
                "{% set ns = namespace(x='a') %}{% for i in range(100000) %}{% set ns.x = ns.x + 'a' %}{% endfor %}",
                "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
                "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
                "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson }}",
                "{{ '%1000000000s' % 1 }}",
                "{{ '%1000000000d' % 1 }}",
                "{{ '%-1000000000d' % 1 }}",
                "{{ '%*d' % (10**9, 1) }}",
                "{{ '{:999999999}'.format('a') }}",
                "{{ '{:>{}}'.format('a', 999999999) }}",
                "{{ 'a'.center(10**9) }}",
                "{{ 'a'.ljust(10**9) }}",
                "{{ 'a'.rjust(10**30) }}",
                "{{ 'a'.zfill(10**9) }}",
                "{{ 'a\tb'.expandtabs(10**9) }}",
                "{{ 'a'|center(10**9) }}",
                "{{ 'a\nb'|indent(10**9) }}",
                "{{ [1]|tojson(indent=10**9) }}",
                "{{ [1]|batch(10**9, 'x')|list }}",
                "{{ [1]|slice(10**9)|list }}",
                "{{ x.split('a')|list }}{% for i in range(1000) %}{% set y = x.split('a') %}{% endfor %}",
                "{% for i in range(1000) %}{% set y = x|list %}{% endfor %}",
                "{% for i in range(1000) %}{% set y = x|upper %}{% endfor %}",
                "{% for i in range(1000) %}{% set y = x.strip('z') ~ i %}{% endfor %}",
                "{{ x.join(x) }}",
                "{{ ('%s' * 1000) % ((x,) * 1000) }}",
            })
    void memoryIsBounded(String source) {
        String message = refusal(source, Map.of("x", "a".repeat(100_000)));
        assertTrue(
                message.equals(
                                "the template makes values of more than 4,194,304 cells (a character is one, an element 16)")
                        || message.equals("the template takes more than 1,000,000 steps"),
                message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
                "{% for a in range(100000) %}{% for b in range(100000) if false %}{% endfor %}{% endfor %}",
                "{% for a in range(100000) %}{{ range(100000)|sum }}{% endfor %}",
                "{% for a in range(100000) %}{% if 5 in l %}{% endif %}{% endfor %}",
                "{% for a in range(100000) %}{% if l == l2 %}{% endif %}{% endfor %}",
                "{% for a in range(100000) %}{% if l < l2 %}{% endif %}{% endfor %}",
                "{% for a in range(100000) %}{{ x.find('b') }}{% endfor %}",
                "{% for a in range(100000) %}{{ x.count(n) }}{% endfor %}",
                "{% for a in range(100000) %}{{ x.rfind(n) }}{% endfor %}",
                "{% for a in range(100000) %}{% if n in x %}{% endif %}{% endfor %}",
                "{% for a in range(100000) %}{{ x is lower }}{% endfor %}",
                "{% set ns = namespace() %}{% set ns.ns = ns %}{{ [ns]|map(attribute=('ns.' * 10000) ~ 'ns')|list|length }}"
                        + "{% for i in range(1000) %}{% set y = [ns]|map(attribute=('ns.' * 1000) ~ 'ns')|list %}{% endfor %}",
                "{% for i in range(100000) %}{% continue %}%s{% endfor %}",
                "{% macro m() %}{{ m() if x }}{% endmacro %}{% for a in range(100000) %}{% set y = l|map('string')|list|sort|unique|list %}{% endfor %}",
            })
    void timeIsBounded(String source) {
        Map<String, Object> variables = new HashMap<>();
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            numbers.add(i + 6);
        }
        variables.put("l", numbers);
        variables.put("l2", new ArrayList<>(numbers));
        variables.put("x", "a".repeat(100_000));
        variables.put("n", "a".repeat(50_000) + "b");
        StringBuilder sets = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            sets.append("{% set v").append(i).append(" = 1 %}");
        }
        String message = refusal(source.replace("%s", sets), variables);
        assertTrue(
                message.equals("the template takes more than 1,000,000 steps")
                        || message.startsWith("the template makes values of more than 4,194,304 cells"),
                message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
                "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
                "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
                "{% set ns = namespace(i=[1]) %}{% for a in range(10000) %}{% set ns.i = ns.i|map('string') %}{% endfor %}{{ ns.i|list }}",
                "{% set ns = namespace(i=[1]) %}{% for a in range(10000) %}{% set ns.i = ns.i|select %}{% endfor %}{{ ns.i|first }}",
                "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns }}",
            })
    void callsNestSoDeepAndNoDeeper(String source) {
        assertEquals("the template nests deeper than 400 levels while running", refusal(source, Map.of()));
    }

    @Test
    void valuesNestSoDeepAndNoDeeper() {
        assertEquals(
                "a value nests lists and dicts deeper than 200 levels",
                refusal(
                        "{% set ns = namespace(x=1) %}{% for a in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}",
                        Map.of()));
        Object deep = 1;
        for (int i = 0; i < 300; i++) {
            deep = List.of(deep);
        }
        assertTrue(refusal("x", Map.of("v", deep)).endsWith("nests deeper than 200 levels"));
        List<Object> itself = new ArrayList<>();
        itself.add(itself);
        assertTrue(refusal("x", Map.of("v", itself)).endsWith("nests deeper than 200 levels"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            value = {
                "{{ 10 ** (10 ** 10) }} # an integer has more than 16384 bits",
                "{{ 2 ** 100000 }} # an integer has more than 16384 bits",
                "{{ (10 ** 4000) * (10 ** 4000) }} # an integer has more than 16384 bits",
                "{{ 10 ** 4500 }} # Exceeds the limit (4300 digits) for integer string conversion",
                "{{ '%.1000000000f' % 1 }} # a format's precision is more than 1000",
                "{{ '%.1000000000d' % 1 }} # a format's precision is more than 1000",
                "{{ '{:.999999999e}'.format(1.5) }} # a format's precision is more than 1000",
                "{{ '%01000000000d' % 1 }} # a format's width of zeros is more than 1000",
                "{{ '{:0999999999}'.format(1) }} # a format's width of zeros is more than 1000",
                "{{ range(10 ** 9) }} # Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).",
            })
    void numbersAreBounded(String source, String expected) {
        assertEquals(expected, refusal(source, Map.of()));
    }

    @Test
    void theOutputIsBounded() {
        assertEquals(
                "the template renders more than 1,048,576 characters",
                refusal("{% for i in range(100) %}{{ x }}{% endfor %}", Map.of("x", "a".repeat(20_000))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "{1:", "-", "not ", "x[", "f(", "1 if 1 else ", "{%if 1%}", "{%for x in y%}"})
    void sourcesNestSoDeepAndNoDeeper(String opening) {
        String start = opening.startsWith("{%") ? "" : "{{ ";
        String message = refusal(start + opening.repeat(20_000), Map.of());
        assertTrue(
                message.equals("the template nests deeper than 100 levels") || message.startsWith("unexpected"),
                message);
    }

    @ParameterizedTest
    @ValueSource(strings = {" + 1", " - 1", " * 1", " ** 1", " and 1", " or 1", "|abs", ".x", "[0]", "()", " if 1"})
    void operatorsChainSoLongAndNoLonger(String link) {
        assertEquals(
                "an expression chains more than 200 operators",
                refusal("{{ 1" + link.repeat(20_000) + " }}", Map.of()));
    }

    @Test
    void aLongChainWithinTheLimitRuns() {
        assertEquals(
                "200",
                ChatTemplate.parse("x", "{{ 1" + " + 1".repeat(199) + " }}")
                        .render(Map.of())
                        .text());
        assertEquals(
                50_001,
                ChatTemplate.parse("x", "{{ 1" + " ~ 1".repeat(50_000) + " }}")
                        .render(Map.of())
                        .text()
                        .length());
    }

    @Test
    void depthIsReachedBeforeAUsualStackEnds() throws InterruptedException {
        List<Throwable> thrown = new ArrayList<>();
        Thread small = new Thread(
                null,
                () -> {
                    try {
                        ChatTemplate.parse("x", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")
                                .render(Map.of());
                    } catch (TemplateException e) {
                        thrown.add(e);
                    }
                },
                "half a megabyte of stack",
                512 << 10);
        small.start();
        small.join();
        assertEquals(
                "the template nests deeper than 400 levels while running", ((TemplateException) thrown.get(0)).what());
    }

    @Test
    void longSourcesAreRefused() {
        assertEquals(
                "the template has 1048577 characters; at most 1048576 are read",
                refusal("x".repeat((1 << 20) + 1), Map.of()));
    }
}
