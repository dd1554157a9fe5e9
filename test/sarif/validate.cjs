// Holds SARIF documents against the public schema and against themselves: node validate.cjs DIRECTORY FILE...
//
// DIRECTORY has npm's node_modules with ajv and with the schema, which @microsoft/jest-sarif ships. Prints what is wrong, a line each,
// and ends with 1 then.
const fs = require('fs');
const path = require('path');

const [directory, ...files] = process.argv.slice(2);
const modules = path.resolve(directory, 'node_modules');
const Ajv = require(path.join(modules, 'ajv'));
const schema = JSON.parse(fs.readFileSync(path.join(modules, '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8'));
// The schema is of JSON Schema's draft 4, which has "id" for "$id".
const ajv = new Ajv({ meta: false, schemaId: 'id', allErrors: true });
ajv.addMetaSchema(require(path.join(modules, 'ajv/lib/refs/json-schema-draft-04.json')));
const validate = ajv.compile(schema);

// What the schema cannot say: results name rules that are there, under their number, and a rule is there once.
function* contradictions(sarif) {
  for (const run of sarif.runs) {
    const rules = run.tool.driver.rules ?? [];
    const ids = rules.map((rule) => rule.id);
    for (const id of new Set(ids.filter((one, i) => ids.indexOf(one) !== i))) yield `rule ${id} is there twice`;
    for (const [i, result] of (run.results ?? []).entries()) {
      if (result.ruleIndex !== undefined && ids[result.ruleIndex] !== result.ruleId)
        yield `result ${i} is of ${result.ruleId}, but rule ${result.ruleIndex} is ${ids[result.ruleIndex]}`;
      if (!result.message.text) yield `result ${i} says nothing`;
    }
  }
}

let status = 0;
for (const file of files) {
  const sarif = JSON.parse(fs.readFileSync(file, 'utf8'));
  const wrong = validate(sarif)
    ? [...contradictions(sarif)]
    : validate.errors.map((error) => `${error.dataPath || 'the document'} ${error.message} ${JSON.stringify(error.params)}`);
  for (const line of wrong.slice(0, 20)) console.log(`${path.basename(file)}: ${line}`);
  if (wrong.length > 0) status = 1;
}
process.exit(status);
