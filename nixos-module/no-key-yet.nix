# The mark of a first boot without a key: which unit makes it, and what keeps a unit from starting while it is there. Such a unit has not failed, but whatever
# requires it does not start either.
rec {
  name = "sops-nix-first-boot";
  unit = "${name}.service";
  # `sops-nix status` reads it, too (src/command/host/no_key_yet.rs).
  mark = "/run/${name}/no-key-yet";
  section.AssertPathExists = [ "!${mark}" ];
}
