# Writes the Nix code of a page of the documents to files, for pages.nix:
#
#   awk -v directory=DIRECTORY -f pages.awk PAGE.md
#
# A block gets the name that the text before it says ("Write this to `flake.nix`"), or else its number: 1.nix, 2.nix; what has
# outputs is flake.nix. A block of home-manager ("```nix home-manager") is called 1-home.nix. What is no module of its own, but a
# list of settings, becomes one. Blocks with other words after `nix` are not for this project ("```nix agenix"). The plain text of a sops file ("```yaml secrets.yaml") is written to secrets.yaml.plain.

match($0, /Write this to `[^`]+\.nix`/) {
  name = substr($0, RSTART + 15, RLENGTH - 16)
}

/^```/ && inside {
  inside = 0
  if (text ~ /\n *outputs =/) name = "flake.nix"
  file = directory "/" (name != "" ? name : ++number (home ? "-home" : "") ".nix")
  if (first ~ /^[({]/) printf "%s", text > file
  else printf "{ config, lib, pkgs, sops-nix, ... }:\n{\n%s}\n", text > file
  close(file)
  name = ""
  next
}

# The plain text of a sops file.
/^```yaml [a-z.]+$/ {
  inside = 1
  name = $2 ".plain"
  first = "{"
  text = ""
  next
}

/^```nix( home-manager)?$/ {
  inside = 1
  home = /home-manager/
  text = first = ""
  next
}

inside {
  text = text $0 "\n"
  if (first == "" && $0 !~ /^ *(#|$)/) first = $0
}
