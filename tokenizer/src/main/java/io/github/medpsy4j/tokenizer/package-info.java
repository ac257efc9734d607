/** Text to token ids and back: byte-level BPE and SentencePiece BPE. */
package io.github.medpsy4j.tokenizer;
