# What both modules for macOS refuse, because it needs systemd.
{ cfg }:

[
  {
    assertion = cfg.age.keyCredential == null;
    message = "sops.age.keyCredential is set, but macOS has no systemd, which keeps credentials: set sops.age.keyFile.";
  }
]
