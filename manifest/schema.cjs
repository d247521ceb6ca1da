// Reads a JSON list of Teams manifests from standard input; prints what Microsoft's schema has against each, as a list of lists.
"use strict";

const { createRequire } = require("node:module");
const { text } = require("node:stream/consumers");

const { AppManifestUtils } = createRequire(`${__dirname}/../web/package.json`)("@microsoft/app-manifest");

// The package would ask the network for a schema that it does not have.
globalThis.fetch = () => Promise.reject(new Error("only schemas that the package holds are used"));

// Before: "/developer/name must NOT have more than 32 characters. Details: {"limit":32}"
function readable(mistake) {
  const [, path, said, details] = /^(\S*) (.*)\. Details: (.*)$/s.exec(mistake) ?? [null, "", mistake, ""];
  const named = /additional|allowed values|constant/.test(said); // says nothing without its details
  return { path: path.slice(1).replaceAll("/", "."), said: named ? `${said} ${details}` : said };
}

async function mistakesIn(manifest) {
  const mistakes = await AppManifestUtils.validateAgainstSchema(manifest).catch((error) => [`/$schema ${error.message}. Details: `]);
  return mistakes.map(readable);
}

async function main() {
  const found = [];
  for (const manifest of JSON.parse(await text(process.stdin))) found.push(await mistakesIn(manifest));
  console.log(JSON.stringify(found));
}

main();
