/** Reading JSON: schemas, and the calls of tools as they come. Not for use outside of the engine. */
package io.github.medpsy4j.engine.json;
