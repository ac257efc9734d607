/**
 * Text to token ids and back: byte-level BPE and SentencePiece BPE.
 *
 * <p>{@link io.github.medpsy4j.tokenizer.Vocabulary} holds what a model file says about its tokens; {@link
 * io.github.medpsy4j.tokenizer.Tokenizer} is built from it once and shared. A text's path through {@code encode}: {@code
 * SpecialTokens} cuts it at special tokens where those may match, {@code ByteLevelBpe} or {@code SentencePieceBpe} turns
 * each stretch between into ids.
 */
package io.github.medpsy4j.tokenizer;
