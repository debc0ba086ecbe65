# The script that looks whether this is the first boot of a host that has no key yet.
{
  config,
  lib,
  pkgs,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  phases = import ./phases.nix { inherit config lib pkgs; };
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  fileSystems = import ./file-systems.nix { inherit config lib; };
  noKeyYet = import ./no-key-yet.nix;

  keys = lib.unique keySources.paths;
  mounts = lib.unique (map (fs: fs.mountPoint) (lib.concatMap fileSystems.above keys));

  sshKeys = map toString (cfg.age.sshKeyPaths ++ cfg.gnupg.sshKeyPaths);
  sshd = config.services.openssh or { enable = false; };
  madeBySshd = lib.optionals (sshd.enable && sshd.generateHostKeys or true) (
    map (key: key.path) sshd.hostKeys
  );

  # How to make the key that is the easiest to use.
  making =
    let
      file = toString (lib.take 1 (lib.optional (cfg.age.keyFile != null) cfg.age.keyFile ++ sshKeys));
      make =
        if file == toString cfg.age.keyFile then
          "age-keygen -o"
        else if lib.elem file (map toString cfg.age.sshKeyPaths) then
          "ssh-keygen -q -t ed25519 -N '' -f"
        else
          "ssh-keygen -q -t rsa -b 4096 -N '' -f";
    in
    "mkdir -p ${lib.escapeShellArg (dirOf file)} && ${make} ${lib.escapeShellArg file}";

  adding = "add the recipient that sops-nix keys then prints to .sops.yaml, run sops updatekeys for its files, and switch";
  # Without a key in the configuration, nobody starts the unit.
  missing =
    if lib.length keys < 2 then
      "${toString keys} was not there"
    else
      "${lib.concatStringsSep ", " (lib.init keys)} and ${lib.last keys} were not there";

  words = {
    path = "'${
      lib.makeBinPath [
        pkgs.coreutils
        pkgs.gnugrep
        pkgs.systemd
        pkgs.util-linux
      ]
    }'";
    inherit (noKeyYet) mark unit;
    note = "/nix/var/sops-nix-first-boot";
    store = "/nix/store";
    profiles = "/nix/var/nix/profiles";
    running = "/run/current-system";
    keys = lib.escapeShellArgs keys;
    mounts = lib.escapeShellArgs mounts;
    links = lib.escapeShellArgs (map (phase: phase.directory) phases.all ++ [ phases.regular.ledger ]);
    cause = lib.escapeShellArg "no secret was installed in the first boot of this host, because it had no key: ${missing}";
    remedy = lib.escapeShellArg (
      if lib.intersectLists sshKeys madeBySshd != [ ] then
        "sshd makes a key when it starts: ${adding}"
      else
        "make a key, ${adding}; to make the key, run: ${making}"
    );
  };
in
pkgs.writeShellScript noKeyYet.name (
  lib.replaceStrings (map (word: "@${word}@") (lib.attrNames words)) (lib.attrValues words) (
    lib.readFile ./first-boot.sh
  )
)
