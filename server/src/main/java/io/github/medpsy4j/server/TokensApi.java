package io.github.medpsy4j.server;

import io.github.medpsy4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** llama.cpp's {@code /tokenize} and {@code /detokenize}. */
final class TokensApi {
    void addTo(Routes routes) {
        routes.post("/tokenize", this::tokenize);
        routes.post("/detokenize", this::detokenize);
    }

    private void tokenize(Exchange exchange) throws ApiError, IOException {
        Fields fields = exchange.fields();
        String text = fields.requiredText("content");
        boolean addsSpecial = fields.flag("add_special", false);
        boolean parsesSpecial = fields.flag("parse_special", true);
        boolean withPieces = fields.flag("with_pieces", false);
        fields.refuseOthers();
        if (addsSpecial && !parsesSpecial) {
            throw ApiError.badRequest("parse_special", "expected true where add_special is");
        }
        Tokenizer tokenizer = exchange.served().model().tokenizer();
        int[] ids = addsSpecial
                ? tokenizer.encodeRaw(text)
                : parsesSpecial ? tokenizer.encodeWithSpecials(text) : tokenizer.encode(text);
        List<Object> tokens = new ArrayList<>();
        for (int id : ids) {
            tokens.add(withPieces ? Map.of("id", id, "piece", piece(tokenizer.bytesOf(id))) : id);
        }
        exchange.json(Map.of("tokens", tokens));
    }

    /** A text, or the bytes where they are a part of a character: llama.cpp's way. */
    private static Object piece(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') < 0) {
            return text;
        }
        List<Integer> unsigned = new ArrayList<>();
        for (byte each : bytes) {
            unsigned.add(each & 0xff);
        }
        return unsigned;
    }

    private void detokenize(Exchange exchange) throws ApiError, IOException {
        Fields fields = exchange.fields();
        List<?> list = fields.list("tokens");
        if (list == null) {
            throw ApiError.badRequest("tokens", "is missing");
        }
        fields.refuseOthers();
        int[] ids = RequestReader.ids(exchange.served(), "tokens", list);
        exchange.json(Map.of("content", exchange.served().model().tokenizer().decode(ids, true)));
    }
}
