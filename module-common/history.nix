# The directory in which the installer notes that this host has had secrets. It is beside the Nix store, because a host may keep nothing else over a restart.
# A key that is missing is a failure on a host that has had secrets, and no failure on one that never had a key.
rec {
  above = "/nix/var";
  directory = "${above}/sops-nix";
}
