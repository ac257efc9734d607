/** Another machine's server, spoken to as OpenAI's API has it. */
package io.github.medpsy4j.cli.remote;
