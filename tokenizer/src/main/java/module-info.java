/** Text to token ids and back: byte-level BPE and SentencePiece BPE. */
module io.github.medpsy4j.tokenizer {
    exports io.github.medpsy4j.tokenizer;
}
