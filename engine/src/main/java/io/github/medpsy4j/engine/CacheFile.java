package io.github.medpsy4j.engine;

import io.github.medpsy4j.engine.SessionFile.Part;
import io.github.medpsy4j.engine.SessionFile.Reader;
import io.github.medpsy4j.engine.kernel.KvCache;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A session's tokens and KV cache on disk, in three parts of a {@link SessionFile}: whom it belongs to and its tokens;
 * the transcript of the conversation that they spell, empty where there is none; the cache's bytes. What is read is bound
 * to the model's file, the kernels and the cache's layout, and {@link Session#restore} checks by computing.
 */
final class CacheFile {
    private static final String MAGIC = "MEDPSYKV";
    private static final int VERSION = 1;

    private CacheFile() {}

    static void write(Path path, Model model, KvCache cache, int[] tokens, Transcript transcript) throws IOException {
        SessionFile.write(path, MAGIC, VERSION, writer -> {
            writer.part(new Part()
                    .string(model.identity())
                    .string(model.kernel())
                    .string(cache.layout())
                    .ints(tokens));
            Part text = new Part()
                    .string(transcript.text())
                    .ints(transcript.content())
                    .ints(transcript.tokens());
            text.int32(transcript.cuts().size());
            for (Transcript.Cut cut : transcript.cuts()) {
                text.int32(cut.chars()).int32(cut.tokens());
            }
            writer.part(text);
            writer.begin(cache.byteSize(tokens.length));
            cache.stretches(0, tokens.length, stretch -> writer.bytes(stretch.asByteBuffer()));
            writer.end();
        });
    }

    /** What was read, beside the cache itself. */
    static final class Loaded {
        final int[] tokens;
        final Transcript transcript;

        private Loaded(int[] tokens, Transcript transcript) {
            this.tokens = tokens;
            this.transcript = transcript;
        }
    }

    /** Reads all of a file; the cache's contents are undefined where this throws. */
    static Loaded read(Path path, Model model, KvCache cache) throws IOException {
        try (Reader in = new Reader(path, MAGIC, VERSION)) {
            in.begin("the tokens");
            String identity = in.string("the model's identity");
            String kernel = in.string("the kernels");
            String layout = in.string("the cache's layout");
            int[] tokens = in.ints("a token");
            in.end("the tokens");
            bound(path, "of another model", "this one", identity.equals(model.identity()) ? "this one" : "another");
            bound(path, "computed by other kernels", model.kernel(), kernel);
            bound(path, "laid out otherwise", cache.layout(), layout);
            if (tokens.length == 0 || tokens.length > model.context()) {
                throw in.fail("the number of tokens", "1 to the context's " + model.context(), tokens.length);
            }
            for (int token : tokens) {
                if (token < 0 || token >= model.vocabularySize()) {
                    throw in.fail("a token", "0 to " + (model.vocabularySize() - 1), token);
                }
            }
            in.begin("the transcript");
            Transcript transcript = transcript(in);
            in.end("the transcript");
            long bytes = in.begin("the cache");
            if (bytes != cache.byteSize(tokens.length)) {
                throw in.fail("the length of the cache", cache.byteSize(tokens.length), bytes);
            }
            cache.reserve(tokens.length);
            cache.stretches(0, tokens.length, stretch -> in.bytes(stretch.asByteBuffer()));
            in.end("the cache");
            in.endOfFile();
            return new Loaded(tokens, transcript);
        }
    }

    private static Transcript transcript(Reader in) throws IOException {
        String text = in.string("the text");
        int[] content = in.ints("a run of content");
        int[] tokens = in.ints("a token of the text");
        int count = in.count("the number of cuts", 2 * Integer.BYTES);
        List<Transcript.Cut> cuts = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            cuts.add(new Transcript.Cut(in.int32("a cut"), in.int32("a cut")));
        }
        try {
            return new Transcript(text, content, tokens, cuts);
        } catch (IllegalArgumentException e) {
            throw in.fail("the transcript", "parts that fit together", e.getMessage());
        }
    }

    private static void bound(Path path, String what, String expected, String got) throws SessionFileException {
        if (!got.equals(expected)) {
            throw new SessionFileException(path + ": " + what + "; expected " + expected + ", got " + got);
        }
    }
}
