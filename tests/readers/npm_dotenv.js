// Prints the variables that the npm package dotenv reads from a file, each with a NUL behind it.
const variables = require('dotenv').parse(require('fs').readFileSync(process.argv[2]))
process.stdout.write(Object.entries(variables).map(([name, value]) => `${name}=${value}\0`).join(''))
