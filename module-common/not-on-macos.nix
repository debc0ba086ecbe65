# What both modules for macOS refuse, because it needs systemd. `places` are the secrets and templates, each with the units that it names.
{ cfg, places }:

map (place: {
  assertion = place.units == [ ];
  message = "${place.option} has restartUnits or reloadUnits, but macOS has no systemd: remove them on this host.";
}) places
++ map (place: {
  assertion = place.install == "link";
  message = "${place.option}.install is \"copy\", but copies are made only on Linux: set it to \"link\" on this host.";
}) places
++ [
  {
    assertion = !cfg.keyServices.enable;
    message = "sops.keyServices.enable is true, but the program that asks key services exists only for Linux: set it to false on this host.";
  }
  {
    assertion = cfg.age.keyCredential == null;
    message = "sops.age.keyCredential is set, but macOS has no systemd, which keeps credentials: set sops.age.keyFile.";
  }
]
