# The program that looks at the rendered text of a template that has a check. Each of its commands counts: more than one module may add some.
{ pkgs }:

template: pkgs.writeShellScript "check-template" "set -e\n${template.check}"
