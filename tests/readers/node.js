// Prints the variables of this process whose names begin with V, each with a NUL behind it.
process.stdout.write(Object.entries(process.env).filter(([name]) => /^V\d/.test(name)).map(([name, value]) => `${name}=${value}\0`).join(''))
