# What the hosts of all tests have in common: the module, sample sops files, and the test keys under /test-keys from the first moment on.
{ sops-install-secrets }:

{ lib, ... }:

{
  imports = [ ../../nixos-module ];

  # Shared directories are mounted before the activation scripts run.
  virtualisation.sharedDirectories.test-keys = {
    source = "${../../tests/fixtures/keys}";
    target = "/test-keys";
  };

  users.users.alice = {
    isSystemUser = true;
    group = "users";
  };

  sops = {
    package = sops-install-secrets;
    defaultSopsFile = lib.mkDefault ../../tests/nix/files/secrets.yaml;
  };
}
