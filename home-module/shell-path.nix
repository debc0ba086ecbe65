# A path as a word of a shell script, with `%r` and `%%` replaced. The script has the run-time directory in `sopsRuntimeDir`.
{ lib }:

path:
lib.replaceStrings [ "%%" "%r" ] [ "%" "'\"$sopsRuntimeDir\"'" ]
  "'${lib.replaceStrings [ "'" ] [ "'\\''" ] path}'"
