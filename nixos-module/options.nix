# The options that only NixOS has: owners, units to restart, secrets that users need to be created, and the way of activation.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:

let
  cfg = config.sops;
  inherit (lib) types;
  ownershipOptions = import ../module-common/ownership-options.nix { inherit lib; };
  sopsFileHashOption = import ../module-common/sops-file-hash-option.nix { inherit lib cfg; };

  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      utils
      ;
    phases = import ./phases.nix { inherit config lib pkgs; };
  };

  # A host key that is itself a secret cannot open secrets: it is not there yet.
  hostKeys =
    type:
    lib.optionals config.services.openssh.enable (
      map (key: key.path) (
        lib.filter (
          key: key.type == type && !lib.hasPrefix "/run/secrets" key.path
        ) config.services.openssh.hostKeys
      )
    );

  groupOf =
    what: owner:
    if owner == null then
      null
    else
      config.users.users.${owner}.group
        or (throw "${what}.owner is ${owner}, but users.users has no such user to take the group from: set ${what}.group");

  # What a secret and a template have in common: who owns the file, when it is needed, and who hears of a change.
  # `what` is the option's name for messages, `text` the option type of names.
  ownership =
    {
      config,
      what,
      # Where the file lies below the directory of its phase.
      place,
      text,
    }:
    watchFiles.optionsOf {
      file = watchFiles.ofEntry (watchFiles.ofPhase (directoryOf config)) place;
      pattern = "`/run/sops-nix/changed/secrets.d/<name>`, with `rendered/` before the name for a template, and with `secrets-for-users.d` or `secrets-for-file-systems.d` for the other phases";
    }
    // ownershipOptions {
      inherit text;
      owner = null;
      example = "nginx";
      group = groupOf what config.owner;
      groupText = "the group of `owner` in `users.users`";
    }
    // {
      restartUnits = lib.mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "nginx.service" ];
        description = "Units to restart when the content, owner, group or mode of the file changes. A name without a type means a service.";
      };

      reloadUnits = lib.mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "nginx.service" ];
        description = "Units to reload when the content, owner, group or mode of the file changes. A name without a type means a service.";
      };

      neededBy = lib.mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "myapp.service" ];
        description = ''
          Units that start after this is installed, and are restarted when it changes, as by `restartUnits`, unless `reloadUnits` names them. If only a key
          service may be able to open it, it comes once the network is there, and these units wait for `sops-nix-online.service`. If it cannot be
          installed, they start nevertheless, and are restarted once it is. A name without a type means a service.
        '';
      };

      neededForUsers = lib.mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether the file is needed before users are created (the password of a user, for instance). Such a file belongs to root, and is
          installed in `/run/secrets-for-users` instead of `/run/secrets`.
        '';
      };

      neededForFileSystems = lib.mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether the file is needed before file systems are mounted: the key of an encrypted disk in `environment.etc.crypttab.text`, or what the
          `options` of a file system name. Such a file belongs to root, and `sops-nix-for-file-systems.service` installs it in
          `/run/secrets-for-file-systems` instead of `/run/secrets`. The initrd does not have it.
        '';
      };
    };

  inherit (import ./needs.nix { inherit lib; }) isRegular;
  watchFiles = import ../module-common/watch-files.nix { inherit lib; };

  # Where the files of a phase are.
  directoryOf =
    entry:
    if entry.neededForUsers then
      cfg.secretsForUsersDir
    else if entry.neededForFileSystems then
      cfg.secretsForFileSystemsDir
    else
      cfg.secretsDir;

  secret =
    { config, name, ... }:
    {
      options =
        ownership {
          inherit config;
          what = "sops.secrets.${lib.strings.escapeNixIdentifier name}";
          place = config.name;
          text = types.str;
        }
        // {
          path = lib.mkOption {
            type = types.str;
            default = "${directoryOf config}/${config.name}";
            defaultText = lib.literalMD "`/run/secrets/<name>`, `/run/secrets-for-users/<name>` with `neededForUsers`, or `/run/secrets-for-file-systems/<name>` with `neededForFileSystems`";
            description = ''
              Where to find the secret. If you set another path than the default, a symlink to the secret or a copy of it is made there (`install`).
            '';
          };

          sopsFileHash = sopsFileHashOption config ", for use in the `restartTriggers` of a unit";
        };
    };

  template =
    { config, name, ... }:
    {
      options =
        ownership {
          inherit config;
          what = "sops.templates.${lib.strings.escapeNixIdentifier name}";
          place = "rendered/${config.name}";
          text = types.singleLineStr;
        }
        // {
          path = lib.mkOption {
            type = types.singleLineStr;
            default = "${
              if isRegular config then cfg.renderedDir else "${directoryOf config}/rendered"
            }/${config.name}";
            defaultText = lib.literalMD "`/run/secrets/rendered/<name>`, `/run/secrets-for-users/rendered/<name>` with `neededForUsers`, or `/run/secrets-for-file-systems/rendered/<name>` with `neededForFileSystems`";
            description = ''
              Where to find the rendered file. If you set another path than the default, a symlink to the file or a copy of it is made there (`install`).
            '';
          };
        };
    };

  directory =
    path: description:
    lib.mkOption {
      type = types.str;
      readOnly = true;
      default = path;
      inherit description;
    };
in
{
  options.sops = {
    secrets = lib.mkOption { type = types.attrsOf (types.submodule secret); };
    templates = lib.mkOption { type = types.attrsOf (types.submodule template); };
    directories = import ../module-common/directory-group.nix { inherit lib; };

    secretsDir = directory "/run/secrets" "Directory of the installed secrets.";
    secretsForUsersDir = directory "/run/secrets-for-users" "Directory of the installed secrets with `neededForUsers`.";
    secretsForFileSystemsDir = directory "/run/secrets-for-file-systems" "Directory of the installed secrets with `neededForFileSystems`.";
    renderedDir = directory "/run/secrets/rendered" "Directory of the rendered templates.";

    useTmpfs = lib.mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether to keep the secrets in a tmpfs instead of a ramfs. A tmpfs can be limited in size. But kernels before 6.4 may write it to swap: on
        such a kernel, use a tmpfs only with encrypted swap (`swapDevices.*.randomEncryption.enable`).
      '';
    };

    watch = watchFiles.optionOfPhases;

    useSystemdActivation = lib.mkOption {
      type = types.bool;
      default =
        ways.sysusers
        || ways.userborn
        || ways.nixosInit
        || ways.deprecatesScripts
        || cfg.age.keyCredential != null
        || cfg.after != [ ];
      defaultText = lib.literalMD "true on NixOS 26.05 and later, or if systemd-sysusers, userborn or nixos-init manages the system, or if `sops.age.keyCredential` or `sops.after` is set";
      description = ''
        Whether systemd units install the secrets, instead of activation scripts. Units wait for the file systems that hold the keys, and can
        use systemd credentials. At boot, activation scripts run before systemd, and see only file systems with `neededForBoot`.

        There are two exceptions. First, if a script makes the users, a script installs secrets with `neededForUsers`, because no unit runs
        before the users are made. Second, something may need the other secrets before any unit runs: another activation script that names
        `setupSecrets` in its `deps`, or crypttab, a local file system or `boot.postBootCommands` that names a secret. Then a script
        installs the other secrets, too, if you do not set this option. (For the last three, a unit still installs the secrets if no script
        can have the key at boot, because the key is on a file system that is mounted later, or a plugin has it.) Secrets with
        `neededForFileSystems` are always installed by a unit.

        NixOS 26.11 drops what scripts use to have units restarted on a switch.
      '';
    };

    noKeyAtFirstBoot = lib.mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the key of this host is made only in its first boot, after the secrets would be installed: sshd makes its keys then. If no key is there in that
        boot, `sops-nix.service` is not started, and has not failed; console, journal and `sops-nix status` say how to go on. Whether a missing
        key is forgiven is decided once in the life of a Nix store. After a switch and in each later boot, a key that is missing is a failure as ever, so the
        option may stay. It concerns the secrets that `sops-nix.service` installs; those with `neededForUsers` or `neededForFileSystems` fail without a key.
        It is refused where a script installs, and beside `sops.preInstall`, `sops.hostRecipients` and some others, which the assertion names.
      '';
    };

    age.keyFileMayComeLate = lib.mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether `sops.age.keyFile` may come after the secrets are installed: on a USB stick, or on a disk that somebody mounts by hand. As long as the
        file is not there, what no other key opens is deferred, as for a key service, and nothing has failed. `sops-nix-online.service` installs it when the file appears, or the file system
        that has it is mounted, and tells the units. A file that is there and opens nothing is a failure as ever. It concerns the secrets that
        `sops-nix.service` or `setupSecrets` installs; those with `neededForUsers` or `neededForFileSystems` fail without a key. It is refused
        beside `sops.age.generateKey` and `sops.noKeyAtFirstBoot`.
      '';
    };

    age.sshKeyPaths = lib.mkOption {
      default = hostKeys "ed25519";
      defaultText = lib.literalMD "the ed25519 keys of `services.openssh.hostKeys`, when `services.openssh.enable` is on";
    };

    gnupg.sshKeyPaths = lib.mkOption {
      default = hostKeys "rsa";
      defaultText = lib.literalMD "the RSA keys of `services.openssh.hostKeys`, when `services.openssh.enable` is on";
    };
  };

  config.sops.environment.SOPS_GPG_EXEC = lib.mkIf (cfg.gnupg.home != null) (
    lib.mkDefault "${cfg.gnupg.package}/bin/gpg"
  );
}
