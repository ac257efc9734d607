/** Constrained output: what may be generated, as a grammar or a JSON Schema, and the tokens that it allows. */
package io.github.medpsy4j.engine.grammar;
