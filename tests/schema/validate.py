"""Reads manifests from standard input, one a line, and prints for each which rules of the schema it breaks, as a JSON list.

    validate.py SCHEMA.json
"""

import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1]) as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for line in sys.stdin:
    errors = validator.iter_errors(json.loads(line))
    print(json.dumps([f"{error.json_path}: {error.message}" for error in errors]))
