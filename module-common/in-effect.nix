# The options under `sops` as they are in effect. If `sops.enable` is off, there are no secrets, no templates and no keys. If `sops.mock` is on, there are no
# keys, and nothing that makes them. All other options keep their values, so that a path is the same.
{ config, lib }:

let
  cfg = config.sops;
  withoutEntries = {
    secrets = { };
    templates = { };
    envFiles = { };
    directories = { };
    credentials = { };
    before = [ ];
  };
  withoutKeys = {
    after = [ ];
    preInstall = "";
    postInstall = "";
    environment = { };
    hostRecipients = [ ];
    noKeyAtFirstBoot = false;
    age = cfg.age // {
      keyFile = null;
      keyCredential = null;
      sshKeyPaths = [ ];
      plugins = [ ];
      generateKey = false;
      keyFileMayComeLate = false;
    };
    keyServices = cfg.keyServices // {
      enable = false;
    };
    gnupg = cfg.gnupg // {
      home = null;
      sshKeyPaths = [ ];
    };
  };
in
# The condition stands at each option: which options there are must not depend on it.
cfg
// lib.mapAttrs (name: nothing: if cfg.enable then cfg.${name} else nothing) withoutEntries
// lib.mapAttrs (
  name: nothing: if cfg.enable && !cfg.mock then cfg.${name} else nothing
) withoutKeys
