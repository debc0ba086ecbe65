# The common part of the hosts in all tests: the module, sample sops files, and the test keys. The test keys are in /test-keys from
# the beginning.
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
    # These tests have the keys.
    mock = false;
    defaultSopsFile = lib.mkDefault ../../tests/nix/files/secrets.yaml;
  };
}
