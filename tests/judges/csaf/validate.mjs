// Run BSI's csaf-validator-lib over CSAF 2.0 files: node validate.mjs LIBRARY FILE…
// Prints one JSON object, file → names of the tests that it fails (schema and mandatory), optional ones apart.
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [library, ...files] = process.argv.slice(2)
const load = (name) => import(pathToFileURL(join(resolve(library), name)).href)
const { default: validateStrict } = await load('validateStrict.js')
const { csaf_2_0_strict: strict } = await load('schemaTests.js')
const mandatory = Object.values(await load('mandatoryTests.js'))
const optional = Object.values(await load('optionalTests.js'))

const failed = ({ tests }) => tests.filter((test) => !test.isValid).map((test) => test.name)
const warned = ({ tests }) => tests.filter((test) => test.warnings?.length).map((test) => test.name)

const verdicts = {}
for (const file of files) {
  const document = JSON.parse(await readFile(file, 'utf8'))
  const must = await validateStrict([strict, ...mandatory], document)
  const should = await validateStrict(optional, document)
  verdicts[file] = { tests: must.tests.length, failed: failed(must), warned: warned(should) }
}
console.log(JSON.stringify(verdicts))
