package io.github.medpsy4j.bench;

import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.Metadata;
import io.github.medpsy4j.tokenizer.Tokenizer;
import io.github.medpsy4j.tokenizer.Vocabulary;
import io.github.medpsy4j.tokenizer.Vocabulary.Model;
import io.github.medpsy4j.tokenizer.Vocabulary.PreTokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The tokenizer's speed: the column {@code megabytes} is MB of UTF-8 a second. Needs a byte-level model's file, given as
 * {@code -p model=PATH}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TokenizerBenchmark {
    private static final Map<String, String> PARAGRAPHS =
            Map.of("english", """
            Metformin is the first medicine for most people with type 2 diabetes. It lowers the glucose that the liver \
            releases, and it doesn't cause weight gain. The usual starting dose is 500 mg once or twice a day with meals; \
            it's raised over 4-8 weeks to limit nausea. Kidney function (eGFR) should be checked before treatment, then \
            at least once a year. "When in doubt," the guideline says, "measure HbA1c after 3 months."
            """, "chinese", """
            二甲双胍是大多数2型糖尿病患者的首选药物。它降低肝脏释放的葡萄糖，不会引起体重增加。通常的起始剂量是每天一次或两次，每次500毫克，随餐服用。\
            治疗前应检查肾功能，此后每年至少一次。
            """, "code", """
            for (int i = 0; i < rows; i++) {
                    float sum = 0f;
                    for (int j = 0; j < cols; j += 8) {
                        sum += dot(a, i * cols + j, b, j); // 8 lanes
                    }
                    out[i] = sum;
            }
            """, "letters", "acgttgcaagctctagga");

    @Param({"english", "chinese", "code", "letters"})
    String text;

    @Param("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
    String model;

    private Vocabulary vocabulary;
    private Tokenizer tokenizer;
    private String input;
    private int inputBytes;
    private int[] ids;

    /** Turns calls into bytes. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Bytes {
        public double megabytes;

        @Setup(org.openjdk.jmh.annotations.Level.Iteration)
        public void reset() {
            megabytes = 0;
        }
    }

    @Setup
    public void load() throws Exception {
        try (GgufFile file = GgufFile.open(Path.of(model))) {
            vocabulary = vocabulary(file.metadata());
        }
        tokenizer = Tokenizer.of(vocabulary);
        String paragraph = PARAGRAPHS.get(text);
        input = paragraph.repeat(1 + 200_000 / paragraph.length());
        inputBytes = input.getBytes(StandardCharsets.UTF_8).length;
        ids = tokenizer.encode(input);
    }

    private static Vocabulary vocabulary(Metadata metadata) throws Exception {
        List<String> tokens = metadata.strings("tokenizer.ggml.tokens");
        return Vocabulary.builder(Model.BYTE_LEVEL_BPE)
                .preTokenizer(PreTokenizer.of(metadata.string("tokenizer.ggml.pre")))
                .tokens(tokens)
                .types(metadata.ints("tokenizer.ggml.token_type"))
                .merges(metadata.strings("tokenizer.ggml.merges"))
                .build();
    }

    @Benchmark
    public int[] encode(Bytes bytes) {
        bytes.megabytes += inputBytes / 1e6;
        return tokenizer.encode(input);
    }

    @Benchmark
    public String decode(Bytes bytes) {
        bytes.megabytes += inputBytes / 1e6;
        return tokenizer.decode(ids);
    }

    /** Building the tables, warm; the text plays no part. */
    @Benchmark
    public Tokenizer build() {
        return Tokenizer.of(vocabulary);
    }
}
