/** The catalogue of models: known files; pull, verify, list, remove. */
package io.github.medpsy4j.models;
