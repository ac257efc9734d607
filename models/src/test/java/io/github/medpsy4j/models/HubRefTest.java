package io.github.medpsy4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HubRefTest {
    @ParameterizedTest
    @CsvSource({
        "hf:o/r,                       hf:o/r",
        "HF:o/r:Q4_K_M,                hf:o/r:q4_k_m",
        "hf:o/r/a.gguf,                hf:o/r/a.gguf",
        "hf:o/r/b/a.gguf,              hf:o/r/b/a.gguf",
        "hf:o/r@v1/b/a.gguf,           hf:o/r@v1/b/a.gguf",
        "hf:o/r@v1:Q8_0,               hf:o/r@v1:q8_0",
        "hf:o/r:Q8_0@v1,               hf:o/r@v1:q8_0",
        "hf:o/r/a.gguf@v1,             hf:o/r@v1/a.gguf",
        "hf:o/r/a.gguf@refs/pr/1,      hf:o/r@refs%2Fpr%2F1/a.gguf",
        "hf:o/r@refs%2Fpr%2F1/a.gguf,  hf:o/r@refs%2Fpr%2F1/a.gguf",
        "hf:o/r@main/a.gguf,           hf:o/r/a.gguf",
        "hf.co/o/r:IQ4_XS,             hf:o/r:iq4_xs",
        "https://huggingface.co/o/r,   hf:o/r",
        "https://huggingface.co/o/r/blob/main/a.gguf,                  hf:o/r/a.gguf",
        "https://huggingface.co/o/r/resolve/v2/b/a.gguf?download=true, hf:o/r@v2/b/a.gguf"
    })
    void understandsTheFormsOfNames(String given, String canonical) {
        assertTrue(HubRef.isOne(given));
        assertEquals(canonical, HubRef.parse(given).name());
        assertEquals(HubRef.parse(given), HubRef.parse(canonical));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hf:",
                "hf:o",
                "hf:/r",
                "hf:o/",
                "hf:o/r:",
                "hf:o/r@",
                "hf:o/r@:Q8_0",
                "hf:o/../a.gguf",
                "hf:o/r/../a.gguf",
                "hf:o/r//a.gguf",
                "hf:o/r/.a.gguf",
                "hf:o/r/a\\b.gguf",
                "hf:o/r@../../x/a.gguf",
                "hf:o--x/r",
                "hf:o/r?x/a.gguf",
                "hf:o/r/a.gguf:q8_0",
                "hf:o/r:q8 0"
            })
    void refusesOtherForms(String given) {
        String message = assertThrows(UnknownModelException.class, () -> HubRef.parse(given))
                .getMessage();
        assertEquals(
                "'" + given
                        + "': not a model on Hugging Face; expected hf:OWNER/REPO/FILE.gguf, hf:OWNER/REPO:QUANT or "
                        + "hf:OWNER/REPO, with @REVISION where it is not main",
                message);
    }

    @Test
    void refusesPartsAndOtherFilesByName() {
        assertEquals(
                "'hf:o/r/a-00001-of-00003.gguf': one part of a model that is split into several files; those cannot be "
                        + "pulled, only run from a path",
                assertThrows(UnknownModelException.class, () -> HubRef.parse("hf:o/r/a-00001-of-00003.gguf"))
                        .getMessage());
        assertEquals(
                "'hf:o/r/model.safetensors': not a .gguf file",
                assertThrows(UnknownModelException.class, () -> HubRef.parse("hf:o/r/model.safetensors"))
                        .getMessage());
    }

    @Test
    void storedNamesArePlainAndDiffer() {
        assertEquals("hf--o--r--a.gguf", HubRef.parse("hf:o/r/a.gguf").storedName());
        List<String> names = List.of(
                "hf:o/r/a/b.gguf",
                "hf:o/r/a--b.gguf",
                "hf:o/r@a/b.gguf",
                "hf:o/r/" + "x".repeat(180) + ".gguf",
                "hf:o/r/" + "x".repeat(181) + ".gguf",
                "hf:o/r/b.gguf@refs/pr/1");
        assertEquals(
                names.size(),
                names.stream().map(n -> HubRef.parse(n).storedName()).distinct().count());
        for (String name : names) {
            String stored = HubRef.parse(name).storedName();
            assertTrue(FileNames.isPlain(stored) && stored.endsWith(".gguf"), stored);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "model-Q4_K_M.gguf,            q4_k_m",
        "model.q8_0.gguf,              q8_0",
        "model-IQ4_XS-imat.gguf,       iq4_xs",
        "Model-UD-Q4_K_XL.gguf,        ud-q4_k_xl",
        "Qwen2.5-0.5B-BF16.gguf,       bf16",
        "q4/model-f16.gguf,            f16",
        "gpt-oss-20b-MXFP4.gguf,       mxfp4",
        "model-Q3_K_S-v2.gguf,         q3_k_s",
        "model.gguf,                   ''"
    })
    void readsTheQuantizationOffAName(String path, String quant) {
        assertEquals(quant, Quants.of(path));
    }

    @Test
    void aQuantizationMeansItselfAndNoLongerOne() {
        List<HubFile> files = List.of(
                new HubFile("m-Q4_K_S.gguf", 1, ""),
                new HubFile("m-Q4_K_M.gguf", 1, ""),
                new HubFile("mmproj-F16.gguf", 1, ""),
                new HubFile("m-Q8_0-00001-of-00002.gguf", 1, ""));
        assertEquals(1, HubRef.parse("hf:o/r:Q4_K_M").among(files).size());
        assertEquals(2, HubRef.parse("hf:o/r").among(files).size());
        assertEquals("m-Q4_K_M.gguf", HubRef.usual(files).path());
        assertEquals(List.of(), HubRef.parse("hf:o/r:Q8_0").among(files), "parts are no model");
        assertFalse(HubRef.parse("hf:o/r:f16").covers(HubRef.parse("hf:o/r/m-Q4_K_M.gguf")));
        assertNotEquals(HubRef.parse("hf:o/r@v1"), HubRef.parse("hf:o/r"));
    }

    @Test
    void addsAQuantizationWhereOneIsOpen() {
        assertEquals("medpsy-4b:q8_0", ModelNames.withQuant("medpsy-4b", "q8_0"));
        assertEquals("medpsy-4b:Q8_0", ModelNames.withQuant("medpsy-4b:Q8_0", "q8_0"));
        assertEquals("hf:o/r@v1:q8_0", ModelNames.withQuant("hf:o/r@v1", "Q8_0"));
        assertEquals("hf:o/r/a-Q8_0.gguf", ModelNames.withQuant("hf:o/r/a-Q8_0.gguf", "q8_0"));
        for (String name : List.of("medpsy-4b:bf16", "hf:o/r:q4_0", "hf:o/r/a-Q4_0.gguf")) {
            assertEquals(
                    "another quantization than that of " + name,
                    assertThrows(IllegalArgumentException.class, () -> ModelNames.withQuant(name, "q8_0"))
                            .getMessage());
        }
        assertEquals(
                "ollama:x names a file, whose quantization is what it is",
                assertThrows(IllegalArgumentException.class, () -> ModelNames.withQuant("ollama:x", "q8_0"))
                        .getMessage());
        assertEquals(
                "expected a quantization such as q4_k_m, got 'q 8'",
                assertThrows(IllegalArgumentException.class, () -> ModelNames.withQuant("medpsy-4b", "q 8"))
                        .getMessage());
    }
}
