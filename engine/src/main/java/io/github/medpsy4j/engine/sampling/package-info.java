/** From logits to a token: penalties, truncation, temperature, chance. */
package io.github.medpsy4j.engine.sampling;
