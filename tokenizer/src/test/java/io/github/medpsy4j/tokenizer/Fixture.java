package io.github.medpsy4j.tokenizer;

import com.fasterxml.jackson.jr.ob.JSON;
import io.github.medpsy4j.tokenizer.Vocabulary.Model;
import io.github.medpsy4j.tokenizer.Vocabulary.PreTokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A vocabulary with the ids that another implementation gives for texts; make_fixtures.py made them. */
record Fixture(Vocabulary.Builder vocabulary, List<Case> cases) {
    @SuppressWarnings("ArrayRecordComponent") // nobody compares cases
    record Case(String text, boolean special, int[] ids) {
        int[] encoded(Tokenizer tokenizer) {
            return special ? tokenizer.encodeWithSpecials(text) : tokenizer.encode(text);
        }
    }

    static Fixture load(String name) {
        try (InputStream in = Fixture.class.getResourceAsStream(name + ".json")) {
            Map<String, Object> file = JSON.std.mapFrom(in);
            List<Case> cases = new ArrayList<>();
            for (Object c : (List<?>) file.get("cases")) {
                cases.add(testCase((Map<?, ?>) c));
            }
            return new Fixture(vocabulary((Map<?, ?>) file.get("vocabulary")), cases);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Tokenizer tokenizer(String name) {
        return Tokenizer.of(load(name).vocabulary().build());
    }

    /** Lines of {@code {"text", "ids"}}, and {@code "special"} where special tokens match not everywhere. */
    static List<Case> lines(String name) {
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(Fixture.class.getResourceAsStream(name), StandardCharsets.UTF_8))) {
            List<Case> cases = new ArrayList<>();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                cases.add(testCase(JSON.std.mapFrom(line)));
            }
            return cases;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Case testCase(Map<?, ?> c) {
        return new Case((String) c.get("text"), !Boolean.FALSE.equals(c.get("special")), ints(c.get("ids")));
    }

    private static Vocabulary.Builder vocabulary(Map<?, ?> map) {
        Vocabulary.Builder builder = Vocabulary.builder(Model.of((String) map.get("model")))
                .tokens(strings(map.get("tokens")))
                .types(ints(map.get("types")))
                .bos((Integer) map.get("bos"))
                .eos((Integer) map.get("eos"))
                .unknown((Integer) map.get("unknown"))
                .addSpacePrefix((Boolean) map.get("addSpacePrefix"));
        if (map.containsKey("pre")) {
            builder.preTokenizer(PreTokenizer.of((String) map.get("pre"))).merges(strings(map.get("merges")));
        }
        if (map.containsKey("scores")) {
            List<?> scores = (List<?>) map.get("scores");
            float[] floats = new float[scores.size()];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = ((Number) scores.get(i)).floatValue();
            }
            builder.scores(floats);
        }
        return builder;
    }

    private static List<String> strings(Object list) {
        return ((List<?>) list).stream().map(String.class::cast).toList();
    }

    private static int[] ints(Object list) {
        return ((List<?>) list).stream().mapToInt(n -> (Integer) n).toArray();
    }
}
