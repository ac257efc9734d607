/** Makes GGUF files, sound ones and broken ones, for the tests of all modules. */
package io.github.medpsy4j.gguf.testing;
