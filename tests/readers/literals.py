"""Prints the values that a parser finds in a file, each in hexadecimal digits on a line of its own. The first argument is the language.
For the language "tree", prints all of a YAML file as JSON."""

import base64
import json
import sys
import urllib.parse
import xml.etree.ElementTree

language, path = sys.argv[1:]


def text():
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def lines():
    with open(path, "rb") as file:
        return file.read().splitlines()


def of_yaml():
    import yaml

    return yaml.load(text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def of_xml():
    for element in xml.etree.ElementTree.fromstring(text()):
        yield element.text or ""
        yield element.get("a")


PARSERS = {
    "json": lambda: json.loads(text()),
    "yaml": of_yaml,
    "xml": of_xml,
    "url": lambda: map(urllib.parse.unquote_to_bytes, lines()),
    "base64": lambda: (base64.b64decode(line, validate=True) for line in lines()),
}

if language == "tree":
    # As JSON, with all that is around its strings.
    import yaml

    print(json.dumps(yaml.safe_load(text())))
    sys.exit()

for value in PARSERS[language]():
    print((value if isinstance(value, bytes) else value.encode()).hex())
